/*
 * The server: libmicrohttpd behind http.h. Limits on clients, time and memory are set here once.
 */
#include "http/http.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/mhd.h"

enum {
	CLIENTS_MAX = 64,
	IDLE_SECONDS = 30,
	CLIENT_MEMORY = 64 * 1024, /* headers and query together */
	BODY_MAX = 1024 * 1024,	   /* what is POSTed beyond it is not kept */
	COMPRESS_FROM = 1024,	   /* bytes of a body worth compressing */
};

struct http_server {
	struct MHD_Daemon *daemon;
	http_handler *handler;
	void *ctx;
	char *own; /* the host it was started with */
	char *url;
};

/* Filled by http_start(). */
static struct microhttpd mhd;

/* --- requests --- */

const char *http_param(const struct http_request *req, const char *name)
{
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
	mhd.MHD_get_connection_values(req->connection, MHD_GET_ARGUMENT_KIND, on_param, &each);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return mhd.MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

const char *http_header(const struct http_request *req, const char *name)
{
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
	buf_addstr(&res->body, why);
}

static bool takes_gzip(struct MHD_Connection *connection)
{
	const char *accepted = header(connection, "Accept-Encoding");
	return accepted && strstr(accepted, "gzip");
}

static void add_headers(struct MHD_Response *response, const struct http_response *res)
{
	/* What a 304 says replaces what the client has kept: its page's policy is to stay. */
	if (res->status != 304) {
		mhd.MHD_add_response_header(response, "Content-Type", res->type);
		mhd.MHD_add_response_header(response, "Content-Security-Policy", res->policy);
	}
	mhd.MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	mhd.MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	mhd.MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	if (res->etag) {
		/* Kept, but asked after each time: the next profile may be served here. */
		mhd.MHD_add_response_header(response, "Cache-Control", "private, no-cache");
		mhd.MHD_add_response_header(response, "ETag", res->etag);
		mhd.MHD_add_response_header(response, "Vary", "Accept-Encoding");
	} else {
		mhd.MHD_add_response_header(response, "Cache-Control", "no-store");
	}
	if (res->is_pprof_error)
		mhd.MHD_add_response_header(response, "X-Go-Pprof", "1");
	if (res->location)
		mhd.MHD_add_response_header(response, "Location", res->location);
	if (res->filename) {
		struct buf as = BUF_INIT;
		buf_printf(&as, "attachment; filename=\"%s\"", res->filename);
		mhd.MHD_add_response_header(response, "Content-Disposition", as.data);
		buf_release(&as);
	}
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
		add_headers(response, res);
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
	struct buf *body = *state;
	if (body)
		buf_release(body);
	mem_free(body);
}

/* Called once when the headers are there, then for each piece of a body, then without one. True:
 * there may be more to come. */
static bool take_body(void **state, const char *piece, size_t *n)
{
	struct buf *body = *state;
	if (!body) {
		*state = body = mem_zalloc(sizeof(*body));
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

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *upload, size_t *upload_n, void **state)
{
	struct http_server *server = ctx;
	if (take_body(state, upload, upload_n))
		return MHD_YES;
	const struct buf *body = *state;
	struct http_request req = {.method = method,
		.path = path,
		.body = body->len ? body->data : "",
		.connection = connection};
	struct http_response res = {
		.status = MHD_HTTP_OK,
		.type = "text/plain; charset=utf-8",
		.policy = "default-src 'none'; frame-ancestors 'none'",
		.body = BUF_INIT,
	};
	if (http_is_gone(&req))
		return MHD_NO;
	if (!http_host_allowed(header(connection, "Host"), server->own))
		refuse(&res, MHD_HTTP_FORBIDDEN,
			"This server answers to localhost and to addresses only.\n");
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

/* --- listening --- */

/* "[::1]:80" -> "::1" and "80"; "host" alone has no port. */
static void split_address(const char *address, char **ret_host, char **ret_port)
{
	const char *colon = strrchr(address, ':'), *bracket = strrchr(address, ']');
	if (colon && bracket && colon < bracket)
		colon = NULL;
	size_t n = colon ? (size_t)(colon - address) : strlen(address);
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']')
		*ret_host = mem_strndup(address + 1, n - 2);
	else
		*ret_host = n ? mem_strndup(address, n) : mem_strdup("localhost");
	*ret_port = mem_strdup(colon && colon[1] ? colon + 1 : "0");
}

static int open_socket(const struct addrinfo *to)
{
	int one = 1, fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, to->ai_addr, to->ai_addrlen) == 0 && listen(fd, CLIENTS_MAX) == 0)
		return fd;
	int rc = -errno;
	close(fd);
	return rc;
}

static int listen_on(const char *host, const char *port, struct err *err)
{
	struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
	/* "localhost" is the loopback whatever the resolver knows (RFC 6761): a container may have
	 * no /etc/hosts. */
	const char *address = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
	char *rest;
	unsigned long number = strtoul(port, &rest, 10); /* getaddrinfo() takes it modulo 65536 */
	if (!*rest && number > UINT16_MAX)
		return err_set(err, ERR_USAGE, "listen %s:%s: a port is at most %u", host, port,
			(unsigned)UINT16_MAX);
	int rc = getaddrinfo(address, port, &want, &found), fd = -EADDRNOTAVAIL;
	if (rc)
		return err_set(err, ERR_USAGE, "listen %s:%s: %s", host, port, gai_strerror(rc));
	for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
		fd = open_socket(a);
	freeaddrinfo(found);
	if (fd < 0)
		return err_set(err, fd, "listen %s:%s: %s", host, port, strerror(-fd));
	return fd;
}

static unsigned port_of(int fd)
{
	struct sockaddr_in6 address; /* the port lies at the same place in both families */
	socklen_t n = sizeof(address);
	memset(&address, 0, sizeof(address));
	getsockname(fd, (struct sockaddr *)&address, &n);
	return ntohs(address.sin6_port);
}

static char *make_url(const char *host, unsigned port)
{
	struct buf url = BUF_INIT;
	bool v6 = strchr(host, ':');
	buf_printf(&url, "http://%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
	return buf_detach(&url, NULL);
}

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

static int start(struct http_server **ret, const char *address, unsigned how, http_handler *handler,
	void *ctx, struct err *err)
{
	char *host, *port;
	int rc = load_microhttpd(err);
	if (rc < 0)
		return rc;
	split_address(address, &host, &port);
	int fd = listen_on(host, port, err);
	mem_free(port);
	if (fd < 0) {
		mem_free(host);
		return fd;
	}
	struct http_server *server = mem_zalloc(sizeof(*server));
	server->handler = handler;
	server->ctx = ctx;
	server->own = host;
	server->url = make_url(host, port_of(fd));
	server->daemon = mhd.MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | how, 0, NULL, NULL,
		on_request, server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_MEMORY,
		MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_END);
	if (!server->daemon) {
		close(fd);
		http_stop(server);
		return err_set(err, -EIO, "cannot start the HTTP server on %s", address);
	}
	*ret = server;
	return 0;
}

int http_start(struct http_server **ret, const char *address, http_handler *handler, void *ctx,
	struct err *err)
{
	return start(ret, address, MHD_USE_AUTO, handler, ctx, err);
}

int http_start_threads(struct http_server **ret, const char *address, http_handler *handler,
	void *ctx, struct err *err)
{
	return start(ret, address, MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, handler, ctx, err);
}

const char *http_url(const struct http_server *server)
{
	return server->url;
}

void http_stop(struct http_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		mhd.MHD_stop_daemon(server->daemon);
	mem_free(server->own);
	mem_free(server->url);
	mem_free(server);
}
