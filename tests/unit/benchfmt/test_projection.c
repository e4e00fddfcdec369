/*
 * Queries and projections: what filters let through, what keys say of a result, in which order
 * values are shown, and how a wrong query is pointed at.
 */
#include "../unit.h"

#include "benchfmt/benchfmt.h"

static const char results[] = "goos: linux\nnote: one\n"
			      "BenchmarkSort/size=10/kind=a-8 1 1 ns/op 2 B/op\n"
			      "note: two\n"
			      "BenchmarkSort/size=2k/kind=b-16 1 1 ns/op 2 MB/s\n"
			      "goos:\n"
			      "BenchmarkFind/size=1 1 1 ns/op\n"
			      "BenchmarkFind 1 1 ns/op\n";

struct fixture {
	struct bench_reader reader;
	struct projector projector;
	struct projection projection;
};

static void start(struct fixture *f, const char *filter, const char *projection)
{
	struct filter *parsed;
	assert_int_equal(filter_parse(filter, &parsed, NULL), 0);
	bench_reader_init(&f->reader);
	projector_init(&f->projector, &f->reader, parsed);
	assert_int_equal(
		projection_parse(&f->projection, &f->projector, projection, false, NULL), 0);
	bench_reader_open(&f->reader, results, strlen(results), "f", "label");
}

static void stop(struct fixture *f)
{
	projection_release(&f->projection);
	projector_release(&f->projector);
	bench_reader_release(&f->reader);
}

/* The units that pass, a result a word: "sec/op,B/op sec/op - -". */
static void expect_filtered(const char *filter, const char *want)
{
	struct fixture f;
	struct buf got = BUF_INIT;
	start(&f, filter, ".name");
	while (bench_reader_next(&f.reader) == BENCH_RESULT) {
		if (got.len)
			buf_addch(&got, ' ');
		size_t from = got.len;
		for (uint32_t i = 0; i < f.reader.result.value_n; i++)
			if (projector_passes(&f.projector, i))
				buf_printf(&got, "%s%s", got.len > from ? "," : "",
					bench_str(&f.reader, f.reader.result.units[i].unit));
		if (got.len == from)
			buf_addch(&got, '-');
	}
	assert_string_equal(got.data, want);
	buf_release(&got);
	stop(&f);
}

static void filters(void **state)
{
	expect_filtered("*", "sec/op,B/op sec/op,B/s sec/op sec/op");
	expect_filtered(".name:Sort", "sec/op,B/op sec/op,B/s - -");
	expect_filtered("-.name:Sort", "- - sec/op sec/op");
	expect_filtered(".unit:ns/op", "sec/op sec/op sec/op sec/op");
	expect_filtered(".unit:(B/op OR MB/s)", "B/op B/s - -");
	expect_filtered("/size:2k", "- sec/op,B/s - -");
	expect_filtered("/gomaxprocs:(8 OR 16)", "sec/op,B/op sec/op,B/s - -");
	expect_filtered("note:one OR /size:1", "sec/op,B/op - sec/op -");
	expect_filtered("note:two .name:Find", "- - sec/op sec/op");
	expect_filtered("goos:\"\"", "- - sec/op sec/op");
	expect_filtered(".fullname:/^Sort.*kind=[ab]/ -note:two", "sec/op,B/op - - -");
	expect_filtered(".file:label AND -(.name:Find OR .unit:B/s)", "sec/op,B/op sec/op - -");
	expect_filtered("/kind:a .unit:/B/", "B/op - - -");
	expect_filtered("nothing:here", "- - - -");
}

/* The keys of the results, sorted: "a b|c d". */
static void expect_projected(const char *projection, const char *want)
{
	struct fixture f;
	struct buf got = BUF_INIT;
	uint32_t keys[8], n = 0;
	start(&f, "*", projection);
	while (n < 8 && bench_reader_next(&f.reader) == BENCH_RESULT) {
		uint32_t key, i = 0;
		if (!projector_passes(&f.projector, 0))
			continue;
		key = projection_project(&f.projection, &f.projector, 0);
		while (i < n && keys[i] != key)
			i++;
		keys[i] = key;
		n += i == n;
	}
	projection_sort(&f.projection, &f.projector, keys, n);
	for (uint32_t i = 0; i < n; i++) {
		buf_addstr(&got, i ? "|" : "");
		projection_describe(&f.projection, &f.projector, keys[i], &got);
	}
	assert_string_equal(got.data, want);
	buf_release(&got);
	stop(&f);
}

static void projections(void **state)
{
	expect_projected(".name", "Sort|Find");
	expect_projected(".name@alpha", "Find|Sort");
	expect_projected(
		".fullname", "Sort/size=10/kind=a-8|Sort/size=2k/kind=b-16|Find/size=1|Find");
	expect_projected("/size", "10|2k|1|");
	expect_projected("/size@num", "1|10|2k|");
	expect_projected("/size@alpha", "|1|10|2k");
	expect_projected("/gomaxprocs@num", "8|16|");
	expect_projected("note,.name", "one Sort|two Sort|two Find");
	expect_projected("note@(two one) .name@alpha", "two Find|two Sort|one Sort");
	expect_projected("/kind@(b)", "b"); /* others are dropped */
	expect_projected(".file", "label");
	expect_projected(".config", "two|linux one|linux two"); /* by the alphabet, as Go's */
	expect_projected("goos,.config", "linux one|linux two|two");
}

/* What one projection shows by itself is left out of the full name of another. */
static void full_name_without_what_is_shown(void **state)
{
	struct fixture f;
	struct projection by_size;
	struct buf got = BUF_INIT;
	start(&f, "*", ".fullname");
	assert_int_equal(
		projection_parse(&by_size, &f.projector, "/size,/gomaxprocs", false, NULL), 0);
	while (bench_reader_next(&f.reader) == BENCH_RESULT) {
		uint32_t key = projection_project(&f.projection, &f.projector, 0);
		projection_describe(&f.projection, &f.projector, key, &got);
		buf_addch(&got, ' ');
	}
	assert_string_equal(got.data, "Sort/kind=a Sort/kind=b Find Find ");
	buf_release(&got);
	projection_release(&by_size);
	stop(&f);
}

/* Each result stands under one key more; a key that is shown by itself is left out of .config. */
static void many_keys(void **state)
{
	enum { KEYS = 1500 };
	struct fixture f;
	struct projection shown;
	struct buf text = BUF_INIT, got = BUF_INIT;
	start(&f, "*", ".config");
	assert_int_equal(projection_parse(&shown, &f.projector, "k7", false, NULL), 0);
	for (int i = 0; i < KEYS; i++)
		buf_printf(&text, "k%d: v\nBenchmarkA 1 1 x\n", i);
	bench_reader_open(&f.reader, text.data, text.len, "f", "f");
	for (uint32_t i = 0; i < KEYS; i++) {
		assert_int_equal(bench_reader_next(&f.reader), BENCH_RESULT);
		uint32_t key = projection_project(&f.projection, &f.projector, 0);
		buf_clear(&got);
		projection_describe(&f.projection, &f.projector, key, &got);
		uint32_t values = i + 1 - (i >= 7);
		assert_int_equal(key, i >= 7 ? i - 1 : i); /* k7 makes no new one */
		assert_int_equal(got.len, values * 2 - 1);
	}
	buf_release(&text);
	buf_release(&got);
	projection_release(&shown);
	stop(&f);
}

static void expect_filter_error(const char *query, const char *want)
{
	struct filter *f;
	struct err err = ERR_INIT;
	assert_int_equal(filter_parse(query, &f, &err), ERR_USAGE);
	assert_string_equal(err.msg, want);
}

static void expect_projection_error(const char *query, const char *want)
{
	struct fixture f;
	struct projection p;
	struct err err = ERR_INIT;
	start(&f, "*", ".name");
	assert_int_equal(projection_parse(&p, &f.projector, query, false, &err), ERR_USAGE);
	assert_string_equal(err.msg, want);
	stop(&f);
}

static void errors_point_at_the_place(void **state)
{
	expect_filter_error("a:b c", "syntax error: expected key:value\n\ta:b c\n\t    ^");
	expect_filter_error("(a:b", "syntax error: missing \")\"\n\t(a:b\n\t    ^");
	expect_filter_error("a:/[/", "syntax error: missing close \"/\"\n\ta:/[/\n\t  ^");
	expect_filter_error(
		"\xc3\xa9:b c", "syntax error: expected key:value\n\t\xc3\xa9:b c\n\t    ^");
	expect_filter_error(".config:x",
		"syntax error: .config is only allowed in projections\n\t.config:x\n\t^");
	expect_projection_error("a@what", "syntax error: unknown order \"what\"\n\ta@what\n\t  ^");
	expect_projection_error("a@()", "syntax error: nothing to match\n\ta@()\n\t   ^");
	expect_projection_error("a b@(c", "syntax error: missing )\n\ta b@(c\n\t      ^");
}

static void deep_nesting_is_refused(void **state)
{
	struct buf query = BUF_INIT;
	struct filter *f;
	struct err err = ERR_INIT;
	for (int i = 0; i < 100000; i++)
		buf_addch(&query, '(');
	assert_int_equal(filter_parse(query.data, &f, &err), ERR_USAGE);
	assert_non_null(strstr(err.msg, "nests too deeply"));
	buf_release(&query);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters),
		cmocka_unit_test(projections),
		cmocka_unit_test(full_name_without_what_is_shown),
		cmocka_unit_test(many_keys),
		cmocka_unit_test(errors_point_at_the_place),
		cmocka_unit_test(deep_nesting_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
