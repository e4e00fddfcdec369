/*
 * Tables for programs (JSON) and for pull requests (Markdown).
 */
#include "benchfmt/benchfmt.h"

#include <math.h>

static void put_text(const char *key, const char *value, struct buf *out)
{
	buf_printf(out, "\"%s\":", key);
	json_string(out, value, strlen(value));
}

/* JSON has no infinity and no NaN. */
static void put_number(const char *key, double v, struct buf *out)
{
	buf_printf(out, "\"%s\":", key);
	if (isfinite(v))
		number_print(v, out);
	else
		buf_addstr(out, "null");
}

static void put_warnings(const struct warnings *w, bool *first, struct buf *out)
{
	for (uint32_t i = 0; i < w->n; i++) {
		buf_addstr(out, *first ? "" : ",");
		*first = false;
		json_string(out, w->lines[i], strlen(w->lines[i]));
	}
}

static void put_key(
	const struct tables *t, const struct projection *proj, uint32_t key, struct buf *out)
{
	uint32_t *flat = mem_array(proj->field_n + 1, sizeof(*flat));
	uint32_t n = projection_flat(proj, flat);
	bool first = true;
	buf_addch(out, '{');
	for (uint32_t i = 0; i < n; i++) {
		const struct projection_field *f = &proj->fields[flat[i]];
		if (f->is_unit)
			continue;
		buf_addstr(out, first ? "" : ",");
		first = false;
		json_string(out, f->name, strlen(f->name));
		const char *value =
			bench_str(t->projector->reader, projection_get(proj, key, flat[i]));
		buf_addch(out, ':');
		json_string(out, value, strlen(value));
	}
	buf_addch(out, '}');
	mem_free(flat);
}

static void put_comparison(
	const struct tables *t, const struct table *table, const struct cell *c, struct buf *out)
{
	const struct comparison *cmp = &c->comparison;
	static const char *const verdicts[] = {"worse", "none", "better"};
	buf_addstr(out, ",\"vs_base\":{");
	put_number("delta", c->summary.center / c->baseline->summary.center - 1, out);
	buf_printf(out, ",\"significant\":%s,", cmp->p > cmp->alpha ? "false" : "true");
	put_number("p", cmp->p, out);
	buf_addch(out, ',');
	put_text("verdict", verdicts[comparison_verdict(t, table, c) + 1], out);
	if (cmp->has_effect) {
		buf_addch(out, ',');
		put_number("shift", cmp->effect, out);
		buf_addch(out, ',');
		put_number("shift_lo", cmp->lo, out);
		buf_addch(out, ',');
		put_number("shift_hi", cmp->hi, out);
	}
	buf_addch(out, '}');
}

static void put_cell(const struct tables *t, const struct table *table, const struct cell *c,
	uint32_t col, struct buf *out)
{
	bool first = true;
	buf_printf(out, "{\"column\":%u,\"n\":%u,", col, c->n);
	put_number("center", c->summary.center, out);
	buf_addch(out, ',');
	put_number("lo", c->summary.lo, out);
	buf_addch(out, ',');
	put_number("hi", c->summary.hi, out);
	buf_addstr(out, ",\"values\":[");
	for (uint32_t i = 0; i < c->n; i++) {
		buf_addstr(out, i ? "," : "");
		if (isfinite(c->values[i]))
			number_print(c->values[i], out);
		else
			buf_addstr(out, "null");
	}
	buf_addch(out, ']');
	if (c->baseline)
		put_comparison(t, table, c, out);
	buf_addstr(out, ",\"warnings\":[");
	put_warnings(&c->warnings, &first, out);
	put_warnings(&c->summary.warnings, &first, out);
	put_warnings(&c->comparison.warnings, &first, out);
	buf_addstr(out, "]}");
}

static void put_rows(const struct tables *t, const struct table *table, struct buf *out)
{
	for (uint32_t i = 0; i < table->row_n; i++) {
		struct buf label = BUF_INIT;
		bool first = true;
		projection_describe(t->row_by, t->projector, table->rows[i], &label);
		buf_addstr(out, i ? ",\n  {" : "\n  {");
		put_text("name", label.data, out);
		buf_addstr(out, ",\"cells\":[");
		for (uint32_t col = 0; col < table->col_n; col++) {
			const struct cell *c = table_cell(table, table->rows[i], table->cols[col]);
			if (!c)
				continue;
			buf_addstr(out, first ? "" : ",");
			first = false;
			put_cell(t, table, c, col, out);
		}
		buf_addstr(out, "]}");
		buf_release(&label);
	}
}

static void put_geomeans(const struct table *table, struct buf *out)
{
	buf_addstr(out, "],\n \"geomean\":[");
	for (uint32_t i = 0; i < table->col_n; i++) {
		const struct column_summary *s = &table->summaries[i];
		bool first = true;
		buf_addstr(out, i ? ",{" : "{");
		put_number("center", s->has_summary ? s->summary : NAN, out);
		buf_addch(out, ',');
		put_number("ratio", s->has_ratio ? s->ratio : NAN, out);
		buf_addstr(out, ",\"warnings\":[");
		put_warnings(&s->warnings, &first, out);
		buf_addstr(out, "]}");
	}
	buf_addch(out, ']');
}

void tables_write_json(const struct tables *t, struct buf *out)
{
	buf_addstr(out, "{\"tables\":[");
	for (uint32_t i = 0; i < t->n; i++) {
		const struct table *table = &t->tables[t->order[i]];
		buf_addstr(out, i ? ",\n{" : "\n{");
		put_text("unit", bench_str(t->projector->reader, table->unit), out);
		buf_printf(out, ",\"better\":%d,\"assume\":\"%s\",\"config\":",
			unit_better(bench_str(t->projector->reader, table->unit)),
			table->assumption == ASSUME_EXACT ? "exact" : "nothing");
		put_key(t, t->table_by, table->key, out);
		buf_addstr(out, ",\n \"columns\":[");
		for (uint32_t col = 0; col < table->col_n; col++) {
			buf_addstr(out, col ? "," : "");
			put_key(t, t->col_by, table->cols[col], out);
		}
		buf_addstr(out, "],\n \"rows\":[");
		put_rows(t, table, out);
		put_geomeans(table, out);
		buf_addch(out, '}');
	}
	buf_addstr(out, "\n]}\n");
}

/* --- Markdown --- */

/* "|" would end the cell, and names are not markup. */
static void add_escaped(const char *s, struct buf *out)
{
	for (; *s; s++) {
		if (strchr("|\\`*_<>[]#", *s))
			buf_addch(out, '\\');
		buf_addch(out, *s);
	}
}

static void markdown_line(void *ctx, const char *line)
{
	if (*line) {
		add_escaped(line, ctx);
		buf_addstr(ctx, "  ");
	}
	buf_addch(ctx, '\n');
}

static void markdown_header(const struct tables *t, const struct table *table, struct buf *out)
{
	const char *unit = bench_str(t->projector->reader, table->unit);
	buf_addstr(out, "\n| ");
	add_escaped(unit, out);
	for (uint32_t i = 0; i < table->col_n; i++) {
		struct buf label = BUF_INIT;
		projection_describe(t->col_by, t->projector, table->cols[i], &label);
		buf_addstr(out, " | ");
		add_escaped(label.data, out);
		buf_addstr(out, i ? " | vs base" : "");
		buf_release(&label);
	}
	buf_addstr(out, " |\n|---");
	for (uint32_t i = 0; i < table->col_n; i++)
		buf_addstr(out, i ? "|---:|:---" : "|---:");
	buf_addstr(out, "|\n");
}

static void markdown_cell(const struct tables *t, const struct table *table, const struct cell *c,
	bool has_delta, const struct unit_scale *scale, struct buf *out)
{
	if (!c) {
		buf_addstr(out, has_delta ? " | | " : " | ");
		return;
	}
	buf_addstr(out, " | ");
	unit_scale_print(scale, c->summary.center, out);
	buf_addstr(out, " \xc2\xb1 ");
	summary_range(&c->summary, out);
	if (!has_delta)
		return;
	buf_addstr(out, " | ");
	if (!c->baseline)
		return;
	bool significant = !(c->comparison.p > c->comparison.alpha);
	struct buf delta = BUF_INIT;
	comparison_delta(&c->comparison, c->baseline->summary.center, c->summary.center, &delta);
	buf_printf(out, significant ? "**%s** (" : "%s (", delta.data);
	comparison_describe(&c->comparison, out);
	buf_addch(out, ')');
	buf_release(&delta);
}

static void markdown_row(const struct tables *t, const struct table *table, uint32_t row,
	enum unit_class class, struct buf *out)
{
	struct buf label = BUF_INIT;
	projection_describe(t->row_by, t->projector, row, &label);
	buf_addstr(out, "| ");
	add_escaped(label.data, out);
	buf_release(&label);
	double *centers = mem_array(table->col_n, sizeof(*centers));
	uint32_t n = 0;
	for (uint32_t i = 0; i < table->col_n; i++) {
		const struct cell *c = table_cell(table, row, table->cols[i]);
		if (c)
			centers[n++] = c->summary.center;
	}
	struct unit_scale scale = unit_common_scale(centers, n, class);
	for (uint32_t i = 0; i < table->col_n; i++)
		markdown_cell(t, table, table_cell(table, row, table->cols[i]), i > 0, &scale, out);
	buf_addstr(out, " |\n");
	mem_free(centers);
}

static void markdown_geomean(const struct table *table, enum unit_class class, struct buf *out)
{
	buf_addstr(out, "| geomean");
	for (uint32_t i = 0; i < table->col_n; i++) {
		const struct column_summary *s = &table->summaries[i];
		buf_addstr(out, " | ");
		if (s->has_summary) {
			struct unit_scale scale = unit_common_scale(&s->summary, 1, class);
			unit_scale_print(&scale, s->summary, out);
		}
		if (i > 0 && s->has_ratio)
			buf_printf(out, " | %+.2f%%", (s->ratio - 1) * 100);
		else if (i > 0)
			buf_addstr(out, " | ?");
	}
	buf_addstr(out, " |\n");
}

void tables_write_markdown(const struct tables *t, struct buf *out)
{
	for (uint32_t i = 0; i < t->n; i++) {
		const struct table *table = &t->tables[t->order[i]];
		enum unit_class class = unit_class_of(bench_str(t->projector->reader, table->unit));
		tables_each_header(t, i, markdown_line, out);
		markdown_header(t, table, out);
		for (uint32_t row = 0; row < table->row_n; row++)
			markdown_row(t, table, table->rows[row], class, out);
		if (table->row_n > 1)
			markdown_geomean(table, class, out);
	}
}
