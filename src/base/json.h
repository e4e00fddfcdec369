/*
 * Writing JSON: strings, the one part of it that is easy to get wrong.
 */
#ifndef SONDE_BASE_JSON_H
#define SONDE_BASE_JSON_H

/* `s` in quotes. Control characters, quotes, backslashes, and "<", ">", "&", U+2028 and U+2029 are
 * escaped, so that the text may stand inside a <script> element; bytes that are no UTF-8 become
 * U+FFFD. */
void json_string(struct buf *out, const char *s, size_t n);

#endif
