/*
 * Tables as one self-contained HTML page: the numbers of the text, and beside each the distribution
 * they stand for, drawn as SVG: every value a dot, the box its quartiles, the bar its confidence
 * interval. No script; light and dark by the reader's preference.
 */
#include "benchfmt/benchfmt.h"

#include <math.h>

enum {
	PLOT_WIDTH = 260,
	LANE = 16,
	BESIDE_MAX = 4, /* columns side by side; more stand one below the other */
};

static const char head[] =
	"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	"'unsafe-inline'\">\n"
	"<title>benchstat</title>\n<style>\n";

const char tables_style[] =
	":root{color-scheme:light dark;--paper:#fbfaf8;--ink:#1d1c1a;--quiet:#65625c;"
	"--line:#dedad3;--dot:#0b62c4;--box:#0b62c433;--good:#0a6b4f;--bad:#a3300b}\n"
	"@media(prefers-color-scheme:dark){:root{--paper:#17181b;--ink:#e9e7e2;--quiet:#a3a098;"
	"--line:#34353a;--dot:#7db4ff;--box:#7db4ff33;--good:#58c9a3;--bad:#ff9a6e}}\n"
	"body{margin:24px auto;max-width:1200px;padding:0 20px;background:var(--paper);"
	"color:var(--ink);font:14px/1.45 system-ui,sans-serif}\n"
	"h1{font-size:18px}h2{font-size:15px;margin:28px 0 6px}h3{font-size:14px;margin:20px 0 0;"
	"overflow-wrap:anywhere}.config{color:var(--quiet);margin:0}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;"
	"font-variant-numeric:tabular-nums}\n"
	"th,td{padding:4px 12px;text-align:right;border-bottom:1px solid var(--line);"
	"vertical-align:top;white-space:nowrap}\n"
	"th:first-child,td:first-child{text-align:left}"
	"thead th{color:var(--quiet);font-weight:600;white-space:normal;overflow-wrap:anywhere;"
	"min-width:6em}\n"
	"tfoot td{font-weight:600}.better{color:var(--good);font-weight:600}"
	".worse{color:var(--bad);font-weight:600}.change{font-weight:600}\n"
	".note{color:var(--quiet);font-size:12.5px;font-weight:400;"
	"margin:0}.plot{text-align:left}"
	"svg{display:block}.dot{fill:var(--dot);fill-opacity:.55}\n"
	".box{fill:var(--box);stroke:var(--dot)}.mid{stroke:var(--dot);stroke-width:2}"
	".ci{stroke:var(--ink);stroke-width:2}text{fill:var(--quiet);font-size:12px}\n"
	".trend{width:100%;max-width:760px;height:auto}.y{text-anchor:end}"
	".grid{stroke:var(--line)}.line{fill:none;stroke:var(--dot);stroke-opacity:.6}"
	".point{fill:var(--dot)}.range{stroke:var(--dot);stroke-width:1.5}"
	".level{stroke:var(--ink);stroke-width:2;stroke-opacity:.45}\n"
	"line.cut{stroke:var(--ink);stroke-dasharray:4 3}line.better{stroke:var(--good)}"
	"line.worse{stroke:var(--bad)}text.cut{fill:var(--ink);font-weight:600}"
	"text.better{fill:var(--good)}text.worse{fill:var(--bad)}\n"
	"@media(max-width:600px){.trend text{font-size:15px}.trend .between{display:none}}\n"
	"nav a{color:inherit;margin-right:16px}nav a[aria-current]{font-weight:600;"
	"text-decoration:none}summary{color:var(--quiet);font-size:12.5px;cursor:pointer}\n"
	"a:focus-visible,summary:focus-visible{outline:2px solid var(--dot);outline-offset:2px}\n";

static void put_label(
	const struct tables *t, const struct projection *proj, uint32_t key, struct buf *out)
{
	struct buf label = BUF_INIT;
	projection_describe(proj, t->projector, key, &label);
	html_escape(out, label.data);
	buf_release(&label);
}

struct extent {
	double lo, hi;
};

static struct extent extent_of(const struct table *table, uint32_t row)
{
	struct extent e = {INFINITY, -INFINITY};
	for (uint32_t i = 0; i < table->col_n; i++) {
		const struct cell *c = table_cell(table, row, table->cols[i]);
		if (!c)
			continue;
		e.lo = fmin(e.lo, c->values[0]);
		e.hi = fmax(e.hi, c->values[c->n - 1]);
	}
	return e;
}

static double place(const struct extent *e, double v)
{
	if (!(e->hi > e->lo))
		return PLOT_WIDTH / 2.0;
	double x = 6 + (v - e->lo) / (e->hi - e->lo) * (PLOT_WIDTH - 12);
	return x < 0 ? 0 : x > PLOT_WIDTH ? PLOT_WIDTH : x;
}

/* One lane a column: dots, quartile box, median, confidence interval. */
static void put_lane(const struct cell *c, const struct extent *e, int y, struct buf *out)
{
	double q1 = place(e, sample_quantile(&c->sample, 0.25)),
	       q3 = place(e, sample_quantile(&c->sample, 0.75));
	uint32_t step = c->n / 200 + 1;
	buf_printf(out, "<rect class=\"box\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"8\"/>", q1,
		y + 3, fmax(q3 - q1, 1));
	for (uint32_t i = 0; i < c->n; i += step)
		buf_printf(out, "<circle class=\"dot\" cx=\"%.1f\" cy=\"%d\" r=\"2\"/>",
			place(e, c->values[i]), y + 7);
	double mid = place(e, c->summary.center);
	buf_printf(out, "<line class=\"mid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", mid,
		mid, y + 1, y + 13);
	if (isfinite(c->summary.lo) && isfinite(c->summary.hi))
		buf_printf(out, "<line class=\"ci\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>",
			place(e, c->summary.lo), place(e, c->summary.hi), y + 14, y + 14);
}

/* The columns from `from` to before `to`, a lane each, all on the scale of the row. */
static void put_plot(const struct tables *t, const struct table *table, uint32_t row, uint32_t from,
	uint32_t to, struct buf *out)
{
	struct extent e = extent_of(table, row);
	if (!isfinite(e.lo) || !isfinite(e.hi)) {
		buf_addstr(out, "<td></td>");
		return;
	}
	buf_printf(out, "<td><svg role=\"img\" width=\"%d\" height=\"%u\" aria-label=\"values of ",
		PLOT_WIDTH, (to - from) * LANE);
	put_label(t, t->row_by, row, out);
	buf_addstr(out, ", one line a column\">");
	for (uint32_t i = from; i < to; i++) {
		const struct cell *c = table_cell(table, row, table->cols[i]);
		if (c)
			put_lane(c, &e, (int)((i - from) * LANE), out);
	}
	buf_addstr(out, "</svg></td>");
}

static void put_note(const struct warnings *w, struct buf *out)
{
	for (uint32_t i = 0; i < w->n; i++) {
		buf_addstr(out, "<div class=\"note\">");
		html_escape(out, w->lines[i]);
		buf_addstr(out, "</div>");
	}
}

static void put_delta(
	const struct tables *t, const struct table *table, const struct cell *c, struct buf *out)
{
	static const char *const classes[] = {"worse", "", "better"};
	buf_printf(out, "<td class=\"%s\">", classes[comparison_verdict(t, table, c) + 1]);
	comparison_delta(&c->comparison, c->baseline->summary.center, c->summary.center, out);
	buf_addstr(out, "<div class=\"note\">");
	comparison_describe(&c->comparison, out);
	if (c->comparison.has_effect && isfinite(c->comparison.lo))
		buf_printf(out, "; shift %+.2f%% to %+.2f%%", c->comparison.lo * 100,
			c->comparison.hi * 100);
	buf_addstr(out, "</div>");
	put_note(&c->comparison.warnings, out);
	buf_addstr(out, "</td>");
}

/* The value of a column, and for all but the first how it differs from that. */
static void put_cell(const struct tables *t, const struct table *table, uint32_t row, uint32_t col,
	struct buf *out)
{
	const struct cell *c = table_cell(table, row, table->cols[col]);
	if (!c) {
		buf_addstr(out, col ? "<td></td><td></td>" : "<td></td>");
		return;
	}
	enum unit_class class = unit_class_of(bench_str(t->projector->reader, table->unit));
	struct unit_scale scale = unit_common_scale(&c->summary.center, 1, class);
	buf_addstr(out, "<td>");
	unit_scale_print(&scale, c->summary.center, out);
	buf_addstr(out, " \xc2\xb1 ");
	summary_range(&c->summary, out);
	put_note(&c->warnings, out);
	put_note(&c->summary.warnings, out);
	buf_addstr(out, "</td>");
	if (c->baseline)
		put_delta(t, table, c, out);
	else if (col > 0)
		buf_addstr(out, "<td></td>");
}

static void put_geomean(
	const struct tables *t, const struct table *table, uint32_t col, struct buf *out)
{
	enum unit_class class = unit_class_of(bench_str(t->projector->reader, table->unit));
	const struct column_summary *s = &table->summaries[col];
	buf_addstr(out, "<td>");
	if (s->has_summary) {
		struct unit_scale scale = unit_common_scale(&s->summary, 1, class);
		unit_scale_print(&scale, s->summary, out);
	}
	put_note(&s->warnings, out);
	buf_addstr(out, "</td>");
	if (col > 0 && s->has_ratio)
		buf_printf(out, "<td>%+.2f%%</td>", (s->ratio - 1) * 100);
	else if (col > 0)
		buf_addstr(out, "<td>?</td>");
}

/* --- columns side by side --- */

static void put_table(const struct tables *t, const struct table *table, struct buf *out)
{
	buf_addstr(out, "<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Benchmark</th>");
	for (uint32_t i = 0; i < table->col_n; i++) {
		buf_addstr(out, "<th scope=\"col\">");
		put_label(t, t->col_by, table->cols[i], out);
		buf_addstr(out, i ? "</th><th scope=\"col\">vs base</th>" : "</th>");
	}
	buf_addstr(
		out, "<th scope=\"col\" class=\"plot\">Distribution</th></tr></thead>\n<tbody>\n");
	for (uint32_t row = 0; row < table->row_n; row++) {
		buf_addstr(out, "<tr><th scope=\"row\">");
		put_label(t, t->row_by, table->rows[row], out);
		buf_addstr(out, "</th>");
		for (uint32_t i = 0; i < table->col_n; i++)
			put_cell(t, table, table->rows[row], i, out);
		put_plot(t, table, table->rows[row], 0, table->col_n, out);
		buf_addstr(out, "</tr>\n");
	}
	buf_addstr(out, "</tbody>\n");
	if (table->row_n > 1) {
		buf_addstr(out, "<tfoot><tr><td>geomean</td>");
		for (uint32_t i = 0; i < table->col_n; i++)
			put_geomean(t, table, i, out);
		buf_addstr(out, "<td></td></tr></tfoot>\n");
	}
	buf_addstr(out, "</table></div>\n");
}

/* --- one below the other, a table for each benchmark --- */

static void begin_stack(struct buf *out)
{
	buf_addstr(out,
		"</h3>\n<div class=\"wide\"><table>\n<thead><tr>"
		"<th scope=\"col\">Column</th><th scope=\"col\">Value</th>"
		"<th scope=\"col\">vs base</th><th scope=\"col\" class=\"plot\">Distribution</th>"
		"</tr></thead>\n<tbody>\n");
}

static void put_stack_label(
	const struct tables *t, const struct table *table, uint32_t col, struct buf *out)
{
	buf_addstr(out, "<tr><th scope=\"row\">");
	put_label(t, t->col_by, table->cols[col], out);
	buf_addstr(out, "</th>");
}

static void put_stack(
	const struct tables *t, const struct table *table, uint32_t row, struct buf *out)
{
	buf_addstr(out, "<h3>");
	put_label(t, t->row_by, row, out);
	begin_stack(out);
	for (uint32_t i = 0; i < table->col_n; i++) {
		put_stack_label(t, table, i, out);
		put_cell(t, table, row, i, out);
		buf_addstr(out, i ? "" : "<td></td>");
		put_plot(t, table, row, i, i + 1, out);
		buf_addstr(out, "</tr>\n");
	}
	buf_addstr(out, "</tbody></table></div>\n");
}

static void put_stacks(const struct tables *t, const struct table *table, struct buf *out)
{
	for (uint32_t row = 0; row < table->row_n; row++)
		put_stack(t, table, table->rows[row], out);
	if (table->row_n < 2)
		return;
	buf_addstr(out, "<h3>geomean");
	begin_stack(out);
	for (uint32_t i = 0; i < table->col_n; i++) {
		put_stack_label(t, table, i, out);
		put_geomean(t, table, i, out);
		buf_addstr(out, i ? "<td></td></tr>\n" : "<td></td><td></td></tr>\n");
	}
	buf_addstr(out, "</tbody></table></div>\n");
}

static void header_line(void *ctx, const char *line)
{
	if (!*line)
		return;
	buf_addstr(ctx, "<p class=\"config\">");
	html_escape(ctx, line);
	buf_addstr(ctx, "</p>\n");
}

void tables_html_heading(const struct tables *t, uint32_t i, struct buf *out)
{
	buf_addstr(out, "<h2>");
	html_escape(out, bench_str(t->projector->reader, t->tables[t->order[i]].unit));
	buf_addstr(out, "</h2>\n");
	tables_each_header(t, i, header_line, out);
}

void tables_html_comparison(const struct tables *t, struct buf *out)
{
	for (uint32_t i = 0; i < t->n; i++) {
		tables_html_heading(t, i, out);
		const struct table *table = &t->tables[t->order[i]];
		if (table->col_n <= BESIDE_MAX)
			put_table(t, table, out);
		else
			put_stacks(t, table, out);
	}
	if (!t->n)
		buf_addstr(out, "<p>No results.</p>\n");
	buf_addstr(out, "<p class=\"note\">Dots are measurements, boxes quartiles, the upright "
			"stroke the median, the line below its confidence interval. A change is "
			"named when the Mann-Whitney test finds it significant.</p>\n");
}

void tables_write_html(const struct tables *t, bool trends, double alpha, struct buf *out)
{
	buf_addstr(out, head);
	buf_addstr(out, tables_style);
	buf_addstr(out, "</style>\n</head>\n<body>\n<h1>Benchmark comparison</h1>\n");
	tables_html_comparison(t, out);
	if (trends) {
		buf_addstr(out, "<h1>Trends</h1>\n");
		tables_html_trends(t, alpha, false, out);
	}
	buf_addstr(out, "</body>\n</html>\n");
}
