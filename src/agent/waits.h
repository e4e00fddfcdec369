/*
 * waits: what each thread waits for, while it waits.
 *
 * A record in the thread's slot, written by the hooks around a call that may block and read by
 * other threads: the goroutine and wall profiles, and the block profile at the end of a recording.
 * It holds the registers at a point of the hook, whose frame stays on the stack until the wait is
 * over, so that another thread can walk the waiting thread's stack without a signal.
 *
 * The owner writes it only while it is not pinned. A reader pins a record of a wait that goes on
 * (waits_pin); until it unpins it, the owner cannot leave the hook: neither the record nor the
 * stack above its registers moves, nor can the stack be unmapped. Readers hold a pin for one walk
 * and do nothing that can block meanwhile.
 *
 * `seq` is 4 for each wait so far, + 1 while one goes on, + 2 while a reader has it. A handler that
 * interrupts a wait and waits itself takes the record over: the newest wait is the one shown. A
 * wait that is left by longjmp or cancellation stays in the record until the thread's next wait, or
 * its end; a thread that is found running has none. (Rejected: a cleanup handler a wait, which
 * costs more than the record. Rejected: a sequence lock, under which the stack may vanish during a
 * walk.)
 *
 * Records are kept while somebody wants them (waits_want). All functions are async-signal-safe.
 */
#ifndef SONDE_AGENT_WAITS_H
#define SONDE_AGENT_WAITS_H

#include "agent/wait_kinds.h"
#include "unwind/unwind.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WAIT_GOING  1u
#define WAIT_PINNED 2u
#define WAIT_ONE    4u

#define WAIT_SHORT_NS 20000 /* a call on a descriptor that took less has not waited */

/* What a wait is, as the hook says. */
struct wait_what {
	uint8_t kind;	    /* enum wait_kind */
	int32_t fd;	    /* -1: none */
	int32_t owner;	    /* thread that held the lock when the wait began; 0: not known */
	uintptr_t object;   /* lock, semaphore, thread; 0: none */
	const void *caller; /* the hook's return address */
	uintptr_t leaf;	    /* the hook, which shows as the innermost frame */
};

struct wait {
	_Atomic uint32_t seq;
	struct wait_what what;
	uint64_t since_ns; /* CLOCK_MONOTONIC */
	struct unwind_saved at;
};

/* How many want records: 0, and the hooks of what may block only pass on. */
extern _Atomic uint32_t waits_wanted;
void waits_want(void);
void waits_want_no_more(void);
/* In a fork's child: nobody wants any. */
void waits_after_fork_child(void);

/* The owner's: the record as it is when nobody reads it and no wait goes on; and leaving it. */
uint32_t waits_clear(struct wait *wait);
void waits_end_pinned(struct wait *wait, uint32_t token);

/* On the waiting thread, in a function that returns only after waits_end(). Returns what that
 * takes. A handler that waited while the record was being written has moved `seq`: once more. */
static inline __attribute__((always_inline)) uint32_t waits_begin(
	struct wait *wait, const struct wait_what *what, uint64_t since_ns)
{
	uint32_t seq;
	do {
		seq = atomic_load_explicit(&wait->seq, memory_order_relaxed);
		if (__builtin_expect(seq & (WAIT_GOING | WAIT_PINNED), 0))
			seq = waits_clear(wait);
		wait->what = *what;
		wait->since_ns = since_ns;
		unwind_save(&wait->at);
	} while (!atomic_compare_exchange_strong_explicit(
		&wait->seq, &seq, seq | WAIT_GOING, memory_order_release, memory_order_relaxed));
	return seq | WAIT_GOING;
}

static inline void waits_end(struct wait *wait, uint32_t token)
{
	uint32_t seq = token;
	if (!atomic_compare_exchange_strong_explicit(&wait->seq, &seq,
		    token - WAIT_GOING + WAIT_ONE, memory_order_acq_rel, memory_order_relaxed))
		waits_end_pinned(wait, token);
}

/* Any thread's: true if a wait goes on and is pinned now; false if not, or another reader has it.
 */
bool waits_pin(struct wait *wait);
void waits_unpin(struct wait *wait);

#endif
