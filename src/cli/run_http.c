/*
 * `sonde run -http`: /debug/pprof/ of the program that runs, served by sonde itself.
 *
 * The program has no server in it, no thread and no socket: its recordings are files that are read
 * here while they are written to. (Rejected: a server in the program, whose threads and memory
 * would be in its profiles, and which nobody could reach while the program is stopped.)
 */
#include "cli/cli.h"
#include "cli/run.h"

#include "live/live.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

enum {
	BEGIN_MS = 3000,
	BEGIN_STEP_MS = 5,
};

struct run_http {
	const struct run_session *session;
	struct live_server live;
	struct http_server *server;
};

static void close_process(void *ctx, struct live_process *process)
{
	for (size_t i = 0; i < process->n; i++)
		export_source_close(&process->sources[i]);
	mem_free(process->sources);
	process->sources = NULL;
	process->n = 0;
}

/* The process's recordings; whether all that is to come of it is there: the newest image of the
 * process is recorded, and its rates are set. */
static bool open_recordings(struct run_http *h, struct live_process *process)
{
	struct run_recordings all;
	bool begun = process->pid != h->session->pid, declined = false;
	run_recordings_open(h->session, &all);
	process->sources = mem_array(all.n ? all.n : 1, sizeof(*process->sources));
	for (size_t i = 0; i < all.n; i++) {
		struct run_recording *r = &all.files[i];
		const struct recording *rec = r->source.data;
		bool is_its = r->pid == process->pid;
		declined |= is_its && rec->declined[0];
		if (is_its && !rec->declined[0]) {
			begun = atomic_load(&rec->begun);
			process->sources[process->n++] = r->source;
		} else {
			export_source_close(&r->source);
		}
	}
	mem_free(all.files);
	return begun || declined;
}

/* A program that has just been started is given the time to begin recording. */
static int open_process(void *ctx, int pid, struct live_process *ret, struct err *err)
{
	const struct timespec step = {0, BEGIN_STEP_MS * 1000000};
	struct run_http *h = ctx;
	*ret = (struct live_process){.pid = pid ? pid : h->session->pid};
	for (int ms = 0; !open_recordings(h, ret) && ms < BEGIN_MS; ms += BEGIN_STEP_MS) {
		close_process(h, ret);
		nanosleep(&step, NULL);
	}
	if (ret->n)
		return 0;
	close_process(h, ret);
	return err_set(err, ERR_NOT_FOUND, "process %d records nothing (yet)", ret->pid);
}

static void each_process(void *ctx, void (*each)(void *each_ctx, int pid), void *each_ctx)
{
	struct run_http *h = ctx;
	struct run_recordings all;
	run_recordings_open(h->session, &all);
	for (size_t i = 0; i < all.n; i += run_recordings_process(&all, i))
		if (all.files[i].pid != h->session->pid)
			each(each_ctx, all.files[i].pid);
	run_recordings_close(&all);
}

static const char *why_not(int rc)
{
	switch (-rc) {
	case ESRCH:
		return "it has ended";
	case EPERM:
		return "it does not take the profiler's signal";
	case ETIMEDOUT:
		return "it does not answer; is it stopped?";
	case ENOTSUP:
		return "it cannot record that, or not at this rate";
	default:
		return strerror(-rc);
	}
}

static int set_rate(void *ctx, const struct live_process *process, enum recording_kind kind,
	uint64_t rate, struct err *err)
{
	const struct run_http *h = ctx;
	struct export_source source;
	int rc =
		run_recording_map(h->session, process->pid, (unsigned)process->n - 1, &source, err);
	if (rc)
		return rc;
	rc = poke_set_rate((struct recording *)source.data, kind, rate);
	export_source_close(&source);
	return rc ? err_set(err, rc, "process %d: %s", process->pid, why_not(rc)) : 0;
}

int run_http_start(struct run_http **ret, const struct run_session *s, struct err *err)
{
	struct run_http *h = mem_zalloc(sizeof(*h));
	const struct live_target target = {h, open_process, close_process, each_process, set_rate,
		.show_cmdline = s->http_cmdline, .keep_symbols = true};
	h->session = s;
	live_init(&h->live, &target);
	const struct http_opts opts = {.address = s->http, .threads = true, .token = s->http_token};
	int rc = http_start(&h->server, &opts, live_handle, &h->live, err);
	if (rc < 0) {
		live_release(&h->live);
		mem_free(h);
		return rc;
	}
	fprintf(stderr, "sonde run: serving %s/debug/pprof/\n", http_url(h->server));
	if (!http_is_local(h->server) && !*s->http_token)
		cli_error("run",
			"other machines can reach this port, and may read profiles and change "
			"rates: -httptoken wants a token of them");
	*ret = h;
	return 0;
}

void run_http_stop(struct run_http *h)
{
	if (!h)
		return;
	atomic_store(&h->live.closing, true);
	http_stop(h->server);
	live_release(&h->live);
	mem_free(h);
}
