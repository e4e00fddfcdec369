/*
 * The server: libmicrohttpd behind http.h. Limits on clients, time and memory are set here once.
 * listen.c makes the socket.
 */
#include "http/http.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/foreign.h"
#include "http/listen.h"
#include "http/mhd.h"

enum {
	CLIENTS_MAX = 128,
	IDLE_SECONDS = 30,
	CLIENT_MEMORY = 64 * 1024, /* headers and query together */
	BODY_MAX = 1024 * 1024,	   /* what is POSTed beyond it is not kept */
	COMPRESS_FROM = 1024,	   /* bytes of a body worth compressing */
	STOP_STEP_NS = 5000000,
	STOP_STEPS = 400, /* until a server that stops leaves its clients without their answers */
};

struct http_server {
	struct MHD_Daemon *daemon;
	http_handler *handler;
	void *ctx;
	struct listening at;
	const char **hosts;
	char *token;		   /* NULL: everyone may ask */
	_Atomic unsigned requests; /* being answered */

	pthread_mutex_t lock; /* of what follows */
	int *sockets;	      /* of the clients, -1: none; each knows its place */
	unsigned clients_max, clients;
	bool hangs_up;
};

/* Filled by http_start(). */
static struct microhttpd mhd;

/* --- requests --- */

const char *http_param(const struct http_request *req, const char *name)
{
	if (req->foreign)
		return foreign_param(req->foreign, name);
	const char *value =
		mhd.MHD_lookup_connection_value(req->connection, MHD_GET_ARGUMENT_KIND, name);
	return value ? value : "";
}

struct each {
	http_param_fn *fn;
	void *ctx;
};

static enum MHD_Result on_param(
	void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct each *each = ctx;
	each->fn(each->ctx, name, value ? value : "");
	return MHD_YES;
}

void http_each_param(const struct http_request *req, http_param_fn *fn, void *ctx)
{
	struct each each = {fn, ctx};
	for (unsigned i = 0; req->foreign && i < req->foreign->n; i++)
		fn(ctx, req->foreign->names[i], req->foreign->values[i]);
	if (req->connection)
		mhd.MHD_get_connection_values(
			req->connection, MHD_GET_ARGUMENT_KIND, on_param, &each);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return mhd.MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

const char *http_header(const struct http_request *req, const char *name)
{
	if (req->foreign)
		return req->foreign->header ? req->foreign->header(req->foreign->ctx, name) : NULL;
	return header(req->connection, name);
}

bool http_is_read(const struct http_request *req)
{
	return strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0;
}

bool http_is_own(const struct http_request *req)
{
	return http_own_allowed(http_is_read(req), http_header(req, "Sec-Fetch-Site"),
		http_header(req, "Origin"), http_header(req, "Host"));
}

static bool is_served(const struct http_request *req)
{
	return http_is_read(req) || strcmp(req->method, "POST") == 0 ||
	       strcmp(req->method, "DELETE") == 0;
}

/* A browser that has left the page, or typed on, closes the connection: nobody wants the answer. */
bool http_is_gone(const struct http_request *req)
{
	if (req->foreign)
		return req->foreign->is_gone && req->foreign->is_gone(req->foreign->ctx);
	const union MHD_ConnectionInfo *info =
		mhd.MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (!info)
		return false;
	struct pollfd client = {.fd = info->connect_fd, .events = POLLRDHUP};
	return poll(&client, 1, 0) > 0 && (client.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* --- responses --- */

static void refuse(struct http_response *res, unsigned status, const char *why)
{
	res->status = status;
	res->is_pprof_error = true;
	buf_addstr(&res->body, why);
}

static bool takes_gzip(struct MHD_Connection *connection)
{
	const char *accepted = header(connection, "Accept-Encoding");
	return accepted && strstr(accepted, "gzip");
}

/* What would end the quotes, or the header, is left out. */
static void add_quotable(struct buf *out, const char *name)
{
	for (; *name; name++)
		buf_addch(
			out, (unsigned char)*name < ' ' || strchr("\"\\\177", *name) ? '_' : *name);
}

void http_each_header(const struct http_response *res, http_header_fn *each, void *ctx)
{
	/* What a 304 says replaces what the client has kept: its page's policy is to stay. */
	if (res->status != 304) {
		each(ctx, "Content-Type", res->type);
		each(ctx, "Content-Security-Policy", res->policy);
	}
	each(ctx, "X-Content-Type-Options", "nosniff");
	each(ctx, "Referrer-Policy", "no-referrer");
	each(ctx, "Cross-Origin-Resource-Policy", "same-origin");
	if (res->etag) {
		/* Kept, but asked after each time: the next profile may be served here. */
		each(ctx, "Cache-Control", "private, no-cache");
		each(ctx, "ETag", res->etag);
		each(ctx, "Vary", "Accept-Encoding");
	} else {
		each(ctx, "Cache-Control", "no-store");
	}
	if (res->status == 401)
		each(ctx, "WWW-Authenticate", "Bearer");
	if (res->is_pprof_error)
		each(ctx, "X-Go-Pprof", "1");
	if (res->location)
		each(ctx, "Location", res->location);
	if (res->filename) {
		struct buf as = BUF_INIT;
		buf_addstr(&as, "attachment; filename=\"");
		add_quotable(&as, res->filename);
		buf_addch(&as, '"');
		each(ctx, "Content-Disposition", as.data);
		buf_release(&as);
	}
}

static void add_header(void *ctx, const char *name, const char *value)
{
	mhd.MHD_add_response_header(ctx, name, value);
}

static enum MHD_Result send_response(struct MHD_Connection *connection, struct http_response *res)
{
	struct buf packed = BUF_INIT;
	bool pack = !res->filename && res->body.len >= COMPRESS_FROM && takes_gzip(connection);
	if (pack)
		gzip_deflate_fast(res->body.data, res->body.len, &packed);
	size_t n;
	char *body = buf_detach(pack ? &packed : &res->body, &n);
	struct MHD_Response *response =
		mhd.MHD_create_response_from_buffer_with_free_callback(n, body, mem_free);
	enum MHD_Result queued = MHD_NO;
	if (response) {
		http_each_header(res, add_header, response);
		if (pack)
			mhd.MHD_add_response_header(response, "Content-Encoding", "gzip");
		queued = mhd.MHD_queue_response(connection, res->status, response);
		mhd.MHD_destroy_response(response);
	} else {
		mem_free(body);
	}
	buf_release(&packed);
	return queued;
}

static void on_done(void *ctx, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode how)
{
	struct http_server *server = ctx;
	struct buf *body = *state;
	if (!body)
		return;
	buf_release(body);
	mem_free(body);
	atomic_fetch_sub(&server->requests, 1);
}

/* Called once when the headers are there, then for each piece of a body, then without one. True:
 * there may be more to come. */
static bool take_body(struct http_server *server, void **state, const char *piece, size_t *n)
{
	struct buf *body = *state;
	if (!body) {
		*state = body = mem_zalloc(sizeof(*body));
		atomic_fetch_add(&server->requests, 1);
		buf_addstr(body, "");
		return true;
	}
	if (!*n)
		return false;
	if (body->len + *n <= BODY_MAX)
		buf_add(body, piece, *n);
	*n = 0;
	return true;
}

/* --- who may ask --- */

/* No page reaches a Unix socket, whatever name it gives. */
static bool is_our_name(const struct http_server *server, const char *host)
{
	if (server->at.path || http_host_allowed(host, server->at.host))
		return true;
	for (const char **name = server->hosts; *name; name++)
		if (http_host_allowed(host, *name))
			return true;
	return false;
}

static bool shows_token(const struct http_server *server, const struct http_request *req)
{
	static const char scheme[] = "Bearer ";
	const char *bearer = http_header(req, "Authorization");
	if (!server->token)
		return true;
	if (bearer && strncasecmp(bearer, scheme, sizeof(scheme) - 1) == 0)
		bearer += sizeof(scheme) - 1;
	else
		bearer = http_param(req, "token");
	return http_token_matches(bearer, strlen(bearer), server->token);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *upload, size_t *upload_n, void **state)
{
	struct http_server *server = ctx;
	if (take_body(server, state, upload, upload_n))
		return MHD_YES;
	const struct buf *body = *state;
	struct http_request req = {.method = method,
		.path = path,
		.body = body->len ? body->data : "",
		.connection = connection};
	struct http_response res = HTTP_RESPONSE_INIT;
	if (http_is_gone(&req))
		return MHD_NO;
	if (!is_our_name(server, header(connection, "Host")))
		refuse(&res, MHD_HTTP_FORBIDDEN,
			"This server answers to localhost and to addresses only.\n");
	else if (!shows_token(server, &req))
		refuse(&res, MHD_HTTP_UNAUTHORIZED,
			"Unauthorized: this server wants its token, as a header "
			"\"Authorization: Bearer TOKEN\" or as ?token=TOKEN\n");
	else if (!is_served(&req))
		refuse(&res, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET is served here.\n");
	else
		server->handler(server->ctx, &req, &res);
	enum MHD_Result queued = send_response(connection, &res);
	mem_free(res.location);
	mem_free(res.etag);
	buf_release(&res.body);
	return queued;
}

/* --- who is connected --- */

/* The server's limit of clients is that of the places. */
static int *free_place(struct http_server *server)
{
	for (unsigned i = 0; i < server->clients_max; i++)
		if (server->sockets[i] < 0)
			return &server->sockets[i];
	return NULL;
}

static void add_client(struct http_server *server, int fd, void **ret_place)
{
	int *place = *ret_place = free_place(server);
	if (place)
		*place = fd;
	server->clients++;
	if (server->hangs_up)
		shutdown(fd, SHUT_RDWR);
}

/* Of one that leaves the socket is still open. */
static void on_connection(void *ctx, struct MHD_Connection *connection, void **place,
	enum MHD_ConnectionNotificationCode what)
{
	struct http_server *server = ctx;
	const union MHD_ConnectionInfo *info =
		mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	pthread_mutex_lock(&server->lock);
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		add_client(server, info->connect_fd, place);
	} else {
		if (*place)
			*(int *)*place = -1;
		server->clients--;
	}
	pthread_mutex_unlock(&server->lock);
}

/* How many there are still. */
static unsigned hang_up(struct http_server *server)
{
	pthread_mutex_lock(&server->lock);
	server->hangs_up = true;
	for (unsigned i = 0; i < server->clients_max; i++)
		if (server->sockets[i] >= 0)
			shutdown(server->sockets[i], SHUT_RDWR);
	unsigned left = server->clients;
	pthread_mutex_unlock(&server->lock);
	return left;
}

/* --- starting and stopping --- */

static int load_microhttpd(struct err *err)
{
	static const char *const names[] = {MICROHTTPD_FUNCTIONS(LIBRARY_NAME)};
	if (mhd.MHD_start_daemon)
		return 0;
	struct microhttpd found;
	int rc = library_load(
		"libmicrohttpd.so.12", "libmicrohttpd12", names, sizeof(found), &found, err);
	if (rc >= 0)
		mhd = found;
	return rc < 0 ? err_prefix(err, "serving pages"), rc : 0;
}

static const char **copy_hosts(const char *const *hosts)
{
	size_t n = 0;
	while (hosts && hosts[n])
		n++;
	const char **copy = mem_array(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = mem_strdup(hosts[i]);
	copy[n] = NULL;
	return copy;
}

int http_start(struct http_server **ret, const struct http_opts *opts, http_handler *handler,
	void *ctx, struct err *err)
{
	struct listening at;
	unsigned how = opts->threads ? MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL : MHD_USE_AUTO;
	unsigned clients = opts->clients_max ? opts->clients_max : CLIENTS_MAX;
	int rc = load_microhttpd(err);
	if (rc >= 0)
		rc = listen_on(&at, opts->address, (int)clients, err);
	if (rc < 0)
		return rc;
	if (opts->local_only && !at.is_local) {
		close(at.fd);
		listening_release(&at);
		return err_set(
			err, -EACCES, "listen %s: not only this machine reaches it", opts->address);
	}
	struct http_server *server = mem_zalloc(sizeof(*server));
	server->handler = handler;
	server->ctx = ctx;
	server->at = at;
	server->hosts = copy_hosts(opts->hosts);
	server->token = opts->token && *opts->token ? mem_strdup(opts->token) : NULL;
	server->sockets = mem_array(clients, sizeof(*server->sockets));
	memset(server->sockets, 0xff, clients * sizeof(*server->sockets));
	server->clients_max = clients;
	pthread_mutex_init(&server->lock, NULL);
	server->daemon = mhd.MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | how, 0, NULL, NULL,
		on_request, server, MHD_OPTION_LISTEN_SOCKET, at.fd, MHD_OPTION_CONNECTION_LIMIT,
		clients, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_MEMORY,
		MHD_OPTION_NOTIFY_COMPLETED, on_done, server, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, server, MHD_OPTION_END);
	if (!server->daemon) {
		close(at.fd);
		http_stop(server);
		return err_set(err, -EIO, "cannot start the HTTP server on %s", opts->address);
	}
	*ret = server;
	return 0;
}

const char *http_url(const struct http_server *server)
{
	return server->at.url;
}

unsigned http_port(const struct http_server *server)
{
	return server->at.port;
}

bool http_is_local(const struct http_server *server)
{
	return server->at.is_local;
}

void http_forked(const struct http_server *server)
{
	close(server->at.fd);
}

/* What is being answered is sent. */
static void await_answers(struct http_server *server)
{
	const struct timespec step = {0, STOP_STEP_NS};
	for (int i = 0; i < STOP_STEPS && atomic_load(&server->requests); i++)
		nanosleep(&step, NULL);
}

/* libmicrohttpd 0.9.75 crashes if it is stopped while it tells a client that it talks nonsense:
 * so it is stopped when it has no clients any more. */
static void await_clients(struct http_server *server)
{
	const struct timespec step = {0, STOP_STEP_NS / 10};
	for (int i = 0; i < 10 * STOP_STEPS && hang_up(server); i++)
		nanosleep(&step, NULL);
}

/* A child that is being made may hold the socket a while longer: nobody is to get through to it. */
static void stop_daemon(struct http_server *server)
{
	await_answers(server);
	shutdown(server->at.fd, SHUT_RDWR);
	await_clients(server);
	mhd.MHD_stop_daemon(server->daemon);
}

void http_stop(struct http_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		stop_daemon(server);
	listening_release(&server->at);
	for (const char **name = server->hosts; *name; name++)
		mem_free((char *)*name);
	mem_free(server->hosts);
	mem_free(server->token);
	mem_free(server->sockets);
	pthread_mutex_destroy(&server->lock);
	mem_free(server);
}
