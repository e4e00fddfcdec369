/*
 * Running benchmark programs and saying how it went, in `go test`'s words.
 */
#include "cli/bench.h"
#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int pump(int fd, struct sink *sink)
{
	char text[65536];
	int rc = 0;
	for (;;) {
		ssize_t n = read(fd, text, sizeof(text));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : rc;
		if (rc == 0)
			rc = sink->write(sink, text, (size_t)n);
	}
}

static int wait_status(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void become(char **argv, const char *dir, const int fds[2])
{
	if (dir && chdir(dir) < 0) {
		fprintf(stderr, "%s: %s\n", dir, strerror(errno));
		_exit(127);
	}
	dup2(fds[1], STDOUT_FILENO);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int bench_spawn(char **argv, const char *dir, struct sink *sink)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		become(argv, dir, fds);
	int why = errno;
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -why;
	}
	int rc = pump(fds[0], sink);
	close(fds[0]);
	int status = wait_status(pid);
	return rc < 0 ? rc : status;
}

/* ---- one package ---- */

static int write_stdout(struct sink *sink, const void *p, size_t n)
{
	return fwrite(p, 1, n, stdout) == n && fflush(stdout) == 0 ? 0 : -EIO;
}

static int write_events(struct sink *sink, const void *p, size_t n)
{
	return test2json_write(sink->ctx, p, n);
}

static double seconds_since(const struct timespec *from)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

static void say(struct sink *sink, const char *fmt, ...) attr_printf(2, 3);
static void say(struct sink *sink, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (sink->write(sink, text.data, text.len) < 0)
		exit(1); /* stdout is gone: nobody is listening */
	buf_release(&text);
}

static void command(const struct bench_package *p, const struct bench_run *how, struct words *argv)
{
	for (size_t i = 0; i < how->profiler.n; i++)
		words_add(argv, how->profiler.v[i]);
	words_add(argv, p->program);
	for (size_t i = 0; i < how->flags.n; i++)
		words_add(argv, how->flags.v[i]);
	words_addf(argv, "-test.pkg=%s", p->name);
	if (how->json)
		words_add(argv, "-test.v=test2json");
}

static bool run(const struct bench_package *p, const struct bench_run *how, struct sink *sink)
{
	struct words argv = {0};
	struct timespec started;
	command(p, how, &argv);
	clock_gettime(CLOCK_MONOTONIC, &started);
	int status = bench_spawn(words_end(&argv), p->dir, sink);
	double seconds = seconds_since(&started);
	words_release(&argv);
	if (status == 0) {
		say(sink, "ok  \t%s\t%.3fs\n", p->name, seconds);
		return true;
	}
	if (status < 0)
		say(sink, "%s\n", strerror(-status));
	else if (status > 128)
		say(sink, "signal: %s\n", strsignal(status - 128));
	else
		say(sink, "exit status %d\n", status);
	say(sink, "FAIL\t%s\t%.3fs\n", p->name, seconds);
	return false;
}

bool bench_run_package(const struct bench_package *p, const struct bench_run *how)
{
	struct sink out = {write_stdout, NULL};
	if (!how->json)
		return run(p, how, &out);
	struct test2json *t = test2json_new(p->name, &out);
	struct sink events = {write_events, t};
	bool ok = run(p, how, &events);
	if (test2json_end(t, !ok) < 0)
		ok = false;
	test2json_free(t);
	return ok;
}

void bench_print_build_failed(const struct bench_package *p, bool json)
{
	struct sink out = {write_stdout, NULL};
	if (!json) {
		say(&out, "FAIL\t%s [build failed]\n", p->name);
		return;
	}
	struct test2json *t = test2json_new(p->name, &out);
	struct sink events = {write_events, t};
	say(&events, "FAIL\t%s [build failed]\n", p->name);
	if (test2json_end(t, true) < 0)
		exit(1);
	test2json_free(t);
}
