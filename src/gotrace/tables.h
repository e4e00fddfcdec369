/*
 * The tables of a generation: strings, stacks, CPU samples, clocks. Private to gotrace.
 */
#ifndef SONDE_GOTRACE_TABLES_H
#define SONDE_GOTRACE_TABLES_H

#include "gotrace/batch.h"
#include "gotrace/idmap.h"

/* Ids to indices: a map while the table is being filled, an array afterwards if the ids are dense.
 * Id 0 is in no table: it is always "", or no stack. */
struct ids {
	struct idmap map;
	uint32_t *dense; /* by id, IDMAP_NONE if it is not there; NULL: look into the map */
	uint64_t dense_n;
	uint64_t max;
};

static inline uint32_t ids_get(const struct ids *ids, uint64_t id)
{
	if (ids->dense)
		return id < ids->dense_n ? ids->dense[id] : IDMAP_NONE;
	return idmap_get(&ids->map, id);
}

/* As it lies in the file; func and file are ids of strings. */
struct pc_frame {
	uint64_t pc, func, file, line;
};

struct stack {
	uint64_t id;
	uint32_t frames; /* its first, in stack_frames */
	uint32_t n;
};

struct cpu_sample {
	int64_t time; /* ns, once the tables are finished; units before */
	int64_t m, p, g;
	uint64_t stack;
	int64_t offset;
};

struct clocks {
	double ns_per_unit; /* 0: not seen */
	uint32_t whole;	    /* the same, if it is a whole number of few digits; else 0 */
	bool has_snapshot;
	uint64_t snapshot; /* units */
	uint64_t mono, sec, nsec;
};

struct trace_tables {
	struct ids string_ids, stack_ids;
	struct gotrace_str *strings;
	size_t strings_n, strings_cap;
	struct stack *stacks;
	size_t stacks_n, stacks_cap;
	uint32_t *stack_frames; /* indices of frames, stack after stack */
	size_t stack_frames_n, stack_frames_cap;
	struct idmap pcs; /* pc to index: the first frame with a pc holds for all stacks */
	struct pc_frame *frames;
	size_t frames_n, frames_cap;
	struct cpu_sample *samples;
	size_t samples_n, samples_cap;
	struct clocks clocks;
};

void trace_tables_release(struct trace_tables *t); /* empty, to be used again */

/* A batch of one of the tables. 0, an error, or TABLES_ENDED. Strings point into the batch. */
must_check int trace_tables_add_strings(
	struct trace_tables *t, const struct batch *b, struct err *err);
must_check int trace_tables_add_stacks(
	struct trace_tables *t, const struct batch *b, struct err *err);
must_check int trace_tables_add_samples(
	struct trace_tables *t, const struct batch *b, struct err *err);
must_check int trace_tables_add_sync(
	struct trace_tables *t, const struct batch *b, int version, struct err *err);
/* The table breaks off within an entry's numbers. Go's reader hands the io.EOF of this up
 * unwrapped and its callers take it for the end of the trace; verdicts are to agree, so the caller
 * here does the same. */
#define TABLES_ENDED 1

/* All batches are in: checks that stacks name strings that exist, orders the samples. */
must_check int trace_tables_finish(struct trace_tables *t, struct err *err);

/* Units to ns as Go on amd64 does it: in double precision, truncated; what fits no int64_t is
 * INT64_MIN. */
static inline int64_t clocks_ns(const struct clocks *c, uint64_t units)
{
	if (c->whole && units <= UINT32_MAX)
		return (int64_t)(units * c->whole); /* below 2^53: what the product would be */
	double ns = (double)units * c->ns_per_unit;
	if (!(ns > -0x1p63 && ns < 0x1p63))
		return INT64_MIN;
	return (int64_t)ns;
}

/* ids.c */
void ids_add(struct ids *ids, uint64_t id, uint32_t index); /* not there yet */
/* Nothing more comes: into an array, unless it would waste room. */
void ids_finish(struct ids *ids);
void ids_release(struct ids *ids);

#endif
