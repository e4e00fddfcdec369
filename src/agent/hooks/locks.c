/*
 * Locks and what else threads wait for one another with.
 *
 * A lock is first tried: where that succeeds nothing was waited for. A normal mutex is tried here,
 * as libc's lock does it, because its trylock costs more than all the rest of a hook; where libc is
 * not found to do the same (lock_is_known()), and for all other locks, libc tries. Rejected: to
 * look whether the lock is free and jump to the real call, which costs the same and in which a
 * thread that is overtaken in between waits unseen. Only what is taken goes the long way, with
 * clock and record, and through the real call, from which every error but "busy" comes: trying is
 * right for all types of mutexes (a recursive one is taken again, a robust one says that its owner
 * died, and one that checks errors is merely busy for its owner, whom the real call then tells).
 *
 * A release looks whether anybody waits (contention.h). The stack is taken after the release, so
 * that nobody waits for the profiler; and from the lock only its address is used then: it may be
 * gone.
 *
 * C11's functions call libc's inner names and are hooked one by one; their objects are the same.
 */
#include "agent/hooks/waiting.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) <= sizeof(pthread_mutex_t), "a C11 mutex is a pthread mutex");

#define ONCE_IN_PROGRESS 1
#define ONCE_DONE	 2

/* --- waiting for a lock --- */

/* A lock's wait is charged to its releasers as well. */
static always_inline void lock_begin(struct waiting *w, const struct wait_what *what)
{
	waiting_begin(w, what);
	if (w->thread)
		contention_enter(w->thread, what->object, w->since_ns);
}

static always_inline void lock_end(struct waiting *w)
{
	if (!w->thread)
		return;
	int before = errno;
	contention_leave(w->thread, sig_clock_ns(CLOCK_MONOTONIC));
	errno = before;
	waiting_end(w, 0);
}

#define LOCKING(whats, call)                    \
	({                                      \
		struct waiting w_;              \
		struct wait_what what_ = whats; \
		lock_begin(&w_, &what_);        \
		__typeof__(call) rc_ = (call);  \
		lock_end(&w_);                  \
		rc_;                            \
	})

/* Who holds it, as far as its kind tells: what is read may be a moment old. */
#define ON_MUTEX(name, mutex_, caller_)                                                    \
	((struct wait_what){WAIT_MUTEX, -1, ((pthread_mutex_t *)(mutex_))->__data.__owner, \
		(uintptr_t)(mutex_), caller_, (uintptr_t)name})
#define ON_RWLOCK(name, kind_, lock_, caller_)                                                    \
	((struct wait_what){kind_, -1, (lock_)->__data.__cur_writer, (uintptr_t)(lock_), caller_, \
		(uintptr_t)name})

#define RELEASING(name, lock_, caller_, call)                                                 \
	({                                                                                    \
		struct contention_release r_ = contention_before_release((uintptr_t)(lock_)); \
		__typeof__(call) rc_ = (call);                                                \
		int errno_ = errno;                                                           \
		contention_after_release(&r_, caller_, (uintptr_t)name);                      \
		errno = errno_;                                                               \
		rc_;                                                                          \
	})

/* --- what programs call most jumps where a pointer says --- */

/* To libc's function itself while nobody wants records, and at first to one that finds it. What is
 * jumped to sees the return address of the hook's caller. */
typedef int mutex_fn(pthread_mutex_t *);
typedef int rwlock_fn(pthread_rwlock_t *);

static mutex_fn lock_first, unlock_first, lock_here, lock_trying, unlock_armed;
static rwlock_fn read_lock_first, write_lock_first, rwlock_unlock_first;
static rwlock_fn read_lock_armed, write_lock_armed, rwlock_unlock_armed;

static struct {
	_Atomic(mutex_fn *) lock, unlock;
	_Atomic(rwlock_fn *) read_lock, write_lock, rwlock_unlock;
} now = {lock_first, unlock_first, read_lock_first, write_lock_first, rwlock_unlock_first};

/* Set before any of the armed ones is used. */
static struct {
	mutex_fn *lock, *try, *unlock;
	rwlock_fn *read_lock, *try_read, *write_lock, *try_write, *rwlock_unlock;
	__typeof__(&sem_post) sem_post;
	bool lock_known; /* as lock_here() takes it */
} libc;

static void point(bool on)
{
	mutex_fn *lock = libc.lock_known ? lock_here : lock_trying;
	atomic_store(&now.lock, on ? lock : libc.lock);
	atomic_store(&now.unlock, on ? unlock_armed : libc.unlock);
	atomic_store(&now.read_lock, on ? read_lock_armed : libc.read_lock);
	atomic_store(&now.write_lock, on ? write_lock_armed : libc.write_lock);
	atomic_store(&now.rwlock_unlock, on ? rwlock_unlock_armed : libc.rwlock_unlock);
}

/* Async-signal-safe. What another thread has changed meanwhile is seen by the last of the two. */
void hooks_locks_switch(void)
{
	bool on;
	if (!libc.rwlock_unlock)
		return;
	do {
		on = waits_recorded();
		point(on);
	} while (on != waits_recorded());
}

/* --- mutexes --- */

HOOK int pthread_mutex_lock(pthread_mutex_t *m)
{
	return atomic_load_explicit(&now.lock, memory_order_relaxed)(m);
}

HOOK int pthread_mutex_unlock(pthread_mutex_t *m)
{
	return atomic_load_explicit(&now.unlock, memory_order_relaxed)(m);
}

static RARELY int lock_taken(pthread_mutex_t *m, const void *caller)
{
	return LOCKING(ON_MUTEX(pthread_mutex_lock, m, caller), libc.lock(m));
}

static RARELY int lock_try(pthread_mutex_t *m, const void *caller)
{
	int rc = libc.try(m);
	return rc == EBUSY ? lock_taken(m, caller) : rc;
}

static int lock_trying(pthread_mutex_t *m)
{
	return lock_try(m, RETURN_ADDRESS);
}

/* Takes a free normal mutex as libc does. */
static always_inline bool take_free(pthread_mutex_t *m, int tid)
{
	int is_free = 0;
	if (!__atomic_compare_exchange_n(
		    &m->__data.__lock, &is_free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	m->__data.__owner = tid;
	m->__data.__nusers++;
	return true;
}

/* libc's trylock takes twice the instructions of its lock, so a normal mutex that is free is taken
 * here: the word that processes share, whatever their libc is, says what to do. In a process with
 * one thread libc does without an atomic operation, and there is nobody to wait for. */
static int lock_here(pthread_mutex_t *m)
{
	const struct thread *self = control_known_self;
	if (__builtin_expect(m->__data.__kind != PTHREAD_MUTEX_TIMED_NP || !self, 0))
		return lock_try(m, RETURN_ADDRESS);
	if (__builtin_expect(__libc_single_threaded, 0) && !m->__data.__lock)
		return libc.lock(m);
	if (__builtin_expect(
		    !take_free(m, atomic_load_explicit(&self->tid, memory_order_relaxed)), 0))
		return lock_taken(m, RETURN_ADDRESS);
	return 0;
}

/* Whether libc's lock, and no other tool's, is what is behind the hook, and leaves a mutex as
 * lock_here() does, to the last bit; and its unlock as it was. */
static bool lock_is_known(void)
{
	static const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_t theirs = fresh, ours = fresh;
	Dl_info lock, other;
	if (!dladdr((void *)libc.lock, &lock) || !dladdr((void *)gnu_get_libc_version, &other) ||
		lock.dli_fbase != other.dli_fbase)
		return false;
	libc.lock(&theirs);
	bool same = take_free(&ours, sig_gettid()) && !memcmp(&ours, &theirs, sizeof(ours));
	libc.unlock(&theirs);
	libc.unlock(&ours);
	return same && !memcmp(&ours, &fresh, sizeof(ours));
}

static RARELY int unlock_waited_for(pthread_mutex_t *m, const void *caller)
{
	return RELEASING(pthread_mutex_unlock, m, caller, libc.unlock(m));
}

static int unlock_armed(pthread_mutex_t *m)
{
	if (contention_has_waiters(m))
		return unlock_waited_for(m, RETURN_ADDRESS);
	return libc.unlock(m);
}

static int lock_first(pthread_mutex_t *m)
{
	hooks_locks_init();
	return pthread_mutex_lock(m);
}

static int unlock_first(pthread_mutex_t *m)
{
	hooks_locks_init();
	return pthread_mutex_unlock(m);
}

WAIT_HOOK int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until)
{
	__typeof__(&pthread_mutex_timedlock) next = NEXT(pthread_mutex_timedlock);
	if (!waits_recorded())
		return next(m, until);
	int rc = NEXT(pthread_mutex_trylock)(m);
	if (rc != EBUSY)
		return rc;
	return LOCKING(ON_MUTEX(pthread_mutex_timedlock, m, RETURN_ADDRESS), next(m, until));
}

WAIT_HOOK int pthread_mutex_clocklock(
	pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
	__typeof__(&pthread_mutex_clocklock) next = NEXT(pthread_mutex_clocklock);
	if (!waits_recorded() || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
		return next(m, clock, until);
	int rc = NEXT(pthread_mutex_trylock)(m);
	if (rc != EBUSY)
		return rc;
	return LOCKING(ON_MUTEX(pthread_mutex_clocklock, m, RETURN_ADDRESS), next(m, clock, until));
}

static RARELY int mtx_lock_taken(mtx_t *m, const void *caller)
{
	return LOCKING(ON_MUTEX(mtx_lock, m, caller), NEXT(mtx_lock)(m));
}

WAIT_HOOK int mtx_lock(mtx_t *m)
{
	if (!waits_recorded())
		return NEXT(mtx_lock)(m);
	int rc = NEXT(mtx_trylock)(m);
	if (rc != thrd_busy)
		return rc;
	return mtx_lock_taken(m, RETURN_ADDRESS);
}

WAIT_HOOK int mtx_timedlock(mtx_t *m, const struct timespec *until)
{
	if (!waits_recorded())
		return NEXT(mtx_timedlock)(m, until);
	int rc = NEXT(mtx_trylock)(m);
	if (rc != thrd_busy)
		return rc;
	return LOCKING(ON_MUTEX(mtx_timedlock, m, RETURN_ADDRESS), NEXT(mtx_timedlock)(m, until));
}

static RARELY int mtx_unlock_waited_for(mtx_t *m, const void *caller)
{
	return RELEASING(mtx_unlock, m, caller, NEXT(mtx_unlock)(m));
}

WAIT_HOOK int mtx_unlock(mtx_t *m)
{
	if (contention_has_waiters(m))
		return mtx_unlock_waited_for(m, RETURN_ADDRESS);
	return NEXT(mtx_unlock)(m);
}

/* --- read-write locks --- */

HOOK int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
	return atomic_load_explicit(&now.read_lock, memory_order_relaxed)(l);
}

HOOK int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
	return atomic_load_explicit(&now.write_lock, memory_order_relaxed)(l);
}

HOOK int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
	return atomic_load_explicit(&now.rwlock_unlock, memory_order_relaxed)(l);
}

static RARELY int read_lock_taken(pthread_rwlock_t *l, const void *caller)
{
	return LOCKING(
		ON_RWLOCK(pthread_rwlock_rdlock, WAIT_RWLOCK_READ, l, caller), libc.read_lock(l));
}

static int read_lock_armed(pthread_rwlock_t *l)
{
	int rc = libc.try_read(l);
	if (__builtin_expect(rc != EBUSY, 1))
		return rc;
	return read_lock_taken(l, RETURN_ADDRESS);
}

static RARELY int write_lock_taken(pthread_rwlock_t *l, const void *caller)
{
	return LOCKING(
		ON_RWLOCK(pthread_rwlock_wrlock, WAIT_RWLOCK_WRITE, l, caller), libc.write_lock(l));
}

static int write_lock_armed(pthread_rwlock_t *l)
{
	int rc = libc.try_write(l);
	if (__builtin_expect(rc != EBUSY, 1))
		return rc;
	return write_lock_taken(l, RETURN_ADDRESS);
}

static RARELY int rwlock_unlock_waited_for(pthread_rwlock_t *l, const void *caller)
{
	return RELEASING(pthread_rwlock_unlock, l, caller, libc.rwlock_unlock(l));
}

static int rwlock_unlock_armed(pthread_rwlock_t *l)
{
	if (contention_has_waiters(l))
		return rwlock_unlock_waited_for(l, RETURN_ADDRESS);
	return libc.rwlock_unlock(l);
}

static int read_lock_first(pthread_rwlock_t *l)
{
	hooks_locks_init();
	return pthread_rwlock_rdlock(l);
}

static int write_lock_first(pthread_rwlock_t *l)
{
	hooks_locks_init();
	return pthread_rwlock_wrlock(l);
}

static int rwlock_unlock_first(pthread_rwlock_t *l)
{
	hooks_locks_init();
	return pthread_rwlock_unlock(l);
}

/* The rest, of hooks that may take their time. */
#define RWLOCK(name, try, kind, call)                                                     \
	({                                                                                \
		int tried_ = waits_recorded() ? NEXT(try)(l) : EBUSY;                     \
		if (tried_ == EBUSY)                                                      \
			tried_ = LOCKING(ON_RWLOCK(name, kind, l, RETURN_ADDRESS), call); \
		tried_;                                                                   \
	})

/* A wrong time is an error even where the lock is free: the real call is to say so. */
static bool is_time(const struct timespec *t)
{
	return t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

WAIT_HOOK int pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *until)
{
	__typeof__(&pthread_rwlock_timedrdlock) next = NEXT(pthread_rwlock_timedrdlock);
	if (!is_time(until))
		return next(l, until);
	return RWLOCK(pthread_rwlock_timedrdlock, pthread_rwlock_tryrdlock, WAIT_RWLOCK_READ,
		next(l, until));
}

WAIT_HOOK int pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *until)
{
	__typeof__(&pthread_rwlock_timedwrlock) next = NEXT(pthread_rwlock_timedwrlock);
	if (!is_time(until))
		return next(l, until);
	return RWLOCK(pthread_rwlock_timedwrlock, pthread_rwlock_trywrlock, WAIT_RWLOCK_WRITE,
		next(l, until));
}

WAIT_HOOK int pthread_rwlock_clockrdlock(
	pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
	__typeof__(&pthread_rwlock_clockrdlock) next = NEXT(pthread_rwlock_clockrdlock);
	if (!is_time(until) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
		return next(l, clock, until);
	return RWLOCK(pthread_rwlock_clockrdlock, pthread_rwlock_tryrdlock, WAIT_RWLOCK_READ,
		next(l, clock, until));
}

WAIT_HOOK int pthread_rwlock_clockwrlock(
	pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
	__typeof__(&pthread_rwlock_clockwrlock) next = NEXT(pthread_rwlock_clockwrlock);
	if (!is_time(until) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
		return next(l, clock, until);
	return RWLOCK(pthread_rwlock_clockwrlock, pthread_rwlock_trywrlock, WAIT_RWLOCK_WRITE,
		next(l, clock, until));
}

/* --- condition variables: a wait is a release of the mutex too --- */

/* What waits for the mutex is charged before the wait begins: afterwards is too late. */
static void releases(const void *mutex, const void *caller, uintptr_t leaf)
{
	int before = errno;
	if (contention_has_waiters(mutex)) {
		struct contention_release r = contention_before_release((uintptr_t)mutex);
		contention_after_release(&r, caller, leaf);
	}
	errno = before;
}

#define COND_WAIT(name, cond, mutex, call)                                       \
	({                                                                       \
		releases(mutex, RETURN_ADDRESS, (uintptr_t)name);                \
		WAITING(ON_OBJECT(name, WAIT_COND, cond, RETURN_ADDRESS), call); \
	})

WAIT_HOOK int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	return COND_WAIT(
		pthread_cond_wait, c, m, NEXT_VERSION(pthread_cond_wait, "GLIBC_2.3.2")(c, m));
}

WAIT_HOOK int pthread_cond_timedwait(
	pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
	return COND_WAIT(pthread_cond_timedwait, c, m,
		NEXT_VERSION(pthread_cond_timedwait, "GLIBC_2.3.2")(c, m, until));
}

WAIT_HOOK int pthread_cond_clockwait(
	pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
	return COND_WAIT(
		pthread_cond_clockwait, c, m, NEXT(pthread_cond_clockwait)(c, m, clock, until));
}

WAIT_HOOK int cnd_wait(cnd_t *c, mtx_t *m)
{
	return COND_WAIT(cnd_wait, c, m, NEXT(cnd_wait)(c, m));
}

WAIT_HOOK int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *until)
{
	return COND_WAIT(cnd_timedwait, c, m, NEXT(cnd_timedwait)(c, m, until));
}

/* What wakes those who wait. Only the execution tracer wants to know; the object may be gone by the
 * time it does. */
#define WAKING(name, object_, call)                                                       \
	({                                                                                \
		uint64_t at_ = trace_on() ? sig_clock_ns(CLOCK_MONOTONIC) : 0;            \
		__typeof__(call) rc_ = (call);                                            \
		if (__builtin_expect(at_ != 0, 0))                                        \
			woke((uintptr_t)(object_), at_, RETURN_ADDRESS, (uintptr_t)name); \
		rc_;                                                                      \
	})

static RARELY void woke(uintptr_t object, uint64_t at_ns, const void *caller, uintptr_t leaf)
{
	int before = errno;
	trace_woke(object, at_ns, caller, leaf);
	errno = before;
}

WAIT_HOOK int pthread_cond_signal(pthread_cond_t *c)
{
	return WAKING(pthread_cond_signal, c, NEXT_VERSION(pthread_cond_signal, "GLIBC_2.3.2")(c));
}

WAIT_HOOK int pthread_cond_broadcast(pthread_cond_t *c)
{
	return WAKING(
		pthread_cond_broadcast, c, NEXT_VERSION(pthread_cond_broadcast, "GLIBC_2.3.2")(c));
}

WAIT_HOOK int cnd_signal(cnd_t *c)
{
	return WAKING(cnd_signal, c, NEXT(cnd_signal)(c));
}

WAIT_HOOK int cnd_broadcast(cnd_t *c)
{
	return WAKING(cnd_broadcast, c, NEXT(cnd_broadcast)(c));
}

/* --- semaphores --- */

/* For handlers too: libc's is found beforehand (hooks_locks_init). */
WAIT_HOOK int sem_post(sem_t *s)
{
	__typeof__(&sem_post) next = libc.sem_post ? libc.sem_post : NEXT(sem_post);
	return WAKING(sem_post, s, next(s));
}

/* 0: taken; -1: it has to be waited for. */
static always_inline int sem_try(sem_t *s)
{
	if (!waits_recorded())
		return -1;
	int before = errno;
	int rc = NEXT(sem_trywait)(s);
	errno = before;
	return rc;
}

#define SEM_WAIT(name, caller_, call)                                                           \
	({                                                                                      \
		unsigned before_ = signals_so_far();                                            \
		int sem_rc_ = sem_try(s);                                                       \
		if (sem_rc_)                                                                    \
			do                                                                      \
				sem_rc_ = WAITING(ON_OBJECT(name, WAIT_SEM, s, caller_), call); \
			while (again(sem_rc_, &before_));                                       \
		sem_rc_;                                                                        \
	})

static RARELY int sem_taken(sem_t *s, const void *caller)
{
	return SEM_WAIT(sem_wait, caller, NEXT(sem_wait)(s));
}

WAIT_HOOK int sem_wait(sem_t *s)
{
	if (!waits_recorded())
		return NEXT(sem_wait)(s);
	return sem_try(s) ? sem_taken(s, RETURN_ADDRESS) : 0;
}

WAIT_HOOK int sem_timedwait(sem_t *s, const struct timespec *until)
{
	return SEM_WAIT(sem_timedwait, RETURN_ADDRESS, NEXT(sem_timedwait)(s, until));
}

WAIT_HOOK int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until)
{
	__typeof__(&sem_clockwait) next = NEXT(sem_clockwait);
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return next(s, clock, until);
	return SEM_WAIT(sem_clockwait, RETURN_ADDRESS, next(s, clock, until));
}

/* --- the end of a thread --- */

WAIT_HOOK int pthread_join(pthread_t thread, void **ret)
{
	return WAITING(ON_OBJECT(pthread_join, WAIT_JOIN, thread, RETURN_ADDRESS),
		NEXT(pthread_join)(thread, ret));
}

WAIT_HOOK int pthread_timedjoin_np(pthread_t thread, void **ret, const struct timespec *until)
{
	return WAITING(ON_OBJECT(pthread_timedjoin_np, WAIT_JOIN, thread, RETURN_ADDRESS),
		NEXT(pthread_timedjoin_np)(thread, ret, until));
}

WAIT_HOOK int pthread_clockjoin_np(
	pthread_t thread, void **ret, clockid_t clock, const struct timespec *until)
{
	return WAITING(ON_OBJECT(pthread_clockjoin_np, WAIT_JOIN, thread, RETURN_ADDRESS),
		NEXT(pthread_clockjoin_np)(thread, ret, clock, until));
}

WAIT_HOOK int thrd_join(thrd_t thread, int *ret)
{
	return WAITING(ON_OBJECT(thrd_join, WAIT_JOIN, thread, RETURN_ADDRESS),
		NEXT(thrd_join)(thread, ret));
}

/* --- barriers and once --- */

WAIT_HOOK int pthread_barrier_wait(pthread_barrier_t *b)
{
	return WAITING(ON_OBJECT(pthread_barrier_wait, WAIT_BARRIER, b, RETURN_ADDRESS),
		NEXT(pthread_barrier_wait)(b));
}

/* Another thread is at it: one that runs the routine itself does not wait. */
static always_inline bool once_is_waited_for(const void *once)
{
	int state = __atomic_load_n((const int *)once, __ATOMIC_ACQUIRE);
	return (state & (ONCE_IN_PROGRESS | ONCE_DONE)) == ONCE_IN_PROGRESS;
}

WAIT_HOOK int pthread_once(pthread_once_t *once, void (*routine)(void))
{
	if (!once_is_waited_for(once))
		return NEXT(pthread_once)(once, routine);
	return WAITING(ON_OBJECT(pthread_once, WAIT_ONCE, once, RETURN_ADDRESS),
		NEXT(pthread_once)(once, routine));
}

WAIT_HOOK void call_once(once_flag *once, void (*routine)(void))
{
	__typeof__(&call_once) next = NEXT(call_once);
	struct waiting w;
	struct wait_what what = ON_OBJECT(call_once, WAIT_ONCE, once, RETURN_ADDRESS);
	if (!once_is_waited_for(once)) {
		next(once, routine);
		return;
	}
	waiting_begin(&w, &what);
	next(once, routine);
	waiting_end(&w, 0);
}

/* --- finding libc's --- */

void hooks_locks_init(void)
{
	libc.lock = NEXT(pthread_mutex_lock);
	libc.try = NEXT(pthread_mutex_trylock);
	libc.unlock = NEXT(pthread_mutex_unlock);
	libc.read_lock = NEXT(pthread_rwlock_rdlock);
	libc.try_read = NEXT(pthread_rwlock_tryrdlock);
	libc.write_lock = NEXT(pthread_rwlock_wrlock);
	libc.try_write = NEXT(pthread_rwlock_trywrlock);
	libc.sem_post = NEXT(sem_post);
	libc.lock_known = lock_is_known();
	libc.rwlock_unlock = NEXT(pthread_rwlock_unlock);
	hooks_locks_switch();
}
