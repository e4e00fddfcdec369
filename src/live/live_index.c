/*
 * The page of /debug/pprof/: what there is, how much of it, at which rates, and what the profiler
 * itself takes.
 */
#include "live/live.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *view, *what;
} descriptions[] = {
	{"allocs", "A sampling of all past memory allocations"},
	{"block", "Stack traces that led to blocking"},
	{"goroutine", "Stack traces of all threads"},
	{"heap", "A sampling of memory allocations of live objects. The gc parameter is accepted; "
		 "there is nothing to collect. leak=1: what no pointer leads to; "
		 "leak=1&amp;seconds=N: where it grows."},
	{"mutex", "Stack traces of holders of contended mutexes"},
	{"threadcreate", "Stack traces that led to the creation of threads"},
	{"wall", "Where threads spend time, on the CPU and waiting"},
};

const char *live_describe(const char *view)
{
	for (size_t i = 0; i < array_len(descriptions); i++)
		if (strcmp(descriptions[i].view, view) == 0)
			return descriptions[i].what;
	return "";
}

struct page {
	struct buf *out;
	int pid;
	const char *token; /* that the page was asked for with, for its links; "" */
	bool any;
};

static void add_query(const struct page *page, const char *query)
{
	buf_printf(page->out, "?%s", query);
	if (page->pid)
		buf_printf(page->out, "&amp;pid=%d", page->pid);
	if (*page->token) {
		buf_addstr(page->out, "&amp;token=");
		http_escape_query(page->out, page->token);
	}
}

/* Of a profile that counts things: how many; of others, as in Go, its records. */
static unsigned long long count(const struct profile *p)
{
	unsigned long long n = 0;
	for (uint32_t i = 0; i < p->sample_n && p->sample_type_n == 1; i++)
		n += (unsigned long long)profile_values(p, i)[0];
	return p->sample_type_n == 1 ? n : p->sample_n;
}

static void add_view(struct live_server *d, const struct live_process *process,
	const struct export_view *view, const struct page *page)
{
	const struct recording *rec = process->sources[process->n - 1].data;
	unsigned long long rate = atomic_load(&rec->rates.of[view->kind]);
	struct export_opts opts = {.view = view, .live = true};
	struct err err = ERR_INIT;
	struct profile p;
	unsigned long long n = 0;
	if (export_profile(process->sources, process->n, &opts, &p, NULL, &err) == 0) {
		n = count(&p);
		profile_release(&p);
	}
	buf_printf(page->out, "<tr><td>%llu</td><td><a href=\"", n);
	http_escape_query(page->out, view->name);
	add_query(page, "debug=1");
	buf_addstr(page->out, "\">");
	html_escape(page->out, view->name);
	buf_addstr(page->out, "</a></td><td>");
	bool has_rate = view->kind != RECORDING_CUSTOM && view->kind != RECORDING_GOROUTINE;
	if (rate && has_rate)
		buf_printf(page->out, "%llu", rate);
	else if (has_rate)
		buf_addstr(page->out, "off");
	buf_printf(page->out, "</td><td>%s</td></tr>\n",
		view->kind == RECORDING_CUSTOM ? "The program's own" : live_describe(view->name));
}

struct customs {
	struct live_server *d;
	const struct live_process *process;
	const struct page *page;
};

static bool add_custom(void *ctx, const struct export_custom *custom)
{
	const struct customs *c = ctx;
	add_view(c->d, c->process, &custom->view, c->page);
	return true;
}

static void add_customs(
	struct live_server *d, const struct live_process *process, const struct page *page)
{
	const struct live_process newest = live_newest(process);
	struct customs customs = {d, &newest, page};
	export_each_custom(newest.sources, add_custom, &customs);
}

static void add_process(void *ctx, int pid)
{
	struct page *page = ctx;
	struct page to = *page;
	char query[32];
	to.pid = 0;
	snprintf(query, sizeof(query), "pid=%d", pid);
	buf_printf(page->out, "%s<a href=\"", page->any ? ", " : "<p>Processes: ");
	add_query(&to, query);
	buf_printf(page->out, "\">%d</a>", pid);
	page->any = true;
}

static void add_account(const struct live_process *process, struct buf *out)
{
	unsigned long long memory = 0, dropped = 0, lost = 0;
	const struct recording *newest = process->sources[process->n - 1].data;
	for (size_t i = 0; i < process->n; i++) {
		const struct recording *rec = process->sources[i].data;
		memory += atomic_load(&rec->committed);
		dropped += atomic_load(&rec->dropped);
		lost += atomic_load(&rec->trace.lost);
		for (int kind = 0; kind < RECORDING_KINDS; kind++)
			lost += atomic_load(&rec->lost[kind]);
	}
	buf_printf(out,
		"<p>The profiler holds %llu KiB, and %llu KiB to find live blocks again. Dropped "
		"for want of memory: %llu CPU samples, "
		"%llu "
		"other events.</p>\n",
		memory / 1024, (unsigned long long)atomic_load(&newest->heap.table_bytes) / 1024,
		dropped, lost);
}

void live_index(struct live_server *d, const struct http_request *req,
	const struct live_process *process, struct http_response *ret)
{
	const struct recording *rec = process->sources[process->n - 1].data;
	const struct export_view *view;
	struct page page = {
		.out = &ret->body, .pid = process->pid, .token = http_param(req, "token")};
	ret->type = "text/html; charset=utf-8";
	buf_addstr(page.out,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		"<title>/debug/pprof/</title></head><body>\n<h1>/debug/pprof/</h1>\n<p>");
	char exe[RECORDING_TEXT_MAX + 1];
	snprintf(exe, sizeof(exe), "%.*s", RECORDING_TEXT_MAX, rec->exe);
	html_escape(page.out, exe);
	buf_printf(page.out, ", process %d</p>\n", process->pid);
	d->target.each(d->target.ctx, add_process, &page);
	buf_addstr(page.out, page.any ? "</p>\n" : "");
	buf_addstr(page.out, "<table>\n<thead><tr><th>Count</th><th>Profile</th><th>Rate</th><th></"
			     "th></tr></thead>\n");
	for (size_t i = 0; (view = export_view_at(i)); i++)
		if (view->kind != RECORDING_CPU)
			add_view(d, process, view, &page);
	add_customs(d, process, &page);
	buf_addstr(page.out, "<tr><td></td><td><a href=\"goroutine");
	add_query(&page, "debug=2");
	buf_addstr(page.out, "\">full goroutine stack dump</a>, <a href=\"goroutine");
	add_query(&page, "format=json");
	buf_addstr(page.out, "\">JSON</a></td><td></td><td>Every thread: what it waits for, since "
			     "when, who holds it, who created it; deadlocks</td></tr>\n"
			     "<tr><td></td><td><a href=\"profile");
	add_query(&page, "seconds=30");
	buf_addstr(page.out,
		"\">profile</a></td><td></td><td>CPU profile. seconds says for how long; "
		"then read it with sonde pprof or go tool pprof.</td></tr>\n"
		"<tr><td></td><td><a href=\"trace");
	add_query(&page, "seconds=1");
	buf_addstr(page.out,
		"\">trace</a></td><td></td><td>An execution trace. seconds says for how long; "
		"then read it with go tool trace.</td></tr>\n"
		"<tr><td></td><td><a href=\"cmdline");
	add_query(&page, "");
	buf_addstr(page.out, "\">cmdline</a></td><td></td><td>The command line, where it is "
			     "shown</td></tr>\n</table>\n"
			     "<p>seconds=N gives the difference that N seconds make, debug=1 text. "
			     "POST rate?profile=NAME&amp;rate=N changes a rate.</p>\n");
	add_account(process, page.out);
	buf_addstr(page.out, "</body></html>\n");
}
