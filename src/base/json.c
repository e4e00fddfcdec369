/*
 * JSON strings; see json.h.
 */
#include "base/base.h"

/* Bytes of the valid UTF-8 sequence at s, 0 if there is none. */
static size_t sequence(const unsigned char *s, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80			 ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : (s[0] & 0xf0) == 0xe0	 ? 3
		   : (s[0] & 0xf8) == 0xf0	 ? 4
						 : 0;
	if (n < 2 || n > left)
		return n == 1 ? 1 : 0;
	uint32_t c = s[0] & (0xff >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	bool surrogate = c >= 0xd800 && c < 0xe000;
	return c < least[n] || c > 0x10ffff || surrogate ? 0 : n;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void escape(struct buf *out, unsigned char c)
{
	if (c == '"' || c == '\\')
		buf_printf(out, "\\%c", c);
	else if (c == '\n')
		buf_addstr(out, "\\n");
	else if (c == '\t')
		buf_addstr(out, "\\t");
	else
		buf_printf(out, "\\u%04x", c);
}

void json_string(struct buf *out, const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + n;
	buf_addch(out, '"');
	while (p < end) {
		const unsigned char *from = p;
		while (p < end && is_plain(*p))
			p++;
		buf_add(out, from, (size_t)(p - from));
		if (p == end)
			break;
		size_t k = sequence(p, (size_t)(end - p));
		bool separator = k == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8;
		if (k == 0)
			buf_addstr(out, "\\ufffd");
		else if (separator)
			buf_printf(out, "\\u20%02x", p[2] & 0x3f);
		else if (k == 1)
			escape(out, *p);
		else
			buf_add(out, p, k);
		p += k ? k : 1;
	}
	buf_addch(out, '"');
}
