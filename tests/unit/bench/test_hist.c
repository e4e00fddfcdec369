/*
 * The histogram: every quantile within 1 part in 64 of the exact one, merging, the drawing.
 */
#include "../unit.h"

#include "bench/internal.h"

static void test_quantiles(void **state)
{
	struct hist *h = hist_new();
	assert_int_equal(hist_quantile(h, .5), 0);
	for (uint64_t v = 1; v <= 100000; v++)
		hist_add(h, v);
	static const double qs[] = {.001, .1, .5, .9, .99, .999};
	for (size_t i = 0; i < array_len(qs); i++) {
		double exact = qs[i] * 100000, got = (double)hist_quantile(h, qs[i]);
		assert_true(got >= exact && got <= exact * (1 + 1.0 / 64));
	}
	assert_int_equal(hist_quantile(h, 1), 100000);
	assert_int_equal(hist_max(h), 100000);
	hist_clear(h);
	assert_int_equal(hist_count(h), 0);
	hist_free(h);
}

static void test_extremes(void **state)
{
	struct hist *h = hist_new(), *other = hist_new();
	hist_add(h, 0);
	hist_add(h, 63);
	hist_add(h, 64);
	hist_add(other, UINT64_MAX);
	assert_int_equal(hist_quantile(h, .3), 0);
	assert_int_equal(hist_quantile(h, .66), 63);
	assert_int_equal(hist_quantile(h, .99), 64);
	hist_merge(h, other);
	assert_int_equal(hist_count(h), 4);
	assert_true(hist_quantile(h, 1) == UINT64_MAX);
	hist_free(h);
	hist_free(other);
}

static void test_drawing(void **state)
{
	struct hist *h = hist_new();
	struct buf out = BUF_INIT;
	for (int i = 0; i < 8; i++)
		hist_add(h, 10);
	hist_add(h, 11);
	hist_draw(h, &out);
	assert_non_null(strstr(out.data, "  <=         10ns          8  88.89% \xe2\x96\x88"));
	assert_non_null(strstr(out.data, "  <=         11ns          1 100.00% \xe2\x96\x88"));
	buf_clear(&out);
	/* However wide the values spread, it fits a terminal. */
	hist_add(h, UINT64_C(1) << 40);
	hist_draw(h, &out);
	int rows = 0;
	for (size_t i = 0; i < out.len; i++)
		rows += out.data[i] == '\n';
	assert_in_range(rows, 2, 25);
	buf_release(&out);
	hist_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_drawing),
	};
	return cmocka_run_group_tests_name("bench-hist", tests, NULL, NULL);
}
