/*
 * Varints as Go's encoding/binary reads them, and its words for those it cannot. Private to gotrace.
 *
 * Go up to 1.19 says EOF as well where a varint breaks off, and "unexpected EOF" since; the verdicts
 * this layer is held to are by the former.
 */
#ifndef SONDE_GOTRACE_VARINT_H
#define SONDE_GOTRACE_VARINT_H

#include "base/base.h"

#define VARINT_MAX 10 /* bytes */

enum varint {
	VARINT_OK,
	VARINT_EOF,	 /* it is not there, or breaks off */
	VARINT_OVERFLOW, /* more than 64 bits */
};

enum varint varint_read_slow(const uint8_t **p, const uint8_t *end, uint64_t *ret);

/* From [*p, end); *p is moved past it if that went well. */
static inline enum varint varint_read(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	const uint8_t *s = *p;
	if (end - s >= 2) {
		if (s[0] < 0x80) {
			*ret = s[0];
			*p = s + 1;
			return VARINT_OK;
		}
		if (s[1] < 0x80) {
			*ret = (uint64_t)(s[0] & 0x7f) | (uint64_t)s[1] << 7;
			*p = s + 2;
			return VARINT_OK;
		}
	}
	return varint_read_slow(p, end, ret);
}

const char *varint_words(enum varint status);

#endif
