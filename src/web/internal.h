/*
 * Inside the layer: one server's state, and what its parts offer each other.
 */
#ifndef SONDE_WEB_INTERNAL_H
#define SONDE_WEB_INTERNAL_H

#include "web/web.h"

struct lru;

struct web_server {
	const struct web_profile *web;
	struct http_server *http;
	struct lru *flames;  /* struct flame */
	struct lru *answers; /* struct answer: those that were long in the making */
	uint64_t instance; /* tells this server's answers from those of another at the same port */
};

/* One request for a report. */
struct query {
	struct web_server *server;
	const struct http_request *req;
	struct http_response *res;
	struct config config; /* the server's, with the request's parameters */
};
/* ERR_USAGE if a parameter makes no sense; release it in any case. */
must_check int query_init(struct query *q, struct web_server *server,
	const struct http_request *req, struct http_response *res, struct err *err);
void query_release(struct query *q);

/* The server's profile for a report with the query's options to change: without a copy of the
 * samples unless they are changed too. */
struct lent_profile {
	struct profile profile;
	bool is_shared;
};
void query_profile(const struct query *q, struct lent_profile *ret);
void lent_profile_release(struct lent_profile *p);

/* The flame graph of the query: owned by the server, good until the next call of this. */
must_check int query_flame(struct query *q, const struct flame **ret, struct err *err);

/* --- pages (web/profile.c) --- */
struct view;
const struct view *web_view(const char *path); /* NULL: no such page */
/* Whether it shows more than the profile: files that may change while we serve. */
bool web_view_reads_files(const struct view *view);
must_check int web_page(struct query *q, const struct view *view, struct err *err);
/* What is said in its place, with the way back: filters to change, the other pages. */
void web_error_page(struct query *q, const struct view *view, const char *message);

/* Annotated source as HTML (web/source.c). */
must_check int web_put_source(struct report *r, struct buf *out, struct err *err);

/* The text of report_dot() as Graphviz can draw it, whatever names are in it (web/graph.c). */
void web_clean_graph(const struct buf *graph, struct buf *out);

/* --- flame.json, sandwich.json (web/data.c), export (web/export.c) --- */
typedef int web_data_fn(struct query *q, struct err *err);
web_data_fn web_flame_json, web_sandwich_json, web_export;
/* --- saved configurations (web/configs.c) --- */
web_data_fn web_configs_json, web_save_config, web_delete_config;

/* --- what was made before: the last things asked for (web/cache.c) --- */
typedef void lru_free_fn(void *value);
struct lru *lru_new(unsigned count_max, size_t size_max, lru_free_fn *free_value);
void lru_free(struct lru *c); /* NULL is fine */
/* NULL if it is not there. Valid until the next lru_put(). */
void *lru_get(struct lru *c, const char *key);
/* Takes the value over; those not asked for longest go, but never this one. `size` is its bytes.
 * There must be none under the key. */
void lru_put(struct lru *c, const char *key, void *value, size_t size);

#endif
