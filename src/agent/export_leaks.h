/*
 * export_leaks: which of the blocks in use look as if nobody would free them: heap?leak=1.
 *
 * Two answers, each a number of blocks for each count of the heap profile:
 * - grown: what was allocated early in a stretch of time and is still there at its end, of stacks
 *   that hold more than before. Says where memory goes in a program that runs on, whether or not
 *   it could still find it. A cache that drops a block for each one it takes does not show.
 * - unreachable: what no pointer leads to (export_reach.h). Lost for certain.
 */
#ifndef SONDE_AGENT_EXPORT_LEAKS_H
#define SONDE_AGENT_EXPORT_LEAKS_H

#include "agent/export_baseline.h"
#include "agent/export_roots.h"
#include "agent/export_view.h"

struct export_leaks {
	struct map found; /* of a count -> its index in `blocks` */
	uint64_t *blocks;
	uint32_t n, cap;
	char said[RECORDING_TEXT_MAX]; /* what it is, for the profile's comments */
};

/* The view that shows them: inuse_objects and inuse_space, scaled as the heap's. Without a struct
 * export_leaks it shows what the process found by itself when it ended. */
const struct export_view *export_leaks_view(void);

/* What grew since the baseline, which is of RECORDING_HEAP; the last source is the process as it
 * runs. 0, or an error. */
must_check int export_leaks_grown(struct export_leaks *ret, const struct export_source *sources,
	size_t n, const struct export_baseline *since, struct err *err);
/* What no pointer leads to, in the process of the last source as it runs. */
must_check int export_leaks_unreachable(struct export_leaks *ret,
	const struct export_source *sources, size_t n, const struct roots_question *question,
	struct err *err);
/* The same of the calling process, noted in its recording: RECORDING_HEAP_LEAKED, and in words. */
void export_leaks_note(struct recording *rec, const struct roots_question *question);
void export_leaks_release(struct export_leaks *l);

/* Of the count at `ref`. */
uint64_t export_leaks_of(const struct export_leaks *l, const struct recording *rec, rec_ref ref);
void export_leaks_comments(struct profile *p, const struct export_leaks *l);

#endif
