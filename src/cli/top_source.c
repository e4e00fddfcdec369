/*
 * Where `sonde top` gets its profiles.
 *
 * A process under `sonde run` records into a file that it has mapped (docs/recording.md): top maps
 * it too, and reads it while it is being written; the process does not notice. The file is found in
 * /proc/PID/maps, because many servers write over their environment, where it is named too.
 * Anything with /debug/pprof/, Go programs included, is asked over HTTP.
 */
#include "cli/cli.h"
#include "cli/pprof_tool.h"
#include "cli/top.h"
#include "symbolize/symbolize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROFILE_MAX ((size_t)1 << 30)

/* --- a process --- */

/* The path at the end of a line of /proc/PID/maps, if it is a recording's. */
static bool recording_path(char *line, char *ret, size_t size)
{
	char *path = strchr(line, '/');
	if (!path)
		return false;
	path[strcspn(path, "\n")] = '\0';
	size_t n = strlen(path), suffix = strlen(SESSION_SUFFIX);
	if (n < suffix || strcmp(path + n - suffix, SESSION_SUFFIX) != 0 || n >= size)
		return false;
	memcpy(ret, path, n + 1);
	return true;
}

static int find_in_maps(int pid, char *ret, size_t size, struct err *err)
{
	char name[64], line[PATH_MAX + 128];
	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	FILE *f = fopen(name, "re");
	if (!f)
		return errno == ENOENT ? err_set(err, ERR_NOT_FOUND, "there is no process %d", pid)
				       : err_errno(err, "%s", name);
	bool found = false;
	while (!found && fgets(line, sizeof(line), f))
		found = recording_path(line, ret, size);
	fclose(f);
	return found ? 0 : ERR_NOT_FOUND;
}

/* `sonde run`'s own id is what a shell knows ($!); the program is its child. */
static int first_child(int pid)
{
	char name[96], text[64] = "";
	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", pid, pid);
	FILE *f = fopen(name, "re");
	if (!f)
		return 0;
	char *got = fgets(text, sizeof(text), f);
	fclose(f);
	return got ? atoi(got) : 0;
}

static int find_recording(struct top_source *s, struct err *err)
{
	int rc = find_in_maps(s->pid, s->path, sizeof(s->path), err);
	if (rc != ERR_NOT_FOUND || err->msg[0])
		return rc;
	int child = first_child(s->pid);
	if (child && find_in_maps(child, s->path, sizeof(s->path), err) == 0) {
		s->pid = child;
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND,
		"process %d is not recorded; start it by `sonde run`, or give the URL of its "
		"/debug/pprof/",
		s->pid);
}

static void unmap_recording(struct top_source *s)
{
	export_source_close(&s->recording);
	if (s->view)
		export_baseline_release(&s->before);
	s->view = NULL;
}

/* By exec the process gets a new recording, at another path. */
static int follow_process(struct top_source *s, bool *ret_ended, struct err *err)
{
	char path[PATH_MAX];
	struct err gone = ERR_INIT;
	*ret_ended = find_in_maps(s->pid, path, sizeof(path), &gone) != 0;
	if (*ret_ended || strcmp(path, s->path) == 0)
		return 0;
	unmap_recording(s);
	memcpy(s->path, path, sizeof(path));
	return export_source_open(AT_FDCWD, s->path, false, &s->recording, err);
}

static int check_recorded(const struct top_source *s, const struct top_view *view, struct err *err)
{
	const struct recording *rec = s->recording.data;
	const struct export_view *export = export_view(view->name);
	if (!export)
		return err_set(err, ERR_NOT_FOUND, "no %s profile of a process: ask its server",
			view->name);
	if (rec->declined[0])
		return err_set(err, ERR_UNSUPPORTED, "not profiled: %.*s", RECORDING_TEXT_MAX,
			rec->declined);
	if (!atomic_load(&rec->rates.of[export->kind]))
		return err_set(err, ERR_NOT_FOUND,
			"the process records no %s profile; `sonde run -h` has the flags",
			view->name);
	return 0;
}

/* Symbol tables only: what is inlined does not show, and no second goes by over debugging
 * information between two frames. */
static void symbolize(struct profile *p)
{
	struct symbolize_opts opts = {.local = true, .fast = true};
	struct err err = ERR_INIT;
	(void)!symbolize_profile(p, &opts, &err);
}

static int get_from_process(
	struct top_source *s, const struct top_view *view, struct top_profile *ret, struct err *err)
{
	int rc = follow_process(s, &ret->ended, err);
	if (!rc)
		rc = check_recorded(s, view, err);
	if (rc)
		return rc;
	struct export_baseline now;
	struct export_summary sum;
	struct export_opts opts = {
		export_view(view->name), view->since && s->view == view ? &s->before : NULL};
	rc = export_baseline_take(&now, &s->recording, 1, opts.view->kind, err);
	if (rc)
		return rc;
	rc = export_profile(&s->recording, 1, &opts, &ret->profile, &sum, err);
	if (rc) {
		export_baseline_release(&now);
		return rc;
	}
	if (opts.since)
		ret->seconds = (double)(now.monotonic_ns - s->before.monotonic_ns) / 1e9;
	if (s->view)
		export_baseline_release(&s->before);
	s->before = now;
	s->view = view;
	ret->threads = (unsigned)sum.threads;
	ret->memory = sum.memory;
	ret->lost = sum.lost + sum.dropped;
	snprintf(s->exe, sizeof(s->exe), "%.*s", (int)sizeof(s->exe) - 1, sum.exe);
	symbolize(&ret->profile);
	return 0;
}

/* --- a URL --- */

static int get_from_url(struct top_source *s, const struct top_view *view, unsigned seconds,
	struct top_profile *ret, struct err *err)
{
	struct pprof_args args = {.tls_cert = "", .tls_key = "", .tls_ca = ""};
	struct buf url = BUF_INIT;
	const char *name = strcmp(view->name, "cpu") == 0 ? "profile" : view->name;
	buf_printf(&url, "%s/debug/pprof/%s", s->url, name);
	if (view->since)
		buf_printf(&url, "?seconds=%u", seconds);
	if (*s->query)
		buf_printf(&url, "%c%s", view->since ? '&' : '?', s->query);
	struct http_get get = {.name = s->url, .url = url.data, .timeout = seconds + 10};
	pprof_http_get(&get, 1, &args, NULL);
	int rc = get.rc;
	if (rc < 0)
		*err = get.err;
	else
		rc = profile_read(
			&ret->profile, get.body.data, get.body.len, FORMAT_ANY, NULL, err);
	if (rc >= 0)
		ret->seconds = view->since ? seconds : 0;
	buf_release(&get.body);
	buf_release(&url);
	return rc < 0 ? rc : 0;
}

/* "host:port", "http://host/debug/pprof/heap", "unix:/path": up to the URL's path. */
static char *base_url(const char *what)
{
	struct buf url = BUF_INIT;
	size_t n = strcspn(what, "?#");
	const char *end = memmem(what, n, "/debug/", 7);
	bool is_socket = strncmp(what, "unix:", 5) == 0;
	n = end ? (size_t)(end - what) : n;
	while (n && what[n - 1] == '/')
		n--;
	if (!strstr(what, "://") && !is_socket)
		buf_addstr(&url, *what == ':' ? "http://localhost" : "http://");
	buf_add(&url, what, n);
	if (is_socket && what[n - 1] != ':')
		buf_addch(&url, ':');
	return buf_detach(&url, NULL);
}

static char *query_of(const char *what)
{
	const char *query = strchr(what, '?');
	return query ? mem_strndup(query + 1, strcspn(query + 1, "#")) : mem_strdup("");
}

/* --- either --- */

int top_source_open(struct top_source *s, const char *what, struct err *err)
{
	*s = (struct top_source){0};
	char *end;
	long pid = strtol(what, &end, 10);
	if (*end || end == what) {
		s->url = base_url(what);
		s->query = query_of(what);
		return 0;
	}
	if (pid < 1 || pid > INT_MAX)
		return err_set(err, ERR_USAGE, "%s: not a process id", what);
	s->pid = (int)pid;
	int rc = find_recording(s, err);
	return rc ? rc : export_source_open(AT_FDCWD, s->path, false, &s->recording, err);
}

void top_source_close(struct top_source *s)
{
	unmap_recording(s);
	mem_free(s->url);
	mem_free(s->query);
}

int top_source_get(struct top_source *s, const struct top_view *view, unsigned seconds,
	struct top_profile *ret, struct err *err)
{
	*ret = (struct top_profile){0};
	return s->pid ? get_from_process(s, view, ret, err)
		      : get_from_url(s, view, seconds, ret, err);
}
