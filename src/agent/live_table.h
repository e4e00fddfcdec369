/*
 * live_table: recorded blocks that have not been freed, address -> what belongs to it.
 *
 * Asked on every free() of the program, so the common answer, "not one of ours", must cost a load
 * and a branch: a table of small counters, indexed by a hash of the address, stands in front.
 *
 * Lock-free: insert, remove and walk may run at once on any thread, and inside a fork's child of
 * any of them. Two calls never carry the same address at once, because the allocator gives an
 * address to one owner: the owner removes before the block is really freed, and inserts after it
 * was really allocated. Addresses are written so that they do not look like any (live_hide()): who
 * searches the process's memory for pointers to a block (export_reach.h) must not find the table.
 * Memory comes in generations by mmap, is kept until live_clear(), and is bounded.
 */
#ifndef SONDE_AGENT_LIVE_TABLE_H
#define SONDE_AGENT_LIVE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_FILTER_BITS 20
#define LIVE_GENERATIONS 6
#define LIVE_WAYS	 7
#define LIVE_LINES_FIRST 512u
#define LIVE_GROWTH	 3  /* each generation has 8 times the lines of the one before */
#define LIVE_CLAIMED	 1u /* a slot whose value is not there yet; no address looks like it */

/* A cache line of addresses, then what belongs to them; full lines chain to overflow lines. */
struct live_line {
	_Alignas(64) _Atomic uintptr_t address[LIVE_WAYS]; /* live_hide(); 0: free */
	_Atomic(struct live_line *) overflow;
	_Atomic uint64_t value[LIVE_WAYS];
};

struct live_generation {
	_Atomic(struct live_line *) lines;
	_Atomic uint64_t count; /* addresses in it */
};

struct live_filter {
	_Atomic uint8_t count[1 << LIVE_FILTER_BITS]; /* 255 stays: it is no longer known */
};

struct live_table {
	/* The user's, zero at first. NULL: the table is empty; or has just become so, being
	 * wiped in a fork's child that was made in the midst of a call. */
	_Atomic(struct live_filter *) filter;
	struct live_generation generations[LIVE_GENERATIONS];
	_Atomic uint32_t newest;
	_Atomic(struct live_line *) spare; /* overflow lines are cut from chunks */
	_Atomic uint64_t bytes;		   /* of mmap, so far */
	_Atomic uint64_t dropped;	   /* inserts refused for want of memory */
	uint64_t bytes_max;
};

/* Where the filter counts an address. Blocks that lie side by side count in the same cache line:
 * freeing them takes a sixteenth of their size of the cache. The filter is large for the sake of
 * blocks that all begin at the same place of a page; what is not touched of it costs nothing. */
static inline uint32_t live_filter_home(uintptr_t address)
{
	return (uint32_t)(address >> 4) % (1u << LIVE_FILTER_BITS);
}

static inline uint32_t live_lines_in(uint32_t generation)
{
	return LIVE_LINES_FIRST << (LIVE_GROWTH * generation);
}

/* There and back: no address of a program has these bits. */
static inline uintptr_t live_hide(uintptr_t address)
{
	return address ^ 0x5a5a000000000000u;
}

/* False: certainly not in the table. */
static inline bool live_maybe(struct live_filter *filter, uintptr_t address)
{
	return atomic_load_explicit(
		       &filter->count[live_filter_home(address)], memory_order_relaxed) != 0;
}

/* False if there was no memory: counted, and the block is as if it had never been recorded. */
bool live_insert(struct live_table *t, uintptr_t address, uint64_t value);
/* True, and its value, if the address was there. */
bool live_remove(struct live_table *t, uintptr_t address, uint64_t *ret_value);
/* Each address present throughout is seen once; one that comes or goes meanwhile, perhaps. */
void live_each(struct live_table *t, void (*each)(uintptr_t address, uint64_t value, void *ctx),
	void *ctx);
/* Empties it and gives its memory back. Nobody else may use it meanwhile. */
void live_clear(struct live_table *t);
void live_filter_clear(struct live_filter *filter);

#endif
