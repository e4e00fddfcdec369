/*
 * recording: what the recording half has seen, as one block of memory that outlives the process.
 *
 * Under `sonde run` the block is a file mapped MAP_SHARED, so that whatever ends the program, exit,
 * _exit, a signal, SIGKILL, a crash or exec, the kernel keeps what was written and `sonde run`
 * reads it. Inside a program that exports its own profiles the block is anonymous memory. The
 * layout is the same: a header, the buckets of the stack and count tables, and an arena that only
 * grows.
 * Everything in the arena is linked by references (offset / 8), is written before it is linked, and
 * never moves, so a reader may walk it at any moment. docs/recording.md describes it for readers of
 * files.
 *
 * Each process has at most one, and all its profiles are in it: counts are kept apart by their
 * kind, they only go up, and a profile is a view of them (export.h), less what they were when it
 * began.
 *
 * Writers (recording.c, stacks.c, modules.c) are async-signal-safe and lock-free unless said
 * otherwise. The reader is export.c; it trusts nothing it finds.
 */
#ifndef SONDE_AGENT_RECORDING_H
#define SONDE_AGENT_RECORDING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDING_MAGIC	      "sonderec"
#define RECORDING_VERSION     11
#define RECORDING_BUCKETS     (1u << 16)
#define RECORDING_HEADER      4096 /* bytes kept for struct recording */
#define RECORDING_ARENA	      (RECORDING_HEADER + 2 * RECORDING_BUCKETS * sizeof(uint32_t))
#define RECORDING_SIZE_MAX    (64u << 20)
#define RECORDING_TRACE_SIZE  (128u << 20) /* behind it, for events of traces; or less */
#define RECORDING_GROWTH      (256u << 10) /* memory is taken in steps of this */
#define RECORDING_TEXT_MAX    256
#define RECORDING_BUILD_ID    32
#define RECORDING_STACK_MAX   512 /* frames */
#define RECORDING_VALUES_MAX  4
#define RECORDING_HEAP_RATES  64
#define RECORDING_CUSTOM_NAME 128 /* of a custom profile, with a NUL */

#define RECORDING_LABELS_MAX	 32   /* in a set */
#define RECORDING_LABELS_TEXT	 1024 /* bytes of a set, all NULs included */
#define RECORDING_LABELS_BUCKETS 256

typedef uint32_t rec_ref; /* offset from the block's start / 8; 0: nothing */

/* What a count counts; the meaning of its values and its key. */
enum recording_kind {
	RECORDING_CPU = 1,	/* expiries of the CPU timer; key: ns that each is worth */
	RECORDING_HEAP,		/* enum recording_heap_value; key: recording_heap_key() */
	RECORDING_BLOCK,	/* see contention.h */
	RECORDING_MUTEX,	/* see contention.h */
	RECORDING_THREADCREATE, /* threads created */
	RECORDING_WALL,		/* samples, ns; key: what was waited for (wait_kinds.h) */
	RECORDING_CUSTOM,	/* added, removed; key: the profile's number */
	RECORDING_GOROUTINE,	/* threads, below the number of their snapshot << 32; key: what they
				 * wait for (wait_kinds.h) */
	RECORDING_REGISTERS, /* no counts: threads say what is in their registers (registers.c) */
	RECORDING_TRACE,     /* no counts: events (struct recording_trace) */
	RECORDING_KINDS,
};

/* Why samples have fewer frames than the program had; counted in `ends`. */
enum recording_end {
	RECORDING_END_ROOT,
	RECORDING_END_DEPTH,
	RECORDING_END_TABLE,
	RECORDING_END_STACK,
	RECORDING_END_FAULT,
	RECORDING_END_COUNT,
};

/* Rates of what is recorded, by enum recording_kind; 0: not recorded. CPU and wall in Hz, heap in
 * bytes between samples, block in ns between samples, mutex one in so many, others 0 or 1; of
 * goroutine any other number than before asks for a snapshot (recording_rate_again). */
struct recording_rates {
	_Atomic uint64_t of[RECORDING_KINDS];
};

/* What another process asks of this one: it writes `wanted`, raises `asked`, and pokes the process
 * (poke.h) until `answered` has followed. Of what is refused `wanted` then is what was before. The
 * process may change its rates itself meanwhile, which is no refusal. */
struct recording_wishes {
	uint64_t token; /* what a poke carries; random, 0: this process takes none */
	_Atomic uint32_t asked, answered;
	struct recording_rates wanted;
};

/* The heap profiler's part of a recording. */
struct recording_heap {
	_Atomic uint64_t rates[RECORDING_HEAP_RATES]; /* so far, by their number; 0: no more */
	_Atomic uint64_t table_bytes;		      /* of the table of live blocks */
	uint64_t table; /* its address in the process (live_table.h); 0: there is none */
	char leaks[RECORDING_TEXT_MAX]; /* how they were looked for at the end; "": nobody did */
	_Atomic uint32_t hindered;	/* enum recording_heap_hindrance */
};

enum recording_heap_value {
	RECORDING_HEAP_ALLOCATED, /* blocks recorded */
	RECORDING_HEAP_FREED,	  /* of them */
	RECORDING_HEAP_HIDDEN,	  /* of them: never to be shown (sonde_heap_hide) */
	RECORDING_HEAP_LEAKED, /* of those not freed: found to be leaked, when the process ended */
	RECORDING_HEAP_VALUES,
};

/* Why a heap profile does not show what it should. */
enum recording_heap_hindrance {
	RECORDING_HEAP_UNHINDERED,
	RECORDING_HEAP_SANITIZER,   /* the program is built with AddressSanitizer */
	RECORDING_HEAP_NOT_REACHED, /* the program's malloc comes before ours */
};

/* The execution trace (trace.h): events of each thread in chunks of its own, in an area behind the
 * arena. Each trace has a number; the next one may use the area again. */
struct recording_trace {
	_Atomic uint32_t on;		      /* the trace that is being recorded; 0: none */
	_Atomic uint32_t number;	      /* of the newest */
	uint64_t from;			      /* offset of the area */
	_Atomic uint64_t used;		      /* bytes of it */
	_Atomic rec_ref chunks;		      /* struct recording_trace_chunk, newest first */
	_Atomic uint32_t threads;	      /* numbered so far */
	uint64_t begin_ns, begin_realtime_ns; /* CLOCK_MONOTONIC, CLOCK_REALTIME */
	_Atomic uint64_t end_ns; /* 0: it goes on, or the process ended without a word */
	_Atomic uint64_t lost;	 /* events that found no memory */
};

struct recording {
	char magic[8];
	uint32_t version;
	uint32_t pid;
	uint32_t sequence; /* images of this process before this one (exec) */
	uint32_t hz;
	uint64_t period_ns;
	uint64_t start_realtime_ns, start_monotonic_ns;
	uint64_t cpu_start_ns;		    /* the process's CPU clock when recording began */
	_Atomic uint64_t end_monotonic_ns;  /* 0: still running, or ended without a word */
	_Atomic uint64_t cpu_end_ns;	    /* the process's CPU clock then */
	_Atomic uint64_t last_monotonic_ns; /* of the newest sample */
	_Atomic uint32_t begun;		    /* the rates that a session wants are set */
	uint64_t size;		    /* the budget, bytes of the block without the trace's area */
	uint64_t mapped;	    /* bytes of the whole block */
	_Atomic uint64_t used;	    /* bytes handed out, header and buckets included */
	_Atomic uint64_t committed; /* bytes that are really there */
	_Atomic rec_ref layouts;    /* struct recording_layout, newest first */
	_Atomic uint32_t layout;    /* id of the one in force, for new stacks */
	_Atomic uint64_t stacks, stack_frames; /* distinct, and their frames */
	/* The CPU profiler's account. */
	_Atomic uint64_t expiries;	   /* all timer expiries counted, those dropped as well */
	_Atomic uint64_t signals;	   /* deliveries that recorded something */
	_Atomic uint64_t dropped;	   /* of expiries: there was no memory for the stack */
	_Atomic uint64_t deferred;	   /* deliveries that found no free walker (not lost) */
	_Atomic uint64_t threads;	   /* seen */
	_Atomic uint64_t threads_unarmed;  /* for which the kernel gave no timer */
	_Atomic uint64_t threads_untabled; /* for which there was no room in the registry */
	_Atomic uint64_t ends[RECORDING_END_COUNT];	  /* signals, by how the walk ended */
	_Atomic uint64_t lost[RECORDING_KINDS];		  /* events that found no memory, by kind */
	_Atomic rec_ref labels[RECORDING_LABELS_BUCKETS]; /* struct recording_labels, by hash */
	struct recording_rates rates;			  /* in force, or last in force */
	struct recording_wishes wishes;
	_Atomic uint32_t snapshot;	  /* of threads, the newest */
	_Atomic uint32_t snapshot_asked;  /* the newest for which all threads have been called */
	_Atomic rec_ref snapshot_threads; /* struct recording_thread, newest first */
	_Atomic uint64_t snapshot_ns;	  /* when it was taken, CLOCK_MONOTONIC */
	/* By kind; low half: threads that were called, for a snapshot or for settling, and have
	 * not answered yet. High half: the round of calls that they belong to. */
	_Atomic uint64_t called[RECORDING_KINDS];
	_Atomic uint32_t leaving;   /* it becomes another program: no signal of ours any more */
	_Atomic uint32_t senders;   /* about to send one */
	_Atomic uint32_t displaced; /* something outside our hooks replaced the handler */
	char declined[RECORDING_TEXT_MAX]; /* why nothing is recorded; "" when it is */
	char exe[RECORDING_TEXT_MAX];	   /* the executable, as /proc/self/exe says */
	struct recording_heap heap;
	struct recording_trace trace;
	_Atomic rec_ref customs; /* struct recording_custom, newest first */
};
_Static_assert(sizeof(struct recording) <= RECORDING_HEADER, "the header has its page");

/* One set of modules of which no two overlap: stacks name the layout their addresses belong to. */
struct recording_layout {
	rec_ref next;
	uint32_t id;
	_Atomic rec_ref modules; /* struct recording_module, newest first */
	uint32_t pad;
};

struct recording_module {
	rec_ref next;
	uint16_t path_len;
	uint8_t build_id_len;
	uint8_t pad;
	uint64_t start, end, file_offset, bias;
	uint8_t build_id[RECORDING_BUILD_ID];
	char path[]; /* path_len bytes and a NUL */
};

enum recording_stack_flags {
	RECORDING_LEAF_EXACT = 1, /* pcs[0] is an interrupted pc, not a return address */
};

struct recording_stack {
	rec_ref next; /* in its bucket */
	uint32_t hash;
	uint32_t layout;
	uint16_t n;
	uint8_t flags;	/* enum recording_stack_flags */
	uint8_t end;	/* enum recording_end */
	uint64_t pcs[]; /* leaf first */
};

/* A set of labels. It never changes. */
struct recording_labels {
	rec_ref next; /* in its bucket */
	uint32_t hash;
	uint16_t size; /* of the text, in bytes */
	uint16_t n;    /* labels */
	char text[];   /* key, NUL, value, NUL; by key */
};

/* The name of a custom profile. */
struct recording_custom {
	rec_ref next;
	uint32_t name_n;
	uint64_t key; /* of its counts */
	char name[];  /* name_n bytes and a NUL */
};

/* A thread in a snapshot (goroutine.c). There is one for each place in the registry that was ever
 * in a snapshot, and it is written again for the next. */
struct recording_thread {
	rec_ref next;
	_Atomic uint32_t snapshot; /* that it is of; set last, 0 while it is being written */
	int32_t tid;
	int32_t creator; /* thread; 0: not known */
	rec_ref stack;
	rec_ref created_at; /* the creator's stack; 0: not known */
	rec_ref labels;
	int32_t fd;	 /* that it waits for; -1: none */
	int32_t owner;	 /* thread that has the lock that it waits for; 0: not known */
	uint32_t wait;	 /* enum wait_kind */
	uint64_t object; /* lock, thread (a pthread_t) and so on, that it waits for; 0: none */
	uint64_t handle; /* its pthread_t; 0: not known */
	uint64_t since_ns, born_ns; /* CLOCK_MONOTONIC; 0: not known */
	char name[16];		    /* as the process ended; before, readers find it in /proc */
};

enum recording_trace_what {
	RECORDING_TRACE_NOTHING,
	RECORDING_TRACE_BEGAN,	 /* the thread; stack: the function that it began in */
	RECORDING_TRACE_ENDED,	 /* object: its pthread_t */
	RECORDING_TRACE_CREATED, /* object: the new thread's number; stack: the creator's */
	RECORDING_TRACE_WAITED,	 /* from time_ns to until_ns */
	RECORDING_TRACE_WAITS,	 /* since time_ns, and still at until_ns, the trace's end */
	RECORDING_TRACE_WOKE, /* let go of, or signalled, the object: whom that woke is not known */
	RECORDING_TRACE_SAMPLED, /* by the CPU profiler; stack: where it was */
	RECORDING_TRACE_LIVES,	 /* it was there at the trace's end; stack: as of BEGAN */
	RECORDING_TRACE_FOUND,	 /* it ran when the trace began */
	RECORDING_TRACE_CAUGHT,	 /* it was in a system call then, of which no hook had told */
	/* Notes of the program's own; object: the task. The text follows. */
	RECORDING_TRACE_TASK_BEGUN, /* until_ns: its parent */
	RECORDING_TRACE_TASK_ENDED,
	RECORDING_TRACE_REGION_BEGUN,
	RECORDING_TRACE_REGION_ENDED,
	RECORDING_TRACE_LOGGED,
	RECORDING_TRACE_WHATS,
	RECORDING_TRACE_TEXT = RECORDING_TRACE_WHATS, /* no event: struct recording_trace_text */
};

struct recording_trace_event {
	_Atomic uint32_t what; /* enum recording_trace_what | trace << 8; set last */
	rec_ref stack;	       /* 0: not known */
	uint64_t time_ns;      /* CLOCK_MONOTONIC */
	uint64_t until_ns;
	uint64_t object; /* 0: none */
	union {
		uint32_t wait; /* enum wait_kind */
		struct {
			uint16_t name_n;    /* bytes of a note's text: its name, */
			uint16_t message_n; /* and its message behind that */
		};
	};
	uint32_t pad;
};

/* What takes the places behind an event that has text, as many as are needed. */
struct recording_trace_text {
	_Atomic uint32_t what; /* as of an event */
	char text[sizeof(struct recording_trace_event) - sizeof(uint32_t)];
};

#define RECORDING_TRACE_NAME_MAX 1024 /* bytes, of a name or a message: longer ones are cut */

/* The thread's own order of events is that of their times, but for those of its handlers, which may
 * come a place too early or late. */
struct recording_trace_chunk {
	rec_ref next;
	uint32_t trace;	 /* its number */
	uint32_t thread; /* number in the trace, from 1 */
	int32_t tid;
	uint64_t born_ns;   /* CLOCK_MONOTONIC; 0: not known */
	_Atomic uint32_t n; /* places taken, or more */
	uint32_t max;
	struct recording_trace_event events[];
};

struct recording_count {
	rec_ref next; /* in its bucket */
	rec_ref stack;
	uint8_t kind; /* enum recording_kind */
	uint8_t n;    /* of values */
	uint16_t pad;
	rec_ref labels; /* the set that the thread had; 0: none */
	uint64_t key;	/* what the kind tells apart besides stack and labels */
	_Atomic uint64_t values[];
};

static inline void *recording_at(const struct recording *rec, rec_ref ref)
{
	return (char *)rec + (size_t)ref * 8;
}

static inline rec_ref recording_ref(const struct recording *rec, const void *p)
{
	return (rec_ref)((size_t)((const char *)p - (const char *)rec) / 8);
}

/* Around the sending of a signal to the process, from wherever: false, it takes none. */
static inline bool recording_send_begin(struct recording *rec)
{
	atomic_fetch_add(&rec->senders, 1);
	if (!atomic_load(&rec->leaving))
		return true;
	atomic_fetch_sub(&rec->senders, 1);
	return false;
}

static inline void recording_send_end(struct recording *rec)
{
	atomic_fetch_sub(&rec->senders, 1);
}

/* A rate other than the present one, for kinds where setting it is a question. */
static inline uint64_t recording_rate_again(const struct recording *rec, enum recording_kind kind)
{
	uint64_t rate = atomic_load(&rec->rates.of[kind]) + 1;
	return rate ? rate : 1;
}

/* Blocks are told apart by their size and by the number of the rate they were sampled at. */
static inline uint64_t recording_heap_key(uint64_t size, uint32_t rate_number)
{
	return size | (uint64_t)rate_number << 56;
}

static inline uint64_t recording_heap_size(uint64_t key)
{
	return key & (((uint64_t)1 << 56) - 1);
}

static inline uint64_t recording_heap_rate(const struct recording *rec, uint64_t key)
{
	return atomic_load_explicit(
		&rec->heap.rates[(key >> 56) % RECORDING_HEAP_RATES], memory_order_relaxed);
}

/* A block's value in the table of live blocks: its count, and when it was allocated, in steps of
 * 4.2 ms of the monotonic clock, which come round after half a year. */
static inline uint64_t recording_heap_block(rec_ref count, uint64_t monotonic_ns)
{
	return count | (monotonic_ns >> 22) << 32;
}

static inline uint32_t recording_heap_tick(uint64_t monotonic_ns)
{
	return (uint32_t)(monotonic_ns >> 22);
}

static inline _Atomic rec_ref *recording_buckets(const struct recording *rec)
{
	return (_Atomic rec_ref *)((char *)rec + RECORDING_HEADER);
}

static inline void recording_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* Threads that have not answered yet. */
static inline uint32_t recording_called(const struct recording *rec, enum recording_kind kind)
{
	return (uint32_t)atomic_load(&rec->called[kind]);
}

static inline bool recording_any_called(const struct recording *rec)
{
	uint32_t called = 0;
	for (enum recording_kind kind = 0; kind < RECORDING_KINDS; kind++)
		called |= recording_called(rec, kind);
	return called;
}

static inline _Atomic rec_ref *recording_count_buckets(const struct recording *rec)
{
	return recording_buckets(rec) + RECORDING_BUCKETS;
}

/* A new recording in anonymous memory, or in the new file `path` (which must not exist). Memory is
 * bounded by `size`, and RECORDING_TRACE_SIZE for traces. 0, or -errno (-EEXIST: choose another
 * name). */
int recording_new(size_t size, struct recording **ret);
int recording_new_file(const char *path, size_t size, struct recording **ret);
/* Unmaps; a file stays. NULL is fine. */
void recording_free(struct recording *rec);

/* `size` zeroed bytes of the arena, 8-byte aligned; NULL once the budget or the machine's memory is
 * spent. */
void *recording_alloc(struct recording *rec, size_t size);
/* The same of the trace's area; as an earlier trace left it. */
void *recording_alloc_trace(struct recording *rec, size_t size);

#endif
