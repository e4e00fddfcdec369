/*
 * /debug/pprof/ by another server's requests: exits with 0 if every call did what http.h says.
 */
#include "../../check.h"

#include <sonde/http.h>
#include <sonde/pprof.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *own_header(void *ctx, const char *name)
{
	return strcmp(name, "Host") == 0 ? "localhost:80" : NULL;
}

static const char *foreign_header(void *ctx, const char *name)
{
	return strcmp(name, "Origin") == 0 ? "http://evil.example" : own_header(ctx, name);
}

static bool gone(void *ctx)
{
	return ++*(int *)ctx > 3;
}

static struct sonde_http_request request(const char *method, const char *target)
{
	return (struct sonde_http_request){
		.size = sizeof(struct sonde_http_request), .method = method, .target = target};
}

static bool has_header(const struct sonde_http_response *r, const char *name, const char *value)
{
	for (size_t i = 0; i < r->header_n; i++)
		if (strcmp(r->headers[i].name, name) == 0 &&
			strcmp(r->headers[i].value, value) == 0)
			return true;
	return false;
}

/* The status; the answer's body begins with `begin`. */
static int ask(const struct sonde_http_request *req, const char *begin)
{
	struct sonde_http_response r;
	CHECK(sonde_http_serve(req, &r) == 0);
	if (begin && (r.body_size < strlen(begin) || memcmp(r.body, begin, strlen(begin)))) {
		fprintf(stderr, "%s: %.*s\n", req->target, (int)r.body_size, r.body);
		exit(1);
	}
	int status = r.status;
	sonde_http_response_release(&r);
	CHECK(!r.body && !r.headers);
	return status;
}

static int get(const char *target, const char *begin)
{
	const struct sonde_http_request req = request("GET", target);
	return ask(&req, begin);
}

static void rates(void)
{
	struct sonde_http_request req =
		request("POST", "/debug/pprof/rate?profile=block&rate=%31%30");
	CHECK(ask(&req, "a page from elsewhere") == 403); /* nobody says where it is from */
	req.header = foreign_header;
	CHECK(ask(&req, "a page from elsewhere") == 403);
	req.header = own_header;
	CHECK(ask(&req, "10\n") == 200 && sonde_block_rate_set(0) == 10);
	CHECK(get("/debug/pprof/rate?profile=heap", "524288\n") == 200);
}

static void own_profile(void)
{
	struct sonde_profile *files;
	CHECK(sonde_profile_new("open files", &files) == 0);
	CHECK(sonde_profile_add(files, &files, 0) == 0);
	CHECK(get("/debug/pprof/open%20files?debug=1", "open files profile: total 1\n1 @ 0x") ==
		200);
	CHECK(get("/debug/pprof/open%2520files", "Unknown profile\n") == 404); /* decoded once */
}

static void who_leaves(void)
{
	int looks = 0;
	struct sonde_http_request req = request("GET", "/debug/pprof/profile?seconds=3600");
	req.is_gone = gone;
	req.ctx = &looks;
	CHECK(ask(&req, NULL) == 200 && looks == 4);
}

int main(void)
{
	struct sonde_http_response r;
	struct sonde_http_request req = request(NULL, "/");
	CHECK(sonde_http_serve(&req, &r) == -EINVAL);
	req = request("GET", NULL);
	CHECK(sonde_http_serve(&req, &r) == -EINVAL);
	CHECK(get("/debug/pprof/", "<!DOCTYPE html>") == 200);
	CHECK(get("/debug/pprof", NULL) == 301 && get("/other", "404 page not found\n") == 404);
	CHECK(get("/debug/pprof/none", "Unknown profile\n") == 404);
	CHECK(get("/debug/pprof/goroutine?x&debug=1&y=%zz+", "goroutine profile: total 1\n") ==
		200);
	CHECK(get("/debug/pprof/heap?gc=1", "\x1f\x8b") == 200);
	req = request("GET", "/debug/pprof/heap");
	CHECK(sonde_http_serve(&req, &r) == 0 &&
		has_header(&r, "Content-Type", "application/octet-stream"));
	CHECK(has_header(&r, "Content-Disposition", "attachment; filename=\"heap\""));
	sonde_http_response_release(&r);
	req = request("POST", "/debug/pprof/heap");
	CHECK(ask(&req, "Method Not Allowed\n") == 405);
	rates();
	own_profile();
	who_leaves();
	CHECK(sonde_http_port() == -ENOENT && sonde_http_stop() == -ENOENT);
	pid_t pid = fork();
	int status = -1;
	if (pid == 0) {
		get("/debug/pprof/heap", "\x1f\x8b");
		exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	return 0;
}
