/*
 * http: a small server for pages on this machine: requests in, responses out, and what keeps
 * other people's pages from using it. Front header of the layer.
 *
 * One thread of its own serves every client, one request at a time (sockets are polled, so a slow
 * client holds up nobody): handlers need no locks. Threads are for handlers that wait.
 * Refused before a handler sees them: methods but GET, HEAD, POST and DELETE; requests whose Host
 * is a name that is not ours (DNS rebinding: a foreign name made to point to 127.0.0.1 lets its
 * page read ours; addresses cannot be rebound and pass); and, where there is a token, requests
 * without it.
 *
 * (Rejected: a thread a connection, which buys nothing for one person's browser and costs locks
 * around everything a handler touches.)
 */
#ifndef SONDE_HTTP_H
#define SONDE_HTTP_H

#include "base/base.h"

#define HTTP_PARAMS_MAX 32

struct http_foreign;

struct http_request {
	const char *method;
	const char *path; /* without the query, decoded */
	const char *body; /* what was POSTed, NUL-terminated; "" if nothing was */
	void *connection;
	const struct http_foreign *foreign; /* instead of a connection: another server's request */
};

/* GET or HEAD: what changes nothing. */
bool http_is_read(const struct http_request *req);
/* Whether the client has closed the connection: for handlers that take long. */
bool http_is_gone(const struct http_request *req);
/* Of a header; NULL if it was not sent. Lives as long as the request. */
const char *http_header(const struct http_request *req, const char *name);
/* Whether a page of ours, the person or a program asks, not a page from elsewhere: to be asked
 * before anything is changed. */
bool http_is_own(const struct http_request *req);

/* Of a parameter of the query, decoded; "" if it is not there. Lives as long as the request. */
const char *http_param(const struct http_request *req, const char *name);
/* All of them, in order. */
typedef void http_param_fn(void *ctx, const char *name, const char *value);
void http_each_param(const struct http_request *req, http_param_fn *fn, void *ctx);

/* Filled in by the handler. It starts as an empty 200 of plain text that may load nothing. */
struct http_response {
	unsigned status;
	const char *type;     /* Content-Type; static */
	const char *policy;   /* Content-Security-Policy; static */
	const char *filename; /* offered as a download under this name, or NULL; static, or: */
	char room[128];	      /* for one that is not */
	char *location;	      /* of a redirection, or NULL; the server frees it */
	bool is_pprof_error;  /* X-Go-Pprof: `go tool pprof` shows the body */
	char *etag; /* what the answer is known by, quoted, or NULL: it is asked for anew each
		     * time. The server frees it */
	struct buf body;
};

#define HTTP_RESPONSE_INIT                                                                \
	{                                                                                 \
		.status = 200, .type = "text/plain; charset=utf-8",                       \
		.policy = "default-src 'none'; frame-ancestors 'none'", .body = BUF_INIT, \
	}

typedef void http_handler(void *ctx, const struct http_request *req, struct http_response *ret);

/* The headers of an answer, one by one. */
typedef void http_header_fn(void *ctx, const char *name, const char *value);
void http_each_header(const struct http_response *res, http_header_fn *each, void *ctx);

/* What is NULL, false or 0 is not asked for, or as usual. */
struct http_opts {
	/* "[host]:[port]": no host is localhost, no port is one that is free; or "unix:PATH". */
	const char *address;
	/* A thread for each connection: handlers may take their time, and must be ready for one
	 * another. */
	bool threads;
	const char *token;	  /* to be shown: "Authorization: Bearer TOKEN", or ?token=TOKEN */
	const char *const *hosts; /* more names that the server goes by, NULL after the last */
	unsigned clients_max;	  /* at once */
	bool local_only;	  /* -EACCES if who is not on this machine could reach it */
};

struct http_server;

/* `opts` is copied; `ctx` must live until http_stop(). */
must_check int http_start(struct http_server **ret, const struct http_opts *opts,
	http_handler *handler, void *ctx, struct err *err);
/* "http://localhost:8080", "unix:PATH:"; lives as long as the server. */
const char *http_url(const struct http_server *server);
unsigned http_port(const struct http_server *server); /* 0: a Unix socket */
/* Who is not on this machine cannot reach it. */
bool http_is_local(const struct http_server *server);
/* Finishes the request at work, closes everything, removes a Unix socket, frees. NULL is
 * allowed. */
void http_stop(struct http_server *server);
/* In a child made by fork: the server is the parent's. Closes what the child has of it. */
void http_forked(const struct http_server *server);

/* A request that another server got: see http_request. */
struct http_foreign {
	char *path; /* decoded, as are names and values, in place */
	const char *names[HTTP_PARAMS_MAX], *values[HTTP_PARAMS_MAX];
	unsigned n;
	/* NULL where the other server does not say. */
	const char *(*header)(void *ctx, const char *name);
	bool (*is_gone)(void *ctx);
	void *ctx;
};
/* Takes "/path?a=b&c" apart; parameters beyond HTTP_PARAMS_MAX are left out. */
void http_foreign_init(struct http_foreign *f, const char *target);
void http_foreign_release(struct http_foreign *f);

/* Whether two texts are the same, in a time that does not tell where they differ. */
bool http_token_matches(const char *given, size_t given_n, const char *want);

/* Whether a Host header (NULL: there was none) may be answered by a server started as `own`. */
bool http_host_allowed(const char *header, const char *own);

/* The rule behind http_is_own(): `site` is Sec-Fetch-Site, `origin` Origin, `host` Host; NULL if
 * not sent. */
bool http_own_allowed(bool is_read, const char *site, const char *origin, const char *host);
/* Whether an If-None-Match header (NULL: there was none) names the tag. */
bool http_etag_matches(const char *header, const char *etag);

/* Text as a value in a query. */
void http_escape_query(struct buf *out, const char *text);

#endif
