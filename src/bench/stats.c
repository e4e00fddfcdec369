/*
 * The two statistics the harness itself needs: the interval of a median, to know when to stop, and
 * the spread of the parts of one run. Everything else is benchfmt's, in the sonde command; a
 * benchmark binary stays small.
 */
#include "bench/internal.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* How many values lie outside the interval on each side: the largest k with
 * P(Binomial(n, 1/2) < k) <= 2.5 %, or 0 if there is none. */
static size_t outside(size_t n)
{
	double log_p = -(double)n * log(2), below = 0;
	size_t k = 0;
	for (;; k++) {
		below += exp(log_p);
		if (below > 0.025)
			return k;
		log_p += log((double)(n - k)) - log((double)(k + 1));
	}
}

double median_spread(double *values, size_t n, double *ret_median)
{
	qsort(values, n, sizeof(*values), by_value);
	*ret_median = n == 0 ? 0 : (values[(n - 1) / 2] + values[n / 2]) / 2;
	size_t k = outside(n);
	if (n == 0 || k == 0 || *ret_median <= 0)
		return INFINITY;
	double up = values[n - k] / *ret_median - 1, down = 1 - values[k - 1] / *ret_median;
	return up > down ? up : down;
}

double quartile_spread(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	double median = n ? values[n / 2] : 0;
	return median > 0 ? (values[n * 3 / 4] - values[n / 4]) / 2 / median : 0;
}
