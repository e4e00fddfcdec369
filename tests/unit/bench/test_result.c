/*
 * Result lines, to the column: what testing.prettyPrint and BenchmarkResult.String give.
 */
#include "../unit.h"

#include "bench/internal.h"

static void test_pretty(void **state)
{
	/* testing/benchmark_test.go's table */
	static const struct {
		double v;
		const char *expected;
	} rows[] = {{0, "         0 x"}, {1234.1, "      1234 x"}, {-1234.1, "     -1234 x"},
		{999.950001, "      1000 x"}, {999.949999, "       999.9 x"},
		{99.9950001, "       100.0 x"}, {99.9949999, "        99.99 x"},
		{-99.9949999, "       -99.99 x"}, {0.000999950001, "         0.001000 x"},
		{0.000999949999, "         0.0009999 x"}, {0.0000012345, "         0.0000012 x"},
		{1.5, "         1.500 x"}, {0.99996, "         1.000 x"}};
	for (size_t i = 0; i < array_len(rows); i++) {
		struct buf out = BUF_INIT;
		pretty_print(rows[i].v, "x", &out);
		assert_string_equal(out.data, rows[i].expected);
		buf_release(&out);
	}
}

static void check(const struct result *r, const struct options *o, const char *expected)
{
	struct buf line = BUF_INIT;
	result_line(r, o, &line);
	assert_string_equal(line.data, expected);
	buf_release(&line);
}

static void test_line(void **state)
{
	struct options go = {0}, cpu = {.cpu_time = true};
	struct result r = {.n = 100, .ns = 240000, .cpu_ns = 120000};
	check(&r, &go, "     100\t      2400 ns/op");
	check(&r, &cpu, "     100\t      2400 ns/op\t      1200 cpu-ns/op");
	r.bytes = 1000;
	check(&r, &go, "     100\t      2400 ns/op\t 416.67 MB/s");
	result_set_metric(&r, "zeta", 1);
	result_set_metric(&r, "alpha/op", 3.14159);
	check(&r, &cpu,
		"     100\t      2400 ns/op\t 416.67 MB/s\t         3.142 alpha/op\t"
		"      1200 cpu-ns/op\t         1.000 zeta");
	result_set_metric(&r, "ns/op", 0);
	result_set_metric(&r, "MB/s", 0);
	check(&r, &go, "     100\t         3.142 alpha/op\t         1.000 zeta");
	result_release(&r);
}

static void test_allocs(void **state)
{
	struct options go = {0};
	struct result r = {.n = 100, .ns = 24000, .has_allocs = true};
	check(&r, &go, "     100\t       240.0 ns/op\t       0 B/op\t       0 allocs/op");
	r.allocs = 100;
	r.alloc_bytes = 6400;
	check(&r, &go, "     100\t       240.0 ns/op\t      64 B/op\t       1 allocs/op");
	r.allocs = 50;
	r.alloc_bytes = 12345;
	check(&r, &go, "     100\t       240.0 ns/op\t   123.5 B/op\t  0.5000 allocs/op");
	result_set_metric(&r, "allocs/op", 7);
	check(&r, &go, "     100\t       240.0 ns/op\t   123.5 B/op\t       7 allocs/op");
	result_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pretty),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_allocs),
	};
	return cmocka_run_group_tests_name("bench-result", tests, NULL, NULL);
}
