/*
 * The table for libsonde-http; see inside.h.
 */
#include "agent/inside.h"

#include "agent/control.h"
#include "agent/hooks/hooks.h"
#include "agent/profiles.h"

static int hold(void)
{
	return profiles_hold(0);
}

static const struct recording *recording(void)
{
	control_modules_changed();
	control_refresh();
	return profiles_recording();
}

static int set_rate(enum recording_kind kind, uint64_t rate)
{
	int rc = control_set_rate(kind, rate);
	if (!rc)
		control_await_called(kind);
	return rc;
}

static const struct inside table = {
	hold,
	profiles_drop,
	recording,
	set_rate,
	control_hide_begin,
	control_hide_end,
};

HOOK const struct inside *sonde_private_inside(unsigned version)
{
	return version == RECORDING_VERSION ? &table : NULL;
}
