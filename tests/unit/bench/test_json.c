/*
 * test2json: a binary's text as events, cut anywhere. Times are masked.
 */
#include "../unit.h"

#include "bench/bench.h"

static const char input[] = "goos: linux\n"
			    "\x16=== RUN   BenchmarkA\nBenchmarkA\n"
			    "BenchmarkA-2 \t 100\t 1.0 ns/op\n\x16=== NAME  \n"
			    "\x16=== RUN   BenchmarkF\nBenchmarkF\n"
			    "\x16--- FAIL: BenchmarkF\n    f.c:1: \"bad\" <\x01>\n"
			    "--- FAIL: not a frame\n"
			    "\x16"
			    "FAIL\nexit status 1";

static const char expected[] =
	"start\n"
	"output \"goos: linux\\n\"\n"
	"run BenchmarkA\n"
	"output BenchmarkA \"=== RUN   BenchmarkA\\n\"\n"
	"output BenchmarkA \"BenchmarkA\\n\"\n"
	"output BenchmarkA \"BenchmarkA-2 \\t 100\\t 1.0 ns/op\\n\"\n"
	"run BenchmarkF\n"
	"output BenchmarkF \"=== RUN   BenchmarkF\\n\"\n"
	"output BenchmarkF \"BenchmarkF\\n\"\n"
	"output BenchmarkF \"--- FAIL: BenchmarkF\\n\"\n"
	"output BenchmarkF \"    f.c:1: \\\"bad\\\" \\u003c\\u0001\\u003e\\n\"\n"
	"fail BenchmarkF\n"
	"output \"--- FAIL: not a frame\\n\"\n"
	"output \"FAIL\\n\"\n"
	"output \"exit status 1\"\n"
	"fail\n";

/* The value of "key":"..." as it stands, without its quotes if `bare`. */
static void copy(struct buf *to, const char *line, const char *key, bool bare)
{
	const char *at = strstr(line, key);
	if (!at)
		return;
	const char *from = at + strlen(key), *end = from;
	while (*end != '"')
		end += *end == '\\' ? 2 : 1;
	if (to->len && to->data[to->len - 1] != '\n')
		buf_addch(to, ' ');
	buf_add(to, bare ? from : from - 1, (size_t)(end - from) + (bare ? 0 : 2));
}

static void shorten(const char *events, struct buf *to)
{
	for (const char *line = events; *line; line = strchr(line, '\n') + 1) {
		char *text = mem_strndup(line, (size_t)(strchr(line, '\n') - line));
		assert_non_null(strstr(text, "\"Package\":\"p\""));
		copy(to, text, "\"Action\":\"", true);
		copy(to, text, "\"Test\":\"", true);
		copy(to, text, "\"Output\":\"", false);
		buf_addch(to, '\n');
		mem_free(text);
	}
}

static void test_events(void **state)
{
	for (size_t step = 1; step <= sizeof(input); step += 7) {
		struct buf events = BUF_INIT, got = BUF_INIT;
		struct sink sink = buf_sink(&events);
		struct test2json *t = test2json_new("p", &sink);
		for (size_t i = 0; i < sizeof(input) - 1; i += step) {
			size_t n = sizeof(input) - 1 - i;
			assert_int_equal(test2json_write(t, input + i, n < step ? n : step), 0);
		}
		assert_int_equal(test2json_end(t, true), 0);
		test2json_free(t);
		shorten(events.data, &got);
		assert_string_equal(got.data, expected);
		buf_release(&events);
		buf_release(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_events)};
	return cmocka_run_group_tests_name("bench-json", tests, NULL, NULL);
}
