/*
 * The places of a profile, and their names. See graph.h.
 *
 * A profile has 10^5 locations and 10^4 places; each location is looked up once, by a hash over
 * the numbers that make up a place (its strings are ids). Names are put together only for places
 * that are compared or shown.
 */
#include "report/report.h"

#include <stdio.h>

struct info_table {
	uint32_t *slots; /* info + 1, 0 if free */
	uint32_t mask;
	uint32_t *clean; /* cleaned path of each string, GRAPH_NONE: not yet asked for */
	uint32_t clean_n;
};

static uint64_t info_hash(const struct node_info *i)
{
	uint64_t h = hash_u64((uint64_t)i->name << 32 | i->file);
	h = hash_u64(h ^ i->address ^ (uint64_t)i->objfile << 40);
	if (i->line | i->column | i->start_line)
		h = hash_u64(h ^ (uint64_t)i->line ^ (uint64_t)(uint32_t)i->column << 32 ^
			     (uint64_t)i->start_line << 44);
	return h;
}

static bool info_same(const struct node_info *a, const struct node_info *b)
{
	return a->name == b->name && a->file == b->file && a->objfile == b->objfile &&
	       a->address == b->address && a->start_line == b->start_line && a->line == b->line &&
	       a->column == b->column;
}

static void table_grow(struct info_table *t, const struct graph *g)
{
	uint32_t n = t->slots ? (t->mask + 1) * 2 : 1024;
	mem_free(t->slots);
	t->slots = mem_zalloc(n * sizeof(*t->slots));
	t->mask = n - 1;
	for (uint32_t i = 0; i < g->info_n; i++) {
		uint32_t at = (uint32_t)info_hash(&g->infos[i]) & t->mask;
		while (t->slots[at])
			at = (at + 1) & t->mask;
		t->slots[at] = i + 1;
	}
}

static uint32_t intern_info(struct graph *g, struct info_table *t, const struct node_info *info)
{
	if (!t->slots || g->info_n >= t->mask / 4 * 3)
		table_grow(t, g);
	uint32_t at = (uint32_t)info_hash(info) & t->mask;
	for (; t->slots[at]; at = (at + 1) & t->mask)
		if (info_same(&g->infos[t->slots[at] - 1], info))
			return t->slots[at] - 1;
	vec_push(g->infos, g->info_n, g->info_cap, *info);
	t->slots[at] = g->info_n;
	return g->info_n - 1;
}

static uint32_t clean_path(struct graph *g, struct info_table *t, uint32_t file)
{
	if (!file)
		return 0;
	if (!t->clean) {
		t->clean_n = g->profile->strings.n;
		t->clean = mem_array(t->clean_n, sizeof(*t->clean));
		memset(t->clean, 0xff, t->clean_n * sizeof(*t->clean));
	}
	if (t->clean[file] == GRAPH_NONE) {
		struct buf path = BUF_INIT;
		path_clean(&path, profile_str(g->profile, file));
		t->clean[file] = strtab_add(&g->profile->strings, path.data, path.len);
		buf_release(&path);
	}
	return t->clean[file];
}

static struct node_info line_info(
	struct graph *g, struct info_table *t, const struct location *loc, const struct line *line)
{
	const struct profile *p = g->profile;
	uint32_t objfile = loc->mapping == PROFILE_NONE ? 0 : p->mappings[loc->mapping].file;
	struct node_info info = {.address = loc->address};
	if (!line || line->function == PROFILE_NONE) {
		info.objfile = objfile;
		return info;
	}
	const struct function *f = &p->functions[line->function];
	info.name = f->name;
	info.file = clean_path(g, t, f->filename);
	info.line = line->line;
	info.column = line->column;
	if (g->options.keep_objfile || !f->name) {
		info.objfile = objfile;
		info.start_line = f->start_line;
	}
	return info;
}

static void add_frame(
	struct graph *g, struct info_table *t, const struct location *loc, const struct line *line)
{
	struct node_info info = line_info(g, t, loc, line);
	uint32_t index = intern_info(g, t, &info);
	vec_push(g->frames, g->frame_n, g->frame_cap, index);
}

void graph_init(struct graph *g, struct profile *p, const struct graph_options *options)
{
	memset(g, 0, sizeof(*g));
	g->profile = p;
	g->options = *options;
	arena_init(&g->arena);
	strtab_init(&g->tag_strings);
	g->frame_first = mem_array((size_t)p->location_n + 1, sizeof(*g->frame_first));
	struct info_table t = {0};
	for (uint32_t i = 0; i < p->location_n; i++) {
		const struct location *loc = &p->locations[i];
		g->frame_first[i] = g->frame_n;
		for (uint32_t k = 0; k < loc->line_n; k++)
			add_frame(g, &t, loc, &p->lines[loc->line_first + k]);
		if (!loc->line_n)
			add_frame(g, &t, loc, NULL);
	}
	g->frame_first[p->location_n] = g->frame_n;
	g->sole = mem_array((size_t)p->location_n + 1, sizeof(*g->sole));
	for (uint32_t i = 0; i < p->location_n; i++) {
		bool many = g->frame_first[i + 1] - g->frame_first[i] > 1;
		g->sole[i] = many ? GRAPH_MANY : g->frames[g->frame_first[i]];
	}
	mem_free(t.slots);
	mem_free(t.clean);
}

void graph_release(struct graph *g)
{
	mem_free(g->infos);
	mem_free(g->frame_first);
	mem_free(g->frames);
	mem_free(g->sole);
	stack_release(&g->stack);
	mem_free(g->nodes);
	mem_free(g->names);
	mem_free(g->edges);
	mem_free(g->in_edges);
	mem_free(g->out_edges);
	mem_free(g->order);
	mem_free(g->kept);
	mem_free(g->sample_leaf);
	mem_free(g->tags);
	arena_release(&g->arena);
	strtab_release(&g->tag_strings);
}

void graph_name_parts(const struct node_info *info, const char *name, const char *file,
	const char *objfile, const char *separator, struct buf *out)
{
	const char *between = "";
	if (info->address) {
		buf_printf(out, "%016llx", (unsigned long long)info->address);
		between = separator;
	}
	if (*name) {
		buf_addstr(out, between);
		buf_addstr(out, name);
		between = separator;
	}
	if (info->line) {
		buf_printf(out, "%s%s:%lld", between, file, (long long)info->line);
		if (info->column)
			buf_printf(out, ":%d", info->column);
	} else if (*file) {
		buf_addstr(out, between);
		buf_addstr(out, file);
	} else if (*name) {
		return;
	} else if (*objfile) {
		buf_addstr(out, between);
		buf_addch(out, '[');
		path_base(out, objfile);
		buf_addch(out, ']');
	} else {
		buf_addstr(out, between);
		buf_addstr(out, "<unknown>");
	}
}

const char *graph_name(struct graph *g, uint32_t info)
{
	if (!g->names)
		g->names = mem_zalloc(g->info_n * sizeof(*g->names));
	if (g->names[info])
		return g->names[info];
	const struct node_info *i = &g->infos[info];
	const struct profile *p = g->profile;
	/* Most places are functions: their name is at hand. */
	if (i->name && !i->address && !i->line && !i->file)
		return g->names[info] = profile_str(p, i->name);
	struct buf name = BUF_INIT;
	graph_name_parts(i, profile_str(p, i->name), profile_str(p, i->file),
		profile_str(p, i->objfile), " ", &name);
	g->names[info] = arena_strndup(&g->arena, name.data, name.len);
	buf_release(&name);
	return g->names[info];
}
