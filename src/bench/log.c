/*
 * What a benchmark says and how it ends: log, error, fatal, skip, cleanup, temporary directories.
 * Messages look as Go's do: indented, with file and line, later lines indented further.
 */
#include "bench/internal.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LOG_LINES 10

void out(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

void chatter(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	flockfile(stderr);
	fputs("bench: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	funlockfile(stderr);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fflush(stdout);
	fputs("panic: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	_exit(2);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static void decorate(const char *file, int line, const char *text, struct buf *to)
{
	size_t n = strlen(text);
	if (n && text[n - 1] == '\n')
		n--;
	buf_addstr(to, "    ");
	if (file)
		buf_printf(to, "%s:%d: ", base_name(file), line);
	for (size_t i = 0; i < n; i++) {
		buf_addch(to, text[i]);
		if (text[i] == '\n')
			buf_addstr(to, "        ");
	}
	buf_addch(to, '\n');
}

static void say(struct run *r, const char *file, int line, const char *fmt, va_list ap)
{
	allocs_pause();
	struct buf text = BUF_INIT;
	buf_vprintf(&text, fmt, ap);
	pthread_mutex_lock(&r->lock);
	size_t from = r->output.len;
	decorate(file, line, text.data, &r->output);
	if (r->session->opt.verbose && !r->probing && !r->session->quiet) {
		out("%s", r->output.data + from);
		buf_clear(&r->output);
	}
	pthread_mutex_unlock(&r->lock);
	buf_release(&text);
	allocs_resume();
}

static void set_flag(struct run *r, bool *flag)
{
	pthread_mutex_lock(&r->lock);
	*flag = true;
	pthread_mutex_unlock(&r->lock);
}

static bool get_flag(struct run *r, const bool *flag)
{
	pthread_mutex_lock(&r->lock);
	bool is = *flag;
	pthread_mutex_unlock(&r->lock);
	return is;
}

void sonde_bench_fail(struct bench *b)
{
	for (struct run *r = run_of(b); r; r = r->parent) {
		set_flag(r, &r->failed);
		if (r->probing && !r->has_sub)
			return; /* was called to look for sub-benchmarks only */
	}
}

void sonde_bench_fail_now(struct bench *b)
{
	sonde_bench_fail(b);
	run_exit_now(run_of(b));
}

void sonde_bench_skip_now(struct bench *b)
{
	set_flag(run_of(b), &run_of(b)->skipped);
	run_exit_now(run_of(b));
}

bool sonde_bench_failed(struct bench *b)
{
	return get_flag(run_of(b), &run_of(b)->failed);
}

bool sonde_bench_skipped(struct bench *b)
{
	return get_flag(run_of(b), &run_of(b)->skipped);
}

const char *sonde_bench_name(struct bench *b)
{
	return run_of(b)->name;
}

void sonde_bench_log_at(struct bench *b, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(run_of(b), file, line, fmt, ap);
	va_end(ap);
}

void sonde_bench_error_at(struct bench *b, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(run_of(b), file, line, fmt, ap);
	va_end(ap);
	sonde_bench_fail(b);
}

void sonde_bench_fatal_at(struct bench *b, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(run_of(b), file, line, fmt, ap);
	va_end(ap);
	sonde_bench_fail_now(b);
}

void sonde_bench_skip_at(struct bench *b, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(run_of(b), file, line, fmt, ap);
	va_end(ap);
	sonde_bench_skip_now(b);
}

void run_trim_output(struct run *r)
{
	int lines = 0;
	for (size_t i = 0; i < r->output.len; i++) {
		if (r->output.data[i] != '\n' || ++lines < MAX_LOG_LINES)
			continue;
		r->output.len = i;
		buf_addstr(&r->output, "\n\t... [output truncated]\n");
		return;
	}
}

void sonde_bench_cleanup(struct bench *b, void (*fn)(void *arg), void *arg)
{
	struct run *r = run_of(b);
	allocs_pause();
	pthread_mutex_lock(&r->lock);
	vec_push(r->cleanups, r->n_cleanups, r->cap_cleanups, ((struct cleanup){fn, arg}));
	pthread_mutex_unlock(&r->lock);
	allocs_resume();
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static void call_cleanup(void *arg)
{
	struct cleanup *c = arg;
	c->fn(c->arg);
}

void run_cleanup(struct run *r)
{
	while (r->n_cleanups) {
		struct cleanup last = r->cleanups[--r->n_cleanups];
		run_guarded(call_cleanup, &last);
	}
	if (!r->temp_dir)
		return;
	if (nftw(r->temp_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		sonde_bench_error_at(&r->pub, NULL, 0, "TempDir RemoveAll cleanup: %s: %s",
			r->temp_dir, strerror(errno));
	mem_free(r->temp_dir);
	r->temp_dir = NULL;
	r->temp_dirs = 0;
}

/* One directory a run, in it "001", "002", ... one a call. */
static const char *temp_dir(struct run *r)
{
	if (!r->temp_dir) {
		const char *root = getenv("TMPDIR");
		struct buf path = BUF_INIT;
		buf_printf(&path, "%s/sonde-bench-XXXXXX", root && *root ? root : "/tmp");
		r->temp_dir = buf_detach(&path, NULL);
		if (!mkdtemp(r->temp_dir))
			return NULL;
	}
	struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%03d", r->temp_dir, ++r->temp_dirs);
	char *dir = buf_detach(&path, NULL);
	sonde_bench_cleanup(&r->pub, mem_free, dir);
	return mkdir(dir, 0777) == 0 ? dir : NULL;
}

const char *sonde_bench_temp_dir(struct bench *b)
{
	struct run *r = run_of(b);
	allocs_pause();
	const char *dir = temp_dir(r);
	int why = errno;
	allocs_resume();
	if (!dir)
		sonde_bench_fatal_at(b, NULL, 0, "TempDir: %s: %s", r->temp_dir, strerror(why));
	return dir;
}
