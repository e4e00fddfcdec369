/*
 * gotrace: Go's execution traces, format v2 (Go 1.22 and later).
 *
 * Front header of the layer. It answers to golang.org/x/exp/trace: what its reader accepts this one
 * accepts, what it rejects this one rejects, and the events come in the same order with the same
 * times. The layer does no I/O beyond the callback it is given, and prints nothing. Everything is
 * single-threaded per object.
 *
 *	struct gotrace_reader *r;
 *	struct gotrace_event ev;
 *	if (gotrace_reader_new(&source, &r, &err) < 0)
 *		...
 *	while ((rc = gotrace_reader_next(r, &ev, &err)) > 0)
 *		... gotrace_event_transition(r, &ev) ...
 *	gotrace_reader_free(r);
 *
 * A trace is a row of generations, each with tables of its own for strings and stacks. One is held
 * in memory at a time. Ids of strings and stacks mean something only in the generation of the
 * event they came with: they are good until gotrace_reader_next() returns the next
 * GOTRACE_KIND_SYNC. Struct gotrace_str borrows; it holds as long.
 *
 * Times are nanoseconds of the clock of the traced machine, strictly increasing from event to
 * event. Threads (m), procs (p) and goroutines (g) are named by the program's numbers,
 * GOTRACE_NO_ID if there is none. They describe the moment before the event: one that starts a
 * goroutine has none.
 *
 * Errors: ERR_FORMAT and ERR_TRUNCATED for a broken trace, ERR_UNSUPPORTED for a version that is
 * not read, or the source's own code; the message in Go's words, with the offset in the file.
 */
#ifndef SONDE_GOTRACE_H
#define SONDE_GOTRACE_H

#include "base/base.h"
#include "gotrace/events.h"
#include "gotrace/validate.h"
#include "gotrace/raw.h"
#include "gotrace/writer.h"

/* Where bytes come from. */
struct gotrace_source {
	/* Up to n bytes to p: how many came, 0 at the end, or a negative code. */
	int64_t (*read)(struct gotrace_source *source, void *p, size_t n);
	void *ctx;
};

/* A source of bytes in memory, which the caller keeps: pass &bytes.source. */
struct gotrace_bytes {
	struct gotrace_source source;
	const uint8_t *p;
	size_t n; /* not yet read */
};
void gotrace_bytes_init(struct gotrace_bytes *bytes, const void *p, size_t n);

struct gotrace_str {
	const char *s; /* any bytes; not ended by a NUL */
	uint32_t len;
};

/* ---- events ---- */

enum gotrace_kind {
	GOTRACE_KIND_BAD,
	GOTRACE_KIND_SYNC,	       /* between generations, and first and last of all */
	GOTRACE_KIND_METRIC,	       /* gotrace_event_metric() */
	GOTRACE_KIND_LABEL,	       /* gotrace_event_label(): a name for the goroutine g */
	GOTRACE_KIND_STACK_SAMPLE,     /* a CPU sample; m, p and g are the sample's own */
	GOTRACE_KIND_RANGE_BEGIN,      /* gotrace_event_range() */
	GOTRACE_KIND_RANGE_ACTIVE,     /* had begun before; the scope may be another than p, g */
	GOTRACE_KIND_RANGE_END,	       /* its args, of a sweep: bytes swept, bytes reclaimed */
	GOTRACE_KIND_TASK_BEGIN,       /* gotrace_event_task() */
	GOTRACE_KIND_TASK_END,	       /* may come without a begin, and more than once */
	GOTRACE_KIND_REGION_BEGIN,     /* gotrace_event_region() */
	GOTRACE_KIND_REGION_END,       /* may come without a begin */
	GOTRACE_KIND_LOG,	       /* gotrace_event_log() */
	GOTRACE_KIND_STATE_TRANSITION, /* gotrace_event_transition() */
	GOTRACE_KIND_EXPERIMENTAL,     /* the arguments as the spec of the type names them */
};

/* The type of a sync event: it has no number on the wire. args[0] counts them from 1. */
#define GOTRACE_EV_SYNC_POINT 255

enum gotrace_go_state {
	GOTRACE_GO_UNDETERMINED, /* nothing known so far */
	GOTRACE_GO_NOT_EXIST,
	GOTRACE_GO_IS_RUNNABLE,
	GOTRACE_GO_IS_RUNNING,
	GOTRACE_GO_IS_WAITING,
	GOTRACE_GO_IS_IN_SYSCALL,
};

enum gotrace_proc_state {
	GOTRACE_PROC_UNDETERMINED, /* nothing known so far */
	GOTRACE_PROC_NOT_EXIST,
	GOTRACE_PROC_IS_RUNNING, /* in a system call as well */
	GOTRACE_PROC_IS_IDLE,
};

struct gotrace_event {
	int64_t time; /* ns */
	int64_t m, p, g;
	/* As on the wire without dt, but: a task's parent 0 is GOTRACE_NO_TASK; of a stack sample,
	 * the stack. */
	uint64_t args[GOTRACE_ARGS_MAX - 1];
	uint32_t name;	  /* for the functions below */
	uint8_t type;	  /* enum gotrace_ev, or GOTRACE_EV_SYNC_POINT */
	uint8_t kind;	  /* enum gotrace_kind */
	uint8_t from, to; /* of a state transition: enum gotrace_go_state or gotrace_proc_state */
};

/* ---- reading ---- */

struct gotrace_reader;

/* Reads the header. `source` is the caller's and must outlive the reader. Traces of Go 1.21 and
 * before (format v1) are ERR_UNSUPPORTED. */
must_check int gotrace_reader_new(
	struct gotrace_source *source, struct gotrace_reader **ret, struct err *err);
void gotrace_reader_free(struct gotrace_reader *r);
enum gotrace_version gotrace_reader_version(const struct gotrace_reader *r);
/* 1 and an event, 0 at the end, or an error; what was delivered before an error is good. After an
 * error the same comes again. */
must_check int gotrace_reader_next(
	struct gotrace_reader *r, struct gotrace_event *ret, struct err *err);

/* ---- what an event says; each for the kinds named above ---- */

enum gotrace_resource_kind {
	GOTRACE_RESOURCE_NONE,
	GOTRACE_RESOURCE_GOROUTINE,
	GOTRACE_RESOURCE_PROC,
	GOTRACE_RESOURCE_THREAD,
};

struct gotrace_resource {
	enum gotrace_resource_kind kind;
	int64_t id;
};

struct gotrace_transition {
	struct gotrace_resource resource; /* a goroutine or a proc */
	uint8_t from, to;
	struct gotrace_str reason; /* "" if none */
	bool has_stack;
	uint64_t stack; /* of the goroutine: where it stands, or where a new one begins */
};

struct gotrace_metric {
	const char *name; /* as in runtime/metrics */
	uint64_t value;
};

struct gotrace_range {
	struct gotrace_str name;
	struct gotrace_resource scope; /* NONE: one such range at a time in the whole program */
};

struct gotrace_task {
	uint64_t id, parent;	 /* GOTRACE_NO_TASK: none, or not known */
	struct gotrace_str type; /* "" of an end whose begin is not in the trace */
};

struct gotrace_region {
	uint64_t task; /* 0: the background task */
	struct gotrace_str type;
};

struct gotrace_log {
	uint64_t task;
	struct gotrace_str category, message;
};

/* Clocks read at one moment, since format 1.25. */
struct gotrace_clock {
	int64_t trace; /* ns, as events have it */
	uint64_t mono; /* ns of CLOCK_MONOTONIC */
	int64_t sec;   /* of the wall clock, since 1970 */
	uint32_t nsec;
};

struct gotrace_frame {
	uint64_t pc, line;
	struct gotrace_str func, file;
};

/* Data that an experiment wrote beside the events, as it is. Borrowed from the generation. */
struct gotrace_exp_batch {
	uint8_t experiment;
	int64_t m;
	const uint8_t *data;
	uint32_t len;
};

const char *gotrace_kind_name(enum gotrace_kind kind);
struct gotrace_transition gotrace_event_transition(
	const struct gotrace_reader *r, const struct gotrace_event *ev);
struct gotrace_metric gotrace_event_metric(const struct gotrace_event *ev);
struct gotrace_str gotrace_event_label(
	const struct gotrace_reader *r, const struct gotrace_event *ev);
struct gotrace_range gotrace_event_range(
	const struct gotrace_reader *r, const struct gotrace_event *ev);
struct gotrace_task gotrace_event_task(
	const struct gotrace_reader *r, const struct gotrace_event *ev);
struct gotrace_region gotrace_event_region(
	const struct gotrace_reader *r, const struct gotrace_event *ev);
struct gotrace_log gotrace_event_log(
	const struct gotrace_reader *r, const struct gotrace_event *ev);
/* Of a sync event: false if it has none, as the last. */
bool gotrace_event_clock(
	const struct gotrace_reader *r, const struct gotrace_event *ev, struct gotrace_clock *ret);
/* Of a sync event: *ret_n batches. */
const struct gotrace_exp_batch *gotrace_event_exp_batches(
	const struct gotrace_reader *r, const struct gotrace_event *ev, size_t *ret_n);
/* Any event: false if it has no stack. A stack may be empty. */
bool gotrace_event_stack(const struct gotrace_event *ev, uint64_t *ret_id);
/* Frames of a stack, the leaf first; 0 for an id that is not there. */
size_t gotrace_stack_len(const struct gotrace_reader *r, uint64_t stack);
struct gotrace_frame gotrace_stack_frame(const struct gotrace_reader *r, uint64_t stack, size_t i);
/* "" for an id that is not there. */
struct gotrace_str gotrace_string(const struct gotrace_reader *r, uint64_t id);

/* ---- text ---- */

/* The event as Go's Event.String() has it; no newline at its end. Wall clocks in UTC. */
void gotrace_event_text(
	const struct gotrace_reader *r, const struct gotrace_event *ev, struct buf *out);
const char *gotrace_go_state_name(uint8_t state);
const char *gotrace_proc_state_name(uint8_t state);

#endif
