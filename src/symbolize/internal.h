/*
 * What the files of this layer share.
 */
#ifndef SONDE_SYMBOLIZE_INTERNAL_H
#define SONDE_SYMBOLIZE_INTERNAL_H

#include "symbolize/symbolize.h"

/* The state of symbolizing one profile locally. */
struct symbolizer {
	struct profile *profile;
	const struct symbolize_opts *opts;
	struct map functions; /* hash of (name, file, start line) -> index */
	uint32_t *by_mapping; /* locations of mapping m: by_mapping[first[m] .. first[m + 1]) */
	uint32_t *first;
	bool *visited; /* mappings */
	struct line *lines;
	size_t line_cap;
};

/* A message to the user. */
void say(const struct symbolize_opts *opts, const char *fmt, ...) attr_printf(2, 3);

/* cache.c: an object of the cache, if there is one, or a new one; NULL after an error. */
struct object *symbolize_open(const struct symbolize_opts *opts, const char *file,
	const struct object_opts *object, struct err *err);
void symbolize_close(const struct symbolize_opts *opts, struct object *obj);

/* remote.c */
must_check int symbolize_remote(
	struct profile *p, const struct symbolize_opts *opts, struct err *err);

#endif
