/*
 * Collecting the batches of a generation. See generation.h.
 *
 * Since 1.26 a generation ends with a mark, and one that does not is known to be cut off. Before,
 * it ends where a batch of the next one begins or the file does; a broken batch then may belong to
 * either, and what was read before it is taken for whole.
 */
#include "gotrace/generation.h"

#include <inttypes.h>

void generation_init(struct generation *g)
{
	*g = (struct generation){0};
	arena_init(&g->arena);
}

void generation_release(struct generation *g)
{
	arena_release(&g->arena);
	trace_tables_release(&g->tables);
	idmap_release(&g->thread_ids);
	mem_free(g->threads);
	mem_free(g->exp);
	generation_init(g);
}

static void add_experiment(struct generation *g, const struct batch *b)
{
	struct gotrace_exp_batch exp = {b->experiment, b->m, b->data, b->len};
	vec_push(g->exp, g->exp_n, g->exp_cap, exp);
}

static void add_events(struct generation *g, const struct batch *b)
{
	struct thread_batch *node = arena_alloc(&g->arena, sizeof(*node));
	*node = (struct thread_batch){NULL, *b};
	uint32_t i = idmap_get(&g->thread_ids, (uint64_t)b->m);
	if (i != IDMAP_NONE) {
		g->threads[i].last->next = node;
		g->threads[i].last = node;
		return;
	}
	struct thread thread = {b->m, node, node};
	idmap_put(&g->thread_ids, (uint64_t)b->m, (uint32_t)g->threads_n);
	vec_push(g->threads, g->threads_n, g->threads_cap, thread);
}

/* 0, TABLES_ENDED or an error. */
static int add_batch(struct generation *g, const struct batch *b, int version, struct err *err)
{
	enum gotrace_ev sync = version < GOTRACE_V25 ? GOTRACE_EV_FREQUENCY : GOTRACE_EV_SYNC;
	if (!g->min_time || b->time < g->min_time)
		g->min_time = b->time;
	if (batch_is(b, GOTRACE_EV_STRINGS))
		return trace_tables_add_strings(&g->tables, b, err);
	if (batch_is(b, GOTRACE_EV_STACKS))
		return trace_tables_add_stacks(&g->tables, b, err);
	if (batch_is(b, GOTRACE_EV_CPU_SAMPLES))
		return trace_tables_add_samples(&g->tables, b, err);
	if (batch_is(b, sync))
		return trace_tables_add_sync(&g->tables, b, version, err);
	if (batch_is(b, GOTRACE_EV_END_OF_GENERATION))
		return err_at(err, ERR_FORMAT, b->offset, "an end-of-generation event in a batch");
	if (b->experiment != GOTRACE_NO_EXPERIMENT)
		add_experiment(g, b);
	else
		add_events(g, b);
	return 0;
}

static int finish(struct generation *g, int version, struct err *err)
{
	if (g->tables.clocks.ns_per_unit == 0)
		return err_set(err, ERR_FORMAT, "no frequency event found");
	if (version >= GOTRACE_V25 && !g->tables.clocks.has_snapshot)
		return err_set(err, ERR_FORMAT, "no clock snapshot event found");
	int rc = trace_tables_finish(&g->tables, err);
	return rc < 0 ? rc : 1;
}

static int zero_gen(const struct batch *b, struct err *err)
{
	return err_at(err, ERR_FORMAT, b->offset, "invalid generation number %" PRIu64, b->gen);
}

static int read_marked(struct generation *g, struct input *in, int version, struct err *err)
{
	for (;;) {
		struct batch b;
		int rc = batch_read(in, &g->arena, &b, err);
		if (rc < 0)
			return rc;
		if (!rc && g->threads_n)
			return err_at(err, ERR_TRUNCATED, input_offset(in),
				"incomplete generation found; trace likely truncated");
		if (!rc)
			return 0;
		if (!g->gen)
			g->gen = b.gen;
		if (b.end_mark || batch_is(&b, GOTRACE_EV_END_OF_GENERATION))
			return finish(g, version, err);
		if (!b.gen)
			return zero_gen(&b, err);
		if (b.gen != g->gen)
			return err_at(err, ERR_FORMAT, b.offset,
				"broken trace: missing end-of-generation event, "
				"or generations are interleaved");
		rc = add_batch(g, &b, version, err);
		if (rc)
			return rc == TABLES_ENDED ? 0 : rc;
	}
}

static struct batch copy_batch(const struct batch *b, struct arena *to)
{
	struct batch copy = *b;
	uint8_t *data = arena_alloc(to, b->len ? b->len : 1);
	memcpy(data, b->data, b->len);
	copy.data = data;
	return copy;
}

/* The batch read last belongs to the next generation. */
static void keep(struct spill *spill, const struct batch *b)
{
	spill->full = true;
	spill->batch = copy_batch(b, &spill->arena);
}

/* What keep() kept, into this generation. */
static int take(struct generation *g, struct spill *spill, int version, struct err *err)
{
	struct batch b = copy_batch(&spill->batch, &g->arena);
	spill->full = false;
	arena_release(&spill->arena);
	g->gen = b.gen;
	return add_batch(g, &b, version, err);
}

static int read_unmarked(struct generation *g, struct input *in, int version, struct spill *spill,
	struct err *ret_after, struct err *err)
{
	int rc = spill->full ? take(g, spill, version, err) : 0;
	while (!rc) {
		struct batch b;
		int got = batch_read(in, &g->arena, &b, g->gen ? ret_after : err);
		if (got < 0 && !g->gen)
			return got;
		if (got <= 0)
			return finish(g, version, err);
		if (!b.gen)
			return zero_gen(&b, err);
		if (!g->gen)
			g->gen = b.gen;
		if (b.gen == g->gen + 1) {
			keep(spill, &b);
			return finish(g, version, err);
		}
		if (b.gen != g->gen)
			return err_at(err, ERR_FORMAT, b.offset, "generations out of order");
		rc = add_batch(g, &b, version, err);
	}
	return rc == TABLES_ENDED ? 0 : rc;
}

int generation_read(struct generation *g, struct input *in, int version, struct spill *spill,
	struct err *ret_after, struct err *err)
{
	if (version >= GOTRACE_V26)
		return read_marked(g, in, version, err);
	return read_unmarked(g, in, version, spill, ret_after, err);
}
