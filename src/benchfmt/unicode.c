/*
 * Unicode; see unicode.h. Classes come from libc's C.UTF-8 locale, which glibc carries within
 * itself.
 */
#include "benchfmt/unicode.h"

#include <locale.h>
#include <wctype.h>

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
		utf8_decode(s + i, n - i, &len);
	return count;
}
