/*
 * Profiles of a program that runs on, on a signal to `sonde run`.
 *
 * Recordings are read while they are written to (docs/recording.md), so the program takes no part
 * in this but for what is of the moment: where its threads are, and what they wait in (poke.h). The
 * signal that asks is not passed on: the program may have a use for it.
 */
#include "cli/cli.h"
#include "cli/run.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

static int make_dir(const struct run_session *s, char *ret, size_t size, struct err *err)
{
	char stamp[32];
	struct tm when;
	time_t now = time(NULL);
	localtime_r(&now, &when);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &when);
	for (int i = 1; i < 100; i++) {
		int n = snprintf(ret, size, i > 1 ? "%s/sonde-%d-%s.%d" : "%s/sonde-%d-%s",
			s->dump_dir, (int)s->pid, stamp, i);
		if (n < 0 || (size_t)n >= size)
			return err_set(err, ERR_LIMIT, "%s: too long a path", s->dump_dir);
		if (mkdir(ret, 0777) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return err_errno(err, "%s", ret);
}

struct dump {
	const struct run_session *session;
	const char *dir;
	const struct run_recording *newest;
	struct err *err;
	int rc;
};

/* A name may be any text, a file's name not: two that become the same have different numbers. */
static void name_file(const struct export_custom *custom, char *ret, size_t size)
{
	bool changed = false;
	snprintf(ret, size, "%s", custom->name);
	for (char *c = ret; *c; c++) {
		if (isalnum((unsigned char)*c) || strchr("_-", *c) || (*c == '.' && c > ret))
			continue;
		*c = '_';
		changed = true;
	}
	size_t n = strlen(ret);
	if (changed)
		snprintf(ret + n, size - n, "-%llu", (unsigned long long)custom->view.key);
}

static bool dump_custom(void *ctx, const struct export_custom *custom)
{
	struct dump *d = ctx;
	char path[PATH_MAX + 256], name[RECORDING_CUSTOM_NAME + 32];
	name_file(custom, name, sizeof(name));
	snprintf(path, sizeof(path), "%s/%s.pb.gz", d->dir, name);
	struct run_output out = {custom->name, path, &custom->view};
	d->rc = run_write_outputs(d->session, &out, 1, d->newest, 1, true, d->err);
	return !d->rc;
}

/* Where its threads are was asked for this moment. */
static bool is_recorded(const struct recording *rec, enum recording_kind kind)
{
	return kind == RECORDING_GOROUTINE ? atomic_load(&rec->snapshot) != 0
					   : atomic_load(&rec->rates.of[kind]) != 0;
}

/* All kinds that the process records now. */
static int dump_process(const struct run_session *s, const char *dir,
	const struct run_recording *files, size_t n, struct err *err)
{
	const struct recording *rec = files[n - 1].source.data;
	const struct export_view *view;
	int rc = 0;
	for (size_t i = 0; (view = export_view_at(i)) && !rc; i++) {
		char path[PATH_MAX + 64];
		struct run_output out = {view->name, path, NULL};
		if (!is_recorded(rec, view->kind))
			continue;
		snprintf(path, sizeof(path), "%s/%s.pb.gz", dir, view->name);
		rc = run_write_outputs(s, &out, 1, files, n, true, err);
		snprintf(path, sizeof(path), "%s/%s.txt", dir, view->name);
		if (!rc && view->kind == RECORDING_GOROUTINE)
			rc = run_write_outputs(s, &out, 1, files, n, true, err);
	}
	struct dump customs = {s, dir, &files[n - 1], err, rc};
	if (!rc)
		export_each_custom(&files[n - 1].source, dump_custom, &customs);
	return customs.rc;
}

void run_session_dump(const struct run_session *s)
{
	char dir[PATH_MAX];
	struct run_recordings c;
	struct err err = ERR_INIT;
	if (make_dir(s, dir, sizeof(dir), &err)) {
		cli_error("run", "%s", err.msg);
		return;
	}
	run_session_settle(s, true);
	run_recordings_open(s, &c);
	if (!c.n)
		cli_error("run", "no process has begun to record yet");
	for (size_t i = 0, n; i < c.n; i += n) {
		n = run_recordings_process(&c, i);
		if (dump_process(s, dir, &c.files[i], n, &err))
			cli_error("run", "%s", err.msg);
	}
	run_recordings_close(&c);
}
