/*
 * export_baseline: what counts were when a profile began.
 *
 * A process's profiles share one recording, which may be older than the profile that is asked for
 * (a second CPU profile, /debug/pprof/heap?seconds=30): that one is the counts then, less the
 * counts before.
 */
#ifndef SONDE_AGENT_EXPORT_BASELINE_H
#define SONDE_AGENT_EXPORT_BASELINE_H

#include "agent/recording.h"
#include "base/base.h"

struct export_source {
	const void *data;
	size_t n;
};

struct export_base {
	uint64_t values[RECORDING_VALUES_MAX];
};

struct export_baseline {
	struct map index; /* of a count -> base */
	struct export_base *bases;
	uint32_t n, cap;
	uint64_t realtime_ns, monotonic_ns; /* when */
	uint64_t dropped, lost;
};

/* Notes the counts of one kind as they are now. 0 or an error. */
must_check int export_baseline_take(struct export_baseline *b, const struct export_source *sources,
	size_t n, enum recording_kind kind, struct err *err);
/* values[RECORDING_VALUES_MAX] of the count at `ref`, less what they were. */
void export_baseline_subtract(const struct export_baseline *b, const struct recording *rec,
	rec_ref ref, uint64_t *values);
void export_baseline_release(struct export_baseline *b);

#endif
