/*
 * One report, from the profile to where it is wanted: stdout, a file, or a viewer.
 *
 * A report is written as it is made, so that 100,000 traces need no memory; its file is opened with
 * the first byte, so that a report that fails leaves none behind.
 */
#include "cli/pprof_tool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct destination {
	struct sink sink;
	int fd; /* -1: not open yet */
	const char *path;
	struct notes *notes;
	struct err *err;
};

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t wrote = write(fd, p, n);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		p += wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

int pprof_os_error(struct err *err, const char *what, const char *path)
{
	int code = errno;
	char words[128];
	snprintf(words, sizeof(words), "%s", strerror(code));
	words[0] = (char)tolower((unsigned char)words[0]);
	return err_set(err, -code, "%s %s: %s", what, path, words);
}

static int destination_open(struct destination *d)
{
	if (d->fd >= 0)
		return 0;
	notes_printf(d->notes, "Generating report in %s", d->path);
	d->fd = open(d->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return d->fd < 0 ? pprof_os_error(d->err, "open", d->path) : 0;
}

static int destination_write(struct sink *sink, const void *p, size_t n)
{
	struct destination *d = sink->ctx;
	int rc = destination_open(d);
	if (rc < 0)
		return rc;
	rc = write_all(d->fd, p, n);
	if (rc < 0 && rc != -EPIPE) {
		errno = -rc;
		pprof_os_error(d->err, "write", d->path);
	}
	return rc;
}

static void destination_init(
	struct destination *d, int fd, const char *path, struct notes *notes, struct err *err)
{
	*d = (struct destination){.fd = fd, .path = path, .notes = notes, .err = err};
	d->sink = (struct sink){.write = destination_write, .ctx = d};
}

/* A report may be empty: its file is made nevertheless. */
static int destination_close(struct destination *d, int rc)
{
	if (rc >= 0)
		rc = destination_open(d);
	if (d->fd > STDERR_FILENO && close(d->fd) < 0 && rc >= 0)
		rc = err_errno(d->err, "%s", d->path);
	return rc;
}

static int write_report(
	struct report *r, const struct pprof_command *c, struct destination *d, struct err *err)
{
	if (!c->dot_type)
		return report_write(r, &d->sink, err);
	struct buf graph = BUF_INIT, image = BUF_INIT;
	struct sink to = buf_sink(&graph);
	int rc = report_write(r, &to, err);
	if (rc >= 0)
		rc = pprof_dot(&graph, c->dot_type, &image, err);
	if (rc >= 0)
		rc = d->sink.write(&d->sink, image.data, image.len);
	buf_release(&graph);
	buf_release(&image);
	return rc;
}

int pprof_temp_file(
	const char *dir, const char *prefix, const char *suffix, char **ret_path, struct err *err)
{
	for (int i = 1; i < 10000; i++) {
		struct buf path = BUF_INIT;
		buf_printf(&path, "%s%s%s%03d%s", dir, *dir ? "/" : "", prefix, i, suffix);
		int fd = open(path.data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd >= 0) {
			*ret_path = buf_detach(&path, NULL);
			return fd;
		}
		int rc = errno == EEXIST ? 0 : pprof_os_error(err, "open", path.data);
		buf_release(&path);
		if (rc < 0)
			return rc;
	}
	return err_set(err, ERR_LIMIT, "could not create file of the form %s001%s", prefix, suffix);
}

/* --- viewers --- */

/* Files that viewers read: removed at the end. */
static struct {
	char **paths;
	uint32_t n, cap;
} shown_files;

void pprof_clean_up(void)
{
	for (uint32_t i = 0; i < shown_files.n; i++) {
		unlink(shown_files.paths[i]);
		mem_free(shown_files.paths[i]);
	}
	mem_free(shown_files.paths);
	memset(&shown_files, 0, sizeof(shown_files));
}

/* Starts a program with the file as its last argument. -errno if there is no such program. */
static pid_t start_viewer(const char *viewer, const char *path)
{
	char *words = mem_strdup(viewer), *argv[16], *rest = words;
	int n = 0, pipe_fd[2];
	for (char *word; n < 14 && (word = strsep(&rest, " "));)
		if (*word)
			argv[n++] = word;
	argv[n++] = (char *)path;
	argv[n] = NULL;
	/* The pipe closes with a successful exec; otherwise the child says why through it. */
	if (pipe2(pipe_fd, O_CLOEXEC) < 0) {
		mem_free(words);
		return -errno;
	}
	pid_t pid = fork();
	if (pid == 0) {
		/* The web page's server waits for signals with them blocked. */
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvp(argv[0], argv);
		int why = errno;
		(void)!write(pipe_fd[1], &why, sizeof(why));
		_exit(127);
	}
	int why = 0;
	close(pipe_fd[1]);
	bool failed = pid < 0 || read(pipe_fd[0], &why, sizeof(why)) == (ssize_t)sizeof(why);
	close(pipe_fd[0]);
	mem_free(words);
	if (pid > 0 && failed)
		waitpid(pid, NULL, 0);
	return failed ? -(why ? why : errno) : pid;
}

pid_t pprof_browse(const char *path)
{
	static const char *const browsers[] = {
		"chrome", "google-chrome", "chromium", "firefox", "sensible-browser"};
	const char *own = getenv("BROWSER");
	pid_t pid = own && *own ? start_viewer(own, path) : -ENOENT;
	for (size_t i = 0; pid < 0 && i < array_len(browsers); i++)
		pid = start_viewer(browsers[i], path);
	if (pid < 0 && getenv("DISPLAY"))
		pid = start_viewer("xdg-open", path);
	return pid;
}

static const char *temp_dir(void)
{
	const char *dir = getenv("TMPDIR");
	return dir && *dir ? dir : "/tmp";
}

static int open_viewer(
	const struct pprof_command *c, const char *path, bool in_shell, struct err *err)
{
	pid_t pid = c->viewer ? start_viewer(c->viewer, path) : pprof_browse(path);
	if (pid < 0) {
		errno = -pid;
		return err_errno(err, "no program to show %s with: %s", path,
			c->viewer ? c->viewer : "$BROWSER, chromium, firefox");
	}
	/* What was started may have handed the file on and be gone: give it time to be read. */
	sleep(1);
	int status;
	if (!in_shell && waitpid(pid, &status, 0) > 0 && status)
		return err_set(err, ERR_NOT_FOUND, "the viewer failed: exit status %d",
			WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return 0;
}

static int view(struct report *r, const struct pprof_command *c, bool in_shell, struct notes *notes,
	struct err *err)
{
	char *path;
	struct buf suffix = BUF_INIT;
	buf_printf(&suffix, ".%s", c->extension);
	int fd = pprof_temp_file(temp_dir(), "pprof", suffix.data, &path, err);
	buf_release(&suffix);
	if (fd < 0)
		return fd;
	struct destination d;
	vec_push(shown_files.paths, shown_files.n, shown_files.cap, path);
	destination_init(&d, fd, path, notes, err);
	int rc = destination_close(&d, write_report(r, c, &d, err));
	return rc < 0 ? rc : open_viewer(c, path, in_shell, err);
}

/* Binary formats do not go to a terminal. */
static int print(struct report *r, const struct pprof_command *c, bool in_shell,
	struct notes *notes, struct err *err)
{
	struct destination d;
	char *path = NULL;
	int fd = STDOUT_FILENO;
	if (c->view == VIEW_FILE && (in_shell || isatty(STDOUT_FILENO))) {
		struct buf suffix = BUF_INIT;
		buf_printf(&suffix, ".%s", c->extension);
		fd = pprof_temp_file("", "profile", suffix.data, &path, err);
		buf_release(&suffix);
		if (fd < 0)
			return fd;
		notes_printf(notes, "Generating report in %s", path);
	}
	destination_init(&d, fd, path ? path : "stdout", notes, err);
	int rc = destination_close(&d, write_report(r, c, &d, err));
	mem_free(path);
	return rc;
}

int pprof_run(struct profile *p, const struct pprof_job *job, struct notes *notes, struct err *err)
{
	struct report r;
	struct destination d;
	const struct pprof_command *c = job->command;
	const char *file = job->config->output;
	int rc = report_init(&r, p, c->format, c->name, job->param, job->config, notes, err);
	if (rc < 0)
		return rc;
	if (job->pipe_fd >= 0) {
		destination_init(&d, job->pipe_fd, "pipe", notes, err);
		rc = write_report(&r, c, &d, err);
		rc = rc == -EPIPE ? 0 : rc; /* the reader had enough */
	} else if (*file) {
		destination_init(&d, -1, file, notes, err);
		rc = destination_close(&d, write_report(&r, c, &d, err));
	} else if (c->view == VIEW_OPEN) {
		rc = view(&r, c, job->in_shell, notes, err);
	} else {
		rc = print(&r, c, job->in_shell, notes, err);
	}
	report_release(&r);
	return rc;
}
