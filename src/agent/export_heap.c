/*
 * The heap and allocs profiles: runtime/pprof/protomem.go.
 *
 * What was recorded is divided by the probability of recording it, size by size (Go's
 * scaleHeapSample, which takes the average size of a bucket whose blocks have one size).
 */
#include "agent/export_view.h"
#include "agent/sampler.h"

static int64_t scaled(uint64_t allocated, uint64_t freed, double scale)
{
	double n = (double)(int64_t)(allocated - freed) * scale;
	return (int64_t)(n < 0 ? n - 0.5 : n + 0.5);
}

bool export_heap_values(const struct export_count *c, int64_t *ret)
{
	uint64_t size = recording_heap_size(c->key), rate = recording_heap_rate(c->rec, c->key);
	double scale = 1 / sampler_probability(size ? (double)size : 1, (double)rate);
	uint64_t allocated = c->values[RECORDING_HEAP_ALLOCATED] - c->values[RECORDING_HEAP_HIDDEN];
	uint64_t freed = c->values[RECORDING_HEAP_FREED];
	ret[0] = scaled(allocated, 0, scale);
	ret[1] = scaled(allocated, 0, scale * (double)size);
	ret[2] = scaled(allocated, freed, scale);
	ret[3] = scaled(allocated, freed, scale * (double)size);
	return allocated || freed;
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
