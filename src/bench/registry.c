/*
 * The benchmarks of this program. Constructors run in link order, and within a file in whatever
 * order the compiler left them, so the order comes from where each was written: files by name, as
 * `go test` has it, then lines.
 */
#include "bench/internal.h"

#include <stdlib.h>

static struct bench_entry *entries;

void sonde_bench_register(struct bench_entry *entry)
{
	entry->next_ = entries;
	entries = entry;
}

static int by_place(const void *a, const void *b)
{
	const struct bench_entry *x = *(struct bench_entry *const *)a;
	const struct bench_entry *y = *(struct bench_entry *const *)b;
	int order = strcmp(x->file, y->file);
	if (order == 0)
		order = (x->line > y->line) - (x->line < y->line);
	return order ? order : strcmp(x->name, y->name);
}

size_t registry(struct bench_entry ***ret)
{
	struct bench_entry **all = NULL;
	size_t n = 0, cap = 0;
	for (struct bench_entry *e = entries; e; e = e->next_)
		vec_push(all, n, cap, e);
	if (n)
		qsort(all, n, sizeof(struct bench_entry *), by_place);
	*ret = all;
	return n;
}
