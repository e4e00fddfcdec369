/*
 * Tables as CSV (RFC 4180, as Go's encoding/csv writes it), with warnings apart, named by the
 * spreadsheet cell they are about.
 */
#include "benchfmt/benchfmt.h"

enum { LABEL_COLS = 1, CENTER_COLS = 2, DELTA_COLS = 2 };

struct csv {
	const struct tables *t;
	const struct table *table;
	struct buf *out, *warnings;
	uint32_t line; /* from 1 */
	uint32_t col;  /* fields in the line so far */
};

static uint32_t start_col(uint32_t experiment)
{
	if (experiment == 0)
		return LABEL_COLS;
	return LABEL_COLS + CENTER_COLS + (experiment - 1) * (CENTER_COLS + DELTA_COLS);
}

static bool needs_quotes(const char *s)
{
	return strcmp(s, "\\.") == 0 || *s == ' ' || *s == '\t' || strpbrk(s, ",\"\r\n");
}

static void put(struct csv *csv, const char *s)
{
	if (csv->col++)
		buf_addch(csv->out, ',');
	if (!needs_quotes(s)) {
		buf_addstr(csv->out, s);
		return;
	}
	buf_addch(csv->out, '"');
	for (; *s; s++) {
		if (*s == '"')
			buf_addch(csv->out, '"');
		buf_addch(csv->out, *s);
	}
	buf_addch(csv->out, '"');
}

static void put_buf(struct csv *csv, struct buf *text)
{
	put(csv, text->data);
	buf_release(text);
}

static void fill_to(struct csv *csv, uint32_t col)
{
	while (csv->col < col)
		put(csv, "");
}

static void end_line(struct csv *csv)
{
	buf_addch(csv->out, '\n');
	csv->line++;
	csv->col = 0;
}

/* A spreadsheet counts A, ..., Z, AA; Go's benchstat counts A, ..., Z, BA. */
static void add_column_name(uint32_t col, struct buf *out)
{
	if (col >= 26)
		add_column_name(col / 26 - 1, out);
	buf_addch(out, (char)('A' + col % 26));
}

static void warn(struct csv *csv, const struct warnings *w)
{
	for (uint32_t i = 0; i < w->n; i++) {
		add_column_name(csv->col, csv->warnings);
		buf_printf(csv->warnings, "%u: %s\n", csv->line, w->lines[i]);
	}
}

static void put_number(struct csv *csv, double v)
{
	struct buf text = BUF_INIT;
	number_print(v, &text);
	put_buf(csv, &text);
}

static void put_header(struct csv *csv)
{
	const struct projection *proj = csv->t->col_by;
	const struct table *table = csv->table;
	const struct bench_reader *r = csv->t->projector->reader;
	uint32_t *flat = mem_array(proj->field_n + 1, sizeof(*flat));
	uint32_t n = projection_flat(proj, flat);
	for (uint32_t level = 0; level < n; level++) {
		for (uint32_t i = 0; i < table->col_n; i++) {
			fill_to(csv, start_col(i));
			put(csv, bench_str(r, projection_get(proj, table->cols[i], flat[level])));
		}
		fill_to(csv, start_col(table->col_n));
		end_line(csv);
	}
	mem_free(flat);
	for (uint32_t i = 0; i < table->col_n; i++) {
		fill_to(csv, start_col(i));
		put(csv, bench_str(r, table->unit));
		put(csv, "CI");
		if (i > 0) {
			put(csv, "vs base");
			put(csv, "P");
		}
	}
	end_line(csv);
}

static void put_cell(struct csv *csv, const struct cell *c)
{
	struct buf text = BUF_INIT;
	warn(csv, &c->warnings);
	warn(csv, &c->summary.warnings);
	put_number(csv, c->summary.center);
	summary_range(&c->summary, &text);
	put_buf(csv, &text);
	if (!c->baseline)
		return;
	warn(csv, &c->comparison.warnings);
	comparison_delta(&c->comparison, c->baseline->summary.center, c->summary.center, &text);
	put_buf(csv, &text);
	comparison_describe(&c->comparison, &text);
	put_buf(csv, &text);
}

static void put_row(struct csv *csv, uint32_t row)
{
	struct buf label = BUF_INIT;
	projection_describe(csv->t->row_by, csv->t->projector, row, &label);
	put_buf(csv, &label);
	for (uint32_t i = 0; i < csv->table->col_n; i++) {
		const struct cell *c = table_cell(csv->table, row, csv->table->cols[i]);
		if (!c)
			continue;
		fill_to(csv, start_col(i));
		put_cell(csv, c);
	}
	end_line(csv);
}

static void put_geomeans(struct csv *csv)
{
	put(csv, "geomean");
	for (uint32_t i = 0; i < csv->table->col_n; i++) {
		const struct column_summary *s = &csv->table->summaries[i];
		fill_to(csv, start_col(i));
		warn(csv, &s->warnings);
		if (s->has_summary)
			put_number(csv, s->summary);
		if (i == 0)
			continue;
		struct buf text = BUF_INIT;
		fill_to(csv, start_col(i) + CENTER_COLS);
		if (s->has_ratio)
			buf_printf(&text, "%+.2f%%", (s->ratio - 1) * 100);
		else
			buf_addch(&text, '?');
		put_buf(csv, &text);
	}
	fill_to(csv, start_col(csv->table->col_n));
	end_line(csv);
}

static void header_line(void *ctx, const char *line)
{
	struct csv *csv = ctx;
	put(csv, line);
	end_line(csv);
}

void tables_write_csv(const struct tables *t, struct buf *out, struct buf *warnings)
{
	struct csv csv = {.t = t, .out = out, .warnings = warnings, .line = 1};
	for (uint32_t i = 0; i < t->n; i++) {
		tables_each_header(t, i, header_line, &csv);
		csv.table = &t->tables[t->order[i]];
		put_header(&csv);
		for (uint32_t row = 0; row < csv.table->row_n; row++)
			put_row(&csv, csv.table->rows[row]);
		put_geomeans(&csv);
	}
}
