/*
 * A trace as it lies on the wire: batches, tables and events in the order of the file, nothing put
 * in order, little checked. For looking into traces, broken ones above all. It answers to Go's
 * internal/trace/raw. Single-threaded per object.
 */
#ifndef SONDE_GOTRACE_RAW_H
#define SONDE_GOTRACE_RAW_H

#include "base/base.h"
#include "gotrace/events.h"

struct gotrace_source;
struct gotrace_raw;

struct gotrace_raw_event {
	uint8_t type; /* enum gotrace_ev */
	uint64_t args[GOTRACE_ARGS_MAX];
	uint32_t frames_n;			/* of a Stack */
	uint64_t frames[GOTRACE_FRAMES_MAX][4]; /* pc func file line */
	const uint8_t *data; /* of a String or ExperimentalBatch, till the next call; else NULL */
	uint32_t data_n;
	uint64_t size; /* bytes, numbers as short as they can be */
};

/* As gotrace_reader_new(). */
must_check int gotrace_raw_new(
	struct gotrace_source *source, struct gotrace_raw **ret, struct err *err);
void gotrace_raw_free(struct gotrace_raw *r);
int64_t gotrace_raw_offset(const struct gotrace_raw *r); /* bytes read so far, header included */
/* 1 and an event, 0 at the end, or an error. Events of a later version than the trace's are errors,
 * as for Go; so are stacks and data longer than the format allows. */
must_check int gotrace_raw_next(
	struct gotrace_raw *r, struct gotrace_raw_event *ret, struct err *err);
/* "Name arg=1 arg=2", frames and data on lines of their own; no newline at the end. */
void gotrace_raw_text(const struct gotrace_raw_event *ev, struct buf *out);

#endif
