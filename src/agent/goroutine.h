/*
 * goroutine: the signal by which threads are asked where they are. The profile itself is a kind
 * (kinds.h), told in goroutine.c.
 */
#ifndef SONDE_AGENT_GOROUTINE_H
#define SONDE_AGENT_GOROUTINE_H

#include <signal.h>
#include <stdbool.h>
#include <ucontext.h>

/* In the handler of SIGPROF: true if the signal was that one, and the thread has answered. */
bool goroutine_called(const siginfo_t *info, const ucontext_t *context);

#endif
