/*
 * What a sound trace keeps to beyond what the reader needs: for testing whoever writes traces. It
 * answers to the Validator of Go's internal/trace/testtrace. Single-threaded per object.
 *
 * A goroutine or a proc is in the state it was left in, at most one of each on a thread; none ends
 * with a range open; ranges begin once; labels are not empty; frames other than the leaf name their
 * function, file and line; tasks have ids and keep their names; clocks move on between generations.
 */
#ifndef SONDE_GOTRACE_VALIDATE_H
#define SONDE_GOTRACE_VALIDATE_H

#include "base/base.h"

struct gotrace_event;
struct gotrace_reader;
struct gotrace_validator;

struct gotrace_validator *gotrace_validator_new(void);
void gotrace_validator_free(struct gotrace_validator *v);
/* The event just read from r: 0, or ERR_FORMAT with all that is wrong, a line each. To be called
 * for every event, whatever it said before. */
must_check int gotrace_validator_event(struct gotrace_validator *v, const struct gotrace_reader *r,
	const struct gotrace_event *ev, struct err *err);

#endif
