/*
 * Arena: one reservation, one atomic counter. Rejected: growing by chunks, which needs a lock or a
 * list of chunks to race on, to save address space that costs nothing.
 */
#include "sig/sig.h"

#include <errno.h>

#define ALIGN 16

int sig_arena_init(struct sig_arena *arena, size_t budget)
{
	char *base = sig_map(budget);
	if (!base)
		return -ENOMEM;
	arena->budget = budget;
	atomic_store(&arena->used, 0);
	atomic_store(&arena->failed, 0);
	arena->base = base;
	return 0;
}

void sig_arena_release(struct sig_arena *arena)
{
	sig_unmap(arena->base, arena->budget);
	arena->base = NULL;
	arena->budget = 0;
}

static void *refuse(struct sig_arena *arena)
{
	atomic_fetch_add_explicit(&arena->failed, 1, memory_order_relaxed);
	return NULL;
}

void *sig_arena_alloc(struct sig_arena *arena, size_t size)
{
	if (size > arena->budget || !arena->base)
		return refuse(arena);
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	size_t at = atomic_load_explicit(&arena->used, memory_order_relaxed);
	do {
		if (size > arena->budget - at)
			return refuse(arena);
	} while (!atomic_compare_exchange_weak_explicit(
		&arena->used, &at, at + size, memory_order_relaxed, memory_order_relaxed));
	return arena->base + at;
}

size_t sig_arena_used(const struct sig_arena *arena)
{
	return atomic_load_explicit(&arena->used, memory_order_relaxed);
}
