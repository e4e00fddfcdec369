/*
 * The call graph in the language of Graphviz.
 *
 * The boxes and their order, sizes, colours and tooltips are google/pprof's to the byte, so that
 * `dot` draws the same picture; but names that would end a string of theirs are escaped everywhere,
 * where google/pprof forgets titles, files and labels (docs/pprof-differences.md).
 */
#include "report/dot.h"
#include "report/labels.h"
#include "report/out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	NODELETS_MAX = 4, /* boxes for labels beside a node */
};

struct dot {
	struct report *r;
	struct graph *g;
	struct out out;
	uint32_t *id;	    /* node -> its number in the picture, 0: not shown */
	bool *has_nodelets; /* by node */
	double flat_max;
};

/* Double quotes and backslashes are escaped; new lines are set flush left. */
static void put_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			buf_addch(out, '\\');
		if (*s == '\n')
			buf_addstr(out, "\\l");
		else
			buf_addch(out, *s);
	}
}

/* A label's text: its lines are parted by "\n" already, which stays. google/pprof leaves quotes and
 * other backslashes as they are, and what dot makes of such a file is an error. */
static void put_tag_name(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || (*s == '\\' && s[1] != 'n'))
			buf_addch(out, '\\');
		buf_addch(out, *s);
	}
}

static double clamp(double v, double min, double max)
{
	return v < min ? min : v > max ? max : v;
}

void report_dot_color(double score, bool background, struct buf *out)
{
	/* Moves scores away from grey, to use more of the range. */
	const double shift = 0.7;
	double saturation = background ? 0.1 : 1.0;
	double value = background ? 0.93 : 0.7;
	score = isnan(score) ? score : clamp(score, -1, 1);
	/* Grey, not yellow, near 0. */
	if (fabs(score) < 0.2)
		saturation *= fabs(score) / 0.2;
	if (score > 0)
		score = pow(score, 1.0 - shift);
	if (score < 0)
		score = -pow(-score, 1.0 - shift);
	double red = value, green = value, blue = value * (1 - saturation);
	if (score < 0)
		red = value * (1 + saturation * score);
	else
		green = value * (1 - saturation * score);
	buf_printf(out, "#%02x%02x%02x", (uint8_t)unit_truncate(red * 255),
		(uint8_t)unit_truncate(green * 255), (uint8_t)unit_truncate(blue * 255));
}

static void put_replaced(struct buf *out, const char *s, const char *from, const char *to)
{
	for (const char *at; (at = strstr(s, from)); s = at + strlen(from)) {
		buf_add(out, s, (size_t)(at - s));
		buf_addstr(out, to);
	}
	buf_addstr(out, s);
}

static void replace(struct buf *buf, const char *from, const char *to)
{
	struct buf out = BUF_INIT;
	put_replaced(&out, buf->data, from, to);
	buf_release(buf);
	*buf = out;
}

void report_dot_name(const struct node_info *info, const char *name, const char *file,
	const char *objfile, struct buf *out)
{
	struct buf shortened = BUF_INIT, text = BUF_INIT;
	struct buf base = BUF_INIT, file_text = BUF_INIT, objfile_text = BUF_INIT;
	report_shorten_name(name, &shortened);
	put_escaped(&text, shortened.data);
	replace(&text, "::", "\\n");
	/* Go's type parameters are "[...]": not dots to break at. */
	replace(&text, "[...]", "[\xe2\x80\xa6]");
	replace(&text, ".", "\\n");
	if (*file)
		path_base(&base, file);
	put_escaped(&file_text, base.data);
	put_escaped(&objfile_text, objfile);
	graph_name_parts(info, text.data, file_text.data, objfile_text.data, "\\n", out);
	buf_addstr(out, "\\n");
	buf_release(&shortened);
	buf_release(&text);
	buf_release(&base);
	buf_release(&file_text);
	buf_release(&objfile_text);
}

static void put_share(struct dot *d, int64_t v, struct buf *out)
{
	struct buf percentage = BUF_INIT;
	unit_percentage(v, d->r->total, &percentage);
	buf_printf(out, "(%s)", percentage.data + strspn(percentage.data, " "));
	buf_release(&percentage);
}

/* From 8 to 24 points with the root of the node's share of the heaviest. */
static int font_size(const struct dot *d, int64_t flat)
{
	double v = (double)graph_abs(flat);
	if (d->flat_max == 0 || flat == 0 || v > d->flat_max)
		return 8;
	return 8 + (int)ceil(16 * sqrt(v / d->flat_max));
}

static void put_node(struct dot *d, uint32_t node)
{
	struct graph *g = d->g;
	struct buf *out = &d->out.buf;
	const struct node *n = &g->nodes[node];
	const struct node_info *info = &g->infos[n->info];
	const struct profile *p = d->r->profile;
	int64_t flat = node_flat(n), cum = node_cum(n);
	buf_printf(out, "N%u [label=\"", d->id[node]);
	report_dot_name(info, profile_str(p, info->name), profile_str(p, info->file),
		profile_str(p, info->objfile), out);
	if (flat) {
		report_value(d->r, flat, out);
		buf_addch(out, ' ');
		put_share(d, flat, out);
	} else {
		buf_addch(out, '0');
	}
	if (cum != flat) {
		buf_addstr(out, flat ? "\\nof " : " of ");
		report_value(d->r, cum, out);
		buf_addch(out, ' ');
		put_share(d, cum, out);
	}
	buf_printf(out, "\" id=\"node%u\" fontsize=%d shape=box tooltip=\"", d->id[node],
		font_size(d, flat));
	put_escaped(out, graph_name(g, n->info));
	buf_addstr(out, " (");
	report_value(d->r, cum, out);
	buf_addstr(out, ")\" color=\"");
	double score = (double)cum / (double)graph_abs(d->r->total);
	report_dot_color(score, false, out);
	buf_addstr(out, "\" fillcolor=\"");
	report_dot_color(score, true, out);
	buf_addstr(out, "\"]\n");
}

/* The box of a number and the line to it from `source`; its name is the source's, numbered, with an
 * N before. */
static void put_nodelet(struct dot *d, const char *source, uint32_t i, const char *name,
	int64_t weight, const char *style)
{
	struct buf *out = &d->out.buf, w = BUF_INIT;
	report_value(d->r, weight, &w);
	buf_printf(out, "N%s_%u [label = \"", source, i);
	put_tag_name(out, name);
	buf_printf(out, "\" id=\"N%s_%u\" fontsize=8 shape=box3d tooltip=\"%s\"]\n", source, i,
		w.data);
	buf_printf(out,
		"%s -> N%s_%u [label=\" %s\" weight=100 tooltip=\"%s\" labeltooltip=\"%s\"%s]\n",
		source, source, i, w.data, w.data, w.data, style);
	buf_release(&w);
}

/* A range of numbers that share a box. */
struct bucket {
	const struct tag *min, *max, *first;
	struct tag sum; /* its name set last */
	uint32_t n;
};

static double tag_distance(const struct tag *t, const struct tag *u)
{
	const char *unit;
	double v = unit_scale(u->value, u->unit, t->unit, &unit);
	return fabs(v - (double)t->value);
}

static int64_t value_in(const struct tag *t, const char *to)
{
	const char *unit;
	return unit_truncate(unit_scale(t->value, t->unit, to, &unit));
}

static void bucket_add(struct bucket *b, const struct tag *t)
{
	if (!b->n++) {
		*b = (struct bucket){.min = t, .max = t, .first = t, .sum = *t, .n = 1};
		return;
	}
	if (value_in(t, b->min->unit) < b->min->value)
		b->min = t;
	if (value_in(t, b->max->unit) > b->max->value)
		b->max = t;
	b->sum.flat += t->flat;
	b->sum.flat_div += t->flat_div;
	b->sum.cum += t->cum;
	b->sum.cum_div += t->cum_div;
}

/* A tag of what is in the bucket: "16B", "32B..1kB". */
static struct tag bucket_tag(struct dot *d, struct bucket *b)
{
	struct tag tag = {.is_num = true, .flat = tag_flat(&b->sum), .cum = tag_cum(&b->sum)};
	struct buf name = BUF_INIT;
	unit_label(b->min->value, b->min->unit, "auto", &name);
	if (b->n > 1) {
		buf_addstr(&name, "..");
		unit_label(b->max->value, b->max->unit, "auto", &name);
	}
	tag.name = strtab_add(&d->g->tag_strings, name.data, name.len);
	buf_release(&name);
	return tag;
}

/* Sorts the numbers, and puts those beyond the heaviest few with the nearest of these. */
static uint32_t collapse(struct dot *d, const struct tag **tags, uint32_t n, bool flat,
	struct tag merged[NODELETS_MAX])
{
	graph_sort_tags(d->g, tags, n, flat);
	if (n <= NODELETS_MAX)
		return n;
	struct bucket buckets[NODELETS_MAX] = {0};
	for (uint32_t i = 0; i < NODELETS_MAX; i++)
		bucket_add(&buckets[i], tags[i]);
	for (uint32_t i = NODELETS_MAX; i < n; i++) {
		uint32_t best = 0;
		for (uint32_t k = 1; k < NODELETS_MAX; k++)
			if (tag_distance(tags[i], buckets[k].first) <
				tag_distance(tags[i], buckets[best].first))
				best = k;
		bucket_add(&buckets[best], tags[i]);
	}
	for (uint32_t i = 0; i < NODELETS_MAX; i++) {
		merged[i] = bucket_tag(d, &buckets[i]);
		tags[i] = &merged[i];
	}
	graph_sort_tags(d->g, tags, NODELETS_MAX, flat);
	return NODELETS_MAX;
}

static void put_numbers(
	struct dot *d, const struct tag **tags, uint32_t n, bool flat, const char *source)
{
	struct tag merged[NODELETS_MAX];
	n = collapse(d, tags, n, flat, merged);
	for (uint32_t i = 0; i < n; i++) {
		bool solid = flat || tag_flat(tags[i]) == tag_cum(tags[i]);
		int64_t weight = solid ? tag_flat(tags[i]) : tag_cum(tags[i]);
		if (weight)
			put_nodelet(d, source, i, strtab_get(&d->g->tag_strings, tags[i]->name),
				weight, solid ? "" : " style=\"dotted\"");
	}
}

/* The numbers within a set of strings, into `ret` (room for all tags of the node). */
static uint32_t numbers_of(
	const struct graph *g, const struct node *n, uint32_t set, const struct tag **ret)
{
	uint32_t count = 0;
	for (uint32_t k = n->tags; k < n->tags + n->tag_n; k++)
		if (g->tags[k].is_num && g->tags[k].set == set)
			ret[count++] = &g->tags[k];
	return count;
}

static void put_set(struct dot *d, const struct node *n, uint32_t id, uint32_t i,
	const struct tag *tag, int64_t weight, bool flat)
{
	char source[32];
	struct buf *out = &d->out.buf, w = BUF_INIT;
	report_value(d->r, weight, &w);
	buf_printf(out, "N%u_%u [label = \"", id, i);
	put_tag_name(out, strtab_get(&d->g->tag_strings, tag->name));
	buf_printf(out, "\" id=\"N%u_%u\" fontsize=8 shape=box3d tooltip=\"%s\"]\n", id, i, w.data);
	buf_printf(out,
		"N%u -> N%u_%u [label=\" %s\" weight=100 tooltip=\"%s\" labeltooltip=\"%s\"]\n", id,
		id, i, w.data, w.data, w.data);
	buf_release(&w);
	const struct tag **numbers = mem_array((size_t)n->tag_n, sizeof(*numbers));
	uint32_t count = numbers_of(d->g, n, tag->set, numbers);
	snprintf(source, sizeof(source), "N%u_%u", id, i);
	put_numbers(d, numbers, count, flat, source);
	mem_free(numbers);
}

/* The boxes of a node's labels: of a leaf what all its samples have (its callees may have been left
 * out), of others only what is their own. */
static bool put_nodelets(struct dot *d, uint32_t node)
{
	const struct graph *g = d->g;
	const struct node *n = &g->nodes[node];
	if (!n->tag_n)
		return false;
	bool flat = n->out_n > 0;
	size_t before = d->out.buf.len;
	uint32_t id = d->id[node], set_n = 0;
	const struct tag **tags = mem_array(n->tag_n, sizeof(*tags));
	for (uint32_t k = n->tags; k < n->tags + n->tag_n; k++)
		if (!g->tags[k].is_num)
			tags[set_n++] = &g->tags[k];
	graph_sort_tags(g, tags, set_n, flat);
	for (uint32_t i = 0; i < set_n && i < NODELETS_MAX; i++) {
		int64_t weight = flat ? tag_flat(tags[i]) : tag_cum(tags[i]);
		if (weight)
			put_set(d, n, id, i, tags[i], weight, flat);
	}
	char source[16];
	snprintf(source, sizeof(source), "N%u", id);
	put_numbers(d, tags, numbers_of(g, n, 0, tags), flat, source);
	mem_free(tags);
	return d->out.buf.len != before;
}

/* weight as so many parts of the total, at most all of them. */
static int64_t parts_of(int64_t weight, int64_t times, int64_t total)
{
	int64_t v = graph_abs((int64_t)((uint64_t)weight * (uint64_t)times) / total);
	return v < times ? v : times;
}

static void put_edge(struct dot *d, const struct edge *e)
{
	struct graph *g = d->g;
	struct buf *out = &d->out.buf, w = BUF_INIT, tip = BUF_INIT;
	int64_t weight = edge_weight(e), total = d->r->total;
	report_value(d->r, weight, &w);
	buf_printf(out, "N%u -> N%u [label=\" %s%s\"", d->id[e->src], d->id[e->dest], w.data,
		e->inlined ? "\\n (inline)" : "");
	if (total) {
		if (parts_of(weight, 100, total) > 0)
			buf_printf(out, " weight=%d", 1 + (int)parts_of(weight, 100, total));
		if (parts_of(weight, 5, total) > 0)
			buf_printf(out, " penwidth=%d", 1 + (int)parts_of(weight, 5, total));
		buf_addstr(out, " color=\"");
		report_dot_color((double)weight / (double)graph_abs(total), false, out);
		buf_addch(out, '"');
	}
	put_escaped(&tip, graph_name(g, g->nodes[e->src].info));
	buf_addstr(&tip, e->residual ? " ... " : " -> ");
	put_escaped(&tip, graph_name(g, g->nodes[e->dest].info));
	buf_printf(&tip, " (%s)", w.data);
	buf_printf(out, " tooltip=\"%s\" labeltooltip=\"%s\"", tip.data, tip.data);
	if (e->residual)
		buf_addstr(out, " style=\"dotted\"");
	if (d->has_nodelets[e->src])
		buf_addstr(out, " minlen=2");
	buf_addstr(out, "]\n");
	buf_release(&w);
	buf_release(&tip);
}

static void put_legend(struct dot *d, const struct report_labels *labels)
{
	struct buf *out = &d->out.buf;
	buf_addstr(out, "subgraph cluster_L { \"");
	put_escaped(out, labels->lines[0]);
	buf_addstr(out, "\" [shape=box fontsize=16 label=\"");
	for (uint32_t i = 0; i < labels->n; i++) {
		buf_addstr(out, i ? "\\l" : "");
		put_escaped(out, labels->lines[i]);
	}
	buf_addstr(out, "\\l\"");
	if (*d->r->title) {
		buf_addstr(out, " tooltip=\"");
		put_escaped(out, d->r->title);
		buf_addch(out, '"');
	}
	buf_addstr(out, "] }\n");
}

static void put_nodes(struct dot *d)
{
	struct graph *g = d->g;
	for (uint32_t i = 0; i < g->order_n; i++) {
		double flat = (double)graph_abs(node_flat(&g->nodes[g->order[i]]));
		d->id[g->order[i]] = i + 1;
		d->flat_max = i == 0 || flat > d->flat_max ? flat : d->flat_max;
	}
	for (uint32_t i = 0; i < g->order_n; i++) {
		put_node(d, g->order[i]);
		d->has_nodelets[g->order[i]] = put_nodelets(d, g->order[i]);
		out_step(&d->out);
	}
}

/* The heaviest first, a hint to the layout. */
static void put_edges(struct dot *d)
{
	struct graph *g = d->g;
	uint32_t n = 0, *edges = mem_array((size_t)g->edge_n + 1, sizeof(*edges));
	for (uint32_t i = 0; i < g->order_n; i++) {
		const struct node *node = &g->nodes[g->order[i]];
		memcpy(edges + n, g->out_edges + node->out, node->out_n * sizeof(*edges));
		n += node->out_n;
	}
	graph_sort_edges(g, edges, n);
	for (uint32_t i = 0; i < n; i++) {
		put_edge(d, &g->edges[edges[i]]);
		out_step(&d->out);
	}
	mem_free(edges);
}

int report_dot(struct report *r, struct sink *to, struct err *err)
{
	struct report_graph rg;
	struct report_labels labels;
	report_graph_init(r, &rg);
	report_labels_full(r, &rg, true, &labels);
	struct dot d = {
		.r = r,
		.g = &rg.graph,
		.id = mem_zalloc(((size_t)rg.graph.node_n + 1) * sizeof(*d.id)),
		.has_nodelets = mem_zalloc((size_t)rg.graph.node_n + 1),
	};
	out_init(&d.out, to);
	buf_addstr(&d.out.buf, "digraph \"");
	put_escaped(&d.out.buf, *r->title ? r->title : "unnamed");
	buf_addstr(&d.out.buf, "\" {\nnode [style=filled fillcolor=\"#f8f8f8\"]\n");
	put_legend(&d, &labels);
	put_nodes(&d);
	put_edges(&d);
	buf_addstr(&d.out.buf, "}\n");
	mem_free(d.id);
	mem_free(d.has_nodelets);
	report_labels_release(&labels);
	report_graph_release(&rg);
	return out_finish(&d.out, err);
}
