/*
 * The next event of each thread, the earliest first. Private to gotrace.
 *
 * Go's heap to the letter, since it decides which of two events of one time comes first. Up to a
 * dozen threads that holds after frontier_sort() as well; Go's sort is not stable beyond.
 */
#ifndef SONDE_GOTRACE_FRONTIER_H
#define SONDE_GOTRACE_FRONTIER_H

#include "gotrace/generation.h"

/* An event as it was on the wire. */
struct wire_event {
	int64_t time; /* ns */
	uint64_t args[GOTRACE_ARGS_MAX - 1];
	uint8_t type;
};

/* Where a thread stands in its batches. */
struct cursor {
	int64_t m;
	const struct thread_batch *batch; /* NULL: no more */
	const uint8_t *p;		  /* what follows ev */
	const uint8_t *at;		  /* where ev begins */
	int64_t last;			  /* ns; 0: take the batch's time, as Go does */
	uint32_t state;			  /* for the order: its index of m, or IDMAP_NONE */
	uint32_t rank;
	struct wire_event ev;
};

struct frontier_entry {
	int64_t time; /* of the cursor's event */
	struct cursor *cursor;
};

struct frontier {
	struct frontier_entry *heap;
	size_t n, cap;
	struct cursor *cursors; /* one a thread of the generation */
};

void frontier_release(struct frontier *f);
/* Each thread of the generation at its first event. */
must_check int frontier_fill(struct frontier *f, const struct generation *g, struct err *err);
/* Cursor i to its next event, and to its place; it leaves at the end of its batches. */
must_check int frontier_next(
	struct frontier *f, size_t i, const struct clocks *clocks, struct err *err);
/* By time throughout; the heap stays one. */
void frontier_sort(struct frontier *f);

/* Of the event in the file. */
static inline int64_t cursor_offset(const struct cursor *c)
{
	return c->batch->batch.offset + (c->at - c->batch->batch.data);
}

#endif
