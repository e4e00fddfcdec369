/*
 * Statistics: textbook values worked out by hand, and tables of Go's own results where they lie
 * (test_stats SHARED, or the environment's SONDE_SHARED; left out where they do not).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "benchfmt/benchfmt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COLS_MAX   8
#define VALUES_MAX 1000

static char stats_dir[4000];

/* ---- tables ---- */

typedef void row_fn(char **col);

static void each_row(const char *name, row_fn *fn)
{
	char path[4096];
	static char line[1 << 16];
	snprintf(path, sizeof(path), "%s/%s", stats_dir, name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	int rows = -1;
	for (; fgets(line, sizeof(line), f); rows++) {
		char *col[COLS_MAX] = {0}, *rest = line;
		line[strcspn(line, "\n")] = '\0';
		for (int i = 0; i < COLS_MAX && rest; i++)
			col[i] = strsep(&rest, "\t");
		if (rows >= 0)
			fn(col);
	}
	fclose(f);
	assert_true(rows > 10);
}

static size_t numbers(const char *list, double *ret)
{
	size_t n = 0;
	for (char *end; *list && n < VALUES_MAX; list = *end == ',' ? end + 1 : end)
		ret[n++] = strtod(list, &end);
	sample_sort(ret, (uint32_t)n);
	return n;
}

static void same_text(struct buf *text, const char *want)
{
	assert_string_equal(text->data, want);
	buf_release(text);
}

static struct sample sample_of(const char *list, double *values)
{
	return (struct sample){values, (uint32_t)numbers(list, values)};
}

static void check_utest(char **c)
{
	double v[VALUES_MAX], w[VALUES_MAX], u = 0, p = 0;
	struct sample x = sample_of(c[2], v), y = sample_of(c[3], w);
	enum utest_result result = stats_utest(&x, &y, &u, &p);
	assert_int_equal(result != UTEST_OK, c[6] && *c[6]);
	if (result == UTEST_OK) {
		assert_true(u == strtod(c[4], NULL));
		double want = strtod(c[5], NULL); /* tied counts are summed in another order */
		assert_true(fabs(p - want) <= 4e-15 * want);
	}
}

static void utest_table(void **state)
{
	each_row("utest.tsv", check_utest);
}

static void check_interval(char **c)
{
	struct order_interval ci = stats_median_ci(atoi(c[0]), strtod(c[1], NULL));
	assert_int_equal(ci.lo, atoi(c[2]));
	assert_int_equal(ci.hi, atoi(c[3]));
	assert_true(fabs(ci.confidence - strtod(c[4], NULL)) <= 4e-16);
	assert_int_equal(ci.ambiguous, strcmp(c[5], "true") == 0);
}

static void interval_table(void **state)
{
	each_row("medianci.tsv", check_interval);
}

static void check_geomean(char **c)
{
	double v[VALUES_MAX];
	size_t n = 0;
	for (char *list = c[0], *end; *list && n < VALUES_MAX; list = *end == ',' ? end + 1 : end)
		v[n++] = strtod(list, &end);
	double got = stats_geomean(v, (uint32_t)n), want = strtod(c[1], NULL);
	assert_true(got == want || (isnan(got) && isnan(want)));
}

static void geomean_table(void **state)
{
	each_row("geomean.tsv", check_geomean);
}

static void check_scale(char **c)
{
	struct buf text = BUF_INIT;
	double value = strtod(c[1], NULL);
	struct unit_scale scale = unit_common_scale(
		&value, 1, strcmp(c[0], "Binary") == 0 ? UNIT_BINARY : UNIT_DECIMAL);
	unit_scale_print(&scale, value, &text);
	same_text(&text, c[2]);
	text = (struct buf)BUF_INIT;
	number_print(value, &text);
	same_text(&text, c[3]);
}

static void scale_table(void **state)
{
	each_row("scale.tsv", check_scale);
}

static void check_tidy(char **c)
{
	struct buf text = BUF_INIT;
	assert_true(unit_tidy(c[0], &text) == strtod(c[2], NULL));
	assert_int_equal(unit_class_of(c[0]) == UNIT_BINARY, strcmp(c[3], "Binary") == 0);
	assert_int_equal(unit_better(text.data), atoi(c[4]));
	same_text(&text, c[1]);
}

static void tidy_table(void **state)
{
	each_row("tidy.tsv", check_tidy);
}

/* ---- by hand ---- */

static void utest_by_hand(void **state)
{
	const double v[] = {1, 2, 3, 4, 5, 6, 7, 7};
	struct sample x = {v, 3}, y = {v + 3, 3}, z = {v + 6, 2}, none = {v, 0};
	double u, p;
	assert_int_equal(stats_utest(&x, &y, &u, &p), UTEST_OK);
	assert_true(u == 0 && fabs(p - .1) < 1e-15); /* 2 of C(6,3) orders */
	assert_int_equal(stats_utest(&z, &z, &u, &p), UTEST_EQUAL);
	assert_int_equal(stats_utest(&none, &z, &u, &p), UTEST_EMPTY);
	assert_int_equal(stats_utest_needs(.05), 4);
}

static double normal_p_of_pairs(
	const double *a, uint32_t n1, const double *b, uint32_t n2, double u)
{
	double ties = 0, n = n1 + n2;
	for (uint32_t i = 0; i < n1 + n2; i++) { /* t equal values see t - 1, t times */
		double v = i < n1 ? a[i] : b[i - n1], t = 0;
		for (uint32_t j = 0; j < n1 + n2; j++)
			t += (j < n1 ? a[j] : b[j - n1]) == v;
		ties += t * t - 1;
	}
	double sigma = sqrt((double)n1 * n2 * (n + 1 - ties / (n * (n - 1))) / 12);
	double z = u - (double)n1 * n2 / 2;
	z = (z - (z > 0 ? 0.5 : z < 0 ? -0.5 : 0)) / sigma;
	return 2 * fmin(stats_normal_cdf(z), 1 - stats_normal_cdf(z));
}

/* Large samples, with no ties, few and many, against the definition: pairs in which the first
 * sample's value is larger, half of those that are equal. */
static void utest_of_large_samples(void **state)
{
	static const uint32_t sizes[][2] = {{51, 1}, {3, 80}, {60, 60}, {200, 150}};
	static const int kinds[] = {3, 40, 1000000};
	srand(3);
	for (size_t s = 0; s < array_len(sizes); s++) {
		for (size_t k = 0; k < array_len(kinds); k++) {
			double values[2][200], u = 0, got_u, got_p;
			uint32_t n1 = sizes[s][0], n2 = sizes[s][1];
			for (uint32_t i = 0; i < n1; i++)
				values[0][i] = rand() % kinds[k] - 1;
			for (uint32_t i = 0; i < n2; i++)
				values[1][i] = rand() % kinds[k];
			for (uint32_t i = 0; i < n1 * n2; i++) {
				double x = values[0][i / n2], y = values[1][i % n2];
				u += x > y ? 1 : x == y ? 0.5 : 0;
			}
			double p = normal_p_of_pairs(values[0], n1, values[1], n2, u);
			sample_sort(values[0], n1);
			sample_sort(values[1], n2);
			assert_int_equal(stats_utest(&(struct sample){values[0], n1},
						 &(struct sample){values[1], n2}, &got_u, &got_p),
				UTEST_OK);
			assert_true(got_u == u);
			assert_true(fabs(got_p - p) <= 1e-12);
		}
	}
}

/* ---- counted samples ---- */

static struct sample counted(const double *values, uint32_t n)
{
	return (struct sample){.n = n, .counts = value_counts_new(values, n)};
}

static void same_test(const struct sample *a, const struct sample *b, const struct sample *sorted_a,
	const struct sample *sorted_b)
{
	double u, p, want_u, want_p;
	assert_int_equal(
		stats_utest(a, b, &u, &p), stats_utest(sorted_a, sorted_b, &want_u, &want_p));
	assert_true(u == want_u);
	assert_true(p == want_p || (isnan(p) && isnan(want_p)));
}

/* Wherever the one lies from the other: apart, side by side, over it, in it. */
static void counted_as_sorted(void **state)
{
	static const int kinds[] = {1, 3, 100};
	double values[2][200];
	srand(5);
	for (int shift = -210; shift <= 210; shift++) {
		struct sample sorted[2], by_count[2];
		for (int s = 0; s < 2; s++) {
			uint32_t n = 64 + (uint32_t)rand() % 136;
			int kind = kinds[rand() % 3];
			for (uint32_t i = 0; i < n; i++)
				values[s][i] = 1e9 + rand() % kind + (s ? shift : 0);
			by_count[s] = counted(values[s], n);
			assert_non_null(by_count[s].counts);
			sample_sort(values[s], n);
			sorted[s] = (struct sample){values[s], n};
			for (uint32_t i = 0; i < n; i++)
				assert_true(sample_at(&by_count[s], i) == values[s][i]);
			assert_true(sample_quantile(&by_count[s], .3) ==
				    sample_quantile(&sorted[s], .3));
		}
		same_test(&by_count[0], &by_count[1], &sorted[0], &sorted[1]);
		same_test(&by_count[0], &sorted[1], &sorted[0], &sorted[1]);
		same_test(&sorted[0], &by_count[1], &sorted[0], &sorted[1]);
		same_test(&by_count[0], &(struct sample){values[1], 3}, &sorted[0],
			&(struct sample){values[1], 3});
		for (int s = 0; s < 2; s++)
			mem_free(by_count[s].counts);
	}
}

static void counts_only_whole_numbers(void **state)
{
	static const double others[] = {
		0.5, -0.0, NAN, INFINITY, -INFINITY, 1e300, 0x1p52, 140, 12.000000000000002};
	double values[70];
	for (int i = 0; i < 70; i++)
		values[i] = i % 7;
	assert_null(value_counts_new(values, 63)); /* too few */
	struct value_counts *c = value_counts_new(values, 70);
	assert_non_null(c);
	mem_free(c);
	for (size_t i = 0; i < array_len(others); i++) {
		for (int at = 0; at < 70; at += 23) {
			double before = values[at];
			values[at] = others[i];
			assert_null(value_counts_new(values, 70));
			values[at] = before;
		}
	}
}

static void interval_by_hand(void **state)
{
	struct order_interval ci = stats_median_ci(6, .95); /* 1 - 2/64 */
	assert_int_equal(ci.lo, 1);
	assert_int_equal(ci.hi, 6);
	assert_true(fabs(ci.confidence - .96875) < 1e-15);
	assert_int_equal(stats_median_ci(5, .95).lo, 0); /* infinity: too few */
	assert_int_equal(stats_median_needs(.95), 6);
}

static void effect_excludes_none_as_the_test_does(void **state)
{
	const double v[] = {100, 101, 102, 103, 104, 105}, w[] = {110, 111, 112, 113, 114, 115};
	struct sample x = {v, 6}, y = {w, 6};
	double ratio, lo, hi;
	assert_true(stats_ratio_interval(&x, &y, .95, &ratio, &lo, &hi));
	assert_true(lo > 0 && lo < ratio && ratio < hi);
	assert_true(stats_ratio_interval(&x, &x, .95, &ratio, &lo, &hi));
	assert_true(fabs(ratio) < 1e-12 && lo < 0 && hi > 0);
}

static void holm_steps_down(void **state)
{
	double p[] = {.01, .04, .03};
	stats_holm(p, 3);
	assert_true(fabs(p[0] - .03) < 1e-15 && fabs(p[1] - .06) < 1e-15);
	assert_true(fabs(p[2] - .06) < 1e-15);
}

static void sorts_as_go_does(void **state)
{
	double v[600];
	for (int i = 0; i < 600; i++)
		v[i] = (double)((i * 7919) % 601) - 300.5;
	v[17] = NAN;
	v[18] = -INFINITY;
	sample_sort(v, 600);
	assert_true(isnan(v[0]) && v[1] == -INFINITY);
	for (int i = 2; i < 600; i++)
		assert_true(v[i - 1] <= v[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tables[] = {
		cmocka_unit_test(utest_table),
		cmocka_unit_test(interval_table),
		cmocka_unit_test(geomean_table),
		cmocka_unit_test(scale_table),
		cmocka_unit_test(tidy_table),
	};
	const struct CMUnitTest by_hand[] = {
		cmocka_unit_test(utest_by_hand),
		cmocka_unit_test(utest_of_large_samples),
		cmocka_unit_test(counted_as_sorted),
		cmocka_unit_test(counts_only_whole_numbers),
		cmocka_unit_test(interval_by_hand),
		cmocka_unit_test(effect_excludes_none_as_the_test_does),
		cmocka_unit_test(holm_steps_down),
		cmocka_unit_test(sorts_as_go_does),
	};
	const char *shared = getenv("SONDE_SHARED");
	if (!shared)
		shared = argc > 1 ? argv[1] : ".";
	snprintf(stats_dir, sizeof(stats_dir), "%s/cases/benchstat/stats", shared);
	if (argc > 2 && strcmp(argv[2], "tables") == 0) {
		if (access(stats_dir, R_OK) != 0)
			return 77;
		return cmocka_run_group_tests(tables, NULL, NULL);
	}
	return cmocka_run_group_tests(by_hand, NULL, NULL);
}
