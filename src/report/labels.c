/*
 * The lines above a report: what the profile is of, what was filtered, how much is shown.
 */
#include "report/labels.h"

#include <stdarg.h>
#include <time.h>

static struct buf *add_line(struct report_labels *labels, struct buf *line)
{
	vec_push(labels->lines, labels->n, labels->cap, buf_detach(line, NULL));
	return line;
}

void report_labels_add(struct report_labels *labels, const char *fmt, ...)
{
	struct buf line = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&line, fmt, ap);
	va_end(ap);
	add_line(labels, &line);
}

void report_labels_release(struct report_labels *labels)
{
	for (uint32_t i = 0; i < labels->n; i++)
		mem_free(labels->lines[i]);
	mem_free(labels->lines);
}

void report_labels_join(const struct report_labels *labels, struct buf *out)
{
	for (uint32_t i = 0; i < labels->n; i++) {
		buf_addstr(out, labels->lines[i]);
		buf_addch(out, '\n');
	}
	if (!labels->n)
		buf_addch(out, '\n');
}

static void label_binary(const struct profile *p, struct report_labels *ret)
{
	if (!p->mapping_n)
		return;
	if (p->mappings[0].file) {
		struct buf line = BUF_INIT;
		buf_addstr(&line, "File: ");
		path_base(&line, profile_str(p, p->mappings[0].file));
		add_line(ret, &line);
	}
	if (p->mappings[0].build_id)
		report_labels_add(ret, "Build ID: %s", profile_str(p, p->mappings[0].build_id));
}

static void label_time(int64_t nanos, struct report_labels *ret)
{
	/* Rounded down, as time before 1970 must be. */
	time_t seconds = nanos / 1000000000 - (nanos % 1000000000 < 0);
	struct tm tm;
	char text[64];
	if (localtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", &tm))
		report_labels_add(ret, "Time: %s", text);
}

static void label_duration(struct report *r, struct report_labels *ret)
{
	int64_t duration = r->profile->duration_nanos;
	struct buf line = BUF_INIT;
	buf_addstr(&line, "Duration: ");
	unit_label(duration, "nanoseconds", "auto", &line);
	buf_addstr(&line, ", Total samples = ");
	report_value(r, r->total, &line);
	buf_addch(&line, ' ');
	const char *unit;
	double nanos = unit_scale(r->total, r->unit, "nanoseconds", &unit);
	if (strcmp(unit, "ns") == 0 && nanos != 0) {
		buf_addch(&line, '(');
		unit_percentage(unit_truncate(nanos), duration, &line);
		buf_addch(&line, ')');
	}
	add_line(ret, &line);
}

void report_labels_profile(struct report *r, struct report_labels *ret)
{
	const struct profile *p = r->profile;
	memset(ret, 0, sizeof(*ret));
	label_binary(p, ret);
	for (uint32_t i = 0; i < p->comment_n; i++) {
		const char *comment = profile_str(p, p->comments[i]);
		if (*comment != '#')
			report_labels_add(ret, "%s", comment);
	}
	if (*r->type)
		report_labels_add(ret, "Type: %s", r->type);
	if (p->doc_url)
		report_labels_add(ret, "Doc: %s", profile_str(p, p->doc_url));
	if (p->time_nanos)
		label_time(p->time_nanos, ret);
	if (p->duration_nanos)
		label_duration(r, ret);
}

enum {
	FILTER_SHOWN_MAX = 80, /* bytes, as google/pprof cuts them */
};

static void label_filters(const struct report *r, struct report_labels *ret)
{
	if (!r->filter_n)
		return;
	report_labels_add(ret, "Active filters:");
	for (uint32_t i = 0; i < r->filter_n; i++) {
		const char *filter = r->filters[i];
		bool is_long = strlen(filter) > FILTER_SHOWN_MAX;
		report_labels_add(
			ret, "   %.*s%s", FILTER_SHOWN_MAX, filter, is_long ? "\xe2\x80\xa6" : "");
	}
}

static void label_shown(struct report *r, int64_t shown, struct report_labels *ret)
{
	struct buf line = BUF_INIT, percentage = BUF_INIT;
	buf_addstr(&line, "Showing nodes accounting for ");
	report_value(r, shown, &line);
	unit_percentage(shown, r->total, &percentage);
	buf_printf(&line, ", %s of ", percentage.data + strspn(percentage.data, " "));
	report_value(r, r->total, &line);
	buf_addstr(&line, " total");
	buf_release(&percentage);
	add_line(ret, &line);
}

static void label_dropped(const struct report *r, uint32_t n, const char *what, const char *by,
	double fraction, struct report_labels *ret)
{
	if (!n)
		return;
	struct buf line = BUF_INIT;
	buf_printf(&line, "Dropped %u %s%s (%s <= ", n, what, n > 1 ? "s" : "", by);
	report_value(r, graph_abs(unit_truncate((double)r->total * fraction)), &line);
	buf_addch(&line, ')');
	add_line(ret, &line);
}

void report_labels_full(struct report *r, const struct report_graph *rg, bool for_picture,
	struct report_labels *ret)
{
	const struct graph *g = &rg->graph;
	memset(ret, 0, sizeof(*ret));
	if (for_picture || !r->config.compact_labels)
		report_labels_profile(r, ret);
	label_filters(r, ret);
	int64_t shown = 0;
	for (uint32_t i = 0; i < g->order_n; i++)
		shown += node_flat(&g->nodes[g->order[i]]);
	label_shown(r, shown, ret);
	if (r->total) {
		label_dropped(r, rg->dropped_nodes, "node", "cum", r->config.nodefraction, ret);
		if (for_picture)
			label_dropped(
				r, rg->dropped_edges, "edge", "freq", r->config.edgefraction, ret);
		if (g->order_n && g->order_n < rg->orig_count)
			report_labels_add(
				ret, "Showing top %u nodes out of %u", g->order_n, rg->orig_count);
	}
	if (for_picture)
		report_labels_add(ret, "\nSee https://git.io/JfYMW for how to read the graph");
}
