/*
 * What counts were when a profile began; see export.h.
 *
 * Counts only go up and never move, so a reference and its values say it all: subtracting them is
 * exact, where a difference of two written profiles would round twice.
 */
#include "agent/export_baseline.h"

#include "agent/export.h"
#include "sig/sig.h"

/* A recording's count; references have 32 bits and so do sequences. */
static uint64_t key_of(const struct recording *rec, rec_ref ref)
{
	return (uint64_t)rec->sequence << 32 | ref;
}

struct taking {
	struct export_baseline *baseline;
	const struct recording *rec;
};

static void take(
	void *ctx, rec_ref ref, const struct recording_stack *s, const struct recording_count *c)
{
	struct taking *t = ctx;
	struct export_baseline *b = t->baseline;
	struct export_base base = {{0}};
	bool is_new;
	for (unsigned i = 0; i < c->n && i < RECORDING_VALUES_MAX; i++)
		base.values[i] = atomic_load_explicit(&c->values[i], memory_order_relaxed);
	uint32_t *slot = map_put(&b->index, key_of(t->rec, ref), &is_new);
	if (!is_new)
		return;
	*slot = b->n;
	vec_push(b->bases, b->n, b->cap, base);
}

int export_baseline_take(struct export_baseline *b, const struct export_source *sources, size_t n,
	enum recording_kind kind, struct err *err)
{
	*b = (struct export_baseline){0};
	map_init(&b->index);
	for (size_t i = 0; i < n; i++) {
		struct taking t = {b, sources[i].data};
		int rc = export_each_count(&sources[i], kind, take, &t, err);
		if (rc) {
			export_baseline_release(b);
			return rc;
		}
		const struct recording *rec = sources[i].data;
		b->dropped += atomic_load(&rec->dropped);
		b->lost += atomic_load(&rec->lost[kind]);
	}
	b->realtime_ns = sig_clock_ns(CLOCK_REALTIME);
	b->monotonic_ns = sig_clock_ns(CLOCK_MONOTONIC);
	return 0;
}

void export_baseline_subtract(
	const struct export_baseline *b, const struct recording *rec, rec_ref ref, uint64_t *values)
{
	const uint32_t *slot = map_get(&b->index, key_of(rec, ref));
	if (!slot)
		return;
	const struct export_base *base = &b->bases[*slot];
	for (unsigned i = 0; i < RECORDING_VALUES_MAX; i++)
		values[i] -= base->values[i] < values[i] ? base->values[i] : values[i];
}

void export_baseline_release(struct export_baseline *b)
{
	map_release(&b->index);
	mem_free(b->bases);
	*b = (struct export_baseline){0};
}
