/*
 * Colours and names of the picture, and columns.
 */
#include "tables.h"

#include "report/align.h"
#include "report/dot.h"

static void expect_color(double score, const char *dark, const char *pale)
{
	struct buf out = BUF_INIT, want = BUF_INIT;
	report_dot_color(score, false, &out);
	buf_addch(&out, ' ');
	report_dot_color(score, true, &out);
	buf_printf(&want, "%s %s", dark, pale);
	assert_string_equal(out.data, want.data);
	buf_release(&want);
	buf_release(&out);
}

static void check_color(char *const *f)
{
	expect_color(strtod(f[0], NULL), f[1], f[2]);
}

static void test_colors(void **state)
{
	expect_color(0, "#b2b2b2", "#ededed");
	expect_color(1, "#b20000", "#edd5d5");
	expect_color(-1, "#00b200", "#d5edd5");
	table_each("dotcolor.tsv", 3, 400, check_color);
}

static void expect_name(const char *name, const char *want)
{
	struct buf out = BUF_INIT;
	struct node_info info = {.line = 7};
	report_dot_name(&info, name, "/a/b.go", "", &out);
	assert_string_equal(out.data, want);
	buf_release(&out);
}

static void check_name(char *const *f)
{
	expect_name(f[0], f[2]);
}

static void test_names(void **state)
{
	expect_name("ns::C::f", "C\\nf\\nb.go:7\\n");
	expect_name("a\"b", "a\\\"b\\nb.go:7\\n");
	table_each("shorten.tsv", 3, 3000, check_name);
}

static void expect_aligned(const char *text, const char *want)
{
	struct buf out = BUF_INIT;
	report_align(text, strlen(text), &out);
	assert_string_equal(out.data, want);
	buf_release(&out);
}

static void test_align(void **state)
{
	expect_aligned("", "");
	expect_aligned("plain\n", "plain\n");
	expect_aligned("a\tb\nccc\tdd\n", "   ab\n cccdd\n");
	/* A line without the column ends its run. */
	expect_aligned("long cell\tx\n\na\tx\n", " long cellx\n\n ax\n");
	expect_aligned("k:\trest\n \tv:\tname\n \tlonger:\tname\n",
		" k:rest\n         v:name\n    longer:name\n");
	expect_aligned("\xc3\xa9\tx\nab\ty\n", "  \xc3\xa9x\n aby\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_colors),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_align),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
