/*
 * poke: asking a recorded process to record something else, from another one.
 *
 * The rates wanted are written into its recording, and a SIGPROF that carries the recording's token
 * makes the agent look (control_queued). A SIGPROF kills a process that has no handler for it, so
 * none is sent but to a process that has: one that has become another program by exec, or another
 * process with the same id, is left alone.
 */
#ifndef SONDE_AGENT_POKE_H
#define SONDE_AGENT_POKE_H

#include "agent/recording.h"

/* Makes the process record `kind` at `rate`, and charge what is open (kinds.h: settle); waits
 * for it, two seconds at most. `rec` is its recording, writable. 0; -ESRCH: it has ended;
 * -EPERM: it does not take the signal; -ETIMEDOUT: it takes it and does not answer; -ENOTSUP: it
 * could not do what was asked. */
int poke_set_rate(struct recording *rec, enum recording_kind kind, uint64_t rate);

#endif
