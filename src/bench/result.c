/*
 * Results as lines of the Go benchmark format, to the column: testing.BenchmarkResult's String and
 * MemString, and the header.
 *
 * One difference: B/op and allocs/op that are no whole number are shown with their fraction. Go
 * divides integers and calls an operation that allocates every second time "0 allocs/op".
 */
#include "bench/internal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void pretty_print(double x, const char *unit, struct buf *to)
{
	static const struct {
		double from;
		int width, digits;
	} rows[] = {{999.95, 10, 0}, {99.995, 12, 1}, {9.9995, 13, 2}, {.99995, 14, 3},
		{.099995, 15, 4}, {.0099995, 16, 5}, {.00099995, 17, 6}, {0, 18, 7}};
	double y = fabs(x);
	size_t i = 0;
	while (y != 0 && !isnan(y) && y < rows[i].from)
		i++;
	if (isnan(y))
		i = array_len(rows) - 1;
	buf_printf(to, "%*.*f %s", rows[i].width, rows[i].digits, x, unit);
}

struct metric *result_metric(struct result *r, const char *unit)
{
	for (size_t i = 0; i < r->n_extra; i++)
		if (strcmp(r->extra[i].unit, unit) == 0)
			return &r->extra[i];
	return NULL;
}

void result_set_metric(struct result *r, const char *unit, double value)
{
	struct metric *m = result_metric(r, unit);
	if (m)
		m->value = value;
	else
		vec_push(r->extra, r->n_extra, r->cap_extra,
			((struct metric){mem_strdup(unit), value}));
}

void result_release(struct result *r)
{
	for (size_t i = 0; i < r->n_extra; i++)
		mem_free(r->extra[i].unit);
	mem_free(r->extra);
}

void sonde_bench_report_metric(struct bench *b, double value, const char *unit)
{
	if (!*unit)
		panic("metric unit must not be empty");
	for (const char *p = unit; *p; p++)
		if (isspace((unsigned char)*p))
			panic("metric unit must not contain whitespace");
	allocs_pause();
	result_set_metric(&run_of(b)->result, unit, value);
	allocs_resume();
}

void sonde_bench_set_bytes(struct bench *b, int64_t bytes)
{
	run_of(b)->result.bytes = bytes;
}

static double metric_or(const struct result *r, const char *unit, double otherwise)
{
	const struct metric *m = result_metric((struct result *)r, unit);
	return m ? m->value : otherwise;
}

static double per_op(const struct result *r, double total)
{
	return r->n > 0 ? total / (double)r->n : 0;
}

double result_ns_per_op(const struct result *r)
{
	return metric_or(r, "ns/op", per_op(r, (double)r->ns));
}

static double mb_per_second(const struct result *r)
{
	bool known = r->bytes > 0 && r->ns > 0 && r->n > 0;
	return metric_or(r, "MB/s",
		known ? (double)r->bytes * (double)r->n / 1e6 / ((double)r->ns / 1e9) : 0);
}

static int by_unit(const void *a, const void *b)
{
	return strcmp(((const struct metric *)a)->unit, ((const struct metric *)b)->unit);
}

static bool is_builtin(const char *unit)
{
	static const char *const units[] = {"ns/op", "MB/s", "B/op", "allocs/op"};
	for (size_t i = 0; i < array_len(units); i++)
		if (strcmp(unit, units[i]) == 0)
			return true;
	return false;
}

/* The harness's own metrics and the benchmark's, in one order; the benchmark's win. */
static void add_extra(const struct result *r, const struct options *o, struct buf *line)
{
	struct metric all[N_COUNTERS + 1];
	size_t n = 0;
	if (o->cpu_time && r->cpu_ns >= 0)
		all[n++] = (struct metric){(char *)"cpu-ns/op", per_op(r, (double)r->cpu_ns)};
	for (int i = 0; i < N_COUNTERS; i++)
		if (r->counted >> i & 1)
			all[n++] = (struct metric){
				(char *)counter_units[i], per_op(r, r->counters[i])};
	struct metric *merged = mem_array(n + r->n_extra + 1, sizeof(*merged));
	size_t n_merged = 0;
	for (size_t i = 0; i < n; i++)
		if (!result_metric((struct result *)r, all[i].unit))
			merged[n_merged++] = all[i];
	for (size_t i = 0; i < r->n_extra; i++)
		if (!is_builtin(r->extra[i].unit))
			merged[n_merged++] = r->extra[i];
	qsort(merged, n_merged, sizeof(*merged), by_unit);
	for (size_t i = 0; i < n_merged; i++) {
		buf_addch(line, '\t');
		pretty_print(merged[i].value, merged[i].unit, line);
	}
	mem_free(merged);
}

/* "%8d" as Go writes it, or with the decimals that make a small fraction visible; a fraction that
 * would show as zeros is none. */
static void add_count(double x, const char *unit, struct buf *line)
{
	int digits = x >= 100 ? 1 : x >= 1 ? 3 : 4;
	double step = pow(10, -digits);
	if (fabs(x - round(x)) < step / 2)
		buf_printf(line, "\t%8.0f %s", round(x), unit);
	else
		buf_printf(line, "\t%8.*f %s", digits, x, unit);
}

void result_line(const struct result *r, const struct options *o, struct buf *line)
{
	buf_printf(line, "%8lld", (long long)r->n);
	double ns = result_ns_per_op(r), mbs = mb_per_second(r);
	if (ns != 0) {
		buf_addch(line, '\t');
		pretty_print(ns, "ns/op", line);
	}
	if (mbs != 0)
		buf_printf(line, "\t%7.2f MB/s", mbs);
	add_extra(r, o, line);
	if (!r->has_allocs)
		return;
	add_count(metric_or(r, "B/op", per_op(r, (double)r->alloc_bytes)), "B/op", line);
	add_count(metric_or(r, "allocs/op", per_op(r, (double)r->allocs)), "allocs/op", line);
}

/* ---- header ---- */

/* The first "model name" of /proc/cpuinfo; "" where there is none (as on arm64). */
static void cpu_name(char *to, size_t size)
{
	to[0] = '\0';
	FILE *f = fopen("/proc/cpuinfo", "re");
	if (!f)
		return;
	char line[256];
	while (!*to && fgets(line, sizeof(line), f)) {
		char *colon = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
		if (colon)
			snprintf(to, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
	}
	fclose(f);
}

#if defined(__x86_64__)
#define GOARCH "amd64"
#elif defined(__aarch64__)
#define GOARCH "arm64"
#elif defined(__riscv)
#define GOARCH "riscv64"
#else
#define GOARCH "unknown"
#endif

void print_header(struct session *s)
{
	if (s->header_done || s->quiet)
		return;
	s->header_done = true;
	char cpu[256];
	cpu_name(cpu, sizeof(cpu));
	out("goos: linux\ngoarch: " GOARCH "\n");
	if (*s->opt.pkg)
		out("pkg: %s\n", s->opt.pkg);
	if (*cpu)
		out("cpu: %s\n", cpu);
}
