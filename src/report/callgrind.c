/*
 * The call graph in callgrind's format, for KCachegrind and its kin.
 *
 * The format compresses names ("(3) name", later "(3)") and addresses (relative to the line
 * before). Two functions of one name and file would be one to its readers, so they are told apart
 * by a suffix.
 */
#include "report/out.h"
#include "report/report.h"

#include <stdlib.h>

/* What a callgrind reader takes for one function, and the function it really is. */
struct named {
	uint32_t node;
	uint32_t file, name;
	uint64_t function; /* the node's function: equal for its lines and addresses */
	uint32_t position; /* in the order of the report */
};

struct writer {
	struct report *r;
	struct graph *g;
	struct out out;
	uint32_t *files, *names, *objfiles; /* string -> its number, 0: not yet */
	uint32_t file_n, name_n, objfile_n;
	bool *shown;	     /* by node */
	char **suffixed;     /* node -> its name with a suffix, NULL: as it is */
	struct strtab extra; /* suffixed names -> numbers in extra_ids */
	uint32_t *extra_ids;
	uint32_t extra_cap;
	struct unit_conv conv;
};

static uint64_t function_of(const struct graph *g, const struct node *n)
{
	/* In a call tree each caller has its own. */
	const struct node_info *i = &g->infos[n->info];
	uint64_t h = hash_u64((uint64_t)i->name << 32 | i->file);
	h = hash_u64(h ^ (uint64_t)i->objfile << 32 ^ (uint64_t)i->start_line);
	return hash_u64(h ^ n->parent);
}

static int compare_named(const void *pa, const void *pb)
{
	const struct named *a = pa, *b = pb;
	if (a->name != b->name)
		return a->name < b->name ? -1 : 1;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return a->position < b->position ? -1 : a->position > b->position;
}

/* Numbers the functions in a run of equal names by first appearance, and names the nodes. */
static void suffix_run(struct writer *w, const struct named *run, uint32_t n)
{
	uint32_t *number = mem_array(n, sizeof(*number));
	struct map functions;
	map_init(&functions);
	for (uint32_t i = 0; i < n; i++) {
		bool is_new;
		uint32_t *slot = map_put(&functions, run[i].function, &is_new);
		if (is_new)
			*slot = (uint32_t)functions.n;
		number[i] = *slot;
	}
	for (uint32_t i = 0; i < n && functions.n > 1; i++)
		w->suffixed[run[i].node] = arena_printf(&w->g->arena, "%s [%u/%zu]",
			profile_str(w->r->profile, run[i].name), number[i], functions.n);
	map_release(&functions);
	mem_free(number);
}

static void tell_apart(struct writer *w)
{
	const struct graph *g = w->g;
	struct named *all = mem_array((size_t)g->order_n + 1, sizeof(*all));
	for (uint32_t i = 0; i < g->order_n; i++) {
		const struct node *n = &g->nodes[g->order[i]];
		const struct node_info *info = &g->infos[n->info];
		all[i] = (struct named){g->order[i], info->file, info->name, function_of(g, n), i};
	}
	qsort(all, g->order_n, sizeof(*all), compare_named);
	for (uint32_t from = 0, to; from < g->order_n; from = to) {
		for (to = from + 1; to < g->order_n && all[to].name == all[from].name &&
				    all[to].file == all[from].file;)
			to++;
		suffix_run(w, all + from, to - from);
	}
	mem_free(all);
}

static void put_number(struct buf *out, uint32_t n)
{
	buf_addch(out, '(');
	buf_adduint(out, n, 0);
	buf_addch(out, ')');
}

/* "(3) name" the first time, "(3)" after that. */
static void put_name(
	struct writer *w, const char *key, uint32_t *slot, uint32_t *count, const char *name)
{
	buf_addstr(&w->out.buf, key);
	if (*name && *slot) {
		put_number(&w->out.buf, *slot);
	} else if (*name) {
		*slot = ++*count;
		put_number(&w->out.buf, *slot);
		buf_addch(&w->out.buf, ' ');
		buf_addstr(&w->out.buf, name);
	}
	buf_addch(&w->out.buf, '\n');
}

static void put_string(
	struct writer *w, const char *key, uint32_t *slots, uint32_t *count, uint32_t string)
{
	put_name(w, key, &slots[string], count, profile_str(w->r->profile, string));
}

/* A callee that is not shown (all its samples cancel out) has no name. */
static void put_callee(struct writer *w, uint32_t node)
{
	const char *name = w->suffixed[node];
	if (!w->shown[node]) {
		buf_addstr(&w->out.buf, "cfn=\n");
		return;
	}
	if (!name) {
		put_string(w, "cfn=", w->names, &w->name_n, graph_info(w->g, node)->name);
		return;
	}
	/* A suffixed name may happen to be another function's own. */
	uint32_t own = strtab_find(&w->r->profile->strings, name, strlen(name));
	if (own != UINT32_MAX) {
		put_string(w, "cfn=", w->names, &w->name_n, own);
		return;
	}
	uint32_t n = w->extra.n, id = strtab_addstr(&w->extra, name);
	vec_grow(w->extra_ids, (size_t)id + 1, w->extra_cap);
	if (id >= n)
		w->extra_ids[id] = 0;
	put_name(w, "cfn=", &w->extra_ids[id], &w->name_n, name);
}

static unsigned digits_of(uint64_t v, unsigned base)
{
	unsigned n = 1;
	while (v /= base)
		n++;
	return n;
}

/* Relative to the line before where that is shorter. */
static void put_address(struct writer *w, const struct node_info *before, uint64_t address)
{
	struct buf *out = &w->out.buf;
	int64_t step = before ? (int64_t)(address - before->address) : 0;
	uint64_t distance = step < 0 ? 0 - (uint64_t)step : (uint64_t)step;
	if (before && !step) {
		buf_addch(out, '*');
	} else if (before && 1 + digits_of(distance, 10) < 2 + digits_of(address, 16)) {
		buf_addch(out, step < 0 ? '-' : '+');
		buf_adduint(out, distance, 0);
	} else {
		buf_addhex(out, address);
	}
}

static void put_int(struct buf *out, int64_t v, char after)
{
	buf_addint(out, v, 0);
	buf_addch(out, after);
}

static int64_t scaled(const struct writer *w, int64_t v)
{
	const char *unit;
	return unit_truncate(unit_conv_apply(&w->conv, v, &unit));
}

static void put_node(struct writer *w, uint32_t node, const struct node_info *before)
{
	struct graph *g = w->g;
	struct buf *out = &w->out.buf;
	const struct node *n = &g->nodes[node];
	const struct node_info *info = &g->infos[n->info];
	if (!before || before->objfile != info->objfile || before->file != info->file ||
		before->name != info->name) {
		buf_addch(out, '\n');
		put_string(w, "ob=", w->objfiles, &w->objfile_n, info->objfile);
		put_string(w, "fl=", w->files, &w->file_n, info->file);
		put_string(w, "fn=", w->names, &w->name_n, info->name);
	}
	put_address(w, before, info->address);
	buf_addch(out, ' ');
	put_int(out, info->line, ' ');
	put_int(out, scaled(w, node_flat(n)), '\n');
	graph_sort_edges(g, g->out_edges + n->out, n->out_n);
	for (uint32_t k = n->out; k < n->out + n->out_n; k++) {
		const struct edge *e = &g->edges[g->out_edges[k]];
		const struct node_info *callee = graph_info(g, e->dest);
		put_string(w, "cfl=", w->files, &w->file_n, callee->file);
		put_callee(w, e->dest);
		buf_addstr(out, "calls=0 ");
		put_address(w, before, callee->address);
		buf_addch(out, ' ');
		put_int(out, callee->line, '\n');
		buf_addstr(out, "* * ");
		put_int(out, scaled(w, e->weight), '\n');
	}
	out_step(&w->out);
}

int report_callgrind(struct report *r, struct sink *to, struct err *err)
{
	struct report_graph rg;
	report_graph_init(r, &rg);
	struct graph *g = &rg.graph;
	size_t strings = r->profile->strings.n;
	struct writer w = {
		.r = r,
		.g = g,
		.files = mem_zalloc(strings * sizeof(uint32_t)),
		.names = mem_zalloc(strings * sizeof(uint32_t)),
		.objfiles = mem_zalloc(strings * sizeof(uint32_t)),
		.shown = mem_zalloc((size_t)g->node_n + 1),
		.suffixed = mem_zalloc(((size_t)g->node_n + 1) * sizeof(char *)),
	};
	strtab_init(&w.extra);
	unit_conv_init(&w.conv, r->unit, r->output_unit);
	out_init(&w.out, to);
	for (uint32_t i = 0; i < g->order_n; i++)
		w.shown[g->order[i]] = true;
	tell_apart(&w);
	buf_addstr(&w.out.buf, "positions: instr line\n");
	buf_printf(&w.out.buf, "events: %s(%s)\n", r->type, r->output_unit);
	const struct node_info *before = NULL;
	for (uint32_t i = 0; i < g->order_n; i++) {
		put_node(&w, g->order[i], before);
		before = graph_info(g, g->order[i]);
	}
	mem_free(w.files);
	mem_free(w.names);
	mem_free(w.objfiles);
	mem_free(w.shown);
	mem_free(w.suffixed);
	mem_free(w.extra_ids);
	strtab_release(&w.extra);
	report_graph_release(&rg);
	return out_finish(&w.out, err);
}
