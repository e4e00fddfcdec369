/*
 * Reading text profiles: lines, spans, and numbers as Go's strconv reads them.
 */
#ifndef SONDE_PPROF_TEXT_H
#define SONDE_PPROF_TEXT_H

#include "pprof/internal.h"

/* A part of the input; not NUL-terminated. */
struct text {
	const char *s;
	size_t n;
};

struct lines {
	const char *p, *end;
	const char *start;
	struct text line; /* the current one, without its end; empty before the first and after the
			     last */
	int number;	  /* from 1 */
};

static inline struct lines lines_of(const void *data, size_t n)
{
	const char *s = data;
	return (struct lines){.p = s, .end = s + n, .start = s, .line = {s, 0}};
}

/* Steps to the next line; false at the end. Ends of lines are \n or \r\n. */
bool lines_next(struct lines *l);

struct text text_trim(struct text t);
/* What is before the first `c`, which is taken off `t` with it; all of it if there is none. */
struct text text_cut(struct text *t, char c);
bool text_is(struct text t, const char *s);
bool text_has_prefix(struct text t, const char *prefix);
bool text_contains(struct text t, const char *s);
static inline bool text_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}
/* The next word between spaces, taken off `t`; false if there is none. */
bool text_word(struct text *t, struct text *ret);

/* All of `t` as a number. `base` 0: by prefix 0x, 0b, 0o or 0. On error *ret_why is Go's reason,
 * "invalid syntax" or "value out of range". */
must_check bool text_i64(struct text t, int base, int64_t *ret, const char **ret_why);
must_check bool text_u64(struct text t, int base, uint64_t *ret, const char **ret_why);

#define TEXT_ARGS(t) (int)((t).n > 300 ? 300 : (t).n), (t).s /* for "%.*s" */

#endif
