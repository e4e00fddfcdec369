/*
 * kinds: what each kind of profile does when it is switched on and off.
 *
 * control.c has the table. All functions may run in a signal handler (another process asked
 * for it) and on any thread, one call at a time.
 */
#ifndef SONDE_AGENT_KINDS_H
#define SONDE_AGENT_KINDS_H

#include "agent/recording.h"
#include "agent/threads.h"

#include <ucontext.h>

struct kind {
	/* Records at `rate` from now on (struct recording_rates), or no more (0). 0 or -errno. */
	int (*set)(struct recording *rec, uint64_t rate);
	/* The process ends, or the recording does: what is open is to be charged now. NULL: nothing
	 * is. */
	void (*finish)(struct recording *rec);
	/* The profile is about to be read: what is open is to be charged up to now, by threads
	 * that are called for it if need be (control_call), and called again while some do not
	 * answer. NULL: nothing is. */
	void (*settle)(struct recording *rec);
	/* In the handler of the signal that control_call() sent the thread: it tells what was
	 * asked. False: it cannot now, as too many walk their stacks at once, and wants to be
	 * called again. NULL: the kind calls nobody. */
	bool (*answer)(struct recording *rec, struct thread *thread, const ucontext_t *context);
	/* The recording is gone: references into it are to be forgotten. NULL: there are none. */
	void (*forget)(void);
};

extern const struct kind block_kind;
extern const struct kind cpu_kind;
extern const struct kind goroutine_kind;
extern const struct kind mutex_kind;
extern const struct kind heap_kind;
extern const struct kind registers_kind;
extern const struct kind trace_kind;
extern const struct kind wall_kind;

#endif
