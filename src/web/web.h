/*
 * web: the pages behind `sonde pprof -http` and `sonde benchstat -http` (benchstat.c). Front header
 * of the layer; for profiles it answers to google/pprof's internal/driver/webui.go: the same paths
 *and the same parameters.
 *
 *	/ui/flamegraph /ui/top /ui/graph /ui/peek /ui/source /ui/disasm /ui/tags /ui/download
 *	/ui/flame.json /ui/sandwich.json /ui/export          data, see web/data.c and web/export.c
 *	/ui/configs.json /ui/saveconfig /ui/deleteconfig     saved configurations, see web/configs.c
 *
 * Every page is made on the server; scripts only add to it (ui/). The Content-Security-Policy
 *allows the flame graph's, known by its hash, and /ui/page.js: names in a profile cannot become
 *code. All state is in the URL, so that back, bookmarks and sent links work; answers carry a tag,
 *so that back and forward cost nothing.
 */
#ifndef SONDE_WEB_H
#define SONDE_WEB_H

#include "base/base.h"
#include "http/http.h"
#include "pprof/pprof.h"
#include "report/report.h"

struct web_profile {
	const struct profile *profile; /* complete and symbolized; never changed */
	const struct config *config;   /* what URLs start from */
	const char *settings;	       /* path of google/pprof's settings.json; NULL: none */
	/* Lays out a graph in the DOT language as an image of the type. */
	int (*layout)(const struct buf *graph, const char *type, struct buf *out, struct err *err);
};

/* Serves until web_stop(). `web` and all it points to must live until then. */
struct web_server;
must_check int web_start(struct web_server **ret, const char *address,
	const struct web_profile *web, struct err *err);
/* "http://localhost:8080"; lives as long as the server. */
const char *web_url(const struct web_server *server);
void web_stop(struct web_server *server); /* NULL is fine */

/* The pages of a benchmark comparison, for `sonde benchstat -http`: / and, for three columns and
 * more or if asked for, /trend. No script at all. */
struct tables;
struct web_benchstat {
	const struct tables *tables; /* finished; never changed */
	double alpha;		     /* at which trends change */
	bool trends;		     /* were asked for */
};

/* Serves until http_stop(). `web` and all it points to must live until then. */
must_check int web_benchstat_start(
	struct http_server **ret, const char *address, struct web_benchstat *web, struct err *err);

#endif
