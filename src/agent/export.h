/*
 * export: recordings to profiles.
 *
 * One profile from one or several recordings (the images of one process that called exec, in
 * order), exactly of the form runtime/pprof gives it. They may still be written to. Nothing in a
 * recording is trusted: its process may have died half-way, or written over it.
 */
#ifndef SONDE_AGENT_EXPORT_H
#define SONDE_AGENT_EXPORT_H

#include "agent/export_baseline.h"
#include "agent/export_leaks.h"
#include "agent/export_threads.h"
#include "agent/export_trace.h"
#include "agent/export_view.h"
#include "agent/recording.h"
#include "base/base.h"
#include "pprof/pprof.h"

/* What the recordings say of themselves, added up. */
struct export_summary {
	int pid;
	unsigned hz;
	uint64_t samples;     /* signals that recorded a stack */
	uint64_t cpu_ns;      /* what they stand for */
	uint64_t duration_ns; /* 0: it did not end by itself, and nobody noted when */
	uint64_t threads, stacks;
	uint64_t dropped;		   /* expiries without a stack */
	uint64_t lost;			   /* events of the view's kind without memory */
	uint64_t truncated;		   /* samples whose stack is not complete */
	uint64_t unarmed;		   /* threads without a timer */
	uint64_t memory;		   /* bytes of the recordings */
	bool displaced;			   /* the program replaced our SIGPROF handler */
	char declined[RECORDING_TEXT_MAX]; /* why nothing was recorded; "" */
	char exe[RECORDING_TEXT_MAX];
};

struct export_opts {
	const struct export_view *view;
	const struct export_baseline *since; /* NULL: all there is */
	bool live;			     /* the process goes on: the profile lasts until now */
	struct export_threads *threads;	     /* to be filled; the samples are its then */
	struct export_trace *trace;	     /* to be filled, by export_trace_view() */
	const struct export_leaks *leaks;    /* what export_leaks_view() shows; NULL: as recorded */
};

/* 0 and an initialized profile, or an error. ret_summary may be NULL. */
must_check int export_profile(const struct export_source *sources, size_t n,
	const struct export_opts *opts, struct profile *p, struct export_summary *ret_summary,
	struct err *err);

/* Maps the file of a recording that another process writes; `path` as for openat(dir, ...).
 * Writable it can be poked (poke.h). 0, or an error; a link is refused, and -ENODATA: no recording
 * is so short. */
must_check int export_source_open(
	int dir, const char *path, bool writable, struct export_source *ret, struct err *err);
void export_source_close(struct export_source *source); /* all zeros is fine */

/* `size` bytes of the arena; NULL if the reference leads out of it. */
const void *export_at(const struct export_source *source, rec_ref ref, size_t size);

/* A custom profile that a recording names. Keep it where it is: the view points to the name. */
struct export_custom {
	struct export_view view;
	char name[RECORDING_CUSTOM_NAME];
};
/* Calls `each` for all of them, newest first, until it returns false. */
typedef bool export_custom_fn(void *ctx, const struct export_custom *custom);
void export_each_custom(const struct export_source *source, export_custom_fn *each, void *ctx);
/* The one of this name. */
bool export_custom_find(
	const struct export_source *source, const char *name, struct export_custom *ret);

/* Calls `each` for all counts of a kind, with their stacks; for views that are no profiles. */
typedef void export_count_fn(void *ctx, rec_ref ref, const struct recording_stack *stack,
	const struct recording_count *count);
must_check int export_each_count(const struct export_source *source, enum recording_kind kind,
	export_count_fn *each, void *ctx, struct err *err);

/* The count at `ref`; NULL: there is none. For a source that one of the above has taken. */
const struct recording_count *export_count_at(const struct export_source *source, rec_ref ref);

#endif
