/*
 * run: the parts of `sonde run`. cmd_run.c starts the program and waits, run_program.c decides
 * beforehand whether it can be profiled, run_collect.c turns what it left into profiles.
 */
#ifndef SONDE_CLI_RUN_H
#define SONDE_CLI_RUN_H

#include "agent/agent.h"
#include "base/base.h"

#include <limits.h>
#include <sys/types.h>

/* What there is to know of the program before it is started. */
struct run_program {
	char path[PATH_MAX];	  /* as execve wants it */
	char sanitizer[NAME_MAX]; /* a sanitizer's library, which must be preloaded first; "" */
};

/* Finds `name` as a shell would, and refuses what libsonde cannot be preloaded into, with a message
 * that says what to do. *ret_exit is the status a shell would give: 127 not found, 126 otherwise.
 */
must_check int run_program_find(
	const char *name, struct run_program *ret, int *ret_exit, struct err *err);

/* A profile to write: a kind as export_view() names it, and the file; "" for none. */
struct run_output {
	const char *view;
	const char *file;
};

enum run_output_id {
	RUN_CPU,
	RUN_THREADCREATE,
	RUN_OUTPUTS,
};

/* A session: the directory the recordings go to. */
struct run_session {
	char dir[PATH_MAX];
	struct run_output outputs[RUN_OUTPUTS];
	uint64_t rates[RECORDING_KINDS];
	bool children;
	pid_t pid;	      /* the program's */
	uint64_t duration_ns; /* it ran */
};

must_check int run_session_new(struct run_session *s, struct err *err);
/* Writes the profiles of all recordings and a line on stderr for each. 0, or -1 after a message. */
int run_session_collect(struct run_session *s);
/* Removes the directory and what is in it. */
void run_session_remove(struct run_session *s);

#endif
