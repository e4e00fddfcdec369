/*
 * writer: Go execution traces, written.
 *
 * The bytes of the format and its tables; what the events mean, in which order they make sense and
 * which states and sequence numbers they need is the caller's (src/tracer). An event goes to the
 * batch of its M and keeps its place in that; a generation holds its own strings and stacks, whose
 * ids mean nothing outside it. Times are nanoseconds; on each M they are made to increase.
 *
 * Written whole generations at a time to a sink; memory is that of one generation's open batches
 * and tables. No I/O besides.
 */
#ifndef SONDE_GOTRACE_WRITER_H
#define SONDE_GOTRACE_WRITER_H

#include "base/base.h"
#include "gotrace/events.h"

struct gotrace_write_frame {
	uint64_t pc; /* first definition of a generation wins: inlined frames need one each */
	uint64_t function, file; /* string ids */
	uint64_t line;
};

struct gotrace_writer;

/* The enum gotrace_version of "1.22" and so on; 0: there is none. */
unsigned gotrace_version_parse(const char *text);

/* `version`: an enum gotrace_version. Writes the header. NULL: there is no such version. */
struct gotrace_writer *gotrace_writer_new(unsigned version, struct sink *sink);
void gotrace_writer_free(struct gotrace_writer *w); /* NULL is fine */

/* Of the present generation; "" is 0. Of one longer than GOTRACE_STRING_MAX the end is kept, as Go
 * does. */
uint64_t gotrace_write_string(struct gotrace_writer *w, const char *s, size_t n);
/* Leaf first, GOTRACE_FRAMES_MAX at most; a new id for each call. No frames: 0. */
uint64_t gotrace_write_stack(
	struct gotrace_writer *w, const struct gotrace_write_frame *frames, uint32_t n);

/* An event of thread `m` (GOTRACE_NO_ID: of none), with the arguments that its kind has. */
void gotrace_write_event(struct gotrace_writer *w, uint64_t m, uint64_t time_ns, unsigned kind,
	const uint64_t *args, unsigned n);
void gotrace_write_cpu_sample(struct gotrace_writer *w, uint64_t time_ns, uint64_t m, uint64_t p,
	uint64_t g, uint64_t stack);

/* Ends the generation with a snapshot of the clocks at `time_ns` and begins the next; 0, or what
 * the sink returned, also earlier. */
must_check int gotrace_write_generation_end(
	struct gotrace_writer *w, uint64_t time_ns, uint64_t monotonic_ns, uint64_t realtime_ns);
#endif
