/*
 * The labels of the samples that go through a node, for the little boxes beside it in a picture.
 *
 * Only the nodes of the picture are asked for, at most some eighty; google/pprof keeps two maps a
 * node for all nodes, whatever the report, which is where its memory goes on a profile with labels.
 */
#include "report/report.h"

#include <stdlib.h>

struct tagging {
	struct graph *g;
	bool *wanted;	      /* by node */
	uint32_t *stamp;      /* by node: last sample that counted it */
	struct map sets;      /* node, set -> tag */
	struct map numbers;   /* tag of the set, name -> tag */
	uint32_t bytes_key;   /* the one numeric label that is shown */
	uint32_t base_key;    /* marks samples of the base of a diff: not shown */
	const char *num_unit; /* of the numbers */
	struct unit_conv conv;
	struct buf scratch;
	const char **words; /* "key:value" of a sample, to be sorted */
	uint32_t word_cap;
	struct arena arena;
};

static uint32_t find_tag(struct tagging *t, struct map *map, uint64_t key, struct tag tag)
{
	struct graph *g = t->g;
	bool is_new;
	uint32_t *slot = map_put(map, key, &is_new);
	if (is_new) {
		*slot = g->tag_n;
		vec_push(g->tags, g->tag_n, g->tag_cap, tag);
	}
	return *slot;
}

static void add_value(struct tag *tag, const int64_t value[2], bool flat)
{
	if (flat) {
		tag->flat += value[0];
		tag->flat_div += value[1];
	} else {
		tag->cum += value[0];
		tag->cum_div += value[1];
	}
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The string labels of a sample as one string of tag_strings; 0 if it has none. */
static uint32_t sample_set(struct tagging *t, const struct label *labels, uint32_t label_n)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < label_n; i++) {
		if (labels[i].is_num || labels[i].key == t->base_key)
			continue;
		const struct profile *p = t->g->profile;
		vec_grow(t->words, n + 1, t->word_cap);
		t->words[n++] = arena_printf(&t->arena, "%s:%s", profile_str(p, labels[i].key),
			profile_str(p, labels[i].str));
	}
	if (n)
		qsort(t->words, n, sizeof(*t->words), compare_words);
	buf_clear(&t->scratch);
	for (uint32_t i = 0; i < n; i++) {
		buf_addstr(&t->scratch, i ? "\\n" : "");
		buf_addstr(&t->scratch, t->words[i]);
	}
	arena_release(&t->arena);
	arena_init(&t->arena);
	return strtab_add(&t->g->tag_strings, t->scratch.data, t->scratch.len);
}

static void add_numbers(struct tagging *t, uint32_t node, uint32_t set_tag, uint32_t set,
	const struct label *labels, uint32_t label_n, const int64_t value[2], bool flat)
{
	for (uint32_t i = 0; i < label_n; i++) {
		if (!labels[i].is_num || labels[i].key != t->bytes_key)
			continue;
		buf_clear(&t->scratch);
		unit_conv_label(&t->conv, labels[i].num, &t->scratch);
		struct tag tag = {
			.node = node,
			.set = set,
			.name = strtab_add(&t->g->tag_strings, t->scratch.data, t->scratch.len),
			.is_num = true,
			.value = labels[i].num,
			.unit = t->num_unit,
		};
		uint64_t key = (uint64_t)set_tag << 32 | tag.name;
		uint32_t found = find_tag(t, &t->numbers, key, tag);
		add_value(&t->g->tags[found], value, flat);
	}
}

static void tag_node(struct tagging *t, uint32_t node, uint32_t set, const struct label *labels,
	uint32_t label_n, const int64_t value[2], bool flat)
{
	struct tag tag = {.node = node, .set = set, .name = set, .unit = ""};
	uint32_t set_tag = find_tag(t, &t->sets, (uint64_t)node << 32 | set, tag);
	add_value(&t->g->tags[set_tag], value, flat);
	add_numbers(t, node, set_tag, set, labels, label_n, value, flat);
}

/* The next node of a sample, from the leaf: each node of its stack once. */
struct walk {
	const uint32_t *stack;
	uint32_t n, i, k; /* next frame: k of location stack[i] */
	uint32_t node;	  /* next node of a call tree */
};

static bool walk_next(struct tagging *t, struct walk *w, uint32_t *ret_node)
{
	const struct graph *g = t->g;
	if (g->options.call_tree) {
		*ret_node = w->node;
		if (w->node != GRAPH_NONE)
			w->node = g->nodes[w->node].parent;
		return *ret_node != GRAPH_NONE;
	}
	for (; w->i < w->n; w->i++, w->k = 0) {
		uint32_t first = g->frame_first[w->stack[w->i]];
		if (first + w->k < g->frame_first[w->stack[w->i] + 1]) {
			*ret_node = g->frames[first + w->k++];
			return true;
		}
	}
	return false;
}

static void tag_sample(struct tagging *t, uint32_t sample)
{
	const struct graph *g = t->g;
	uint32_t label_n, node;
	const struct label *labels = profile_labels(g->profile, sample, &label_n);
	const int64_t *values = profile_values(g->profile, sample);
	int mean = g->options.mean_index;
	int64_t value[2] = {values[g->options.value_index], mean < 0 ? 0 : values[mean]};
	if (!label_n || (!value[0] && !value[1]))
		return;
	uint32_t set = GRAPH_NONE;
	struct walk w = {.node = g->sample_leaf ? g->sample_leaf[sample] : GRAPH_NONE};
	w.stack = profile_stack(g->profile, sample, &t->g->stack);
	w.n = g->stack.n;
	for (bool leaf = true; walk_next(t, &w, &node); leaf = false) {
		if (!t->wanted[node] || t->stamp[node] == sample + 1)
			continue;
		t->stamp[node] = sample + 1;
		if (set == GRAPH_NONE)
			set = sample_set(t, labels, label_n);
		tag_node(t, node, set, labels, label_n, value, false);
		if (leaf)
			tag_node(t, node, set, labels, label_n, value, true);
	}
}

static int compare_owners(const void *pa, const void *pb)
{
	const struct tag *a = pa, *b = pb;
	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	if (a->is_num != b->is_num)
		return a->is_num ? 1 : -1;
	if (a->set != b->set)
		return a->set < b->set ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

/* Gives each node its run of tags. */
static void hand_out(struct graph *g)
{
	for (uint32_t i = 0; i < g->node_n; i++)
		g->nodes[i].tag_n = 0;
	if (g->tag_n)
		qsort(g->tags, g->tag_n, sizeof(*g->tags), compare_owners);
	for (uint32_t i = 0; i < g->tag_n; i++) {
		struct node *n = &g->nodes[g->tags[i].node];
		if (!n->tag_n++)
			n->tags = i;
	}
}

/* Drops the tags that hold nothing: a set without strings only groups numbers. */
static void drop_tags(struct graph *g, int64_t cutoff)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < g->tag_n; i++) {
		const struct tag *t = &g->tags[i];
		bool named = t->is_num || t->set;
		if (named && (graph_abs(t->flat) >= cutoff || graph_abs(t->cum) >= cutoff))
			g->tags[n++] = *t;
	}
	g->tag_n = n;
	hand_out(g);
}

void graph_tag(struct graph *g, uint32_t n, const char *num_unit, const char *out_unit)
{
	g->tag_n = 0;
	if (!g->profile->label_n) {
		hand_out(g);
		return;
	}
	const struct strtab *strings = &g->profile->strings;
	struct tagging t = {
		.g = g,
		.wanted = mem_zalloc(g->node_n + 1),
		.stamp = mem_zalloc(((size_t)g->node_n + 1) * sizeof(*t.stamp)),
		.bytes_key = strtab_find(strings, "bytes", 5),
		.base_key = strtab_find(strings, "pprof::base", 11),
		.num_unit = num_unit,
		.scratch = BUF_INIT,
	};
	arena_init(&t.arena);
	map_init(&t.sets);
	map_init(&t.numbers);
	unit_conv_init(&t.conv, num_unit, out_unit);
	for (uint32_t i = 0; i < n; i++)
		t.wanted[g->order[i]] = true;
	for (uint32_t s = 0; s < g->profile->sample_n; s++)
		tag_sample(&t, s);
	map_release(&t.sets);
	map_release(&t.numbers);
	arena_release(&t.arena);
	buf_release(&t.scratch);
	mem_free(t.words);
	mem_free(t.wanted);
	mem_free(t.stamp);
	drop_tags(g, 0);
}

void graph_trim_tags(struct graph *g, int64_t cutoff)
{
	drop_tags(g, cutoff);
}
