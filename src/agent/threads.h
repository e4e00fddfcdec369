/*
 * threads: the registry of the program's threads.
 *
 * A slot a thread, in one array that never moves, so that a timer may carry a slot's address and a
 * handler may use it without asking which thread it is on. Slots are claimed by compare-and-swap
 * and found by thread id through a direct-mapped array of the id space, of which only the touched
 * pages cost memory. Everything here is lock-free and async-signal-safe.
 *
 * Threads come by two ways: the pthread_create hook, whose threads also tell when they end, and
 * looking through /proc/self/task (threads_scan), for those that were there before or were made by
 * bare clone(); their end is noticed by a later look.
 */
#ifndef SONDE_AGENT_THREADS_H
#define SONDE_AGENT_THREADS_H

#include "agent/contenders.h"
#include "agent/waits.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THREADS_MAX 65536
#define TIDS_MAX    (1u << 22) /* the kernel's PID_MAX_LIMIT */

#define TIMER_NONE   (-1)
#define TIMER_ARMING (-2)

enum thread_state {
	THREAD_FREE,
	THREAD_CLAIMED, /* being set up or taken down */
	THREAD_LIVE,
};

struct thread {
	_Atomic uint32_t state;
	_Atomic int32_t tid;
	bool hooked;	   /* tells us when it ends */
	bool hidden;	   /* not the program's: in no profile (control_hide_begin) */
	bool masked;	   /* it starts with SIGPROF blocked, as far as the program knows */
	uint8_t farewells; /* rounds of thread-specific data destructors it has been through */
	uintptr_t stack_lo, stack_hi; /* 0, 0: not known; kept when it has ended */
	uintptr_t tcb;		      /* its thread pointer, near stack_hi; as they are */
	_Atomic uint32_t labels;      /* its label set, in the recording; 0: none */
	_Atomic uint32_t creator; /* the stack that created it, in the recording; 0: not known */
	uint32_t look;		  /* the last threads_scan() that saw it */
	/* The mutex profile's; see contention.h. */
	struct contender contender;
	struct contender_payer payer;
	bool at_contenders; /* it holds a place's lock */
	uint64_t random;    /* state of its generator; 0: not seeded */
	struct wait wait;   /* what it waits for */
	/* The round of calls in which it was called last, by kind; 0: it has answered. */
	_Atomic uint32_t called[RECORDING_KINDS];
	/* The goroutine profile's; see goroutine.c. */
	struct {
		int32_t creator;      /* the thread that created it; 0: not known */
		uint64_t born_ns;     /* CLOCK_MONOTONIC; 0: not known */
		uint64_t handle;      /* its pthread_t; 0: not known */
		_Atomic uint32_t row; /* the place's struct recording_thread; 0: none yet */
		uint32_t seq;	      /* of its wait record, when it was written */
		/* The newest snapshot that somebody notes it for, and has noted it for. */
		_Atomic uint32_t claimed, noted;
	} life;
	/* The execution tracer's; see trace.h. */
	struct {
		_Atomic uint64_t id;	  /* the trace << 32 | its number in that; 0: none yet */
		_Atomic uint32_t chunk;	  /* what it writes events to; 0: none yet */
		_Atomic uint32_t writing; /* events that are being written */
		uint64_t noted_ns;	  /* of its last note; CLOCK_MONOTONIC */
	} trace;
	/* What a created thread is to run. */
	void *(*start)(void *);
	void *arg;
	/* The wall profile's; see wall.c. Times are CLOCK_MONOTONIC. */
	struct {
		uint64_t begin_ns;		 /* of its account; 0: it has none */
		uint64_t cpu_begin_ns;		 /* the thread's CPU clock then */
		uint64_t phase_ns;		 /* of its ticks */
		uint64_t other_phase_ns;	 /* of those of other time */
		uint64_t others;		 /* of these, so far */
		_Atomic uint64_t waited_ns;	 /* in waits, so far */
		_Atomic uint64_t ran_waiting_ns; /* CPU time that fell into them */
		_Atomic uint64_t charged_ns;	 /* until when waits are charged */
		_Atomic uint32_t stack; /* the last one charged, in the recording; 0: none */
	} wall;
	/* The CPU profiler's; see cpu.c. */
	struct {
		_Atomic int32_t timer; /* the kernel's id, TIMER_NONE or TIMER_ARMING */
		_Atomic bool kick;     /* the timer only asks for the first sample */
		uint64_t base_ns;      /* of the thread's CPU clock when its account began */
		int64_t credit_ns, carried_ns;
		_Atomic uint64_t expiries;
		_Atomic uint32_t stack; /* of its newest sample, in the recording; 0: none */
	} cpu;
};

/* What was in a thread's registers, general and vector, when it was asked last: a pointer may be
 * nowhere else. */
#if defined(__x86_64__)
#define THREADS_REGISTERS (16 + 2 * 16)
#else
#define THREADS_REGISTERS (32 + 2 * 32)
#endif

struct thread_registers {
	_Atomic uint64_t answered; /* the number of the question; 0: none yet */
	uint64_t words[THREADS_REGISTERS];
};

struct threads {
	_Atomic uint32_t high; /* slots ever used */
	_Atomic uint32_t hint;
	_Atomic uint32_t live;
	_Atomic uint32_t look; /* number of the last scan */
	_Atomic bool scanning;
	struct thread slots[THREADS_MAX];
	_Atomic uint32_t by_tid[TIDS_MAX]; /* slot + 1 */
	_Atomic uint64_t asked;		   /* the number of the newest question for registers */
	struct thread_registers registers[THREADS_MAX]; /* by slot */
};

/* A slot of no thread yet; NULL when all are taken. */
struct thread *threads_claim(struct threads *threads);
/* The claimed slot is thread `tid`'s from now on. */
void threads_publish(struct threads *threads, struct thread *thread, int tid);
/* Takes a slot out of service: true for the one caller that does it, who then releases it. */
bool threads_retire(struct threads *threads, struct thread *thread);
void threads_release(struct threads *threads, struct thread *thread);
struct thread *threads_find(struct threads *threads, int tid);
/* The slot if `p` is one's address, NULL otherwise. */
struct thread *threads_slot(struct threads *threads, const void *p);

/* Threads the kernel has now, by one system call; -errno where /proc is not there. */
int threads_count_kernel(void);

struct threads_visitor {
	void (*appeared)(void *ctx, int tid);		    /* not in the registry */
	void (*vanished)(void *ctx, struct thread *thread); /* in it, but not in the kernel */
	void *ctx;
	bool at_once; /* false: a thread has appeared when two scans in a row saw it */
};
/* Compares the registry with /proc/self/task. One scan at a time: a second caller returns at once.
 */
void threads_scan(struct threads *threads, const struct threads_visitor *visitor);

#endif
