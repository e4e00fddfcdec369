/*
 * registers: threads say what is in their registers, for who searches memory for pointers
 * (export_roots.h). A kind (kinds.h) that counts nothing: like a snapshot of the goroutine profile, a
 * question has a number, which stands where other kinds have their rate, and setting another one asks.
 */
#ifndef SONDE_AGENT_REGISTERS_H
#define SONDE_AGENT_REGISTERS_H

#include "agent/threads.h"

#include <ucontext.h>

/* What the signal carries. */
static inline uintptr_t registers_call_token(const struct recording *rec)
{
	return (uintptr_t)rec->wishes.token + 5;
}

/* In the handler of that signal. */
void registers_answer(const struct thread *thread, const ucontext_t *context);

#endif
