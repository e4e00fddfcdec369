/*
 * Sorting samples; see stats.h. It is half of the work of a summary of many results.
 *
 * Measurements of one thing lie close together, so the place of a value between the least and the
 * greatest says nearly where it belongs: values are dealt to as many buckets as there are values,
 * and a pass of insertion puts right the few that share one. Where they do not lie so (an outlier
 * that leaves all others in one bucket), a crowded bucket is sorted by itself in the same way, a
 * few times over, before the C library's sort gets it. Equal values keep their order, as in that
 * one. (Rejected: a radix sort of the bits, eight passes where these are three.)
 */
#include "benchfmt/benchfmt.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <math.h>
#include <stdlib.h>

enum { FEW = 32, BUCKETS_MAX = 1 << 16, DEPTH_MAX = 4 };

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	if (isnan(x) || isnan(y))
		return (int)isnan(y) - (int)isnan(x); /* NaN first, as Go's sort has it */
	return (x > y) - (x < y);
}

/* Sorts `from` into `to`; they may be the same. */
static void insert_all(double *to, const double *from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double v = from[i];
		uint32_t j = i;
		for (; j && to[j - 1] > v; j--)
			to[j] = to[j - 1];
		to[j] = v;
	}
}

/* The lesser and the greater, of equals the first and the second: without a branch, which would be
 * mispredicted as often as not. A compiler left to itself makes one of the two. */
#ifdef __SSE2__
static inline double lesser(double a, double b)
{
	return _mm_cvtsd_f64(_mm_min_sd(_mm_set_sd(b), _mm_set_sd(a)));
}

static inline double greater(double a, double b)
{
	return _mm_cvtsd_f64(_mm_max_sd(_mm_set_sd(a), _mm_set_sd(b)));
}
#else
static inline double lesser(double a, double b)
{
	return b < a ? b : a;
}

static inline double greater(double a, double b)
{
	return a > b ? a : b;
}
#endif

/* As insert_all(), of what is nearly sorted: two that stand the wrong way round, which is what is
 * wrong mostly, are exchanged on the way. n > 0. */
static void insert_dealt(double *to, const double *from, uint32_t n)
{
	double last = from[0];
	for (uint32_t i = 1; i < n; i++) {
		double v = lesser(last, from[i]);
		uint32_t j = i - 1;
		last = greater(last, from[i]);
		for (; j && to[j - 1] > v; j--)
			to[j] = to[j - 1];
		to[j] = v;
	}
	to[n - 1] = last;
}

struct buckets {
	double least, scale;
	uint32_t n;
	uint32_t *ends; /* where each bucket's values end, once they are dealt */
};

static uint32_t bucket_of(const struct buckets *b, double v)
{
	return (uint32_t)((v - b->least) * b->scale);
}

/* Whether a bucket got more than a few. */
static bool deal(struct buckets *b, const double *values, uint32_t n, double *ret)
{
	for (uint32_t i = 0; i < n; i++)
		b->ends[bucket_of(b, values[i])]++;
	uint32_t sum = 0, most = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t count = b->ends[i];
		b->ends[i] = sum;
		sum += count;
		most = count > most ? count : most;
	}
	for (uint32_t i = 0; i < n; i++)
		ret[b->ends[bucket_of(b, values[i])]++] = values[i];
	return most > FEW;
}

static void sort(double *values, uint32_t n, unsigned depth);

static void sort_crowded(const struct buckets *b, double *dealt, unsigned depth)
{
	uint32_t from = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->ends[i] - from > FEW)
			sort(dealt + from, b->ends[i] - from, depth + 1);
		from = b->ends[i];
	}
}

struct range {
	double least, most;
	double rest; /* 0, or NaN if a value is not finite */
};

static inline void widen(struct range *r, double v)
{
	r->least = v < r->least ? v : r->least;
	r->most = v > r->most ? v : r->most;
	r->rest += v - v;
}

/* Four at a time: what one waits for is not what the next one needs. */
static struct range range_of(const double *values, uint32_t n)
{
	struct range r[4];
	uint32_t i = 0;
	for (unsigned k = 0; k < 4; k++)
		r[k] = (struct range){values[0], values[0], 0};
	for (; i + 4 <= n; i += 4)
		for (unsigned k = 0; k < 4; k++)
			widen(&r[k], values[i + k]);
	for (; i < n; i++)
		widen(&r[0], values[i]);
	for (unsigned k = 1; k < 4; k++) {
		widen(&r[0], r[k].least);
		widen(&r[0], r[k].most);
		r[0].rest += r[k].rest;
	}
	return r[0];
}

/* False if the values cannot be told apart by their distance from the least. */
static bool choose_buckets(const double *values, uint32_t n, unsigned depth, struct buckets *ret)
{
	struct range r = range_of(values, n);
	uint32_t count = n < BUCKETS_MAX ? n : BUCKETS_MAX;
	*ret = (struct buckets){r.least, (count - 1) / (r.most - r.least), count, NULL};
	return r.rest == 0 && isfinite(r.most - r.least) && isfinite(ret->scale) &&
	       depth < DEPTH_MAX;
}

static bool is_sorted(const double *values, uint32_t n)
{
	uint32_t i = 1;
	while (i < n && values[i - 1] <= values[i])
		i++;
	return i >= n;
}

static void sort(double *values, uint32_t n, unsigned depth)
{
	struct buckets b;
	if (is_sorted(values, n))
		return;
	if (!choose_buckets(values, n, depth, &b)) {
		qsort(values, n, sizeof(*values), ascending);
		return;
	}
	double *dealt = mem_array(n, sizeof(*dealt));
	b.ends = mem_zalloc(b.n * sizeof(*b.ends));
	if (deal(&b, values, n, dealt))
		sort_crowded(&b, dealt, depth);
	insert_dealt(values, dealt, n);
	mem_free(dealt);
	mem_free(b.ends);
}

static bool has_nan(const double *values, uint32_t n)
{
	bool nan = false;
	for (uint32_t i = 0; i < n; i++)
		nan |= isnan(values[i]);
	return nan;
}

void sample_sort(double *values, uint32_t n)
{
	if (n <= FEW && !has_nan(values, n))
		insert_all(values, values, n);
	else
		sort(values, n, 0);
}
