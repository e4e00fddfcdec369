/*
 * Lexical paths, against the tables of Go's path/filepath documentation.
 */
#include "base/base.h"
#include "../unit.h"

typedef void path_fn(struct buf *out, const char *path);

static void check(path_fn *fn, const char *in, const char *want)
{
	struct buf out = BUF_INIT;
	buf_addstr(&out, "x"); /* what is there already stays */
	fn(&out, in);
	assert_string_equal(out.data + 1, want);
	buf_release(&out);
}

static void test_clean(void **state)
{
	static const char *const rows[][2] = {
		{"", "."},
		{".", "."},
		{"abc", "abc"},
		{"abc/def", "abc/def"},
		{"/", "/"},
		{"abc/", "abc"},
		{"abc//def//ghi", "abc/def/ghi"},
		{"//abc", "/abc"},
		{"abc/./def", "abc/def"},
		{"/./abc/def", "/abc/def"},
		{"abc/def/..", "abc"},
		{"abc/def/../..", "."},
		{"/abc/def/../..", "/"},
		{"abc/def/../../..", ".."},
		{"/abc/def/../../..", "/"},
		{"abc/def/../../../ghi/jkl/../../../mno", "../../mno"},
		{"..", ".."},
		{"../..", "../.."},
		{"../../abc", "../../abc"},
		{"../abc/..", ".."},
		{"/..", "/"},
		{"abc/./../def", "def"},
		{"./malloc/./x.c", "malloc/x.c"},
	};
	for (size_t i = 0; i < array_len(rows); i++)
		check(path_clean, rows[i][0], rows[i][1]);
}

static void test_base_dir(void **state)
{
	check(path_base, "", ".");
	check(path_base, "/", "/");
	check(path_base, "////", "/");
	check(path_base, "a/b", "b");
	check(path_base, "a/b/", "b");
	check(path_dir, "", ".");
	check(path_dir, "a", ".");
	check(path_dir, "/a", "/");
	check(path_dir, "a/b/", "a/b");
	check(path_dir, "/a//b", "/a");
}

static void test_join(void **state)
{
	const char *elements[] = {"", "a/", "../b", ""};
	struct buf out = BUF_INIT;
	path_join(&out, elements, array_len(elements));
	assert_string_equal(out.data, "b");
	buf_clear(&out);
	path_join(&out, elements, 1);
	assert_string_equal(out.data, "");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_base_dir),
		cmocka_unit_test(test_join),
	};
	return cmocka_run_group_tests_name("base-path", tests, NULL, NULL);
}
