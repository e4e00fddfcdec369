/*
 * The heap profiler; see heap.h.
 *
 * A recorded block is a count under its stack, keyed by its size and the rate it was drawn with, so
 * that the export can divide each by its own probability exactly (Go keeps buckets of stack and
 * size for the same reason, but one rate for the process: a rate changed in mid-flight biases its
 * profiles). A thread that meets a new rate draws its gap afresh; gaps have no memory, so that
 * allocations before and after are each recorded with the probability that their key says.
 *
 * The table of live blocks leads from an address to that count. A block is entered before its
 * allocation returns and removed before the allocator takes it back, so an address is never in it
 * twice. References are good for one recording: all use of the table is within state_enter(), and
 * when a recording has gone the table is emptied.
 */
#include "agent/heap.h"

#include "agent/capture.h"
#include "agent/control.h"
#include "agent/kinds.h"

#include <errno.h>

_Atomic uint32_t heap_epoch;
_Atomic bool heap_watching;
struct live_filter heap_filter;
_Thread_local struct heap_thread heap_thread;

/* AddressSanitizer has an allocator that must see every block; ours would not be reached. */
extern void __asan_init(void) __attribute__((weak));

/* --- recording --- */

static rec_ref count_for(
	struct recording *rec, struct thread *self, uint64_t key, const void *caller)
{
	struct recording_stack *s = capture_intern(rec, self, caller, 0);
	uint32_t labels = self ? atomic_load_explicit(&self->labels, memory_order_relaxed) : 0;
	struct recording_count *c =
		s ? stacks_count(rec, s, RECORDING_HEAP, labels, key, RECORDING_HEAP_VALUES) : NULL;
	return c ? recording_ref(rec, c) : 0;
}

/* A reference that a thread stopped for long may have brought from an earlier recording is checked
 * to be one at all. */
static void add(struct recording *rec, rec_ref ref, enum recording_heap_value value)
{
	if ((uint64_t)ref * 8 + sizeof(struct recording_count) < atomic_load(&rec->used))
		recording_count(
			&((struct recording_count *)recording_at(rec, ref))->values[value], 1);
}

static void record(struct recording *rec, void *p, uint64_t key, const void *caller)
{
	struct live_table *live = &state->live;
	rec_ref ref = count_for(rec, control_self(), key, caller);
	if (ref && live_insert(live, (uintptr_t)p,
			   recording_heap_block(ref, sig_clock_ns(CLOCK_MONOTONIC))))
		add(rec, ref, RECORDING_HEAP_ALLOCATED);
	else
		recording_count(&rec->lost[RECORDING_HEAP], 1);
	atomic_store_explicit(
		&rec->heap.table_bytes, atomic_load(&live->bytes), memory_order_relaxed);
}

/* The rate is the recording's, by its number: what the thread's gap was drawn with, or is now. */
static void sample(struct recording *rec, void *p, size_t size, const void *caller)
{
	uint32_t epoch = atomic_load(&heap_epoch);
	uint32_t number = epoch % RECORDING_HEAP_RATES;
	uint64_t rate = atomic_load_explicit(&rec->heap.rates[number], memory_order_relaxed);
	if (epoch && sampler_take(&heap_thread.sampler, size, rate, epoch))
		record(rec, p, recording_heap_key(size, number), caller);
}

/* Nothing is sampled: the thread need not come here again. */
static void stand_idle(struct heap_thread *t)
{
	t->outer = NULL;
	t->ready = t->sampler.epoch = 0;
	t->sampler.left = UINT64_MAX;
}

/* The outer size is one to be counted down, too. */
__attribute__((noinline, cold)) bool heap_ask(struct heap_request *r)
{
	struct heap_thread *t = &heap_thread;
	t->serial++;
	if (!heap_armed()) {
		stand_idle(t);
		return false;
	}
	if (!t->outer)
		return true;
	*r = (struct heap_request){t->outer_size, t->outer};
	t->outer = NULL;
	t->ready = t->sampler.epoch;
	return !heap_counted(r->size);
}

__attribute__((noinline, cold)) void heap_sample(void *p, size_t size, const void *caller)
{
	struct heap_thread *t = &heap_thread;
	unsigned token;
	if (t->quiet) {
		t->sampler.epoch = t->ready = 0; /* the next one that counts draws afresh */
		return;
	}
	uint32_t epoch = atomic_load(&heap_epoch);
	struct recording *rec = state_enter(&token);
	if (!rec) { /* a child of fork: it need not come here again */
		atomic_compare_exchange_strong(&heap_epoch, &epoch, 0);
		return;
	}
	sample(rec, p, size, caller);
	t->ready = t->sampler.epoch;
	state_leave(token);
}

static void take_out(void *p, enum recording_heap_value why)
{
	unsigned token;
	uint64_t block;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return;
	if (live_remove(&state->live, (uintptr_t)p, &block))
		add(rec, (rec_ref)block, why);
	state_leave(token);
}

__attribute__((noinline, cold)) void heap_forget(void *p)
{
	take_out(p, RECORDING_HEAP_FREED);
}

void heap_hide(void *p)
{
	if (heap_maybe_recorded(p))
		take_out(p, RECORDING_HEAP_HIDDEN);
}

struct heap_moving heap_moving_begin(void *p)
{
	struct heap_moving m = {0};
	if (!atomic_load_explicit(&heap_watching, memory_order_relaxed) || !heap_maybe_recorded(p))
		return m;
	m.rec = state_enter(&m.token);
	if (!m.rec || live_remove(&state->live, (uintptr_t)p, &m.block))
		return m;
	state_leave(m.token);
	m.rec = NULL;
	return m;
}

void heap_moving_end(const struct heap_moving *m, void *p, bool freed)
{
	if (!m->rec)
		return;
	if (freed || !live_insert(&state->live, (uintptr_t)p, m->block))
		add(m->rec, (rec_ref)m->block, RECORDING_HEAP_FREED);
	state_leave(m->token);
}

/* --- on and off --- */

/* The rate's number in this recording, old or new; -ENOSPC when it has had too many. */
static int number_of(struct recording *rec, uint64_t rate)
{
	for (int i = 0; i < RECORDING_HEAP_RATES; i++) {
		uint64_t have = atomic_load(&rec->heap.rates[i]);
		if (!have)
			atomic_store(&rec->heap.rates[i], rate);
		if (!have || have == rate)
			return i;
	}
	return -ENOSPC;
}

static void note_hindrance(struct recording *rec)
{
	if (__asan_init)
		atomic_store(&rec->heap.hindered, RECORDING_HEAP_SANITIZER);
	else if (!hooks_malloc_reached())
		atomic_store(&rec->heap.hindered, RECORDING_HEAP_NOT_REACHED);
}

/* In a fork's child, whose table is new, the filter may be the parent's yet. */
static void prepare_table(struct live_table *live)
{
	static bool filter_used;
	if (live->filter)
		return;
	if (filter_used)
		live_filter_clear(&heap_filter);
	filter_used = true;
	live->filter = &heap_filter;
	live->bytes_max = HEAP_TABLE_MAX;
}

static int set(struct recording *rec, uint64_t rate)
{
	static uint32_t settings;
	if (!rate) {
		atomic_store(&heap_epoch, 0);
		return 0;
	}
	int number = rate > INT64_MAX ? -EINVAL : number_of(rec, rate);
	if (number < 0)
		return number;
	note_hindrance(rec);
	if (__asan_init)
		return 0; /* the profile says why it is empty */
	prepare_table(&state->live);
	rec->heap.table = (uintptr_t)&state->live;
	atomic_store(&heap_watching, true);
	settings++;
	atomic_store(&heap_epoch, settings * RECORDING_HEAP_RATES + (uint32_t)number);
	return 0;
}

static void forget(void)
{
	atomic_store(&heap_watching, false);
	live_clear(&state->live);
}

/* AddressSanitizer ends the program for such a try. */
void heap_init(void)
{
	if (!__asan_init)
		hooks_malloc_try();
}

void heap_after_fork_child(void)
{
	atomic_store(&heap_epoch, 0);
	atomic_store(&heap_watching, false);
}

const struct kind heap_kind = {.set = set, .forget = forget};
