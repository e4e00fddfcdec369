/*
 * export_trace: the newest execution trace of a recording, thread by thread; src/tracer writes it
 * in Go's format.
 *
 * It comes with a profile, of export_trace_view(), that has one sample for each stack, so that all
 * stacks are symbolized together.
 */
#ifndef SONDE_AGENT_EXPORT_TRACE_H
#define SONDE_AGENT_EXPORT_TRACE_H

#include "agent/export_view.h"
#include "agent/recording.h"
#include "agent/wait_kinds.h"
#include "base/base.h"

struct builder;
struct export_source;

struct export_trace_event {
	uint8_t what;		/* enum recording_trace_what */
	uint8_t wait;		/* enum wait_kind */
	uint32_t thread;	/* of threads[] */
	uint32_t stack;		/* a sample of the profile; PROFILE_NONE: not known */
	uint64_t time_ns;	/* CLOCK_MONOTONIC */
	uint64_t until_ns;	/* of a wait; of a task's beginning: its parent */
	uint64_t object;	/* of a creation: the new thread, of threads[], or PROFILE_NONE */
	uint32_t name, message; /* of a note: of texts */
};

struct export_trace_thread {
	uint32_t number; /* from 1, about as they came */
	int tid;
	uint64_t born_ns;     /* 0: not known */
	uint32_t first, last; /* events[first..last) */
};

struct export_trace {
	uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC; end_ns: of the last event, if nobody said */
	uint64_t begin_realtime_ns;
	struct export_trace_event *events; /* by thread, then by time */
	uint32_t event_n, event_cap;
	struct export_trace_thread *threads;
	uint32_t thread_n, thread_cap;
	uint64_t lost; /* events that found no memory */
	struct strtab texts;
};
#define EXPORT_TRACE_INIT \
	{                 \
		0         \
	}

void export_trace_release(struct export_trace *trace);
const struct export_view *export_trace_view(void);

/* --- for export.c --- */

/* Reads the newest trace of the recording that `b` reads. */
must_check int export_trace_read(struct export_trace *trace, struct builder *b,
	const struct export_source *source, struct err *err);

#endif
