/*
 * Statistics of one sample, and the distributions they rest on; see stats.h. The U test is in
 * utest.c.
 */
#include "benchfmt/benchfmt.h"
#include "benchfmt/gomath.h"

#include <math.h>
#include <stdlib.h>

double sample_quantile(const struct sample *s, double q)
{
	if (q <= 0)
		return sample_at(s, 0);
	if (q >= 1)
		return sample_at(s, s->n - 1);
	double whole;
	double fraction = modf(1 / 3.0 + q * (s->n + 1 / 3.0), &whole);
	if (whole < 1)
		return sample_at(s, 0);
	uint32_t k = (uint32_t)whole;
	if (k >= s->n)
		return sample_at(s, s->n - 1);
	double below = sample_at(s, k - 1);
	return below + fraction * (sample_at(s, k) - below);
}

double stats_geomean(const double *values, uint32_t n)
{
	double mean = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (!(values[i] > 0))
			return NAN;
		mean += (go_log(values[i]) - mean) / (i + 1);
	}
	return n ? go_exp(mean) : NAN;
}

/* Exact in integers up to 20!, as Go's; beyond by the logarithm of the gamma function. */
double stats_choose(int n, int k)
{
	if (k == 0 || k == n)
		return 1;
	if (k < 0 || n < k)
		return 0;
	if (n > 20)
		return go_exp(go_log_gamma(n + 1) - go_log_gamma(k + 1) - go_log_gamma(n - k + 1));
	int64_t numerator = 1, denominator = 1;
	for (int i = n - k + 1; i <= n; i++)
		numerator *= i;
	for (int i = 2; i <= k; i++)
		denominator *= i;
	return (double)(numerator / denominator);
}

static double binomial(int n, double p, int k)
{
	if (k < 0 || k > n)
		return 0;
	return stats_choose(n, k) * pow(p, k) * pow(1 - p, n - k);
}

double stats_normal_cdf(double x)
{
	return erfc(-x / M_SQRT2) / 2;
}

static double polynomial(const double *c, int n, double x)
{
	double y = c[0];
	for (int i = 1; i < n; i++)
		y = y * x + c[i];
	return y;
}

/* Acklam's rational approximation and one step of Halley's method. */
double stats_normal_quantile(double p)
{
	static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
		-2.759285104469687e+02, 1.383577518672690e+02, -3.066479806614716e+01,
		2.506628277459239e+00};
	static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
		-1.556989798598866e+02, 6.680131188771972e+01, -1.328068155288572e+01, 1};
	static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
		-2.400758277161838e+00, -2.549732539343734e+00, 4.374664141464968e+00,
		2.938163982698783e+00};
	static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01,
		2.445134137142996e+00, 3.754408661907416e+00, 1};
	const double low = 0.02425;
	if (!(p >= 0 && p <= 1))
		return NAN;
	if (p == 0 || p == 1)
		return p == 0 ? -INFINITY : INFINITY;
	double x;
	if (p < low || p > 1 - low) {
		double q = sqrt(-2 * go_log(p < low ? p : 1 - p));
		x = polynomial(c, 6, q) / polynomial(d, 5, q);
		x = p < low ? x : -x;
	} else {
		double q = p - 0.5, r = q * q;
		x = polynomial(a, 6, r) * q / polynomial(b, 6, r);
	}
	double e = 0.5 * erfc(-x / M_SQRT2) - p;
	double u = e * sqrt(2 * M_PI) * go_exp(x * x / 2);
	return x - u / (1 + x * u / 2);
}

/* Adds up the likeliest order statistics from the mode outwards, the left one first on a tie. */
static struct order_interval exact_ci(int n, double q, double confidence)
{
	int mode = q == 0 ? 0 : (int)ceil((n + 1) * q) - 1;
	int l = mode, r = mode + 1;
	double sum = binomial(n, q, mode), left = binomial(n, q, l - 1), right = binomial(n, q, r);
	bool ambiguous = right == sum;
	while (sum < confidence && (left > 0 || right > 0)) {
		ambiguous = left == right;
		if (left >= right) {
			sum += left;
			left = binomial(n, q, --l - 1);
		} else {
			sum += right;
			right = binomial(n, q, ++r);
		}
	}
	return (struct order_interval){l, r, sum, ambiguous};
}

static struct order_interval normal_ci(int n, double q, double confidence)
{
	double mu = n * q, sigma = sqrt(n * q * (1 - q));
	double l1 = stats_normal_quantile((1 - confidence) / 2) * sigma + mu;
	double r1 = 2 * mu - l1;
	int l = (int)floor(floor(l1 - 0.5) + 0.5) + 1;
	int r = (int)floor(ceil(r1 - 0.5) + 0.5) + 1;
	double below = stats_normal_cdf((l - 0.5 - mu) / sigma);
	double sum = stats_normal_cdf((r - 0.5 - mu) / sigma) - below;
	double narrower = stats_normal_cdf((r - 1.5 - mu) / sigma) - below;
	bool ambiguous = narrower >= confidence && narrower < sum;
	if (ambiguous) {
		sum = narrower;
		r--;
	}
	if (l <= 0 && r >= n + 1) {
		sum = 1;
		ambiguous = false;
	}
	return (struct order_interval){l, r, sum, ambiguous};
}

struct order_interval stats_quantile_ci(int n, double q, double confidence)
{
	if (confidence >= 1)
		return (struct order_interval){0, n + 1, 1, false};
	struct order_interval ci =
		n <= 30 ? exact_ci(n, q, confidence) : normal_ci(n, q, confidence);
	ci.lo = ci.lo < 0 ? 0 : ci.lo;
	ci.hi = ci.hi > n + 1 ? n + 1 : ci.hi;
	return ci;
}

int stats_median_needs(double confidence)
{
	for (int n = 2; n <= 50; n++) {
		struct order_interval ci = stats_median_ci(n, confidence);
		if (ci.lo > 0 && ci.hi <= n)
			return n;
	}
	return 0;
}

static int by_p(const void *a, const void *b)
{
	const double *x = *(const double *const *)a, *y = *(const double *const *)b;
	return (*x > *y) - (*x < *y);
}

void stats_holm(double *p, uint32_t n)
{
	double **order = mem_array(n + 1, sizeof(*order));
	for (uint32_t i = 0; i < n; i++)
		order[i] = &p[i];
	qsort(order, n, sizeof(*order), by_p);
	double most = 0;
	for (uint32_t i = 0; i < n; i++) {
		double adjusted = *order[i] * (n - i);
		most = adjusted > most ? adjusted : most;
		*order[i] = most > 1 ? 1 : most;
	}
	mem_free(order);
}
