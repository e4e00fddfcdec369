/*
 * Reading the events of a trace in order.
 *
 * Go's algorithm, for Go's verdicts: a generation is read whole; a heap holds the next event of
 * each thread by time; the head is tried, and if it has to wait the others are, in the order of
 * time. CPU samples come in by their time. Before each generation, and after the last, comes a sync
 * event, also when what follows it is an error.
 */
#include "gotrace/reader.h"

#include <inttypes.h>

int gotrace_reader_new(struct gotrace_source *source, struct gotrace_reader **ret, struct err *err)
{
	struct input in;
	int version = input_open(&in, source, err);
	if (version < 0)
		return version;
	struct gotrace_reader *r = mem_zalloc(sizeof(*r));
	r->in = in;
	r->version = version;
	generation_init(&r->gen);
	arena_init(&r->spill.arena);
	order_init(&r->order, version);
	*ret = r;
	return 0;
}

void gotrace_reader_free(struct gotrace_reader *r)
{
	if (!r)
		return;
	input_release(&r->in);
	generation_release(&r->gen);
	arena_release(&r->spill.arena);
	frontier_release(&r->frontier);
	order_release(&r->order);
	mem_free(r);
}

enum gotrace_version gotrace_reader_version(const struct gotrace_reader *r)
{
	return (enum gotrace_version)r->version;
}

static void sync_event(struct gotrace_reader *r, int64_t time, struct gotrace_event *ret)
{
	*ret = (struct gotrace_event){.time = time,
		.m = GOTRACE_NO_ID,
		.p = GOTRACE_NO_ID,
		.g = GOTRACE_NO_ID,
		.args = {++r->syncs},
		.type = GOTRACE_EV_SYNC_POINT,
		.kind = GOTRACE_KIND_SYNC};
}

/* Go's reader knows the experiments' names by number, and panics at others. */
static int check_experiments(const struct generation *g, struct err *err)
{
	for (size_t i = 0; i < g->exp_n; i++)
		if (g->exp[i].experiment >= GOTRACE_EXPERIMENT_N)
			return err_set(err, ERR_UNSUPPORTED, "data of an unknown experiment, %u",
				g->exp[i].experiment);
	return 0;
}

/* The next generation and its sync event. What goes wrong while it is read is told by the call
 * after that. */
static int next_generation(struct gotrace_reader *r, struct gotrace_event *ret, struct err *err)
{
	generation_release(&r->gen);
	r->sample = 0;
	r->has_gen = false;
	int rc = r->after.code;
	if (!rc) {
		struct err problem = ERR_INIT;
		bool more = r->version >= GOTRACE_V26 || !r->syncs || r->spill.full;
		rc = more ? generation_read(
				    &r->gen, &r->in, r->version, &r->spill, &r->after, &problem)
			  : 0;
		if (rc < 0)
			r->after = problem;
	}
	if (rc <= 0) {
		r->done = true;
		generation_release(&r->gen);
		sync_event(r, r->last, ret);
		return 1;
	}
	rc = check_experiments(&r->gen, err);
	if (rc >= 0)
		rc = frontier_fill(&r->frontier, &r->gen, err);
	if (rc < 0)
		return rc;
	r->has_gen = true;
	sync_event(r, clocks_ns(&r->gen.tables.clocks, r->gen.min_time), ret);
	return 1;
}

/* Cursor i's event, if its turn has come: 1, 0 or an error. */
static int try_advance(
	struct gotrace_reader *r, size_t i, struct gotrace_event *ret, struct err *err)
{
	struct cursor *c = r->frontier.heap[i].cursor;
	r->at = cursor_offset(c);
	int rc = order_advance(&r->order, c, &r->gen.tables, r->gen.gen, ret, err);
	if (rc < 0)
		err->offset = r->at;
	if (rc <= 0)
		return rc;
	rc = frontier_next(&r->frontier, i, &r->gen.tables.clocks, err);
	return rc < 0 ? rc : 1;
}

/* No event can come next: says what each thread stands at, as far as there is room. */
static int stuck(const struct gotrace_reader *r, struct err *err)
{
	struct buf msg = BUF_INIT;
	const struct frontier *f = &r->frontier;
	buf_printf(
		&msg, "broken trace: failed to advance: frontier:\n[gen=%" PRIu64 "]", r->gen.gen);
	for (size_t i = 0; i < f->n && msg.len < ERR_MSG_MAX; i++) {
		const struct wire_event *ev = &f->heap[i].cursor->ev;
		const struct gotrace_spec *spec = &gotrace_specs[ev->type];
		buf_printf(&msg, "\nM %" PRId64 " [%s time=%" PRId64, f->heap[i].cursor->m,
			spec->name, ev->time);
		for (unsigned a = 1; a < spec->args_n; a++)
			buf_printf(&msg, " %s=%" PRIu64, spec->args[a], ev->args[a - 1]);
		buf_addch(&msg, ']');
	}
	int rc = err_at(err, ERR_FORMAT, cursor_offset(f->heap[0].cursor), "%s", msg.data);
	buf_release(&msg);
	return rc;
}

/* Tries in vain: each event that comes may cost some, and a trace some more. What real clocks make
 * of real traces is far below; without a bound, a made-up one takes the square of its size. */
#define WAITS_FREE	(16 << 20)
#define WAITS_PER_EVENT 128

static int advance(struct gotrace_reader *r, struct gotrace_event *ret, struct err *err)
{
	size_t i;
	r->events++;
	int rc = try_advance(r, 0, ret, err);
	if (rc)
		return rc;
	frontier_walk(&r->frontier);
	while (!rc && frontier_walk_next(&r->frontier, &i)) {
		rc = try_advance(r, i, ret, err);
		r->waits++;
	}
	if (!rc)
		return stuck(r, err);
	if (r->waits > WAITS_FREE + WAITS_PER_EVENT * r->events)
		return err_at(err, ERR_LIMIT, r->at,
			"too many threads wait for each other's events: %" PRIu64
			" tries for %" PRIu64 " events",
			r->waits, r->events);
	return rc;
}

/* A CPU sample, if one comes before the threads' next event. */
static bool sample_next(const struct gotrace_reader *r)
{
	const struct trace_tables *t = &r->gen.tables;
	return r->sample < t->samples_n &&
	       (!r->frontier.n || t->samples[r->sample].time < r->frontier.heap[0].time);
}

static int take_sample(struct gotrace_reader *r, struct gotrace_event *ret, struct err *err)
{
	const struct cpu_sample *s = &r->gen.tables.samples[r->sample++];
	if (s->stack && ids_get(&r->gen.tables.stack_ids, s->stack) == IDMAP_NONE)
		return err_at(err, ERR_FORMAT, s->offset,
			"expected id %" PRIu64 " in trace.stack table", s->stack);
	*ret = (struct gotrace_event){.time = s->time,
		.m = s->m,
		.p = s->p,
		.g = s->g,
		.args = {s->stack},
		.type = GOTRACE_EV_CPU_SAMPLE,
		.kind = GOTRACE_KIND_STACK_SAMPLE};
	return 1;
}

/* Ids of strings and stacks must be in the generation's tables. */
static int check_ids(
	const struct gotrace_reader *r, const struct gotrace_event *ev, struct err *err)
{
	const struct gotrace_spec *spec = &gotrace_specs[ev->type];
	for (const uint8_t *i = spec->stacks; *i; i++) {
		uint64_t id = ev->args[*i - 1];
		if (id && ids_get(&r->gen.tables.stack_ids, id) == IDMAP_NONE)
			return err_at(err, ERR_FORMAT, r->at,
				"found invalid stack ID %" PRIu64 " for event %s", id, spec->name);
	}
	for (const uint8_t *i = spec->strings; *i; i++) {
		uint64_t id = ev->args[*i - 1];
		if (id && ids_get(&r->gen.tables.string_ids, id) == IDMAP_NONE)
			return err_at(err, ERR_FORMAT, r->at,
				"found invalid string ID %" PRIu64 " for event %s", id, spec->name);
	}
	return 1;
}

/* 1, 0 at the end, or an error; the time is as the tables say. */
static int next_event(struct gotrace_reader *r, struct gotrace_event *ret, struct err *err)
{
	if (!order_next(&r->order, ret)) {
		bool over = !r->frontier.n && r->sample == r->gen.tables.samples_n;
		if (over && r->done)
			return 0;
		if (over)
			return next_generation(r, ret, err);
		if (sample_next(r))
			return take_sample(r, ret, err);
		int rc = advance(r, ret, err);
		if (rc < 0)
			return rc;
	}
	return check_ids(r, ret, err);
}

int gotrace_reader_next(struct gotrace_reader *r, struct gotrace_event *ret, struct err *err)
{
	int rc = 0;
	if (!r->failed.code)
		rc = next_event(r, ret, &r->failed);
	if (!rc && r->after.code && !r->failed.code)
		r->failed = r->after;
	if (r->failed.code) {
		if (err)
			*err = r->failed;
		return r->failed.code;
	}
	if (rc > 0) {
		if (ret->time <= r->last)
			ret->time = (int64_t)((uint64_t)r->last + 1);
		r->last = ret->time;
	}
	return rc;
}
