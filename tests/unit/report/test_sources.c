/*
 * Finding and reading source files: search path and its parents, trimming, and what must not be
 * read though a profile names it.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/sources.h"
#include "../unit.h"

static char folder[] = "/tmp/sonde-sources-XXXXXX";

static char *path_of(const char *name)
{
	static char paths[8][4096];
	static unsigned next;
	char *path = paths[next++ % array_len(paths)];
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_tree(void **state)
{
	assert_non_null(mkdtemp(folder));
	assert_int_equal(mkdir(path_of("project"), 0700), 0);
	assert_int_equal(mkdir(path_of("project/src"), 0700), 0);
	assert_int_equal(mkdir(path_of("project/src/deep"), 0700), 0);
	write_file("project/src/a.c", "one\r\ntwo\n\nlast");
	write_file("secret", "secret\n");
	assert_int_equal(symlink(path_of("secret"), path_of("project/link")), 0);
	assert_int_equal(mkfifo(path_of("project/fifo"), 0600), 0);
	return 0;
}

static int remove_tree(void **state)
{
	static const char *const names[] = {"project/fifo", "project/link", "secret",
		"project/src/a.c", "project/src/deep", "project/src", "project", ""};
	for (size_t i = 0; i < array_len(names); i++)
		remove(path_of(names[i]));
	return 0;
}

static void test_lines(void **state)
{
	struct sources s;
	sources_init(&s, "", "");
	const char *path = path_of("project/src/a.c");
	assert_null(sources_error(&s, path)); /* never asked for */
	assert_string_equal(sources_line(&s, path, 1), "one");
	assert_string_equal(sources_line(&s, path, 2), "two");
	assert_string_equal(sources_line(&s, path, 3), "");
	assert_string_equal(sources_line(&s, path, 4), "last");
	assert_null(sources_line(&s, path, 5));
	assert_null(sources_line(&s, path, 0));
	assert_null(sources_line(&s, path, -1));
	assert_null(sources_error(&s, path));
	sources_release(&s);
}

static void test_search(void **state)
{
	struct sources s;
	char want[8192];
	sources_init(&s, path_of("project/src/deep"), "/build");
	assert_string_equal(sources_line(&s, "src/a.c", 2), "two"); /* in a parent */
	assert_string_equal(sources_line(&s, "/build/src/a.c", 2), "two");
	assert_null(sources_line(&s, "src/b.c", 1));
	snprintf(want, sizeof(want), "could not find file src/b.c on path %s",
		path_of("project/src/deep"));
	assert_string_equal(sources_error(&s, "src/b.c"), want);
	assert_null(sources_line(&s, "/no/such.c", 1));
	assert_string_equal(
		sources_error(&s, "/no/such.c"), "open /no/such.c: no such file or directory");
	sources_release(&s);
}

/* Without a trim path, what follows the search path's own name is taken. */
static void test_guess(void **state)
{
	struct sources s;
	sources_init(&s, path_of("project"), "");
	assert_string_equal(sources_line(&s, "/home/other/project/src/a.c", 1), "one");
	sources_release(&s);
}

static void test_refused(void **state)
{
	struct sources s;
	sources_init(&s, path_of("project"), "/none");
	assert_null(sources_line(&s, path_of("project/fifo"), 1)); /* and did not block */
	assert_non_null(sources_error(&s, path_of("project/fifo")));
	assert_null(sources_line(&s, path_of("project/src"), 1));
	assert_non_null(sources_error(&s, path_of("project/src")));
	assert_null(sources_line(&s, "", 1));
	sources_release(&s);
}

static void test_confined(void **state)
{
	struct sources s;
	sources_init(&s, path_of("project"), "/none");
	s.confined = true;
	assert_string_equal(sources_line(&s, path_of("project/src/a.c"), 1), "one");
	assert_null(sources_line(&s, path_of("secret"), 1));
	assert_null(sources_line(&s, path_of("project/../secret"), 1));
	assert_null(sources_line(&s, path_of("project/link"), 1));
	assert_null(sources_line(&s, "secret", 1)); /* in a parent of the search path */
	assert_null(sources_line(&s, "/etc/hostname", 1));
	sources_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_confined),
	};
	return cmocka_run_group_tests_name("report-sources", tests, make_tree, remove_tree);
}
