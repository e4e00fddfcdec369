/*
 * The columns of tables as series, for pages: a chart for each benchmark and unit with the medians,
 * their intervals, the levels between change points (changes.h), and the same in a table, for
 * whoever cannot see or wants to copy it. SVG made here, no script.
 */
#include "benchfmt/benchfmt.h"

#include <math.h>

enum {
	WIDTH = 640,
	HEIGHT = 190,
	LEFT = 64,
	RIGHT = 16,
	TOP = 22,
	BOTTOM = 26,
	TICKS_MAX = 5,
	MARKED_MAX = 150, /* with more columns than that dots would be a band */
	LABEL_CHARS = 14, /* of a column's name below the axis */
	LABEL_CHAR = 7,	  /* width of one */
};

/* One row of a table: the columns that have it. */
struct trend {
	const struct tables *tables;
	const struct table *table;
	uint32_t row, n;
	const struct cell **cells;
	uint32_t *columns; /* of the table, by cell */
	struct changes changes;
	double lo, hi; /* of the chart */
	struct unit_scale scale;
};

static void read_row(struct trend *t, struct change_finder *finder)
{
	const struct table *table = t->table;
	struct sample *series = mem_array(table->col_n + 1, sizeof(*series));
	t->cells = mem_array(table->col_n + 1, sizeof(*t->cells));
	t->columns = mem_array(table->col_n + 1, sizeof(*t->columns));
	for (uint32_t i = 0; i < table->col_n; i++) {
		const struct cell *c = table_cell(table, t->row, table->cols[i]);
		if (!c)
			continue;
		series[t->n] = c->sample;
		t->columns[t->n] = i;
		t->cells[t->n++] = c;
	}
	changes_find(finder, series, t->n, &t->changes);
	mem_free(series);
}

static void trend_release(struct trend *t)
{
	mem_free(t->cells);
	mem_free(t->columns);
	changes_release(&t->changes);
}

/* Level 0 is the one before any change; it ends before the cell level_to() gives. */
static uint32_t level_from(const struct trend *t, uint32_t i)
{
	return i ? t->changes.all[i - 1].at : 0;
}

static uint32_t level_to(const struct trend *t, uint32_t i)
{
	return i < t->changes.n ? t->changes.all[i].at : t->n;
}

/* The median of the medians. */
static double level(const struct trend *t, uint32_t i)
{
	uint32_t from = level_from(t, i), n = level_to(t, i) - from;
	double *centers = mem_array(n, sizeof(*centers));
	for (uint32_t j = 0; j < n; j++)
		centers[j] = t->cells[from + j]->summary.center;
	sample_sort(centers, n);
	double median = sample_quantile(&(struct sample){centers, n}, 0.5);
	mem_free(centers);
	return median;
}

static const char *change_class(const struct trend *t, uint32_t i)
{
	static const char *const classes[] = {"worse", "change", "better"};
	double difference = level(t, i + 1) - level(t, i);
	int up = (difference > 0) - (difference < 0);
	return classes[up * table_better(t->tables, t->table) + 1];
}

/* "+12.3%". */
static void put_change(const struct trend *t, uint32_t i, struct buf *out)
{
	double before = level(t, i), after = level(t, i + 1);
	if (before == 0)
		buf_addstr(out, "from 0");
	else
		buf_printf(out, "%+.2f%%", (after / before - 1) * 100);
}

static void put_value(const struct trend *t, double v, struct buf *out)
{
	unit_scale_print(&t->scale, v, out);
}

static void column_name(const struct trend *t, uint32_t i, struct buf *out)
{
	projection_describe(
		t->tables->col_by, t->tables->projector, t->table->cols[t->columns[i]], out);
}

static void put_column(const struct trend *t, uint32_t i, struct buf *out)
{
	struct buf name = BUF_INIT;
	column_name(t, i, &name);
	html_escape(out, name.data);
	buf_release(&name);
}

/* --- chart --- */

static bool measure(struct trend *t)
{
	t->lo = INFINITY;
	t->hi = -INFINITY;
	for (uint32_t i = 0; i < t->n; i++) {
		const struct summary *s = &t->cells[i]->summary;
		if (!isfinite(s->center))
			return false;
		t->lo = fmin(t->lo, isfinite(s->lo) ? s->lo : s->center);
		t->hi = fmax(t->hi, isfinite(s->hi) ? s->hi : s->center);
	}
	double room = t->hi > t->lo ? (t->hi - t->lo) * 0.08 : fabs(t->hi) * 0.05;
	t->lo -= room;
	t->hi += room > 0 ? room : 1;
	return isfinite(t->hi - t->lo);
}

static double x_of(const struct trend *t, uint32_t i)
{
	return LEFT + (t->columns[i] + 0.5) / t->table->col_n * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct trend *t, double v)
{
	return TOP + (t->hi - v) / (t->hi - t->lo) * (HEIGHT - TOP - BOTTOM);
}

static double tick_step(double range)
{
	double power = pow(10, floor(log10(range / TICKS_MAX)));
	double rest = range / TICKS_MAX / power;
	return power * (rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 5 ? 5 : 10);
}

/* With as many digits as tell one tick from the next. */
static struct unit_scale tick_scale(const struct trend *t, double step)
{
	struct unit_scale scale = t->scale;
	while (scale.prec < 12 && step / scale.factor < pow(10, -scale.prec))
		scale.prec++;
	return scale;
}

static void put_ticks(const struct trend *t, struct buf *out)
{
	double step = tick_step(t->hi - t->lo), first = ceil(t->lo / step);
	struct unit_scale scale = tick_scale(t, step);
	for (int i = 0; i <= TICKS_MAX && (first + i) * step <= t->hi; i++) {
		double v = (first + i) * step, y = y_of(t, v);
		buf_printf(out,
			"<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
			"<text class=\"y\" x=\"%d\" y=\"%.1f\">",
			LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4);
		unit_scale_print(&scale, v, out);
		buf_addstr(out, "</text>");
	}
}

/* What tells columns apart is mostly the last part of a path, and the beginning of that. */
static size_t short_name(const struct trend *t, uint32_t i, struct buf *out)
{
	struct buf name = BUF_INIT;
	column_name(t, i, &name);
	const char *slash = strrchr(name.data, '/'), *p = slash && slash[1] ? slash + 1 : name.data;
	size_t n = strlen(p), at = 0, chars = 0, len;
	for (; at < n && chars < LABEL_CHARS; at += len, chars++)
		utf8_decode(p + at, n - at, &len);
	buf_add(out, p, at);
	if (at < n)
		buf_addstr(out, "\xe2\x80\xa6");
	buf_release(&name);
	return chars + (at < n);
}

static double put_name(const struct trend *t, uint32_t i, double x, double free_from,
	double free_to, struct buf *out)
{
	struct buf name = BUF_INIT;
	double width = (double)short_name(t, i, &name) * LABEL_CHAR;
	bool first = i == 0, last = !first && i + 1 == t->n;
	double from = first ? x : last ? x - width : x - width / 2;
	if (from >= free_from && from + width <= free_to) {
		buf_printf(out, "<text%s text-anchor=\"%s\" x=\"%.1f\" y=\"%d\">",
			first || last ? "" : " class=\"between\"",
			first  ? "start"
			: last ? "end"
			       : "middle",
			x, HEIGHT - 8);
		html_escape(out, name.data);
		buf_addstr(out, "</text>");
		free_from = from + width + 2 * LABEL_CHAR;
	}
	buf_release(&name);
	return free_from;
}

/* Names below the axis: the first, the last, and between them as many as have room. */
static void put_names(const struct trend *t, struct buf *out)
{
	double end = WIDTH - RIGHT, free_from = put_name(t, 0, x_of(t, 0), 0, end, out);
	double free_to = end - (LABEL_CHARS + 3) * LABEL_CHAR;
	for (uint32_t i = 1; i + 1 < t->n; i++)
		free_from = put_name(t, i, x_of(t, i), free_from, free_to, out);
	if (t->n > 1)
		put_name(t, t->n - 1, end, free_from, end, out);
}

static void put_levels(const struct trend *t, struct buf *out)
{
	for (uint32_t i = 0; i <= t->changes.n; i++) {
		double y = y_of(t, level(t, i));
		buf_printf(out,
			"<line class=\"level\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
			x_of(t, level_from(t, i)) - 3, x_of(t, level_to(t, i) - 1) + 3, y, y);
	}
}

static void put_cuts(const struct trend *t, struct buf *out)
{
	for (uint32_t i = 0; i < t->changes.n; i++) {
		uint32_t at = t->changes.all[i].at;
		double x = (x_of(t, at - 1) + x_of(t, at)) / 2;
		const char *class = change_class(t, i);
		buf_printf(out,
			"<line class=\"cut %s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
			"<text class=\"cut %s\" text-anchor=\"%s\" x=\"%.1f\" y=\"%d\">",
			class, x, x, TOP - 4, HEIGHT - BOTTOM, class,
			x > WIDTH - 60 ? "end" : "middle", x, TOP - 8);
		put_change(t, i, out);
		buf_addstr(out, "</text>");
	}
}

static void put_point(const struct trend *t, uint32_t i, struct buf *out)
{
	const struct summary *s = &t->cells[i]->summary;
	double x = x_of(t, i);
	if (isfinite(s->lo) && isfinite(s->hi))
		buf_printf(out,
			"<line class=\"range\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
			x, x, y_of(t, s->hi), y_of(t, s->lo));
	buf_printf(out, "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>", x,
		y_of(t, s->center));
	put_column(t, i, out);
	buf_addstr(out, ": ");
	put_value(t, s->center, out);
	buf_addstr(out, " \xc2\xb1 ");
	summary_range(s, out);
	buf_addstr(out, "</title></circle>");
}

static void put_chart(const struct trend *t, const char *name, struct buf *out)
{
	buf_printf(out, "<svg class=\"trend\" role=\"img\" viewBox=\"0 0 %d %d\" aria-label=\"",
		WIDTH, HEIGHT);
	html_escape(out, name);
	buf_printf(out, " over %u columns, %u changes; the table below says the same\">", t->n,
		t->changes.n);
	put_ticks(t, out);
	put_names(t, out);
	put_levels(t, out);
	buf_addstr(out, "<polyline class=\"line\" points=\"");
	for (uint32_t i = 0; i < t->n; i++)
		buf_printf(out, "%.1f,%.1f ", x_of(t, i), y_of(t, t->cells[i]->summary.center));
	buf_addstr(out, "\"/>");
	for (uint32_t i = 0; i < t->n && t->n <= MARKED_MAX; i++)
		put_point(t, i, out);
	put_cuts(t, out);
	buf_addstr(out, "</svg>\n");
}

/* --- words --- */

static void put_twin_row(const struct trend *t, uint32_t i, uint32_t change, struct buf *out)
{
	const struct summary *s = &t->cells[i]->summary;
	buf_addstr(out, "<tr><th scope=\"row\">");
	put_column(t, i, out);
	buf_addstr(out, "</th><td>");
	put_value(t, s->center, out);
	buf_addstr(out, " \xc2\xb1 ");
	summary_range(s, out);
	buf_printf(out, "</td><td>%u</td>", t->cells[i]->n);
	if (change < t->changes.n && t->changes.all[change].at == i) {
		buf_printf(out, "<td class=\"%s\">", change_class(t, change));
		put_change(t, change, out);
		buf_printf(out, " (p=%.3f)</td>", t->changes.all[change].p);
	} else {
		buf_addstr(out, "<td></td>");
	}
	buf_addstr(out, "</tr>\n");
}

static void put_twin(const struct trend *t, struct buf *out)
{
	buf_printf(out,
		"<details%s><summary>Table</summary><div class=\"wide\"><table>\n<thead><tr>"
		"<th scope=\"col\">Column</th><th scope=\"col\">Value</th><th scope=\"col\">n</th>"
		"<th scope=\"col\">Change of level</th></tr></thead>\n<tbody>\n",
		isfinite(t->hi - t->lo) ? "" : " open");
	for (uint32_t i = 0, change = 0; i < t->n; i++) {
		put_twin_row(t, i, change, out);
		change += change < t->changes.n && t->changes.all[change].at == i;
	}
	buf_addstr(out, "</tbody></table></div></details>\n");
}

static void put_changes(const struct trend *t, struct buf *out)
{
	for (uint32_t i = 0; i < t->changes.n; i++) {
		buf_printf(out, "%s<span class=\"%s\">", i ? ", " : "", change_class(t, i));
		put_change(t, i, out);
		buf_addstr(out, "</span> at ");
		put_column(t, t->changes.all[i].at, out);
	}
	if (!t->changes.n)
		buf_addstr(out, "no change of level");
}

static void put_trend(struct trend *t, enum unit_class class, struct buf *out)
{
	struct buf name = BUF_INIT;
	projection_describe(t->tables->row_by, t->tables->projector, t->row, &name);
	bool drawn = measure(t);
	t->scale = unit_common_scale(&t->cells[t->n - 1]->summary.center, 1, class);
	buf_addstr(out, "<section>\n<h3>");
	html_escape(out, name.data);
	buf_addstr(out, "</h3>\n<p class=\"note\">");
	put_changes(t, out);
	buf_addstr(out, "</p>\n");
	if (drawn)
		put_chart(t, name.data, out);
	put_twin(t, out);
	buf_addstr(out, "</section>\n");
	buf_release(&name);
}

/* The heading comes with the first section. */
static uint32_t put_table(const struct tables *t, uint32_t i, struct change_finder *finder,
	bool changed_only, struct buf *out)
{
	const struct table *table = &t->tables[t->order[i]];
	const char *unit = bench_str(t->projector->reader, table->unit);
	uint32_t shown = 0;
	for (uint32_t row = 0; row < table->row_n; row++) {
		struct trend trend = {.tables = t, .table = table, .row = table->rows[row]};
		read_row(&trend, finder);
		if (trend.changes.n || !changed_only) {
			if (!shown++)
				tables_html_heading(t, i, out);
			put_trend(&trend, unit_class_of(unit), out);
		}
		trend_release(&trend);
	}
	return shown;
}

uint32_t tables_columns(const struct tables *t)
{
	uint32_t most = 0;
	for (uint32_t i = 0; i < t->n; i++)
		most = t->tables[i].col_n > most ? t->tables[i].col_n : most;
	return most;
}

void tables_html_trends(const struct tables *t, double alpha, bool changed_only, struct buf *out)
{
	struct change_finder finder;
	uint32_t shown = 0;
	change_finder_init(&finder, alpha);
	for (uint32_t i = 0; i < t->n; i++)
		shown += put_table(t, i, &finder, changed_only, out);
	change_finder_release(&finder);
	if (!shown)
		buf_printf(out, "<p>%s</p>\n",
			changed_only ? "No benchmark changed its level." : "No results.");
	buf_addstr(out,
		"<p class=\"note\">Dots are medians, upright strokes their confidence intervals, "
		"level lines the medians between changes. A change of level is marked where "
		"shuffled columns would hardly ever show the like.</p>\n");
}
