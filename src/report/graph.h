/*
 * The call graph of a profile: how much each function (or line, file, address) cost by itself and
 * with what it called, and who called whom.
 *
 * Two tables. `infos` are the distinct places of the profile, each location's frames mapped to them
 * once; a report that looks at the samples three times never looks at a name again. `nodes` are the
 * places weighed: in a graph node i is place i; in a call tree (context-sensitive) a place is a
 * node for each path that leads to it.
 *
 * Weights are summed once: leaving nodes out does not change what the others weigh. Edges do change
 * (a path over a node left out becomes a "residual" edge), so they are collected from the samples
 * for the set of nodes to be shown, which is small; google/pprof builds the whole graph, with
 * edges, up to three times.
 */
#ifndef SONDE_REPORT_GRAPH_H
#define SONDE_REPORT_GRAPH_H

#define GRAPH_NONE UINT32_MAX
#define GRAPH_MANY (UINT32_MAX - 1)

/* One place. Strings are ids of the profile; 0 is none. Two places are the same if all is. */
struct node_info {
	uint32_t name;
	uint32_t file; /* cleaned as a path */
	uint32_t objfile;
	int32_t column;
	uint64_t address;
	int64_t start_line, line;
};

struct node {
	uint32_t info;	 /* index in infos */
	uint32_t parent; /* call tree: the caller's node, or GRAPH_NONE */
	int64_t flat, flat_div;
	int64_t cum, cum_div; /* the *_div are 0 unless means are reported */
	/* Edges into and out of the node: in_edges[in .. in + in_n), out_edges[...]. Set by
	 * graph_link(). */
	uint32_t in, in_n, out, out_n;
	uint32_t tags, tag_n; /* in graph.tags, sets before numbers; graph_tag() */
};

struct edge {
	uint32_t src, dest; /* nodes */
	int64_t weight, weight_div;
	bool residual; /* goes over nodes that are not shown */
	bool inlined;  /* every call of it was inlined */
	bool removed;
	uint32_t stamp; /* last sample that counted it */
};

/* What the labels of a node's samples add up to: either one set of "key:value" strings, or one
 * number (of bytes) within such a set. */
struct tag {
	uint32_t node;
	uint32_t set;  /* string of graph.tag_strings: "k:v\nk:v", 0 for none */
	uint32_t name; /* the same for a set; the number as printed for a number */
	bool is_num;
	int64_t value;
	const char *unit;
	int64_t flat, flat_div, cum, cum_div;
};

struct graph_options {
	uint32_t value_index; /* which of a sample's values */
	int mean_index;	      /* its divisor, or -1 */
	bool keep_objfile;    /* places in different object files are different */
	bool call_tree;
	bool drop_negative;
};

struct graph {
	struct profile *profile; /* borrowed */
	struct graph_options options;

	struct node_info *infos;
	uint32_t info_n, info_cap;
	uint32_t *frame_first; /* location -> first of its frames; [location_n] is the end */
	uint32_t *frames;      /* info of each frame, innermost first; at least one a location */
	uint32_t frame_n, frame_cap;
	/* The one frame of a location, which most have, or GRAPH_MANY: spares two look-ups in the
	 * loops over all samples. */
	uint32_t *sole;

	struct node *nodes;
	uint32_t node_n, node_cap;
	struct stack stack;    /* of the sample at hand */
	uint32_t *sample_leaf; /* call tree: the node each sample ends in, or GRAPH_NONE */
	const char **names;    /* printable name by info, made when first asked for */
	struct arena arena;    /* of the names */

	struct edge *edges;
	uint32_t edge_n, edge_cap;
	uint32_t *in_edges, *out_edges;

	/* The nodes the report shows, in its order. Nodes that weigh nothing are not among them,
	 * but calls of them count as calls until graph_keep() says which nodes are left. */
	uint32_t *order;
	uint32_t order_n;
	bool *kept; /* by node; NULL: all */

	struct tag *tags;
	uint32_t tag_n, tag_cap;
	struct strtab tag_strings;
};

/* Maps every location of the profile to places. The profile must not change while the graph
 * lives (graph_init() adds strings to it). */
void graph_init(struct graph *g, struct profile *p, const struct graph_options *options);
void graph_release(struct graph *g);

/* Sums weights; `order` becomes every node that weighs anything. */
void graph_weigh(struct graph *g);
/* Collects the edges between the nodes kept: all of them, or only those into nodes that were
 * inlined somewhere, which is all that a flat list asks for. A call tree has them already. */
enum graph_edges {
	GRAPH_EDGES_ALL,
	GRAPH_EDGES_INLINED,
};
void graph_connect(struct graph *g, enum graph_edges which);
/* Rebuilds the nodes' edge lists after edges were added or removed. */
void graph_link(struct graph *g);

/* Keeps in `order` only the nodes for which keep[node] is set. A call tree's edges are led past
 * the others; a graph's must be collected again with graph_connect(). */
void graph_keep(struct graph *g, const bool *keep);

enum graph_sort {
	GRAPH_SORT_FLAT,
	GRAPH_SORT_CUM,
	GRAPH_SORT_ENTROPY, /* how much a picture would lose without the node */
};
void graph_sort(struct graph *g, enum graph_sort sort);
/* An edge list (indexes) by weight, then names. */
void graph_sort_edges(struct graph *g, uint32_t *edges, uint32_t n);
/* Removes edges lighter than cutoff between shown nodes; how many. */
uint32_t graph_trim_edges(struct graph *g, int64_t cutoff);
/* Removes residual edges whose ends are connected otherwise. */
void graph_remove_redundant_edges(struct graph *g);

/* Sums labels for the nodes order[0 .. n). Numbers are printed in `num_unit`, scaled to
 * `out_unit`. */
void graph_tag(struct graph *g, uint32_t n, const char *num_unit, const char *out_unit);
void graph_trim_tags(struct graph *g, int64_t cutoff);
/* By weight (flat or cum), then name. */
void graph_sort_tags(const struct graph *g, const struct tag **tags, uint32_t n, bool flat);

/* "name", "address name file:line", "[object]", "<unknown>". */
const char *graph_name(struct graph *g, uint32_t info);
/* The same parts with a separator of the caller's, and its own name and file. */
void graph_name_parts(const struct node_info *info, const char *name, const char *file,
	const char *objfile, const char *separator, struct buf *out);

static inline const struct node_info *graph_info(const struct graph *g, uint32_t node)
{
	return &g->infos[g->nodes[node].info];
}

/* As Go's: the smallest integer stays what it is. */
static inline int64_t graph_abs(int64_t v)
{
	return v < 0 ? (int64_t) - (uint64_t)v : v;
}

/* A mean where a divisor was summed. */
static inline int64_t node_flat(const struct node *n)
{
	return n->flat_div ? n->flat / n->flat_div : n->flat;
}

static inline int64_t node_cum(const struct node *n)
{
	return n->cum_div ? n->cum / n->cum_div : n->cum;
}

static inline int64_t edge_weight(const struct edge *e)
{
	return e->weight_div ? e->weight / e->weight_div : e->weight;
}

static inline int64_t tag_flat(const struct tag *t)
{
	return t->flat_div ? t->flat / t->flat_div : t->flat;
}

static inline int64_t tag_cum(const struct tag *t)
{
	return t->cum_div ? t->cum / t->cum_div : t->cum;
}

#endif
