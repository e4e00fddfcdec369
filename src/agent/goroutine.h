/*
 * goroutine: the signal by which threads are asked where they are. The profile itself is a kind
 * (kinds.h), told in goroutine.c.
 */
#ifndef SONDE_AGENT_GOROUTINE_H
#define SONDE_AGENT_GOROUTINE_H

#include "agent/threads.h"

#include <ucontext.h>

/* What the signal carries: the recording's own token is odd, and a poke's. */
static inline uintptr_t goroutine_call_token(const struct recording *rec)
{
	return (uintptr_t)rec->wishes.token + 1;
}

/* In the handler of that signal: the thread counts itself. False: it cannot now, as too many walk
 * their stacks at once, and wants to be called again. */
bool goroutine_answer(struct recording *rec, struct thread *thread, const ucontext_t *context);

#endif
