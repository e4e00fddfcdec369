/*
 * sonde bench: `go test -bench` for C and C++. Finds packages, builds them, runs them one after the
 * other, and prints what the programs print; or, with -vs and -base, runs two builds against each
 * other.
 */
#include "cli/bench.h"
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A flag that is the benchmark program's own: passed on as it is. */
struct pass {
	const char *name, *usage;
	bool is_bool;
};

static const struct pass passed[] = {
	{"bench", "run only benchmarks matching `regexp` (default .)", false},
	{"benchci", "with -count=auto: repeat until the median is known to \xc2\xb1`percent`",
		false},
	{"benchcpu", "print CPU time as cpu-ns/op (default true)", true},
	{"benchhist", "time each iteration; print p50, p90, p99 and max, and draw them", true},
	{"benchmaxtime", "with -count=auto: give up on a benchmark after `d`", false},
	{"benchmem", "print memory allocations for benchmarks", true},
	{"benchnoise", "mark disturbed results and say why (default true)", true},
	{"benchperf", "print counters: a `list` of cycles, instructions, ..., or all", false},
	{"benchtime", "run each benchmark for duration `d`, or N times for Nx", false},
	{"count", "run benchmarks `n` times, or auto", false},
	{"cpu", "comma-separated `list` of cpu counts to run each benchmark with", false},
	{"failfast", "do not start new benchmarks after the first failure", true},
	{"fullpath", "accepted for Go's sake", true},
	{"list", "list benchmarks matching `regexp` then exit", false},
	{"outputdir", "write profiles to `dir`", false},
	{"parallel", "accepted for Go's sake: for tests only", false},
	{"run", "accepted for Go's sake: there are no tests", false},
	{"short", "make bench_short() true", true},
	{"shuffle", "run benchmarks in random order: on, off or a `seed`", false},
	{"skip", "do not run benchmarks matching `regexp`", false},
	{"timeout", "stop a program after duration `d`", false},
	{"v", "verbose: print names and logs as they come", true},
};

struct passer {
	struct goflag_func func;
	const char *name;
	struct words *flags;
	bool *seen; /* or NULL */
};

struct options {
	struct words flags; /* for the programs */
	bool bench_set, count_set, list_set;
	bool json, compile_only, show, force;
	const char *output, *vs, *base, *format;
	struct bench_profiles profiles;
	struct bench_packages packages;
};

static int pass_on(struct goflag_func *self, const char *value, struct err *err)
{
	struct passer *p = (struct passer *)self;
	words_addf(p->flags, "-test.%s=%s", p->name, value);
	if (p->seen)
		*p->seen = true;
	return 0;
}

#define N_OWN 16

static size_t make_flags(struct options *o, struct passer *passers, struct goflag *flags)
{
	struct bench_profiles *p = &o->profiles;
	const struct goflag own[N_OWN] = {
		{"a", GOFLAG_BOOL, &o->force, "rebuild, whatever the cache holds", false},
		{"base", GOFLAG_STRING, &o->base,
			"compare with the same benchmarks at git revision `rev`", false},
		{"c", GOFLAG_BOOL, &o->compile_only, "compile to NAME.bench here, do not run",
			false},
		{"blockprofile", GOFLAG_STRING, &p->block, "write a blocking profile to `file`",
			false},
		{"blockprofilerate", GOFLAG_INT64, &p->block_rate,
			"set blocking profile `rate`, ns between samples", false},
		{"cpuprofile", GOFLAG_STRING, &p->cpu, "write a CPU profile to `file`", false},
		{"memprofile", GOFLAG_STRING, &p->mem, "write an allocation profile to `file`",
			false},
		{"memprofilerate", GOFLAG_INT64, &p->mem_rate,
			"set memory allocation profiling `rate`, bytes between samples", false},
		{"mutexprofile", GOFLAG_STRING, &p->mutex,
			"write a mutex contention profile to `file`", false},
		{"mutexprofilefraction", GOFLAG_INT64, &p->mutex_fraction,
			"record one in `n` mutex contentions", false},
		{"format", GOFLAG_STRING, &o->format,
			"with -vs and -base: print the comparison as benchstat's `format`", false},
		{"json", GOFLAG_BOOL, &o->json, "print test2json events", false},
		{"o", GOFLAG_STRING, &o->output, "compile to `file`", false},
		{"trace", GOFLAG_STRING, &p->trace, "write an execution trace to `file`", false},
		{"vs", GOFLAG_STRING, &o->vs,
			"compare with `program`, an older build of the benchmarks (see -c)", false},
		{"x", GOFLAG_BOOL, &o->show, "print the compiler's commands", false},
	};
	size_t n = 0;
	for (size_t i = 0; i < array_len(passed); i++) {
		bool *seen = strcmp(passed[i].name, "bench") == 0   ? &o->bench_set
			     : strcmp(passed[i].name, "count") == 0 ? &o->count_set
			     : strcmp(passed[i].name, "list") == 0  ? &o->list_set
								    : NULL;
		passers[i] = (struct passer){
			{pass_on, NULL, passed[i].is_bool}, passed[i].name, &o->flags, seen};
		flags[n++] = (struct goflag){
			passed[i].name, GOFLAG_FUNC, &passers[i].func, passed[i].usage, false};
	}
	memcpy(flags + n, own, sizeof(own));
	return n + N_OWN;
}

static void usage(FILE *to, const struct goflag *flags, size_t n)
{
	struct buf text = BUF_INIT;
	goflag_usage(flags, n, &text);
	fprintf(to,
		"usage: sonde bench [flags] [dir | dir/... | file | program ...]\n\n"
		"Builds and runs the benchmarks in *_bench.c and *_bench.cc files, as `go test "
		"-bench` does.\n\n%s",
		text.data);
	buf_release(&text);
}

/* Flags and packages in any order, as `go test` takes them. 0, or the exit status + 1. */
static int parse(struct options *o, int argc, char **argv)
{
	struct passer passers[array_len(passed)];
	struct goflag flags[array_len(passed) + N_OWN];
	size_t n = make_flags(o, passers, flags);
	struct err err = ERR_INIT;
	int first = goflag_parse_mixed(flags, n, argc, argv, &err);
	if (first == GOFLAG_HELP) {
		usage(stdout, flags, n);
		return CLI_OK + 1;
	}
	if (first < 0) {
		cli_error("bench", "%s", err.msg);
		fputs("`sonde bench -h` lists the flags\n", stderr);
		return CLI_USAGE + 1;
	}
	for (int i = first; i < argc; i++) {
		if (bench_find(&o->packages, argv[i], &err) < 0) {
			cli_error("bench", "%s", err.msg);
			return CLI_USAGE + 1;
		}
	}
	return 0;
}

static int find_here(struct options *o)
{
	struct err err = ERR_INIT;
	if (o->packages.n == 0 && bench_find(&o->packages, ".", &err) < 0) {
		cli_error("bench", "%s", err.msg);
		return CLI_FAILED;
	}
	if (o->packages.n == 0) {
		cli_error("bench", "no *_bench.c or *_bench.cc files here");
		return CLI_FAILED;
	}
	bench_packages_sort(&o->packages);
	return CLI_OK;
}

static bool build(const struct options *o, struct bench_package *p)
{
	struct bench_build how = {.show = o->show, .force = o->force};
	struct err err = ERR_INIT;
	int rc = bench_build(p, &how, &err);
	if (rc < 0 && rc != -ECHILD)
		cli_error("bench", "%s", err.msg);
	else if (rc < 0)
		fprintf(stderr, "# %s: %s\n", p->name, err.msg);
	return rc >= 0;
}

/* ---- run ---- */

/* Where profiles go: -outputdir, and here if it is not given. */
static const char *output_dir(const struct options *o, const char *here)
{
	static const char flag[] = "-test.outputdir=";
	const char *dir = here;
	for (size_t i = 0; i < o->flags.n; i++)
		if (strncmp(o->flags.v[i], flag, sizeof(flag) - 1) == 0)
			dir = o->flags.v[i] + sizeof(flag) - 1;
	return dir;
}

static int run_all(struct options *o)
{
	struct bench_run how = {.json = o->json};
	char here[PATH_MAX];
	bool ok = true;
	const char *one = bench_profiles_flag(&o->profiles);
	if (one && o->packages.n > 1) {
		cli_error("bench", "cannot use -%s flag with multiple packages", one);
		return CLI_USAGE;
	}
	/* Programs run in their own directories, files named by flags are meant to be here. */
	if (getcwd(here, sizeof(here)))
		words_addf(&how.flags, "-test.outputdir=%s", here);
	for (size_t i = 0; i < o->flags.n; i++)
		words_add(&how.flags, o->flags.v[i]);
	if (!o->bench_set && !o->list_set)
		words_add(&how.flags, "-test.bench=.");
	bench_profiles_command(&o->profiles, output_dir(o, here), &how.profiler);
	for (size_t i = 0; i < o->packages.n; i++) {
		struct bench_package *p = &o->packages.v[i];
		if (build(o, p)) {
			ok &= bench_run_package(p, &how);
			continue;
		}
		bench_print_build_failed(p, o->json);
		ok = false;
	}
	if (!ok && !o->json)
		puts("FAIL");
	words_release(&how.profiler);
	words_release(&how.flags);
	return ok ? CLI_OK : CLI_FAILED;
}

/* ---- -c ---- */

static int copy_program(const char *from, const char *to)
{
	struct words argv = {0};
	struct buf none = BUF_INIT;
	struct sink sink = buf_sink(&none);
	words_add(&argv, "cp");
	words_add(&argv, "--");
	words_add(&argv, from);
	words_add(&argv, to);
	int status = bench_spawn(words_end(&argv), NULL, &sink);
	words_release(&argv);
	buf_release(&none);
	return status;
}

static int compile_all(struct options *o)
{
	if (o->output && o->packages.n > 1) {
		cli_error("bench", "-o names one file, but there are %zu packages", o->packages.n);
		return CLI_USAGE;
	}
	for (size_t i = 0; i < o->packages.n; i++) {
		struct bench_package *p = &o->packages.v[i];
		struct buf name = BUF_INIT;
		if (!build(o, p))
			return CLI_FAILED;
		if (o->output) {
			buf_addstr(&name, o->output);
		} else {
			path_base(&name, p->name);
			buf_addstr(&name, ".bench");
		}
		int status = copy_program(p->program, name.data);
		buf_release(&name);
		if (status != 0)
			return CLI_FAILED;
	}
	return CLI_OK;
}

/* ---- -vs, -base ---- */

static void versus_flags(const struct options *o, struct bench_versus *how)
{
	how->rounds = 10;
	how->pattern = ".";
	for (size_t i = 0; i < o->flags.n; i++) {
		const char *flag = o->flags.v[i];
		if (strncmp(flag, "-test.count=", 12) == 0)
			how->rounds = (unsigned)strtoul(flag + 12, NULL, 10);
		else if (strncmp(flag, "-test.bench=", 12) == 0)
			how->pattern = flag + 12;
		else
			words_add(&how->flags, flag);
	}
	/* A mark on single results; how much they scatter is in the comparison itself. */
	words_add(&how->benchstat, "-filter=-.unit:\"noise-%\"");
	if (o->format && *o->format)
		words_addf(&how->benchstat, "-format=%s", o->format);
}

static int compare(struct options *o, struct bench_packages *older, const char *old_name)
{
	struct bench_versus how = {.old_name = old_name, .new_name = "this"};
	versus_flags(o, &how);
	int status = CLI_USAGE;
	if (how.rounds == 0)
		cli_error("bench", "-vs and -base want a number for -count");
	else
		status = bench_versus(older->v, o->packages.v, older->n, &how);
	words_release(&how.flags);
	words_release(&how.benchstat);
	return status;
}

static int run_vs(struct options *o)
{
	struct bench_packages older = {0};
	struct err err = ERR_INIT;
	int status = CLI_FAILED;
	if (o->packages.n != 1) {
		cli_error("bench", "-vs compares one package with a program; here are %zu",
			o->packages.n);
		return CLI_USAGE;
	}
	if (bench_find(&older, o->vs, &err) < 0)
		cli_error("bench", "-vs: %s", err.msg);
	else if (older.n != 1)
		cli_error("bench", "-vs=%s: holds %zu packages, not one", o->vs, older.n);
	else if (build(o, &older.v[0]) && build(o, &o->packages.v[0]))
		status = compare(o, &older, "old");
	bench_packages_release(&older);
	return status;
}

/* The packages of the other tree that this one has too, in its order; what only one of them has is
 * named and left out. */
static int pair_up(
	struct options *o, const char *tree, const char *prefix, struct bench_packages *older)
{
	size_t kept = 0;
	for (size_t i = 0; i < o->packages.n; i++) {
		struct bench_package *p = &o->packages.v[i];
		struct bench_packages found = {0};
		struct buf path = BUF_INIT;
		const char *parts[] = {tree, prefix, p->dir};
		path_join(&path, parts, 3);
		bool has =
			*p->dir != '/' && !p->program && bench_find(&found, path.data, NULL) == 0;
		size_t at = 0;
		while (has && at < found.n && strcmp(found.v[at].dir, path.data) != 0)
			at++;
		buf_release(&path);
		if (!has || at == found.n) {
			cli_error("bench", "%s: not in the base revision; left out", p->name);
			bench_packages_release(&found);
			continue;
		}
		vec_push(older->v, older->n, older->cap, found.v[at]);
		found.v[at] = (struct bench_package){0};
		bench_packages_release(&found);
		struct bench_package swap = o->packages.v[kept];
		o->packages.v[kept++] = *p;
		*p = swap;
	}
	return (int)kept;
}

static int run_base_in(struct options *o, const char *tree, const char *prefix)
{
	struct bench_packages older = {0};
	bool ok = pair_up(o, tree, prefix, &older) > 0;
	for (size_t i = 0; i < older.n && ok; i++)
		ok = build(o, &older.v[i]) && build(o, &o->packages.v[i]);
	int status = ok ? compare(o, &older, o->base) : CLI_FAILED;
	bench_packages_release(&older);
	return status;
}

static int run_base(struct options *o)
{
	struct buf tree = BUF_INIT, prefix = BUF_INIT;
	struct err err = ERR_INIT;
	int status = CLI_FAILED;
	if (bench_checkout(o->base, &tree, &prefix, &err) < 0)
		cli_error("bench", "-base: %s", err.msg);
	else
		status = run_base_in(o, tree.data, prefix.data);
	if (tree.len)
		bench_remove_tree(tree.data);
	buf_release(&tree);
	buf_release(&prefix);
	return status;
}

int cmd_bench(int argc, char **argv)
{
	struct options o = {.profiles = BENCH_PROFILES_INIT};
	int status = parse(&o, argc, argv);
	if (status == 0)
		status = find_here(&o);
	else
		status = -status;
	if (status == CLI_OK) {
		if (o.vs && o.base) {
			cli_error("bench", "-vs or -base, not both");
			status = CLI_USAGE;
		} else if (o.compile_only || o.output) {
			status = compile_all(&o);
		} else if (o.vs) {
			status = run_vs(&o);
		} else {
			status = o.base ? run_base(&o) : run_all(&o);
		}
	} else if (status < 0) {
		status = -status - 1;
	}
	bench_packages_release(&o.packages);
	words_release(&o.flags);
	return status;
}
