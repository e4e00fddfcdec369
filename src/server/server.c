/*
 * libsonde-http: include/sonde/http.h, the debug server inside a program.
 *
 * /debug/pprof/ is live's, as under `sonde run -http`; here its target is the process itself, whose
 * recording is read where it lies. libsonde is reached through one table (agent/inside.h).
 * Everything here runs hidden from the profiles: the server's threads for their whole lives, a
 * program's thread while it is in one of these functions.
 *
 * (Rejected: a process of our own that maps the recording, as `sonde run` is one: it would have to
 * be reaped, and a program's child is the program's affair.)
 */
#include "sonde/http.h"

#include "live/live.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define PUBLIC	     __attribute__((visibility("default")))
#define HEAP_RATE    (512 * 1024)
#define DEFAULT_PORT "localhost:6060"

static struct {
	pthread_mutex_t lock;
	int pid;	/* whose all this is: a fork's child inherits it, and no server */
	bool watched;	/* pthread_atfork() is told */
	bool recording; /* held by sonde_http_serve() */
	const struct inside *inside;
	struct http_server *server; /* NULL: none runs */
	struct live_server live;    /* the server's */
	struct live_server foreign; /* of sonde_http_serve() */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A member is the caller's if all of it lies within the size it gave. */
#define GIVEN(given, type, member)                                                    \
	((given) && (given)->size >= offsetof(type, member) + sizeof((given)->member) \
			? (given)->member                                             \
			: (__typeof__((given)->member))0)
#define OPTION(options, member)	 GIVEN(options, struct sonde_http_options, member)
#define REQUEST(request, member) GIVEN(request, struct sonde_http_request, member)

/* --- the process as a target --- */

static int open_process(void *ctx, int pid, struct live_process *ret, struct err *err)
{
	if (pid && pid != state.pid)
		return err_set(err, ERR_NOT_FOUND,
			"process %d is not served here: each process serves itself", pid);
	const struct recording *rec = state.inside->recording();
	if (!rec)
		return err_set(err, ERR_NOT_FOUND, "process %d records nothing", state.pid);
	*ret = (struct live_process){
		.pid = state.pid, .sources = mem_alloc(sizeof(*ret->sources)), .n = 1};
	ret->sources[0] = (struct export_source){rec, rec->mapped};
	return 0;
}

static void close_process(void *ctx, struct live_process *process)
{
	mem_free(process->sources);
}

static void each_process(void *ctx, void (*each)(void *each_ctx, int pid), void *each_ctx)
{
}

static const char *why_not(int rc)
{
	switch (-rc) {
	case EBUSY:
		return "another profile of this kind is running, or the program has a handler for "
		       "SIGPROF";
	case EINVAL:
		return "it cannot be recorded, or not at this rate";
	case ENOENT:
		return "nothing is recorded";
	default:
		return strerror(-rc);
	}
}

static int set_rate(void *ctx, const struct live_process *process, enum recording_kind kind,
	uint64_t rate, struct err *err)
{
	int rc = state.inside->set_rate(kind, rate);
	return rc ? err_set(err, rc, "%s", why_not(rc)) : 0;
}

static struct live_target target_of(const struct sonde_http_options *options)
{
	return (struct live_target){
		.open = open_process,
		.close = close_process,
		.each = each_process,
		.set_rate = set_rate,
		.show_cmdline = OPTION(options, show_cmdline),
		.fixed_rates = OPTION(options, fixed_rates),
		.seconds_max = OPTION(options, seconds_max),
	};
}

/* --- what is recorded --- */

/* The heap and what threads wait for, as in Go, where both are always on: what was allocated before
 * somebody asks could not be found again. */
static int record(const struct sonde_http_options *options)
{
	int64_t heap_rate = OPTION(options, heap_rate);
	int rc = state.inside->hold();
	if (rc)
		return rc;
	const struct recording *rec = state.inside->recording();
	if (heap_rate >= 0 && !atomic_load(&rec->rates.of[RECORDING_HEAP]))
		rc = state.inside->set_rate(
			RECORDING_HEAP, heap_rate ? (uint64_t)heap_rate : HEAP_RATE);
	if (!rc && !atomic_load(&rec->rates.of[RECORDING_GOROUTINE]))
		rc = state.inside->set_rate(RECORDING_GOROUTINE, 1);
	if (rc)
		state.inside->drop();
	return rc;
}

/* --- fork --- */

/* The child's socket would keep the port from the next server, and clients waiting. */
static void after_fork_child(void)
{
	if (state.server)
		http_forked(state.server);
	state.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	state.server = NULL;
	state.recording = false;
	state.pid = getpid();
}

/* With the lock held from here on, and hidden. 0, or -errno with neither. */
static int enter(void)
{
	const struct inside *inside = sonde_private_inside(RECORDING_VERSION);
	if (!inside)
		return -ELIBBAD;
	inside->hide_begin();
	pthread_mutex_lock(&state.lock);
	state.inside = inside;
	state.pid = getpid();
	if (!state.watched)
		pthread_atfork(NULL, NULL, after_fork_child);
	state.watched = true;
	return 0;
}

static int leave(int rc)
{
	pthread_mutex_unlock(&state.lock);
	state.inside->hide_end();
	return rc;
}

/* --- the server --- */

/* Codes of our own mean that it is the address, or the library. */
static int errno_of(int rc)
{
	return rc == ERR_USAGE ? -EINVAL : rc == ERR_UNSUPPORTED ? -ELIBACC : rc;
}

/* Signals are for the program's threads. */
static int listen_hidden(const struct http_opts *opts)
{
	struct err err = ERR_INIT;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = http_start(&state.server, opts, live_handle, &state.live, &err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc < 0 ? errno_of(rc) : 0;
}

static void close_server(void)
{
	atomic_store(&state.live.closing, true);
	http_stop(state.server);
	state.server = NULL;
	state.inside->drop();
}

static int start_locked(const struct sonde_http_options *options)
{
	const char *address = OPTION(options, address), *token = OPTION(options, token);
	const struct http_opts opts = {.address = address ? address : DEFAULT_PORT,
		.threads = true,
		.token = token,
		.local_only = !OPTION(options, open) && !(token && *token),
		.hosts = OPTION(options, allow_hosts),
		.clients_max = OPTION(options, clients_max)};
	const struct live_target target = target_of(options);
	if (state.server)
		return -EBUSY;
	int rc = record(options);
	if (rc)
		return rc;
	live_init(&state.live, &target);
	rc = listen_hidden(&opts);
	if (rc)
		state.inside->drop();
	return rc;
}

PUBLIC int sonde_http_start(const struct sonde_http_options *options)
{
	int rc = enter();
	return rc ? rc : leave(start_locked(options));
}

static int stop_locked(void)
{
	if (!state.server)
		return -ENOENT;
	close_server();
	return 0;
}

PUBLIC int sonde_http_stop(void)
{
	int rc = enter();
	return rc ? -ENOENT : leave(stop_locked());
}

PUBLIC int sonde_http_port(void)
{
	int rc = enter();
	return rc ? -ENOENT : leave(state.server ? (int)http_port(state.server) : -ENOENT);
}

/* Before libsonde takes away what the server reads. */
__attribute__((destructor(103))) static void finish(void)
{
	if (state.server)
		sonde_http_stop();
}

/* --- another server's requests --- */

static int prepare_locked(void)
{
	const struct live_target target = target_of(NULL);
	if (state.recording)
		return 0;
	int rc = record(NULL);
	if (rc)
		return rc;
	live_init(&state.foreign, &target);
	state.recording = true;
	return 0;
}

static void copy_header(void *ctx, const char *name, const char *value)
{
	struct sonde_http_response *ret = ctx;
	struct sonde_http_header *headers = (struct sonde_http_header *)ret->headers;
	headers = mem_rearray(headers, ret->header_n + 1, sizeof(*headers));
	headers[ret->header_n++] = (struct sonde_http_header){mem_strdup(name), mem_strdup(value)};
	ret->headers = headers;
}

static void give(struct http_response *res, struct sonde_http_response *ret)
{
	*ret = (struct sonde_http_response){.status = (int)res->status};
	http_each_header(res, copy_header, ret);
	ret->body = buf_detach(&res->body, &ret->body_size);
	mem_free(res->location);
	mem_free(res->etag);
}

static void serve(const struct sonde_http_request *request, struct sonde_http_response *ret)
{
	const char *body = REQUEST(request, body);
	struct http_foreign foreign;
	struct http_response res = HTTP_RESPONSE_INIT;
	http_foreign_init(&foreign, request->target);
	foreign.header = REQUEST(request, header);
	foreign.is_gone = REQUEST(request, is_gone);
	foreign.ctx = REQUEST(request, ctx);
	struct http_request req = {.method = request->method,
		.path = foreign.path,
		.body = body ? body : "",
		.foreign = &foreign};
	live_handle(&state.foreign, &req, &res);
	give(&res, ret);
	http_foreign_release(&foreign);
}

PUBLIC int sonde_http_serve(
	const struct sonde_http_request *request, struct sonde_http_response *ret_response)
{
	if (!REQUEST(request, method) || !REQUEST(request, target))
		return -EINVAL;
	int rc = enter();
	if (rc)
		return rc;
	rc = prepare_locked();
	pthread_mutex_unlock(&state.lock);
	if (!rc)
		serve(request, ret_response);
	state.inside->hide_end();
	return rc;
}

PUBLIC void sonde_http_response_release(struct sonde_http_response *response)
{
	for (size_t i = 0; i < response->header_n; i++) {
		mem_free((char *)response->headers[i].name);
		mem_free((char *)response->headers[i].value);
	}
	mem_free((struct sonde_http_header *)response->headers);
	mem_free((char *)response->body);
	*response = (struct sonde_http_response){0};
}
