/*
 * tracer: from a recording's events to an execution trace in Go's format. Front header of the
 * layer.
 *
 * A thread is a goroutine, an M and, while it lives, a P of its own, so that every view of
 * `go tool trace` has something to show: by goroutine, by thread and by processor. Waits for locks
 * and the like are GoBlock and GoUnblock, with Go's words for the reason; reads, writes and what
 * else waits in the kernel for no network are system calls. Who woke a thread is whoever last let
 * go of, or signalled, what it waited for, before it went on.
 */
#ifndef SONDE_TRACER_H
#define SONDE_TRACER_H

#include "agent/agent.h"
#include "base/base.h"
#include "pprof/pprof.h"
#include "symbolize/symbolize.h"

#define TRACER_FORMAT "1.26" /* which tells a truncated trace from a whole one */

/* What was written. */
struct tracer_summary {
	uint64_t events; /* of the recording */
	uint64_t threads;
	uint64_t wakers; /* waits whose waker is known */
	uint64_t lost;	 /* events that found no memory */
	uint64_t duration_ns;
};

/* Writes the newest trace of a recording, its stacks symbolized as `symbolize` says. `format`: the
 * version of Go whose it is, "1.22", "1.23", "1.25" or TRACER_FORMAT. 0, or an error: nothing was
 * traced, there is no such format, or what the sink returned. */
must_check int tracer_export(const struct export_source *source,
	const struct symbolize_opts *symbolize, const char *format, struct sink *sink,
	struct tracer_summary *ret, struct err *err);

/* Whether it is a format that can be written. */
bool tracer_is_format(const char *format);

/* The last step of it: the trace that was read with the profile `p`, whose stacks are symbolized.
 */
must_check int tracer_write(const struct profile *p, struct export_trace *trace, const char *format,
	struct sink *sink, struct tracer_summary *ret, struct err *err);

#endif
