/*
 * Reading results: what lines mean, which are wrong, and that a line read by its shape says what it
 * says when it is the first of its name.
 */
#include "../unit.h"

#include "benchfmt/benchfmt.h"

#include <math.h>

/* "name/iters value unit(orig) ...; " for results, "! message; " for errors. */
static void read_all(const char *text, size_t n, bool fix_zero, struct buf *out)
{
	struct bench_reader r;
	enum bench_record record;
	bench_reader_init(&r);
	r.fix_zero = fix_zero;
	bench_reader_open(&r, text, n, "f", "f");
	while ((record = bench_reader_next(&r)) != BENCH_END) {
		if (record == BENCH_ERROR) {
			buf_printf(out, "! %s; ", r.error.msg);
			continue;
		}
		buf_printf(out, "%.*s/%lld", (int)r.result.name_len, r.result.name,
			(long long)r.result.iters);
		for (uint32_t i = 0; i < r.result.value_n; i++) {
			const struct bench_unit *u = &r.result.units[i];
			buf_printf(out, " %a %s(%s)", r.result.values[i], bench_str(&r, u->unit),
				bench_str(&r, u->orig_unit));
		}
		buf_addstr(out, "; ");
	}
	bench_reader_release(&r);
}

static void expect(const char *text, const char *want)
{
	struct buf got = BUF_INIT;
	read_all(text, strlen(text), false, &got);
	assert_string_equal(got.data, want);
	buf_release(&got);
}

static void lines(void **state)
{
	expect("BenchmarkA-8 \t 10\t 2 ns/op\t3 B/op\r\n",
		"A-8/10 0x1.12e0be826d695p-29 sec/op(ns/op) 0x1.8p+1 B/op(); ");
	expect("BenchmarkA 1 0 ns/op\n", "A/1 0x0p+0 ns/op(); ");
	expect("Benchmark 1 1 x", "/1 0x1p+0 x(); ");
	expect("BenchmarkA\nPASS\nok  pkg 1s\n--- BENCH: x\nbenchmarkA 1 1 x\n", "");
	expect("BenchmarkA 1 -5e-1 x\n", "A/1 -0x1p-1 x(); ");
	expect("BenchmarkA\xc2\xa0"
	       "2 1 x\n",
		"A/2 0x1p+0 x(); ");
}

static void wrong_lines(void **state)
{
	expect("BenchmarkA x 1 ns/op\n", "! f:1: parsing iteration count: invalid syntax; ");
	expect("\nBenchmarkA 1\n", "! f:2: missing measurements; ");
	expect("BenchmarkA 1 1\n", "! f:1: missing units; ");
	expect("BenchmarkA 1 1e999 x\n", "! f:1: parsing measurement: value out of range; ");
	expect("BenchmarkA \n", "! f:1: missing iteration count; ");
	expect("Unit\n", "! f:1: missing unit; ");
	expect("Unit x a b=1 b=2\n",
		"! f:1: expected key=value; ! f:1: metadata b of unit x already set to 1; ");
}

/* What is said of ns/op holds for sec/op, and for the ns/op that a 0 stays. */
static void metadata(void **state)
{
	static const char text[] =
		"Unit ns/op assume=exact better=lower\nBenchmarkA 1 0 ns/op 1 x\n";
	struct bench_reader r;
	bench_reader_init(&r);
	bench_reader_open(&r, text, strlen(text), "f", "f");
	assert_int_equal(bench_reader_next(&r), BENCH_RESULT);
	const struct bench_unit *v = r.result.units;
	assert_string_equal(bench_str(&r, v[0].unit), "ns/op");
	assert_string_equal(bench_reader_metadata(&r, v[0].unit, "assume"), "exact");
	assert_string_equal(bench_reader_metadata(&r, v[0].unit, "better"), "lower");
	assert_null(bench_reader_metadata(&r, v[0].unit, "colour"));
	assert_null(bench_reader_metadata(&r, v[1].unit, "assume"));
	bench_reader_release(&r);
}

/* One result of each package, and what a second one of the first package is known by. */
static void configurations_come_back(void **state)
{
	static const char text[] =
		"goos: linux\npkg: a\nBenchmarkA 1 1 x\npkg: b\nBenchmarkA 1 1 x\n"
		"pkg: a\nBenchmarkA 1 1 x\npkg:\nBenchmarkA 1 1 x\n";
	static const uint32_t same_as[] = {0, 1, 0, 3};
	uint32_t ids[4], n = 0;
	struct bench_reader r;
	bench_reader_init(&r);
	bench_reader_open(&r, text, strlen(text), "f", "f");
	while (bench_reader_next(&r) == BENCH_RESULT && n < 4)
		ids[n++] = r.result.config_id;
	assert_int_equal(n, 4);
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t j = 0; j < 4; j++)
			assert_int_equal(ids[i] == ids[j], same_as[i] == same_as[j]);
	bench_reader_release(&r);
}

static void shapes_tell_names_and_units_apart(void **state)
{
	static const char text[] = "BenchmarkA 1 1 x\nBenchmarkB 1 1 x\nBenchmarkA 2 2 x\n"
				   "BenchmarkA 1 1 y\nBenchmarkA 1 0 ns/op\nBenchmarkA 1 1 ns/op\n"
				   "BenchmarkA 9 9 x\nBenchmarkAB 9 9 x\n";
	static const uint32_t same_as[] = {0, 1, 0, 3, 4, 5, 0, 7};
	uint32_t shapes[8], n = 0;
	struct bench_reader r;
	bench_reader_init(&r);
	bench_reader_open(&r, text, strlen(text), "f", "f");
	while (n < 8 && bench_reader_next(&r) == BENCH_RESULT)
		shapes[n++] = r.result.shape;
	assert_int_equal(n, 8);
	for (uint32_t i = 0; i < 8; i++)
		for (uint32_t j = 0; j < 8; j++)
			assert_int_equal(shapes[i] == shapes[j], same_as[i] == same_as[j]);
	bench_reader_release(&r);
}

/* A field of a line, mostly a usual one. */
static void put_field(struct buf *line, const char *const *usual, size_t n)
{
	buf_addstr(line, usual[(size_t)rand() % n]);
}

static void put_blank(struct buf *line)
{
	static const char *const blanks[] = {" ", "\t", " \t", "  ", "\t ", "\v", "\xc2\x85", "\r"};
	put_field(line, blanks, rand() % 8 ? 5 : array_len(blanks));
}

static void put_line(struct buf *line)
{
	static const char *const names[] = {
		"A", "B/size=1k-8", "LongerNameOfABenchmark-16", "", "Eight888", "Seven77"};
	static const char *const counts[] = {"1", "100", "12345678", "123456789", "999999999999999",
		"1234567890123456", "+5", "9223372036854775807", "9223372036854775808", "x"};
	static const char *const numbers[] = {"1", "0", "0.0", "12.5", "1234567.25", "12345678",
		"123456789.125", "0.1234567", "0.12345678", "1.123456789", "123456789012345",
		"1234567890123456", "1e5", "-3", ".5", "5.", "1.2.3", "NaN", "Inf",
		"9007199254740993", "1.", ".", "1,5"};
	static const char *const units[] = {"ns/op", "B/op", "allocs/op", "MB/s", "x",
		"a-unit-of-more-than-sixteen", "sixteen-letters!", "ns/op.", "\xc2\xb5s"};
	buf_addstr(line, rand() % 20 ? "Benchmark" : "benchmark");
	put_field(line, names, array_len(names));
	put_blank(line);
	put_field(line, counts, rand() % 8 ? 5 : array_len(counts));
	for (int n = rand() % 4 + (rand() % 9 > 0); n > 0; n--) {
		put_blank(line);
		put_field(line, numbers, rand() % 4 ? 11 : array_len(numbers));
		put_blank(line);
		put_field(line, units, array_len(units));
	}
	buf_addstr(line, rand() % 6 ? "\n" : rand() % 2 ? "\r\n" : " \t\n");
}

/* Every line of a file says what it says alone, at the end of the file and elsewhere. */
static void lines_do_not_depend_on_those_before(void **state)
{
	srand(1);
	for (int round = 0; round < 300; round++) {
		struct buf text = BUF_INIT, together = BUF_INIT, alone = BUF_INIT;
		bool fix_zero = round % 2;
		for (int i = 0; i < 40; i++) {
			struct buf line = BUF_INIT;
			put_line(&line);
			for (int times = rand() % 3; times >= 0; times--)
				buf_add(&text, line.data, line.len);
			buf_release(&line);
		}
		read_all(text.data, text.len, fix_zero, &together);
		for (size_t at = 0; at < text.len;) {
			const char *end = memchr(text.data + at, '\n', text.len - at);
			size_t n = (size_t)(end - text.data) + 1 - at;
			read_all(text.data + at, n, fix_zero, &alone);
			at += n;
		}
		/* Errors name their line: "f:17: " against "f:1: ". */
		for (char *p = together.data; (p = strstr(p, "f:"));) {
			char *digits = p += 2;
			while (*p >= '0' && *p <= '9')
				p++;
			*digits = '1';
			memmove(digits + 1, p, strlen(p) + 1);
			p = digits;
		}
		assert_string_equal(together.data, alone.data);
		buf_release(&text);
		buf_release(&together);
		buf_release(&alone);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Kinds of samples: spread evenly, with many ties, with an outlier, over many magnitudes, sorted.
 */
static double draw(int kind, int i)
{
	double u = rand() / (double)RAND_MAX;
	switch (kind) {
	case 0:
		return u;
	case 1:
		return floor(u * 5);
	case 2:
		return i % 1000 == 7 ? 1e18 : u;
	case 3:
		return exp(u * 600 - 300);
	case 4:
		return i;
	case 5:
		return u < 0.01 ? INFINITY : u - 0.5;
	default:
		return u < 0.5 ? 1e308 * u : -1e308 * u;
	}
}

static void samples_are_sorted(void **state)
{
	enum { MAX = 20000 };
	double *a = mem_array(MAX, sizeof(*a)), *b = mem_array(MAX, sizeof(*b));
	static const int sizes[] = {0, 1, 2, 3, 32, 33, 100, 4096, MAX};
	srand(2);
	for (int kind = 0; kind < 7; kind++) {
		for (size_t s = 0; s < array_len(sizes); s++) {
			int n = sizes[s];
			for (int i = 0; i < n; i++)
				a[i] = b[i] = draw(kind, i);
			sample_sort(a, (uint32_t)n);
			qsort(b, (size_t)n, sizeof(*b), by_value);
			for (int i = 0; i < n; i++)
				assert_true(a[i] == b[i]);
		}
	}
	for (int n = 3; n <= 300; n *= 10) {
		for (int i = 0; i < n; i++)
			a[i] = i % 3 ? n - i : NAN;
		sample_sort(a, (uint32_t)n);
		for (int i = 0; i < n; i++) /* NaN first */
			assert_true(i < n / 3 ? isnan(a[i]) : i == n / 3 || a[i - 1] <= a[i]);
	}
	mem_free(a);
	mem_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(wrong_lines),
		cmocka_unit_test(metadata),
		cmocka_unit_test(configurations_come_back),
		cmocka_unit_test(shapes_tell_names_and_units_apart),
		cmocka_unit_test(lines_do_not_depend_on_those_before),
		cmocka_unit_test(samples_are_sorted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
