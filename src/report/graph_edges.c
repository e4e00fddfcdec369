/*
 * Who called whom, among the nodes shown.
 *
 * The nodes shown are few (80 in a tree or a picture), so an edge is found in a square table of
 * them; only where all of a large profile is shown does a hash take the table's place. As with
 * nodes, each edge notes the last sample that counted it.
 *
 * The edges of a large profile are far apart in memory, and nothing says where the next one is but
 * the stack: so a stack's calls are gathered first, and then looked for together, each step for all
 * of them before the next one, that the waits for memory overlap.
 */
#include "report/report.h"

enum {
	/* Up to this many nodes the table is used: 1 MiB. */
	TABLE_NODES_MAX = 512,
};

#define LIST ((uint32_t)1 << 31)

/* From one frame kept to the next one, by rank. */
struct call {
	uint32_t src, dest;
	bool inlined;
	bool residual; /* frames between were left out */
	uint64_t hash;
};

/* A location with a frame that is kept. */
struct kept {
	uint32_t ranked; /* as in `ranked` */
	uint32_t at;	 /* in the stack */
};

/* Nodes are known here by their rank among those kept. */
struct connect {
	struct graph *g;
	uint32_t *rank;	 /* node -> rank, or GRAPH_NONE */
	uint32_t *nodes; /* rank -> node */
	uint32_t n;
	uint32_t *ranked; /* location -> rank of its only frame, GRAPH_NONE, or LIST + place */
	uint32_t *lists;  /* at a place: the number of a location's frames, their ranks */
	uint32_t list_n, list_cap;
	uint32_t *table; /* rank(src) * n + rank(dest) -> edge + 1; NULL if `slots` is used */
	uint32_t *slots; /* edge + 1 and tag_of(), by hash; a quarter of them free at least */
	uint32_t mask;
	bool *wanted; /* by rank: edges into these nodes only */

	/* The sample at hand. */
	int64_t w, dw;
	uint32_t stamp;
	struct kept *kept;
	size_t kept_cap;
	struct call *calls;
	size_t call_n, call_cap;
};

/* What a slot says of its edge's hash, beside the edge's number: the bits that numbers do not use.
 */
static inline uint32_t tag_of(const struct connect *c, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & ~c->mask;
}

/* The slot of the edge between two nodes, or the free one where it belongs. */
static uint32_t *probe(const struct connect *c, uint32_t src, uint32_t dest, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & c->mask, tag = tag_of(c, hash);
	for (; c->slots[at]; at = (at + 1) & c->mask) {
		if ((c->slots[at] & ~c->mask) != tag)
			continue;
		const struct edge *e = &c->g->edges[(c->slots[at] & c->mask) - 1];
		if (e->src == src && e->dest == dest)
			break;
	}
	return &c->slots[at];
}

static uint64_t edge_hash(uint32_t src, uint32_t dest)
{
	return hash_u64((uint64_t)src << 32 | dest);
}

static void grow_slots(struct connect *c)
{
	uint32_t n = c->slots ? (c->mask + 1) * 2 : 1024;
	mem_free(c->slots);
	c->slots = mem_zalloc((size_t)n * sizeof(*c->slots));
	c->mask = n - 1;
	for (uint32_t i = 0; i < c->g->edge_n; i++) {
		const struct edge *e = &c->g->edges[i];
		uint64_t hash = edge_hash(e->src, e->dest);
		*probe(c, e->src, e->dest, hash) = tag_of(c, hash) | (i + 1);
	}
}

static struct edge *add_edge(struct graph *g, uint32_t src, uint32_t dest)
{
	struct edge edge = {.src = src, .dest = dest, .inlined = true};
	vec_push(g->edges, g->edge_n, g->edge_cap, edge);
	return &g->edges[g->edge_n - 1];
}

static struct edge *find_hashed(struct connect *c, const struct call *call)
{
	struct graph *g = c->g;
	uint32_t src = c->nodes[call->src], dest = c->nodes[call->dest];
	if (g->edge_n >= c->mask / 4 * 3)
		grow_slots(c);
	uint32_t *slot = probe(c, src, dest, call->hash);
	if (*slot)
		return &g->edges[(*slot & c->mask) - 1];
	*slot = tag_of(c, call->hash) | (g->edge_n + 1);
	return add_edge(g, src, dest);
}

static struct edge *find_in_table(struct connect *c, const struct call *call)
{
	struct graph *g = c->g;
	uint32_t *slot = &c->table[(size_t)call->src * c->n + call->dest];
	if (*slot)
		return &g->edges[*slot - 1];
	*slot = g->edge_n + 1;
	return add_edge(g, c->nodes[call->src], c->nodes[call->dest]);
}

/* Has what find_hashed() will look at fetched: the slots, then the edges. */
static void expect_calls(struct connect *c)
{
	for (size_t i = 0; i < c->call_n; i++) {
		struct call *call = &c->calls[i];
		call->hash = edge_hash(c->nodes[call->src], c->nodes[call->dest]);
		__builtin_prefetch(&c->slots[call->hash & c->mask]);
	}
	for (size_t i = 0; i < c->call_n; i++) {
		uint32_t slot = c->slots[c->calls[i].hash & c->mask];
		if (slot)
			__builtin_prefetch(&c->g->edges[(slot & c->mask) - 1], 1);
	}
}

/* An edge is residual if any sample of it was, and inlined if all were. */
static void count_call(struct connect *c, struct edge *e, const struct call *call)
{
	if (e->stamp == c->stamp)
		return;
	e->stamp = c->stamp;
	e->weight += c->w;
	e->weight_div += c->dw;
	e->residual |= call->residual;
	e->inlined &= call->inlined;
}

static void count_calls(struct connect *c)
{
	if (!c->table)
		expect_calls(c);
	for (size_t i = 0; i < c->call_n; i++) {
		const struct call *call = &c->calls[i];
		count_call(c, c->table ? find_in_table(c, call) : find_hashed(c, call), call);
	}
}

/* How far a stack has been walked. */
struct walk {
	uint32_t parent; /* the last frame kept */
	bool residual;	 /* frames were left out since */
};

/* One frame further in. Whether that is a call to be counted cannot be foreseen: it is written down
 * in any case, and stays if it is. */
static inline struct walk step(struct connect *c, struct walk w, uint32_t rank, bool inlined)
{
	if (rank == GRAPH_NONE)
		return (struct walk){w.parent, true};
	vec_grow(c->calls, c->call_n + 1, c->call_cap);
	struct call *call = &c->calls[c->call_n];
	call->src = w.parent;
	call->dest = rank;
	call->inlined = inlined;
	call->residual = w.residual;
	c->call_n += (w.parent != GRAPH_NONE) & (w.parent != rank) & c->wanted[rank];
	return (struct walk){rank, false};
}

/* The locations of a stack that have frames which are kept, outermost first. */
static uint32_t find_kept(struct connect *c, const uint32_t *stack, uint32_t n)
{
	uint32_t kept = 0;
	vec_grow(c->kept, n, c->kept_cap);
	for (uint32_t i = n; i-- > 0;) {
		uint32_t ranked = c->ranked[stack[i]];
		c->kept[kept] = (struct kept){.ranked = ranked, .at = i};
		kept += ranked != GRAPH_NONE;
	}
	return kept;
}

/* All but the outermost frame of a location are inlined. */
static inline struct walk step_list(struct connect *c, struct walk w, const uint32_t *list)
{
	uint32_t n = *list++;
	for (uint32_t i = n; i-- > 0;)
		w = step(c, w, list[i], i != n - 1);
	return w;
}

static void connect_stack(struct connect *c, uint32_t sample)
{
	struct graph *g = c->g;
	const uint32_t *stack = profile_stack(g->profile, sample, &g->stack);
	uint32_t n = find_kept(c, stack, g->stack.n), expected = g->stack.n - 1;
	struct walk w = {.parent = GRAPH_NONE};
	c->stamp = sample + 1;
	c->call_n = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct kept kept = c->kept[i];
		w.residual |= kept.at != expected;
		expected = kept.at - 1;
		if (kept.ranked < LIST)
			w = step(c, w, kept.ranked, false);
		else
			w = step_list(c, w, c->lists + (kept.ranked - LIST));
	}
	count_calls(c);
}

static void rank_nodes(struct connect *c)
{
	const struct graph *g = c->g;
	c->rank = mem_array((size_t)g->node_n + 1, sizeof(*c->rank));
	c->nodes = mem_array((size_t)g->node_n + 1, sizeof(*c->nodes));
	for (uint32_t i = 0; i < g->node_n; i++) {
		bool kept = !g->kept || g->kept[i];
		c->rank[i] = kept ? c->n : GRAPH_NONE;
		if (kept)
			c->nodes[c->n++] = i;
	}
}

/* Of several frames: a list if any is kept. */
static uint32_t rank_frames(struct connect *c, const uint32_t *frames, uint32_t n)
{
	uint32_t place = c->list_n;
	bool any = false;
	vec_push(c->lists, c->list_n, c->list_cap, n);
	for (uint32_t i = 0; i < n; i++) {
		any |= c->rank[frames[i]] != GRAPH_NONE;
		vec_push(c->lists, c->list_n, c->list_cap, c->rank[frames[i]]);
	}
	if (any)
		return LIST + place;
	c->list_n = place;
	return GRAPH_NONE;
}

static void rank_locations(struct connect *c)
{
	const struct graph *g = c->g;
	uint32_t n = g->profile->location_n;
	c->ranked = mem_array((size_t)n + 1, sizeof(*c->ranked));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t first = g->frame_first[i], frames = g->frame_first[i + 1] - first;
		c->ranked[i] = g->sole[i] == GRAPH_MANY ? rank_frames(c, g->frames + first, frames)
							: c->rank[g->sole[i]];
	}
}

/* Wants what is an inlined frame of some location; whether there is any. */
static bool want_inlined(struct connect *c)
{
	const struct graph *g = c->g;
	bool any = false;
	memset(c->wanted, false, c->n);
	for (uint32_t i = 0; i < g->profile->location_n; i++) {
		for (uint32_t k = g->frame_first[i]; k + 1 < g->frame_first[i + 1]; k++) {
			uint32_t rank = c->rank[g->frames[k]];
			if (rank != GRAPH_NONE)
				c->wanted[rank] = any = true;
		}
	}
	return any;
}

static void connect_samples(struct connect *c)
{
	const struct graph *g = c->g;
	int mean = g->options.mean_index;
	if (c->n <= TABLE_NODES_MAX)
		c->table = mem_zalloc((size_t)c->n * c->n * sizeof(*c->table) + 1);
	else
		grow_slots(c);
	for (uint32_t s = 0; s < g->profile->sample_n; s++) {
		const int64_t *values = profile_values(g->profile, s);
		c->w = values[g->options.value_index];
		c->dw = mean < 0 ? 0 : values[mean];
		if (c->w || c->dw)
			connect_stack(c, s);
	}
}

void graph_connect(struct graph *g, enum graph_edges which)
{
	if (g->options.call_tree)
		return;
	struct connect c = {.g = g};
	g->edge_n = 0;
	rank_nodes(&c);
	rank_locations(&c);
	c.wanted = memset(mem_alloc((size_t)c.n + 1), true, (size_t)c.n + 1);
	if (which == GRAPH_EDGES_ALL || want_inlined(&c))
		connect_samples(&c);
	mem_free(c.wanted);
	mem_free(c.kept);
	mem_free(c.table);
	mem_free(c.ranked);
	mem_free(c.lists);
	mem_free(c.nodes);
	mem_free(c.rank);
	mem_free(c.slots);
	mem_free(c.calls);
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
