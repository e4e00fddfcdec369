/*
 * Quoting. See quote.h.
 *
 * What is printable beyond ASCII is the C library's business, less what Go's unicode.IsPrint leaves
 * out: spaces, and characters that only format. (Rejected: Go's own tables, which are 10 KB and of
 * one version of Unicode, for names that are nearly always ASCII.)
 */
#include "gotrace/quote.h"

#include <locale.h>
#include <wctype.h>

static locale_t utf8(void)
{
	static locale_t locale;
	if (!locale)
		locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	return locale;
}

/* Categories Cf, Co and Zs, as ranges. */
static const struct {
	uint32_t first, last;
} unprintable[] = {
	{0x80, 0xa0},
	{0xad, 0xad},
	{0x600, 0x605},
	{0x61c, 0x61c},
	{0x6dd, 0x6dd},
	{0x70f, 0x70f},
	{0x890, 0x891},
	{0x8e2, 0x8e2},
	{0x1680, 0x1680},
	{0x180e, 0x180e},
	{0x2000, 0x200f},
	{0x2028, 0x202f},
	{0x205f, 0x206f},
	{0x3000, 0x3000},
	{0xd800, 0xf8ff},
	{0xfeff, 0xfeff},
	{0xfff9, 0xfffb},
	{0x110bd, 0x110bd},
	{0x110cd, 0x110cd},
	{0x13430, 0x1343f},
	{0x1bca0, 0x1bca3},
	{0x1d173, 0x1d17a},
	{0xe0001, 0xe007f},
	{0xf0000, 0x10ffff},
};

static bool is_printable(uint32_t c)
{
	if (c < 0x80)
		return c >= 0x20 && c < 0x7f;
	for (size_t i = 0; i < array_len(unprintable); i++)
		if (c >= unprintable[i].first && c <= unprintable[i].last)
			return false;
	return utf8() && iswprint_l((wint_t)c, utf8());
}

static void quote_control(uint32_t c, struct buf *out)
{
	static const char letters[] = "abtnvfr"; /* 7 to 13 */
	if (c >= 7 && c <= 13)
		buf_printf(out, "\\%c", letters[c - 7]);
	else if (c < 0x20 || c == 0x7f)
		buf_printf(out, "\\x%02x", c);
	else if (c < 0x10000)
		buf_printf(out, "\\u%04x", c);
	else
		buf_printf(out, "\\U%08x", c);
}

void go_quote(const char *s, size_t n, struct buf *out)
{
	size_t len;
	buf_addch(out, '"');
	for (size_t i = 0; i < n; i += len) {
		uint32_t c = utf8_decode(s + i, n - i, &len);
		if (c == 0xfffd && len == 1)
			buf_printf(out, "\\x%02x", (unsigned char)s[i]);
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (char)c);
		else if (is_printable(c))
			buf_add(out, s + i, len);
		else
			quote_control(c, out);
	}
	buf_addch(out, '"');
}
