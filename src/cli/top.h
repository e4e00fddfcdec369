/*
 * top: the parts of `sonde top`. top_source.c gets a profile of the last seconds from a process or
 * a URL, top_frame.c makes the rows of a screen of it, cmd_top.c is the terminal: keys, drawing,
 * time.
 */
#ifndef SONDE_CLI_TOP_H
#define SONDE_CLI_TOP_H

#include "agent/agent.h"
#include "base/base.h"
#include "pprof/pprof.h"

#include <limits.h>

/* What can be looked at. */
struct top_view {
	char key;
	const char *name;	  /* as export_view() and /debug/pprof/NAME have it */
	const char *sample_index; /* which of its values */
	bool since; /* what happened since the frame before; false: what there is now */
	const char *title;
};

extern const struct top_view top_views[]; /* ends with a NULL name */
const struct top_view *top_view_find(const char *name);

/* Where profiles come from. */
struct top_source {
	int pid;       /* 0: it is a URL */
	char *url;     /* without the profile's name */
	char *query;   /* for each request: "token=..."; "" */
	char exe[256]; /* of the process */
	/* The recording of the process, and what its counts were at the frame before. */
	struct export_source recording;
	char path[PATH_MAX];
	struct export_baseline before;
	const struct top_view *view; /* of `before`; NULL: there is none */
};

/* `what` is a process id or a URL. */
must_check int top_source_open(struct top_source *s, const char *what, struct err *err);
void top_source_close(struct top_source *s);

struct top_profile {
	struct profile profile;
	double seconds; /* it covers; 0: it is of this moment, or of all time */
	bool ended;	/* the process has */
	unsigned threads;
	uint64_t memory, lost; /* of the recording, if it was seen */
};

/* The profile of `view`: of a process at once, since the call before; of a URL after `seconds`. */
must_check int top_source_get(struct top_source *s, const struct top_view *view, unsigned seconds,
	struct top_profile *ret, struct err *err);

struct top_shape {
	int rows, columns; /* of the whole frame, heading included */
	bool cum;	   /* sorted by it */
};

/* Appends the lines of a frame. */
must_check int top_frame(const struct top_source *s, const struct top_view *view,
	struct top_profile *p, const struct top_shape *shape, struct buf *out, struct err *err);

#endif
