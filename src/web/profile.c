/*
 * The pages of one profile: the report a path names, with the options of the query, and navigation
 * around it. (Rejected: what google/pprof does, sending every stack to the browser and cutting
 * there.)
 */
#include "web/internal.h"

#include <stdio.h>

#define PAGE_POLICY                                                                     \
	"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " \
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

struct page;
typedef int page_make_fn(struct page *page, struct err *err);
static page_make_fn make_report, make_flame;
typedef int page_body_fn(struct page *page, struct report *r, struct err *err);
static page_body_fn top_body, graph_body, text_body, source_body;

struct view {
	const char *path, *title;
	const char *command;
	enum report_format format;
	page_make_fn *make;
	page_body_fn *body;	 /* of make_report() */
	const char *granularity; /* unless the query names one; NULL: none */
	int nodecount;		 /* whatever the query says; -1: what it says */
	bool has_symbol;	 /* the parameter f is the command's argument too */
	bool needs_symbol;	 /* and without it there would be too much */
};

static const struct view views[] = {
	{"/ui/flamegraph", "Flame graph", "flame", REPORT_FLAME, make_flame, NULL, NULL, -1, false,
		false},
	{"/ui/top", "Top", "top", REPORT_TEXT, make_report, top_body, NULL, 500, false, false},
	{"/ui/graph", "Graph", "svg", REPORT_DOT, make_report, graph_body, NULL, -1, false, false},
	{"/ui/peek", "Peek", "peek", REPORT_TREE, make_report, text_body, "lines", -1, true, false},
	{"/ui/source", "Source", "weblist", REPORT_WEBLIST, make_report, source_body, NULL, -1,
		true, true},
	{"/ui/disasm", "Disassembly", "disasm", REPORT_DISASM, make_report, text_body, NULL, -1,
		true, true},
	{"/ui/tags", "Tags", "tags", REPORT_TAGS, make_report, text_body, NULL, -1, false, false},
};

struct page {
	struct query *q;
	const struct view *view;
	struct notes notes;
	struct buf warnings; /* HTML */
};

/* --- links --- */

struct link {
	struct buf *out;
	const char *without;
	char separator;
};

/* What the flame graph's script keeps in the query: not of the report, and it may have changed. */
static bool is_of_script(const char *param)
{
	return strcmp(param, "p") == 0;
}

static void put_param(void *ctx, const char *name, const char *value)
{
	struct link *link = ctx;
	if (!*value || strcmp(name, link->without) == 0 || is_of_script(name))
		return;
	buf_addch(link->out, link->separator);
	http_escape_query(link->out, name);
	buf_addch(link->out, '=');
	http_escape_query(link->out, value);
	link->separator = '&';
}

/* A link within HTML to a view with the parameters of this request, but one, which may be given
 * another value. */
static void put_href(
	struct page *page, const char *path, const char *param, const char *value, struct buf *out)
{
	struct buf url = BUF_INIT;
	struct link link = {.out = &url, .without = param, .separator = '?'};
	buf_addstr(&url, path);
	http_each_param(page->q->req, put_param, &link);
	if (*value) {
		link.without = "";
		put_param(&link, param, value);
	}
	html_escape(out, url.data);
	buf_release(&url);
}

/* The expression that matches this name and no other. */
static char *quote_name(const char *name)
{
	struct buf quoted = BUF_INIT;
	buf_addch(&quoted, '^');
	for (; *name; name++) {
		if (strchr("\\.+*?()|[]{}^$", *name))
			buf_addch(&quoted, '\\');
		buf_addch(&quoted, *name);
	}
	buf_addch(&quoted, '$');
	return buf_detach(&quoted, NULL);
}

/* --- navigation --- */

static void put_views(struct page *page, struct buf *out)
{
	buf_addstr(out, "<div>");
	for (size_t i = 0; i < array_len(views); i++) {
		buf_addstr(out, "<a href=\"");
		put_href(page, views[i].path, "", "", out);
		buf_printf(out, "\"%s>%s</a>",
			&views[i] == page->view ? " aria-current=\"page\"" : "", views[i].title);
	}
	buf_addstr(out, "<a href=\"");
	put_href(page, "/ui/download", "", "", out);
	buf_addstr(out, "\">Download</a></div>");
}

static void put_types(struct page *page, uint32_t chosen, struct buf *out)
{
	const struct profile *p = page->q->server->web->profile;
	if (p->sample_type_n < 2)
		return;
	buf_addstr(out, "<div aria-label=\"Sample type\" role=\"group\">");
	for (uint32_t i = 0; i < p->sample_type_n; i++) {
		const char *type = profile_str(p, p->sample_types[i].type);
		buf_addstr(out, "<a href=\"");
		put_href(page, page->view->path, "si", type, out);
		buf_addstr(out, i == chosen ? "\" aria-current=\"true\">" : "\">");
		html_escape(out, type);
		buf_addstr(out, "</a>");
	}
	buf_addstr(out, "</div>");
}

static const struct {
	const char *param, *name;
} filters[] = {
	{"f", "focus"},
	{"i", "ignore"},
	{"h", "hide"},
	{"s", "show"},
	{"sf", "show from"},
	{"tf", "tag focus"},
	{"ti", "tag ignore"},
	{"ts", "tag show"},
	{"th", "tag hide"},
	{"prunefrom", "prune from"},
};

static bool is_filter(const char *param)
{
	for (size_t i = 0; i < array_len(filters); i++)
		if (strcmp(filters[i].param, param) == 0)
			return true;
	return false;
}

static void put_chips(struct page *page, struct buf *out)
{
	for (size_t i = 0; i < array_len(filters); i++) {
		const char *value = http_param(page->q->req, filters[i].param);
		if (!*value)
			continue;
		buf_addstr(out, "<a class=\"chip\" title=\"Remove this filter\" href=\"");
		put_href(page, page->view->path, filters[i].param, "", out);
		buf_printf(out, "\">%s: ", filters[i].name);
		html_escape(out, value);
		buf_addstr(out, " ×</a>");
	}
}

/* What is not asked in the form stays as it is. */
static void put_hidden(void *ctx, const char *name, const char *value)
{
	struct buf *out = ctx;
	if (is_filter(name) || is_of_script(name) || !*value)
		return;
	buf_addstr(out, "<input type=\"hidden\" name=\"");
	html_escape(out, name);
	buf_addstr(out, "\" value=\"");
	html_escape(out, value);
	buf_addstr(out, "\">");
}

static void put_form(struct page *page, struct buf *out)
{
	buf_printf(out, "<details><summary>Refine</summary><form action=\"%s\">", page->view->path);
	for (size_t i = 0; i < array_len(filters); i++) {
		buf_printf(out, "<label>%s <input name=\"%s\" value=\"", filters[i].name,
			filters[i].param);
		html_escape(out, http_param(page->q->req, filters[i].param));
		buf_addstr(out, "\" spellcheck=\"false\"></label>");
	}
	http_each_param(page->q->req, put_hidden, out);
	buf_addstr(out, "<button>Apply</button></form></details>");
}

static void put_navigation(struct page *page, uint32_t type, struct buf *out)
{
	buf_addstr(out, "\n<nav class=\"pages\" aria-label=\"Views and filters\">");
	put_views(page, out);
	put_types(page, type, out);
	put_form(page, out);
	put_chips(page, out);
	buf_add(out, page->warnings.data, page->warnings.len);
	buf_addstr(out, "</nav>\n");
}

/* --- bodies --- */

/* Up to the end of the navigation. */
static void put_head(struct page *page, const char *title, uint32_t type)
{
	struct buf *out = &page->q->res->body;
	buf_addstr(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			"<meta name=\"viewport\" content=\"width=device-width, "
			"initial-scale=1\">\n<link rel=\"stylesheet\" "
			"href=\"/ui/style.css\">\n<script type=\"module\" "
			"src=\"/ui/page.js\"></script>\n<title>");
	html_escape(out, title);
	buf_printf(out, " %s</title>\n</head>\n<body>", page->view->title);
	put_navigation(page, type, out);
}

static void put_start(struct page *page, struct report *r, const struct report_labels *labels)
{
	struct buf *out = &page->q->res->body;
	put_head(page, r->title, r->value_index);
	buf_addstr(out, "<header><div><h1>");
	html_escape(out, *r->title ? r->title : page->view->title);
	buf_addstr(out, "</h1><p class=\"legend\">");
	for (uint32_t i = 0; i < labels->n; i++) {
		buf_addstr(out, i ? "<br>" : "");
		html_escape(out, labels->lines[i]);
	}
	buf_addstr(out, "</p></div></header>\n<main>\n");
}

static void put_profile_start(struct page *page, struct report *r)
{
	struct report_labels labels = {0};
	report_labels_profile(r, &labels);
	put_start(page, r, &labels);
	report_labels_release(&labels);
}

static void put_end(struct page *page)
{
	page->q->res->type = "text/html; charset=utf-8";
	page->q->res->policy = PAGE_POLICY;
	buf_addstr(&page->q->res->body, "\n</main>\n</body>\n</html>\n");
}

static void put_cell(struct report *r, int64_t value, struct buf *out)
{
	buf_addstr(out, "<td>");
	report_value(r, value, out);
	buf_addstr(out, "<td>");
	unit_percentage(value, r->total, out);
}

static void put_item(struct page *page, struct report *r, const struct report_item *item)
{
	struct buf *out = &page->q->res->body;
	char *exact = quote_name(item->name);
	buf_addstr(out, "<tr>");
	put_cell(r, item->flat, out);
	put_cell(r, item->cum, out);
	buf_addstr(out, "<td><a href=\"");
	put_href(page, "/ui/peek", "f", exact, out);
	buf_addstr(out, "\">");
	html_escape(out, item->name);
	buf_printf(out, "</a> %s\n", item->inline_label);
	mem_free(exact);
}

static void put_sort_head(struct page *page, const char *sort, const char *title)
{
	struct buf *out = &page->q->res->body;
	bool chosen = strcmp(page->q->config.sort, sort) == 0;
	buf_printf(
		out, "<th scope=\"col\"%s><a href=\"", chosen ? " aria-sort=\"descending\"" : "");
	put_href(page, page->view->path, "sort", sort, out);
	buf_printf(out, "\">%s%s</a><th scope=\"col\">%s%%", title, chosen ? " ▾" : "", title);
}

static int top_body(struct page *page, struct report *r, struct err *err)
{
	struct report_items items;
	report_items_init(r, &items);
	put_start(page, r, &items.labels);
	buf_addstr(&page->q->res->body, "<table class=\"top\"><thead><tr>");
	put_sort_head(page, "flat", "Flat");
	put_sort_head(page, "cum", "Cum");
	buf_addstr(&page->q->res->body, "<th scope=\"col\">Name<tbody>\n");
	for (uint32_t i = 0; i < items.n; i++)
		put_item(page, r, &items.items[i]);
	buf_addstr(&page->q->res->body, "</table>");
	report_items_release(&items);
	put_end(page);
	return 0;
}

/* The picture stands in the page itself, so that its text can be searched; Graphviz escapes names,
 * and the policy lets no script of theirs run. */
static int graph_body(struct page *page, struct report *r, struct err *err)
{
	struct buf text = BUF_INIT, graph = BUF_INIT, image = BUF_INIT;
	struct sink to = buf_sink(&text);
	int rc = report_dot(r, &to, err);
	if (rc >= 0) {
		web_clean_graph(&text, &graph);
		rc = page->q->server->web->layout(&graph, "svg", &image, err);
	}
	if (rc < 0)
		page->q->res->status = 501;
	const char *svg = rc >= 0 ? strstr(image.data, "<svg") : NULL;
	if (svg) {
		put_profile_start(page, r);
		buf_addstr(&page->q->res->body, "<div class=\"graph\" role=\"region\" "
						"aria-label=\"Call graph\" tabindex=\"0\">");
		buf_addstr(&page->q->res->body, svg);
		buf_addstr(&page->q->res->body, "</div>");
		put_end(page);
	}
	buf_release(&text);
	buf_release(&graph);
	buf_release(&image);
	return rc;
}

static void put_text(const char *text, struct buf *out)
{
	buf_addstr(out, "<pre tabindex=\"0\">");
	html_escape(out, text);
	buf_addstr(out, "</pre>");
}

static int text_body(struct page *page, struct report *r, struct err *err)
{
	struct buf text = BUF_INIT;
	struct sink to = buf_sink(&text);
	int rc = report_write(r, &to, err);
	if (rc >= 0) {
		put_profile_start(page, r);
		if (text.len)
			put_text(text.data, &page->q->res->body);
		else
			buf_addstr(&page->q->res->body, "<p>There is nothing to show: no sample "
							"has such values.</p>");
		put_end(page);
	}
	buf_release(&text);
	return rc;
}

static int source_body(struct page *page, struct report *r, struct err *err)
{
	struct buf source = BUF_INIT;
	int rc = web_put_source(r, &source, err);
	if (rc >= 0) {
		put_profile_start(page, r);
		buf_add(&page->q->res->body, source.data, source.len);
		put_end(page);
	}
	buf_release(&source);
	return rc;
}

/* --- requests --- */

static void add_warning(struct notes *notes, const char *line)
{
	struct buf *out = notes->ctx;
	buf_addstr(out, "<p class=\"note\" role=\"status\">");
	html_escape(out, line);
	buf_addstr(out, "</p>");
}

static void set_defaults(struct page *page)
{
	const struct view *v = page->view;
	if (v->granularity && (!*page->q->config.granularity || v->has_symbol))
		config_set_string(&page->q->config.granularity, v->granularity);
	if (v->nodecount >= 0)
		page->q->config.nodecount = v->nodecount;
}

/* Source and assembly of everything would be too much: one is to be named first. */
static int ask_for_symbol(struct page *page, struct err *err)
{
	struct report r;
	struct lent_profile lent;
	query_profile(page->q, &lent);
	int rc = report_init_header(&r, &lent.profile, &page->q->config, &page->notes, err);
	if (rc >= 0) {
		put_profile_start(page, &r);
		buf_addstr(&page->q->res->body, "<p>Name functions by a regular expression: "
						"Refine, focus. Or choose one under Top.</p>");
		put_end(page);
		report_release(&r);
	}
	lent_profile_release(&lent);
	return rc;
}

/* The page is the one that -flame writes; navigation goes in front. */
static int make_flame(struct page *page, struct err *err)
{
	const struct flame *f;
	struct buf whole = BUF_INIT, *out = &page->q->res->body;
	int rc = query_flame(page->q, &f, err);
	if (rc >= 0)
		rc = flame_page(f, &flame_cut_screen, true, &whole, err);
	if (rc >= 0) {
		const struct report_labels *notes = flame_notes(f);
		for (uint32_t i = 0; i < notes->n; i++)
			add_warning(&page->notes, notes->lines[i]);
		const char *body = strstr(whole.data, "<body>");
		size_t n = body ? (size_t)(body - whole.data) + strlen("<body>") : 0;
		buf_add(out, whole.data, n);
		put_navigation(page, flame_type(f), out);
		buf_add(out, whole.data + n, whole.len - n);
		page->q->res->type = "text/html; charset=utf-8";
		page->q->res->policy = report_flame_policy();
	}
	buf_release(&whole);
	return rc;
}

static int make_report(struct page *page, struct err *err)
{
	const struct view *v = page->view;
	const char *symbol = http_param(page->q->req, "f");
	if (v->needs_symbol && !*symbol)
		return ask_for_symbol(page, err);
	struct report r;
	struct lent_profile lent;
	set_defaults(page);
	query_profile(page->q, &lent);
	int rc = report_init(&r, &lent.profile, v->format, v->command,
		v->has_symbol ? symbol : NULL, &page->q->config, &page->notes, err);
	if (rc >= 0) {
		rc = v->body(page, &r, err);
		report_release(&r);
	}
	lent_profile_release(&lent);
	return rc;
}

const struct view *web_view(const char *path)
{
	for (size_t i = 0; i < array_len(views); i++)
		if (strcmp(path, views[i].path) == 0)
			return &views[i];
	return NULL;
}

bool web_view_reads_files(const struct view *view)
{
	return view->needs_symbol;
}

int web_page(struct query *q, const struct view *view, struct err *err)
{
	struct page page = {.q = q, .view = view, .warnings = BUF_INIT};
	page.notes = (struct notes){.add = add_warning, .ctx = &page.warnings};
	int rc = view->make(&page, err);
	buf_release(&page.warnings);
	return rc;
}

/* The type that was asked for, if there is such a one. */
static uint32_t type_asked(const struct query *q)
{
	const struct profile *p = q->server->web->profile;
	struct err ignored = ERR_INIT;
	uint32_t type;
	return report_sample_index(p, q->config.sample_index, &type, &ignored) < 0 ? PROFILE_NONE
										   : type;
}

void web_error_page(struct query *q, const struct view *view, const char *message)
{
	struct page page = {.q = q, .view = view, .warnings = BUF_INIT};
	struct buf *out = &q->res->body;
	put_head(&page, "Error:", type_asked(q));
	buf_printf(out, "<main>\n<h1>%s cannot be shown</h1>\n<p role=\"alert\">", view->title);
	html_escape(out, message);
	buf_addstr(out, "</p>");
	put_end(&page);
}
