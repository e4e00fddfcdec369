/*
 * The flat list (top, text), the tree (tree, peek) and the comments.
 */
#include "report/labels.h"
#include "report/out.h"

/* "(inline)" if every call of the node was, "(partial-inline)" if some were. */
static const char *inline_label(const struct graph *g, const struct node *n)
{
	bool some = false, all = true;
	for (uint32_t k = n->in; k < n->in + n->in_n; k++) {
		bool inlined = g->edges[g->in_edges[k]].inlined;
		some |= inlined;
		all &= inlined;
	}
	return !some ? "" : all ? "(inline)" : "(partial-inline)";
}

/* Edges are collected only into nodes that were inlined somewhere, so that a node without edges
 * may still have callers; its label is none either way. */
void report_items_init(struct report *r, struct report_items *ret)
{
	report_graph_init(r, &ret->rg);
	struct graph *g = &ret->rg.graph;
	report_labels_full(r, &ret->rg, false, &ret->labels);
	ret->n = g->order_n;
	ret->items = mem_array((size_t)ret->n + 1, sizeof(*ret->items));
	for (uint32_t i = 0; i < ret->n; i++) {
		const struct node *n = &g->nodes[g->order[i]];
		ret->items[i] = (struct report_item){
			.name = graph_name(g, n->info),
			.inline_label = inline_label(g, n),
			.flat = node_flat(n),
			.cum = node_cum(n),
		};
	}
}

void report_items_release(struct report_items *items)
{
	mem_free(items->items);
	report_labels_release(&items->labels);
	report_graph_release(&items->rg);
}

int report_text(struct report *r, struct sink *to, struct err *err)
{
	struct report_items items;
	struct out out;
	int64_t sum = 0;
	report_items_init(r, &items);
	out_init(&out, to);
	report_labels_join(&items.labels, &out.buf);
	buf_addstr(&out.buf, "      flat  flat%   sum%        cum   cum%\n");
	for (uint32_t i = 0; i < items.n; i++) {
		const struct report_item *item = &items.items[i];
		sum += item->flat;
		report_value_padded(r, item->flat, 10, &out.buf);
		buf_addch(&out.buf, ' ');
		unit_percentage(item->flat, r->total, &out.buf);
		buf_addch(&out.buf, ' ');
		unit_percentage(sum, r->total, &out.buf);
		buf_addch(&out.buf, ' ');
		report_value_padded(r, item->cum, 10, &out.buf);
		buf_addch(&out.buf, ' ');
		unit_percentage(item->cum, r->total, &out.buf);
		buf_addstr(&out.buf, "  ");
		buf_addstr(&out.buf, item->name);
		if (*item->inline_label) {
			buf_addch(&out.buf, ' ');
			buf_addstr(&out.buf, item->inline_label);
		}
		buf_addch(&out.buf, '\n');
		out_step(&out);
	}
	report_items_release(&items);
	return out_finish(&out, err);
}

static const char tree_separator[] =
	"----------------------------------------------------------+-------------\n";

/* The lines of a node's callers or callees: weight, share of the node, name. */
static void put_edges(struct report *r, struct graph *g, uint32_t *edges, uint32_t n, int64_t cum,
	bool callers, struct out *out)
{
	graph_sort_edges(g, edges, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct edge *e = &g->edges[edges[i]];
		uint32_t other = callers ? e->src : e->dest;
		report_value_padded(r, e->weight, 50, &out->buf);
		buf_addch(&out->buf, ' ');
		unit_percentage(e->weight, cum, &out->buf);
		buf_addstr(&out->buf, " |   ");
		buf_addstr(&out->buf, graph_name(g, g->nodes[other].info));
		buf_addstr(&out->buf, e->inlined ? " (inline)\n" : "\n");
		out_step(out);
	}
}

static void put_node(
	struct report *r, struct graph *g, uint32_t node, int64_t *sum, struct out *out)
{
	const struct node *n = &g->nodes[node];
	int64_t flat = node_flat(n), cum = node_cum(n);
	buf_addstr(&out->buf, tree_separator);
	put_edges(r, g, g->in_edges + n->in, n->in_n, cum, true, out);
	*sum += flat;
	report_value_padded(r, flat, 10, &out->buf);
	buf_addch(&out->buf, ' ');
	unit_percentage(flat, r->total, &out->buf);
	buf_addch(&out->buf, ' ');
	unit_percentage(*sum, r->total, &out->buf);
	buf_addch(&out->buf, ' ');
	report_value_padded(r, cum, 10, &out->buf);
	buf_addch(&out->buf, ' ');
	unit_percentage(cum, r->total, &out->buf);
	buf_addstr(&out->buf, "                | ");
	buf_addstr(&out->buf, graph_name(g, n->info));
	buf_addch(&out->buf, '\n');
	put_edges(r, g, g->out_edges + n->out, n->out_n, cum, false, out);
}

/* Leaves in `order` the nodes that peek asked for. */
static int match_nodes(struct report *r, struct graph *g, uint32_t *ret_n, struct err *err)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < g->order_n; i++) {
		const char *name = graph_name(g, g->nodes[g->order[i]].info);
		int matches = regex_match(r->symbol, name, strlen(name));
		if (matches < 0)
			return err_set(err, matches, "regexp %s takes too long on %s",
				regex_pattern(r->symbol), name);
		if (matches)
			g->order[n++] = g->order[i];
	}
	if (!n)
		return err_set(err, ERR_NOT_FOUND, "no matches found for regexp: %s",
			regex_pattern(r->symbol));
	*ret_n = n;
	return 0;
}

int report_tree(struct report *r, struct sink *to, struct err *err)
{
	struct report_graph rg;
	struct report_labels labels;
	struct graph *g = &rg.graph;
	int rc = 0;
	report_graph_init(r, &rg);
	report_labels_full(r, &rg, false, &labels);
	uint32_t n = g->order_n;
	if (r->symbol)
		rc = match_nodes(r, g, &n, err);
	if (rc >= 0) {
		struct out out;
		int64_t sum = 0;
		out_init(&out, to);
		report_labels_join(&labels, &out.buf);
		buf_addstr(&out.buf, tree_separator);
		buf_addstr(&out.buf, "      flat  flat%   sum%        cum   cum%   calls calls% + "
				     "context \t \t \n");
		for (uint32_t i = 0; i < n; i++)
			put_node(r, g, g->order[i], &sum, &out);
		if (n)
			buf_addstr(&out.buf, tree_separator);
		rc = out_finish(&out, err);
	}
	report_labels_release(&labels);
	report_graph_release(&rg);
	return rc;
}

int report_comments(struct report *r, struct sink *to, struct err *err)
{
	struct out out;
	out_init(&out, to);
	for (uint32_t i = 0; i < r->profile->comment_n; i++) {
		buf_addstr(&out.buf, profile_str(r->profile, r->profile->comments[i]));
		buf_addch(&out.buf, '\n');
		out_step(&out);
	}
	return out_finish(&out, err);
}
