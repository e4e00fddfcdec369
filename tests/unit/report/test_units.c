/*
 * Units: the conversions people see, and google/pprof's answers to some 40,000 questions.
 */
#include "tables.h"

#include <math.h>

static void expect_label(int64_t value, const char *from, const char *to, const char *want)
{
	struct buf out = BUF_INIT;
	unit_label(value, from, to, &out);
	assert_string_equal(out.data, want);
	buf_release(&out);
}

static void test_labels(void **state)
{
	expect_label(1024, "bytes", "auto", "1kB");
	expect_label(-1536, "bytes", "auto", "-1.50kB");
	expect_label(0, "bytes", "auto", "0");
	expect_label(10000000, "nanoseconds", "minimum", "10ms");
	expect_label(1, "microseconds", "hours", "0");
	expect_label(7200, "s", "hr", "2hrs");
	expect_label(3, "count", "minimum", "3");
	expect_label(3, "widgets", "", "3");
	expect_label(3, "widgets", "gadgets", "3gadgets");
	expect_label(5, "\xce\xbcs", "us", "5us");
	expect_label(INT64_MIN, "bytes", "PB", "-8192PB");
}

static void test_unknown_target_means_default(void **state)
{
	const char *unit;
	assert_true(unit_scale(2000000000, "ns", "parsecs", &unit) == 2);
	assert_string_equal(unit, "s");
}

static void test_kinds(void **state)
{
	assert_true(unit_same_kind("ns", "seconds"));
	assert_false(unit_same_kind("ns", "bytes"));
	assert_false(unit_same_kind("count", "count"));
}

static void test_truncate(void **state)
{
	assert_int_equal(unit_truncate(-1.9), -1);
	assert_true(unit_truncate(1e30) == INT64_MIN);
	assert_true(unit_truncate(NAN) == INT64_MIN);
}

static void check_scale(char *const *f)
{
	const char *unit;
	/* The table is of a google/pprof that took the s of "\xce\xbcs" for a plural. */
	if (strcmp(f[1], "\xce\xbcs") == 0 || strcmp(f[2], "\xce\xbcs") == 0)
		return;
	double v = unit_scale(strtoll(f[0], NULL, 10), f[1], f[2], &unit);
	assert_true(v == strtod(f[3], NULL));
	assert_string_equal(unit, f[4]);
	expect_label(strtoll(f[0], NULL, 10), f[1], f[2], f[5]);
}

static void test_scale_table(void **state)
{
	table_each("scale.tsv", 6, 30000, check_scale);
}

static void check_percentage(char *const *f)
{
	struct buf out = BUF_INIT;
	unit_percentage(strtoll(f[0], NULL, 10), strtoll(f[1], NULL, 10), &out);
	assert_string_equal(out.data, f[2]);
	buf_release(&out);
}

static void test_percentage_table(void **state)
{
	table_each("percentage.tsv", 3, 4000, check_percentage);
}

static void test_percentages(void **state)
{
	struct buf out = BUF_INIT;
	unit_percentage(1, 3, &out);
	unit_percentage(-1, 1, &out);
	unit_percentage(1, 0, &out);
	unit_percentage(1, 80000, &out);
	assert_string_equal(out.data, "33.33%  100%    0%0.0013%");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_unknown_target_means_default),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_percentages),
		cmocka_unit_test(test_scale_table),
		cmocka_unit_test(test_percentage_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
