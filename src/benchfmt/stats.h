/*
 * The statistics of benchmark results: a robust summary of one sample, and a comparison of two that
 * assumes nothing of their distribution (golang.org/x/perf/benchmath).
 *
 * Samples are sorted ascending, or counted, by whoever makes them. docs/benchstat.md explains the choices.
 */
#ifndef SONDE_BENCHFMT_STATS_H
#define SONDE_BENCHFMT_STATS_H

struct sample {
	const double *values; /* sorted; NULL: what is known of it is */
	uint32_t n;
	struct value_counts *counts;
};

void sample_sort(double *values, uint32_t n);
/* The k-th smallest value, k from 0. */
static inline double sample_at(const struct sample *s, uint32_t k)
{
	return s->values ? s->values[k] : value_counts_at(s->counts, k);
}
/* The q-quantile, interpolated as Hyndman and Fan's R8. n > 0. */
double sample_quantile(const struct sample *s, double q);
/* NaN unless all are positive. */
double stats_geomean(const double *values, uint32_t n);

/* --- confidence interval of the median, by order statistics --- */

struct order_interval {
	int lo, hi;	   /* order statistics from 1; 0 and n + 1 stand for -inf and +inf */
	double confidence; /* of this interval: at least what was asked for */
	bool ambiguous;	   /* another of the same width would have done */
};
struct order_interval stats_quantile_ci(int n, double q, double confidence);
static inline struct order_interval stats_median_ci(int n, double confidence)
{
	return stats_quantile_ci(n, 0.5, confidence);
}
/* The fewest values for which there is a bounded interval; 0 if not even 50 are enough. */
int stats_median_needs(double confidence);

/* --- Mann-Whitney U test, two-sided --- */

enum utest_result {
	UTEST_OK,
	UTEST_EMPTY, /* "sample is too small" */
	UTEST_EQUAL, /* "all samples are equal" */
};
/* Exact up to 50 values a sample (25 with ties), else by normal approximation with corrections for
 * ties and continuity. *ret_u may be NULL. */
enum utest_result stats_utest(
	const struct sample *a, const struct sample *b, double *ret_u, double *ret_p);
/* The fewest values in each sample for which p can be alpha or less; 0 if more than 9. */
int stats_utest_needs(double alpha);

/* The shift between two samples, as a ratio b/a - 1, with its interval: Hodges and Lehmann's
 * estimate over all ratios of pairs, and the order statistics of them that the U test would not
 * reject. False if a value is not positive or a sample is empty. */
bool stats_ratio_interval(const struct sample *a, const struct sample *b, double confidence,
	double *ret_ratio, double *ret_lo, double *ret_hi);
/* Holm's step-down correction for testing many at once: p[i] becomes the adjusted value. */
void stats_holm(double *p, uint32_t n);

double stats_normal_cdf(double x);
double stats_normal_quantile(double p);
double stats_choose(int n, int k);

#endif
