/*
 * profiles: the recording of a program that asks for its own profiles.
 *
 * All its profiles share one recording (recording.h). It is made when the first of them begins and
 * dropped with the last, so that a program which profiles itself now and then pays nothing between.
 * Under `sonde run` there is one from the start that is never dropped.
 *
 * Thread-safe, ordinary code.
 */
#ifndef SONDE_AGENT_PROFILES_H
#define SONDE_AGENT_PROFILES_H

#include "agent/recording.h"

/* Makes sure that there is a recording, and keeps it until profiles_drop(). memory_max counts only
 * for who makes it: bytes, 0 for RECORDING_SIZE_MAX. 0, -EINVAL: memory_max is below 1 MiB; or
 * -errno of control_open(). */
int profiles_hold(size_t memory_max);
void profiles_drop(void);
/* The recording while it is held; NULL: there is none. */
const struct recording *profiles_recording(void);

/* The control's recording was opened by start.c and stays. */
void profiles_keep(void);

#endif
