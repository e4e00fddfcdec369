/*
 * The next event of each thread, the earliest first. Private to gotrace.
 *
 * Go's heap to the letter, since it decides which of two events of one time comes first. Where the
 * head has to wait Go sorts the heap and goes through it; for up to a dozen threads, where that sort
 * is stable, so does this. Beyond, ties are Go's luck, and a sort an event is too much: the heap is
 * left as it is, and gone through by a second one of the entries to come.
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
	size_t *walk;		/* a heap of indices into the heap, by time; or NULL */
	size_t walk_n, walk_cap;
	size_t next; /* where the heap is sorted: the entry to come */
	bool sorted;
};

void frontier_release(struct frontier *f);
/* Each thread of the generation at its first event. */
must_check int frontier_fill(struct frontier *f, const struct generation *g, struct err *err);
/* Cursor i to its next event, and to its place; it leaves at the end of its batches. */
must_check int frontier_next(
	struct frontier *f, size_t i, const struct clocks *clocks, struct err *err);
/* Goes through the entries after the head by time, as long as they are not changed. */
void frontier_walk(struct frontier *f);
bool frontier_walk_next(struct frontier *f, size_t *ret_i);

/* Of the event in the file. */
static inline int64_t cursor_offset(const struct cursor *c)
{
	return c->batch->batch.offset + (c->at - c->batch->batch.data);
}

#endif
