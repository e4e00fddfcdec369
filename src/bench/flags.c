/*
 * The flags of a benchmark binary: Go's, with "test." before the name or without, and sonde's own.
 */
#include "bench/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int set_benchtime(struct goflag_func *self, const char *s, struct err *err)
{
	struct options *o = self->ctx;
	size_t n = strlen(s);
	if (n && s[n - 1] == 'x') {
		char *end;
		errno = 0;
		long long count = strtoll(s, &end, 10);
		if (errno || end != s + n - 1 || count <= 0 || *s == ' ')
			return err_set(err, ERR_USAGE, "invalid count");
		o->benchtime_n = count;
		o->benchtime_ns = 0;
		return 0;
	}
	int64_t ns;
	if (goflag_duration(s, &ns, NULL) < 0 || ns <= 0)
		return err_set(err, ERR_USAGE, "invalid duration");
	o->benchtime_ns = ns;
	o->benchtime_n = 0;
	return 0;
}

static int set_count(struct goflag_func *self, const char *s, struct err *err)
{
	struct options *o = self->ctx;
	o->count_auto = strcmp(s, "auto") == 0;
	if (o->count_auto)
		return 0;
	struct goflag f = {"count", GOFLAG_UINT, &o->count, "", false};
	return goflag_set(&f, s, err);
}

static int set_ci(struct goflag_func *self, const char *s, struct err *err)
{
	struct options *o = self->ctx;
	char *end;
	double v = strtod(s, &end);
	if (end == s || v <= 0 || (*end && strcmp(end, "%") != 0))
		return err_set(err, ERR_USAGE, "want a percentage, as 2%%");
	o->ci_percent = v;
	return 0;
}

static int set_verbose(struct goflag_func *self, const char *s, struct err *err)
{
	struct options *o = self->ctx;
	o->verbose_json = strcmp(s, "test2json") == 0;
	if (o->verbose_json) {
		o->verbose = true;
		return 0;
	}
	struct goflag f = {"v", GOFLAG_BOOL, &o->verbose, "", false};
	return goflag_set(&f, s, err);
}

static int set_counters(struct goflag_func *self, const char *s, struct err *err)
{
	struct options *o = self->ctx;
	for (;; s++) {
		size_t n = strcspn(s, ","), i = 0;
		bool all = n == 3 && memcmp(s, "all", 3) == 0;
		for (; i < N_COUNTERS && !all; i++)
			if (strlen(counter_names[i]) == n && memcmp(s, counter_names[i], n) == 0)
				break;
		if (i == N_COUNTERS)
			return err_set(err, ERR_USAGE,
				"no counter \"%.*s\"; there are cycles, instructions, "
				"cache-misses, branch-misses, page-faults, context-switches, all",
				(int)n, s);
		o->counters |= all ? (1U << N_COUNTERS) - 1 : 1U << i;
		s += n;
		if (!*s)
			return 0;
	}
}

/* The GOMAXPROCS a Go program would start with, but for cgroup limits. */
static int parse_cpus(struct options *o)
{
	for (const char *s = o->cpu_text; *s;) {
		size_t n = strcspn(s, ",");
		char *text = mem_strndup(s, n), *end;
		s += n + (s[n] == ',');
		long cpus = strtol(text, &end, 10);
		bool blank = strspn(text, " \t") == strlen(text);
		bool good = end != text && strspn(end, " \t") == strlen(end) && cpus > 0 &&
			    cpus <= INT32_MAX;
		if (!blank && !good)
			fprintf(stderr, "testing: invalid value \"%s\" for -test.cpu\n", text);
		mem_free(text);
		if (blank)
			continue;
		if (!good)
			return -1;
		vec_push(o->cpus, o->n_cpus, o->cap_cpus, (int)cpus);
	}
	if (!o->n_cpus)
		vec_push(o->cpus, o->n_cpus, o->cap_cpus, default_procs());
	return 0;
}

static int parse_shuffle(struct options *o)
{
	if (strcmp(o->shuffle, "off") == 0)
		return 0;
	o->shuffled = true;
	o->seed = (uint64_t)time(NULL) * 1000000007 + (uint64_t)now_ns();
	if (strcmp(o->shuffle, "on") == 0)
		return 0;
	int64_t seed;
	struct goflag f = {"shuffle", GOFLAG_INT64, &seed, "", false};
	struct err err = ERR_INIT;
	if (goflag_set(&f, o->shuffle, &err) == 0) {
		o->seed = (uint64_t)seed;
		return 0;
	}
	fprintf(stderr, "testing: -shuffle should be \"off\", \"on\", or a valid integer: %s\n",
		err.msg);
	return -1;
}

void options_default(struct options *o)
{
	*o = (struct options){
		.bench = "",
		.run = "",
		.list = "",
		.skip = "",
		.shuffle = "off",
		.pkg = "",
		.cpu_text = "",
		.outputdir = "",
		.cpuprofile = "",
		.memprofile = "",
		.blockprofile = "",
		.mutexprofile = "",
		.trace = "",
		.blockprofilerate = 1,
		.mutexprofilefraction = 1,
		.benchtime_ns = 1000000000,
		.count = 1,
		.ci_percent = 2,
		.maxtime_ns = INT64_C(60000000000),
		.cpu_time = true,
		.noise = true,
	};
}

void options_release(struct options *o)
{
	mem_free(o->cpus);
}

/* argv without the "test." of its flags. */
static char **plain_argv(int argc, char **argv)
{
	char **plain = mem_array((size_t)argc + 1, sizeof(*plain));
	bool flags = true;
	for (int i = 0; i < argc; i++) {
		const char *arg = argv[i];
		size_t dashes = strspn(arg, "-");
		plain[i] = argv[i];
		flags &= strcmp(arg, "--") != 0;
		if (!flags || i == 0 || dashes < 1 || dashes > 2 ||
			strncmp(arg + dashes, "test.", 5) != 0)
			continue;
		plain[i] = argv[i] + 4 + dashes;
		plain[i][0] = '-';
	}
	plain[argc] = NULL;
	return plain;
}

int options_parse(struct options *o, int argc, char **argv, int *ret_exit)
{
	options_default(o);
	struct goflag_func benchtime = {set_benchtime, o, false}, count = {set_count, o, false},
			   verbose = {set_verbose, o, true}, perf = {set_counters, o, false},
			   ci = {set_ci, o, false};
	int parallel = 0;
	bool fullpath = false;
	struct goflag flags[] = {
		{"bench", GOFLAG_STRING, &o->bench, "run only benchmarks matching `regexp`", 0},
		{"benchci", GOFLAG_FUNC, &ci,
			"with -count=auto: repeat until the median's 95% interval is within "
			"\xc2\xb1`percent` (default 2%)",
			0},
		{"benchcpu", GOFLAG_BOOL, &o->cpu_time, "print CPU time as cpu-ns/op", 0},
		{"benchhist", GOFLAG_BOOL, &o->hist,
			"time each iteration; print p50, p90, p99 and max, and draw them on stderr",
			0},
		{"benchmaxtime", GOFLAG_DURATION, &o->maxtime_ns,
			"with -count=auto: give up on a benchmark after `d`", 0},
		{"benchmem", GOFLAG_BOOL, &o->benchmem, "print memory allocations for benchmarks",
			0},
		{"benchnoise", GOFLAG_BOOL, &o->noise,
			"mark disturbed results with noise-% and say why on stderr", 0},
		{"benchperf", GOFLAG_FUNC, &perf,
			"print counters: a comma-separated `list` of cycles, instructions, "
			"cache-misses,\nbranch-misses, page-faults, context-switches, or all",
			0},
		{"benchtime", GOFLAG_FUNC, &benchtime,
			"run each benchmark for duration d or N times if `d` is of the form Nx "
			"(default 1s)",
			0},
		{"blockprofile", GOFLAG_STRING, &o->blockprofile,
			"write a blocking profile to `file`", 0},
		{"blockprofilerate", GOFLAG_INT, &o->blockprofilerate,
			"set blocking profile `rate`", 0},
		{"count", GOFLAG_FUNC, &count,
			"run benchmarks `n` times, or \"auto\": until -benchci (default 1)", 0},
		{"cpu", GOFLAG_STRING, &o->cpu_text,
			"comma-separated `list` of cpu counts to run each benchmark with", 0},
		{"cpuprofile", GOFLAG_STRING, &o->cpuprofile, "write a cpu profile to `file`", 0},
		{"failfast", GOFLAG_BOOL, &o->failfast,
			"do not start new benchmarks after the first failure", 0},
		{"fullpath", GOFLAG_BOOL, &fullpath, "accepted for Go's sake", 0},
		{"json", GOFLAG_BOOL, &o->json, "print test2json events", 0},
		{"list", GOFLAG_STRING, &o->list, "list benchmarks matching `regexp` then exit", 0},
		{"memprofile", GOFLAG_STRING, &o->memprofile,
			"write an allocation profile to `file`", 0},
		{"memprofilerate", GOFLAG_INT, &o->memprofilerate,
			"set memory allocation profiling `rate`", 0},
		{"mutexprofile", GOFLAG_STRING, &o->mutexprofile,
			"write a mutex contention profile to `file`", 0},
		{"mutexprofilefraction", GOFLAG_INT, &o->mutexprofilefraction,
			"record one in `n` mutex contentions", 0},
		{"outputdir", GOFLAG_STRING, &o->outputdir, "write profiles to `dir`", 0},
		{"parallel", GOFLAG_INT, &parallel, "accepted for Go's sake: for tests only", 0},
		{"pkg", GOFLAG_STRING, &o->pkg, "the package's `name`, for the output's header", 0},
		{"run", GOFLAG_STRING, &o->run,
			"run only tests matching `regexp`: a benchmark program has none", 0},
		{"short", GOFLAG_BOOL, &o->short_run, "make bench_short() true", 0},
		{"shuffle", GOFLAG_STRING, &o->shuffle,
			"randomize the execution order of benchmarks: on, off or a `seed`", 0},
		{"skip", GOFLAG_STRING, &o->skip, "do not list or run benchmarks matching `regexp`",
			0},
		{"timeout", GOFLAG_DURATION, &o->timeout_ns,
			"stop the program after duration `d` (default 0, timeout disabled)", 0},
		{"trace", GOFLAG_STRING, &o->trace, "write an execution trace to `file`", 0},
		{"v", GOFLAG_FUNC, &verbose, "verbose: print additional output", 0},
	};
	struct buf usage = BUF_INIT;
	goflag_usage(flags, array_len(flags), &usage);
	struct err err = ERR_INIT;
	char **plain = plain_argv(argc, argv);
	int rc = goflag_parse(flags, array_len(flags), argc, plain, &err);
	mem_free(plain);
	*ret_exit = rc == GOFLAG_HELP ? 0 : 2;
	if (rc < 0 && rc != GOFLAG_HELP)
		fprintf(stderr, "%s\n", err.msg);
	if (rc < 0)
		fprintf(stderr, "Usage of %s:\n%s", argv[0], usage.data);
	buf_release(&usage);
	if (rc >= 0) {
		*ret_exit = 1;
		rc = parse_cpus(o) < 0 || parse_shuffle(o) < 0 ? -1 : 0;
	}
	return rc < 0 ? -1 : 0;
}
