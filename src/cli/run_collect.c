/*
 * From recordings to profiles: a process leaves one file for each image it ran (exec makes a new
 * one), which become one profile.
 */
#include "cli/run.h"

#include "cli/cli.h"
#include "live/live.h"
#include "sig/sig.h"
#include "symbolize/symbolize.h"
#include "tracer/tracer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the session directory --- */

static bool make_dir(struct run_session *s, const char *parent)
{
	int n = snprintf(s->dir, sizeof(s->dir), "%s/sonde-XXXXXX", parent);
	return n > 0 && (size_t)n < sizeof(s->dir) && mkdtemp(s->dir);
}

/* Memory first: recordings on a disk would be written to it all the while. */
int run_session_new(struct run_session *s, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	s->symbols = symbolize_cache_new();
	if (make_dir(s, "/dev/shm") || (tmp && *tmp && make_dir(s, tmp)) || make_dir(s, "/tmp"))
		return 0;
	return err_errno(err, "no directory for the recording in /dev/shm, $TMPDIR or /tmp");
}

void run_session_remove(struct run_session *s)
{
	DIR *dir = opendir(s->dir);
	struct dirent *e;
	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(s->dir);
	symbolize_cache_free(s->symbols);
}

/* --- reading it --- */

int run_recording_map(const struct run_session *s, int pid, unsigned sequence,
	struct export_source *ret, struct err *err)
{
	char path[PATH_MAX + 64];
	snprintf(path, sizeof(path), "%s/%d.%u" SESSION_SUFFIX, s->dir, pid, sequence);
	return export_source_open(AT_FDCWD, path, true, ret, err);
}

static int by_process(const void *a, const void *b)
{
	const struct run_recording *x = a, *y = b;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

void run_recordings_open(const struct run_session *s, struct run_recordings *c)
{
	*c = (struct run_recordings){0};
	DIR *dir = opendir(s->dir);
	struct dirent *e;
	while (dir && (e = readdir(dir))) {
		struct run_recording r;
		if (sscanf(e->d_name, "%d.%u" SESSION_SUFFIX, &r.pid, &r.sequence) == 2 &&
			!export_source_open(dirfd(dir), e->d_name, false, &r.source, NULL))
			vec_push(c->files, c->n, c->cap, r);
	}
	if (dir)
		closedir(dir);
	if (c->n)
		qsort(c->files, c->n, sizeof(*c->files), by_process);
}

void run_recordings_close(struct run_recordings *c)
{
	for (size_t i = 0; i < c->n; i++)
		export_source_close(&c->files[i].source);
	mem_free(c->files);
}

/* Whether the process answers is its own business: it may have ended. */
static void poke(struct recording *rec, enum recording_kind kind, uint64_t rate)
{
	if (poke_set_rate(rec, kind, rate))
		return;
}

static void snapshot(struct recording *rec, bool always)
{
	bool on = atomic_load(&rec->rates.of[RECORDING_GOROUTINE]);
	if (!on && !always)
		return;
	poke(rec, RECORDING_GOROUTINE, recording_rate_again(rec, RECORDING_GOROUTINE));
	if (!on)
		poke(rec, RECORDING_GOROUTINE, 0);
}

static void settle(const struct run_session *s, const struct run_recording *r, bool threads)
{
	struct err err = ERR_INIT;
	struct export_source source;
	if (run_recording_map(s, r->pid, r->sequence, &source, &err))
		return;
	struct recording *rec = (struct recording *)source.data;
	uint64_t wall = atomic_load(&rec->rates.of[RECORDING_WALL]);
	snapshot(rec, threads);
	if (wall)
		poke(rec, RECORDING_WALL, wall);
	export_source_close(&source);
}

void run_session_settle(const struct run_session *s, bool threads)
{
	struct run_recordings c;
	run_recordings_open(s, &c);
	for (size_t i = 0, n; i < c.n; i += n) {
		n = run_recordings_process(&c, i);
		settle(s, &c.files[i + n - 1], threads);
	}
	run_recordings_close(&c);
}

/* --- writing profiles --- */

const struct export_view *run_view(const char *name)
{
	return strcmp(name, "leaks") == 0   ? export_leaks_view()
	       : strcmp(name, "trace") == 0 ? export_trace_view()
					    : export_view(name);
}

/* FILE for the program, FILE with ".PID" before its extension for its children. */
static void name_output(
	const struct run_session *s, const char *file, int pid, char *out, size_t size)
{
	const char *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;
	const char *dot = strchr(*base ? base + 1 : base, '.');
	int stem = dot ? (int)(dot - file) : (int)strlen(file);
	if (pid == s->pid)
		snprintf(out, size, "%s", file);
	else
		snprintf(out, size, "%.*s.%d%s", stem, file, pid, dot ? dot : "");
}

/* A regular file is replaced when it is complete; a pipe or device is written to. */
static int write_output(const char *path, const struct buf *data, struct err *err)
{
	struct stat st;
	char tmp[PATH_MAX + 16];
	bool replace = stat(path, &st) != 0 || S_ISREG(st.st_mode);
	snprintf(tmp, sizeof(tmp), replace ? "%s.tmp%d" : "%s", path, getpid());
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_errno(err, "%s", path);
	int rc = sig_write_all(fd, data->data, data->len);
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && replace && rename(tmp, path))
		rc = -errno;
	if (!rc)
		return 0;
	if (replace)
		unlink(tmp);
	errno = -rc;
	return err_errno(err, "%s", path);
}

static void warn(void *ctx, const char *text)
{
	cli_error("run", "%s", text);
}

static void symbolize(const struct run_session *s, struct profile *p)
{
	struct symbolize_opts opts = {.local = true, .message = warn, .cache = s->symbols};
	struct err err = ERR_INIT;
	if (symbolize_profile(p, &opts, &err))
		cli_error("run", "symbolizing: %s", err.msg);
}

static void report_cpu(const struct export_summary *sum, const char *file)
{
	fprintf(stderr,
		"sonde run: %.3fs of CPU in %.3fs, %llu samples at %u Hz, %llu thread%s, "
		"%llu truncated, %llu dropped: %s\n",
		(double)sum->cpu_ns / 1e9, (double)sum->duration_ns / 1e9,
		(unsigned long long)sum->samples, sum->hz, (unsigned long long)sum->threads,
		sum->threads == 1 ? "" : "s", (unsigned long long)sum->truncated,
		(unsigned long long)sum->dropped, file);
	if (sum->unarmed)
		cli_error("run",
			"%llu threads were not sampled: the kernel gave them no timer (see `ulimit "
			"-i`)",
			(unsigned long long)sum->unarmed);
	if (sum->displaced)
		cli_error("run", "the program took SIGPROF for itself; its samples end there");
}

static void report(
	const struct run_output *out, const struct profile *p, const struct export_summary *sum)
{
	if (strcmp(out->view, "cpu") == 0) {
		report_cpu(sum, out->file);
		return;
	}
	fprintf(stderr, "sonde run: %s profile, %u sample%s in %.3fs: %s\n", out->view, p->sample_n,
		p->sample_n == 1 ? "" : "s", (double)sum->duration_ns / 1e9, out->file);
	if (sum->lost)
		cli_error("run", "%llu events are missing in it: the recording's memory was full",
			(unsigned long long)sum->lost);
}

static int write_profile(const struct run_session *s, const struct run_output *out,
	struct profile *p, const struct export_summary *sum, struct err *err)
{
	struct buf data = BUF_INIT;
	symbolize(s, p);
	profile_write(p, &data);
	int rc = write_output(out->file, &data, err);
	buf_release(&data);
	if (!rc)
		report(out, p, sum);
	return rc;
}

/* Thread by thread. */
typedef void threads_fn(const struct profile *p, const struct export_threads *threads,
	const struct recording *rec, struct buf *out);

static void as_text(const struct profile *p, const struct export_threads *threads,
	const struct recording *rec, struct buf *out)
{
	live_threads_text(p, threads, out);
}

/* NULL: the name of the file asks for a profile. */
static threads_fn *threads_form(const struct run_output *out)
{
	const char *dot = strrchr(out->file, '.');
	if (!dot || strcmp(out->view, "goroutine") != 0)
		return NULL;
	return strcmp(dot, ".txt") == 0	   ? as_text
	       : strcmp(dot, ".json") == 0 ? live_threads_json
					   : NULL;
}

/* Those of the image that ran last. */
static int export_threads(const struct run_session *s, const struct run_output *out,
	threads_fn *form, const struct export_source *source, bool live, struct err *err)
{
	struct export_threads threads = EXPORT_THREADS_INIT;
	struct export_opts opts = {
		.view = export_view(out->view), .live = live, .threads = &threads};
	struct export_summary sum;
	struct profile p;
	struct buf data = BUF_INIT;
	int rc = export_profile(source, 1, &opts, &p, &sum, err);
	if (rc)
		return rc;
	symbolize(s, &p);
	export_threads_name(&threads, sum.pid);
	form(&p, &threads, source->data, &data);
	rc = write_output(out->file, &data, err);
	if (!rc)
		fprintf(stderr, "sonde run: %u threads: %s\n", threads.n, out->file);
	buf_release(&data);
	profile_release(&p);
	export_threads_release(&threads);
	return rc;
}

/* --- the execution trace --- */

/* Of the image that ran last. */
static int export_trace(const struct run_session *s, const struct run_output *out,
	const struct export_source *source, struct err *err)
{
	struct symbolize_opts opts = {.local = true, .message = warn, .cache = s->symbols};
	struct tracer_summary sum;
	struct buf data = BUF_INIT;
	struct sink sink = buf_sink(&data);
	int rc = tracer_export(source, &opts, s->trace_format, &sink, &sum, err);
	if (!rc)
		rc = write_output(out->file, &data, err);
	if (!rc)
		fprintf(stderr,
			"sonde run: trace of %.3fs, %llu thread%s, %llu event%s, %zu KiB: %s\n",
			(double)sum.duration_ns / 1e9, (unsigned long long)sum.threads,
			sum.threads == 1 ? "" : "s", (unsigned long long)sum.events,
			sum.events == 1 ? "" : "s", data.len / 1024, out->file);
	if (!rc && sum.lost)
		cli_error("run", "%llu events are missing in it: the trace's memory was full",
			(unsigned long long)sum.lost);
	buf_release(&data);
	return rc;
}

static int export_output(const struct run_session *s, const struct run_output *out, int pid,
	const struct export_source *sources, size_t n, bool live, struct err *err)
{
	struct profile p;
	struct export_summary sum;
	char file[PATH_MAX];
	struct export_opts opts = {
		.view = out->custom ? out->custom : run_view(out->view), .live = live};
	name_output(s, out->file, pid, file, sizeof(file));
	struct run_output named = {out->view, file, out->custom};
	if (strcmp(out->view, "trace") == 0)
		return export_trace(s, &named, &sources[n - 1], err);
	if (threads_form(out))
		return export_threads(s, &named, threads_form(out), &sources[n - 1], live, err);
	int rc = export_profile(sources, n, &opts, &p, &sum, err);
	if (rc)
		return rc;
	if (pid == s->pid && sum.duration_ns < s->duration_ns) {
		sum.duration_ns = s->duration_ns;
		p.duration_nanos = (int64_t)s->duration_ns;
	}
	if (sum.declined[0])
		rc = err_set(err, ERR_UNSUPPORTED, "%s was not profiled: %s",
			sum.exe[0] ? sum.exe : "the program", sum.declined);
	else
		rc = write_profile(s, &named, &p, &sum, err);
	profile_release(&p);
	return rc;
}

int run_write_outputs(const struct run_session *s, const struct run_output *outputs,
	size_t output_n, const struct run_recording *files, size_t n, bool live, struct err *err)
{
	struct export_source *sources = mem_array(n, sizeof(*sources));
	int rc = 0;
	for (size_t i = 0; i < n; i++)
		sources[i] = files[i].source;
	for (size_t i = 0; i < output_n && !rc; i++)
		if (outputs[i].file && outputs[i].file[0])
			rc = export_output(s, &outputs[i], files[0].pid, sources, n, live, err);
	mem_free(sources);
	return rc;
}

size_t run_recordings_process(const struct run_recordings *c, size_t from)
{
	size_t n = 1;
	while (from + n < c->n && c->files[from + n].pid == c->files[from].pid)
		n++;
	return n;
}

int run_session_collect(struct run_session *s)
{
	struct run_recordings c;
	bool own = false;
	int rc = 0;
	run_recordings_open(s, &c);
	for (size_t i = 0, n; i < c.n; i += n) {
		struct err err = ERR_INIT;
		n = run_recordings_process(&c, i);
		own |= c.files[i].pid == s->pid;
		if (run_write_outputs(s, s->outputs, RUN_OUTPUTS, &c.files[i], n, false, &err)) {
			cli_error("run", "%s", err.msg);
			rc = -1;
		}
	}
	run_recordings_close(&c);
	if (own)
		return rc;
	cli_error("run",
		"the program did not load libsonde, so there is no profile of it; does it (or "
		"what it executes) clear LD_PRELOAD, or run as another user?");
	return -1;
}
