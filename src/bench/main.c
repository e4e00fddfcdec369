/*
 * bench_main(): a benchmark binary from its flags to its exit status, and bench_measure().
 */
#include "bench/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_short;

bool sonde_bench_short(void)
{
	return is_short;
}

/* ---- which to run ---- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void shuffle(struct bench_entry **all, size_t n, uint64_t seed)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = next_random(&seed) % i;
		struct bench_entry *swap = all[i - 1];
		all[i - 1] = all[j];
		all[j] = swap;
	}
}

static int list(const struct options *o, struct bench_entry **all, size_t n)
{
	struct regex *re;
	struct err err = ERR_INIT;
	if (regex_compile(&re, o->list, &err) < 0) {
		fprintf(stderr, "testing: invalid regexp in -test.list (\"%s\"): %s\n", o->list,
			err.msg);
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		if (regex_match(re, all[i]->name, strlen(all[i]->name)) == 1)
			out("%s\n", all[i]->name);
	regex_free(re);
	return 0;
}

/* Keeps the entries that may run and finds the width of the name column. */
static size_t choose(struct session *s, struct bench_entry **all, size_t n)
{
	size_t kept = 0;
	int most = 1;
	for (size_t i = 0; i < s->opt.n_cpus; i++)
		most = s->opt.cpus[i] > most ? s->opt.cpus[i] : most;
	s->ext_len = most == 1 ? 0 : (size_t)snprintf(NULL, 0, "-%d", most);
	for (size_t i = 0; i < n; i++) {
		struct buf name = BUF_INIT;
		bool partial;
		bool ok = matcher_full_name(s->matcher, NULL, all[i]->name, &name, &partial);
		if (ok) {
			all[kept++] = all[i];
			size_t width = name.len + 2 * s->ext_len + 1;
			s->name_width = width > s->name_width ? width : s->name_width;
		}
		buf_release(&name);
	}
	return kept;
}

static bool run_all(struct session *s, struct bench_entry **all, size_t n)
{
	struct run *main_run = run_new(s, NULL, "Main", NULL, NULL);
	for (size_t i = 0; i < n; i++)
		sonde_bench_run(&main_run->pub, all[i]->name, all[i]->fn, all[i]->arg);
	bool failed = main_run->failed;
	run_free(main_run);
	return !failed;
}

/* ---- one program ---- */

static bool run_benchmarks(struct session *s, struct bench_entry **all, size_t n)
{
	if (!*s->opt.bench)
		return true;
	if (s->opt.shuffled)
		shuffle(all, n, s->opt.seed);
	n = choose(s, all, n);
	if (s->opt.hist)
		s->clock_ns = clock_cost_ns();
	counters_open(&s->opt.counters);
	timeout_start(s);
	bool ok = run_all(s, all, n);
	timeout_stop();
	counters_close();
	return ok;
}

static int check_patterns(struct session *s)
{
	struct err err = ERR_INIT;
	struct regex *re;
	if (matcher_new(&s->matcher, s->opt.bench, s->opt.skip, &err) < 0) {
		fprintf(stderr, "testing: invalid regexp for %s\n", err.msg);
		return 1;
	}
	if (regex_compile(&re, s->opt.run, &err) < 0) {
		fprintf(stderr, "testing: invalid regexp for element 0 of -test.run (\"%s\"): %s\n",
			s->opt.run, err.msg);
		return 1;
	}
	regex_free(re);
	return 0;
}

static int run_program(struct session *s, struct bench_entry **all, size_t n)
{
	struct err err = ERR_INIT;
	if (check_patterns(s))
		return 1;
	if (*s->opt.list)
		return list(&s->opt, all, n);
	if (s->opt.shuffled)
		out("-test.shuffle %lld\n", (long long)s->opt.seed);
	if (profiles_start(&s->opt, &err) < 0) {
		fprintf(stderr, "testing: %s\n", err.msg);
		return 2;
	}
	bool ok = run_benchmarks(s, all, n);
	out("%s%s\n", s->opt.verbose_json ? "\x16" : "", ok ? "PASS" : "FAIL");
	if (profiles_stop(&s->opt, &err) < 0) {
		fprintf(stderr, "testing: %s\n", err.msg);
		return 2;
	}
	return ok ? 0 : 1;
}

/* ---- -json: a parent that turns the child's text into events ---- */

static int write_out(struct sink *sink, const void *p, size_t n)
{
	return fwrite(p, 1, n, stdout) == n && fflush(stdout) == 0 ? 0 : -EIO;
}

static int convert(int fd, pid_t child, const char *pkg)
{
	struct sink sink = {write_out, NULL};
	struct test2json *t = test2json_new(pkg, &sink);
	char text[65536];
	ssize_t n;
	int status, rc = 0;
	while ((n = read(fd, text, sizeof(text))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && rc == 0)
			rc = test2json_write(t, text, (size_t)n);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (rc == 0)
		rc = test2json_end(t, code != 0);
	test2json_free(t);
	return rc < 0 ? 1 : code;
}

/* In the child: returns -1 and runs on. In the parent: the exit status. */
static int fork_for_json(struct options *o)
{
	int fds[2];
	if (pipe(fds) < 0)
		return 1;
	pid_t child = fork();
	if (child < 0)
		return 1;
	if (child > 0) {
		close(fds[1]);
		return convert(fds[0], child, o->pkg);
	}
	dup2(fds[1], STDOUT_FILENO);
	close(fds[0]);
	close(fds[1]);
	o->verbose = o->verbose_json = true;
	return -1;
}

int sonde_bench_main(int argc, char **argv)
{
	struct session s = {0};
	int status;
	if (options_parse(&s.opt, argc, argv, &status) < 0) {
		options_release(&s.opt);
		return status;
	}
	is_short = s.opt.short_run;
	status = s.opt.json ? fork_for_json(&s.opt) : -1;
	if (status < 0) {
		struct bench_entry **all;
		size_t n = registry(&all);
		status = run_program(&s, all, n);
		mem_free(all);
	}
	matcher_free(s.matcher);
	options_release(&s.opt);
	return status;
}

struct bench_result sonde_bench_measure(sonde_bench_fn *fn, void *arg)
{
	struct session s = {.quiet = true};
	struct err err = ERR_INIT;
	options_default(&s.opt);
	s.opt.noise = false;
	int procs = default_procs();
	s.opt.cpus = &procs;
	s.opt.n_cpus = 1;
	if (matcher_new(&s.matcher, "", "", &err) < 0)
		panic("%s", err.msg);
	struct run *r = run_new(&s, NULL, "Benchmark", fn, arg);
	r->level = 1;
	if (run_first(r))
		run_launch(r);
	struct bench_result result = {r->result.n, r->result.ns, r->result.cpu_ns, r->result.bytes,
		r->result.allocs, r->result.alloc_bytes, r->failed};
	run_free(r);
	matcher_free(s.matcher);
	return result;
}
