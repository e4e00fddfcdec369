/*
 * export_write: writes a recording as a profile from inside the program that made it.
 *
 * For ordinary threads; takes no memory from the program's malloc.
 */
#ifndef SONDE_AGENT_EXPORT_WRITE_H
#define SONDE_AGENT_EXPORT_WRITE_H

#include "agent/recording.h"

struct export_opts;
struct export_baseline;
struct export_heap;

/* A heap of its own for what an export needs, so that nothing comes from the program's malloc; NULL
 * when there is no memory. Gives everything back at once. */
struct export_heap *export_heap_new(void);
void export_heap_free(struct export_heap *heap);

/* Notes the counts of `kind` on `heap`, where they stay until it is freed. 0 or -ENOMEM. */
int export_write_baseline(struct export_heap *heap, const struct recording *rec,
	enum recording_kind kind, struct export_baseline **ret);

/* profile.proto, gzipped, to the descriptor: 0 or a negative code. */
int export_write(const struct recording *rec, const struct export_opts *opts, int fd);
/* The same, of what grew since then (export_leaks_grown()), or, with NULL, of what cannot be
 * reached (export_leaks_unreachable()). */
int export_write_leaks(const struct recording *rec, const struct export_baseline *since, int fd);

/* Looks for lost blocks in this process, and notes them in its recording. */
void export_note_leaks(struct recording *rec);

#endif
