/*
 * export: recordings to profiles.
 *
 * One profile from one or several recordings (the images of one process that called exec, in
 * order), exactly of the form runtime/pprof gives its CPU profile. Nothing in a recording is
 * trusted: its process may have died half-way, or written over it.
 */
#ifndef SONDE_AGENT_EXPORT_H
#define SONDE_AGENT_EXPORT_H

#include "agent/recording.h"
#include "base/base.h"
#include "pprof/pprof.h"

struct export_source {
	const void *data;
	size_t n;
};

/* What the recordings say of themselves, added up. */
struct export_summary {
	int pid;
	unsigned hz;
	uint64_t samples;     /* signals that recorded a stack */
	uint64_t cpu_ns;      /* what they stand for */
	uint64_t duration_ns; /* 0: it did not end by itself, and nobody noted when */
	uint64_t threads, stacks;
	uint64_t dropped;		   /* expiries without a stack */
	uint64_t truncated;		   /* samples whose stack is not complete */
	uint64_t unarmed;		   /* threads without a timer */
	uint64_t memory;		   /* bytes of the recordings */
	bool displaced;			   /* the program replaced our SIGPROF handler */
	char declined[RECORDING_TEXT_MAX]; /* why nothing was recorded; "" */
	char exe[RECORDING_TEXT_MAX];
};

/* 0 and an initialized profile, or an error. ret_summary may be NULL. */
must_check int export_profile(const struct export_source *sources, size_t n, struct profile *p,
	struct export_summary *ret_summary, struct err *err);

#endif
