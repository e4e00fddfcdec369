/*
 * UTF-8; see utf8.h.
 */
#include "base/base.h"

uint32_t utf8_decode(const char *s, size_t n, size_t *ret_len)
{
	const unsigned char *p = (const unsigned char *)s;
	*ret_len = 1;
	if (p[0] < 0x80)
		return p[0];
	size_t len = p[0] >= 0xc2 && p[0] < 0xe0 ? 2
		     : (p[0] & 0xf0) == 0xe0	 ? 3
		     : (p[0] & 0xf8) == 0xf0	 ? 4
						 : 0;
	if (!len || len > n)
		return 0xfffd;
	uint32_t c = p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (p[i] & 0x3f);
	}
	bool overlong = (len == 3 && c < 0x800) || (len == 4 && c < 0x10000);
	if (overlong || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0xfffd;
	*ret_len = len;
	return c;
}
