/*
 * Columns as Go's text/tabwriter makes them. A column is a run of neighbouring lines that have a
 * cell in it; the next column is laid out within that run. See align.h.
 */
#include "report/align.h"

struct cell {
	const char *text;
	uint32_t size;	/* bytes */
	uint32_t width; /* characters */
};

struct text_line {
	uint32_t cell, n; /* cells[cell .. cell + n); the last one ends no column */
};

struct layout {
	struct cell *cells;
	uint32_t cell_n, cell_cap;
	struct text_line *lines;
	uint32_t line_n, line_cap;
	uint32_t *widths; /* of the columns being laid out */
	uint32_t width_n, width_cap;
	struct buf *out;
};

static struct cell cell_of(const char *text, const char *end)
{
	struct cell c = {.text = text, .size = (uint32_t)(end - text)};
	for (const char *s = text; s < end; s++)
		c.width += ((unsigned char)*s & 0xc0) != 0x80;
	return c;
}

static void split(struct layout *l, const char *text, size_t n)
{
	const char *end = text + n, *from = text;
	struct text_line line = {0};
	for (const char *s = text; s < end; s++) {
		bool ends_line = *s == '\n' || *s == '\f';
		if (!ends_line && *s != '\t' && *s != '\v')
			continue;
		vec_push(l->cells, l->cell_n, l->cell_cap, cell_of(from, s));
		line.n++;
		from = s + 1;
		if (ends_line) {
			vec_push(l->lines, l->line_n, l->line_cap, line);
			line = (struct text_line){.cell = l->cell_n};
		}
	}
}

static void put_lines(struct layout *l, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		for (uint32_t k = 0; k < l->lines[i].n; k++) {
			const struct cell *c = &l->cells[l->lines[i].cell + k];
			if (k < l->width_n)
				buf_fill(l->out, ' ', l->widths[k] - c->width);
			buf_add(l->out, c->text, c->size);
		}
		buf_addch(l->out, '\n');
	}
}

static bool has_column(const struct layout *l, uint32_t line, uint32_t column)
{
	return column + 1 < l->lines[line].n;
}

static void lay_out(struct layout *l, uint32_t from, uint32_t to)
{
	uint32_t column = l->width_n, done = from;
	for (uint32_t i = from; i < to;) {
		if (!has_column(l, i, column)) {
			i++;
			continue;
		}
		put_lines(l, done, i);
		uint32_t start = i, width = 0;
		for (; i < to && has_column(l, i, column); i++) {
			uint32_t w = l->cells[l->lines[i].cell + column].width + 1;
			width = w > width ? w : width;
		}
		vec_push(l->widths, l->width_n, l->width_cap, width);
		lay_out(l, start, i);
		l->width_n--;
		done = i;
	}
	put_lines(l, done, to);
}

void report_align(const char *text, size_t n, struct buf *out)
{
	struct layout l = {.out = out};
	split(&l, text, n);
	lay_out(&l, 0, l.line_n);
	mem_free(l.cells);
	mem_free(l.lines);
	mem_free(l.widths);
}
