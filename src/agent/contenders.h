/*
 * contenders: which threads wait for which lock; see contention.h.
 *
 * A list in each of the table's places, under the place's lock, of records that lie in the threads'
 * slots; and beside it how many there are, which is all that an uncontended release reads.
 */
#ifndef SONDE_AGENT_CONTENDERS_H
#define SONDE_AGENT_CONTENDERS_H

#include "agent/recording.h"
#include "sig/sig.h"

#define CONTENDERS_BITS	  10
#define CONTENDERS_PLACES (1u << CONTENDERS_BITS)

struct thread;

/* A thread that waits for a lock: in its slot. */
struct contender {
	struct contender *next, **link; /* link NULL: it is in no list */
	uintptr_t lock;
	uint64_t since_ns; /* up to here its wait is charged */
	/* The last release that it saw; NULL: none yet, or one that is not sampled. */
	struct thread *payer;
	uint32_t payer_turn;
	uint32_t epoch;		       /* of `count` */
	struct recording_count *count; /* of the payer's stack; NULL: not known yet */
	uint64_t weight;
};

/* A thread's newest release of a contended lock: in its slot, under the lock of the place. */
struct contender_payer {
	uint32_t turn;		      /* counts its releases */
	bool open;		      /* its stack is not known yet */
	uint64_t owed_ns, owed_waits; /* by waiters that were gone before it was */
};

struct contenders_place {
	struct sig_lock lock;
	struct contender *head;
};

/* In the state block, which fork's children find wiped. */
struct contenders {
	struct contenders_place places[CONTENDERS_PLACES];
};

/* Waiters by place. In a fork's child it may be stale, which costs a look into an empty list. */
extern _Atomic uint32_t contenders_waiting[CONTENDERS_PLACES];

static inline uint32_t contenders_home(uintptr_t lock)
{
	return (uint32_t)((lock >> 4 ^ lock >> 14) % CONTENDERS_PLACES);
}

#endif
