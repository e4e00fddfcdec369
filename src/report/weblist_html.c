/*
 * -weblist: annotated source and machine code as one HTML file that needs nothing else. The text of
 * the body is google/pprof's, column for column; the style and the script are our own: the lines
 * can be opened from the keyboard too, and the page follows the reader's dark mode.
 */
#include "report/annotate.h"

#include <inttypes.h>

static const char head[] =
	"  <style>\n"
	":root { color-scheme: light dark; --dim: #767676; --call: #1a3a8f; --code: #1b6e1b; "
	"--hover: #eee; }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"  :root { --dim: #8a8a8a; --call: #9db4ff; --code: #8fd18f; --hover: #2a2a2a; }\n"
	"}\n"
	"body { font-family: sans-serif; }\n"
	"h2 { font-size: 1.3em; }\n"
	".legend { font-size: 1.1em; }\n"
	".line, .nop, .unimportant { color: var(--dim); }\n"
	".inlinesrc { color: var(--call); }\n"
	".livesrc { cursor: pointer; }\n"
	".livesrc:hover, .livesrc:focus { background: var(--hover); }\n"
	".asm { color: var(--code); display: none; }\n"
	".livesrc.open + .asm { display: block; }\n"
	"  </style>\n"
	"  <script>\n"
	"function pprof_toggle_asm(event) {\n"
	"  const line = event.target.closest('.livesrc');\n"
	"  if (line) line.classList.toggle('open');\n"
	"}\n"
	"addEventListener('DOMContentLoaded', () => {\n"
	"  for (const line of document.querySelectorAll('.livesrc')) line.tabIndex = 0;\n"
	"});\n"
	"addEventListener('keydown', (event) => {\n"
	"  if (event.key === 'Enter') pprof_toggle_asm(event);\n"
	"});\n"
	"  </script>\n";

static void escape(struct buf *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			buf_addstr(out, "&amp;");
			break;
		case '<':
			buf_addstr(out, "&lt;");
			break;
		case '>':
			buf_addstr(out, "&gt;");
			break;
		case '"':
			buf_addstr(out, "&#34;");
			break;
		case '\'':
			buf_addstr(out, "&#39;");
			break;
		case '+':
			buf_addstr(out, "&#43;");
			break;
		default:
			buf_addch(out, *s);
		}
	}
}

static const char *after(const struct report_labels *labels, const char *prefix)
{
	size_t n = strlen(prefix);
	for (uint32_t i = 0; i < labels->n; i++) {
		if (!strncmp(labels->lines[i], prefix, n))
			return labels->lines[i] + n;
	}
	return "unknown";
}

static void write_head(const struct report *r, const struct report_labels *labels, struct buf *out)
{
	buf_addstr(out, "<!DOCTYPE html>\n<html>\n<head>\n  <meta charset=\"utf-8\">\n  <title>");
	escape(out, after(labels, "File: "));
	buf_addch(out, ' ');
	escape(out, after(labels, "Type: "));
	buf_addstr(out, "</title>\n");
	buf_addstr(out, head);
	buf_addstr(out, "</head>\n<body>\n\n<div class=\"legend\">");
	for (uint32_t i = 0; i < labels->n; i++) {
		buf_addstr(out, i ? "<br>\n" : "");
		escape(out, labels->lines[i]);
	}
	buf_addstr(out, "<br>Total: ");
	report_value(r, r->total, out);
	buf_addstr(out, "</div>");
}

static void write_place(struct buf *out, const char *file, int64_t line)
{
	buf_addstr(out, " <span class=unimportant>");
	escape(out, file);
	if (file[0])
		buf_printf(out, ":%" PRId64, line);
	buf_addstr(out, "</span>\n");
}

static void write_inst(const struct report *r, const struct weblist_inst *inst, struct buf *out)
{
	if (inst->new_block)
		buf_printf(out, " %8s %27s\xe2\x8b\xae\n", "", ""); /* "⋮" in 28 columns */
	for (uint32_t i = 0; i < inst->call_n; i++) {
		buf_printf(out, " %8s %10s %10s %8s  <span class=inlinesrc>", "", "", "", "");
		escape(out, inst->calls[i].source);
		buf_addstr(out, "</span>");
		write_place(out, inst->calls[i].file, inst->calls[i].line);
	}
	if (inst->synthetic)
		return;
	buf_printf(out, " %8s ", "");
	annotate_value(r, inst->flat, out);
	buf_addch(out, ' ');
	annotate_value(r, inst->cum, out);
	buf_printf(out, " %8" PRIx64 ": ", inst->address);
	escape(out, inst->text);
	write_place(out, inst->file, inst->line);
}

static void write_line(const struct report *r, const struct weblist_line *line, struct buf *out)
{
	static const char *const classes[] = {
		[WEBLIST_NONE] = "nop",
		[WEBLIST_NO_CODE] = "deadsrc",
		[WEBLIST_HAS_CODE] = "livesrc",
	};
	buf_printf(out, "\n<span class=line> %6" PRId64 "</span> <span class=%s>  ", line->line,
		classes[line->kind]);
	annotate_value(r, line->flat, out);
	buf_addch(out, ' ');
	annotate_value(r, line->cum, out);
	buf_printf(out, " %8s  ", "");
	escape(out, line->source);
	buf_addstr(out, " </span>");
	if (!line->inst_n)
		return;
	buf_addstr(out, "<span class=asm>");
	for (uint32_t i = 0; i < line->inst_n; i++)
		write_inst(r, &line->insts[i], out);
	buf_addstr(out, "</span>");
}

static void write_func(const struct report *r, const struct weblist_func *func, struct buf *out)
{
	buf_addstr(out, "<h2>");
	escape(out, func->name);
	buf_addstr(out, "</h2><p class=\"filename\">");
	escape(out, func->file);
	buf_addstr(out, "</p>\n<pre onClick=\"pprof_toggle_asm(event)\">\n  Total:  ");
	annotate_sums(r, func->flat, func->cum, out);
	for (uint32_t i = 0; i < func->line_n; i++)
		write_line(r, &func->lines[i], out);
	buf_addstr(out, "\n</pre>\n");
}

int report_weblist_with(
	struct report *r, const struct weblist_opts *opts, struct sink *to, struct err *err)
{
	struct weblist list;
	struct report_labels labels = {0};
	struct buf out = BUF_INIT;
	int rc = weblist_make(r, opts, &list, err);
	if (rc < 0)
		return rc;
	report_labels_profile(r, &labels);
	write_head(r, &labels, &out);
	for (uint32_t i = 0; i < list.func_n; i++)
		write_func(r, &list.funcs[i], &out);
	buf_addstr(&out, "\n</body>\n</html>\n");
	rc = to->write(to, out.data, out.len);
	report_labels_release(&labels);
	weblist_release(&list);
	buf_release(&out);
	return rc;
}

int report_weblist(struct report *r, struct sink *to, struct err *err)
{
	return report_weblist_with(r, NULL, to, err);
}
