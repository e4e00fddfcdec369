/*
 * Blocks that look leaked; see export_leaks.h.
 *
 * A block shows as grown only if it is older than half the time since the baseline: what a request
 * or a batch takes and gives back is younger, if the time is longer than a few of them. And only if
 * the blocks of its stack, taken together, are more bytes than they were: the generations of a
 * garbage collector's log, as in leak detectors that need no snapshots, told stacks apart less well
 * than the exact counts that the profile has anyway.
 */
#include "agent/export_leaks.h"

#include "agent/export_blocks.h"
#include "agent/export.h"
#include "agent/export_reach.h"
#include "agent/sampler.h"
#include "sig/sig.h"

#include <stdio.h>

#define PATIENCE_NS 30000000000u

static uint64_t key_of(const struct recording *rec, rec_ref ref)
{
	return (uint64_t)rec->sequence << 32 | ref;
}

static void add(struct export_leaks *l, const struct recording *rec, rec_ref count)
{
	bool is_new;
	uint32_t *slot = map_put(&l->found, key_of(rec, count), &is_new);
	if (is_new) {
		*slot = l->n;
		vec_push(l->blocks, l->n, l->cap, 0);
	}
	l->blocks[*slot]++;
}

uint64_t export_leaks_of(const struct export_leaks *l, const struct recording *rec, rec_ref ref)
{
	const uint32_t *slot = map_get(&l->found, key_of(rec, ref));
	return slot ? l->blocks[*slot] : 0;
}

void export_leaks_comments(struct profile *p, const struct export_leaks *l)
{
	export_comment(p, "%s", l->said);
}

void export_leaks_release(struct export_leaks *l)
{
	map_release(&l->found);
	mem_free(l->blocks);
	*l = (struct export_leaks){0};
}

/* --- grown --- */

/* By how many bytes each stack has grown. */
struct growth {
	const struct recording *rec;
	const struct export_baseline *since;
	struct map index; /* of a stack -> its bytes */
	double *bytes;
	uint32_t n, cap;
};

static void add_growth(
	void *ctx, rec_ref ref, const struct recording_stack *s, const struct recording_count *c)
{
	struct growth *g = ctx;
	uint64_t values[RECORDING_VALUES_MAX] = {0};
	bool is_new;
	for (unsigned i = 0; i < c->n && i < RECORDING_VALUES_MAX; i++)
		values[i] = atomic_load_explicit(&c->values[i], memory_order_relaxed);
	export_baseline_subtract(g->since, g->rec, ref, values);
	uint32_t *slot = map_put(&g->index, c->stack, &is_new);
	if (is_new) {
		*slot = g->n;
		vec_push(g->bytes, g->n, g->cap, 0);
	}
	g->bytes[*slot] += export_heap_in_use(g->rec, c->key, values);
}

static bool has_grown(const struct growth *g, rec_ref stack)
{
	const uint32_t *slot = map_get(&g->index, stack);
	return slot && g->bytes[*slot] > 0;
}

/* Of the tick in which the time began some are older than it, so none counts. */
static void add_survivors(struct export_leaks *l, const struct growth *g,
	const struct export_source *source, const struct blocks *blocks, uint64_t now_ns)
{
	uint32_t first = recording_heap_tick(g->since->monotonic_ns);
	uint32_t half = recording_heap_tick((now_ns - g->since->monotonic_ns) / 2);
	for (uint32_t i = 0; i < blocks->n; i++) {
		const struct block *b = &blocks->items[i];
		const struct recording_count *c = export_count_at(source, b->count);
		if (b->born - first - 1 < half && c && has_grown(g, c->stack))
			add(l, g->rec, b->count);
	}
}

int export_leaks_grown(struct export_leaks *ret, const struct export_source *sources, size_t n,
	const struct export_baseline *since, struct err *err)
{
	const struct export_source *source = &sources[n - 1];
	struct growth g = {.rec = source->data, .since = since};
	struct blocks blocks;
	*ret = (struct export_leaks){0};
	map_init(&ret->found);
	map_init(&g.index);
	uint64_t now_ns = sig_clock_ns(CLOCK_MONOTONIC);
	int rc = export_each_count(source, RECORDING_HEAP, add_growth, &g, err);
	if (!rc)
		rc = blocks_read(&blocks, source, err);
	if (!rc) {
		add_survivors(ret, &g, source, &blocks, now_ns);
		blocks_release(&blocks);
	}
	map_release(&g.index);
	mem_free(g.bytes);
	snprintf(ret->said, sizeof(ret->said),
		"leaks: what was allocated in the first half of %.1f seconds and is there at their "
		"end, of "
		"stacks that hold more than before",
		(double)(now_ns - since->monotonic_ns) / 1e9);
	return rc;
}

/* --- unreachable --- */

static void say_found(char *ret, size_t size, const struct reach *r)
{
	int n = snprintf(ret, size,
		"leaks: what no pointer leads to; %u of %u recorded blocks, after %u search%s of "
		"%.1f MiB in %.2f s",
		r->n, r->of, r->searches, r->searches == 1 ? "" : "es", (double)r->read / (1 << 20),
		(double)r->took_ns / 1e9);
	if (r->silent)
		snprintf(ret + n, size - (size_t)n,
			"; %u threads did not say what is in their registers", r->silent);
}

int export_leaks_unreachable(struct export_leaks *ret, const struct export_source *sources,
	size_t n, const struct roots_question *question, struct err *err)
{
	struct reach r;
	*ret = (struct export_leaks){0};
	map_init(&ret->found);
	int rc = reach_find(&r, &sources[n - 1], question, PATIENCE_NS, err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < r.n; i++)
		add(ret, sources[n - 1].data, r.lost[i].count);
	say_found(ret->said, sizeof(ret->said), &r);
	reach_release(&r);
	return 0;
}

void export_leaks_note(struct recording *rec, const struct roots_question *question)
{
	const struct export_source source = {rec, rec->mapped};
	struct err err = ERR_INIT;
	struct reach r;
	if (reach_find(&r, &source, question, PATIENCE_NS, &err)) {
		snprintf(rec->heap.leaks, sizeof(rec->heap.leaks),
			"leaks: nothing was found, since %s", err.msg);
		return;
	}
	for (uint32_t i = 0; i < r.n; i++) {
		struct recording_count *c = recording_at(rec, r.lost[i].count);
		recording_count(&c->values[RECORDING_HEAP_LEAKED], 1);
	}
	say_found(rec->heap.leaks, sizeof(rec->heap.leaks), &r);
	reach_release(&r);
}

/* --- the view --- */

static bool leaked_values(const struct export_count *c, int64_t *ret)
{
	export_heap_scaled(c, c->values[RECORDING_HEAP_LEAKED], ret);
	return c->values[RECORDING_HEAP_LEAKED] != 0;
}

static void leaks_comments(struct profile *p, const struct recording *rec)
{
	const char *said = rec->heap.leaks;
	if (*said)
		export_comment(p, "%.*s", RECORDING_TEXT_MAX, said);
	else
		export_comment(p, "leaks: nobody looked; a process does when it calls exit() or "
				  "returns from main, not when a signal or _exit() ends it");
	export_heap_comments(p, rec);
}

const struct export_view *export_leaks_view(void)
{
	static const struct export_view view = {"leaks", RECORDING_HEAP, 0,
		{{"inuse_objects", "count"}, {"inuse_space", "bytes"}}, 2, NULL, {"space", "bytes"},
		export_heap_period, leaked_values, export_heap_labels, leaks_comments};
	return &view;
}
