/*
 * heap: the heap profiler. Sampled allocations, charged to the stack that made them, and given back
 * when they are freed: Go's heap and allocs profiles (runtime/mprof.go).
 *
 * The hooks (hooks/malloc.c) call heap_allocated() and heap_freed() around the program's allocator.
 * Everything here is lock-free, takes no memory from the program and keeps errno; a signal handler
 * that allocates does no harm here.
 */
#ifndef SONDE_AGENT_HEAP_H
#define SONDE_AGENT_HEAP_H

#include "agent/sampler.h"
#include "agent/state.h"

#define HEAP_TABLE_MAX ((uint64_t)1 << 30) /* bytes of the table of live blocks */

/* Not 0: allocations are sampled. A number of its own for each setting of the rate, so that threads
 * notice; its low bits are the rate's number in the recording. */
extern _Atomic uint32_t heap_epoch SIG_HIDDEN;
/* Recorded blocks may be live: reallocs are to be looked up. Stays when sampling stops. */
extern _Atomic bool heap_watching SIG_HIDDEN;
/* Of the table of live blocks; in no block that is wiped in a fork's child, because free reads it
 * whatever the state is. What a child finds in it, it looks up in vain. */
extern struct live_filter heap_filter SIG_HIDDEN;

struct heap_thread {
	struct sampler sampler;
	/* heap_epoch where an allocation need only be counted down; 0: heap_ask() has to look. */
	uint32_t ready;
	uint32_t serial; /* times that it has looked */
	uint32_t quiet;	 /* > 0: the agent's own work: it allocates and waits unrecorded */
	/* Of the operator new that is around malloc's hook: who called it, and for how much (it may
	 * ask malloc for more). NULL: there is none, or it has been told. */
	const void *outer;
	size_t outer_size;
};
extern _Thread_local struct heap_thread heap_thread SIG_HIDDEN;

/* An allocation that is about to be made, or has been. */
struct heap_request {
	size_t size;
	const void *caller;
};

/* The slow halves of the functions below. */
bool heap_ask(struct heap_request *r);
void heap_sample(void *p, size_t size, const void *caller);
void heap_forget(void *p);

static inline bool heap_armed(void)
{
	return __builtin_expect(atomic_load_explicit(&heap_epoch, memory_order_relaxed) != 0, 0);
}

/* All there is to do for nearly every allocation: true if it has been counted down. */
static inline bool heap_counted(size_t size)
{
	struct heap_thread *t = &heap_thread;
	uint32_t epoch = atomic_load_explicit(&heap_epoch, memory_order_relaxed);
	return __builtin_expect(t->ready == epoch, 1) && !sampler_due(&t->sampler, size);
}

/* True if heap_sample() is to be told of the block. Asked before the allocation, so that the hook
 * mostly has nothing to do after it. Within operator new, size and caller are the operator's. */
static inline bool heap_due(struct heap_request *r)
{
	return !heap_counted(r->size) && heap_ask(r);
}

/* The allocator gave out `size` bytes at `p`; NULL: it refused. */
static inline void heap_allocated(void *p, size_t size, const void *caller)
{
	struct heap_request r = {size, caller};
	if (heap_due(&r) && p)
		heap_sample(p, r.size, r.caller);
}

/* Whether the thread has told of an allocation since: of one without a byte it need not have. */
struct heap_mark {
	uint64_t left;
	uint32_t serial;
};

static inline struct heap_mark heap_mark(void)
{
	return (struct heap_mark){heap_thread.sampler.left, heap_thread.serial};
}

static inline bool heap_told_since(struct heap_mark mark)
{
	return heap_thread.sampler.left != mark.left || heap_thread.serial != mark.serial;
}

/* operator new begins; one that is around another stays the outer one. Where malloc's hook is only
 * going to count the block down, it need not know. */
static inline void heap_begin_outer(size_t size, const void *caller)
{
	struct heap_thread *t = &heap_thread;
	uint32_t epoch = atomic_load_explicit(&heap_epoch, memory_order_relaxed);
	if (t->outer || (__builtin_expect(t->ready == epoch, 1) && size < t->sampler.left))
		return;
	t->outer = caller;
	t->outer_size = size;
	t->ready = 0;
}

static inline bool heap_maybe_recorded(const void *p)
{
	return __builtin_expect(live_maybe(&heap_filter, (uintptr_t)p), 0);
}

/* `p` is about to be freed. */
static inline void heap_freed(void *p)
{
	if (heap_maybe_recorded(p))
		heap_forget(p);
}

/* `p` is memory that a pool gives out in pieces of its own: as if it had not been recorded. */
void heap_hide(void *p);

/* A block on its way through realloc: out of the table while the allocator may give its address to
 * somebody else, and back in it if the allocator refuses. */
struct heap_moving {
	struct recording *rec; /* NULL: it is not a recorded one */
	unsigned token;
	uint64_t block; /* its value in the table */
};
struct heap_moving heap_moving_begin(void *p);
void heap_moving_end(const struct heap_moving *m, void *p, bool freed);

/* Brackets what libsonde allocates for itself on the calling thread. */
static inline void heap_quiet_begin(void)
{
	heap_thread.quiet++;
}

static inline void heap_quiet_end(void)
{
	heap_thread.quiet--;
}

/* In a fork's child: nothing is recorded. */
void heap_after_fork_child(void);

/* Once, in ordinary code: finds out whether the program's malloc is this library's hook
 * (hooks/malloc.c). */
void heap_init(void);
/* hooks/malloc.c: tries it, and says. False where an executable brings an allocator of its own, or
 * one is preloaded before. */
void hooks_malloc_try(void);
bool hooks_malloc_reached(void);
/* From now on blocks are wiped when they are freed, so that no pointer stays behind in them that
 * would hide a leak (export_reach.h). For the life of the process. */
void hooks_malloc_wipe(void);

#endif
