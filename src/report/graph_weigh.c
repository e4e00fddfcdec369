/*
 * Summing samples into nodes.
 *
 * This is the loop over every frame of every sample: 3.6 million of them for 100,000 stacks. A
 * function that recurs counts once a sample; instead of a set of the nodes seen, each node keeps
 * the number of the last sample that counted it. The sums live in an array of their own, small
 * enough for the cache.
 */
#include "report/report.h"

struct weight {
	int64_t cum, cum_div;
	uint32_t stamp; /* 1 + the last sample that counted the node */
};

static void sample_value(const struct graph *g, uint32_t sample, int64_t *ret_w, int64_t *ret_dw)
{
	const int64_t *values = profile_values(g->profile, sample);
	*ret_w = values[g->options.value_index];
	*ret_dw = g->options.mean_index < 0 ? 0 : values[g->options.mean_index];
}

static void add_stack(
	struct graph *g, struct weight *weights, uint32_t sample, int64_t w, int64_t dw)
{
	uint32_t n, stamp = sample + 1;
	const uint32_t *stack = profile_stack(g->profile, sample, &n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t end = g->frame_first[stack[i] + 1];
		for (uint32_t k = g->frame_first[stack[i]]; k < end; k++) {
			struct weight *weight = &weights[g->frames[k]];
			if (weight->stamp == stamp)
				continue;
			weight->stamp = stamp;
			weight->cum += w;
			weight->cum_div += dw;
		}
	}
	if (n) {
		struct node *leaf = &g->nodes[g->frames[g->frame_first[stack[0]]]];
		leaf->flat += w;
		leaf->flat_div += dw;
	}
}

static void weigh_graph(struct graph *g)
{
	g->node_n = g->info_n;
	g->nodes = mem_zalloc((g->node_n + 1) * sizeof(*g->nodes));
	struct weight *weights = mem_zalloc((g->node_n + 1) * sizeof(*weights));
	for (uint32_t s = 0; s < g->profile->sample_n; s++) {
		int64_t w, dw;
		sample_value(g, s, &w, &dw);
		if (w || dw)
			add_stack(g, weights, s, w, dw);
	}
	for (uint32_t i = 0; i < g->node_n; i++) {
		g->nodes[i].info = i;
		g->nodes[i].parent = GRAPH_NONE;
		g->nodes[i].cum = weights[i].cum;
		g->nodes[i].cum_div = weights[i].cum_div;
	}
	mem_free(weights);
}

/* The child of `parent` for a place, made if there is none. Edge i leads into node i; a root's is
 * marked as removed. */
static uint32_t tree_child(struct graph *g, struct map *children, uint32_t parent, uint32_t info)
{
	bool is_new;
	uint32_t *slot = map_put(children, (uint64_t)(parent + 1) << 32 | info, &is_new);
	if (!is_new)
		return *slot;
	*slot = g->node_n;
	struct node node = {.info = info, .parent = parent};
	struct edge edge = {
		.src = parent,
		.dest = g->node_n,
		.inlined = true,
		.removed = parent == GRAPH_NONE,
	};
	vec_push(g->nodes, g->node_n, g->node_cap, node);
	vec_push(g->edges, g->edge_n, g->edge_cap, edge);
	return g->node_n - 1;
}

static void add_tree_stack(
	struct graph *g, struct map *children, uint32_t sample, int64_t w, int64_t dw)
{
	uint32_t n, parent = GRAPH_NONE;
	const uint32_t *stack = profile_stack(g->profile, sample, &n);
	for (uint32_t i = n; i-- > 0;) {
		uint32_t first = g->frame_first[stack[i]], end = g->frame_first[stack[i] + 1];
		for (uint32_t k = end; k-- > first;) {
			uint32_t node = tree_child(g, children, parent, g->frames[k]);
			g->nodes[node].cum += w;
			g->nodes[node].cum_div += dw;
			g->edges[node].weight += w;
			g->edges[node].weight_div += dw;
			g->edges[node].inlined &= k != end - 1;
			parent = node;
		}
	}
	if (parent != GRAPH_NONE) {
		g->nodes[parent].flat += w;
		g->nodes[parent].flat_div += dw;
	}
	g->sample_leaf[sample] = parent;
}

static void weigh_tree(struct graph *g)
{
	struct map children;
	map_init(&children);
	size_t leaves = (size_t)g->profile->sample_n + 1;
	g->sample_leaf = mem_array(leaves, sizeof(*g->sample_leaf));
	memset(g->sample_leaf, 0xff, leaves * sizeof(*g->sample_leaf));
	for (uint32_t s = 0; s < g->profile->sample_n; s++) {
		int64_t w, dw;
		sample_value(g, s, &w, &dw);
		if (w || dw)
			add_tree_stack(g, &children, s, w, dw);
	}
	map_release(&children);
	graph_link(g);
}

static bool is_shown(const struct graph *g, const struct node *n)
{
	if (n->cum == 0 && n->flat == 0)
		return false;
	bool negative = n->flat < 0 || (n->flat == 0 && n->cum < 0);
	return !(g->options.drop_negative && negative);
}

void graph_weigh(struct graph *g)
{
	if (g->options.call_tree)
		weigh_tree(g);
	else
		weigh_graph(g);
	g->order = mem_array((size_t)g->node_n + 1, sizeof(*g->order));
	for (uint32_t i = 0; i < g->node_n; i++)
		if (is_shown(g, &g->nodes[i]))
			g->order[g->order_n++] = i;
}
