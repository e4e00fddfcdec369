/*
 * live: /debug/pprof/, the endpoints of net/http/pprof, over the recordings of processes. Front
 * header of the layer.
 *
 * Whose recordings they are is the caller's: `sonde run` serves those of the program that it runs,
 * which it reads in the files that the program writes them to; the program takes no part in it but
 * for a poke when a rate changes; libsonde-http (src/server) serves the process it is in. Profiles
 * are symbolized before they are sent, so that they can be read where the binaries are not.
 *
 * Handlers run on a thread a request: a profile of N seconds takes N seconds, and others go on.
 */
#ifndef SONDE_LIVE_H
#define SONDE_LIVE_H

#include "agent/agent.h"
#include "base/base.h"
#include "http/http.h"

#include <pthread.h>

/* A process's recordings, its images in order, readable until they are closed. */
struct live_process {
	int pid;
	struct export_source *sources;
	size_t n;
};

struct live_target {
	void *ctx;
	/* The recordings of `pid`; 0: of the program itself. Thread-safe. */
	int (*open)(void *ctx, int pid, struct live_process *ret, struct err *err);
	void (*close)(void *ctx, struct live_process *process);
	/* Other processes, for the index: calls each(each_ctx, pid). */
	void (*each)(void *ctx, void (*each)(void *each_ctx, int pid), void *each_ctx);
	/* Makes the process record at the rate, and charge what is open up to now (the wall
	 * profile's waits) where it has that rate already. */
	int (*set_rate)(void *ctx, const struct live_process *process, enum recording_kind kind,
		uint64_t rate, struct err *err);
	bool show_cmdline;    /* argv may hold secrets */
	bool keep_symbols;    /* memory for speed: files are not read again for each request */
	bool fixed_rates;     /* nobody changes them from outside */
	unsigned seconds_max; /* a request; 0: an hour */
};

struct live_server {
	struct live_target target;
	_Atomic bool closing;		 /* long requests end now */
	pthread_mutex_t symbolize;	 /* libdw is not for several threads at once */
	struct symbolize_cache *symbols; /* NULL: none are kept */
	pthread_mutex_t snapshot;	 /* of the threads: one is read before the next is taken */
	pthread_mutex_t tracing;	 /* one execution trace at a time */
	pthread_mutex_t taking;		 /* of what follows */
	struct live_taking {
		unsigned users; /* requests that share the profile that the first one started */
		int pid;
	} taken[RECORDING_KINDS];
};

void live_init(struct live_server *d, const struct live_target *target);
void live_release(struct live_server *d);
/* An http_handler; ctx is the server. For a server with threads. */
void live_handle(void *ctx, const struct http_request *req, struct http_response *ret);

/* --- parts --- */

/* Go's form of errors: X-Go-Pprof tells `go tool pprof` to show the text. */
void live_error(struct http_response *ret, unsigned status, const char *fmt, ...) attr_printf(3, 4);
/* The index page (live_index.c). */
void live_index(struct live_server *d, const struct http_request *req,
	const struct live_process *process, struct http_response *ret);
/* An execution trace, of "seconds" (live_trace.c). */
void live_trace(struct live_server *d, const struct http_request *req,
	const struct live_process *process, struct http_response *ret);
/* False: nobody waits for the answer any more. */
bool live_sleep(struct live_server *d, const struct http_request *req, double seconds);
/* The profile in the text form of ?debug=1 (live_text.c). */
void live_text(const struct profile *p, const struct export_view *view, struct buf *out);
/* Its newest image alone: what custom profiles are of, whose numbers begin anew in each. */
struct live_process live_newest(const struct live_process *process);
/* Threads one by one (live_threads.c): in the form of Go's tracebacks, and as JSON. The profile
 * is the one that came with them. */
void live_threads_text(
	const struct profile *p, const struct export_threads *threads, struct buf *out);
void live_threads_json(const struct profile *p, const struct export_threads *threads,
	const struct recording *rec, struct buf *out);
/* Adds a comment for each cycle of threads that wait for each other. */
void live_threads_comment(const struct export_source *source, struct profile *p);
/* A sample's labels, as a JSON object (live_text.c). */
void live_labels(const struct profile *p, uint32_t sample, struct buf *out);
/* What a profile is of, for people. */
const char *live_describe(const char *view);
must_check int live_profile(struct live_server *d, const struct live_process *process,
	const struct export_opts *opts, struct profile *ret, struct export_summary *ret_sum,
	struct err *err);

#endif
