/*
 * Benchmarks that show each thing the harness can say; run.py holds what they print, numbers
 * masked, to the files beside it.
 */
#include <sonde/bench.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

BENCH(Nop)
{
	for (int64_t i = 0; i < b->n; i++)
		bench_keep(i);
}

BENCH(Loop)
{
	int64_t turns = 0;
	while (bench_loop(b))
		turns++;
	if (turns != b->n)
		bench_fatal(b, "%lld turns, n is %lld", (long long)turns, (long long)b->n);
	if (bench_loop(b))
		bench_fatal(b, "the loop began again");
}

static void bytes(struct bench *b, void *arg)
{
	bench_set_bytes(b, 1024);
	for (int64_t i = 0; i < b->n; i++)
		usleep(1);
	bench_report_metric(b, 3.14159, "widgets/op");
	bench_report_metric(b, 0, "zero");
}

static void logs(struct bench *b, void *arg)
{
	bench_log(b, "hello");
	bench_log(b, "two\nlines\n");
}

static void skips(struct bench *b, void *arg)
{
	bench_skip(b, "not here: %s", bench_name(b));
}

static void fails(struct bench *b, void *arg)
{
	bench_error(b, "bad");
	bench_fatal(b, "worse");
	abort();
}

BENCH(Sub)
{
	bench_run(b, "size=1k", bytes, NULL);
	bench_run(b, "size=1k", bytes, NULL);
	bench_run(b, "with space", logs, NULL);
	bench_run(b, "skipped", skips, NULL);
}

BENCH(Fail)
{
	bench_run(b, "inner", fails, NULL);
}

static const struct {
	const char *name;
	size_t size;
} rows[] = {{"small", 16}, {"large", 4096}};

BENCH_TABLE(Table, rows)
{
	bench_report_allocs(b);
	while (bench_loop(b)) {
		void *p = malloc(row->size);
		bench_keep(p);
		free(p);
	}
}

BENCH(Half)
{
	bench_report_allocs(b);
	for (int64_t i = 0; i < b->n; i++) {
		if (i % 2)
			continue;
		char *p = strdup("1234567");
		bench_keep(p);
		free(p);
	}
}

static _Atomic int64_t done;

static void count(struct bench_pb *pb, void *arg)
{
	int64_t mine = 0;
	while (pb_next(pb))
		mine++;
	done += mine;
}

BENCH(Parallel)
{
	done = 0;
	bench_set_parallelism(b, 3);
	bench_run_parallel(b, count, NULL);
	if (done != b->n)
		bench_fatal(b, "%lld of %lld iterations", (long long)done, (long long)b->n);
}

static void leave(struct bench_pb *pb, void *arg)
{
}

BENCH(Early)
{
	bench_run_parallel(b, leave, NULL);
}

BENCH(Break)
{
	while (bench_loop(b))
		break;
}

BENCH(Stopped)
{
	bench_stop_timer(b);
	while (bench_loop(b))
		;
}

static char dir[4096];

static void last(void *arg)
{
	if (access(dir, F_OK) == 0)
		bench_log((struct bench *)arg, "the directory is still there: good");
}

BENCH(TempDir)
{
	snprintf(dir, sizeof(dir), "%s", bench_temp_dir(b));
	bench_cleanup(b, last, b);
	if (access(dir, W_OK) != 0 || strcmp(dir, bench_temp_dir(b)) == 0)
		bench_fatal(b, "%s", dir);
}

BENCH(TempDirGone)
{
	if (*dir && access(dir, F_OK) == 0)
		bench_fatal(b, "%s is still there", dir);
}

BENCH(Slow)
{
	while (bench_loop(b))
		usleep(bench_short() ? 1 : 100000);
}
