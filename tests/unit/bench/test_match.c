/*
 * Names and patterns: the tables of testing/match_test.go, the parts about benchmarks.
 */
#include "../unit.h"

#include "bench/internal.h"

/* name under parent "BenchmarkX" (none: top level), with a pattern: run, partly, or not? */
static void check(const char *pattern, const char *skip, const char *parent, const char *name,
	bool ok, bool partial)
{
	struct matcher *m;
	struct buf full = BUF_INIT;
	bool is_partial;
	assert_int_equal(matcher_new(&m, pattern, skip, NULL), 0);
	bool is_ok = matcher_full_name(m, parent, name, &full, &is_partial);
	if (is_ok != ok || (ok && is_partial != partial))
		fail_msg("%s in -bench=%s -skip=%s: %d %d", full.data, pattern, skip, is_ok,
			is_partial);
	buf_release(&full);
	matcher_free(m);
}

static void test_patterns(void **state)
{
	check("", "", NULL, "TestFoo", true, false);
	check("TestFoo", "", NULL, "TestFoo", true, false);
	check("TestFoo/", "", NULL, "TestFoo", true, true);
	check("TestFoo/bar/baz", "", NULL, "TestFoo", true, true);
	check("TestFoo", "", NULL, "TestBar", false, false);
	check("TestFoo/", "", NULL, "TestBar", false, false);
	check("TestFoo/bar/baz", "", "TestBar", "bar/baz", false, false);
	check("", "", "TestBar", "bar/baz", true, false);
	check("TestFoo", "", "TestFoo", "bar/baz", true, false);
	check("TestFoo/", "", "TestFoo", "bar/baz", true, false);
	check("TestFoo/bar/baz", "", "TestFoo", "bar/baz", true, false);
	check("TestFoo/bar/baz", "", "TestFoo", "bar", true, true);
	check("TestFoo/bar/baz", "", "TestFoo", "bar/bar", false, false);
	check("A/B|C", "", "A", "B", true, false);
	check("A/B|C", "", NULL, "C", true, false);
	check("A/B|C", "", NULL, "A", true, true);
	check("A/(B|C)", "", "A", "C", true, false);
	check("A[/]B", "", NULL, "A", false, false);
	check("", "TestFoo/skip", "TestFoo", "skip", false, false);
	check("", "TestFoo/skip", NULL, "TestFoo", true, false);
	check("", "TestFoo", "TestFoo", "bar", false, false);
	check("/a b", "", "X", "a b", true, false);
}

static void check_error(const char *pattern, const char *message)
{
	struct matcher *m;
	struct err err = ERR_INIT;
	assert_true(matcher_new(&m, pattern, "", &err) < 0);
	assert_string_equal(err.msg, message);
}

static void test_bad_patterns(void **state)
{
	check_error("[", "element 0 of -test.bench (\"[\"): error parsing regexp: missing closing "
			 "]: `[`");
	check_error("a/(", "element 1 of -test.bench (\"(\"): error parsing regexp: missing "
			   "closing ): `(`");
}

static void check_names(size_t n, const char *const rows[][2])
{
	struct matcher *m;
	assert_int_equal(matcher_new(&m, "", "", NULL), 0);
	for (size_t i = 0; i < n; i++) {
		struct buf full = BUF_INIT;
		bool partial;
		matcher_full_name(m, "P", rows[i][0], &full, &partial);
		assert_string_equal(full.data, rows[i][1]);
		buf_release(&full);
	}
	matcher_free(m);
}

static void test_naming(void **state)
{
	static const char *const rows[][2] = {{"", "P/#00"}, {"", "P/#01"},
		{"#0", "P/#0"},	     /* does not conflict with #00 */
		{"#00", "P/#00#01"}, /* conflicts with implicit #00 */
		{"#", "P/#"}, {"#", "P/##01"}, {"t", "P/t"}, {"t", "P/t#01"}, {"t", "P/t#02"},
		{"t#00", "P/t#00"},	       /* "#00" has no special meaning */
		{"a#01", "P/a#01"},	       /* user has subtest with this name */
		{"a", "P/a"}, {"a", "P/a#02"}, /* must not conflict with the explicit one */
		{"b#00", "P/b#00"}, {"b", "P/b"}, {"b", "P/b#01"}, {"a b\tc", "P/a_b_c"},
		{"\xe2\x80\x83x", "P/_x"}, {"\x01\xc2\xad", "P/\\x01\\u00ad"},
		{"\xff", "P/\xef\xbf\xbd"}, {"\xe4\xb8\x96", "P/\xe4\xb8\x96"}};
	check_names(array_len(rows), rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_bad_patterns),
		cmocka_unit_test(test_naming),
	};
	return cmocka_run_group_tests_name("bench-match", tests, NULL, NULL);
}
