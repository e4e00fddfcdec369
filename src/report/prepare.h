/*
 * Inside the layer: what is done to a profile before it is reported.
 */
#ifndef SONDE_REPORT_PREPARE_H
#define SONDE_REPORT_PREPARE_H

#include "report/report.h"

/* Applies focus, ignore, hide, show, show_from, the tag filters and prune_from, in Go's order. */
must_check int prepare_filter(struct report *r, struct notes *notes, struct err *err);

/* Puts pseudo frames for labels at the root and the leaf of each stack (tagroot, tagleaf). */
void prepare_label_frames(struct report *r, struct notes *notes);

/* Which samples a tagfocus or tagignore expression means. */
struct tag_filter;
/* NULL for an empty expression. `name` is the option's, for messages. */
must_check int tag_filter_compile(struct tag_filter **ret, const char *name, const char *value,
	const struct report *r, struct notes *notes, struct err *err);
void tag_filter_free(struct tag_filter *f);
bool tag_filter_match(struct tag_filter *f, const struct profile *p, uint32_t sample);

/* The label that tells samples of a diff's base. */
struct base_mark {
	uint32_t key, yes; /* strings; key UINT32_MAX: the profile is no diff */
};
struct base_mark report_base_mark(const struct profile *p);
bool report_is_base(const struct profile *p, uint32_t sample, struct base_mark mark);

#endif
