/*
 * The layer's own parts.
 */
#ifndef SONDE_TRACER_INTERNAL_H
#define SONDE_TRACER_INTERNAL_H

#include "gotrace/gotrace.h"
#include "tracer/tracer.h"

/* --- wakers.c: who woke whom --- */

/* By event: of a wait, the event that ended it; of that, the first wait that it ended, and of that
 * the next. PROFILE_NONE: none. */
struct wakers {
	uint32_t *by;	/* of a wait */
	uint32_t *next; /* of an event: first; of a wait: next */
	uint64_t n;	/* waits whose waker is known */
};

void wakers_find(struct wakers *w, const struct export_trace *trace);
void wakers_release(struct wakers *w);

/* --- frames.c: stacks of the profile as a generation's --- */

struct tracer_stacks {
	const struct profile *p;
	struct gotrace_writer *writer;
	uint64_t *ids;	 /* of samples, in this generation; 0: not written yet */
	uint64_t *roots; /* the same, of the root frame alone */
};

void tracer_stacks_init(
	struct tracer_stacks *s, const struct profile *p, struct gotrace_writer *writer);
void tracer_stacks_release(struct tracer_stacks *s);
/* The next generation has none. */
void tracer_stacks_forget(struct tracer_stacks *s);
/* Whether the stack's outermost function, without what starts a program, is main. */
bool tracer_is_of_main(const struct profile *p, uint32_t sample);
/* Ids of a sample's stack (PROFILE_NONE: 0), and of its root frame alone: the function that the
 * thread runs, by which tools name it. */
uint64_t tracer_stack_id(struct tracer_stacks *s, uint32_t sample);
uint64_t tracer_root_id(struct tracer_stacks *s, uint32_t sample);

#endif
