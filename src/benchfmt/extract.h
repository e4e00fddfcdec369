/*
 * What a key says of a result: ".name", ".fullname", "/size", or a key of the file. Private to
 * benchfmt.
 */
#ifndef SONDE_BENCHFMT_EXTRACT_H
#define SONDE_BENCHFMT_EXTRACT_H

#include "base/base.h"

struct bench_result;
struct bench_reader;

enum extractor_kind {
	EXTRACT_NAME,	  /* .name */
	EXTRACT_FULLNAME, /* .fullname */
	EXTRACT_PART,	  /* /key of the name */
	EXTRACT_CONFIG,	  /* a key of the file, or .file */
};

struct extractor {
	enum extractor_kind kind;
	char *key;
	char *prefix;  /* EXTRACT_PART: "/key=" */
	bool is_procs; /* /gomaxprocs, which also stands at the end as "-8" */
	/* EXTRACT_FULLNAME: what is left out of it */
	char **without;
	uint32_t without_n, without_cap;
	bool without_name, without_procs;
};

struct extractor *extractor_new(const char *key);
void extractor_free(struct extractor *e); /* NULL is fine */
/* The full name without the keys `key` names, which a projection shows by themselves. */
void extractor_leave_out(struct extractor *e, const char *key);
/* The value, "" if there is none: a span that lives as long as the result, or lies in `scratch`. */
const char *extract(const struct extractor *e, const struct bench_reader *r, struct buf *scratch,
	size_t *ret_n);

#endif
