/*
 * include/sonde/profile.h: one line at the top of main.
 *
 * Profiles are written by sonde_profile_stop(), by the library's destructor, or, when SIGINT comes,
 * by a thread that its handler wakes: writing a profile is nothing for a handler. The thread sends
 * the signal once more when it is done, to its default action. (Rejected: writing in the handler.)
 */
#include "sonde/profile.h"

#include "sonde/pprof.h"
#include "sonde/trace.h"

#include "agent/control.h"
#include "agent/hooks/hooks.h"
#include "agent/profiles.h"
#include "agent/session.h"
#include "sig/sig.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEM_RATE 4096 /* pkg/profile's */

static struct {
	struct sig_lock lock;
	int pid; /* whose; 0: none runs */
	struct sonde_profile_options options;
	char dir[PATH_MAX];
	bool traces;
	int wake[2]; /* the handler's pipe */
} session;

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	char line[PATH_MAX + 128];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (n > 0 && !session.options.quiet)
		sig_write_all(STDERR_FILENO, line,
			(size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

/* --- what is recorded --- */

struct mode {
	bool on;
	enum recording_kind kind;
	uint64_t rate;
	const char *view, *word, *file;
};

#define MODES 8

static void modes_of(const struct sonde_profile_options *o, struct mode *ret)
{
	bool any = o->mem || o->allocs || o->block || o->mutex || o->threadcreate || o->clock ||
		   o->goroutine || o->trace;
	uint64_t mem_rate = o->mem_rate ? (uint64_t)o->mem_rate : MEM_RATE;
	const struct mode all[MODES] = {
		{o->cpu || !any, RECORDING_CPU, o->hz ? o->hz : SESSION_HZ, "cpu", "cpu",
			"cpu.pprof"},
		{o->mem, RECORDING_HEAP, mem_rate, "heap", "memory", "mem.pprof"},
		{o->allocs, RECORDING_HEAP, mem_rate, "allocs", "memory",
			o->mem ? "allocs.pprof" : "mem.pprof"},
		{o->block, RECORDING_BLOCK, o->block_rate ? (uint64_t)o->block_rate : 1, "block",
			"block", "block.pprof"},
		{o->mutex, RECORDING_MUTEX, o->mutex_fraction ? (uint64_t)o->mutex_fraction : 1,
			"mutex", "mutex", "mutex.pprof"},
		{o->threadcreate, RECORDING_THREADCREATE, 0, "threadcreate", "threadcreation",
			"threadcreation.pprof"},
		{o->clock, RECORDING_WALL, o->hz ? o->hz : SESSION_HZ, "wall", "clock",
			"clock.pprof"},
		{o->goroutine, RECORDING_GOROUTINE, 1, "goroutine", "goroutine", "goroutine.pprof"},
	};
	memcpy(ret, all, sizeof(all));
}

static void path_of(const struct mode *m, char *ret, size_t size)
{
	snprintf(ret, size, "%s/%s", session.dir, m->file);
}

static void switch_off(const struct mode *modes)
{
	for (int i = 0; i < MODES; i++)
		if (modes[i].on && modes[i].rate)
			control_set_rate(modes[i].kind, 0);
}

static int switch_on(const struct mode *modes)
{
	int rc = 0;
	for (int i = 0; i < MODES && !rc; i++)
		if (modes[i].on && modes[i].rate)
			rc = control_set_rate(modes[i].kind, modes[i].rate);
	if (rc)
		switch_off(modes);
	return rc;
}

/* --- where --- */

static int choose_dir(const char *path)
{
	const char *tmp = getenv("TMPDIR");
	int n = path ? snprintf(session.dir, sizeof(session.dir), "%s", path)
		     : snprintf(session.dir, sizeof(session.dir), "%s/profileXXXXXX",
			       tmp && *tmp ? tmp : "/tmp");
	if (n < 0 || (size_t)n >= sizeof(session.dir) - 32)
		return -ENAMETOOLONG;
	if (!path)
		return mkdtemp(session.dir) ? 0 : -errno;
	return mkdir(session.dir, 0777) == 0 || errno == EEXIST ? 0 : -errno;
}

/* --- SIGINT --- */

static void on_interrupt(int sig)
{
	int before = errno;
	sig_write_all(session.wake[1], "", 1);
	errno = before;
}

static void *await_interrupt(void *arg)
{
	char byte;
	if (sig_read_all(session.wake[0], &byte, 1) != 1)
		return NULL;
	say("profile: caught interrupt, stopping profiles\n");
	sonde_profile_stop();
	signal(SIGINT, SIG_DFL);
	kill(sig_getpid(), SIGINT);
	return NULL;
}

/* The program's own way with the signal goes first. */
static void hook_interrupt(void)
{
	struct sigaction before, act = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
	pthread_t thread;
	if (sigaction(SIGINT, NULL, &before) || before.sa_handler != SIG_DFL ||
		pipe2(session.wake, O_CLOEXEC))
		return;
	control_hide_begin();
	int rc = pthread_create(&thread, NULL, await_interrupt, NULL);
	control_hide_end();
	if (rc)
		return;
	pthread_detach(thread);
	sigaction(SIGINT, &act, NULL);
}

/* --- the execution trace --- */

static void trace_path(char *ret, size_t size)
{
	snprintf(ret, size, "%s/trace.out", session.dir);
}

/* The profiles go on without it. */
static void start_trace(void)
{
	char path[PATH_MAX];
	trace_path(path, sizeof(path));
	int rc = sonde_trace_start(path);
	session.traces = rc == 0;
	if (rc == -ELIBACC)
		say("profile: no trace: libsonde-http, which names functions, is not installed\n");
	else if (rc)
		say("profile: no trace: %s\n", strerror(-rc));
	else
		say("profile: trace enabled, %s\n", path);
}

static int stop_trace(void)
{
	char path[PATH_MAX];
	trace_path(path, sizeof(path));
	int rc = session.traces ? sonde_trace_stop() : 0;
	if (rc)
		say("profile: %s: %s\n", path, strerror(-rc));
	else if (session.traces)
		say("profile: trace disabled, %s\n", path);
	session.traces = false;
	return rc;
}

/* --- starting and stopping --- */

static int start_locked(const struct sonde_profile_options *options)
{
	struct mode modes[MODES];
	char path[PATH_MAX];
	if (session.pid)
		return -EBUSY;
	session.options = *options;
	modes_of(options, modes);
	int rc = choose_dir(options->path);
	if (!rc)
		rc = profiles_hold(0);
	if (rc)
		return rc;
	rc = switch_on(modes);
	if (rc) {
		profiles_drop();
		return rc;
	}
	session.pid = sig_getpid();
	for (int i = 0; i < MODES; i++) {
		path_of(&modes[i], path, sizeof(path));
		if (modes[i].on)
			say("profile: %s profiling enabled, %s\n", modes[i].word, path);
	}
	if (options->trace)
		start_trace();
	if (!options->no_shutdown_hook)
		hook_interrupt();
	return 0;
}

static void lock(void)
{
	if (session.pid && session.pid != sig_getpid()) { /* a fork's child */
		sig_lock_reset(&session.lock);
		session.pid = 0;
	}
	sig_lock(&session.lock);
}

HOOK int sonde_profile_start(const struct sonde_profile_options *options)
{
	lock();
	int rc = start_locked(options);
	sig_unlock(&session.lock);
	return rc;
}

static int write_all(const struct mode *modes)
{
	char path[PATH_MAX];
	int rc = 0;
	for (int i = 0; i < MODES; i++) {
		if (!modes[i].on)
			continue;
		path_of(&modes[i], path, sizeof(path));
		int one = sonde_profile_write_file(modes[i].view, path);
		if (one)
			say("profile: %s: %s\n", path, strerror(-one));
		else
			say("profile: %s profiling disabled, %s\n", modes[i].word, path);
		rc = rc ? rc : one;
	}
	return rc;
}

/* Counts stay when a kind is switched off: what is written is all there was. Live blocks do not, so
 * the heap is switched off afterwards. */
HOOK int sonde_profile_stop(void)
{
	struct mode modes[MODES];
	lock();
	if (!session.pid) {
		sig_unlock(&session.lock);
		return -ENOENT;
	}
	modes_of(&session.options, modes);
	if (modes[0].on)
		control_set_rate(RECORDING_CPU, 0);
	int traced = stop_trace();
	int rc = write_all(modes);
	rc = rc ? rc : traced;
	switch_off(modes);
	profiles_drop();
	session.pid = 0;
	sig_unlock(&session.lock);
	return rc;
}

__attribute__((destructor(102))) static void finish(void)
{
	if (session.pid == sig_getpid())
		sonde_profile_stop();
}
