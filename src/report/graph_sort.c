/*
 * The orders of nodes, edges and tags. All are total: where google/pprof leaves a tie to the order
 * of a map, here the order in which the profile first named the thing decides.
 */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>

enum {
	EDGES_FEW = 24,
};

struct node_key {
	int64_t score; /* magnitude that decides first */
	int64_t other; /* and last */
	uint32_t node;
};

/* By printable name; 0 also for different places of one name. */
static int compare_names(struct graph *g, uint32_t a, uint32_t b)
{
	const struct node_info *x = &g->infos[a], *y = &g->infos[b];
	if (a == b)
		return 0;
	if (x->address && y->address && x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return strcmp(graph_name(g, a), graph_name(g, b));
}

static int compare_nodes(const void *pa, const void *pb, void *ctx)
{
	const struct node_key *a = pa, *b = pb;
	struct graph *g = ctx;
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	int c = compare_names(g, g->nodes[a->node].info, g->nodes[b->node].info);
	if (c)
		return c;
	if (a->other != b->other)
		return a->other > b->other ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

/* math.Log2 of Go, which is not quite the C library's. */
static double go_log2(double x)
{
	int exponent;
	double fraction = frexp(x, &exponent);
	if (fraction == 0.5)
		return exponent - 1;
	return log(fraction) * (1 / M_LN2) + exponent;
}

static double edge_entropy(const struct graph *g, const uint32_t *edges, uint32_t n, int64_t self)
{
	uint64_t total = (uint64_t)self;
	for (uint32_t i = 0; i < n; i++)
		if (g->edges[edges[i]].weight > 0)
			total += (uint64_t)g->edges[edges[i]].weight;
	if (!total)
		return 0;
	double score = 0;
	for (uint32_t i = 0; i < n; i++) {
		int64_t weight = graph_abs(g->edges[edges[i]].weight);
		double fraction = (double)weight / (double)(int64_t)total;
		score += -fraction * go_log2(fraction);
	}
	if (self > 0) {
		double fraction = (double)self / (double)(int64_t)total;
		score += -fraction * go_log2(fraction);
	}
	return score;
}

/* Favours entries, leaves, and nodes whose callers or callees share their weight unevenly: a node
 * that only passes on what it gets tells nothing. */
static int64_t entropy_score(const struct graph *g, const struct node *n)
{
	double score = n->in_n ? edge_entropy(g, g->in_edges + n->in, n->in_n, 0) : 1;
	score += n->out_n ? edge_entropy(g, g->out_edges + n->out, n->out_n, n->flat) : 1;
	return (int64_t)((uint64_t)unit_truncate(score * (double)n->cum) + (uint64_t)n->flat);
}

static struct node_key node_key(const struct graph *g, enum graph_sort sort, uint32_t node)
{
	const struct node *n = &g->nodes[node];
	struct node_key key = {.node = node, .other = graph_abs(n->flat)};
	switch (sort) {
	case GRAPH_SORT_FLAT:
		key.score = graph_abs(n->flat);
		key.other = graph_abs(n->cum);
		break;
	case GRAPH_SORT_CUM:
		key.score = graph_abs(n->cum);
		break;
	case GRAPH_SORT_ENTROPY:
		key.score = graph_abs(entropy_score(g, n));
		break;
	}
	return key;
}

void graph_sort(struct graph *g, enum graph_sort sort)
{
	struct node_key *keys = mem_array((size_t)g->order_n + 1, sizeof(*keys));
	for (uint32_t i = 0; i < g->order_n; i++)
		keys[i] = node_key(g, sort, g->order[i]);
	qsort_r(keys, g->order_n, sizeof(*keys), compare_nodes, g);
	for (uint32_t i = 0; i < g->order_n; i++)
		g->order[i] = keys[i].node;
	mem_free(keys);
}

/* Sorted by what is in the key; a look at the edges only where it is equal. */
struct edge_key {
	int64_t weight;
	uint32_t edge;
};

static int compare_edge_names(struct graph *g, const struct edge *a, const struct edge *b)
{
	int c = compare_names(g, g->nodes[a->src].info, g->nodes[b->src].info);
	if (!c)
		c = compare_names(g, g->nodes[a->dest].info, g->nodes[b->dest].info);
	return c ? c : (a < b ? -1 : a > b);
}

static int compare_edges(const void *pa, const void *pb, void *ctx)
{
	const struct edge_key *a = pa, *b = pb;
	struct graph *g = ctx;
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return compare_edge_names(g, &g->edges[a->edge], &g->edges[b->edge]);
}

/* Most lists are short: sorted by insertion, in place. */
static void sort_edge_keys(struct graph *g, struct edge_key *keys, uint32_t n)
{
	if (n > EDGES_FEW) {
		qsort_r(keys, n, sizeof(*keys), compare_edges, g);
		return;
	}
	for (uint32_t i = 1; i < n; i++) {
		struct edge_key key = keys[i];
		uint32_t at = i;
		for (; at > 0 && compare_edges(&keys[at - 1], &key, g) > 0; at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
}

void graph_sort_edges(struct graph *g, uint32_t *edges, uint32_t n)
{
	struct edge_key few[EDGES_FEW];
	struct edge_key *keys = n > EDGES_FEW ? mem_array(n, sizeof(*keys)) : few;
	for (uint32_t i = 0; i < n; i++)
		keys[i] = (struct edge_key){graph_abs(g->edges[edges[i]].weight), edges[i]};
	sort_edge_keys(g, keys, n);
	for (uint32_t i = 0; i < n; i++)
		edges[i] = keys[i].edge;
	if (keys != few)
		mem_free(keys);
}

struct tag_order {
	const struct graph *g;
	bool flat;
};

static int compare_tags(const void *pa, const void *pb, void *ctx)
{
	const struct tag *a = *(const struct tag *const *)pa, *b = *(const struct tag *const *)pb;
	const struct tag_order *o = ctx;
	int64_t x = graph_abs(a->cum), y = graph_abs(b->cum);
	if (!o->flat && x != y)
		return x > y ? -1 : 1;
	x = graph_abs(a->flat);
	y = graph_abs(b->flat);
	if (x != y)
		return x > y ? -1 : 1;
	return strcmp(
		strtab_get(&o->g->tag_strings, a->name), strtab_get(&o->g->tag_strings, b->name));
}

void graph_sort_tags(const struct graph *g, const struct tag **tags, uint32_t n, bool flat)
{
	struct tag_order o = {g, flat};
	qsort_r(tags, n, sizeof(*tags), compare_tags, &o);
}
