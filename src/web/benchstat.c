/*
 * The pages of a benchmark comparison: the tables with their distributions, and, where there are
 * more than two columns, each benchmark as a series. They do not change while they are served, and
 * are made for each request: that costs less than keeping them.
 */
#include "web/web.h"

#include "benchfmt/benchfmt.h"

#define PAGE_POLICY                                                                   \
	"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'"

enum { SERIES = 3 }; /* the fewest columns that make one */

static void put_link(struct buf *out, const char *path, const char *text, bool current)
{
	buf_printf(out, "<a href=\"%s\"%s>%s</a>\n", path, current ? " aria-current=\"page\"" : "",
		text);
}

static void put_head(const struct web_benchstat *web, const char *title, bool trends, bool changed,
	struct buf *out)
{
	buf_printf(out,
		"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<title>%s - benchstat</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n"
		"</head>\n<body>\n<h1>%s</h1>\n",
		title, title);
	if (!web->trends && tables_columns(web->tables) < SERIES)
		return;
	buf_addstr(out, "<nav>\n");
	put_link(out, "/", "Comparison", !trends);
	put_link(out, "/trend", "Trends", trends && !changed);
	put_link(out, "/trend?changed=1", "Trends that changed", changed);
	buf_addstr(out, "</nav>\n");
}

static void answer(void *ctx, const struct http_request *req, struct http_response *ret)
{
	const struct web_benchstat *web = ctx;
	bool trends = strcmp(req->path, "/trend") == 0, changed = *http_param(req, "changed");
	if (!http_is_read(req)) {
		ret->status = 405;
		buf_addstr(&ret->body, "These pages can only be read.\n");
		return;
	}
	if (strcmp(req->path, "/style.css") == 0) {
		ret->type = "text/css; charset=utf-8";
		buf_addstr(&ret->body, tables_style);
		return;
	}
	if (!trends && strcmp(req->path, "/") != 0) {
		ret->status = 404;
		buf_addstr(&ret->body, "No such page: there are / and /trend.\n");
		return;
	}
	ret->type = "text/html; charset=utf-8";
	ret->policy = PAGE_POLICY;
	put_head(web, trends ? "Benchmark trends" : "Benchmark comparison", trends,
		trends && changed, &ret->body);
	if (trends)
		tables_html_trends(web->tables, web->alpha, changed, &ret->body);
	else
		tables_html_comparison(web->tables, &ret->body);
	buf_addstr(&ret->body, "</body>\n</html>\n");
}

int web_benchstat_start(
	struct http_server **ret, const char *address, struct web_benchstat *web, struct err *err)
{
	return http_start(ret, &(struct http_opts){.address = address}, answer, web, err);
}
