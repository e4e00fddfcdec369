/*
 * Samples by counts; see value_counts.h. (Rejected: samples of the few values that occur, with a
 * count each: of numbers that are close together nearly all occur, and a number's place says where
 * its count is.)
 */
#include "benchfmt/benchfmt.h"

enum { COUNTS_MIN = 64, SPARSE = 2 /* numbers a value, at most */ };

#define ROUNDER 0x1.8p52 /* a sum with it has no fraction, of numbers up to a third of it */

/* The bits of what is left by rounding: all 0 if the value is whole, but not of -0. Of a NaN and of
 * an infinity a NaN is left. */
static inline uint64_t not_whole(double v)
{
	double rest = v - ((v + ROUNDER) - ROUNDER);
	uint64_t bits;
	memcpy(&bits, &rest, sizeof(bits));
	return bits;
}

struct bounds {
	double least, most;
	uint64_t others; /* 0 if all are whole */
};

static inline void widen(struct bounds *b, double v)
{
	b->least = v < b->least ? v : b->least;
	b->most = v > b->most ? v : b->most;
	b->others |= not_whole(v);
}

/* Two at a time: what one waits for is not what the next one needs. */
static struct bounds bounds_of(const double *values, uint32_t n)
{
	struct bounds even = {values[0], values[0], 0}, odd = even;
	uint32_t i = 0;
	for (; i + 2 <= n; i += 2) {
		widen(&even, values[i]);
		widen(&odd, values[i + 1]);
	}
	if (i < n)
		widen(&even, values[i]);
	widen(&even, odd.least);
	widen(&even, odd.most);
	even.others |= odd.others;
	return even;
}

struct value_counts *value_counts_new(const double *values, uint32_t n)
{
	if (n < COUNTS_MIN || not_whole(values[0]))
		return NULL;
	struct bounds b = bounds_of(values, n);
	if (b.others || b.most - b.least >= (double)n * SPARSE)
		return NULL;
	uint32_t span = (uint32_t)(b.most - b.least) + 1, sum = 0;
	struct value_counts *c = mem_zalloc(sizeof(*c) + ((size_t)span + 1) * sizeof(*c->below));
	c->least = b.least;
	c->span = span;
	for (uint32_t i = 0; i < n; i++)
		c->below[(uint32_t)(values[i] - b.least)]++;
	for (uint32_t i = 0; i <= span; i++) {
		uint32_t count = c->below[i];
		c->below[i] = sum;
		sum += count;
	}
	return c;
}

double value_counts_at(const struct value_counts *c, uint32_t k)
{
	uint32_t from = 0, to = c->span;
	while (to - from > 1) {
		uint32_t middle = from + (to - from) / 2;
		if (c->below[middle] <= k)
			from = middle;
		else
			to = middle;
	}
	return c->least + from;
}

double *value_counts_values(const struct value_counts *c)
{
	double *values = mem_array(c->below[c->span], sizeof(*values));
	for (uint32_t i = 0; i < c->span; i++)
		for (uint32_t k = c->below[i]; k < c->below[i + 1]; k++)
			values[k] = c->least + i;
	return values;
}
