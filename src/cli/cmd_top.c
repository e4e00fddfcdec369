/*
 * sonde top: a live view of what a process does: where it spends its time, who allocates, who
 * waits.
 *
 * A thread gets the profiles, because a server takes its seconds to answer; the terminal is watched
 * meanwhile, so that q is obeyed at once. Without a terminal frames are printed one below the
 * other.
 */
#include "cli/cli.h"
#include "cli/top.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const char synopsis[] = "usage: sonde top [-d N] [-n N] [-view NAME] [-cum] PID | URL\n\n"
			       "Shows, like top, where a process under `sonde run`, or anything "
			       "that serves /debug/pprof/, "
			       "spends its time and memory.\n\n";

#define PLAIN_ROWS 24

struct top {
	struct top_source source;
	unsigned seconds, frames; /* frames: 0: for ever */
	bool terminal;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* What the keys say. */
	const struct top_view *view;
	struct top_shape shape;
	_Atomic bool quit;
	bool hurry;
	/* What the other thread has for the screen. */
	struct buf text;
	struct err err;
	int rc;
	unsigned made; /* frames so far */
	bool ended;
	int wake[2]; /* a byte a frame */
};

/* --- the thread that gets profiles --- */

static void publish(struct top *t, struct buf *text, int rc, const struct err *err, bool ended)
{
	pthread_mutex_lock(&t->lock);
	buf_release(&t->text);
	t->text = *text;
	t->rc = rc;
	t->err = *err;
	t->ended = ended;
	t->made++;
	pthread_mutex_unlock(&t->lock);
	ssize_t n;
	do
		n = write(t->wake[1], "", 1);
	while (n < 0 && errno == EINTR);
}

/* Until the next frame is due, or a key wants it now; false: it is over. */
static bool wait_for_turn(struct top *t)
{
	struct timespec due;
	clock_gettime(CLOCK_MONOTONIC, &due);
	due.tv_sec += t->seconds;
	pthread_mutex_lock(&t->lock);
	int rc = 0;
	while (!t->quit && !t->hurry && rc != ETIMEDOUT)
		rc = pthread_cond_clockwait(&t->changed, &t->lock, CLOCK_MONOTONIC, &due);
	t->hurry = false;
	bool go_on = !t->quit;
	pthread_mutex_unlock(&t->lock);
	return go_on;
}

static bool one_frame(struct top *t)
{
	struct err err = ERR_INIT;
	struct buf text = BUF_INIT;
	struct top_profile p;
	pthread_mutex_lock(&t->lock);
	const struct top_view *view = t->view;
	struct top_shape shape = t->shape;
	pthread_mutex_unlock(&t->lock);
	int rc = top_source_get(&t->source, view, t->seconds, &p, &err);
	if (!rc) {
		rc = top_frame(&t->source, view, &p, &shape, &text, &err);
		profile_release(&p.profile);
	}
	publish(t, &text, rc, &err, p.ended);
	return !p.ended && (!rc || t->terminal);
}

/* A server takes the seconds itself; a process's counts are there at once. */
static void *get_frames(void *arg)
{
	struct top *t = arg;
	bool waits = t->source.pid != 0 || !t->view->since;
	for (unsigned i = 0; one_frame(t) && (!t->frames || i + 1 < t->frames); i++) {
		pthread_mutex_lock(&t->lock);
		waits = t->source.pid != 0 || !t->view->since || t->rc;
		bool quit = t->quit;
		pthread_mutex_unlock(&t->lock);
		if (quit || (waits && !wait_for_turn(t)))
			break;
	}
	pthread_mutex_lock(&t->lock);
	t->quit = true;
	pthread_mutex_unlock(&t->lock);
	close(t->wake[1]);
	return NULL;
}

/* --- the terminal --- */

static struct termios before;
static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	stopped = sig;
}

static void say(const char *text, size_t n)
{
	fwrite(text, 1, n, stdout);
	fflush(stdout);
}

static void leave_screen(void)
{
	static const char leave[] = "\033[?25h\033[?1049l";
	say(leave, sizeof(leave) - 1);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

static void enter_screen(void)
{
	static const char enter[] = "\033[?1049h\033[?25l";
	tcgetattr(STDIN_FILENO, &before);
	struct termios raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	say(enter, sizeof(enter) - 1);
	struct sigaction act = {.sa_handler = on_stop};
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
}

static void measure_screen(struct top_shape *shape)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 6) {
		shape->rows = size.ws_row - 1; /* the last line names the keys */
		shape->columns = size.ws_col;
	}
}

static void add_keys(const struct top *t, struct buf *out)
{
	buf_addstr(out, "\033[7mq quit  s sort ");
	for (const struct top_view *v = top_views; v->name; v++)
		buf_printf(out, " %s%c %s%s", v == t->view ? "\033[1m" : "", v->key, v->name,
			v == t->view ? "\033[22m" : "");
	buf_addstr(out, " \033[0m\033[K");
}

/* With the lock held. Lines end by clearing what the frame before left there. */
static void draw(struct top *t)
{
	struct buf screen = BUF_INIT;
	measure_screen(&t->shape);
	buf_addstr(&screen, "\033[H");
	if (t->rc)
		buf_printf(&screen, "sonde top: %s\033[K\n", t->err.msg);
	for (const char *line = t->text.len ? t->text.data : ""; *line;) {
		size_t n = strcspn(line, "\n");
		buf_add(&screen, line, n);
		buf_addstr(&screen, "\033[K\n");
		line += n + (line[n] == '\n');
	}
	buf_addstr(&screen, "\033[J");
	buf_printf(&screen, "\033[%d;1H", t->shape.rows + 1);
	add_keys(t, &screen);
	say(screen.data, screen.len);
	buf_release(&screen);
}

static void press(struct top *t, char key)
{
	pthread_mutex_lock(&t->lock);
	t->quit |= key == 'q' || key == 3;
	if (key == 's')
		t->shape.cum = !t->shape.cum;
	for (const struct top_view *v = top_views; v->name; v++)
		if (v->key == key)
			t->view = v;
	t->hurry = true;
	draw(t);
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

/* False: the frames have ended. */
static bool take_frame(struct top *t)
{
	char byte;
	ssize_t n = read(t->wake[0], &byte, 1);
	if (n == 0)
		return false;
	pthread_mutex_lock(&t->lock);
	if (t->terminal)
		draw(t);
	else if (!t->rc)
		printf("%s\n", t->text.data);
	fflush(stdout);
	pthread_mutex_unlock(&t->lock);
	return true;
}

static void watch(struct top *t)
{
	struct pollfd fds[2] = {{t->wake[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
	char key;
	while (!stopped && !t->quit) {
		if (poll(fds, t->terminal ? 2 : 1, -1) < 0 && errno != EINTR)
			break;
		if ((fds[0].revents & (POLLIN | POLLHUP)) && !take_frame(t))
			break;
		if (t->terminal && (fds[1].revents & (POLLIN | POLLHUP))) {
			if (read(STDIN_FILENO, &key, 1) <= 0)
				break;
			press(t, key);
		}
		fds[0].revents = fds[1].revents = 0;
	}
}

/* The thread is not waited for where it may sit in a request for seconds: the process ends. */
static int show(struct top *t)
{
	pthread_t thread;
	if (pipe(t->wake)) {
		cli_error("top", "%s", strerror(errno));
		return CLI_FAILED;
	}
	if (t->terminal)
		enter_screen();
	int rc = pthread_create(&thread, NULL, get_frames, t);
	if (!rc)
		watch(t);
	if (t->terminal)
		leave_screen();
	if (rc)
		cli_error("top", "%s", strerror(rc));
	pthread_mutex_lock(&t->lock);
	if (t->rc)
		cli_error("top", "%s", t->err.msg);
	int status = rc || t->rc ? CLI_FAILED : CLI_OK;
	pthread_mutex_unlock(&t->lock);
	return status;
}

static int parse(struct top *t, int argc, char **argv, const char **ret_what, struct err *err)
{
	const char *name = "cpu";
	bool cum = false;
	struct goflag flags[] = {
		{"cum", GOFLAG_BOOL, &cum, "sort by cum, what a function and all it calls take"},
		{"d", GOFLAG_UINT, &t->seconds, "`seconds` between frames (default 2)"},
		{"n", GOFLAG_UINT, &t->frames,
			"end after this many frames (default: never; 2 where the output is no "
			"terminal)"},
		{"view", GOFLAG_STRING, &name,
			"begin with `profile`: cpu, wall, heap, allocs, block, mutex, goroutine or "
			"threadcreate"},
	};
	int at = goflag_parse(flags, array_len(flags), argc, argv, err);
	if (at == GOFLAG_HELP) {
		struct buf text = BUF_INIT;
		goflag_usage(flags, array_len(flags), &text);
		printf("%s%s", synopsis, text.data);
		buf_release(&text);
		return at;
	}
	if (at < 0)
		return at;
	t->shape.cum = cum;
	t->view = top_view_find(name);
	*ret_what = argv[at];
	if (!t->view)
		return err_set(err, ERR_USAGE, "-view %s: there is no such view", name);
	if (!t->seconds)
		return err_set(err, ERR_USAGE, "-d 0: a second at least");
	if (argc - at != 1)
		return err_set(err, ERR_USAGE, "one process id or URL is wanted");
	return 0;
}

int cmd_top(int argc, char **argv)
{
	static struct top t = {.seconds = 2,
		.shape = {.rows = PLAIN_ROWS},
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER};
	struct err err = ERR_INIT;
	const char *what;
	int rc = parse(&t, argc, argv, &what, &err);
	if (rc == GOFLAG_HELP)
		return CLI_OK;
	if (rc) {
		cli_error("top", "%s; `sonde top -h` says how", err.msg);
		return CLI_USAGE;
	}
	t.terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (t.terminal)
		measure_screen(&t.shape);
	else if (!t.frames)
		t.frames = 2; /* of a process, the first is of all time */
	if (top_source_open(&t.source, what, &err)) {
		cli_error("top", "%s", err.msg);
		return CLI_FAILED;
	}
	return show(&t);
}
