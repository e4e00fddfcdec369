/*
 * The values of a cell while results are read: where they lie, not the values themselves. A
 * result's values lie in a row, and each belongs to another cell; so a cell has a column of many
 * blocks of rows. Private to benchfmt.
 */
#ifndef SONDE_BENCHFMT_ROWS_H
#define SONDE_BENCHFMT_ROWS_H

/* Freed when nobody holds it; taken and given back by any thread. */
struct value_block {
	void *memory; /* that it lies in */
	uint32_t holders;
	double values[];
};

#define VALUE_BLOCK_HEADER (sizeof(struct value_block) / sizeof(double)) /* its size, in values */

/* Held once. */
struct value_block *value_block_new(size_t n);
void value_block_get(struct value_block *b);
void value_block_put(struct value_block *b); /* NULL is fine */

/* n values, `step` apart. */
struct row_run {
	struct value_block *block; /* held */
	const double *first;
	uint32_t step, n;
};

struct rows {
	struct row_run *runs;
	uint32_t run_n, run_cap;
	uint32_t n; /* values */
	/* for runs too short to be worth one: the last block that is the cell's own */
	struct value_block *own; /* held */
	double *next, *end;
};

void rows_release(struct rows *r);
/* Adds n values, `step` apart, of the block. */
void rows_add(
	struct rows *r, struct value_block *block, const double *first, uint32_t step, uint32_t n);
/* All values, in the order they came, for the caller to free; `r` is empty afterwards. */
double *rows_take(struct rows *r, uint32_t *ret_n);

#endif
