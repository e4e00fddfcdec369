/*
 * sonde/http.h: /debug/pprof/ of the running program, served by itself.
 *
 * The C form of Go's import _ "net/http/pprof" with http.ListenAndServe. Link with -lsonde-http
 * -lsonde (pkg-config sonde-http).
 *
 *	struct sonde_http_options options = SONDE_HTTP_OPTIONS(.address = "localhost:6060");
 *	int rc = sonde_http_start(&options);
 *
 * and then `go tool pprof http://localhost:6060/debug/pprof/heap`, `sonde pprof`, `sonde top
 * localhost:6060` or a browser. What there is to ask for, docs/http.md says; it is what `sonde run
 * -http` serves of a program that was not changed. Profiles come with names and lines: the reader
 * needs no binaries.
 *
 * The server runs on threads of its own, with all signals blocked. They, their memory, their CPU
 * time and what they wait for are in no profile; what they take from malloc is taken all the same
 * (mostly the program's debug information while a profile is being made), and a machine out of
 * memory ends the program, as in Go. Under `sonde run` the program has one recording: both serve
 * and write the same.
 *
 * All functions may be called from any thread, but not from a signal handler, and not between fork
 * and exec. In a child made by fork there is no server, whatever its parent has; the child may
 * start its own.
 */
#ifndef SONDE_HTTP_H_PUBLIC
#define SONDE_HTTP_H_PUBLIC

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Grows by appending members; `size` says which of them the caller knows. 0, false or NULL in a
 * member means its default.
 */
struct sonde_http_options {
	size_t size; /* sizeof(struct sonde_http_options): set by the macro below */

	/* "host:port"; no host is localhost, port 0 one that is free. "unix:/path": a Unix socket,
	 * its owner's alone; one that a dead server left is replaced. Default "localhost:6060". */
	const char *address;

	/* To be shown by who asks, as a header "Authorization: Bearer TOKEN" or as ?token=TOKEN.
	 * NULL or "": everyone who reaches the server may ask. */
	const char *token;

	/* Names besides localhost, addresses and that of `address` under which the server may be
	 * asked, ended by NULL. Requests under others are refused: a page whose name is made to
	 * point to this machine could read everything otherwise. */
	const char *const *allow_hosts;

	bool show_cmdline; /* serve /debug/pprof/cmdline: arguments may hold secrets */
	bool fixed_rates;  /* nobody changes rates by POST */

	/* Serve others than this machine without a token. Without it, an address that is not
	 * loopback and has no token is refused. */
	bool open;

	/* Of the heap profile, bytes (sonde_heap_rate_set()); a profile that is on already keeps
	 * its rate. Default 512 KiB, as in Go; negative: it is left as it is. */
	int64_t heap_rate;

	unsigned clients_max; /* connections at once; default 128 */
	unsigned seconds_max; /* that a request may take by ?seconds=; default 3600 */
};

#ifdef __cplusplus
#define SONDE_HTTP_OPTIONS_SIZE sizeof(sonde_http_options)
#else
#define SONDE_HTTP_OPTIONS_SIZE sizeof(struct sonde_http_options)
#endif
#define SONDE_HTTP_OPTIONS(...)                              \
	{                                                    \
		.size = SONDE_HTTP_OPTIONS_SIZE, __VA_ARGS__ \
	}

/*
 * Starts the server; http.ListenAndServe with net/http/pprof. The process records from now on:
 * threads and their creation, the heap; CPU and wall time while somebody asks for them; block and
 * mutex once their rates are set. `options` may be NULL, and is copied.
 *
 * Returns 0, or
 *
 *	-EBUSY	    the process has a server already;
 *	-EINVAL	    the address is not one, or too long a path, or its port is out of range;
 *	-EACCES	    others than this machine could ask without a token (see `open`), or bind(2) says so;
 *	-EADDRINUSE, -EADDRNOTAVAIL, ...  of bind(2);
 *	-ELIBACC    there is no libmicrohttpd.so.12 (Debian: libmicrohttpd12);
 *	-ELIBBAD    the libsonde in this process is of another version;
 *	-ENOMEM, -ENOTSUP, -ENOEXEC, -EAGAIN  as sonde_cpu_profile_start().
 */
int sonde_http_start(const struct sonde_http_options *options);

/*
 * Stops the server: ends profiles that are being taken (who asked gets what there is so far),
 * closes connections, removes a Unix socket, and returns when the server's threads have ended. Done
 * by exit() too. Recording ends with it, unless something else records. http.Server.Close. Returns
 * 0, or -ENOENT: there is none.
 */
int sonde_http_stop(void);

/* The port of the running server; 0: it has a Unix socket. -ENOENT: there is none. */
int sonde_http_port(void);

/*
 * For programs with an HTTP server of their own: one request and its answer; pprof.Index,
 * pprof.Handler. Who may ask is the program's affair: neither Host nor a token is looked at.
 */
struct sonde_http_request {
	size_t size; /* sizeof(struct sonde_http_request) */
	const char *method;
	const char *target; /* path and query as in the request line: "/debug/pprof/heap?debug=1" */
	const char *body;   /* of a POST, ended by NUL; NULL: none */

	/* A header's value, or NULL if it was not sent. Without this function rates cannot be
	 * changed by POST: a foreign page's could not be told apart. */
	const char *(*header)(void *ctx, const char *name);
	/* Whether the client has gone: asked 20 times a second while a profile is being taken.
	 * NULL: the profile is taken to its end. */
	bool (*is_gone)(void *ctx);
	void *ctx; /* of both */
};

struct sonde_http_header {
	const char *name, *value;
};

/* Filled by sonde_http_serve(), to be given back by sonde_http_response_release(). */
struct sonde_http_response {
	int status; /* 200, ... */
	const struct sonde_http_header *headers;
	size_t header_n;
	const char *body;
	size_t body_size;
};

/*
 * Answers a request, on the calling thread, for as long as it takes: ?seconds=30 takes 30 s. What
 * it allocates is in no profile; its time and its waiting are the calling thread's and show. Paths
 * that are not under /debug/pprof/ are a 404. The process records from the first call on, as after
 * sonde_http_start() with no options; sonde_http_start() before it says otherwise. Several threads
 * may be here at once.
 *
 * Returns 0 with *ret_response filled, whatever its status; or -EINVAL: method or target is NULL,
 * or an error of sonde_http_start() that is not of its socket.
 */
int sonde_http_serve(
	const struct sonde_http_request *request, struct sonde_http_response *ret_response);
void sonde_http_response_release(struct sonde_http_response *response);

#ifdef __cplusplus
}
#endif

#endif
