/*
 * What the readers of the legacy formats share. Each returns 0, ERR_NOT_FOUND if the input is not
 * of its kind ("unrecognized", to Go), or another error, which ends the search.
 */
#ifndef SONDE_PPROF_LEGACY_H
#define SONDE_PPROF_LEGACY_H

#include "pprof/text.h"

struct legacy {
	struct profile *p;
	struct map locations; /* address -> index */
	uint32_t *stack;      /* of the sample being read */
	uint32_t stack_n, stack_cap;
	struct err *err;
};

int legacy_cpu(struct legacy *l, const uint8_t *data, size_t n);
int legacy_heap(struct legacy *l, const uint8_t *data, size_t n);
int legacy_count(struct legacy *l, const uint8_t *data, size_t n);
int legacy_thread(struct legacy *l, const uint8_t *data, size_t n);
int legacy_contention(struct legacy *l, const uint8_t *data, size_t n);
int legacy_java(struct legacy *l, const uint8_t *data, size_t n);
/* What follows the samples of a Java CPU profile. */
int legacy_java_locations(struct legacy *l, const uint8_t *data, size_t n);

/* Not the profile. */
void legacy_release(struct legacy *l);
/* Go's drop_frames and keep_frames for the kind of profile the sample types show. */
void legacy_frame_info(struct profile *p);

/* "unrecognized": this reader's input it is not. */
int legacy_not_mine(void);
int legacy_malformed(struct legacy *l, const struct lines *lines);

void legacy_types(struct legacy *l, const char *const (*types)[2], size_t n);
void legacy_period_type(struct legacy *l, const char *type, const char *unit);
uint32_t legacy_location(struct legacy *l, uint64_t address);
void legacy_push(struct legacy *l, uint64_t address); /* onto the stack */
/* A sample of the stack, which is then empty. */
void legacy_sample(struct legacy *l, const int64_t *values, const struct label *labels, uint32_t n);
/* Pushes the hexadecimal numbers in the text, less `adjust` each; on error *ret_bad is the number.
 */
must_check bool legacy_addresses(
	struct legacy *l, struct text t, uint64_t adjust, struct text *ret_bad);
int legacy_bad_address(
	struct legacy *l, const struct lines *lines, struct text line, struct text bad);

/* Empty or a comment. */
bool legacy_skips(struct text line);
/* Announces the memory map. */
bool legacy_is_sentinel(struct text line);
/* Undoes the sampling of allocations: the chance of a size s to be seen is 1-exp(-s/rate). */
void legacy_unsample(int64_t *count, int64_t *size, int64_t rate);

/* From the current line on: finds the memory map, if there is one, reads it, and finishes. */
must_check int legacy_finish(struct legacy *l, struct lines *lines);
/* The same when the memory map begins here. */
must_check int legacy_finish_map(struct legacy *l, struct lines *lines);
/* Without one: locations and functions numbered by use, mappings found or made up. */
must_check int legacy_remap(struct legacy *l);
/* The handler may record the leaf twice, once as a return address: drops that. */
void legacy_drop_duplicate_leaves(struct profile *p);

#endif
