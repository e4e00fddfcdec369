/*
 * wall: where threads spend their time, on the CPU and off it.
 *
 * Every thread's life is cut into ticks of one period, at a phase of its own. Ticks that fall into
 * a hooked wait are charged to the stack that waits, with what it waits for, when the wait is over
 * or the profile is read: nobody is woken or interrupted to be sampled, a pool of 10,000 idle
 * threads costs nothing until somebody looks, and a wait shorter than a period mostly costs two
 * readings of the clock. What a thread runs is charged by the CPU profiler's expiries (cpu.h). What
 * is left of its time, in which it was runnable and did not run or waited where no hook is, is
 * `other`, and goes to the stack of its next expiry: a thread that is held up goes on where it was
 * held up.
 *
 * Rejected: a timer a thread on CLOCK_MONOTONIC, whose signals interrupt what the program waits in
 * and wake idle threads 100 times a second; a thread of ours that looks at all others, which the
 * program sees, and whose cost grows with the threads there are.
 *
 * A count has two values, samples and nanoseconds, so that rates may change; its key is the kind of
 * the wait (wait_kinds.h), WAIT_NONE on the CPU, or WALL_OTHER. Functions are async-signal-safe.
 */
#ifndef SONDE_AGENT_WALL_H
#define SONDE_AGENT_WALL_H

#include "agent/recording.h"
#include "agent/threads.h"

#define WALL_HZ_MAX 10000

extern _Atomic uint64_t wall_period_ns; /* 0: the profile is off */

static inline bool wall_on(void)
{
	return atomic_load_explicit(&wall_period_ns, memory_order_relaxed) != 0;
}

static inline uint64_t wall_hz(void)
{
	return 1000000000u / atomic_load(&wall_period_ns);
}

/* The account of thread `tid` begins. Nothing while the profile is off. */
void wall_begin(struct thread *thread, int tid);
/* The calling thread is about to end. */
void wall_end(struct recording *rec, struct thread *thread);

/* A wait is over, on the thread that waited. */
void wall_waited(
	struct thread *thread, const struct wait_what *what, uint64_t since_ns, uint64_t until_ns);
/* `expiries` of the CPU timer, `ns` in all, on this stack. In the handler of the thread itself,
 * unless `late`: after the fact. `thread` may be NULL: whose they were is not known. */
void wall_ran(struct recording *rec, struct thread *thread, const struct recording_stack *stack,
	uint64_t expiries, uint64_t ns, bool late);

/* In a fork's child: nothing is recorded. */
void wall_after_fork_child(void);

#endif
