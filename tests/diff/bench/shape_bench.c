/*
 * The same benchmarks as module/shape_test.go, for sonde's harness: the two must print the same.
 */
#include <sonde/bench.h>

#include <unistd.h>

BENCH(Nop)
{
	for (int64_t i = 0; i < b->n; i++)
		bench_clobber();
}

BENCH(Metrics)
{
	static const double values[] = {
		0, 0.00001, 0.0012345, 0.5, 1, 9.99951, 12.345, 123.45, 999.95, 123456.7};
	bench_set_bytes(b, 1000000);
	for (int64_t i = 0; i < b->n; i++)
		usleep(1);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		bench_report_metric(b, values[i], "same");
	bench_report_metric(b, 0.0000123, "tiny");
	bench_report_metric(b, 1234567.8, "a-things/op");
	bench_report_metric(b, 99.9951, "m");
	bench_report_metric(b, 7, "B/op");
	bench_report_metric(b, 2, "ns/op");
}

static void logs(struct bench *b, void *arg)
{
	bench_log(b, "one");
	bench_log(b, "two\nlines");
}

static void loops(struct bench *b, void *arg)
{
	while (bench_loop(b))
		;
}

static const double zero = 0, five = 5, six = 6;

static void reports(struct bench *b, void *arg)
{
	bench_report_metric(b, *(const double *)arg, "ns/op");
}

static void skips(struct bench *b, void *arg)
{
	bench_skip(b, "because");
}

static void deep(struct bench *b, void *arg)
{
	bench_run(b, "er", reports, (void *)&six);
	bench_run(b, "skipped", skips, NULL);
}

BENCH(Sub)
{
	bench_run(b, "a b", logs, NULL);
	bench_run(b, "a b", loops, NULL);
	bench_run(b, "", reports, (void *)&zero);
	bench_run(b, "", reports, (void *)&zero);
	bench_run(b, "a_very_long_name_that_moves_the_columns", reports, (void *)&five);
	bench_run(b, "deep", deep, NULL);
}

BENCH(ManyLines)
{
	for (int i = 0; i < 12; i++)
		bench_log(b, "%d", i);
}

static void errors(struct bench *b, void *arg)
{
	bench_error(b, "bad");
	bench_log(b, "after");
}

static void fatal(struct bench *b, void *arg)
{
	bench_fatal(b, "worse");
}

static void later(struct bench *b, void *arg)
{
	if (b->n > 1)
		bench_fatal(b, "only now");
}

BENCH(Fail)
{
	bench_run(b, "error", errors, NULL);
	bench_run(b, "fatal", fatal, NULL);
	bench_run(b, "later", later, NULL);
}

static void body(struct bench_pb *pb, void *arg)
{
	while (pb_next(pb))
		;
}

BENCH(Parallel)
{
	bench_set_parallelism(b, 2);
	bench_run_parallel(b, body, NULL);
	bench_report_metric(b, 1, "ns/op");
}
