/*
 * Weighing for weblist: which addresses are of interest, which instructions lie around them, what
 * each costs, and on which source lines each is shown.
 *
 * Samples give a cost to an address; addresses of interest are gathered into ranges, which are
 * disassembled and symbolized whole, so that the instructions that cost nothing are shown too. An
 * address without a binary stands for itself, with the calls the profile has for it.
 */
#include "report/weblist_internal.h"

#include <stdlib.h>

#define EXPAND	     500 /* bytes shown around an address of interest */
#define RANGE_MAX    25	 /* the costliest ranges */
#define NEIGHBORHOOD 32	 /* bytes over which a line number is carried on */

struct address {
	uint64_t addr;
	uint32_t location; /* the first of interest there */
	uint32_t stamp;	   /* the last sample that counted it */
	bool interesting;
	int64_t flat, cum;
};

struct range {
	uint64_t begin, end;
	void *file;
	uint32_t mapping;
	int64_t score;
};

struct weigher {
	struct weighed *w;
	struct profile *p;
	struct map index; /* address -> index of addresses */
	struct address *addresses;
	size_t n, cap;
	uint64_t *synthetic; /* by location: an address for those that have none */
	uint64_t next_synthetic;
	uint8_t *interest; /* by string of the profile: functions to be shown */
	size_t string_n;
	void **files;	   /* by mapping; NULL if it could not be opened */
	bool *file_opened; /* by mapping */
	struct range *ranges;
	size_t range_n, range_cap;
};

/* --- the samples --- */

static uint64_t address_of(struct weigher *g, uint32_t loc)
{
	uint64_t addr = g->p->locations[loc].address;
	if (addr)
		return addr;
	if (!g->synthetic[loc])
		g->synthetic[loc] = g->next_synthetic++;
	return g->synthetic[loc];
}

static struct address *touch(struct weigher *g, uint64_t addr)
{
	bool is_new;
	uint32_t *index = map_put(&g->index, addr, &is_new);
	if (is_new) {
		*index = (uint32_t)g->n;
		struct address a = {.addr = addr};
		vec_push(g->addresses, g->n, g->cap, a);
	}
	return &g->addresses[*index];
}

static int64_t sample_value(const struct report *r, uint32_t sample)
{
	const int64_t *values = profile_values(r->profile, sample);
	int64_t value = values[r->value_index];
	int64_t divisor = r->mean_index >= 0 ? values[r->mean_index] : 0;
	return divisor ? value / divisor : value;
}

static void mark(struct weigher *g, struct address *a, uint32_t loc, uint32_t function)
{
	if (function == PROFILE_NONE)
		return;
	const struct function *f = &g->p->functions[function];
	g->interest[f->name] = g->interest[f->system_name] = 1;
	if (!a->interesting) {
		a->interesting = true;
		a->location = loc;
	}
}

static bool text_matches(struct weigher *g, uint32_t string)
{
	return regex_match(g->w->r->symbol, profile_str(g->p, string),
		       strtab_len(&g->p->strings, string)) == 1;
}

static bool line_matches(struct weigher *g, const struct line *line)
{
	if (line->function == PROFILE_NONE)
		return false;
	const struct function *f = &g->p->functions[line->function];
	return text_matches(g, f->name) || text_matches(g, f->system_name) ||
	       text_matches(g, f->filename);
}

/* Marks the functions of a location that match. Once a location, whatever the samples. */
static void match_location(struct weigher *g, uint32_t loc, bool is_address)
{
	const struct location *l = &g->p->locations[loc];
	const struct line *lines = g->p->lines + l->line_first;
	struct address *a = touch(g, address_of(g, loc));
	for (uint32_t i = 0; i < l->line_n; i++) {
		if (lines[i].function == PROFILE_NONE)
			continue;
		const struct function *f = &g->p->functions[lines[i].function];
		bool is_new;
		*map_put(&g->w->pretty, f->system_name, &is_new) = f->name;
	}
	if (!g->w->r->symbol || is_address) {
		if (l->line_n)
			mark(g, a, loc, lines[l->line_n - 1].function);
		return;
	}
	bool file_matches =
		l->mapping != PROFILE_NONE && text_matches(g, g->p->mappings[l->mapping].file);
	for (uint32_t i = 0; i < l->line_n; i++) {
		if ((i == 0 && file_matches) || line_matches(g, &lines[i]))
			mark(g, a, loc, lines[i].function);
	}
}

static void count_samples(struct weigher *g)
{
	struct report *r = g->w->r;
	uint64_t wanted = 0;
	bool has_wanted = r->symbol && objtool_parse_address(regex_pattern(r->symbol), &wanted);
	bool *matched = mem_zalloc((size_t)g->p->location_n + 1);
	struct stack stack = {0};
	for (uint32_t s = 0; s < g->p->sample_n; s++) {
		profile_stack(g->p, s, &stack);
		int64_t value = sample_value(r, s);
		for (uint32_t i = stack.n; i-- > 0;) {
			uint32_t location = stack.at[i];
			uint64_t addr = address_of(g, location);
			if (!matched[location]) {
				matched[location] = true;
				match_location(g, location, has_wanted && addr == wanted);
			}
			struct address *a = touch(g, addr);
			/* Once a sample, even in a recursion. */
			if (a->stamp != s + 1) {
				a->stamp = s + 1;
				a->cum += value;
			}
			if (i == 0)
				a->flat += value;
		}
	}
	stack_release(&stack);
	mem_free(matched);
}

/* --- ranges --- */

static void *file_of(struct weigher *g, uint32_t mapping)
{
	if (mapping == PROFILE_NONE)
		return NULL;
	if (!g->file_opened[mapping]) {
		const struct mapping *m = &g->p->mappings[mapping];
		struct object_mapping map = {.start = m->start,
			.limit = m->limit,
			.offset = m->offset,
			.kernel_symbol = profile_str(g->p, m->kernel_relocation_symbol)};
		g->file_opened[mapping] = true;
		if (m->file)
			g->files[mapping] = g->w->tool->open(
				g->w->tool, profile_str(g->p, m->file), &map, NULL);
	}
	return g->files[mapping];
}

static int by_addr(const void *pa, const void *pb)
{
	const struct address *a = pa, *b = pb;
	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static int by_score(const void *pa, const void *pb)
{
	const struct range *a = pa, *b = pb;
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return a->begin < b->begin ? -1 : a->begin > b->begin;
}

static void expand_range(struct range *range, const struct mapping *m)
{
	bool is_bounded = m->start < m->limit;
	uint64_t before = is_bounded ? range->begin - m->start : range->begin;
	uint64_t after = is_bounded ? m->limit - range->end : UINT64_MAX - range->end;
	range->begin -= before < EXPAND ? before : EXPAND;
	range->end += after < EXPAND ? after : EXPAND;
}

/* Addresses of interest that have a binary, put together where they are near. */
static void make_ranges(struct weigher *g)
{
	struct range *open = NULL;
	uint64_t limit = 0;
	for (size_t i = 0; i < g->n; i++) {
		const struct address *a = &g->addresses[i];
		uint32_t mapping = g->p->locations[a->location].mapping;
		if (!a->interesting || !file_of(g, mapping))
			continue;
		if (open && a->addr <= open->end + 2 * EXPAND && a->addr < limit) {
			open->end = a->addr;
			open->score += a->flat;
			continue;
		}
		struct range range = {.begin = a->addr,
			.end = a->addr,
			.file = g->files[mapping],
			.mapping = mapping,
			.score = a->flat};
		vec_push(g->ranges, g->range_n, g->range_cap, range);
		open = &g->ranges[g->range_n - 1];
		limit = g->p->mappings[mapping].limit;
	}
	for (size_t i = 0; i < g->range_n; i++)
		expand_range(&g->ranges[i], &g->p->mappings[g->ranges[i].mapping]);
	if (g->range_n)
		qsort(g->ranges, g->range_n, sizeof(*g->ranges), by_score);
	if (g->range_n > RANGE_MAX)
		g->range_n = RANGE_MAX;
}

/* --- showings --- */

static bool is_interesting(const struct weigher *g, const char *function)
{
	uint32_t id = strtab_find(&g->p->strings, function, strlen(function));
	return id < g->string_n && g->interest[id];
}

static uint32_t canonical_file(struct weighed *w, const char *file)
{
	static const char *const prefixes[] = {"/proc/self/cwd/", "./"};
	struct buf clean = BUF_INIT;
	for (size_t i = 0; i < array_len(prefixes); i++) {
		size_t n = strlen(prefixes[i]);
		if (!strncmp(file, prefixes[i], n))
			file += n;
	}
	path_clean(&clean, file);
	uint32_t id = strtab_add(&w->strings, clean.data, clean.len);
	buf_release(&clean);
	return id;
}

static void show(struct weigher *g, uint64_t addr, const struct object_frame *frames, size_t n)
{
	struct weighed *w = g->w;
	struct call_site *calls = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!is_interesting(g, frames[i].function))
			continue;
		/* One list for all showings: the calls below frame i are its last i. */
		if (!calls) {
			calls = arena_alloc(w->arena, n * sizeof(*calls));
			for (size_t j = 0; j < n; j++)
				calls[n - 1 - j] = (struct call_site){
					.file = strtab_get(&w->strings,
						strtab_addstr(&w->strings, frames[j].file)),
					.line = frames[j].line};
		}
		struct showing showing = {.file = canonical_file(w, frames[i].file),
			.line = frames[i].line,
			.order = (uint32_t)w->showing_n,
			.addr = addr,
			.function = strtab_get(
				&w->strings, strtab_addstr(&w->strings, frames[i].function)),
			.calls = calls + (n - i),
			.call_n = (uint32_t)i};
		vec_push(w->showings, w->showing_n, w->showing_cap, showing);
	}
}

static void set_inst(struct weighed *w, uint64_t addr, const struct weighed_inst *inst)
{
	bool is_new;
	uint32_t *index = map_put(&w->inst_of, addr, &is_new);
	if (is_new) {
		*index = (uint32_t)w->inst_n;
		vec_push(w->insts, w->inst_n, w->inst_cap, *inst);
	} else {
		w->insts[*index] = *inst;
	}
}

static const char *keep(struct weighed *w, const char *s)
{
	return strtab_get(&w->strings, strtab_addstr(&w->strings, s));
}

struct address_frames {
	struct object_frame *all;
	size_t n, cap;
	uint64_t addr;
};

static void keep_frames(
	struct address_frames *to, uint64_t addr, const struct object_frame *from, size_t n)
{
	vec_grow(to->all, n, to->cap);
	memcpy(to->all, from, n * sizeof(*from));
	to->n = n;
	to->addr = addr;
}

static void show_range(struct weigher *g, const struct range *range)
{
	struct weighed *w = g->w;
	struct objtool_insts insts = {0};
	struct address_frames last = {0};
	uint64_t begin, end, max = 0;
	if (!w->tool->addr(w->tool, range->file, range->begin, &begin))
		return;
	end = begin + (range->end - range->begin);
	/* Code that cannot be read is left out: the samples are still listed by line elsewhere. */
	if (w->tool->disasm(w->tool, range->file, begin, end, w->r->config.intel_syntax, w->arena,
		    &insts, NULL) < 0)
		return;
	for (size_t i = 0; i < insts.n; i++) {
		const struct objtool_inst *inst = &insts.all[i];
		uint64_t addr = inst->addr + (range->begin - begin);
		const struct object_frame *frames;
		struct object_frame own = {
			.function = inst->function, .file = inst->file, .line = inst->line};
		size_t n;
		if (addr <= max)
			continue;
		max = addr;
		if (!w->tool->frames(w->tool, range->file, addr, &frames, &n)) {
			frames = &own;
			n = 1;
		}
		struct weighed_inst x = {.object_addr = inst->addr,
			.length = 1,
			.text = inst->text,
			.file = n ? keep(w, frames[0].file) : "",
			.line = n ? frames[0].line : 0};
		if (i + 1 < insts.n && inst[1].addr > inst->addr)
			x.length = (uint32_t)(inst[1].addr - inst->addr);
		set_inst(w, addr, &x);
		/* An instruction without a line is taken to be of the line before. */
		if (n && frames[0].line) {
			keep_frames(&last, addr, frames, n);
		} else if (last.n && addr - last.addr <= NEIGHBORHOOD) {
			frames = last.all;
			n = last.n;
		}
		show(g, addr, frames, n);
	}
	mem_free(last.all);
	mem_free(insts.all);
}

/* An address without a binary. */
static void show_address(struct weigher *g, const struct address *a)
{
	const struct location *l = &g->p->locations[a->location];
	struct object_frame *frames = mem_array((size_t)l->line_n + 1, sizeof(*frames));
	size_t n = 0;
	for (uint32_t i = 0; i < l->line_n; i++) {
		const struct line *line = &g->p->lines[l->line_first + i];
		if (line->function == PROFILE_NONE)
			continue;
		const struct function *f = &g->p->functions[line->function];
		frames[n++] = (struct object_frame){.function = profile_str(g->p, f->name),
			.file = profile_str(g->p, f->filename),
			.line = line->line > 0 && line->line < UINT32_MAX ? (uint32_t)line->line
									  : 0};
	}
	struct weighed_inst x = {.object_addr = a->addr,
		.length = 1,
		.text = "",
		.file = n ? frames[0].file : "",
		.line = n ? frames[0].line : 0};
	set_inst(g->w, a->addr, &x);
	show(g, a->addr, frames, n);
	mem_free(frames);
}

/* Samples in the midst of an instruction (at the return address less one) are the instruction's. */
static void weigh_insts(struct weigher *g)
{
	for (size_t i = 0; i < g->w->inst_of.mask + 1 && g->w->inst_n; i++) {
		const struct map_slot *slot = &g->w->inst_of.slots[i];
		if (!slot->used)
			continue;
		struct weighed_inst *x = &g->w->insts[slot->value];
		for (uint32_t j = 0; j < x->length; j++) {
			const uint32_t *index = map_get(&g->index, slot->key + j);
			if (index) {
				x->flat += g->addresses[*index].flat;
				x->cum += g->addresses[*index].cum;
			}
		}
	}
}

/* --- all of it --- */

static void weigher_init(struct weigher *g, struct weighed *w)
{
	struct profile *p = w->r->profile;
	*g = (struct weigher){.w = w, .p = p, .next_synthetic = 1, .string_n = p->strings.n};
	map_init(&g->index);
	g->synthetic = mem_zalloc(((size_t)p->location_n + 1) * sizeof(*g->synthetic));
	g->interest = mem_zalloc(g->string_n + 1);
	g->files = mem_zalloc(((size_t)p->mapping_n + 1) * sizeof(*g->files));
	g->file_opened = mem_zalloc((size_t)p->mapping_n + 1);
	for (uint32_t i = 0; i < p->mapping_n; i++) {
		if (p->mappings[i].limit > g->next_synthetic)
			g->next_synthetic = p->mappings[i].limit;
	}
}

static void weigher_release(struct weigher *g)
{
	for (uint32_t i = 0; i < g->p->mapping_n; i++) {
		if (g->files[i])
			g->w->tool->close(g->w->tool, g->files[i]);
	}
	map_release(&g->index);
	mem_free(g->addresses);
	mem_free(g->synthetic);
	mem_free(g->interest);
	mem_free(g->files);
	mem_free(g->file_opened);
	mem_free(g->ranges);
}

static int by_place(const void *pa, const void *pb)
{
	const struct showing *a = pa, *b = pb;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static bool is_any_interesting(const struct weigher *g)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->addresses[i].interesting)
			return true;
	}
	return false;
}

/* The index by address follows the sorting. */
static void sort_addresses(struct weigher *g)
{
	if (g->n)
		qsort(g->addresses, g->n, sizeof(*g->addresses), by_addr);
	for (size_t i = 0; i < g->n; i++)
		*map_get(&g->index, g->addresses[i].addr) = (uint32_t)i;
}

int weigh(struct weighed *w, struct report *r, struct objtool *tool, struct arena *arena,
	struct err *err)
{
	struct weigher g;
	*w = (struct weighed){.r = r, .tool = tool, .arena = arena};
	strtab_init(&w->strings);
	map_init(&w->inst_of);
	map_init(&w->pretty);
	weigher_init(&g, w);
	count_samples(&g);
	bool found = is_any_interesting(&g);
	if (found) {
		sort_addresses(&g);
		make_ranges(&g);
		for (size_t i = 0; i < g.n; i++) {
			const struct address *a = &g.addresses[i];
			if (a->interesting &&
				!file_of(&g, r->profile->locations[a->location].mapping))
				show_address(&g, a);
		}
		for (size_t i = 0; i < g.range_n; i++)
			show_range(&g, &g.ranges[i]);
		weigh_insts(&g);
		if (w->showing_n)
			qsort(w->showings, w->showing_n, sizeof(*w->showings), by_place);
	}
	weigher_release(&g);
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "no matches found for regexp: %s",
			r->symbol ? regex_pattern(r->symbol) : "");
	return 0;
}

void weighed_release(struct weighed *w)
{
	strtab_release(&w->strings);
	map_release(&w->inst_of);
	map_release(&w->pretty);
	mem_free(w->insts);
	mem_free(w->showings);
}
