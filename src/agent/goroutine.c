/*
 * goroutine: where every thread is, at one moment; Go's goroutine profile, whose goroutines are threads
 * here.
 *
 * A snapshot has a number, which stands where other kinds have their rate: setting another one takes
 * it. Threads that wait in a hooked call are walked by whoever takes the snapshot, from what they left
 * in their wait record (waits.h), and are neither woken nor stopped; the others are sent our signal and
 * count themselves. A count holds the number of the snapshot it belongs to, so that old ones need not
 * be cleared: memory grows with the stacks there are, not with the snapshots.
 *
 * It is taken in a handler when another process asks: that thread is held for some microseconds for
 * each one that waits. (Rejected: a thread of our own for it, which the program would see.)
 */
#include "agent/goroutine.h"

#include "agent/capture.h"
#include "agent/control.h"
#include "agent/cpu.h"
#include "agent/kinds.h"
#include "agent/waits.h"

#include <errno.h>

/* One more thread on this stack: the high half is the snapshot's number. */
static void count(struct recording *rec, struct thread *t, const struct captured *stack,
	uint64_t key, uint32_t snapshot)
{
	struct recording_stack *s = stacks_intern(rec, stack);
	struct recording_count *c =
		s ? stacks_count(rec, s, RECORDING_GOROUTINE, atomic_load(&t->labels), key, 1)
		  : NULL;
	if (!c) {
		recording_count(&rec->lost[RECORDING_GOROUTINE], 1);
		return;
	}
	uint64_t before = atomic_load(&c->values[0]), after;
	do
		after = (before >> 32 == snapshot ? before : (uint64_t)snapshot << 32) + 1;
	while (!atomic_compare_exchange_weak(&c->values[0], &before, after));
}

static bool count_waiting(struct recording *rec, struct thread *t, uint32_t snapshot)
{
	struct capture c;
	struct wait_what what;
	uint64_t since;
	if (!capture_wait(&c, t, &what, &since))
		return false;
	count(rec, t, &c.stack, what.kind, snapshot);
	capture_done(&c);
	return true;
}

static void take(struct recording *rec, uint32_t snapshot)
{
	int self = sig_gettid();
	atomic_store(&rec->snapshot, snapshot);
	atomic_store(&rec->called, 0);
	cpu_look(rec, true);
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		if (atomic_load(&t->state) != THREAD_LIVE || t->hidden)
			continue;
		bool waits = atomic_load(&t->tid) != self && count_waiting(rec, t, snapshot);
		if (!waits)
			control_call(rec, atomic_load(&t->tid), goroutine_call_token(rec));
	}
}

static int set(struct recording *rec, uint64_t snapshot)
{
	bool was_on = atomic_load(&rec->rates.of[RECORDING_GOROUTINE]);
	if (snapshot > UINT32_MAX)
		return -EINVAL;
	if (!snapshot) {
		if (was_on)
			waits_want_no_more();
		return 0;
	}
	if (!was_on)
		waits_want();
	take(rec, (uint32_t)snapshot);
	return 0;
}

const struct kind goroutine_kind = {.set = set};

void goroutine_answer(struct recording *rec, const ucontext_t *context)
{
	struct thread *t = threads_find(&state->threads, sig_gettid());
	struct capture c;
	if (t && capture_context(&c, t, context)) {
		count(rec, t, &c.stack, WAIT_NONE, atomic_load(&rec->snapshot));
		capture_done(&c);
	}
}
