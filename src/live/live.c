/*
 * The endpoints; see live.h. Paths, parameters, headers and the words of errors are those of
 * net/http/pprof.
 */
#include "live/live.h"

#include "symbolize/symbolize.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PREFIX	       "/debug/pprof/"
#define TAKING_SECONDS 30
#define SECONDS_MAX    3600
#define TAKING_HZ      100
#define STEP_NS	       50000000 /* how often a long request looks whether it is still wanted */

void live_init(struct live_server *d, const struct live_target *target)
{
	*d = (struct live_server){.target = *target,
		.symbolize = PTHREAD_MUTEX_INITIALIZER,
		.snapshot = PTHREAD_MUTEX_INITIALIZER,
		.tracing = PTHREAD_MUTEX_INITIALIZER,
		.taking = PTHREAD_MUTEX_INITIALIZER};
	if (!d->target.seconds_max)
		d->target.seconds_max = SECONDS_MAX;
	if (target->keep_symbols)
		d->symbols = symbolize_cache_new();
}

void live_release(struct live_server *d)
{
	symbolize_cache_free(d->symbols);
}

void live_error(struct http_response *ret, unsigned status, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	ret->status = status;
	ret->type = "text/plain; charset=utf-8";
	ret->filename = NULL;
	ret->is_pprof_error = true;
	buf_clear(&ret->body);
	buf_vprintf(&ret->body, fmt, ap);
	buf_addch(&ret->body, '\n');
	va_end(ap);
}

/* --- profiles --- */

int live_profile(struct live_server *d, const struct live_process *process,
	const struct export_opts *opts, struct profile *ret, struct export_summary *ret_sum,
	struct err *err)
{
	const struct symbolize_opts symbolize = {.local = true, .cache = d->symbols};
	int rc = export_profile(process->sources, process->n, opts, ret, ret_sum, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&d->symbolize);
	rc = symbolize_profile(ret, &symbolize, err);
	pthread_mutex_unlock(&d->symbolize);
	if (rc)
		profile_release(ret);
	return rc;
}

struct live_process live_newest(const struct live_process *process)
{
	return (struct live_process){process->pid, process->sources + process->n - 1, 1};
}

bool live_sleep(struct live_server *d, const struct http_request *req, double seconds)
{
	const struct timespec step = {0, STEP_NS};
	for (double left = seconds * 1e9; left > 0; left -= STEP_NS) {
		if (atomic_load(&d->closing))
			return true; /* what there is so far */
		if (http_is_gone(req))
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

/* What is asked for. */
struct live_question {
	const struct export_view *view;
	long seconds;
	bool leak, text;
	bool each, json;  /* thread by thread; as JSON, not as text */
	const char *name; /* of a file */
	bool is_delta;	  /* which says so, as Go's */
};

static void send(const struct profile *p, const struct live_question *q, struct http_response *ret)
{
	if (q->text) {
		live_text(p, q->view, &ret->body);
		return;
	}
	ret->type = "application/octet-stream";
	snprintf(ret->room, sizeof(ret->room), "%s%s", q->name, q->is_delta ? "-delta" : "");
	ret->filename = ret->room;
	profile_write(p, &ret->body);
}

/* What threads wait in now is charged up to now. A process that has ended has done so. */
static int settle(struct live_server *d, const struct live_process *process,
	const struct export_view *view, struct err *err)
{
	const struct recording *rec = process->sources[process->n - 1].data;
	uint64_t rate = atomic_load(&rec->rates.of[view->kind]);
	if (view->kind != RECORDING_WALL || !rate || atomic_load(&rec->end_monotonic_ns))
		return 0;
	return d->target.set_rate(d->target.ctx, process, view->kind, rate, err);
}

struct asking {
	struct live_server *server;
	const struct live_process *process;
};

static int ask_threads(void *ctx, uint64_t number)
{
	const struct asking *a = ctx;
	const struct live_target *target = &a->server->target;
	struct err err = ERR_INIT;
	return target->set_rate(target->ctx, a->process, RECORDING_REGISTERS, number, &err);
}

static int build(struct live_server *d, const struct live_process *process,
	const struct live_question *q, const struct export_baseline *since, struct profile *ret,
	struct err *err)
{
	struct export_opts opts = {.view = q->view, .since = since, .live = true};
	struct asking asking = {d, process};
	const struct roots_question question = {ask_threads, &asking};
	struct export_leaks leaks;
	int rc;
	if (!q->leak) {
		rc = live_profile(d, process, &opts, ret, NULL, err);
		if (!rc && q->view->kind == RECORDING_GOROUTINE)
			live_threads_comment(&process->sources[process->n - 1], ret);
		return rc;
	}
	rc = since ? export_leaks_grown(&leaks, process->sources, process->n, since, err)
		   : export_leaks_unreachable(&leaks, process->sources, process->n, &question, err);
	opts = (struct export_opts){.view = q->view, .live = true, .leaks = &leaks};
	if (!rc)
		rc = live_profile(d, process, &opts, ret, NULL, err);
	export_leaks_release(&leaks);
	return rc;
}

/* The profile now, or the difference that `seconds` make; kept in ret. */
static void answer(struct live_server *d, const struct http_request *req,
	const struct live_process *process, const struct live_question *q,
	struct http_response *ret)
{
	struct export_baseline baseline;
	const struct export_baseline *since = NULL;
	struct err err = ERR_INIT;
	struct profile p;
	bool wanted = true;
	int rc = settle(d, process, q->view, &err);
	if (q->seconds > 0 && !rc) {
		rc = export_baseline_take(
			&baseline, process->sources, process->n, q->view->kind, &err);
		since = rc ? NULL : &baseline;
		wanted = !since || live_sleep(d, req, (double)q->seconds);
		if (!rc && wanted)
			rc = settle(d, process, q->view, &err);
	}
	if (!rc && wanted)
		rc = build(d, process, q, since, &p, &err);
	if (since)
		export_baseline_release(&baseline);
	if (rc) {
		live_error(ret, 500, "%s", err.msg);
	} else if (wanted) {
		send(&p, q, ret);
		profile_release(&p);
	}
}

/* "seconds"; -1 after an error was sent. */
static long get_seconds(struct live_server *d, const struct http_request *req, long otherwise,
	struct http_response *ret)
{
	const char *text = http_param(req, "seconds");
	char *end;
	if (!*text)
		return otherwise < (long)d->target.seconds_max ? otherwise
							       : (long)d->target.seconds_max;
	long seconds = strtol(text, &end, 10);
	if (!*end && seconds > 0 && seconds <= (long)d->target.seconds_max)
		return seconds;
	if (!*end && seconds > 0)
		live_error(ret, 400,
			"invalid value for \"seconds\" - must be a positive integer of at most %u",
			d->target.seconds_max);
	else
		live_error(ret, 400, "invalid value for \"seconds\" - must be a positive integer");
	return -1;
}

/* Thread by thread, those of the image that runs now. */
static void answer_each(struct live_server *d, const struct live_process *process,
	const struct live_question *q, struct http_response *ret)
{
	struct live_process now = {process->pid, &process->sources[process->n - 1], 1};
	struct export_threads threads = EXPORT_THREADS_INIT;
	struct export_opts opts = {.view = q->view, .live = true, .threads = &threads};
	struct err err = ERR_INIT;
	struct profile p;
	if (live_profile(d, &now, &opts, &p, NULL, &err)) {
		live_error(ret, 500, "%s", err.msg);
	} else if (q->json) {
		export_threads_name(&threads, process->pid);
		ret->type = "application/json; charset=utf-8";
		live_threads_json(&p, &threads, now.sources[0].data, &ret->body);
		profile_release(&p);
	} else {
		export_threads_name(&threads, process->pid);
		live_threads_text(&p, &threads, &ret->body);
		profile_release(&p);
	}
	export_threads_release(&threads);
}

/* Threads are where they are now, not where they were when somebody asked last. */
static int take_snapshot(struct live_server *d, const struct live_process *process, struct err *err)
{
	const struct recording *rec = process->sources[process->n - 1].data;
	return d->target.set_rate(d->target.ctx, process, RECORDING_GOROUTINE,
		recording_rate_again(rec, RECORDING_GOROUTINE), err);
}

static void serve_snapshot(struct live_server *d, const struct http_request *req,
	const struct live_process *process, const struct live_question *q,
	struct http_response *ret)
{
	struct err err = ERR_INIT;
	pthread_mutex_lock(&d->snapshot);
	if (take_snapshot(d, process, &err))
		live_error(ret, 500, "%s", err.msg);
	else if (q->each)
		answer_each(d, process, q, ret);
	else
		answer(d, req, process, q, ret);
	pthread_mutex_unlock(&d->snapshot);
}

/* Whether it can be answered; otherwise an error was sent. */
static bool is_sensible(const struct live_question *q, struct http_response *ret)
{
	if (q->leak && q->view->kind != RECORDING_HEAP)
		live_error(ret, 400, "\"leak\" parameter is not supported for this profile type");
	else if (q->seconds > 0 && q->view->kind == RECORDING_GOROUTINE)
		live_error(
			ret, 400, "\"seconds\" parameter is not supported for this profile type");
	else if (q->seconds > 0 && q->text && !q->leak)
		live_error(ret, 400, "seconds and debug params are incompatible");
	else
		return true;
	return false;
}

static void serve_view(struct live_server *d, const struct http_request *req,
	const struct live_process *process, const char *name, struct http_response *ret)
{
	const struct live_process newest = live_newest(process);
	const struct export_view *view = export_view(name);
	struct export_custom custom;
	if (!view && export_custom_find(newest.sources, name, &custom)) {
		view = &custom.view;
		process = &newest;
	}
	if (!view || view->kind == RECORDING_CPU) {
		live_error(ret, 404, "Unknown profile");
		return;
	}
	struct live_question q = {.view = view,
		.seconds = get_seconds(d, req, 0, ret),
		.leak = atoi(http_param(req, "leak")) > 0,
		.text = atoi(http_param(req, "debug")) > 0,
		.json = strcmp(http_param(req, "format"), "json") == 0,
		.name = view->name};
	q.each =
		view->kind == RECORDING_GOROUTINE && (q.json || atoi(http_param(req, "debug")) > 1);
	if (q.seconds < 0 || !is_sensible(&q, ret))
		return;
	q.is_delta = q.seconds > 0;
	if (q.leak)
		q.view = export_leaks_view();
	if (view->kind == RECORDING_GOROUTINE)
		serve_snapshot(d, req, process, &q, ret);
	else
		answer(d, req, process, &q, ret);
}

/* --- cpu, wall --- */

/* Whoever is first switches it on, the last off; what is recorded anyway is joined. */
static int begin_taking(struct live_server *d, const struct live_process *process,
	enum recording_kind kind, struct err *err)
{
	const struct recording *rec = process->sources[process->n - 1].data;
	struct live_taking *t = &d->taken[kind];
	int rc = 0;
	pthread_mutex_lock(&d->taking);
	if (t->users && t->pid != process->pid)
		rc = err_set(err, -EBUSY, "such a profile of process %d is being taken", t->pid);
	else if (t->users)
		t->users++;
	else if (!atomic_load(&rec->rates.of[kind])) {
		rc = d->target.set_rate(d->target.ctx, process, kind, TAKING_HZ, err);
		t->users = !rc;
		t->pid = process->pid;
	}
	pthread_mutex_unlock(&d->taking);
	return rc;
}

static void end_taking(
	struct live_server *d, const struct live_process *process, enum recording_kind kind)
{
	struct live_taking *t = &d->taken[kind];
	struct err err = ERR_INIT;
	pthread_mutex_lock(&d->taking);
	if (t->users && t->pid == process->pid && --t->users == 0)
		(void)!d->target.set_rate(d->target.ctx, process, kind, 0, &err);
	pthread_mutex_unlock(&d->taking);
}

/* Profiles of time, which are mostly off until somebody asks: recorded while the request lasts. */
static void serve_taken(struct live_server *d, const struct http_request *req,
	const struct live_process *process, const struct export_view *view, const char *name,
	struct http_response *ret)
{
	struct err err = ERR_INIT;
	bool text = atoi(http_param(req, "debug")) > 0;
	long seconds = get_seconds(d, req, TAKING_SECONDS, ret);
	if (seconds < 0)
		return;
	if (begin_taking(d, process, view->kind, &err)) {
		live_error(ret, 500, "Could not enable %s profiling: %s",
			view->kind == RECORDING_CPU ? "CPU" : view->name, err.msg);
		return;
	}
	struct live_question q = {.view = view,
		.seconds = seconds,
		.text = text && view->kind != RECORDING_CPU,
		.name = name};
	answer(d, req, process, &q, ret);
	end_taking(d, process, view->kind);
}

/* Recorded all the while, it is read as it is when no time is given. */
static bool is_to_be_taken(const struct live_process *process, const struct export_view *view,
	const struct http_request *req)
{
	const struct recording *rec = process->sources[process->n - 1].data;
	return view && view->kind == RECORDING_WALL &&
	       (!atomic_load(&rec->rates.of[RECORDING_WALL]) || *http_param(req, "seconds"));
}

/* --- cmdline, symbol, rate --- */

static void serve_cmdline(
	struct live_server *d, const struct live_process *process, struct http_response *ret)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/cmdline", process->pid);
	FILE *f = d->target.show_cmdline ? fopen(path, "re") : NULL;
	if (!f) {
		live_error(ret, 403,
			"the command line is not shown: it may hold secrets (`sonde run "
			"-httpcmdline`, or show_cmdline of sonde/http.h)");
		return;
	}
	for (int c; (c = getc(f)) != EOF;)
		buf_addch(&ret->body, (char)c);
	fclose(f);
	if (ret->body.len)
		ret->body.len--; /* Go joins by NUL, the kernel ends each with one */
}

/* "0x1f+0x2f", or the same with spaces, as a query is decoded; a location for each in a mapping. */
static void add_addresses(void *ctx, const char *text, const char *value)
{
	struct profile *p = ctx;
	for (char *end; *text; text = *end ? end + 1 : end) {
		uint64_t address = strtoull(text, &end, 0);
		end += strcspn(end, "+ ");
		for (uint32_t i = 0; address && i < p->mapping_n; i++)
			if (address >= p->mappings[i].start && address < p->mappings[i].limit)
				profile_add_location(p, i, address, NULL, 0);
	}
}

static const char *outermost_name(const struct profile *p, const struct location *l)
{
	const struct line *line = &p->lines[l->line_first + l->line_n - 1];
	return line->function == PROFILE_NONE ? ""
					      : profile_str(p, p->functions[line->function].name);
}

/* Names of addresses, as pprof's symbolz asks for them. */
static void serve_symbol(struct live_server *d, const struct http_request *req,
	const struct live_process *process, struct http_response *ret)
{
	const struct symbolize_opts opts = {.local = true, .cache = d->symbols};
	struct export_opts all = {.view = export_view("threadcreate")};
	struct err err = ERR_INIT;
	struct profile p;
	buf_addstr(&ret->body, "num_symbols: 1\n");
	if (export_profile(process->sources, process->n, &all, &p, NULL, &err))
		return;
	uint32_t first = p.location_n;
	if (http_is_read(req))
		http_each_param(req, add_addresses, &p);
	else
		add_addresses(&p, req->body, "");
	pthread_mutex_lock(&d->symbolize);
	(void)!symbolize_profile(&p, &opts, &err);
	pthread_mutex_unlock(&d->symbolize);
	for (uint32_t i = first; i < p.location_n; i++) {
		const struct location *l = &p.locations[i];
		if (l->line_n)
			buf_printf(&ret->body, "%#llx %s\n", (unsigned long long)l->address,
				outermost_name(&p, l));
	}
	profile_release(&p);
}

static void serve_rate(struct live_server *d, const struct http_request *req,
	const struct live_process *process, struct http_response *ret)
{
	const struct export_view *view = export_view(http_param(req, "profile"));
	const struct recording *rec = process->sources[process->n - 1].data;
	const char *text = http_param(req, "rate");
	struct err err = ERR_INIT;
	char *end;
	uint64_t rate = strtoull(text, &end, 10);
	if (!view) {
		live_error(ret, 404, "Unknown profile");
		return;
	}
	if (!http_is_read(req)) {
		if (!*text || *end)
			live_error(ret, 400, "rate=%s: a number is wanted", text);
		else if (d->target.fixed_rates)
			live_error(ret, 403, "rates are not changed here");
		else if (!http_is_own(req))
			live_error(ret, 403, "a page from elsewhere may not change rates");
		else if (d->target.set_rate(d->target.ctx, process, view->kind, rate, &err))
			live_error(ret, 500, "%s", err.msg);
	}
	if (ret->status == 200)
		buf_printf(&ret->body, "%llu\n",
			(unsigned long long)atomic_load(&rec->rates.of[view->kind]));
}

/* --- the paths --- */

static void serve(struct live_server *d, const struct http_request *req,
	const struct live_process *process, const char *name, struct http_response *ret)
{
	if (strcmp(name, "rate") == 0)
		serve_rate(d, req, process, ret);
	else if (strcmp(name, "symbol") == 0)
		serve_symbol(d, req, process, ret);
	else if (!http_is_read(req))
		live_error(ret, 405, "Method Not Allowed");
	else if (!*name)
		live_index(d, req, process, ret);
	else if (strcmp(name, "profile") == 0)
		serve_taken(d, req, process, export_view("cpu"), "profile", ret);
	else if (is_to_be_taken(process, export_view(name), req))
		serve_taken(d, req, process, export_view(name), name, ret);
	else if (strcmp(name, "cmdline") == 0)
		serve_cmdline(d, process, ret);
	else if (strcmp(name, "trace") == 0)
		live_trace(d, req, process, ret);
	else
		serve_view(d, req, process, name, ret);
}

void live_handle(void *ctx, const struct http_request *req, struct http_response *ret)
{
	struct live_server *d = ctx;
	struct live_process process;
	struct err err = ERR_INIT;
	if (strcmp(req->path, "/") == 0 || strcmp(req->path, "/debug/pprof") == 0) {
		ret->status = 301;
		ret->location = mem_strdup(PREFIX);
		return;
	}
	if (strncmp(req->path, PREFIX, sizeof(PREFIX) - 1) != 0) {
		live_error(ret, 404, "404 page not found");
		return;
	}
	if (d->target.open(d->target.ctx, atoi(http_param(req, "pid")), &process, &err)) {
		live_error(ret, 503, "%s", err.msg);
		return;
	}
	serve(d, req, &process, req->path + sizeof(PREFIX) - 1, ret);
	d->target.close(d->target.ctx, &process);
}
