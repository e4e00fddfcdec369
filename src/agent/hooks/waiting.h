/*
 * waiting: what hooks of calls that may block put around the call.
 *
 * WAITING() is the call with its wait recorded and charged: the thread's record (waits.h) is open
 * while the call runs, and contention.h hears of it afterwards. It is a macro over inline functions
 * because the record's registers must be those of a frame that lasts as long as the call: the
 * hook's own.
 *
 * Calls that a signal interrupts and the kernel does not restart would show the program signals
 * that are ours alone. again() tells whether a failed call was interrupted by one: hooks then go on
 * waiting for what is left of the time. A signal of the program's own that arrives while ours is
 * being handled, within a few microseconds, is handled too, and its interruption goes the same way:
 * as if it had arrived just before the call.
 */
#ifndef SONDE_AGENT_HOOKS_WAITING_H
#define SONDE_AGENT_HOOKS_WAITING_H

#include "agent/contention.h"
#include "agent/control.h"
#include "agent/heap.h"
#include "agent/hooks/hooks.h"
#include "agent/trace.h"
#include "agent/waits.h"
#include "agent/wall.h"

#include <errno.h>

struct waiting {
	struct thread *thread; /* NULL: nothing is recorded */
	struct wait_what what;
	uint64_t since_ns;
	uint32_t token;
};

/* A hook that shows as a leaf, by its first byte: which must not be an inlined function's, as whose
 * it would show. */
#define WAIT_HOOK      HOOK __attribute__((patchable_function_entry(1)))
#define always_inline  inline __attribute__((always_inline))
#define RETURN_ADDRESS __builtin_return_address(0)

/* Whether calls that may block are to be recorded. */
static always_inline bool waits_recorded(void)
{
	return __builtin_expect(atomic_load_explicit(&waits_wanted, memory_order_relaxed) != 0, 0);
}

static always_inline void waiting_begin(struct waiting *w, const struct wait_what *what)
{
	w->thread = waits_recorded() && !heap_thread.quiet ? control_self() : NULL;
	if (!w->thread)
		return;
	w->what = *what;
	w->since_ns = sig_clock_ns(CLOCK_MONOTONIC);
	w->token = waits_begin(&w->thread->wait, what, w->since_ns);
}

/* Waits shorter than `least_ns` are none. */
static always_inline void waiting_end(struct waiting *w, uint64_t least_ns)
{
	if (!w->thread)
		return;
	int before = errno;
	uint64_t now = sig_clock_ns(CLOCK_MONOTONIC);
	waits_end(&w->thread->wait, w->token);
	if (now - w->since_ns >= least_ns) {
		contention_waited(w->thread, &w->what, w->since_ns, now);
		if (wall_on())
			wall_waited(w->thread, &w->what, w->since_ns, now);
		if (trace_on())
			trace_waited(w->thread, &w->what, w->since_ns, now);
	}
	errno = before;
}

#define WAITING_AT_LEAST(ns, whats, call)       \
	({                                      \
		struct waiting w_;              \
		struct wait_what what_ = whats; \
		waiting_begin(&w_, &what_);     \
		__typeof__(call) rc_ = (call);  \
		waiting_end(&w_, ns);           \
		rc_;                            \
	})
#define WAITING(whats, call) WAITING_AT_LEAST(0, whats, call)

/* For WAITING(), in the hook `name`, which was called from `caller_`. */
#define ON_OBJECT(name, kind_, object_, caller_) \
	((struct wait_what){kind_, -1, 0, (uintptr_t)(object_), caller_, (uintptr_t)name})
#define ON_FD(name, kind_, fd_) \
	((struct wait_what){kind_, fd_, 0, 0, RETURN_ADDRESS, (uintptr_t)name})

/* --- interruptions --- */

/* To be taken before the call. */
static always_inline unsigned signals_so_far(void)
{
	return hooks_own_signals;
}

/* Whether the call that returned `rc` failed because of a signal of ours since `*before`, which is
 * brought up to now. */
static always_inline bool again(long rc, unsigned *before)
{
	if (__builtin_expect(rc >= 0, 1) || errno != EINTR || hooks_own_signals == *before)
		return false;
	*before = hooks_own_signals;
	return true;
}

#endif
