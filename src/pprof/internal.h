/*
 * What the files of this layer share and nobody else sees.
 */
#ifndef SONDE_PPROF_INTERNAL_H
#define SONDE_PPROF_INTERNAL_H

#include "pprof/pprof.h"

/* Room for n samples in the three per-sample columns. */
void profile_reserve_samples(struct profile *p, uint32_t n);

/* Go's order of labels: strings before numbers, then by key; 0 for equal keys. */
int label_cmp(const struct profile *p, const struct label *a, const struct label *b);
/* Stable. */
void labels_sort(const struct profile *p, struct label *labels, uint32_t n);

/* "_text" of "[kernel.kallsyms]_text", which says what symbol `start` is; 0 if there is none. */
uint32_t mapping_relocation_symbol(struct profile *p, uint32_t file);

/* Go's time.Duration.String(), appended. */
void duration_string(int64_t nanos, struct buf *out);

/* Forgets the unknown fields of some kinds of message (bits 1 << enum profile_message), when the
 * things that owned them have moved. */
void profile_drop_unknown(struct profile *p, uint32_t kinds);

/* Reads the message alone. `release` says that whole pages of [data, n) already read may be given
 * back to the system (they are the reader's own, and will not be looked at again).
 * `ret_is_proto` is set even on error: true if no other format need be tried. */
must_check int proto_parse(struct profile *p, const void *data, size_t n, bool release,
	const struct profile_limits *limits, bool *ret_is_proto, struct err *err);

/* The legacy formats, tried in Go's order. ERR_FORMAT with "unrecognized profile format" if it is
 * none of them. */
must_check int legacy_parse(struct profile *p, const void *data, size_t n,
	const struct profile_limits *limits, struct err *err);

#endif
