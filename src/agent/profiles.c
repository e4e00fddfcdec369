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
	_Atomic int pid; /* whose: a fork's child inherits this, and no recording */
	unsigned holders;
} held;

#define TAKING_OVER (-1)

/* The first calls of a process may come on several threads at once: one of them starts afresh. */
static void take_over(int pid)
{
	int was = atomic_load(&held.pid);
	if (was != pid && was != TAKING_OVER &&
		atomic_compare_exchange_strong(&held.pid, &was, TAKING_OVER)) {
		sig_lock_reset(&held.lock);
		held.holders = 0;
		atomic_store(&held.pid, pid);
	}
	while (atomic_load(&held.pid) != pid)
		sig_syscall(SYS_sched_yield);
}

static void lock(void)
{
	int pid = sig_getpid();
	if (atomic_load(&held.pid) != pid)
		take_over(pid);
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
