/*
 * Varints of any length, byte by byte. See varint.h.
 */
#include "gotrace/varint.h"

enum varint varint_read_slow(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	uint64_t v = 0;
	const uint8_t *s = *p;
	for (unsigned i = 0; i < VARINT_MAX; i++) {
		if (s == end)
			return VARINT_EOF;
		uint8_t byte = *s++;
		v |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (byte >= 0x80)
			continue;
		if (i == VARINT_MAX - 1 && byte > 1)
			return VARINT_OVERFLOW;
		*ret = v;
		*p = s;
		return VARINT_OK;
	}
	return VARINT_OVERFLOW;
}

const char *varint_words(enum varint status)
{
	static const char *const words[] = {
		[VARINT_OK] = "",
		[VARINT_EOF] = "EOF",
		[VARINT_OVERFLOW] = "binary: varint overflows a 64-bit integer",
	};
	return words[status];
}
