/*
 * /ui/source: annotated source, the machine code of a line under it where a binary is at hand. A
 * line with code is a <details>: it opens by mouse and keyboard and needs no script.
 *
 * The profile says which files these are, and a profile may come from anywhere: only files that
 * really lie under the source path (-source_path, else the directory the server was started in) are
 * shown, whatever links and ".." their names hold. (google/pprof shows any file the profile names.)
 */
#include "web/internal.h"

#include <inttypes.h>

enum {
	FILES_MAX = 50, /* as google/pprof */
};

/* "." for nothing, in a column. */
static void put_value(const struct report *r, int64_t value, struct buf *out)
{
	buf_addch(out, ' ');
	if (value)
		report_value_padded(r, value, 10, out);
	else
		buf_addstr(out, "         .");
}

static void put_place(struct buf *out, const char *file, int64_t line)
{
	if (!*file)
		return;
	buf_addstr(out, " <i>");
	html_escape(out, file);
	buf_printf(out, ":%" PRId64 "</i>", line);
}

static void put_inst(const struct report *r, const struct weblist_inst *inst, struct buf *out)
{
	if (inst->new_block)
		buf_addstr(out, "                              ⋮\n");
	for (uint32_t i = 0; i < inst->call_n; i++) {
		buf_printf(out, "%40s<b>", "");
		html_escape(out, inst->calls[i].source);
		buf_addstr(out, "</b>");
		put_place(out, inst->calls[i].file, inst->calls[i].line);
		buf_addch(out, '\n');
	}
	if (inst->synthetic)
		return;
	buf_printf(out, "%7s", "");
	put_value(r, inst->flat, out);
	put_value(r, inst->cum, out);
	buf_printf(out, " %8" PRIx64 ": ", inst->address);
	html_escape(out, inst->text);
	put_place(out, inst->file, inst->line);
	buf_addch(out, '\n');
}

static void put_line_text(const struct report *r, const struct weblist_line *line, struct buf *out)
{
	buf_printf(out, "<u>%7" PRId64 "</u>", line->line);
	put_value(r, line->flat, out);
	put_value(r, line->cum, out);
	buf_addstr(out, "  ");
	html_escape(out, line->source);
}

static void put_line(const struct report *r, const struct weblist_line *line, struct buf *out)
{
	static const char *const classes[] = {
		[WEBLIST_NONE] = "cold",
		[WEBLIST_NO_CODE] = "hot",
		[WEBLIST_HAS_CODE] = "hot",
	};
	if (!line->inst_n) {
		buf_printf(out, "<div class=\"%s\">", classes[line->kind]);
		put_line_text(r, line, out);
		buf_addstr(out, "</div>\n");
		return;
	}
	buf_printf(out, "<details class=\"%s\"><summary>", classes[line->kind]);
	put_line_text(r, line, out);
	buf_addstr(out, "</summary><div class=\"code\">");
	for (uint32_t i = 0; i < line->inst_n; i++)
		put_inst(r, &line->insts[i], out);
	buf_addstr(out, "</div></details>\n");
}

static void put_error(const char *error, struct buf *out)
{
	buf_addstr(out, "<p class=\"note\">");
	html_escape(out, error);
	buf_addstr(out, ". Files are shown if they lie under the source path: start with "
			"<code>-source_path</code>, and <code>-trim_path</code> for names of "
			"another machine.</p>");
}

static void put_func(const struct report *r, const struct weblist_func *func, struct buf *out)
{
	buf_addstr(out, "<section><h2>");
	html_escape(out, func->name);
	buf_addstr(out, "</h2><p class=\"legend\">");
	html_escape(out, func->file);
	buf_addstr(out, "</p>");
	if (func->error)
		put_error(func->error, out);
	buf_addstr(out, "\n<div class=\"source\" tabindex=\"0\"><div>  Total");
	put_value(r, func->flat, out);
	put_value(r, func->cum, out);
	buf_addstr(out, "  (flat, cum) ");
	unit_percentage(func->cum, r->total, out);
	buf_addstr(out, "</div>\n");
	for (uint32_t i = 0; i < func->line_n; i++)
		put_line(r, &func->lines[i], out);
	buf_addstr(out, "</div></section>\n");
}

int web_put_source(struct report *r, struct buf *out, struct err *err)
{
	static const struct weblist_opts opts = {.files_max = FILES_MAX, .confine_sources = true};
	struct weblist list;
	int rc = weblist_make(r, &opts, &list, err);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < list.func_n; i++)
		put_func(r, &list.funcs[i], out);
	weblist_release(&list);
	return 0;
}
