/*
 * sig: the async-signal-safe kit, what code reached from a signal handler or a hook stands on.
 *
 * The front header of the layer. Nothing here calls malloc, takes one of the program's locks,
 * touches errno, or changes a signal's handling. Each part says which class it belongs to:
 *   AS-safe      may be called from a signal handler, whatever it interrupted;
 *   thread-safe  from ordinary code on any thread, never from a handler.
 */
#ifndef SONDE_SIG_H
#define SONDE_SIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "sig/syscall.h"

/* On the declaration of a variable that hot code reads: reached without the GOT. */
#define SIG_HIDDEN __attribute__((visibility("hidden")))

/* ---- system calls and clocks: AS-safe ---- */

static inline int sig_gettid(void)
{
	return (int)sig_syscall(SYS_gettid);
}

static inline int sig_getpid(void)
{
	return (int)sig_syscall(SYS_getpid);
}

/* `size` zeroed bytes, rounded up to pages, from the kernel; NULL when it has none. Pages cost
 * memory only once touched. */
void *sig_map(size_t size);
void sig_unmap(void *p, size_t size);

/* Writes all of it, through EINTR and short writes: 0 or -errno. */
int sig_write_all(int fd, const void *p, size_t n);
/* Reads until n bytes, end of file or an error: bytes read, or -errno. */
long sig_read_all(int fd, void *p, size_t n);
/* open(2) with O_CLOEXEC added: descriptor or -errno. */
int sig_open(const char *path, int flags, int mode);
static inline void sig_close(int fd)
{
	sig_syscall(SYS_close, fd);
}

/* Nanoseconds of a clock; 22 ns for CLOCK_MONOTONIC and CLOCK_REALTIME (vDSO). */
static inline uint64_t sig_clock_ns(clockid_t clock)
{
	struct timespec t = {0};
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- arena: memory of a fixed budget, never given back piece by piece. AS-safe, lock-free ---- */

struct sig_arena {
	char *base; /* NULL: not initialized, every allocation fails */
	size_t budget;
	_Atomic size_t used;
	_Atomic size_t failed; /* requests refused */
};

/* Reserves the budget as address space; memory is taken as it is used. 0 or -errno. */
int sig_arena_init(struct sig_arena *arena, size_t budget);
void sig_arena_release(struct sig_arena *arena);
/* Zeroed, 16-byte aligned; NULL once the budget is spent. */
void *sig_arena_alloc(struct sig_arena *arena, size_t size);
/* Bytes handed out. */
size_t sig_arena_used(const struct sig_arena *arena);

/* ---- lock: a futex, invisible to the program's pthread hooks. thread-safe ----
 * Not for handlers, with one exception: sig_trylock() is AS-safe. */

struct sig_lock {
	_Atomic uint32_t state; /* 0 free, 1 taken, 2 taken and waited for */
};

void sig_lock(struct sig_lock *lock);
bool sig_trylock(struct sig_lock *lock);
void sig_unlock(struct sig_lock *lock);
/* In a fork's child: the holder does not exist here. */
static inline void sig_lock_reset(struct sig_lock *lock)
{
	atomic_store_explicit(&lock->state, 0, memory_order_relaxed);
}

/* ---- RCU: readers in handlers, a writer that swaps a pointer and frees the old one ----
 * Readers bracket their use of the published pointer; sections may nest (a handler in a handler)
 * and cost two uncontended atomic additions. Zero-initialized is ready. */

#define SIG_RCU_STRIPES 64

struct sig_rcu {
	struct {
		_Atomic uint32_t readers[2]; /* by the phase they entered in */
		char pad[56];
	} stripes[SIG_RCU_STRIPES];
	_Atomic uint32_t phase;
};

/* AS-safe. The token goes to sig_rcu_exit() on the same thread. Load the pointer after entering. */
unsigned sig_rcu_enter(struct sig_rcu *rcu);
void sig_rcu_exit(struct sig_rcu *rcu, unsigned token);
/* thread-safe, one caller at a time. True once every reader that was inside when it was called has
 * left; false if one is still there after `patience_ns` (a stopped thread): keep the garbage, try
 * again later. Never waits longer. */
bool sig_rcu_quiesce(struct sig_rcu *rcu, uint64_t patience_ns);
/* In a fork's child: readers on other threads do not exist here. AS-safe. */
void sig_rcu_reset(struct sig_rcu *rcu);

/* ---- memory that may not be there: AS-safe ---- */

/* Whether the `n` bytes at `addr` can be read now. One system call a page; see peek.c. */
bool sig_readable(uintptr_t addr, size_t n);
/* Copies them if they can be read. */
bool sig_peek(void *dst, uintptr_t addr, size_t n);

/* ---- small ---- */

/* Mixes a word: every input bit reaches the top bits, which the caller takes. */
static inline uint64_t sig_hash(uint64_t x)
{
	return (x ^ x >> 32) * 0x9e3779b97f4a7c15u;
}

/* A number that stays the same on a thread and mostly differs between threads: picks stripes. */
unsigned sig_thread_stripe(void);

#endif
