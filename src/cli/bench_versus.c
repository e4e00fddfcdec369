/*
 * -vs and -base: two builds of the same benchmarks, run in turn, compared by `sonde benchstat`.
 *
 * A machine's speed drifts by the minute: results of one build taken after those of the other
 * differ by the drift. So each benchmark is run by both in turn, which of them first drawn at
 * random, before the next benchmark has its turn: the two figures that are compared are
 * seconds apart. A pattern that names sub-benchmarks (X/Y) does not say which functions it will
 * match; then the turns are of whole programs.
 */
#include "cli/bench.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static bool coin(void)
{
	static uint64_t bits;
	static int left;
	if (left == 0) {
		if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
			bits = (uint64_t)getpid() * UINT64_C(0x9e3779b97f4a7c15);
		left = 64;
	}
	bool head = bits & 1;
	bits >>= 1;
	left--;
	return head;
}

static int append(struct sink *sink, const void *p, size_t n)
{
	buf_add(sink->ctx, p, n);
	return 0;
}

static int run_once(const struct bench_package *p, const char *pkg, const struct words *flags,
	const char *pattern, struct buf *results)
{
	struct words argv = {0};
	struct sink sink = {append, results};
	words_add(&argv, p->program);
	for (size_t i = 0; i < flags->n; i++)
		words_add(&argv, flags->v[i]);
	words_addf(&argv, "-test.bench=%s", pattern);
	words_addf(&argv, "-test.pkg=%s", pkg);
	int status = bench_spawn(words_end(&argv), p->dir, &sink);
	words_release(&argv);
	if (status != 0)
		cli_error("bench", "%s: exit status %d", p->program, status);
	return status == 0 ? 0 : -1;
}

/* --- what has a turn of its own --- */

static bool has(const struct words *patterns, const char *pattern)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (strcmp(patterns->v[i], pattern) == 0)
			return true;
	return false;
}

/* Adds ^Name$ for each benchmark of the program that the pattern matches. */
static int add_names(const struct bench_package *p, const char *pattern, struct words *patterns)
{
	struct words argv = {0};
	struct buf names = BUF_INIT;
	struct sink sink = {append, &names};
	words_add(&argv, p->program);
	words_addf(&argv, "-test.list=%s", pattern);
	int status = bench_spawn(words_end(&argv), p->dir, &sink);
	words_release(&argv);
	for (char *save = NULL, *name = strtok_r(names.data, "\n", &save); name && status == 0;
		name = strtok_r(NULL, "\n", &save)) {
		struct buf one = BUF_INIT;
		buf_printf(&one, "^%s$", name);
		if (!has(patterns, one.data))
			words_add(patterns, one.data);
		buf_release(&one);
	}
	buf_release(&names);
	return status == 0 ? 0 : -1;
}

static int find_turns(const struct bench_package *older, const struct bench_package *newer,
	const char *pattern, struct words *turns)
{
	if (strchr(pattern, '/')) {
		words_add(turns, pattern);
		return 0;
	}
	if (add_names(newer, pattern, turns) < 0 || add_names(older, pattern, turns) < 0)
		return -1;
	if (turns->n == 0)
		cli_error("bench", "%s: no benchmark matches -bench=%s", newer->name, pattern);
	return turns->n ? 0 : -1;
}

/* --- taking turns --- */

static int take_turns(const struct bench_package *older, const struct bench_package *newer,
	const struct words *turns, const struct bench_versus *how, struct buf results[2])
{
	for (size_t i = 0; i < turns->n; i++) {
		bool new_first = coin();
		for (int turn = 0; turn < 2; turn++) {
			bool is_new = (turn == 0) == new_first;
			if (run_once(is_new ? newer : older, newer->name, &how->flags, turns->v[i],
				    &results[is_new]) < 0)
				return -1;
		}
	}
	return 0;
}

static int rounds(const struct bench_package *older, const struct bench_package *newer, size_t n,
	const struct bench_versus *how, struct buf results[2])
{
	bool progress = isatty(STDERR_FILENO);
	struct words *turns = mem_array(n, sizeof(*turns));
	int rc = 0;
	for (size_t i = 0; i < n; i++) {
		turns[i] = (struct words){0};
		if (rc == 0)
			rc = find_turns(&older[i], &newer[i], how->pattern, &turns[i]);
	}
	for (unsigned round = 0; round < how->rounds; round++)
		for (size_t i = 0; i < n && rc == 0; i++) {
			if (progress)
				fprintf(stderr, "\rround %u of %u: %s\033[K", round + 1,
					how->rounds, newer[i].name);
			rc = take_turns(&older[i], &newer[i], &turns[i], how, results);
		}
	if (progress)
		fputs("\r\033[K", stderr);
	for (size_t i = 0; i < n; i++)
		words_release(&turns[i]);
	mem_free(turns);
	return rc;
}

static int write_file(const char *path, const struct buf *text)
{
	FILE *f = fopen(path, "we");
	if (!f)
		return -errno;
	size_t n = fwrite(text->data, 1, text->len, f);
	return fclose(f) == 0 && n == text->len ? 0 : -EIO;
}

static const struct command *find_benchstat(void)
{
	for (const struct command *c = cli_commands; c->name; c++)
		if (strcmp(c->name, "benchstat") == 0)
			return c;
	return NULL;
}

static int compare(const struct command *benchstat, const char *dir, const struct bench_versus *how)
{
	struct words argv = {0};
	words_add(&argv, "benchstat");
	for (size_t i = 0; i < how->benchstat.n; i++)
		words_add(&argv, how->benchstat.v[i]);
	words_addf(&argv, "%s=%s/0", how->old_name, dir);
	words_addf(&argv, "%s=%s/1", how->new_name, dir);
	char **v = words_end(&argv);
	int status = benchstat->run((int)argv.n, v);
	words_release(&argv);
	return status;
}

int bench_versus(const struct bench_package *older, const struct bench_package *newer, size_t n,
	const struct bench_versus *how)
{
	struct buf results[2] = {BUF_INIT, BUF_INIT};
	char dir[PATH_MAX], path[PATH_MAX + 4];
	const char *tmp = getenv("TMPDIR");
	int status = CLI_FAILED;
	/* Asked for before the minutes that the runs take, not after. */
	const struct command *benchstat = find_benchstat();
	if (!benchstat) {
		cli_error("bench", "this build of sonde has no benchstat to compare with");
		return status;
	}
	snprintf(dir, sizeof(dir), "%s/sonde-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir)) {
		cli_error("bench", "%s: %s", dir, strerror(errno));
		return status;
	}
	bool ok = rounds(older, newer, n, how, results) == 0;
	for (int i = 0; i < 2 && ok; i++) {
		snprintf(path, sizeof(path), "%s/%d", dir, i);
		ok = write_file(path, &results[i]) == 0;
	}
	if (ok)
		status = compare(benchstat, dir, how);
	bench_remove_tree(dir);
	buf_release(&results[0]);
	buf_release(&results[1]);
	return status;
}

/* ---- -base ---- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

void bench_remove_tree(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int git(const char *args, struct buf *out, struct err *err)
{
	struct words argv = {0};
	struct sink sink = {append, out};
	words_add(&argv, "git");
	words_split(&argv, args);
	int status = bench_spawn(words_end(&argv), NULL, &sink);
	words_release(&argv);
	while (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return status == 0 ? 0 : err_set(err, ERR_NOT_FOUND, "git %s failed", args);
}

static int extract(const char *rev, const char *top, const char *dir, struct err *err)
{
	struct words argv = {0};
	struct buf none = BUF_INIT;
	struct sink sink = {append, &none};
	words_split(&argv, "sh -c");
	words_add(&argv, "git -C \"$1\" archive --format=tar \"$2\" | tar -x -C \"$3\"");
	words_add(&argv, "sh");
	words_add(&argv, top);
	words_add(&argv, rev);
	words_add(&argv, dir);
	int status = bench_spawn(words_end(&argv), NULL, &sink);
	words_release(&argv);
	buf_release(&none);
	return status == 0 ? 0 : err_set(err, ERR_NOT_FOUND, "git archive %s failed", rev);
}

int bench_checkout(const char *rev, struct buf *ret_dir, struct buf *ret_prefix, struct err *err)
{
	struct buf top = BUF_INIT, commit = BUF_INIT, args = BUF_INIT;
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX];
	snprintf(dir, sizeof(dir), "%s/sonde-base-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	buf_printf(&args, "rev-parse --verify --quiet --end-of-options '%s^{commit}'", rev);
	int rc = git("rev-parse --show-toplevel", &top, err);
	if (rc == 0)
		rc = git("rev-parse --show-prefix", ret_prefix, err);
	if (rc == 0 && git(args.data, &commit, err) < 0)
		rc = err_set(err, ERR_NOT_FOUND, "%s: no such revision", rev);
	if (rc == 0 && !mkdtemp(dir))
		rc = err_errno(err, "%s", dir);
	if (rc == 0) {
		buf_addstr(ret_dir, dir);
		rc = extract(commit.data, top.data, dir, err);
	}
	buf_release(&top);
	buf_release(&commit);
	buf_release(&args);
	return rc;
}
