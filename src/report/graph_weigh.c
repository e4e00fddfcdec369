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
	int64_t cum;
	uint32_t stamp; /* 1 + the last sample that counted the node */
};

struct weighing {
	struct graph *g;
	struct weight *weights; /* by node */
	int64_t *flats;		/* by node */
	int64_t *cum_divs;	/* by node; NULL: no means */
	int64_t *flat_divs;	/* likewise */
	int64_t w, dw;		/* of the sample */
	uint32_t stamp;
};

static void sample_value(const struct graph *g, uint32_t sample, int64_t *ret_w, int64_t *ret_dw)
{
	const int64_t *values = profile_values(g->profile, sample);
	*ret_w = values[g->options.value_index];
	*ret_dw = g->options.mean_index < 0 ? 0 : values[g->options.mean_index];
}

static inline void count(struct weighing *c, uint32_t node)
{
	struct weight *weight = &c->weights[node];
	if (weight->stamp == c->stamp)
		return;
	weight->stamp = c->stamp;
	weight->cum += c->w;
	if (c->cum_divs)
		c->cum_divs[node] += c->dw;
}

static void add_stack(struct weighing *c, uint32_t sample)
{
	struct graph *g = c->g;
	const uint32_t *stack = profile_stack(g->profile, sample, &g->stack);
	uint32_t n = g->stack.n;
	c->stamp = sample + 1;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t node = g->sole[stack[i]];
		if (node != GRAPH_MANY) {
			count(c, node);
			continue;
		}
		uint32_t end = g->frame_first[stack[i] + 1];
		for (uint32_t k = g->frame_first[stack[i]]; k < end; k++)
			count(c, g->frames[k]);
	}
	if (!n)
		return;
	uint32_t leaf = g->sole[stack[0]];
	if (leaf == GRAPH_MANY)
		leaf = g->frames[g->frame_first[stack[0]]];
	c->flats[leaf] += c->w;
	if (c->flat_divs)
		c->flat_divs[leaf] += c->dw;
}

static void sum_stacks(struct weighing *c)
{
	for (uint32_t s = 0; s < c->g->profile->sample_n; s++) {
		sample_value(c->g, s, &c->w, &c->dw);
		if (c->w || c->dw)
			add_stack(c, s);
	}
}

static void weigh_graph(struct graph *g)
{
	size_t n = g->node_n = g->info_n, bytes = (n + 1) * sizeof(int64_t);
	bool means = g->options.mean_index >= 0;
	struct weighing c = {
		.g = g,
		.weights = mem_zalloc((n + 1) * sizeof(*c.weights)),
		.flats = mem_zalloc(bytes),
		.cum_divs = means ? mem_zalloc(bytes) : NULL,
		.flat_divs = means ? mem_zalloc(bytes) : NULL,
	};
	sum_stacks(&c);
	g->nodes = mem_zalloc((n + 1) * sizeof(*g->nodes));
	for (uint32_t i = 0; i < n; i++)
		g->nodes[i] = (struct node){
			.info = i,
			.parent = GRAPH_NONE,
			.flat = c.flats[i],
			.flat_div = means ? c.flat_divs[i] : 0,
			.cum = c.weights[i].cum,
			.cum_div = means ? c.cum_divs[i] : 0,
		};
	mem_free(c.weights);
	mem_free(c.flats);
	mem_free(c.cum_divs);
	mem_free(c.flat_divs);
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
	uint32_t parent = GRAPH_NONE;
	const uint32_t *stack = profile_stack(g->profile, sample, &g->stack);
	for (uint32_t i = g->stack.n; i-- > 0;) {
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
