/*
 * Downloads of what a page shows: /ui/export?<parameters>&format=pb|folded|svg|html. All have the
 * filters applied; /ui/download is the profile as it was read.
 */
#include "web/internal.h"

static int export_proto(struct query *q, struct err *err)
{
	struct profile copy;
	struct report r;
	struct sink to = buf_sink(&q->res->body);
	profile_copy(&copy, q->server->web->profile);
	int rc = report_init(&r, &copy, REPORT_PROTO, "proto", NULL, &q->config, NULL, err);
	if (rc >= 0) {
		rc = report_proto(&r, &to, err);
		report_release(&r);
	}
	profile_release(&copy);
	return rc;
}

static int export_folded(struct query *q, struct err *err)
{
	const struct flame *f;
	int rc = query_flame(q, &f, err);
	if (rc >= 0)
		flame_folded(f, &q->res->body);
	return rc;
}

static int export_svg(struct query *q, struct err *err)
{
	const struct flame *f;
	int rc = query_flame(q, &f, err);
	return rc < 0 ? rc : flame_svg(f, &q->res->body, err);
}

static int export_html(struct query *q, struct err *err)
{
	const struct flame *f;
	int rc = query_flame(q, &f, err);
	return rc < 0 ? rc : flame_page(f, &flame_cut_page, false, &q->res->body, err);
}

static const struct {
	const char *name, *type, *filename;
	web_data_fn *make;
} formats[] = {
	{"pb", "application/vnd.google.protobuf+gzip", "profile.pb.gz", export_proto},
	{"folded", "text/plain; charset=utf-8", "profile.folded", export_folded},
	{"svg", "image/svg+xml", "flame.svg", export_svg},
	{"html", "text/html; charset=utf-8", "flame.html", export_html},
};

int web_export(struct query *q, struct err *err)
{
	const char *name = http_param(q->req, "format");
	for (size_t i = 0; i < array_len(formats); i++) {
		if (strcmp(formats[i].name, name) != 0)
			continue;
		q->res->type = formats[i].type;
		q->res->filename = formats[i].filename;
		return formats[i].make(q, err);
	}
	return err_set(err, ERR_USAGE, "format= is to be pb, folded, svg or html");
}
