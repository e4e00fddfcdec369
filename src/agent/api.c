/*
 * include/sonde/pprof.h: the functions programs call.
 */
#include "sonde/pprof.h"

#include "agent/control.h"
#include "agent/export_write.h"
#include "agent/hooks/hooks.h"
#include "agent/session.h"
#include "sig/sig.h"

#include <errno.h>
#include <fcntl.h>

#define MEMORY_MIN ((size_t)1 << 20)

static struct {
	struct sig_lock lock;
	int pid; /* whose: a fork's child inherits this, and no profile */
	int fd;
	bool close_fd;
} running;

/* A member is the caller's if all of it lies within the size it gave. */
#define GIVEN(opts, member)                                                       \
	((opts) &&                                                                \
		(opts)->size >= offsetof(struct sonde_cpu_profile_opts, member) + \
					sizeof((opts)->member) &&                 \
		(opts)->member)

static int start_locked(int fd, bool close_fd, const struct sonde_cpu_profile_opts *opts)
{
	unsigned hz = GIVEN(opts, hz) ? opts->hz : SESSION_HZ;
	size_t memory = GIVEN(opts, memory_max) ? opts->memory_max : RECORDING_SIZE_MAX;
	struct recording *rec;
	if (memory < MEMORY_MIN || memory > UINT32_MAX)
		return -EINVAL;
	if (control_is_recording())
		return -EBUSY;
	int rc = recording_new(memory & ~(size_t)4095, &rec);
	if (rc)
		return rc;
	rc = control_start(rec, hz, false);
	if (rc) {
		recording_free(rec);
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
	if (control_is_recording())
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
	struct recording *rec = control_stop();
	if (!rec)
		return -ENOENT;
	int rc = export_write(rec, running.fd);
	if (running.close_fd)
		sig_close(running.fd);
	recording_free(rec);
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
