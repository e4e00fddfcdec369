/*
 * The execution tracer's recording half; see trace.h.
 */
#include "agent/trace.h"

#include "agent/capture.h"
#include "agent/control.h"
#include "agent/cpu.h"
#include "agent/kinds.h"
#include "agent/state.h"

#include <errno.h>
#include <string.h>

/* Bytes. A thread's chunks double: many threads do little. */
#define CHUNK_FIRST 4096
#define CHUNK_MAX   65536

_Atomic uint32_t trace_number;

/* --- places --- */

static uint32_t max_in(size_t size)
{
	const struct recording_trace_chunk *c;
	return (uint32_t)((size - sizeof(*c)) / sizeof(c->events[0]));
}

/* Its number in the trace. */
static uint32_t number_of(struct recording *rec, struct thread *t, uint32_t trace)
{
	uint64_t id = atomic_load(&t->trace.id);
	while ((uint32_t)(id >> 32) != trace) {
		uint64_t own =
			(uint64_t)trace << 32 | (atomic_fetch_add(&rec->trace.threads, 1) + 1);
		if (atomic_compare_exchange_strong(&t->trace.id, &id, own))
			return (uint32_t)own;
	}
	return (uint32_t)id;
}

static struct recording_trace_chunk *chunk_of(
	struct recording *rec, const struct thread *t, uint32_t trace)
{
	rec_ref ref = atomic_load_explicit(&t->trace.chunk, memory_order_acquire);
	struct recording_trace_chunk *c = ref ? recording_at(rec, ref) : NULL;
	return c && c->trace == trace ? c : NULL;
}

static size_t size_after(const struct recording_trace_chunk *full)
{
	size_t size = CHUNK_FIRST;
	while (full && size < CHUNK_MAX && max_in(size) <= full->max)
		size *= 2;
	return size;
}

/* A handler may have come first: its chunk is used then, and ours stays empty. */
static bool renew(struct recording *rec, struct thread *t, uint32_t trace,
	const struct recording_trace_chunk *full)
{
	size_t size = size_after(full);
	uint32_t before = full ? recording_ref(rec, full) : atomic_load(&t->trace.chunk);
	struct recording_trace_chunk *c = recording_alloc_trace(rec, size);
	if (!c)
		return false;
	memset(c, 0, size); /* an earlier trace's */
	c->trace = trace;
	c->thread = number_of(rec, t, trace);
	c->tid = atomic_load(&t->tid);
	c->born_ns = t->life.born_ns;
	c->max = max_in(size);
	c->next = atomic_load(&rec->trace.chunks);
	while (!atomic_compare_exchange_weak(&rec->trace.chunks, &c->next, recording_ref(rec, c)))
		;
	atomic_compare_exchange_strong(&t->trace.chunk, &before, recording_ref(rec, c));
	return true;
}

/* `n` of them in a row. What is left of a chunk may be too little: it stays empty. */
static struct recording_trace_event *place(
	struct recording *rec, struct thread *t, uint32_t trace, uint32_t n)
{
	for (;;) {
		struct recording_trace_chunk *c = chunk_of(rec, t, trace);
		if (c && atomic_load_explicit(&c->n, memory_order_relaxed) + n <= c->max) {
			uint32_t i = atomic_fetch_add(&c->n, n);
			if (i + n <= c->max)
				return &c->events[i];
		}
		if (!renew(rec, t, trace, c))
			return NULL;
	}
}

static void put(struct recording *rec, struct thread *t, uint32_t trace,
	enum recording_trace_what what, const struct recording_trace_event *e)
{
	struct recording_trace_event *at = place(rec, t, trace, 1);
	if (!at) {
		recording_count(&rec->trace.lost, 1);
		return;
	}
	at->stack = e->stack;
	at->time_ns = e->time_ns;
	at->until_ns = e->until_ns;
	at->object = e->object;
	at->wait = e->wait;
	atomic_store_explicit(&at->what, (uint32_t)what | trace << 8, memory_order_release);
}

static rec_ref ref_of(const struct recording *rec, const struct recording_stack *s)
{
	return s ? recording_ref(rec, s) : 0;
}

/* --- writing --- */

/* While a thread writes, no new trace takes the area that it may be writing to. */
struct writing {
	struct recording *rec; /* NULL: no trace is being recorded */
	struct thread *thread;
	uint32_t trace;
	unsigned token;
};

static struct writing write_begin(struct thread *t)
{
	struct writing w = {.thread = t};
	atomic_fetch_add(&t->trace.writing, 1);
	w.trace = atomic_load(&trace_number);
	w.rec = w.trace ? state_enter(&w.token) : NULL;
	if (!w.rec)
		atomic_fetch_sub(&t->trace.writing, 1);
	return w;
}

static void write_end(const struct writing *w)
{
	state_leave(w->token);
	atomic_fetch_sub(&w->thread->trace.writing, 1);
}

static void write_one(const struct writing *w, enum recording_trace_what what,
	const struct recording_trace_event *e)
{
	put(w->rec, w->thread, w->trace, what, e);
	write_end(w);
}

void trace_waited(
	struct thread *thread, const struct wait_what *what, uint64_t since_ns, uint64_t until_ns)
{
	struct writing w = write_begin(thread);
	if (!w.rec)
		return;
	write_one(&w, RECORDING_TRACE_WAITED,
		&(struct recording_trace_event){
			.stack = ref_of(
				w.rec, capture_intern(w.rec, thread, what->caller, what->leaf)),
			.time_ns = since_ns,
			.until_ns = until_ns,
			.object = what->object,
			.wait = what->kind});
}

void trace_woke(uintptr_t object, uint64_t at_ns, const void *caller, uintptr_t leaf)
{
	struct thread *t = control_self();
	struct writing w = {0};
	if (t)
		w = write_begin(t);
	if (!w.rec)
		return;
	write_one(&w, RECORDING_TRACE_WOKE,
		&(struct recording_trace_event){
			.stack = ref_of(w.rec, capture_intern(w.rec, t, caller, leaf)),
			.time_ns = at_ns,
			.object = object});
}

void trace_created(struct thread *creator, struct thread *created, const struct recording_stack *s)
{
	struct writing w = write_begin(creator);
	if (!w.rec)
		return;
	write_one(&w, RECORDING_TRACE_CREATED,
		&(struct recording_trace_event){.stack = ref_of(w.rec, s),
			.time_ns = sig_clock_ns(CLOCK_MONOTONIC),
			.object = number_of(w.rec, created, w.trace)});
}

static void about_itself(struct thread *t, enum recording_trace_what what, bool root)
{
	struct writing w = write_begin(t);
	if (!w.rec)
		return;
	write_one(&w, what,
		&(struct recording_trace_event){
			.stack = root ? ref_of(w.rec, capture_root(w.rec, t)) : 0,
			.time_ns = sig_clock_ns(CLOCK_MONOTONIC),
			.object = t->life.handle});
}

void trace_began(struct thread *thread)
{
	about_itself(thread, RECORDING_TRACE_BEGAN, true);
}

void trace_ended(struct thread *thread)
{
	about_itself(thread, RECORDING_TRACE_ENDED, false);
}

void trace_sampled(struct thread *thread, const struct recording_stack *stack)
{
	struct writing w = write_begin(thread);
	if (!w.rec)
		return;
	write_one(&w, RECORDING_TRACE_SAMPLED,
		&(struct recording_trace_event){
			.stack = ref_of(w.rec, stack), .time_ns = sig_clock_ns(CLOCK_MONOTONIC)});
}

/* --- notes --- */

#define TEXT_MAX   (2 * RECORDING_TRACE_NAME_MAX)
#define TEXT_PLACE sizeof(((struct recording_trace_text *)0)->text)
#define PLACES_MAX (1 + (TEXT_MAX + TEXT_PLACE - 1) / TEXT_PLACE)

_Static_assert(sizeof(struct recording_trace_text) == sizeof(struct recording_trace_event),
	"text takes the places of events");
_Static_assert(
	sizeof(struct recording_trace_chunk) + PLACES_MAX * sizeof(struct recording_trace_event) <=
		CHUNK_FIRST,
	"a note fits every chunk");

static uint16_t length_of(const char *s)
{
	return s ? (uint16_t)strnlen(s, RECORDING_TRACE_NAME_MAX) : 0;
}

/* Appends to the text that is `at` bytes long. */
static void put_text(struct recording_trace_text *to, uint32_t at, const char *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++, at++)
		to[at / TEXT_PLACE].text[at % TEXT_PLACE] = s[i];
}

/* One thread's notes never have the same time: they would have no order. */
static uint64_t time_of_note(struct thread *t)
{
	uint64_t now_ns = sig_clock_ns(CLOCK_MONOTONIC);
	if (now_ns <= t->trace.noted_ns)
		now_ns = t->trace.noted_ns + 1;
	return t->trace.noted_ns = now_ns;
}

static void put_note(const struct writing *w, const struct trace_note *note, rec_ref stack)
{
	uint16_t name_n = length_of(note->name), message_n = length_of(note->message);
	uint32_t texts = (uint32_t)((name_n + message_n + TEXT_PLACE - 1) / TEXT_PLACE);
	struct recording_trace_event *at = place(w->rec, w->thread, w->trace, 1 + texts);
	if (!at) {
		recording_count(&w->rec->trace.lost, 1);
		return;
	}
	struct recording_trace_text *text = (struct recording_trace_text *)(at + 1);
	put_text(text, 0, note->name, name_n);
	put_text(text, name_n, note->message, message_n);
	for (uint32_t i = 0; i < texts; i++)
		atomic_store_explicit(
			&text[i].what, RECORDING_TRACE_TEXT | w->trace << 8, memory_order_relaxed);
	at->stack = stack;
	at->time_ns = time_of_note(w->thread);
	at->until_ns = note->parent;
	at->object = note->task;
	at->name_n = name_n;
	at->message_n = message_n;
	atomic_store_explicit(
		&at->what, (uint32_t)note->what | w->trace << 8, memory_order_release);
}

void trace_noted(const struct trace_note *note, const void *caller)
{
	struct thread *t = control_self();
	struct writing w = {0};
	if (t)
		w = write_begin(t);
	if (!w.rec)
		return;
	put_note(&w, note, ref_of(w.rec, capture_intern(w.rec, t, caller, 0)));
	write_end(&w);
}

/* --- beginning and end --- */

static bool is_anybody_writing(void)
{
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++)
		if (atomic_load(&state->threads.slots[i].trace.writing))
			return true;
	return false;
}

/* The program's threads, the first first, from place *at on; NULL: that was the last. */
static struct thread *next_thread(uint32_t *at)
{
	uint32_t high = atomic_load(&state->threads.high);
	while (*at < high) {
		struct thread *t = &state->threads.slots[(*at)++];
		if (atomic_load(&t->state) == THREAD_LIVE && !t->hidden)
			return t;
	}
	return NULL;
}

static void number_all(struct recording *rec, uint32_t trace)
{
	struct thread *t;
	for (uint32_t at = 0; (t = next_thread(&at));)
		number_of(rec, t, trace);
}

/* The thread that calls the others: in ordinary code its own call reaches it in the system call
 * that makes it. */
static _Atomic int calling;

/* Waits that began before anybody wanted records of them are not known: those threads are called,
 * and say where they are. */
static void call_unknown(struct recording *rec)
{
	struct thread *t;
	atomic_store(&calling, sig_gettid());
	for (uint32_t at = 0; (t = next_thread(&at));)
		if (!(atomic_load(&t->wait.seq) & WAIT_GOING))
			control_call(rec, t, RECORDING_TRACE);
	atomic_store(&calling, 0);
}

static bool answer(struct recording *rec, struct thread *t, const ucontext_t *context)
{
	struct capture c;
	struct writing w = write_begin(t);
	if (!w.rec)
		return true;
	if (!capture_context(&c, t, context)) {
		write_end(&w);
		return false;
	}
	bool caught =
		capture_in_syscall(c.stack.pcs[0]) && atomic_load(&calling) != atomic_load(&t->tid);
	write_one(&w, caught ? RECORDING_TRACE_CAUGHT : RECORDING_TRACE_FOUND,
		&(struct recording_trace_event){.stack = ref_of(rec, stacks_intern(rec, &c.stack)),
			.time_ns = sig_clock_ns(CLOCK_MONOTONIC),
			.wait = WAIT_SYSCALL});
	capture_done(&c);
	return true;
}

/* The area is used again unless somebody who was interrupted in the last trace still has a place in
 * it. */
static void begin(struct recording *rec)
{
	struct recording_trace *trace = &rec->trace;
	uint32_t number = (atomic_load(&trace->number) + 1) & 0xffffff;
	if (!is_anybody_writing())
		atomic_store(&trace->used, 0);
	atomic_store(&trace->chunks, 0);
	atomic_store(&trace->threads, 0);
	atomic_store(&trace->end_ns, 0);
	atomic_store(&trace->lost, 0);
	trace->begin_ns = sig_clock_ns(CLOCK_MONOTONIC);
	trace->begin_realtime_ns = sig_clock_ns(CLOCK_REALTIME);
	number += !number;
	atomic_store(&trace->number, number);
	cpu_look(rec, true);
	number_all(rec, number);
	waits_want();
	atomic_store(&trace->on, number);
	atomic_store(&trace_number, number);
	call_unknown(rec);
}

/* Where the thread is at the end. */
static void note_last(struct recording *rec, struct thread *t, uint32_t trace)
{
	struct capture c;
	struct wait_what what;
	struct recording_trace_event e = {0};
	if (capture_wait(&c, t, &what, &e.time_ns)) {
		e.stack = ref_of(rec, stacks_intern(rec, &c.stack));
		e.until_ns = sig_clock_ns(CLOCK_MONOTONIC);
		e.object = what.object;
		e.wait = what.kind;
		capture_done(&c);
		put(rec, t, trace, RECORDING_TRACE_WAITS, &e);
		return;
	}
	e.stack = ref_of(rec, capture_root(rec, t));
	e.time_ns = sig_clock_ns(CLOCK_MONOTONIC);
	put(rec, t, trace, RECORDING_TRACE_LIVES, &e);
}

/* Those that wait are noted while the trace goes on: one that does no more when it has been noted
 * says so itself. */
static void end(struct recording *rec)
{
	struct thread *t;
	uint32_t trace = atomic_load(&trace_number);
	if (!trace)
		return;
	for (uint32_t at = 0; (t = next_thread(&at));)
		note_last(rec, t, trace);
	atomic_store(&trace_number, 0);
	atomic_store(&rec->trace.on, 0);
	atomic_store(&rec->trace.end_ns, sig_clock_ns(CLOCK_MONOTONIC));
	waits_want_no_more();
}

static int set(struct recording *rec, uint64_t rate)
{
	if (rate > 1)
		return -EINVAL;
	if (!rate)
		end(rec);
	else if (atomic_load(&trace_number))
		return -EBUSY;
	else
		begin(rec);
	return 0;
}

/* Chunks are the old recording's. */
static void forget(void)
{
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++) {
		atomic_store(&state->threads.slots[i].trace.id, 0);
		atomic_store(&state->threads.slots[i].trace.chunk, 0);
	}
}

const struct kind trace_kind = {.set = set, .finish = end, .answer = answer, .forget = forget};

void trace_after_fork_child(void)
{
	atomic_store(&trace_number, 0);
}
