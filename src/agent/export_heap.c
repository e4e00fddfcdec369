/*
 * The heap and allocs profiles: runtime/pprof/protomem.go.
 *
 * What was recorded is divided by the probability of recording it, size by size (Go's
 * scaleHeapSample, which takes the average size of a bucket whose blocks have one size).
 */
#include "agent/export_view.h"
#include "agent/sampler.h"

/* How many blocks one that was recorded stands for. */
static double scale_of(const struct recording *rec, uint64_t key)
{
	uint64_t size = recording_heap_size(key);
	return 1 /
	       sampler_probability(size ? (double)size : 1, (double)recording_heap_rate(rec, key));
}

static int64_t rounded(double n)
{
	return (int64_t)(n < 0 ? n - 0.5 : n + 0.5);
}

void export_heap_scaled(const struct export_count *c, uint64_t blocks, int64_t *ret)
{
	double n = (double)(int64_t)blocks * scale_of(c->rec, c->key);
	ret[0] = rounded(n);
	ret[1] = rounded(n * (double)recording_heap_size(c->key));
}

static uint64_t allocated(const uint64_t *values)
{
	return values[RECORDING_HEAP_ALLOCATED] - values[RECORDING_HEAP_HIDDEN];
}

double export_heap_in_use(const struct recording *rec, uint64_t key, const uint64_t *values)
{
	uint64_t n = allocated(values) - values[RECORDING_HEAP_FREED];
	return (double)(int64_t)n * scale_of(rec, key) * (double)recording_heap_size(key);
}

bool export_heap_values(const struct export_count *c, int64_t *ret)
{
	uint64_t n = allocated(c->values), freed = c->values[RECORDING_HEAP_FREED];
	export_heap_scaled(c, n, ret);
	export_heap_scaled(c, n - freed, ret + 2);
	return n || freed;
}

unsigned export_heap_labels(struct profile *p, const struct export_count *c, struct label *ret)
{
	ret[0] = (struct label){.key = strtab_addstr(&p->strings, "bytes"),
		.num = (int64_t)recording_heap_size(c->key),
		.is_num = true};
	return 1;
}

/* The rate in force; where sampling has ended, the one there was last. */
int64_t export_heap_period(const struct recording *rec)
{
	uint64_t rate = atomic_load(&rec->rates.of[RECORDING_HEAP]);
	for (int i = 0; !rate && i < RECORDING_HEAP_RATES; i++)
		rate = atomic_load(&rec->heap.rates[RECORDING_HEAP_RATES - 1 - i]);
	return (int64_t)rate;
}

void export_heap_comments(struct profile *p, const struct recording *rec)
{
	export_comment(p, "%llu KiB of memory for the table of live blocks",
		(unsigned long long)atomic_load(&rec->heap.table_bytes) / 1024);
	switch (atomic_load(&rec->heap.hindered)) {
	case RECORDING_HEAP_SANITIZER:
		export_comment(p,
			"the program is built with AddressSanitizer, whose allocator hides it from "
			"the heap profiler: build it without");
		break;
	case RECORDING_HEAP_NOT_REACHED:
		export_comment(p,
			"the program brings a malloc of its own, linked into it or preloaded "
			"before libsonde: blocks that come from there are not seen");
		break;
	}
}
