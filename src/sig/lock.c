/*
 * Lock: Drepper's three-state futex mutex ("Futexes are tricky", mutex 2). pthread_mutex_t was
 * rejected: the agent interposes it, and would see itself.
 */
#include "sig/sig.h"

#include <linux/futex.h>

enum { FREE, TAKEN, WAITED };

bool sig_trylock(struct sig_lock *lock)
{
	uint32_t expected = FREE;
	return atomic_compare_exchange_strong_explicit(
		&lock->state, &expected, TAKEN, memory_order_acquire, memory_order_relaxed);
}

void sig_lock(struct sig_lock *lock)
{
	if (sig_trylock(lock))
		return;
	while (atomic_exchange_explicit(&lock->state, WAITED, memory_order_acquire) != FREE)
		sig_syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, WAITED, 0);
}

void sig_unlock(struct sig_lock *lock)
{
	if (atomic_exchange_explicit(&lock->state, FREE, memory_order_release) == WAITED)
		sig_syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1);
}
