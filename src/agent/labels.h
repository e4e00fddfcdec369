/*
 * labels: what the program says a thread works for, as pairs of a key and a value.
 *
 * A thread has one set of them (struct thread.labels), which the samples it takes and the threads
 * it creates carry along. Sets never change: another label makes another set. Each distinct set is
 * stored once, in the recording's arena, so that a thread's set is one word, which a signal handler
 * can read at any moment, and counts of the same labels are the same count. (Rejected: pointers to
 * the program's own strings, which are gone when the profile is written.)
 *
 * Append-only and lock-free like the stack table; all of it async-signal-safe.
 */
#ifndef SONDE_AGENT_LABELS_H
#define SONDE_AGENT_LABELS_H

#include "agent/recording.h"

/* The set `from` (0: none) with `key` as `value`, or without `key` where value is NULL. 0, which
 * is also a set; -EINVAL: the key is empty; -E2BIG: too many labels or too long ones; -ENOMEM: the
 * recording is full. */
int labels_with(
	struct recording *rec, rec_ref from, const char *key, const char *value, rec_ref *ret_set);

/* The value of `key` in the set; NULL: it has none. Lives as long as the recording. */
const char *labels_find(const struct recording *rec, rec_ref set, const char *key);

#endif
