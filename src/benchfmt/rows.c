/*
 * Where the values of cells lie; see rows.h. (Rejected: appending each value to its cell's own
 * array, a thousand arrays written in turn, each grown and copied many times over.)
 */
#include "benchfmt/benchfmt.h"

#include <sys/mman.h>

#define HUGE_PAGE ((uintptr_t)2 << 20)

enum { SHORT = 8, OWN_FIRST = 2, OWN_MAX = 512 };

/* What is large is written from end to end: it lies in pages of 2 MiB, filled in one go each, which
 * the kernel does not do unasked. What is left before and behind them is never touched. */
struct value_block *value_block_new(size_t n)
{
	size_t size = sizeof(struct value_block) + n * sizeof(double);
	bool large = size >= HUGE_PAGE;
	void *memory = mem_alloc(size + (large ? HUGE_PAGE : 0));
	uintptr_t at = (uintptr_t)memory;
	if (large) {
		at = (at + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
		madvise((void *)at, size, MADV_HUGEPAGE);
	}
	struct value_block *b = (struct value_block *)at;
	b->memory = memory;
	b->holders = 1;
	return b;
}

void value_block_get(struct value_block *b)
{
	__atomic_fetch_add(&b->holders, 1, __ATOMIC_RELAXED);
}

void value_block_put(struct value_block *b)
{
	if (b && __atomic_sub_fetch(&b->holders, 1, __ATOMIC_ACQ_REL) == 0)
		mem_free(b->memory);
}

void rows_release(struct rows *r)
{
	for (uint32_t i = 0; i < r->run_n; i++)
		value_block_put(r->runs[i].block);
	mem_free(r->runs);
	value_block_put(r->own);
	*r = (struct rows){0};
}

static void add_run(struct rows *r, struct row_run run)
{
	struct row_run *last = r->run_n ? &r->runs[r->run_n - 1] : NULL;
	r->n += run.n;
	if (last && last->block == run.block && last->step == run.step &&
		last->first + (size_t)last->n * last->step == run.first) {
		last->n += run.n;
		return;
	}
	value_block_get(run.block);
	if (r->run_n == r->run_cap) { /* many cells have one */
		r->run_cap = r->run_cap ? r->run_cap * 2 : 1;
		r->runs = mem_rearray(r->runs, r->run_cap, sizeof(*r->runs));
	}
	r->runs[r->run_n++] = run;
}

/* Where configurations alternate from line to line, each row would be a run. */
static void add_copy(struct rows *r, double value)
{
	if (r->next == r->end) {
		size_t n = r->own ? (size_t)(r->end - r->own->values) * 2 : OWN_FIRST;
		n = n < OWN_MAX ? n : OWN_MAX;
		value_block_put(r->own);
		r->own = value_block_new(n);
		r->next = r->own->values;
		r->end = r->next + n;
	}
	*r->next = value;
	add_run(r, (struct row_run){r->own, r->next++, 1, 1});
}

void rows_add(
	struct rows *r, struct value_block *block, const double *first, uint32_t step, uint32_t n)
{
	if (n >= SHORT) {
		add_run(r, (struct row_run){block, first, step, n});
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		add_copy(r, first[(size_t)i * step]);
}

double *rows_take(struct rows *r, uint32_t *ret_n)
{
	double *values = mem_array(r->n, sizeof(*values)), *to = values;
	for (uint32_t i = 0; i < r->run_n; i++) {
		const struct row_run *run = &r->runs[i];
		for (size_t j = 0; j < run->n; j++)
			*to++ = run->first[j * run->step];
	}
	*ret_n = r->n;
	rows_release(r);
	return values;
}
