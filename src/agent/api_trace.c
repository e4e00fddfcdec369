/*
 * include/sonde/trace.h: execution traces from inside the program.
 *
 * The trace is written by libsonde-http, which finds names: it is linked, or loaded now, from where
 * libsonde is or from where the loader looks. (Rejected: libdw in libsonde, and so in every program
 * that is profiled.)
 */
#include "sonde/trace.h"

#include "agent/control.h"
#include "agent/hooks/hooks.h"
#include "agent/inside.h"
#include "agent/profiles.h"
#include "sig/sig.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libsonde-http.so"

/* The trace that the program has started. */
static struct {
	struct sig_lock lock;
	int pid; /* whose: a fork's child inherits this, and no trace; 0: there is none */
	int fd;
	bool close_fd;
	inside_trace_writer *write;
} running;

/* --- the library --- */

#pragma weak sonde_private_trace_writer
typedef __typeof__(sonde_private_trace_writer) writer_fn;

static void *load_beside_us(void)
{
	char path[PATH_MAX];
	Dl_info self;
	const char *slash = dladdr((void *)sonde_trace_stop, &self) && self.dli_fname
				    ? strrchr(self.dli_fname, '/')
				    : NULL;
	if (!slash)
		return NULL;
	snprintf(
		path, sizeof(path), "%.*s/" LIBRARY, (int)(slash - self.dli_fname), self.dli_fname);
	return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

/* NULL: there is no such library, or it is for another version. */
static inside_trace_writer *find_writer(void)
{
	writer_fn *writer = sonde_private_trace_writer;
	if (!writer) {
		void *library = load_beside_us();
		if (!library)
			library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
		writer = library ? (writer_fn *)dlsym(library, "sonde_private_trace_writer") : NULL;
	}
	return writer ? writer(RECORDING_VERSION) : NULL;
}

/* --- starting --- */

static bool is_on(void)
{
	const struct recording *rec = profiles_recording();
	return rec && atomic_load(&rec->trace.on);
}

static int record(void)
{
	int rc = profiles_hold(0);
	if (rc)
		return rc;
	rc = control_set_rate(RECORDING_TRACE, 1);
	if (rc)
		profiles_drop();
	return rc;
}

static int start_locked(int fd, bool close_fd)
{
	int rc = record();
	if (rc)
		return rc;
	running.pid = sig_getpid();
	running.fd = fd;
	running.close_fd = close_fd;
	return 0;
}

/* Hidden: what the loader and libdw do is not the program's. */
static void enter(void)
{
	control_hide_begin();
	if (running.pid && running.pid != sig_getpid()) { /* a fork's child */
		sig_lock_reset(&running.lock);
		running.pid = 0;
	}
	sig_lock(&running.lock);
}

static int leave(int rc)
{
	sig_unlock(&running.lock);
	control_hide_end();
	return rc;
}

/* Before a file is emptied. */
static int prepare(void)
{
	if (is_on())
		return -EBUSY;
	running.write = find_writer();
	return running.write ? 0 : -ELIBACC;
}

HOOK int sonde_trace_start_fd(int fd)
{
	enter();
	int rc = prepare();
	return leave(rc ? rc : start_locked(fd, false));
}

static int start_file(const char *path)
{
	int rc = prepare();
	if (rc)
		return rc;
	int fd = sig_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd < 0)
		return fd;
	rc = start_locked(fd, true);
	if (rc)
		sig_close(fd);
	return rc;
}

HOOK int sonde_trace_start(const char *path)
{
	enter();
	return leave(start_file(path));
}

/* --- stopping --- */

static int stop_locked(void)
{
	if (!running.pid)
		return -ENOENT;
	int rc = control_set_rate(RECORDING_TRACE, 0);
	control_modules_changed();
	control_refresh();
	if (!rc)
		rc = running.write(profiles_recording(), running.fd);
	if (running.close_fd)
		sig_close(running.fd);
	running.pid = 0;
	profiles_drop();
	return rc;
}

HOOK int sonde_trace_stop(void)
{
	enter();
	return leave(stop_locked());
}

HOOK bool sonde_trace_is_enabled(void)
{
	return is_on();
}
