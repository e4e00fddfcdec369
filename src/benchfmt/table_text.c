/*
 * Tables as text, in benchstat's columns.
 *
 * The text's layout is that of benchstat's internal/texttab: cells that span columns widen the
 * columns below them only when what lies there is too narrow, the widest last.
 */
#include "benchfmt/benchfmt.h"

#include "benchfmt/unicode.h"

#include <stdlib.h>

enum align { ALIGN_LEFT, ALIGN_CENTER, ALIGN_RIGHT };

struct text_cell {
	int row, col, span;
	char *value;
	const char *margin; /* to its left; the column's is the widest of them */
	enum align align;
	uint32_t serial;
};

struct text_table {
	struct text_cell *cells;
	uint32_t n, cap;
	int cols, row, col;
	bool *shrink; /* columns that do not grow for a spanning cell */
	uint32_t shrink_n, shrink_cap;
};

static void text_row(struct text_table *t)
{
	t->row += t->n > 0;
	t->col = 0;
}

static void text_span(
	struct text_table *t, int span, const char *value, enum align align, const char *margin)
{
	if (!margin)
		margin = t->col == 0 || !*value ? "" : " ";
	struct text_cell cell = {t->row, t->col, span, mem_strdup(value), margin, align, t->n};
	vec_push(t->cells, t->n, t->cap, cell);
	t->col += span;
	if (t->col > t->cols)
		t->cols = t->col;
}

static void text_cell(struct text_table *t, const char *value, enum align align, const char *margin)
{
	text_span(t, 1, value, align, margin);
}

static void text_shrink(struct text_table *t, int col)
{
	while (t->shrink_n < (uint32_t)col + 1)
		vec_push(t->shrink, t->shrink_n, t->shrink_cap, false);
	t->shrink[col] = true;
}

static int narrow_first(const void *a, const void *b)
{
	const struct text_cell *x = a, *y = b;
	if (x->span != y->span)
		return x->span - y->span;
	return x->serial < y->serial ? -1 : 1;
}

static int reading_order(const void *a, const void *b)
{
	const struct text_cell *x = a, *y = b;
	return x->row != y->row ? x->row - y->row : x->col - y->col;
}

/* Spreads what a spanning cell lacks over its columns, the widest first. */
static void widen(const struct text_table *t, const struct text_cell *cell, int need, int *widths)
{
	int have = 0, n = 0;
	for (int col = cell->col; col < cell->col + cell->span; col++)
		have += widths[col];
	if (have >= need)
		return;
	int *cols = mem_array((size_t)cell->span, sizeof(*cols));
	for (int col = cell->col; col < cell->col + cell->span; col++) {
		if ((uint32_t)col < t->shrink_n && t->shrink[col]) {
			need -= widths[col];
			continue;
		}
		int i = n++;
		for (; i > 0 && widths[cols[i - 1]] < widths[col]; i--)
			cols[i] = cols[i - 1];
		cols[i] = col;
	}
	for (int i = 0; i < n; i++) {
		int share = (need + n - i - 1) / (n - i);
		if (share > widths[cols[i]])
			widths[cols[i]] = share;
		need -= widths[cols[i]];
	}
	mem_free(cols);
}

static bool is_blank(const char *s)
{
	return s[strspn(s, " \t")] == '\0';
}

/* Padding on the left, by characters. */
static size_t add_padded(struct buf *out, const char *s, int width, enum align align)
{
	int len = (int)unicode_length(s), pad = 0;
	if (align == ALIGN_CENTER)
		pad = (width - len) / 2;
	else if (align == ALIGN_RIGHT)
		pad = width - len;
	buf_fill(out, ' ', pad > 0 ? (size_t)pad : 0);
	buf_addstr(out, s);
	return (size_t)(len + (pad > 0 ? pad : 0));
}

static void text_format(struct text_table *t, struct buf *out)
{
	int *margins = mem_zalloc(((size_t)t->cols + 1) * sizeof(int));
	int *widths = mem_zalloc(((size_t)t->cols + 1) * sizeof(int));
	int *offsets = mem_zalloc(((size_t)t->cols + 1) * sizeof(int));
	for (uint32_t i = 0; i < t->n; i++) {
		int len = (int)unicode_length(t->cells[i].margin);
		if (len > margins[t->cells[i].col])
			margins[t->cells[i].col] = len;
	}
	qsort(t->cells, t->n, sizeof(*t->cells), narrow_first);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct text_cell *c = &t->cells[i];
		int need = (int)unicode_length(c->value) + margins[c->col];
		if (c->span > 1)
			widen(t, c, need, widths);
		else if (need > widths[c->col])
			widths[c->col] = need;
	}
	for (int col = 0; col < t->cols; col++)
		offsets[col + 1] = offsets[col] + widths[col];
	qsort(t->cells, t->n, sizeof(*t->cells), reading_order);
	int row = 0, at = 0;
	for (uint32_t i = 0; i < t->n; i++) {
		const struct text_cell *c = &t->cells[i];
		if (is_blank(c->value) && is_blank(c->margin))
			continue;
		for (; row < c->row; row++, at = 0)
			buf_addch(out, '\n');
		/* Where text ran over its column, Go's "%*s" takes the negative width for a
		 * positive one. */
		int spaces = offsets[c->col] - at;
		buf_fill(out, ' ', (size_t)abs(spaces));
		add_padded(out, c->margin, margins[c->col], ALIGN_RIGHT);
		int width = offsets[c->col + c->span] - offsets[c->col] - margins[c->col];
		at = offsets[c->col] + margins[c->col];
		at += (int)add_padded(out, c->value, width, c->align);
	}
	if (t->n)
		buf_addch(out, '\n');
	mem_free(margins);
	mem_free(widths);
	mem_free(offsets);
}

static void text_release(struct text_table *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		mem_free(t->cells[i].value);
	mem_free(t->cells);
	mem_free(t->shrink);
}

/* --- benchstat's columns --- */

enum { LABEL_COLS = 1, CENTER_COLS = 3, DELTA_COLS = 3 };

static int start_col(uint32_t experiment)
{
	if (experiment == 0)
		return LABEL_COLS;
	return LABEL_COLS + CENTER_COLS + ((int)experiment - 1) * (CENTER_COLS + DELTA_COLS);
}

struct writer {
	const struct tables *t;
	const struct table *table;
	struct text_table text;
	struct warnings notes; /* distinct, in the order of their footnotes; lines borrowed */
};

static void add_superscript(uint32_t i, struct buf *out)
{
	static const char *const digits[] = {"\xe2\x81\xb0", "\xc2\xb9", "\xc2\xb2", "\xc2\xb3",
		"\xe2\x81\xb4", "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7", "\xe2\x81\xb8",
		"\xe2\x81\xb9"};
	if (i >= 10)
		add_superscript(i / 10, out);
	buf_addstr(out, digits[i % 10]);
}

static void add_footnotes(struct writer *w, const struct warnings *from, struct buf *out)
{
	for (uint32_t i = 0; i < from->n; i++) {
		uint32_t note = 0;
		while (note < w->notes.n && strcmp(w->notes.lines[note], from->lines[i]) != 0)
			note++;
		if (note == w->notes.n)
			vec_push(w->notes.lines, w->notes.n, w->notes.cap, from->lines[i]);
		if (out->len)
			buf_addch(out, ' ');
		add_superscript(note + 1, out);
	}
}

static void footnote_cell(struct writer *w, const struct warnings *a, const struct warnings *b)
{
	struct buf marks = BUF_INIT;
	add_footnotes(w, a, &marks);
	if (b)
		add_footnotes(w, b, &marks);
	text_cell(&w->text, marks.data, ALIGN_LEFT, NULL);
	buf_release(&marks);
}

/* One level of the columns' key: equal neighbours under one heading are one heading. */
static void header_level(struct writer *w, const uint32_t *flat, uint32_t level)
{
	const struct projection *proj = w->t->col_by;
	const struct table *table = w->table;
	uint32_t from = 0;
	text_row(&w->text);
	for (uint32_t i = 1; i <= table->col_n; i++) {
		bool same = i < table->col_n;
		for (uint32_t j = 0; same && j <= level; j++)
			same = projection_get(proj, table->cols[i], flat[j]) ==
			       projection_get(proj, table->cols[from], flat[j]);
		if (same)
			continue;
		uint32_t value = projection_get(proj, table->cols[from], flat[level]);
		w->text.col = start_col(from);
		text_span(&w->text, start_col(i) - start_col(from),
			bench_str(w->t->projector->reader, value), ALIGN_CENTER, " \xe2\x94\x82 ");
		from = i;
	}
	w->text.col = start_col(table->col_n + 1);
	text_cell(&w->text, "", ALIGN_LEFT, " \xe2\x94\x82");
}

static void header(struct writer *w)
{
	const struct projection *proj = w->t->col_by;
	uint32_t *flat = mem_array(proj->field_n + 1, sizeof(*flat));
	uint32_t n = projection_flat(proj, flat);
	for (uint32_t level = 0; level < n; level++)
		header_level(w, flat, level);
	mem_free(flat);
	text_row(&w->text);
	for (uint32_t i = 0; i < w->table->col_n; i++) {
		int from = start_col(i);
		w->text.col = from;
		text_span(&w->text, CENTER_COLS, bench_str(w->t->projector->reader, w->table->unit),
			ALIGN_CENTER, " \xe2\x94\x82 ");
		if (i > 0)
			text_span(&w->text, DELTA_COLS, "vs base", ALIGN_LEFT, "  ");
		for (int col = from + 1; col < w->text.col; col++)
			text_shrink(&w->text, col);
	}
	w->text.col = start_col(w->table->col_n + 1);
	text_cell(&w->text, "", ALIGN_LEFT, " \xe2\x94\x82");
}

static struct unit_scale row_scale(const struct writer *w, uint32_t row, enum unit_class class)
{
	double *centers = mem_array(w->table->col_n, sizeof(*centers));
	uint32_t n = 0;
	for (uint32_t i = 0; i < w->table->col_n; i++) {
		const struct cell *c = table_cell(w->table, row, w->table->cols[i]);
		if (c)
			centers[n++] = c->summary.center;
	}
	struct unit_scale scale = unit_common_scale(centers, n, class);
	mem_free(centers);
	return scale;
}

static void result_cells(struct writer *w, const struct cell *c, const struct unit_scale *scale)
{
	struct buf text = BUF_INIT;
	unit_scale_print(scale, c->summary.center, &text);
	text_cell(&w->text, text.data, ALIGN_RIGHT, NULL);
	buf_clear(&text);
	summary_range(&c->summary, &text);
	text_cell(&w->text, text.data, ALIGN_RIGHT, " \xc2\xb1 ");
	footnote_cell(w, &c->warnings, &c->summary.warnings);
	if (c->baseline) {
		buf_clear(&text);
		comparison_delta(
			&c->comparison, c->baseline->summary.center, c->summary.center, &text);
		text_cell(&w->text, text.data, ALIGN_RIGHT, NULL);
		buf_clear(&text);
		buf_addch(&text, '(');
		comparison_describe(&c->comparison, &text);
		buf_addch(&text, ')');
		text_cell(&w->text, text.data, ALIGN_LEFT, NULL);
		footnote_cell(w, &c->comparison.warnings, NULL);
	}
	buf_release(&text);
}

static void result_row(struct writer *w, uint32_t row, enum unit_class class)
{
	struct buf label = BUF_INIT;
	text_row(&w->text);
	projection_describe(w->t->row_by, w->t->projector, row, &label);
	text_cell(&w->text, label.data, ALIGN_LEFT, NULL);
	buf_release(&label);
	struct unit_scale scale = row_scale(w, row, class);
	for (uint32_t i = 0; i < w->table->col_n; i++) {
		const struct cell *c = table_cell(w->table, row, w->table->cols[i]);
		if (!c)
			continue;
		w->text.col = start_col(i);
		result_cells(w, c, &scale);
	}
}

static void ratio_text(const struct column_summary *s, struct buf *out)
{
	if (s->has_ratio)
		buf_printf(out, "%+.2f%%", (s->ratio - 1) * 100);
	else
		buf_addch(out, '?');
}

static void geomean_row(struct writer *w, enum unit_class class)
{
	text_row(&w->text);
	text_cell(&w->text, "geomean", ALIGN_LEFT, NULL);
	for (uint32_t i = 0; i < w->table->col_n; i++) {
		const struct column_summary *s = &w->table->summaries[i];
		struct buf text = BUF_INIT;
		if (s->has_summary) {
			struct unit_scale scale = unit_common_scale(&s->summary, 1, class);
			unit_scale_print(&scale, s->summary, &text);
			w->text.col = start_col(i);
			text_cell(&w->text, text.data, ALIGN_RIGHT, NULL);
		}
		if (i > 0) {
			buf_clear(&text);
			ratio_text(s, &text);
			w->text.col = start_col(i) + CENTER_COLS;
			text_cell(
				&w->text, text.data, s->has_ratio ? ALIGN_RIGHT : ALIGN_LEFT, NULL);
		}
		w->text.col = start_col(i + 1) - 1;
		footnote_cell(w, &s->warnings, NULL);
		buf_release(&text);
	}
}

static void write_table(const struct tables *t, const struct table *table, struct buf *out)
{
	struct writer w = {.t = t, .table = table};
	enum unit_class class = unit_class_of(bench_str(t->projector->reader, table->unit));
	header(&w);
	for (uint32_t i = 0; i < table->row_n; i++)
		result_row(&w, table->rows[i], class);
	if (table->row_n > 1)
		geomean_row(&w, class);
	text_format(&w.text, out);
	for (uint32_t i = 0; i < w.notes.n; i++) {
		add_superscript(i + 1, out);
		buf_printf(out, " %s\n", w.notes.lines[i]);
	}
	text_release(&w.text);
	mem_free(w.notes.lines);
}

static void text_line(void *ctx, const char *line)
{
	buf_printf(ctx, "%s\n", line);
}

void tables_write_text(const struct tables *t, struct buf *out)
{
	for (uint32_t i = 0; i < t->n; i++) {
		tables_each_header(t, i, text_line, out);
		write_table(t, &t->tables[t->order[i]], out);
	}
}
