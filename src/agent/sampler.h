/*
 * sampler: which allocations are recorded.
 *
 * Go's rule (runtime/mprof.go, nextSample): bytes are counted down from an exponentially
 * distributed gap of mean `rate`, and the allocation that takes the count below zero is recorded.
 * An allocation of s bytes is then recorded with probability 1 - e^(-s/rate), whatever came before
 * it, so that dividing by that probability gives unbiased totals. The fast path is one subtraction
 * and a branch.
 *
 * Per thread and not shared; async-signal-safe.
 */
#ifndef SONDE_AGENT_SAMPLER_H
#define SONDE_AGENT_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sampler {
	uint64_t left;	/* the next allocation of that many bytes is recorded; 0: the next of any */
	uint64_t seed;	/* 0: not drawn yet */
	uint32_t epoch; /* of the rate that the gap was drawn with */
};

/* True if this allocation might have to be recorded: then ask sampler_take(). */
static inline bool sampler_due(struct sampler *s, size_t size)
{
	if (__builtin_expect(size >= s->left, 0))
		return true;
	s->left -= size;
	return false;
}

/* After sampler_due(): decides, and draws the next gap. `rate` is in bytes (1: record all, 0:
 * none); `epoch` changes whenever the rate does, so that gaps drawn for another rate are drawn
 * anew. */
bool sampler_take(struct sampler *s, size_t size, uint64_t rate, uint32_t epoch);

/* An exponentially distributed gap of mean `mean`, at least 1. */
int64_t sampler_gap(uint64_t *seed, uint64_t mean);
/* 1 - e^(-size/rate): what the export divides by. */
double sampler_probability(double size, double rate);

#endif
