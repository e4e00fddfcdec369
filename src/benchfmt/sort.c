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

struct buckets {
	double least, scale;
	uint32_t n;
	uint32_t *ends; /* where each bucket's values end, once they are dealt */
};

static uint32_t bucket_of(const struct buckets *b, double v)
{
	return (uint32_t)((v - b->least) * b->scale);
}

static void deal(struct buckets *b, const double *values, uint32_t n, double *ret)
{
	for (uint32_t i = 0; i < n; i++)
		b->ends[bucket_of(b, values[i])]++;
	uint32_t sum = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t count = b->ends[i];
		b->ends[i] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < n; i++)
		ret[b->ends[bucket_of(b, values[i])]++] = values[i];
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

/* False if the values cannot be told apart by their distance from the least. */
static bool choose_buckets(const double *values, uint32_t n, unsigned depth, struct buckets *ret)
{
	double least = values[0], most = values[0];
	bool finite = true;
	for (uint32_t i = 0; i < n; i++) {
		least = values[i] < least ? values[i] : least;
		most = values[i] > most ? values[i] : most;
		finite &= values[i] - values[i] == 0;
	}
	uint32_t count = n < BUCKETS_MAX ? n : BUCKETS_MAX;
	*ret = (struct buckets){least, (count - 1) / (most - least), count, NULL};
	return finite && isfinite(most - least) && isfinite(ret->scale) && depth < DEPTH_MAX;
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
	deal(&b, values, n, dealt);
	sort_crowded(&b, dealt, depth);
	insert_all(values, dealt, n);
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
