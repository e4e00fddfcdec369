/*
 * struct profile: one profile in memory (github.com/google/pprof/proto/profile.proto).
 *
 * Columns, not objects: a real profile has 10^5 samples of 30 frames, so samples are flat arrays,
 * their stacks share what they have in common (frames.h), and everything refers to everything else
 * by 32-bit index, never by the ids of the file (which need not be dense; they are kept to be
 * written back). Strings are ids in `strings`; id 0 is "" and means "none". An index of
 * PROFILE_NONE means "refers to nothing".
 *
 * A profile owns all it points to; profile_release() frees it. Not thread-safe.
 */
#ifndef SONDE_PPROF_PROFILE_H
#define SONDE_PPROF_PROFILE_H

#include "pprof/frames.h"

#define PROFILE_NONE UINT32_MAX

struct value_type {
	uint32_t type, unit; /* strings */
};

struct mapping {
	uint64_t id;
	uint64_t start, limit, offset;
	uint32_t file, build_id; /* strings */
	bool has_functions, has_filenames, has_line_numbers, has_inline_frames;
	uint32_t kernel_relocation_symbol; /* string; not in the file, derived like Go's */
};

struct function {
	uint64_t id;
	uint32_t name, system_name, filename; /* strings */
	int64_t start_line;
};

struct line {
	uint32_t function; /* index, or PROFILE_NONE */
	int32_t column;	   /* 64 bits in the file: what does not fit is the nearest that does */
	int64_t line;
};

struct location {
	uint64_t id;
	uint32_t mapping; /* index, or PROFILE_NONE */
	bool is_folded;
	uint64_t address;
	uint32_t line_first, line_n; /* lines[line_first..], innermost (leaf-most inlined) first */
};

struct label {
	uint32_t key; /* string */
	uint32_t str; /* string; 0 for a numeric label */
	int64_t num;
	uint32_t num_unit; /* string */
	bool is_num;
};

enum profile_message {
	MSG_PROFILE,
	MSG_VALUE_TYPE, /* owner: the sample type, or PROFILE_NONE for the period type */
	MSG_SAMPLE,
	MSG_LABEL,
	MSG_MAPPING,
	MSG_LOCATION,
	MSG_LINE,
	MSG_FUNCTION,
	MSG_N,
};

/* Raw bytes of fields this version does not know: written back after the known fields of the same
 * message, in the order they came. Merging drops them, and so does filtering those of the messages
 * it removes or moves. */
struct unknown {
	uint32_t owner_kind;  /* enum profile_message */
	uint32_t owner;	      /* index within that kind; 0 for the profile itself */
	uint32_t offset, len; /* in unknown_bytes */
};

struct profile {
	struct strtab strings;

	struct value_type *sample_types;
	uint32_t sample_type_n, sample_type_cap;
	uint32_t default_sample_type; /* string */

	/* Samples. Sample i has the stack at stack_at[i] in frames, leaf first (profile_stack()),
	 * the values values[i * sample_type_n ..] and the labels labels[label_end[i-1] ..
	 * label_end[i]). label_end may be NULL while no sample has labels. */
	uint32_t sample_n, sample_cap;
	uint32_t *stack_at;
	uint32_t *label_end;
	int64_t *values;
	struct frames frames;
	struct label *labels; /* of one sample: strings before numbers, each sorted by key */
	size_t label_n, label_cap;

	struct mapping *mappings;
	uint32_t mapping_n, mapping_cap;
	struct location *locations;
	uint32_t location_n, location_cap;
	struct line *lines;
	uint32_t line_n, line_cap;
	struct function *functions;
	uint32_t function_n, function_cap;

	uint32_t *comments; /* strings */
	uint32_t comment_n, comment_cap;
	uint32_t drop_frames, keep_frames; /* strings: regular expressions */
	uint32_t doc_url;		   /* string */
	int64_t time_nanos;		   /* since the epoch */
	int64_t duration_nanos;
	struct value_type period_type;
	int64_t period;

	struct unknown *unknowns;
	uint32_t unknown_n, unknown_cap;
	struct buf unknown_bytes;
};

enum { PROFILE_AHEAD = 3 }; /* samples, mostly asked for in turn */

/* The frames of sample i, leaf first: ret->n of them. One `ret` serves for all samples in turn. */
static inline const uint32_t *profile_stack(const struct profile *p, uint32_t i, struct stack *ret)
{
	if (i + PROFILE_AHEAD < p->sample_n)
		frames_expect(&p->frames, p->stack_at[i + PROFILE_AHEAD]);
	return frames_get(&p->frames, p->stack_at[i], ret);
}

static inline const struct label *profile_labels(
	const struct profile *p, uint32_t i, uint32_t *ret_n)
{
	if (!p->label_end)
		return *ret_n = 0, p->labels;
	uint32_t from = i ? p->label_end[i - 1] : 0;
	*ret_n = p->label_end[i] - from;
	return p->labels + from;
}

static inline int64_t *profile_values(const struct profile *p, uint32_t i)
{
	return p->values + (size_t)i * p->sample_type_n;
}

static inline const char *profile_str(const struct profile *p, uint32_t id)
{
	return strtab_get(&p->strings, id);
}

/* --- life --- */
void profile_init(struct profile *p);
void profile_release(struct profile *p);
void profile_copy(struct profile *dst, const struct profile *src); /* dst uninitialised */
/* The same without a copy of the samples: `dst` has src's, and must neither change them nor outlive
 * `src`. Its strings, mappings, locations, lines and functions are its own, so profile_aggregate()
 * may be done to it. Released by profile_release_shared() only. */
void profile_share(struct profile *dst, const struct profile *src);
void profile_release_shared(struct profile *p);

/* --- building: each returns the index of the new thing. Ids are given out densely from 1. --- */
uint32_t profile_add_sample_type(struct profile *p, const char *type, const char *unit);
uint32_t profile_add_mapping(struct profile *p, const struct mapping *m);   /* .id is set here */
uint32_t profile_add_function(struct profile *p, const struct function *f); /* .id is set here */
/* lines innermost first; they are copied. */
uint32_t profile_add_location(struct profile *p, uint32_t mapping, uint64_t address,
	const struct line *lines, uint32_t line_n);
/* Values: sample_type_n of them. Sample types must be complete before the first sample. */
uint32_t profile_add_sample(struct profile *p, const uint32_t *stack, uint32_t stack_n,
	const int64_t *values, const struct label *labels, uint32_t label_n);
/* Replaces the lines of location `loc` (as a symbolizer does). */
void profile_set_lines(struct profile *p, uint32_t loc, const struct line *lines, uint32_t line_n);

/* --- reading and writing --- */
struct profile_limits {
	size_t inflated_max; /* bytes of the message after inflating; 0: 1 GiB */
	size_t samples_max;  /* also bounds locations, functions, ...; 0: 2^31 */
	size_t memory_max;   /* bytes of the columns filled from the message; 0: 4 GiB */
	bool mapped;	     /* the data is a file mapped read-only: once read, its pages may
			      * leave memory, they come back from the file if they are needed */
};

/* gzip or plain profile.proto, several gzip members allowed, and (profile_legacy.h) the legacy
 * formats. `p` is uninitialised, and released again on error. Errors carry the byte offset in the
 * inflated message. `limits` may be NULL. */
must_check int profile_parse(struct profile *p, const void *data, size_t n,
	const struct profile_limits *limits, struct err *err);
/* profile.proto without gzip, as Go's profile.Profile.preEncode/encode order it. */
void profile_encode(const struct profile *p, struct buf *out);
/* The same, to a sink, piece by piece. Returns 0, or what the sink returned. */
must_check int profile_encode_to(const struct profile *p, struct sink *to);
/* The message, gzipped. */
void profile_write(const struct profile *p, struct buf *out);
/* Go's Profile.String(), the text of -raw. Returns 0, or what the sink returned. */
must_check int profile_string(const struct profile *p, struct sink *sink);
/* Go's Profile.CheckValid: every sample has the right number of values, ids are there and unique.
 */
must_check int profile_check(const struct profile *p, struct err *err);

#endif
