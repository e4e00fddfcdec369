/*
 * Zstandard (RFC 8878), read only. libzstd is loaded when there is something to inflate.
 */
#ifndef SONDE_BASE_UNZSTD_H
#define SONDE_BASE_UNZSTD_H

static inline bool zstd_is(const void *p, size_t n)
{
	return n >= 4 && memcmp(p, "\x28\xb5\x2f\xfd", 4) == 0;
}

/* Inflates all frames of [p, n) onto `out`. ERR_LIMIT past `max` bytes, ERR_TRUNCATED, ERR_FORMAT,
 * or ERR_UNSUPPORTED where there is no libzstd. */
must_check int zstd_inflate(const void *p, size_t n, size_t max, struct buf *out, struct err *err);

#endif
