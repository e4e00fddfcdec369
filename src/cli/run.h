/*
 * run: the parts of `sonde run`. cmd_run.c starts the program and waits, run_program.c decides
 * beforehand whether it can be profiled, run_collect.c turns what it left into profiles, run_dump.c
 * and run_http.c what it has so far.
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
	const struct export_view *custom; /* instead: a custom profile's */
};

/* The view of that name, or that of leaks or of the execution trace. */
const struct export_view *run_view(const char *name);

enum run_output_id {
	RUN_CPU,
	RUN_BLOCK,
	RUN_MUTEX,
	RUN_HEAP,
	RUN_THREADCREATE,
	RUN_LEAKS,
	RUN_WALL,
	RUN_GOROUTINE,
	RUN_TRACE,
	RUN_OUTPUTS,
};

/* A session: the directory the recordings go to. */
struct run_session {
	char dir[PATH_MAX];
	struct run_output outputs[RUN_OUTPUTS];
	uint64_t rates[RECORDING_KINDS];
	bool children;
	int dump_signal;		 /* 0: none */
	const char *dump_dir;		 /* the directory that dumps make theirs in */
	const char *http;		 /* where to serve; "" for nowhere */
	const char *trace_format;	 /* the version of Go whose form a trace has */
	bool http_cmdline;		 /* the command line as well */
	const char *http_token;		 /* that a request must show; "" for none */
	struct symbolize_cache *symbols; /* for all that is written */
	pid_t pid;			 /* the program's */
	uint64_t duration_ns;		 /* it ran */
};

must_check int run_session_new(struct run_session *s, struct err *err);
/* Writes the profiles of all recordings and a line on stderr for each. 0, or -1 after a message. */
int run_session_collect(struct run_session *s);
/* The same now, while the processes go on: all that is recorded, into a new directory. */
void run_session_dump(const struct run_session *s);
/* Has all processes charge what their threads wait in up to now, for profiles of wall time, and
 * take a snapshot of their threads, where either is recorded; `threads`: the snapshot in any
 * case. */
void run_session_settle(const struct run_session *s, bool threads);

/* One file of the session, mapped: an image of a process. */
struct run_recording {
	int pid;
	unsigned sequence;
	struct export_source source;
};
/* Those of the session as it is now, by process and image. */
struct run_recordings {
	struct run_recording *files;
	size_t n, cap;
};
void run_recordings_open(const struct run_session *s, struct run_recordings *ret);
void run_recordings_close(struct run_recordings *c);
/* How many, from files[from] on, are of one process. */
size_t run_recordings_process(const struct run_recordings *c, size_t from);
/* Writes profiles of one process, files[0..n), each with a line on stderr. live: it goes on. */
must_check int run_write_outputs(const struct run_session *s, const struct run_output *outputs,
	size_t output_n, const struct run_recording *files, size_t n, bool live, struct err *err);

/* One file of the session, to be written to as well. */
must_check int run_recording_map(const struct run_session *s, int pid, unsigned sequence,
	struct export_source *ret, struct err *err);

/* Serves the session at s->http until it is stopped. */
struct run_http;
must_check int run_http_start(struct run_http **ret, const struct run_session *s, struct err *err);
void run_http_stop(struct run_http *h); /* NULL is fine */

/* Removes the directory and what is in it. */
void run_session_remove(struct run_session *s);

#endif
