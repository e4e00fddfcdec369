/*
 * A generation: its tables, and the batches of each thread. Private to gotrace.
 */
#ifndef SONDE_GOTRACE_GENERATION_H
#define SONDE_GOTRACE_GENERATION_H

#include "gotrace/tables.h"

struct thread_batch {
	struct thread_batch *next;
	struct batch batch;
};

/* The batches of a thread in the order of the file, which is trusted to be that of time. */
struct thread {
	int64_t m;
	struct thread_batch *first, *last;
};

struct generation {
	uint64_t gen;	    /* 0: no batch yet */
	uint64_t min_time;  /* the earliest batch's */
	struct arena arena; /* of the batches */
	struct trace_tables tables;
	struct thread *threads; /* by first appearance */
	size_t threads_n, threads_cap;
	struct idmap thread_ids;
	struct gotrace_exp_batch *exp;
	size_t exp_n, exp_cap;
};

/* The first batch of the next generation, which formats before 1.26 have to read to know that one
 * is over. */
struct spill {
	bool full;
	struct batch batch;
	struct arena arena;
};

void generation_init(struct generation *g);
void generation_release(struct generation *g);
/* Reads the next generation: 1, 0 at the end of the trace, or an error. Up to 1.25 *spill is what
 * the call before left there, and what this one leaves; and a good generation may be followed by an
 * error, which *ret_after has then (its code is left as it was if there is none). */
must_check int generation_read(struct generation *g, struct input *in, int version,
	struct spill *spill, struct err *ret_after, struct err *err);

#endif
