/*
 * What the files of this layer share and nobody else sees.
 */
#ifndef SONDE_PPROF_INTERNAL_H
#define SONDE_PPROF_INTERNAL_H

#include "pprof/pprof.h"

/* Bytes of the message after inflating, unless the caller sets another limit. */
#define INFLATED_MAX ((size_t)1 << 30)

/* Makes the column label_end where it was left out. */
void profile_need_label_ends(struct profile *p);
/* Room for n samples in the per-sample columns. */
void profile_reserve_samples(struct profile *p, uint32_t n);

/* Go's order of labels: strings before numbers, then by key; 0 for equal keys. */
int label_cmp(const struct profile *p, const struct label *a, const struct label *b);
/* Stable. */
void labels_sort(const struct profile *p, struct label *labels, uint32_t n);

/* "_text" of "[kernel.kallsyms]_text", which says what symbol `start` is; 0 if there is none. */
uint32_t mapping_relocation_symbol(struct profile *p, uint32_t file);

/* Go's Profile.compatible: the same period and sample types, or ERR_MISMATCH. */
must_check int profile_compatible(
	const struct profile *a, const struct profile *b, struct err *err);

/* Forgets the unknown fields of some kinds of message (bits 1 << enum profile_message), when the
 * things that owned them have moved. */
void profile_drop_unknown(struct profile *p, uint32_t kinds);

/*
 * Rewrites the samples in place: each is shown once, and kept (as it is, or with another stack, of
 * another length) or not. The stack shown may be written to.
 *
 *	struct edit e;
 *	edit_begin(&e, p);
 *	while (edit_next(&e))
 *		if (good(e.stack, e.stack_n))
 *			edit_keep(&e, e.stack, e.stack_n);
 *	edit_end(&e);
 */
struct edit {
	struct profile *p;
	uint32_t i; /* the sample shown: its values and labels are where they were */
	uint32_t *stack, stack_n;
	uint32_t next, label_from, label_to, kept;
	size_t label_kept;
	struct stack shown;
	struct frames old; /* edit_renew(): what the stacks are read from */
	bool renew;
};

void edit_begin(struct edit *e, struct profile *p);
/* All stacks will be written anew, of any length; none of the old ones remain. Before the first
 * edit_next(). */
void edit_renew(struct edit *e);
bool edit_next(struct edit *e);
void edit_keep(struct edit *e, const uint32_t *stack, uint32_t n);
void edit_end(struct edit *e);

/* A regular expression asked about the profile's strings, each only once. */
struct matcher {
	const struct profile *p;
	struct regex *re; /* NULL matches nothing */
	uint8_t *memo;	  /* by string id */
	int rc;		  /* ERR_LIMIT once it ran away */
};

void matcher_init(struct matcher *m, const struct profile *p, struct regex *re);
void matcher_release(struct matcher *m);
bool matcher_match(struct matcher *m, uint32_t str);
/* 0, or ERR_LIMIT with a message. */
must_check int matcher_result(const struct matcher *m, struct err *err);

/* Go's conversion on amd64: towards zero, and the least integer for what does not fit. */
static inline int64_t int64_of(double v)
{
	return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
}

/* Reads the message alone: [data, n), or what `gzip` gives if that is not NULL. `ret_is_proto` is
 * set even on error: true if no other format need be tried. */
must_check int proto_parse(struct profile *p, const void *data, size_t n, struct gzip_reader *gzip,
	const struct profile_limits *limits, bool *ret_is_proto, struct err *err);

/* The legacy formats, tried in Go's order. ERR_FORMAT with "unrecognized profile format" if it is
 * none of them. */
must_check int legacy_parse(struct profile *p, const void *data, size_t n, struct err *err);

#endif
