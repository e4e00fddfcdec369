/*
 * One batch: what a thread wrote in one go, or a part of a generation's tables. Private to gotrace.
 */
#ifndef SONDE_GOTRACE_BATCH_H
#define SONDE_GOTRACE_BATCH_H

#include "gotrace/input.h"

struct batch {
	uint64_t gen;
	int64_t m;
	uint64_t time; /* units of 1/frequency s */
	uint8_t experiment;
	bool end_mark;	     /* the bare byte that ends a generation: gen, m and time are not set */
	const uint8_t *data; /* len bytes, in the arena */
	uint32_t len;
	int64_t offset; /* of data in the file */
};

/* Data of a batch by its first byte: what it holds. A batch of an experiment is none of these. */
static inline bool batch_is(const struct batch *b, enum gotrace_ev type)
{
	return b->experiment == GOTRACE_NO_EXPERIMENT && b->len && b->data[0] == type;
}

/* 1, 0 at the end of the trace, or an error. *ret's data comes to lie in the arena. */
must_check int batch_read(
	struct input *in, struct arena *arena, struct batch *ret, struct err *err);

#endif
