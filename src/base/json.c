/*
 * JSON strings; see json.h.
 */
#include "base/base.h"

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
		size_t k;
		uint32_t c = utf8_decode((const char *)p, (size_t)(end - p), &k);
		if (c == 0xfffd && k == 1)
			buf_addstr(out, "\\ufffd");
		else if (c == 0x2028 || c == 0x2029)
			buf_printf(out, "\\u%04x", c);
		else if (k == 1)
			escape(out, *p);
		else
			buf_add(out, p, k);
		p += k;
	}
	buf_addch(out, '"');
}
