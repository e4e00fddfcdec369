/*
 * export_roots: where in a process's memory pointers do not count, and what its registers hold.
 *
 * A search for what no pointer leads to (export_reach.h) goes by all memory that can be written.
 * Left out are what stays behind of calls that have returned, below the stack pointers of threads
 * that wait, and on the stacks of threads that have ended, which libc keeps for the next ones; and
 * our own records. Registers are asked for by a signal, as a debugger's stop would be felt more.
 */
#ifndef SONDE_AGENT_EXPORT_ROOTS_H
#define SONDE_AGENT_EXPORT_ROOTS_H

#include "agent/export_memory.h"
#include "agent/recording.h"

struct roots_range {
	uint64_t start, end;
};

struct roots {
	struct roots_range *out; /* not to be searched; in order, and apart */
	uint32_t out_n, out_cap;
	uint64_t *words; /* registers */
	uint32_t word_n, word_cap;
	uint32_t others; /* threads besides the caller */
	uint32_t silent; /* of them: what their registers hold is not known */
};

/* How the threads of the process are asked for their registers: RECORDING_REGISTERS is set to
 * `number`, there. 0 or an error. */
struct roots_question {
	int (*ask)(void *ctx, uint64_t number);
	void *ctx;
};

/* Of the process whose recording this is and whose memory `m` is. `own_stack`: where the calling
 * thread's stack begins to count, if the process is this one; 0 otherwise. 0, or an error. */
must_check int roots_find(struct roots *ret, const struct memory *m, const struct recording *rec,
	const struct roots_question *q, uint64_t own_stack, struct err *err);
void roots_release(struct roots *r);

#endif
