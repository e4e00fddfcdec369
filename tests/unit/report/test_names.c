/*
 * Names: shortened functions, cleaned and trimmed paths.
 */
#include "tables.h"

static void expect_short(const char *name, const char *want)
{
	struct buf out = BUF_INIT;
	report_shorten_name(name, &out);
	assert_string_equal(out.data, want);
	buf_release(&out);
}

static void test_shorten(void **state)
{
	expect_short("github.com/a/b/v2/pkg.(*T).Method", "pkg.(*T).Method");
	expect_short("main.main", "main.main");
	expect_short("com.example.Class.method(int)", "Class.method");
	expect_short("ns::inner::Class::method<int>(int)", "Class::method<int>");
	expect_short("(anonymous namespace)::Bar::Foo", "Bar::Foo");
	expect_short("qsort_r", "qsort_r");
}

static void check_shorten(char *const *f)
{
	expect_short(f[0], f[1]);
}

static void test_shorten_table(void **state)
{
	table_each("shorten.tsv", 2, 3000, check_shorten);
}

static void expect_clean(const char *path, const char *want)
{
	struct buf out = BUF_INIT;
	path_clean(&out, path);
	assert_string_equal(out.data, want);
	buf_release(&out);
}

static void test_clean(void **state)
{
	expect_clean("", ".");
	expect_clean("/", "/");
	expect_clean("a//b/./c/..", "a/b");
	expect_clean("../../a", "../../a");
	expect_clean("a/../../b", "../b");
	expect_clean("/../a", "/a");
	expect_clean("./a/", "a");
	expect_clean("a/..", ".");
}

static void test_base(void **state)
{
	struct buf out = BUF_INIT;
	path_base(&out, "/usr/bin/sonde");
	path_base(&out, "");
	path_base(&out, "///");
	path_base(&out, "dir//");
	assert_string_equal(out.data, "sonde./dir");
	buf_release(&out);
}

static void check_trim(char *const *f)
{
	assert_string_equal(report_trim_path(f[0], f[1], f[2]), f[3]);
}

static void test_trim(void **state)
{
	assert_string_equal(report_trim_path("/proc/self/cwd/a.c", "", ""), "a.c");
	assert_string_equal(report_trim_path("/build/x/a.c", "/other:/build", ""), "x/a.c");
	assert_string_equal(report_trim_path("/r/proj/a.c", "", "/home/proj"), "a.c");
}

static void test_trim_table(void **state)
{
	table_each("trimpath.tsv", 4, 200, check_trim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shorten),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_shorten_table),
		cmocka_unit_test(test_trim_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
