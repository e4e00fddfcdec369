/*
 * state: what the agent knows about this process, in one place.
 *
 * The block is wiped by the kernel in every child of fork (MADV_WIPEONFORK), whichever way the
 * child was made: there `recording` is NULL, nobody is registered and no lock is held, so that the
 * agent is off without a hook having run, and fork needs nobody's locks. A child that is to be
 * profiled starts afresh (agent.c). Under vfork parent and child share it, and the child runs
 * nothing of ours.
 */
#ifndef SONDE_AGENT_STATE_H
#define SONDE_AGENT_STATE_H

#include "agent/contenders.h"
#include "agent/live_table.h"
#include "agent/recording.h"
#include "agent/threads.h"

#include "sig/sig.h"

#define WALKERS 64

/* Where a handler unwinds to: kept off the program's stack, which may have a few KB left. */
struct walker {
	uintptr_t pcs[RECORDING_STACK_MAX];
};

/* Thread CPU time the timers of ended threads did not account for; see cpu.c. */
struct balance {
	struct sig_lock lock;
	uint64_t start_ns; /* the process's CPU clock when the account began */
	int64_t owed_ns;
	int64_t spent_ns;	/* CPU of ended threads, as they saw it */
	uint64_t ended;		/* how many */
	int64_t tail_ns;	/* CPU of a thread's end that it cannot see, on average */
	_Atomic rec_ref stack;	/* the newest sample of a thread that takes part in this */
	_Atomic int64_t gap_ns; /* the most CPU time that one signal stood for so far */
};

struct state {
	_Atomic(struct recording *) recording; /* NULL: nothing is recorded */
	struct sig_rcu users;		       /* of the recording */
	_Atomic uint64_t timers_hz;	       /* of the timers on CPU clocks; 0: there are none */
	uint64_t period_ns, tick_ns;
	_Atomic uint64_t next_look_ns;	/* CLOCK_MONOTONIC: when to compare threads next */
	_Atomic uint64_t walkers_free;	/* a bit each */
	_Atomic uint32_t hidden_coming; /* threads of ours that are created and have not begun */
	struct balance balance;
	struct contenders contenders;
	struct walker walkers[WALKERS];
	struct threads threads;
	struct live_table live; /* blocks the heap profiler has recorded */
};

/* NULL before state_init() succeeded. */
extern struct state *state SIG_HIDDEN;

/* 0 or -errno. Idempotent. */
int state_init(void);

/* The recording, held until state_leave(); NULL when there is none. Async-signal-safe. */
struct recording *state_enter(unsigned *ret_token);
void state_leave(unsigned token);
/* Takes the recording away and waits until nobody uses it: false if somebody still did after a
 * second (a stopped thread), then it must not be freed. */
bool state_retract(struct recording **ret);

#endif
