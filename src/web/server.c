/*
 * Which path is what. See web.h.
 */
#include "web/internal.h"

#include <errno.h>
#include <sys/random.h>

/* The style of all pages: ui/flame/flame.css and ui/profile/profile.css. */
extern const char web_style[];
extern const size_t web_style_len;
/* The script of all pages but the flame graph's: ui/profile/page.js and what it needs. */
extern const char web_script[];
extern const size_t web_script_len;

enum {
	FLAMES_MAX = 12,
	ANSWERS_MAX = 24,
};
#define FLAMES_SIZE_MAX	 ((size_t)512 << 20)
#define ANSWERS_SIZE_MAX ((size_t)32 << 20)

/* --- queries --- */

struct setting {
	struct config *config;
	struct err *err;
	int rc;
};

static void set_option(void *ctx, const char *name, const char *value)
{
	struct setting *s = ctx;
	if (s->rc >= 0 && *value)
		s->rc = config_set_url(s->config, name, value, s->err);
}

int query_init(struct query *q, struct web_server *server, const struct http_request *req,
	struct http_response *res, struct err *err)
{
	*q = (struct query){.server = server, .req = req, .res = res};
	config_copy(&q->config, server->web->config);
	struct setting s = {&q->config, err, 0};
	http_each_param(req, set_option, &s);
	return s.rc;
}

void query_release(struct query *q)
{
	config_release(&q->config);
}

void query_profile(const struct query *q, struct lent_profile *ret)
{
	ret->is_shared = !config_changes_samples(&q->config);
	if (ret->is_shared)
		profile_share(&ret->profile, q->server->web->profile);
	else
		profile_copy(&ret->profile, q->server->web->profile);
}

void lent_profile_release(struct lent_profile *p)
{
	if (p->is_shared)
		profile_release_shared(&p->profile);
	else
		profile_release(&p->profile);
}

/* --- answers that need not be sent again --- */

struct hashing {
	uint64_t hash;
};

static void hash_param(void *ctx, const char *name, const char *value)
{
	struct hashing *h = ctx;
	h->hash = hash_bytes(name, strlen(name) + 1, h->hash);
	h->hash = hash_bytes(value, strlen(value) + 1, h->hash);
}

/* The profile never changes, so an answer is known by its question, before it is made. True if the
 * client has it. */
static bool client_has(
	struct web_server *server, const struct http_request *req, struct http_response *res)
{
	struct hashing h = {hash_bytes(req->path, strlen(req->path) + 1, server->instance)};
	struct buf tag = BUF_INIT;
	http_each_param(req, hash_param, &h);
	buf_printf(&tag, "\"%016llx\"", (unsigned long long)h.hash);
	res->etag = buf_detach(&tag, NULL);
	if (!http_etag_matches(http_header(req, "If-None-Match"), res->etag))
		return false;
	res->status = 304;
	return true;
}

/* --- answers that need not be made again --- */

struct answer {
	const char *type, *policy, *filename; /* static, as in the response */
	struct buf body;
};

static void free_answer(void *value)
{
	struct answer *a = value;
	buf_release(&a->body);
	mem_free(a);
}

/* False if it is not there. */
static bool recall_answer(struct web_server *server, struct http_response *res)
{
	const struct answer *a = lru_get(server->answers, res->etag);
	if (!a)
		return false;
	res->type = a->type;
	res->policy = a->policy;
	res->filename = a->filename;
	buf_add(&res->body, a->body.data, a->body.len);
	return true;
}

static void keep_answer(struct web_server *server, const struct http_response *res)
{
	if (res->body.len > ANSWERS_SIZE_MAX / 4)
		return;
	struct answer *a = mem_zalloc(sizeof(*a));
	*a = (struct answer){res->type, res->policy, res->filename, BUF_INIT};
	buf_add(&a->body, res->body.data, res->body.len);
	lru_put(server->answers, res->etag, a, a->body.len);
}

static void free_flame(void *value)
{
	flame_free(value);
}

/* --- paths --- */

static int serve_download(struct query *q, struct err *err)
{
	q->res->type = "application/vnd.google.protobuf+gzip";
	q->res->filename = "profile.pb.gz";
	profile_write(q->server->web->profile, &q->res->body);
	return 0;
}

static int serve_style(struct query *q, struct err *err)
{
	q->res->type = "text/css; charset=utf-8";
	buf_add(&q->res->body, web_style, web_style_len);
	return 0;
}

static int serve_script(struct query *q, struct err *err)
{
	q->res->type = "text/javascript; charset=utf-8";
	buf_add(&q->res->body, web_script, web_script_len);
	return 0;
}

static const struct resource {
	const char *path;
	web_data_fn *serve;
	bool changes; /* answers to GET too, but also to POST and DELETE */
	bool varies;  /* not with the profile alone: made anew each time */
} resources[] = {
	{"/ui/flame.json", web_flame_json},
	{"/ui/sandwich.json", web_sandwich_json},
	{"/ui/export", web_export},
	{"/ui/download", serve_download},
	{"/ui/style.css", serve_style},
	{"/ui/page.js", serve_script},
	{"/ui/configs.json", web_configs_json, .varies = true},
	{"/ui/saveconfig", web_save_config, .changes = true, .varies = true},
	{"/ui/deleteconfig", web_delete_config, .changes = true, .varies = true},
	{"/saveconfig", web_save_config, .changes = true, .varies = true},
	{"/deleteconfig", web_delete_config, .changes = true, .varies = true},
};

static const struct resource *find_resource(const char *path)
{
	for (size_t i = 0; i < array_len(resources); i++)
		if (strcmp(path, resources[i].path) == 0)
			return &resources[i];
	return NULL;
}

static void put_param(void *ctx, const char *name, const char *value)
{
	struct buf *out = ctx;
	if (!*value)
		return;
	buf_addch(out, strchr(out->data, '?') ? '&' : '?');
	http_escape_query(out, name);
	buf_addch(out, '=');
	http_escape_query(out, value);
}

static void redirect(struct http_response *res, unsigned status, const struct http_request *req,
	const char *path)
{
	struct buf to = BUF_INIT;
	buf_addstr(&to, path);
	http_each_param(req, put_param, &to);
	res->status = status;
	res->location = buf_detach(&to, NULL);
}

/* The page one starts at, and names that google/pprof's has had. */
static bool is_flame_alias(const char *path)
{
	return strcmp(path, "/ui/") == 0 || strcmp(path, "/ui/flamegraph2") == 0 ||
	       strcmp(path, "/ui/flamegraphold") == 0;
}

static void serve_elsewhere(const struct http_request *req, struct http_response *res)
{
	if (strcmp(req->path, "/ui") == 0) {
		redirect(res, 301, req, "/ui/");
	} else if (is_flame_alias(req->path)) {
		redirect(res, 301, req, "/ui/flamegraph");
	} else if (strncmp(req->path, "/ui/", 4) == 0) {
		res->status = 404;
		buf_addstr(&res->body, "404 page not found\n");
	} else {
		redirect(res, 307, req, "/ui/");
	}
}

/* A browser's user gets a page to go on from, a script Go's line of text. */
static void fail(struct query *q, const struct view *view, const struct err *err)
{
	struct http_response *res = q->res;
	const char *accept = http_header(q->req, "Accept");
	if (res->status == 200)
		res->status = 400;
	mem_free(res->etag);
	res->etag = NULL;
	res->filename = NULL;
	res->type = "text/plain; charset=utf-8";
	buf_clear(&res->body);
	if (view && accept && strstr(accept, "text/html"))
		web_error_page(q, view, err->msg);
	else
		buf_printf(&res->body, "%s\n", err->msg);
}

static void answer(struct web_server *server, const struct http_request *req,
	struct http_response *res, const struct view *view, const struct resource *resource)
{
	struct err err = ERR_INIT;
	struct query q;
	int rc = query_init(&q, server, req, res, &err);
	if (rc >= 0)
		rc = view ? web_page(&q, view, &err) : resource->serve(&q, &err);
	if (rc < 0)
		fail(&q, view, &err);
	else if (res->etag && view)
		keep_answer(server, res);
	query_release(&q);
}

static void serve(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct web_server *server = ctx;
	const struct view *view = web_view(req->path);
	const struct resource *resource = find_resource(req->path);
	bool varies = view ? web_view_reads_files(view) : resource && resource->varies;
	bool is_strict = !resource || !resource->changes;
	if (!http_is_read(req) && is_strict) {
		res->status = 405;
		buf_addstr(&res->body, "Only GET is served here.\n");
	} else if (!view && !resource) {
		serve_elsewhere(req, res);
	} else if (varies || (!client_has(server, req, res) && !recall_answer(server, res))) {
		answer(server, req, res, view, resource);
	}
}

/* --- life --- */

int web_start(struct web_server **ret, const char *address, const struct web_profile *web,
	struct err *err)
{
	struct web_server *server = mem_zalloc(sizeof(*server));
	server->web = web;
	server->flames = lru_new(FLAMES_MAX, FLAMES_SIZE_MAX, free_flame);
	server->answers = lru_new(ANSWERS_MAX, ANSWERS_SIZE_MAX, free_answer);
	int rc = 0;
	if (getrandom(&server->instance, sizeof(server->instance), 0) < 0)
		rc = err_errno(err, "getrandom");
	if (rc >= 0)
		rc = http_start(
			&server->http, &(struct http_opts){.address = address}, serve, server, err);
	if (rc < 0) {
		web_stop(server);
		return rc;
	}
	*ret = server;
	return 0;
}

const char *web_url(const struct web_server *server)
{
	return http_url(server->http);
}

void web_stop(struct web_server *server)
{
	if (!server)
		return;
	http_stop(server->http);
	lru_free(server->flames);
	lru_free(server->answers);
	mem_free(server);
}
