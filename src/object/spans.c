/*
 * Span map (see spans.h). Sealing sweeps the ranges in order of their starts with a stack of those
 * still open; each change of the top of the stack becomes one start.
 */
#include "object/spans.h"

#include <stdlib.h>

void spans_release(struct spans *spans)
{
	mem_free(spans->all);
	mem_free(spans->starts);
	*spans = (struct spans){0};
}

void spans_add(struct spans *spans, uint64_t lo, uint64_t hi, uint32_t id)
{
	if (hi <= lo)
		return;
	struct span span = {.lo = lo, .hi = hi, .id = id, .order = (uint32_t)spans->n};
	vec_push(spans->all, spans->n, spans->cap, span);
}

static int by_start(const void *pa, const void *pb)
{
	const struct span *a = pa, *b = pb;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi > b->hi ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static void start(struct spans *spans, uint64_t lo, uint32_t id)
{
	if (spans->start_n && spans->starts[spans->start_n - 1].lo == lo)
		spans->start_n--;
	if (spans->start_n && spans->starts[spans->start_n - 1].id == id)
		return;
	struct span_start s = {.lo = lo, .id = id};
	vec_push(spans->starts, spans->start_n, spans->start_cap, s);
}

/* Closes the open ranges that end at or before `upto`. Returns how many stay open. */
static size_t close_until(struct spans *spans, const uint32_t *open, size_t n, uint64_t upto)
{
	while (n && spans->all[open[n - 1]].hi <= upto) {
		uint64_t end = spans->all[open[--n]].hi;
		while (n && spans->all[open[n - 1]].hi <= end)
			n--;
		start(spans, end, n ? spans->all[open[n - 1]].id : SPAN_NONE);
	}
	return n;
}

void spans_seal(struct spans *spans)
{
	if (!spans->n)
		return;
	qsort(spans->all, spans->n, sizeof(*spans->all), by_start);
	uint32_t *open = mem_array(spans->n, sizeof(*open));
	size_t n = 0;
	for (size_t i = 0; i < spans->n; i++) {
		n = close_until(spans, open, n, spans->all[i].lo);
		start(spans, spans->all[i].lo, spans->all[i].id);
		open[n++] = (uint32_t)i;
	}
	close_until(spans, open, n, UINT64_MAX);
	mem_free(open);
	mem_free(spans->all);
	spans->all = NULL;
	spans->n = spans->cap = 0;
}

uint32_t spans_find(const struct spans *spans, uint64_t addr)
{
	size_t lo = 0, hi = spans->start_n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (spans->starts[mid].lo <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? spans->starts[lo - 1].id : SPAN_NONE;
}
