/*
 * Unicode; see unicode.h. Classes come from libc's C.UTF-8 locale, which glibc carries within
 * itself.
 */
#include "benchfmt/unicode.h"

#include <locale.h>
#include <wctype.h>

uint32_t unicode_decode(const char *s, size_t n, size_t *ret_len)
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

bool unicode_is_space(uint32_t c)
{
	if (c < 0x80)
		return c == ' ' || (c >= '\t' && c <= '\r');
	return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static locale_t utf8(void)
{
	static locale_t locale;
	if (!locale)
		locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return locale;
}

bool unicode_is_lower(uint32_t c)
{
	if (c < 0x80)
		return c >= 'a' && c <= 'z';
	return utf8() && iswlower_l((wint_t)c, utf8());
}

bool unicode_is_upper(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z';
	return utf8() && iswupper_l((wint_t)c, utf8());
}

bool unicode_is_graphic(uint32_t c)
{
	if (c < 0x80)
		return c >= 0x20 && c < 0x7f;
	return !utf8() || iswprint_l((wint_t)c, utf8());
}

size_t unicode_length(const char *s)
{
	size_t n = strlen(s), count = 0, len;
	for (size_t i = 0; i < n; i += len, count++)
		unicode_decode(s + i, n - i, &len);
	return count;
}
