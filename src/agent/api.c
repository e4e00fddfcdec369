/*
 * include/sonde/pprof.h: the functions programs call.
 */
#include "sonde/pprof.h"

#include "agent/control.h"
#include "agent/export.h"
#include "agent/export_write.h"
#include "agent/hooks/hooks.h"
#include "agent/profiles.h"
#include "agent/session.h"
#include "sig/sig.h"

#include <errno.h>
#include <fcntl.h>

/* The CPU profile that the program has started. */
static struct {
	struct sig_lock lock;
	int pid; /* whose: a fork's child inherits this, and no profile */
	int fd;
	bool close_fd;
	struct export_heap *heap; /* of `since` */
	struct export_baseline *since;
} running;

/* A member is the caller's if all of it lies within the size it gave. */
#define GIVEN(opts, member)                                                       \
	((opts) &&                                                                \
		(opts)->size >= offsetof(struct sonde_cpu_profile_opts, member) + \
					sizeof((opts)->member) &&                 \
		(opts)->member)

static void let_go(void)
{
	export_heap_free(running.heap);
	running.heap = NULL;
	profiles_drop();
}

/* With the recording held. */
static int begin(unsigned hz)
{
	running.heap = export_heap_new();
	if (!running.heap)
		return -ENOMEM;
	int rc = export_write_baseline(
		running.heap, profiles_recording(), RECORDING_CPU, &running.since);
	return rc ? rc : control_set_rate(RECORDING_CPU, hz);
}

static int start_locked(int fd, bool close_fd, const struct sonde_cpu_profile_opts *opts)
{
	unsigned hz = GIVEN(opts, hz) ? opts->hz : SESSION_HZ;
	if (hz > SESSION_HZ_MAX)
		return -EINVAL;
	if (control_rate(RECORDING_CPU))
		return -EBUSY;
	int rc = profiles_hold(GIVEN(opts, memory_max) ? opts->memory_max : 0);
	if (rc)
		return rc;
	rc = begin(hz);
	if (rc) {
		let_go();
		return rc;
	}
	running.pid = sig_getpid();
	running.fd = fd;
	running.close_fd = close_fd;
	return 0;
}

static int start(int fd, bool close_fd, const struct sonde_cpu_profile_opts *opts)
{
	if (running.pid != sig_getpid())
		sig_lock_reset(&running.lock);
	sig_lock(&running.lock);
	int rc = start_locked(fd, close_fd, opts);
	sig_unlock(&running.lock);
	return rc;
}

HOOK int sonde_cpu_profile_start_fd(int fd, const struct sonde_cpu_profile_opts *opts)
{
	return start(fd, false, opts);
}

HOOK int sonde_cpu_profile_start(const char *path, const struct sonde_cpu_profile_opts *opts)
{
	if (control_rate(RECORDING_CPU))
		return -EBUSY; /* before the file of the one that runs is emptied */
	int fd = sig_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd < 0)
		return fd;
	int rc = start(fd, true, opts);
	if (rc)
		sig_close(fd);
	return rc;
}

static int stop_locked(void)
{
	struct export_opts opts = {export_view("cpu"), running.since, true};
	control_set_rate(RECORDING_CPU, 0);
	control_modules_changed();
	control_refresh();
	int rc = export_write(profiles_recording(), &opts, running.fd);
	if (running.close_fd)
		sig_close(running.fd);
	let_go();
	running.pid = 0;
	return rc;
}

HOOK int sonde_cpu_profile_stop(void)
{
	if (running.pid != sig_getpid())
		return -ENOENT;
	sig_lock(&running.lock);
	int rc = running.pid == sig_getpid() ? stop_locked() : -ENOENT;
	sig_unlock(&running.lock);
	return rc;
}
