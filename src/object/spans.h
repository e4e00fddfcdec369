/*
 * Span map: nested address ranges made flat, so that "which is the innermost range here?" is one
 * binary search. Rejected: walking back from the last range that starts below the address, which is
 * quadratic in a function with ten thousand inlined calls.
 */
#ifndef SONDE_OBJECT_SPANS_H
#define SONDE_OBJECT_SPANS_H

#include "base/base.h"

#define SPAN_NONE UINT32_MAX

struct span {
	uint64_t lo, hi; /* [lo, hi) */
	uint32_t id;
	uint32_t order; /* given by spans_add: of two equal ranges the later one is inside */
};

struct span_start {
	uint64_t lo;
	uint32_t id; /* of the innermost range from here to the next start; SPAN_NONE in a gap */
};

struct spans {
	struct span *all;
	size_t n, cap;
	struct span_start *starts; /* by address, made by spans_seal */
	size_t start_n, start_cap;
};

void spans_release(struct spans *spans);
void spans_add(struct spans *spans, uint64_t lo, uint64_t hi, uint32_t id); /* empty: ignored */
/* Ends the adding. Ranges that overlap without nesting are allowed: the later start wins. */
void spans_seal(struct spans *spans);
uint32_t spans_find(const struct spans *spans, uint64_t addr);

#endif
