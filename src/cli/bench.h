/*
 * bench: the parts of `sonde bench`. cmd_bench.c reads the flags; bench_find.c finds packages,
 * which are directories with *_bench.c files; bench_build.c makes each a program, or takes it from
 * the cache; bench_run.c runs programs and prints as `go test` does; bench_versus.c runs two of
 * them against each other.
 */
#ifndef SONDE_CLI_BENCH_H
#define SONDE_CLI_BENCH_H

#include "base/base.h"

struct words {
	char **v; /* v[n] is NULL once words_end() was called */
	size_t n, cap;
};

void words_add(struct words *w, const char *s);
void words_addf(struct words *w, const char *fmt, ...) attr_printf(2, 3);
/* Splits as a shell does: blanks, '...', "...", backslash. No expansion. */
void words_split(struct words *w, const char *s);
char **words_end(struct words *w);
void words_release(struct words *w);

struct bench_package {
	char *dir;	    /* relative or absolute, as the user would write it */
	char *name;	    /* what the output calls it */
	struct words files; /* its *_bench.c and *_bench.cc, sorted */
	char *program;	    /* set by bench_build(), or given by the user */
};

struct bench_packages {
	struct bench_package *v;
	size_t n, cap;
};

/* Adds the packages that `arg` (a directory, with or without "/...", a source file, or a benchmark
 * program) names. */
must_check int bench_find(struct bench_packages *all, const char *arg, struct err *err);
void bench_packages_sort(struct bench_packages *all);
void bench_packages_release(struct bench_packages *all);

struct bench_build {
	bool show;  /* -x: print the commands */
	bool force; /* -a: do not take it from the cache */
};

/* Sets p->program. The compiler writes its messages to stderr; -ECHILD when it failed. */
must_check int bench_build(struct bench_package *p, const struct bench_build *how, struct err *err);

/* Profiles to be written of a run (bench_profiles.c); "" for none. */
struct bench_profiles {
	const char *cpu, *mem, *block, *mutex, *trace;
	int64_t mem_rate, block_rate, mutex_fraction;
};
#define BENCH_PROFILES_INIT                          \
	{                                            \
		"", "", "", "", "", 512 * 1024, 1, 1 \
	}

/* A flag that asks for one, without its dash; NULL: nothing is asked for. */
const char *bench_profiles_flag(const struct bench_profiles *p);
/* The words to put before a program: `sonde run` with its flags, or none. Names of files that are
 * not absolute are in `dir`. */
void bench_profiles_command(const struct bench_profiles *p, const char *dir, struct words *ret);

struct bench_run {
	struct words flags; /* for the program, "-test.x=..." */
	bool json;
	struct words profiler; /* what the programs are run under; may be empty */
};

/* Runs one package's program and prints its result; whether it succeeded. */
bool bench_run_package(const struct bench_package *p, const struct bench_run *how);
/* Runs argv in dir (NULL: here); its standard output goes to `sink`. The exit status, or 128 + the
 * signal, or -errno. */
int bench_spawn(char **argv, const char *dir, struct sink *sink);
/* "go test"'s line for a package that did not build. */
void bench_print_build_failed(const struct bench_package *p, bool json);

struct bench_versus {
	const char *pattern; /* of -bench */
	struct words flags;  /* the others, for the programs */
	unsigned rounds;
	const char *old_name, *new_name;
	struct words benchstat; /* flags for the comparison */
};

/* Runs both programs' benchmarks `rounds` times, in turn, and prints the comparison. */
int bench_versus(const struct bench_package *older, const struct bench_package *newer, size_t n,
	const struct bench_versus *how);
/* The tree of a git revision, extracted to a directory of its own. */
must_check int bench_checkout(
	const char *rev, struct buf *ret_dir, struct buf *ret_prefix, struct err *err);
void bench_remove_tree(const char *dir);

#endif
