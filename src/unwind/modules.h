/*
 * The loaded modules and their tables, published to walkers. Private to the layer.
 */
#ifndef SONDE_UNWIND_MODULES_H
#define SONDE_UNWIND_MODULES_H

#include <stdatomic.h>

#include "sig/sig.h"
#include "unwind/table.h"
#include "unwind/unwind.h"

/* One executable range and its table. */
struct range {
	uintptr_t start, end;
	const struct table *table; /* NULL: no unwind information, frame pointers only */
};

/* What walkers see: ranges ascending and disjoint; nothing in it changes but `older`, which is the
 * list's. */
struct snapshot {
	struct snapshot *older; /* that waits to be freed, as this one does */
	size_t bytes;		/* of the mapping */
	uint32_t generation;
	uint32_t n;
	struct range ranges[];
};

/* AS-safe. The newest snapshot, held until modules_exit(); NULL before unwind_init(), and then
 * there is nothing to exit. */
const struct snapshot *modules_enter(unsigned *ret_token);
void modules_exit(unsigned token);

/* AS-safe. The range that holds pc, or NULL. */
static inline const struct range *modules_find(const struct snapshot *s, uintptr_t pc)
{
	uint32_t low = 0, n = s->n;
	while (n > 1) {
		uint32_t half = n / 2;
		low = s->ranges[low + half].start <= pc ? low + half : low;
		n -= half;
	}
	if (!n || pc - s->ranges[low].start >= s->ranges[low].end - s->ranges[low].start)
		return NULL;
	return &s->ranges[low];
}

/*
 * The rule cache: pc -> rule, one for all threads, so that a new thread starts warm, a small stack
 * carries no cache in its TLS, and a thread's end has nothing to give back. Two words an entry, the
 * first being the pc xor the second (Hyatt's lockless hash table): a torn pair fails the test and
 * counts as a miss. The generation in the second's upper bits retires all entries at once.
 *
 * Each entry also names the entry that came next the last time. A walk that follows these names
 * finds a frame's rule without having waited for its return address, which is then only compared:
 * the processor runs ahead over several frames, where hashing each return address makes every frame
 * wait for the one before (8.4 ns a frame against 5.4 at depth 30).
 */
#define CACHE_BITS 13

struct cache_entry {
	_Atomic uint64_t check; /* pc ^ data */
	_Atomic uint64_t data;	/* rule, index of the next << 32, generation << 48 */
};

static inline uint16_t cache_generation(const struct snapshot *s)
{
	return (uint16_t)s->generation;
}

extern struct cache_entry modules_cache[1 << CACHE_BITS] SIG_HIDDEN;
/* How walks ended, for unwind_counters(). */
extern _Atomic uint64_t modules_ends[UNWIND_END_COUNT];

#endif
