/*
 * The record of what threads wait for; see waits.h.
 */
#include "agent/waits.h"

#include "agent/hooks/hooks.h"
#include "sig/sig.h"

_Atomic uint32_t waits_wanted;

void waits_want(void)
{
	atomic_fetch_add(&waits_wanted, 1);
	hooks_locks_switch();
}

void waits_want_no_more(void)
{
	atomic_fetch_sub(&waits_wanted, 1);
	hooks_locks_switch();
}

void waits_after_fork_child(void)
{
	atomic_store(&waits_wanted, 0);
	hooks_locks_switch();
}

/* A reader has the record for the length of a walk. It sleeps rather than yields: the reader may be
 * of a lower priority. */
static void await_reader(void)
{
	struct timespec t = {0, 20000};
	sig_syscall(SYS_nanosleep, &t, 0);
}

/* Ends what is left of a wait nobody ended, or one that a handler interrupted. */
uint32_t waits_clear(struct wait *wait)
{
	for (;;) {
		uint32_t seq = atomic_load(&wait->seq);
		if (seq & WAIT_PINNED)
			await_reader();
		else if (seq & WAIT_GOING)
			atomic_compare_exchange_strong(
				&wait->seq, &seq, seq - WAIT_GOING + WAIT_ONE);
		else
			return seq;
	}
}

/* Pinned, or taken over by a wait in a handler and no longer this one's. */
void waits_end_pinned(struct wait *wait, uint32_t token)
{
	for (;;) {
		uint32_t seq = token;
		if (atomic_compare_exchange_strong(&wait->seq, &seq, token - WAIT_GOING + WAIT_ONE))
			return;
		if (seq != (token | WAIT_PINNED))
			return;
		await_reader();
	}
}

bool waits_pin(struct wait *wait)
{
	uint32_t seq = atomic_load_explicit(&wait->seq, memory_order_relaxed);
	return (seq & (WAIT_GOING | WAIT_PINNED)) == WAIT_GOING &&
	       atomic_compare_exchange_strong_explicit(&wait->seq, &seq, seq | WAIT_PINNED,
		       memory_order_acquire, memory_order_relaxed);
}

void waits_unpin(struct wait *wait)
{
	atomic_fetch_and(&wait->seq, ~WAIT_PINNED);
}
