/*
 * trace: the execution tracer's recording half: what each thread did when.
 *
 * Events of fixed size, written by the thread they are about into chunks of its own; the reader
 * (export_trace.h) makes of them a trace in Go's format, with all that this asks for: the order
 * between threads, the states of all of them at the beginning of each generation, who woke whom.
 * (Rejected: to write that format here. Its generations, sequence numbers and tables would have to
 * be kept in the hooks, under locks or their equal, by a process that may die at any moment; and an
 * event takes 40 bytes here instead of 15.)
 *
 * A wait is one event, written when it is over: it costs two reads of the clock, which the block
 * profile's hooks make anyway, and a stack. A handler may write while it interrupts its thread
 * doing the same, and the end of a trace is written for all threads by one: places are taken by
 * atomic addition.
 *
 * What a thread does between its waits is running, as far as a trace of this kind can tell.
 */
#ifndef SONDE_AGENT_TRACE_H
#define SONDE_AGENT_TRACE_H

#include "agent/recording.h"
#include "agent/threads.h"

/* The number of the trace that is being recorded; 0: none. */
extern _Atomic uint32_t trace_number SIG_HIDDEN;

static inline bool trace_on(void)
{
	return __builtin_expect(atomic_load_explicit(&trace_number, memory_order_relaxed) != 0, 0);
}

/* All are async-signal-safe, and do nothing when no trace is being recorded. */

/* On the thread that waited, whose caller is the hook `what` names. */
void trace_waited(
	struct thread *thread, const struct wait_what *what, uint64_t since_ns, uint64_t until_ns);
/* The calling thread did, at `at_ns`, what wakes somebody who waits for the object. */
void trace_woke(uintptr_t object, uint64_t at_ns, const void *caller, uintptr_t leaf);
/* The thread `created` is about to be made, by one whose stack is known. */
void trace_created(struct thread *creator, struct thread *created, const struct recording_stack *s);
void trace_began(struct thread *thread);
void trace_ended(struct thread *thread);
/* By the CPU profiler. */
void trace_sampled(struct thread *thread, const struct recording_stack *stack);

/* What the program says itself, on the calling thread. */
struct trace_note {
	enum recording_trace_what what; /* TASK_BEGUN to LOGGED */
	uint64_t task, parent;
	const char *name, *message; /* NULL: none */
};
void trace_noted(const struct trace_note *note, const void *caller);

/* In a fork's child: nothing is recorded. */
void trace_after_fork_child(void);

#endif
