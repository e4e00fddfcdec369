/*
 * -list: the source of the functions that match, each line with what it cost.
 */
#include "report/annotate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "report/sources.h"

#define MARGIN 5 /* lines shown around the first and the last that cost anything */

struct place {
	const char *name, *file;
	int64_t start_line, line;
	int64_t flat, cum;
};

static int by_function(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;
	int order = strcmp(a->name, b->name);
	if (!order)
		order = strcmp(a->file, b->file);
	if (!order)
		order = a->line < b->line ? -1 : a->line > b->line;
	return order;
}

/* How many of places[0 ..] are of the same function, and of the same file if asked. */
static size_t run_of(const struct place *places, size_t n, bool same_file)
{
	size_t i = 1;
	while (i < n && !strcmp(places[i].name, places[0].name) &&
		(!same_file || !strcmp(places[i].file, places[0].file)))
		i++;
	return i;
}

static int collect(
	struct report *r, struct graph *g, struct place **ret, size_t *ret_n, struct err *err)
{
	struct place *places = mem_array(g->order_n + 1, sizeof(*places));
	size_t n = 0;
	*ret = places;
	for (uint32_t i = 0; i < g->order_n; i++) {
		const struct node *node = &g->nodes[g->order[i]];
		const struct node_info *info = graph_info(g, g->order[i]);
		const char *name = profile_str(r->profile, info->name);
		int match = regex_match(r->symbol, name, strlen(name));
		if (match < 0)
			return err_set(err, match, "regular expression %s takes too long",
				regex_pattern(r->symbol));
		if (match)
			places[n++] = (struct place){.name = name,
				.file = profile_str(r->profile, info->file),
				.start_line = info->start_line,
				.line = info->line,
				.flat = node->flat,
				.cum = node->cum};
	}
	*ret_n = n;
	if (!n)
		return err_set(err, ERR_NOT_FOUND, "no matches found for regexp: %s",
			regex_pattern(r->symbol));
	qsort(places, n, sizeof(*places), by_function);
	return 0;
}

/* The lines to show: the whole function from its start where that is known. */
static void line_range(const struct place *places, size_t n, int64_t *ret_from, int64_t *ret_to)
{
	int64_t from = INT64_MAX, to = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t start =
			places[i].start_line ? places[i].start_line : places[i].line - MARGIN;
		from = start < from ? start : from;
		to = places[i].line + MARGIN > to ? places[i].line + MARGIN : to;
	}
	*ret_from = from < 1 ? 1 : from;
	*ret_to = to;
}

static void list_lines(const struct report *r, struct sources *sources, const struct place *places,
	size_t n, struct buf *out)
{
	int64_t from, to;
	size_t next = 0;
	line_range(places, n, &from, &to);
	while (next < n && places[next].line < from)
		next++;
	for (int64_t line = from; line <= to; line++) {
		const char *text = sources_line(sources, places[0].file, line);
		int64_t flat = 0, cum = 0;
		if (!text)
			break;
		for (; next < n && places[next].line == line; next++) {
			flat += places[next].flat;
			cum += places[next].cum;
		}
		annotate_value(r, flat, out);
		buf_addch(out, ' ');
		annotate_value(r, cum, out);
		buf_printf(out, " %6" PRId64 ":%s\n", line, text);
	}
}

static void list_file(const struct report *r, struct sources *sources, const struct place *places,
	size_t n, struct buf *out)
{
	int64_t flat = 0, cum = 0;
	for (size_t i = 0; i < n; i++) {
		flat += places[i].flat;
		cum += places[i].cum;
	}
	buf_printf(
		out, "ROUTINE ======================== %s in %s\n", places[0].name, places[0].file);
	annotate_sums(r, flat, cum, out);
	buf_addstr(out, " of Total\n");
	sources_line(sources, places[0].file, 1); /* reads the file, or tries to */
	const char *error = sources_error(sources, places[0].file);
	if (error)
		buf_printf(out, " Error: %s\n", error);
	else
		list_lines(r, sources, places, n, out);
}

static void list_function(const struct report *r, struct sources *sources,
	const struct place *places, size_t n, struct buf *out)
{
	/* Sorted by file, so places without one come first; they are shown only alone. */
	if (!places[n - 1].file[0]) {
		buf_printf(out, "No source information for %s\n", places[0].name);
		return;
	}
	for (size_t i = 0, run; i < n; i += run) {
		run = run_of(places + i, n - i, true);
		if (places[i].file[0])
			list_file(r, sources, places + i, run, out);
	}
}

int report_list(struct report *r, struct sink *to, struct err *err)
{
	struct graph g;
	struct place *places;
	struct sources sources;
	struct buf out = BUF_INIT;
	size_t n = 0;
	report_graph_full(r, &g);
	sources_init(&sources, r->config.source_path, r->config.trim_path);
	int rc = collect(r, &g, &places, &n, err);
	if (rc >= 0) {
		buf_addstr(&out, "Total: ");
		report_value(r, r->total, &out);
		buf_addch(&out, '\n');
		for (size_t i = 0, run; i < n; i += run) {
			run = run_of(places + i, n - i, false);
			list_function(r, &sources, places + i, run, &out);
		}
		rc = to->write(to, out.data, out.len);
	}
	mem_free(places);
	sources_release(&sources);
	graph_release(&g);
	buf_release(&out);
	return rc;
}
