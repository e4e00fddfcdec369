/*
 * Who called whom, among the nodes shown.
 *
 * The nodes shown are few (80 in a tree or a picture), so an edge is found in a square table of
 * them; only where all of a large profile is shown does a hash take the table's place. As with
 * nodes, each edge notes the last sample that counted it.
 */
#include "report/report.h"

enum {
	/* Up to this many nodes the table is used: 1 MiB. */
	TABLE_NODES_MAX = 512,
};

struct connect {
	struct graph *g;
	uint32_t *rank;	 /* node -> place among those kept, or GRAPH_NONE */
	uint32_t *table; /* rank(src) * n + rank(dest) -> edge + 1; NULL if `map` is used */
	struct map map;
	uint32_t n;
	const bool *wanted; /* edges into these nodes only; NULL: all */
};

static struct edge *find_edge(struct connect *c, uint32_t src, uint32_t dest)
{
	struct graph *g = c->g;
	uint32_t *slot;
	bool is_new;
	if (c->table) {
		slot = &c->table[(size_t)c->rank[src] * c->n + c->rank[dest]];
		is_new = !*slot;
	} else {
		slot = map_put(&c->map, (uint64_t)src << 32 | dest, &is_new);
	}
	if (is_new) {
		struct edge edge = {.src = src, .dest = dest, .inlined = true};
		vec_push(g->edges, g->edge_n, g->edge_cap, edge);
		*slot = g->edge_n;
	}
	return &g->edges[*slot - 1];
}

/* An edge is residual, and not inlined, if any sample of it was. */
static void add_call(struct connect *c, uint32_t src, uint32_t dest, uint32_t stamp,
	const int64_t value[2], bool residual, bool inlined)
{
	struct edge *e = find_edge(c, src, dest);
	if (e->stamp == stamp)
		return;
	e->stamp = stamp;
	e->weight += value[0];
	e->weight_div += value[1];
	e->residual |= residual;
	e->inlined &= inlined;
}

static void connect_stack(struct connect *c, uint32_t sample, const int64_t value[2])
{
	const struct graph *g = c->g;
	uint32_t n, parent = GRAPH_NONE;
	bool residual = false;
	const uint32_t *stack = profile_stack(g->profile, sample, &n);
	for (uint32_t i = n; i-- > 0;) {
		uint32_t first = g->frame_first[stack[i]], end = g->frame_first[stack[i] + 1];
		for (uint32_t k = end; k-- > first;) {
			uint32_t node = g->frames[k];
			if (c->rank[node] == GRAPH_NONE) {
				residual = true;
				continue;
			}
			if (parent != GRAPH_NONE && parent != node &&
				(!c->wanted || c->wanted[node]))
				add_call(
					c, parent, node, sample + 1, value, residual, k != end - 1);
			parent = node;
			residual = false;
		}
	}
}

/* The nodes that are an inlined frame of some location. */
static bool *inlined_nodes(const struct graph *g, bool *ret_any)
{
	bool *inlined = mem_zalloc(g->node_n + 1);
	for (uint32_t i = 0; i < g->profile->location_n; i++)
		for (uint32_t k = g->frame_first[i]; k + 1 < g->frame_first[i + 1]; k++)
			inlined[g->frames[k]] = *ret_any = true;
	return inlined;
}

static void connect_samples(struct connect *c)
{
	const struct graph *g = c->g;
	for (uint32_t s = 0; s < g->profile->sample_n; s++) {
		const int64_t *values = profile_values(g->profile, s);
		int mean = g->options.mean_index;
		int64_t value[2] = {values[g->options.value_index], mean < 0 ? 0 : values[mean]};
		if (value[0] || value[1])
			connect_stack(c, s, value);
	}
}

void graph_connect(struct graph *g, enum graph_edges which)
{
	if (g->options.call_tree)
		return;
	g->edge_n = 0;
	bool any_inlined = false;
	bool *wanted = which == GRAPH_EDGES_INLINED ? inlined_nodes(g, &any_inlined) : NULL;
	if (!wanted || any_inlined) {
		struct connect c = {.g = g, .wanted = wanted};
		map_init(&c.map);
		c.rank = mem_array((size_t)g->node_n + 1, sizeof(*c.rank));
		for (uint32_t i = 0; i < g->node_n; i++)
			c.rank[i] = !g->kept || g->kept[i] ? c.n++ : GRAPH_NONE;
		if (c.n <= TABLE_NODES_MAX)
			c.table = mem_zalloc((size_t)c.n * c.n * sizeof(*c.table) + 1);
		connect_samples(&c);
		mem_free(c.table);
		mem_free(c.rank);
		map_release(&c.map);
	}
	mem_free(wanted);
	graph_link(g);
}

void graph_link(struct graph *g)
{
	for (uint32_t i = 0; i < g->node_n; i++)
		g->nodes[i].in_n = g->nodes[i].out_n = 0;
	for (uint32_t i = 0; i < g->edge_n; i++) {
		if (g->edges[i].removed)
			continue;
		g->nodes[g->edges[i].src].out_n++;
		g->nodes[g->edges[i].dest].in_n++;
	}
	uint32_t in = 0, out = 0;
	for (uint32_t i = 0; i < g->node_n; i++) {
		struct node *n = &g->nodes[i];
		n->in = in;
		n->out = out;
		in += n->in_n;
		out += n->out_n;
		n->in_n = n->out_n = 0;
	}
	g->in_edges = mem_rearray(g->in_edges, (size_t)in + 1, sizeof(*g->in_edges));
	g->out_edges = mem_rearray(g->out_edges, (size_t)out + 1, sizeof(*g->out_edges));
	for (uint32_t i = 0; i < g->edge_n; i++) {
		if (g->edges[i].removed)
			continue;
		struct node *src = &g->nodes[g->edges[i].src], *dest = &g->nodes[g->edges[i].dest];
		g->out_edges[src->out + src->out_n++] = i;
		g->in_edges[dest->in + dest->in_n++] = i;
	}
}

/* Leads the edge into `node` past callers that are not kept. It is inlined if every call on the
 * way was. Callers were made before their callees, so theirs has been dealt with. */
static void lead_past(struct graph *g, uint32_t node, const bool *gone)
{
	struct edge *e = &g->edges[node];
	if (e->src == GRAPH_NONE || !gone[e->src])
		return;
	const struct edge *above = &g->edges[e->src];
	e->residual = true;
	e->inlined &= above->inlined;
	e->src = above->src;
	e->removed |= above->src == GRAPH_NONE || above->removed;
}

static void keep_in_tree(struct graph *g, const bool *keep)
{
	/* Nodes that are not in `order` (they weigh nothing) keep their edges, as in pprof. */
	bool *gone = mem_zalloc(g->node_n + 1);
	for (uint32_t i = 0; i < g->order_n; i++)
		gone[g->order[i]] = !keep[g->order[i]];
	for (uint32_t i = 0; i < g->node_n; i++)
		lead_past(g, i, gone);
	for (uint32_t i = 0; i < g->node_n; i++)
		g->edges[i].removed |= gone[i];
	mem_free(gone);
	graph_link(g);
}

void graph_keep(struct graph *g, const bool *keep)
{
	if (g->options.call_tree)
		keep_in_tree(g, keep);
	uint32_t n = 0;
	for (uint32_t i = 0; i < g->order_n; i++)
		if (keep[g->order[i]])
			g->order[n++] = g->order[i];
	g->order_n = n;
	mem_free(g->kept);
	g->kept = mem_zalloc(g->node_n + 1);
	for (uint32_t i = 0; i < n; i++)
		g->kept[g->order[i]] = true;
}

uint32_t graph_trim_edges(struct graph *g, int64_t cutoff)
{
	uint32_t removed = 0;
	for (uint32_t i = 0; i < g->order_n; i++) {
		const struct node *n = &g->nodes[g->order[i]];
		for (uint32_t k = n->in; k < n->in + n->in_n; k++) {
			struct edge *e = &g->edges[g->in_edges[k]];
			if (graph_abs(e->weight) >= cutoff)
				continue;
			e->removed = true;
			removed++;
		}
	}
	if (removed)
		graph_link(g);
	return removed;
}

/* Whether e's ends are connected without it: a search backwards from its callee. */
static bool is_redundant(const struct graph *g, uint32_t edge, uint32_t *queue, bool *seen)
{
	const struct edge *e = &g->edges[edge];
	uint32_t head = 0, tail = 0;
	memset(seen, 0, g->node_n);
	queue[tail++] = e->dest;
	seen[e->dest] = true;
	while (head < tail) {
		const struct node *n = &g->nodes[queue[head++]];
		for (uint32_t k = n->in; k < n->in + n->in_n; k++) {
			const struct edge *in = &g->edges[g->in_edges[k]];
			if (in == e || in->removed || seen[in->src])
				continue;
			if (in->src == e->src)
				return true;
			seen[in->src] = true;
			queue[tail++] = in->src;
		}
	}
	return false;
}

void graph_remove_redundant_edges(struct graph *g)
{
	if (g->options.call_tree)
		return; /* one edge leads into each node: none is redundant */
	uint32_t *queue = mem_array((size_t)g->node_n + 1, sizeof(*queue));
	bool *seen = mem_alloc(g->node_n + 1);
	for (uint32_t i = g->order_n; i-- > 0;) {
		const struct node *n = &g->nodes[g->order[i]];
		graph_sort_edges(g, g->in_edges + n->in, n->in_n);
		/* The lightest first, up to the first edge that is real. */
		for (uint32_t k = n->in + n->in_n; k-- > n->in;) {
			struct edge *e = &g->edges[g->in_edges[k]];
			if (!e->residual)
				break;
			e->removed = is_redundant(g, g->in_edges[k], queue, seen);
		}
	}
	mem_free(queue);
	mem_free(seen);
	graph_link(g);
}
