/*
 * gzip (RFC 1952): whole buffers in, whole buffers out; several members in a row are one stream.
 */
#ifndef SONDE_BASE_GZIP_H
#define SONDE_BASE_GZIP_H

static inline bool gzip_is(const void *p, size_t n)
{
	const uint8_t *s = p;
	return n >= 2 && s[0] == 0x1f && s[1] == 0x8b;
}

/* Inflates all members of [p, n) onto `out`. ERR_LIMIT past `max` bytes (a bomb), ERR_TRUNCATED or
 * ERR_FORMAT with the compressed offset of the member that is bad. What was inflated before the
 * error stays in `out`. */
must_check int gzip_inflate(const void *p, size_t n, size_t max, struct buf *out, struct err *err);

/* One member, level 0 to 9. No name, no time: the same input gives the same bytes. */
void gzip_deflate(const void *p, size_t n, int level, struct buf *out);
/* The same, three times as fast (libdeflate), with memory that is not the thread's heap's: for the
 * sonde command only. */
void gzip_deflate_fast(const void *p, size_t n, int level, struct buf *out);

#endif
