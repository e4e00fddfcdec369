/*
 * include/sonde/pprof.h: the rates of the heap, block, mutex and wall profiles.
 *
 * As in Go, rates may change at any time and what was counted stays: the recording is taken hold of
 * by the first rate that is not 0, and kept.
 */
#include "sonde/pprof.h"

#include "agent/control.h"
#include "agent/hooks/hooks.h"
#include "agent/profiles.h"
#include "sig/sig.h"

#include <errno.h>

static struct {
	struct sig_lock lock;
	int pid; /* whose: a fork's child inherits this, and no recording */
	bool held;
} rates;

static int hold(void)
{
	int rc = rates.held ? 0 : profiles_hold(0);
	rates.held |= rc == 0;
	return rc;
}

static int64_t set_locked(enum recording_kind kind, uint64_t rate)
{
	int rc = rate ? hold() : 0;
	if (rc)
		return rc;
	uint64_t before = control_rate(kind);
	rc = control_set_rate(kind, rate);
	if (rc == -ENOENT && !rate)
		return 0; /* nothing is recorded: it is off as it is */
	return rc ? rc : (int64_t)before;
}

static int64_t set(enum recording_kind kind, int64_t rate)
{
	int pid = sig_getpid();
	if (rates.pid != pid) {
		sig_lock_reset(&rates.lock);
		rates.held = false;
		rates.pid = pid;
	}
	if (rate < 0)
		return (int64_t)control_rate(kind);
	sig_lock(&rates.lock);
	int64_t before = set_locked(kind, (uint64_t)rate);
	sig_unlock(&rates.lock);
	return before;
}

HOOK int64_t sonde_heap_rate_set(int64_t bytes)
{
	return set(RECORDING_HEAP, bytes);
}

HOOK int64_t sonde_wall_rate_set(int64_t hz)
{
	return set(RECORDING_WALL, hz);
}

HOOK int64_t sonde_block_rate_set(int64_t ns)
{
	return set(RECORDING_BLOCK, ns);
}

HOOK int64_t sonde_mutex_fraction_set(int64_t n)
{
	return set(RECORDING_MUTEX, n);
}
