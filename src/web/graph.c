/*
 * A call graph on its way to Graphviz, for the page that has to draw whatever a profile names.
 *
 * dot gives up on a string past 16,384 bytes and on some that are no UTF-8, and then nothing is
 * drawn. So strings are cut here, each line of theirs by itself, for a long name not to take the
 * value below it along, and what is no text is U+FFFD. (Rejected: cutting names in the report,
 * whose text is google/pprof's to the byte.)
 */
#include "web/internal.h"

enum {
	LABEL_LINE_LIMIT = 200, /* bytes: a box as wide as a long name leaves nothing to be read */
	LINE_LIMIT = 4000,	/* of tooltips, which menus take the names from */
	STRING_LIMIT = 12000,
};

struct cleaner {
	struct buf *out;
	size_t line, string; /* bytes of this one so far */
	size_t line_limit;
	bool in_string, cut;
};

/* The length of what stands at s and cannot be parted: an escape, a character. */
static size_t next_piece(const char *s, size_t n, bool *ret_text)
{
	size_t len;
	uint32_t c = utf8_decode(s, n, &len);
	*ret_text = !(c == 0xfffd && len == 1) && c >= ' ' && c != 0x7f;
	return *s == '\\' && n > 1 ? 2 : len;
}

static bool is_line_end(const char *s, size_t n)
{
	return n == 2 && *s == '\\' && (s[1] == 'n' || s[1] == 'l' || s[1] == 'r');
}

/* The end of a line is kept even of a line that was cut. */
static void put_piece(struct cleaner *c, const char *s, size_t n, bool text)
{
	bool end = is_line_end(s, n);
	c->line = end ? 0 : c->line + n;
	c->string += n;
	if (c->line > c->line_limit || c->string > STRING_LIMIT) {
		if (!c->cut)
			buf_addstr(c->out, "…");
		c->cut = true;
		c->string -= n;
		return;
	}
	c->cut = false;
	if (text)
		buf_add(c->out, s, n);
	else
		buf_addstr(c->out, "\xef\xbf\xbd");
}

static bool is_label(const struct buf *before)
{
	static const char *const names[] = {"label=", "label = "};
	for (size_t i = 0; i < array_len(names); i++) {
		size_t n = strlen(names[i]);
		if (before->len >= n && memcmp(before->data + before->len - n, names[i], n) == 0)
			return true;
	}
	return false;
}

void web_clean_graph(const struct buf *graph, struct buf *out)
{
	struct cleaner c = {.out = out};
	for (size_t i = 0, n; i < graph->len; i += n) {
		const char *s = graph->data + i;
		bool text = true;
		n = c.in_string ? next_piece(s, graph->len - i, &text) : 1;
		if (*s == '"') {
			c = (struct cleaner){
				.out = out,
				.in_string = !c.in_string,
				.line_limit = is_label(out) ? LABEL_LINE_LIMIT : LINE_LIMIT,
			};
			buf_addch(out, '"');
		} else if (c.in_string) {
			put_piece(&c, s, n, text);
		} else {
			buf_addch(out, *s);
		}
	}
}
