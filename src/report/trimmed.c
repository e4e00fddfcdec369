/*
 * The graph a report shows: nodes that matter, in order, with the edges between them, and the unit
 * that suits their values.
 *
 * google/pprof builds the graph anew after each step. Here weights are summed once, and edges are
 * collected for the set of nodes that needs them: for a picture once to score the nodes by how
 * interesting their edges are, and once more for those chosen.
 */
#include "report/report.h"

static bool is_picture(const struct report *r)
{
	return r->format == REPORT_DOT;
}

/* Formats that keep apart the same function in different binaries. */
static bool keeps_objfile(enum report_format format)
{
	return format == REPORT_RAW || format == REPORT_LIST || format == REPORT_WEBLIST ||
	       format == REPORT_DISASM || format == REPORT_CALLGRIND;
}

static void trim_files(struct report *r)
{
	struct profile *p = r->profile;
	for (uint32_t i = 0; i < p->function_n; i++) {
		uint32_t file = p->functions[i].filename;
		const char *path = profile_str(p, file);
		const char *rest =
			report_trim_path(path, r->config.trim_path, r->config.source_path);
		if (rest != path)
			p->functions[i].filename = strtab_addstr(&p->strings, rest);
	}
}

static void init_graph(struct report *r, struct graph *g)
{
	struct graph_options options = {
		.value_index = r->value_index,
		.mean_index = r->mean_index,
		.keep_objfile = keeps_objfile(r->format),
		.call_tree = r->config.call_tree &&
			     (r->format == REPORT_DOT || r->format == REPORT_CALLGRIND),
		.drop_negative = r->config.drop_negative,
	};
	trim_files(r);
	graph_init(g, r->profile, &options);
	graph_weigh(g);
}

void report_graph_full(struct report *r, struct graph *ret)
{
	init_graph(r, ret);
}

static int64_t fraction_of(int64_t total, double fraction)
{
	return graph_abs(unit_truncate((double)total * fraction));
}

static uint32_t drop_light_nodes(struct graph *g, int64_t cutoff)
{
	if (cutoff <= 0)
		return 0;
	bool *keep = mem_zalloc(g->node_n + 1);
	uint32_t kept = 0, before = g->order_n;
	for (uint32_t i = 0; i < before; i++) {
		keep[g->order[i]] = graph_abs(g->nodes[g->order[i]].cum) >= cutoff;
		kept += keep[g->order[i]];
	}
	if (kept != before)
		graph_keep(g, keep);
	mem_free(keep);
	return before - kept;
}

static bool keep_first(struct graph *g, uint32_t n)
{
	if (n >= g->order_n)
		return false;
	bool *keep = mem_zalloc(g->node_n + 1);
	for (uint32_t i = 0; i < n; i++)
		keep[g->order[i]] = true;
	graph_keep(g, keep);
	mem_free(keep);
	return true;
}

enum {
	NODELETS_MAX = 4, /* boxes for labels beside a node */
};

/* How many nodes a picture of nodecount boxes has, boxes for labels counted. */
static uint32_t picture_nodes(const struct graph *g, uint32_t nodecount)
{
	uint32_t boxes = 0;
	for (uint32_t i = 0; i < g->order_n; i++) {
		const struct node *n = &g->nodes[g->order[i]];
		uint32_t tags = 0;
		for (uint32_t k = n->tags; k < n->tags + n->tag_n; k++)
			tags += g->tags[k].flat != 0;
		boxes += 1 + (tags < NODELETS_MAX ? tags : NODELETS_MAX);
		if (boxes >= nodecount)
			return i + 1;
	}
	return nodecount;
}

static void tag_nodes(struct report *r, struct graph *g, uint32_t n)
{
	uint32_t key = strtab_find(&r->profile->strings, "bytes", 5);
	const char *unit = key == UINT32_MAX ? "" : report_label_unit(r, key);
	graph_tag(g, n < g->order_n ? n : g->order_n, unit, r->output_unit);
}

static enum graph_sort sort_of(const struct report *r)
{
	if (is_picture(r))
		return GRAPH_SORT_ENTROPY;
	return strcmp(r->config.sort, "cum") == 0 ? GRAPH_SORT_CUM : GRAPH_SORT_FLAT;
}

static enum graph_edges edges_of(const struct report *r)
{
	bool is_flat = r->format == REPORT_TEXT || r->format == REPORT_TOPPROTO;
	return is_flat ? GRAPH_EDGES_INLINED : GRAPH_EDGES_ALL;
}

static void limit_nodes(struct report *r, struct graph *g, int64_t node_cutoff, int64_t edge_cutoff)
{
	uint32_t n = (uint32_t)r->config.nodecount;
	if (is_picture(r)) {
		tag_nodes(r, g, n);
		graph_trim_tags(g, node_cutoff);
		graph_trim_edges(g, edge_cutoff);
		n = picture_nodes(g, n);
	}
	if (keep_first(g, n) && is_picture(r)) {
		graph_connect(g, GRAPH_EDGES_ALL);
		graph_sort(g, GRAPH_SORT_ENTROPY);
	}
}

static void choose_unit(struct report *r, const struct graph *g)
{
	if (strcmp(r->output_unit, "minimum") != 0 || !g->order_n)
		return;
	int64_t min = 0, max = r->total;
	for (uint32_t i = 0; i < g->order_n; i++) {
		const struct node *n = &g->nodes[g->order[i]];
		int64_t v = graph_abs(node_flat(n));
		if (!v)
			v = graph_abs(node_cum(n));
		if (v > 0 && (!min || v < min))
			min = v;
	}
	if (!min)
		min = max;
	if (r->ratio > 0 && r->ratio != 1) {
		min = unit_truncate((double)min * r->ratio);
		max = unit_truncate((double)max * r->ratio);
	}
	const char *unit, *max_unit;
	unit_scale(min, r->unit, "minimum", &unit);
	unit_scale(max, r->unit, "minimum", &max_unit);
	/* Of two units the larger is chosen where the smallest value still shows as 0.01. */
	int64_t hundredfold = (int64_t)((uint64_t)min * 100);
	if (strcmp(unit, max_unit) != 0 && hundredfold < max && r->format != REPORT_CALLGRIND)
		unit_scale(hundredfold, r->unit, "minimum", &unit);
	config_set_string(&r->output_unit, *unit ? unit : r->unit);
	unit_conv_init(&r->conv, r->unit, r->output_unit);
}

void report_graph_init(struct report *r, struct report_graph *ret)
{
	struct graph *g = &ret->graph;
	memset(ret, 0, sizeof(*ret));
	init_graph(r, g);
	int64_t total = 0;
	for (uint32_t i = 0; i < g->order_n; i++)
		total += g->nodes[g->order[i]].flat;
	int64_t node_cutoff = fraction_of(total, r->config.nodefraction);
	int64_t edge_cutoff = fraction_of(total, r->config.edgefraction);

	ret->dropped_nodes = drop_light_nodes(g, node_cutoff);
	ret->orig_count = g->order_n;
	if (is_picture(r))
		graph_connect(g, GRAPH_EDGES_ALL);
	graph_sort(g, sort_of(r));
	if (r->config.nodecount > 0)
		limit_nodes(r, g, node_cutoff, edge_cutoff);
	if (is_picture(r)) {
		tag_nodes(r, g, g->order_n);
		graph_trim_tags(g, node_cutoff);
	} else {
		graph_connect(g, edges_of(r));
	}
	ret->dropped_edges = graph_trim_edges(g, edge_cutoff);
	if (is_picture(r))
		graph_remove_redundant_edges(g);
	choose_unit(r, g);
}

void report_graph_release(struct report_graph *rg)
{
	graph_release(&rg->graph);
}
