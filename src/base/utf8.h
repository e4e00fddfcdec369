/*
 * UTF-8, decoded as Go does: a byte that begins no valid sequence is U+FFFD by itself.
 */
#ifndef SONDE_BASE_UTF8_H
#define SONDE_BASE_UTF8_H

/* The code point at s (n > 0 bytes) and its length. U+FFFD of length 1: the byte is no UTF-8 (the
 * real U+FFFD has length 3). */
uint32_t utf8_decode(const char *s, size_t n, size_t *ret_len);

#endif
