/*
 * Reading an execution trace; see export_trace.h.
 *
 * Chunks may still be written to, and by a process that died half-way: an event counts when its
 * first word says that it is complete and of this trace.
 */
#include "agent/export_trace.h"

#include "agent/export.h"
#include "agent/export_threads.h"
#include "pprof/pprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS_MAX (1u << 20)
#define EVENTS_MAX (1u << 24)

void export_trace_release(struct export_trace *trace)
{
	mem_free(trace->events);
	mem_free(trace->threads);
	strtab_release(&trace->texts);
	*trace = (struct export_trace)EXPORT_TRACE_INIT;
}

static int64_t period(const struct recording *rec)
{
	return 1;
}

static bool no_values(const struct export_count *c, int64_t *ret)
{
	return false;
}

const struct export_view *export_trace_view(void)
{
	static const struct export_view view = {.name = "trace",
		.kind = RECORDING_TRACE,
		.types = {{"stacks", "count"}},
		.type_n = 1,
		.period_type = {"stacks", "count"},
		.period = period,
		.values = no_values};
	return &view;
}

/* --- chunks --- */

struct reading {
	struct export_trace *trace;
	struct builder *builder;
	const struct export_source *source;
	struct map stacks;  /* in the recording -> sample + 1 */
	struct map threads; /* by number -> threads[] */
	uint32_t number;    /* of the trace */
};

static uint32_t stack_of(struct reading *r, rec_ref ref)
{
	bool is_new;
	if (!ref)
		return PROFILE_NONE;
	uint32_t *slot = map_put(&r->stacks, ref, &is_new);
	if (is_new)
		*slot = export_add_stack(r->builder, ref, 0) + 1;
	return *slot - 1;
}

static bool is_event(uint32_t what, uint32_t number)
{
	uint32_t kind = what & 0xff;
	return what >> 8 == number && kind > RECORDING_TRACE_NOTHING &&
	       kind < RECORDING_TRACE_WHATS;
}

static bool is_note(uint32_t kind)
{
	return kind >= RECORDING_TRACE_TASK_BEGUN && kind <= RECORDING_TRACE_LOGGED;
}

/* Bytes from..to of the text that takes the places from `text` on. */
static uint32_t add_text(
	struct reading *r, const struct recording_trace_text *text, uint32_t from, uint32_t to)
{
	char s[RECORDING_TRACE_NAME_MAX];
	for (uint32_t i = from; i < to; i++)
		s[i - from] = text[i / sizeof(text->text)].text[i % sizeof(text->text)];
	return strtab_add(&r->trace->texts, s, to - from);
}

/* The texts of the note at `at`, behind which `room` places are left. */
static void add_texts(struct reading *r, const struct recording_trace_event *at, uint32_t room,
	struct export_trace_event *e)
{
	const struct recording_trace_text *text = (const struct recording_trace_text *)(at + 1);
	uint32_t name_n = at->name_n, n = name_n + at->message_n;
	bool fits = name_n <= RECORDING_TRACE_NAME_MAX &&
		    at->message_n <= RECORDING_TRACE_NAME_MAX && n <= room * sizeof(text->text);
	e->wait = WAIT_NONE;
	e->name = fits ? add_text(r, text, 0, name_n) : 0;
	e->message = fits ? add_text(r, text, name_n, n) : 0;
}

/* Behind which `room` places are left in its chunk. */
static void add_event(
	struct reading *r, uint32_t thread, const struct recording_trace_event *at, uint32_t room)
{
	struct export_trace *trace = r->trace;
	uint32_t what = atomic_load_explicit(&at->what, memory_order_acquire);
	if (!is_event(what, r->number) || trace->event_n >= EVENTS_MAX)
		return;
	struct export_trace_event e = {.what = what & 0xff,
		.wait = at->wait < WAIT_KINDS ? (uint8_t)at->wait : WAIT_NONE,
		.thread = thread,
		.stack = stack_of(r, at->stack),
		.time_ns = at->time_ns,
		.until_ns = at->until_ns,
		.object = at->object};
	if (is_note(e.what))
		add_texts(r, at, room, &e);
	vec_push(trace->events, trace->event_n, trace->event_cap, e);
}

static uint32_t thread_of(struct reading *r, const struct recording_trace_chunk *c)
{
	struct export_trace *trace = r->trace;
	bool is_new;
	uint32_t *slot = map_put(&r->threads, c->thread, &is_new);
	if (is_new) {
		struct export_trace_thread t = {
			.number = c->thread, .tid = c->tid, .born_ns = c->born_ns};
		*slot = trace->thread_n;
		vec_push(trace->threads, trace->thread_n, trace->thread_cap, t);
	}
	return *slot;
}

static const struct recording_trace_chunk *chunk_at(const struct reading *r, rec_ref ref)
{
	const struct recording_trace_chunk *c = export_at(r->source, ref, sizeof(*c));
	if (!c || !export_at(r->source, ref, sizeof(*c) + c->max * sizeof(c->events[0])))
		return NULL;
	return c;
}

static void read_chunks(struct reading *r, const struct recording *rec)
{
	uint32_t steps = 0;
	for (rec_ref ref = atomic_load(&rec->trace.chunks); ref && steps++ < CHUNKS_MAX;) {
		const struct recording_trace_chunk *c = chunk_at(r, ref);
		if (!c || c->trace != r->number)
			break;
		uint32_t n = atomic_load(&c->n), max = c->max, thread = thread_of(r, c);
		for (uint32_t i = 0; i < n && i < max; i++)
			add_event(r, thread, &c->events[i], max - i - 1);
		ref = c->next;
	}
}

/* A created thread that wrote nothing has not begun. */
static void find_created(const struct reading *r)
{
	for (uint32_t i = 0; i < r->trace->event_n; i++) {
		struct export_trace_event *e = &r->trace->events[i];
		if (e->what != RECORDING_TRACE_CREATED)
			continue;
		const uint32_t *thread = map_get(&r->threads, e->object);
		e->object = thread ? *thread : PROFILE_NONE;
	}
}

/* --- in order --- */

static int by_thread_and_time(const void *a, const void *b)
{
	const struct export_trace_event *x = a, *y = b;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->what > y->what) - (x->what < y->what);
}

static void order(struct export_trace *trace)
{
	if (trace->event_n)
		qsort(trace->events, trace->event_n, sizeof(*trace->events), by_thread_and_time);
	for (uint32_t i = 0; i < trace->event_n; i++) {
		struct export_trace_thread *t = &trace->threads[trace->events[i].thread];
		if (t->last == 0)
			t->first = i;
		t->last = i + 1;
	}
}

/* A process that was killed said nothing of the end. */
static void find_end(struct export_trace *trace, const struct recording *rec)
{
	trace->end_ns = atomic_load(&rec->trace.end_ns);
	for (uint32_t i = 0; i < trace->event_n && !atomic_load(&rec->trace.end_ns); i++) {
		const struct export_trace_event *e = &trace->events[i];
		bool is_wait = !is_note(e->what) && e->until_ns > e->time_ns;
		uint64_t last = is_wait ? e->until_ns : e->time_ns;
		if (last > trace->end_ns)
			trace->end_ns = last;
	}
	if (trace->end_ns < trace->begin_ns)
		trace->end_ns = trace->begin_ns;
}

int export_trace_read(struct export_trace *trace, struct builder *b,
	const struct export_source *source, struct err *err)
{
	const struct recording *rec = source->data;
	struct reading r = {.trace = trace,
		.builder = b,
		.source = source,
		.number = atomic_load(&rec->trace.number)};
	if (!r.number)
		return err_set(err, ERR_NOT_FOUND, "no execution trace was recorded");
	trace->begin_ns = rec->trace.begin_ns;
	trace->begin_realtime_ns = rec->trace.begin_realtime_ns;
	trace->lost = atomic_load(&rec->trace.lost);
	strtab_init(&trace->texts);
	map_init(&r.stacks);
	map_init(&r.threads);
	read_chunks(&r, rec);
	find_created(&r);
	map_release(&r.stacks);
	map_release(&r.threads);
	order(trace);
	find_end(trace, rec);
	if (atomic_load(&rec->trace.number) == r.number)
		return 0;
	export_trace_release(trace);
	return err_set(err, -EBUSY, "another execution trace was begun before this one was read");
}
