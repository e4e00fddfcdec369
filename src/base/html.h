/*
 * Text that is put into HTML: element content and quoted attribute values.
 */
#ifndef SONDE_BASE_HTML_H
#define SONDE_BASE_HTML_H

/* Appends `text` with the five characters that mean something escaped. */
void html_escape(struct buf *out, const char *text);

#endif
