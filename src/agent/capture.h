/*
 * capture: a stack, walked and interned.
 *
 * Walks happen in handlers and hooks, on stacks that may have a few KB left, so they write to one
 * of a pool of arrays in the agent's state (Rejected: an array a thread, which costs 4 KB for each
 * of 10,000 threads of which a few are ever being walked at once).
 *
 * Everything here is async-signal-safe.
 */
#ifndef SONDE_AGENT_CAPTURE_H
#define SONDE_AGENT_CAPTURE_H

#include "agent/stacks.h"
#include "agent/state.h"

#include <ucontext.h>

/* A walked stack and the array it lies in; to be given back by capture_done(). */
struct capture {
	struct captured stack;
	int walker;
};

/* The stack that a signal interrupted on `thread`. False: all arrays are in use. */
bool capture_context(struct capture *c, const struct thread *thread, const ucontext_t *context);

/* The calling thread's stack from the caller of a hook on. `caller` is the hook's return address
 * (__builtin_return_address(0) in the hook itself): frames of our own, however many the compiler
 * left, lie before it and are cut. `leaf` is an address inside the hook's function where the hook
 * itself should show as the innermost frame (the lock that was waited for), 0 where not. `thread`
 * may be NULL: the walk is slower. False: all arrays are in use. */
bool capture_here(
	struct capture *c, const struct thread *thread, const void *caller, uintptr_t leaf);

/* The stack of a thread that waits (waits.h), any thread's, and what it waits for: from the hook's
 * caller on, with the hook as the leaf. False: it does not wait, another reader looks at it, or all
 * arrays are in use. */
bool capture_wait(struct capture *c, struct thread *thread, struct wait_what *ret_what,
	uint64_t *ret_since_ns);

void capture_done(struct capture *c);

/* capture_here() and stacks_intern() in one; NULL when there is no room: the caller counts that. */
struct recording_stack *capture_intern(
	struct recording *rec, const struct thread *thread, const void *caller, uintptr_t leaf);

/* Whether a thread that was interrupted there was in a system call. */
bool capture_in_syscall(uintptr_t pc);

/* The one frame in which the thread began, as a stack; NULL: not known, or there is no room. */
struct recording_stack *capture_root(struct recording *rec, const struct thread *thread);

#endif
