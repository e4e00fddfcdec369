/*
 * The events of Go's execution traces, format v2: numbers, names, arguments and bounds.
 *
 * Both halves of the layer stand on this table, and so may code that lives in another process: it
 * includes libc's headers alone. It answers to Go's internal/trace/tracev2 of the format 1.26, the
 * newest there is; `since` says in which version an event came. Constants: thread-safe and
 * async-signal-safe.
 *
 * On the wire an event is its number (a byte) and its arguments (unsigned LEB128, at most 10 bytes
 * each, padding allowed). The first argument of a timed event, dt, is the time since the event
 * before it in its batch, in units of 1/frequency seconds.
 */
#ifndef SONDE_GOTRACE_EVENTS_H
#define SONDE_GOTRACE_EVENTS_H

#include <stdint.h>

enum gotrace_ev {
	GOTRACE_EV_NONE = 0,

	/* Structure: the container and the tables of a generation. */
	GOTRACE_EV_EVENT_BATCH = 1, /* gen m time size, then size bytes */
	GOTRACE_EV_STACKS = 2,	    /* a batch of Stack follows */
	GOTRACE_EV_STACK = 3,	    /* id n, then n times: pc func file line; leaf first */
	GOTRACE_EV_STRINGS = 4,	    /* a batch of String follows */
	GOTRACE_EV_STRING = 5,	    /* id len, then len bytes */
	GOTRACE_EV_CPU_SAMPLES = 6, /* a batch of CPUSample follows */
	GOTRACE_EV_CPU_SAMPLE = 7,  /* time m p g stack; the time is absolute */
	GOTRACE_EV_FREQUENCY = 8,   /* timestamp units a second */

	GOTRACE_EV_PROCS_CHANGE = 9, /* dt n stack */
	GOTRACE_EV_PROC_START = 10,  /* dt p seq */
	GOTRACE_EV_PROC_STOP = 11,   /* dt */
	GOTRACE_EV_PROC_STEAL = 12,  /* dt p seq m */
	GOTRACE_EV_PROC_STATUS = 13, /* dt p status */

	GOTRACE_EV_GO_CREATE = 14,		/* dt g entry-stack stack */
	GOTRACE_EV_GO_CREATE_SYSCALL = 15,	/* dt g */
	GOTRACE_EV_GO_START = 16,		/* dt g seq */
	GOTRACE_EV_GO_DESTROY = 17,		/* dt */
	GOTRACE_EV_GO_DESTROY_SYSCALL = 18,	/* dt */
	GOTRACE_EV_GO_STOP = 19,		/* dt reason stack */
	GOTRACE_EV_GO_BLOCK = 20,		/* dt reason stack */
	GOTRACE_EV_GO_UNBLOCK = 21,		/* dt g seq stack */
	GOTRACE_EV_GO_SYSCALL_BEGIN = 22,	/* dt p-seq stack */
	GOTRACE_EV_GO_SYSCALL_END = 23,		/* dt */
	GOTRACE_EV_GO_SYSCALL_END_BLOCKED = 24, /* dt */
	GOTRACE_EV_GO_STATUS = 25,		/* dt g m status */

	GOTRACE_EV_STW_BEGIN = 26,	       /* dt kind stack */
	GOTRACE_EV_STW_END = 27,	       /* dt */
	GOTRACE_EV_GC_ACTIVE = 28,	       /* dt gc-seq */
	GOTRACE_EV_GC_BEGIN = 29,	       /* dt gc-seq stack */
	GOTRACE_EV_GC_END = 30,		       /* dt gc-seq */
	GOTRACE_EV_GC_SWEEP_ACTIVE = 31,       /* dt p */
	GOTRACE_EV_GC_SWEEP_BEGIN = 32,	       /* dt stack */
	GOTRACE_EV_GC_SWEEP_END = 33,	       /* dt swept reclaimed; bytes */
	GOTRACE_EV_GC_MARK_ASSIST_ACTIVE = 34, /* dt g */
	GOTRACE_EV_GC_MARK_ASSIST_BEGIN = 35,  /* dt stack */
	GOTRACE_EV_GC_MARK_ASSIST_END = 36,    /* dt */
	GOTRACE_EV_HEAP_ALLOC = 37,	       /* dt bytes */
	GOTRACE_EV_HEAP_GOAL = 38,	       /* dt bytes */

	GOTRACE_EV_GO_LABEL = 39,	   /* dt label */
	GOTRACE_EV_USER_TASK_BEGIN = 40,   /* dt task parent name stack; parent 0: none */
	GOTRACE_EV_USER_TASK_END = 41,	   /* dt task stack */
	GOTRACE_EV_USER_REGION_BEGIN = 42, /* dt task name stack */
	GOTRACE_EV_USER_REGION_END = 43,   /* dt task name stack */
	GOTRACE_EV_USER_LOG = 44,	   /* dt task key value stack */

	/* Since 1.23. */
	GOTRACE_EV_GO_SWITCH = 45,	    /* dt g seq */
	GOTRACE_EV_GO_SWITCH_DESTROY = 46,  /* dt g seq */
	GOTRACE_EV_GO_CREATE_BLOCKED = 47,  /* dt g entry-stack stack */
	GOTRACE_EV_GO_STATUS_STACK = 48,    /* dt g m status stack */
	GOTRACE_EV_EXPERIMENTAL_BATCH = 49, /* exp (one byte) gen m time size, then size bytes */

	/* Since 1.25. */
	GOTRACE_EV_SYNC = 50,		/* a batch of Frequency and ClockSnapshot follows */
	GOTRACE_EV_CLOCK_SNAPSHOT = 51, /* dt mono sec nsec; wall clock in sec, nsec */

	/* Since 1.26: one bare byte after the last batch of a generation. */
	GOTRACE_EV_END_OF_GENERATION = 52,

	/* Experiment AllocFree, since 1.23. */
	GOTRACE_EV_SPAN = 128,			/* dt id npages kindclass */
	GOTRACE_EV_SPAN_ALLOC = 129,		/* dt id npages kindclass */
	GOTRACE_EV_SPAN_FREE = 130,		/* dt id */
	GOTRACE_EV_HEAP_OBJECT = 131,		/* dt id type */
	GOTRACE_EV_HEAP_OBJECT_ALLOC = 132,	/* dt id type */
	GOTRACE_EV_HEAP_OBJECT_FREE = 133,	/* dt id */
	GOTRACE_EV_GOROUTINE_STACK = 134,	/* dt id order */
	GOTRACE_EV_GOROUTINE_STACK_ALLOC = 135, /* dt id order */
	GOTRACE_EV_GOROUTINE_STACK_FREE = 136,	/* dt id */

	GOTRACE_EV_N = 137,
};

/* The header of a file: 16 bytes, the version's two digits in the place of %d. */
#define GOTRACE_HEADER_FORMAT "go 1.%d trace"
#define GOTRACE_HEADER_SIZE   16 /* the text and three NULs */

enum gotrace_version {
	GOTRACE_V22 = 22,
	GOTRACE_V23 = 23,
	GOTRACE_V25 = 25,
	GOTRACE_V26 = 26,
};

/* Bounds that Go's readers enforce. */
#define GOTRACE_BATCH_MAX  65536 /* bytes of data in a batch */
#define GOTRACE_STRING_MAX 1024	 /* bytes of a string */
#define GOTRACE_FRAMES_MAX 128	 /* frames of a stack */
#define GOTRACE_ARGS_MAX   5	 /* arguments of an event, dt included */

/* No thread, proc or goroutine; as an unsigned varint on the wire, 2^64-1. */
#define GOTRACE_NO_ID (-1)
/* No task: what a task's parent 0 is read as. */
#define GOTRACE_NO_TASK UINT64_MAX

/* On the wire, in GoStatus and GoStatusStack. */
enum gotrace_go_status {
	GOTRACE_GO_BAD = 0,
	GOTRACE_GO_RUNNABLE = 1,
	GOTRACE_GO_RUNNING = 2,
	GOTRACE_GO_SYSCALL = 3,
	GOTRACE_GO_WAITING = 4,
};

/* On the wire, in ProcStatus. */
enum gotrace_proc_status {
	GOTRACE_PROC_BAD = 0,
	GOTRACE_PROC_RUNNING = 1,
	GOTRACE_PROC_IDLE = 2,
	GOTRACE_PROC_SYSCALL = 3,
	GOTRACE_PROC_SYSCALL_ABANDONED = 4, /* in a syscall, about to be stolen, thread unknown */
};

enum gotrace_experiment {
	GOTRACE_NO_EXPERIMENT = 0,
	GOTRACE_ALLOC_FREE = 1,
	GOTRACE_EXPERIMENT_N = 2,
};

enum gotrace_spec_flags {
	GOTRACE_TIMED = 1, /* lies in event batches, begins with dt, is delivered by the reader */
	GOTRACE_DATA = 2,  /* a length and as many bytes follow the arguments */
	GOTRACE_STACK = 4, /* the last argument counts frames of four varints, which follow */
};

struct gotrace_spec {
	const char *name; /* NULL: there is no event of this number */
	/* Names of the arguments; the part after "_" is a type: seq, string, value, ... */
	const char *args[GOTRACE_ARGS_MAX];
	uint8_t args_n;
	uint8_t flags;	    /* enum gotrace_spec_flags */
	uint8_t since;	    /* enum gotrace_version */
	uint8_t experiment; /* enum gotrace_experiment */
	uint8_t begin;	    /* of an event that ends a range or says that it goes on: the Begin */
	/* Which arguments are ids of stacks and strings, counting dt as 0; 0 ends the list. The
	 * first stack is that of the thread the event happened on. */
	uint8_t stacks[3], strings[3];
};

extern const struct gotrace_spec gotrace_specs[GOTRACE_EV_N];

/* Tables of older versions end earlier: the number they end before. In Go the readers of the wire
 * go by it; the reader of events takes what any version has. */
static inline int gotrace_ev_limit(int version)
{
	if (version >= GOTRACE_V26)
		return GOTRACE_EV_N;
	if (version >= GOTRACE_V25)
		return GOTRACE_EV_CLOCK_SNAPSHOT + 1;
	return version >= GOTRACE_V23 ? GOTRACE_EV_EXPERIMENTAL_BATCH + 1 : GOTRACE_EV_USER_LOG + 1;
}

#endif
