/*
 * inside: what libsonde-http asks of the libsonde it shares a process with, and the one thing that
 * libsonde asks of it.
 *
 * libsonde shows the program its API and nothing else. This is the one symbol besides: a table of
 * the calls that a server in the program needs, handed out only to a library that reads recordings
 * of the same version, because the two are installed apart and `sonde run` may have preloaded
 * another libsonde. (Rejected: the server in libsonde itself, with which libdw and an HTTP server
 * would come into every program that only wants a profile written. Rejected: exporting each call.)
 *
 * Ordinary code, thread-safe.
 */
#ifndef SONDE_AGENT_INSIDE_H
#define SONDE_AGENT_INSIDE_H

#include "agent/recording.h"

struct inside {
	/* Makes sure that the process records, and goes on to until drop(). 0 or -errno. */
	int (*hold)(void);
	void (*drop)(void);
	/* While it is held: the recording, with the modules that are loaded now in it. */
	const struct recording *(*recording)(void);
	/* control_set_rate(), with the threads' answers waited for. */
	int (*set_rate)(enum recording_kind kind, uint64_t rate);
	/* control_hide_begin(), control_hide_end(). */
	void (*hide_begin)(void);
	void (*hide_end)(void);
};

/* NULL: this libsonde makes recordings of another version than RECORDING_VERSION of the caller. */
const struct inside *sonde_private_inside(unsigned version);

/* libsonde-http's: writes the newest execution trace of the recording, which is over. 0 or -errno.
 * NULL: it reads recordings of another version. */
typedef int inside_trace_writer(const struct recording *rec, int fd);
inside_trace_writer *sonde_private_trace_writer(unsigned version);

#endif
