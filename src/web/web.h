/*
 * web: the pages behind `sonde pprof -http`. Front header of the layer; it answers to google/
 * pprof's internal/driver/webui.go: the same paths and the same parameters.
 *
 *	/ui/flamegraph /ui/top /ui/graph /ui/peek /ui/source /ui/disasm /ui/tags /ui/download
 *
 * Every page is made on the server and needs no script, but for the flame graph, whose one script
 * the Content-Security-Policy knows by its hash: names in a profile cannot become code. All state
 * is in the URL, so that back, bookmarks and sent links work.
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
	/* Lays out a graph in the DOT language as an image of the type. */
	int (*layout)(const struct buf *graph, const char *type, struct buf *out, struct err *err);
};

/* Serves until http_stop(). `web` and all it points to must live until then. */
must_check int web_profile_start(struct http_server **ret, const char *address,
	const struct web_profile *web, struct err *err);

#endif
