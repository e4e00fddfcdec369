/*
 * The shared recording; see profiles.h.
 */
#include "agent/profiles.h"

#include "agent/control.h"
#include "agent/state.h"
#include "sig/sig.h"

#include <errno.h>

#define MEMORY_MIN ((size_t)1 << 20)

static struct {
	struct sig_lock lock;
	int pid; /* whose: a fork's child inherits this, and no recording */
	unsigned holders;
} held;

static void lock(void)
{
	int pid = sig_getpid();
	if (held.pid != pid) {
		sig_lock_reset(&held.lock);
		held.holders = 0;
		held.pid = pid;
	}
	sig_lock(&held.lock);
}

static int make(size_t memory_max)
{
	struct recording *rec;
	size_t memory = memory_max ? memory_max : RECORDING_SIZE_MAX;
	if (memory < MEMORY_MIN || memory > UINT32_MAX)
		return -EINVAL;
	int rc = recording_new(memory & ~(size_t)4095, &rec);
	if (rc)
		return rc;
	rc = control_open(rec);
	if (rc)
		recording_free(rec);
	return rc;
}

int profiles_hold(size_t memory_max)
{
	lock();
	int rc = held.holders ? 0 : make(memory_max);
	if (!rc)
		held.holders++;
	sig_unlock(&held.lock);
	return rc;
}

void profiles_drop(void)
{
	lock();
	if (held.holders && --held.holders == 0)
		recording_free(control_close());
	sig_unlock(&held.lock);
}

void profiles_keep(void)
{
	lock();
	held.holders++;
	sig_unlock(&held.lock);
}

const struct recording *profiles_recording(void)
{
	return state ? atomic_load(&state->recording) : NULL;
}
