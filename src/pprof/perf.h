/*
 * What the two readers of perf's recordings share: the names of events, and the sample types that
 * they become.
 */
#ifndef SONDE_PPROF_PERF_H
#define SONDE_PPROF_PERF_H

#include "pprof/text.h"

#define PERF_EVENTS_MAX 64

/* "cycles:u" without its modifiers. A name may itself have colons: "sched:sched_switch". */
struct text perf_event_name(struct text name);
/* Two sample types an event: how often it was seen, and the sum of its periods. */
void perf_event_types(struct profile *p, char *const *events, uint32_t n);

#endif
