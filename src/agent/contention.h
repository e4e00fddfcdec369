/*
 * contention: the block and the mutex profile.
 *
 * Block charges a wait to the stack that waited, when the wait is over, and at the end of the
 * recording those that are not. Mutex charges the waits for a lock to the stacks that released it
 * while they went on: at each release, what its waiters waited since the release before, and to the
 * last release also the time until the waiter ran. So the two profiles agree on how long was waited
 * for locks.
 *
 * Both are sampled as runtime/mprof.go samples them: block counts every wait of `rate` ns or more,
 * and shorter ones with a probability of their length over the rate, weighted by its inverse; mutex
 * counts one release in `fraction`, weighted by it. A count has two values: contentions, in
 * 65536ths because weights are no whole numbers, and nanoseconds.
 *
 * Waiters for one lock are found through a table hashed by its address. An uncontended release
 * looks at one number of that table. Rejected: to look at the lock's own word for waiters, whose
 * meaning is glibc's and differs by type; and to charge the whole wait to whoever released last,
 * which on a lock with many holders is mostly not who kept it.
 *
 * Functions are for hooks: they keep to what a hook may do (no malloc, none of the program's
 * locks). A handler that interrupts one of them on its own thread and waits for a lock itself is
 * not accounted for.
 */
#ifndef SONDE_AGENT_CONTENTION_H
#define SONDE_AGENT_CONTENTION_H

#include "agent/contenders.h"
#include "agent/threads.h"

#define CONTENTION_ONE 65536u /* of values[0] */

/* A wait is over. */
void contention_waited(
	struct thread *thread, const struct wait_what *what, uint64_t since_ns, uint64_t until_ns);

/* The calling thread begins to wait for a lock, or is done with it. */
void contention_enter(struct thread *thread, uintptr_t lock, uint64_t now_ns);
void contention_leave(struct thread *thread, uint64_t now_ns);
/* The thread's slot is about to be given away. */
void contention_forget(struct thread *thread);

/* Whether anybody waits for a lock that shares its place in the table. Nanoseconds. */
static inline bool contention_has_waiters(const void *lock)
{
	return __builtin_expect(
		atomic_load_explicit(&contenders_waiting[contenders_home((uintptr_t)lock)],
			memory_order_relaxed) != 0,
		0);
}

/* A release of a lock that has waiters: before it, and after. */
struct contention_release {
	struct thread *thread; /* NULL: nothing to charge */
	uintptr_t lock;
	uint64_t waited_ns, weight;
	uint64_t traced_ns; /* when it was, for the execution trace; 0: there is none */
	uint32_t turn;
};
struct contention_release contention_before_release(uintptr_t lock);
void contention_after_release(
	const struct contention_release *r, const void *caller, uintptr_t leaf);

/* In a fork's child: nothing is recorded, nobody waits. */
void contention_after_fork_child(void);

#endif
