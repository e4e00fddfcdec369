/*
 * -disasm: the machine code of the functions that match, each instruction with what it cost.
 *
 * The functions come from the binaries, the costs from the graph of addresses; both are brought to
 * the file's own numbering and merged in address order.
 */
#include "report/annotate.h"

#include <inttypes.h>
#include <stdlib.h>

/* A node of the graph at its address in the file. */
struct hit {
	uint64_t addr;
	const struct node *node;
	const struct node_info *info;
};

struct routine {
	void *file;
	struct objtool_symbol symbol;
	const struct hit *hits; /* within the symbol, by address */
	size_t hit_n;
};

/* One mapping's binary, open, and the graph's nodes in it. */
struct binary {
	void *file;
	struct hit *hits;
	size_t hit_n;
};

struct disasm {
	struct report *r;
	struct objtool *tool;
	struct graph *g;
	struct arena arena;
	struct binary *binaries;
	size_t binary_n, binary_cap;
	struct routine *routines;
	size_t routine_n, routine_cap;
	size_t symbol_n; /* functions that matched, with costs or without */
	bool has_address;
	uint64_t address;
};

static int by_addr(const void *pa, const void *pb)
{
	const struct hit *a = pa, *b = pb;
	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static int by_name(const void *pa, const void *pb)
{
	const struct routine *a = pa, *b = pb;
	int order = strcmp(a->symbol.names[0], b->symbol.names[0]);
	if (!order)
		order = a->symbol.start < b->symbol.start ? -1 : a->symbol.start > b->symbol.start;
	return order;
}

/* --- what the profile says --- */

/* Does any function of that binary that matches have a cost? Opening binaries takes time. */
static bool is_wanted(struct disasm *d, const struct mapping *m)
{
	struct report *r = d->r;
	for (uint32_t i = 0; i < d->g->order_n && m->file; i++) {
		const struct node_info *info = graph_info(d->g, d->g->order[i]);
		const char *name = profile_str(r->profile, info->name);
		if (info->objfile == m->file && regex_match(r->symbol, name, strlen(name)) == 1)
			return true;
	}
	return d->has_address && m->start <= d->address && d->address <= m->limit;
}

static void place_nodes(struct disasm *d, struct binary *binary)
{
	binary->hits = mem_array(d->g->order_n + 1, sizeof(*binary->hits));
	for (uint32_t i = 0; i < d->g->order_n; i++) {
		struct hit hit = {.node = &d->g->nodes[d->g->order[i]],
			.info = graph_info(d->g, d->g->order[i])};
		if (d->tool->addr(d->tool, binary->file, hit.info->address, &hit.addr))
			binary->hits[binary->hit_n++] = hit;
	}
	qsort(binary->hits, binary->hit_n, sizeof(*binary->hits), by_addr);
}

static size_t first_hit(const struct binary *binary, uint64_t addr)
{
	size_t lo = 0, hi = binary->hit_n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (binary->hits[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void add_routines(struct disasm *d, const struct binary *binary)
{
	struct objtool_symbols symbols = {0};
	d->tool->symbols(d->tool, binary->file, d->r->symbol, d->has_address ? &d->address : NULL,
		&d->arena, &symbols);
	d->symbol_n += symbols.n;
	for (size_t i = 0; i < symbols.n; i++) {
		size_t first = first_hit(binary, symbols.all[i].start), n = 0;
		while (first + n < binary->hit_n &&
			binary->hits[first + n].addr <= symbols.all[i].end)
			n++;
		struct routine routine = {.file = binary->file,
			.symbol = symbols.all[i],
			.hits = binary->hits + first,
			.hit_n = n};
		if (n)
			vec_push(d->routines, d->routine_n, d->routine_cap, routine);
	}
	mem_free(symbols.all);
}

static void open_binary(struct disasm *d, const struct mapping *m)
{
	struct object_mapping map = {.start = m->start,
		.limit = m->limit,
		.offset = m->offset,
		.kernel_symbol = profile_str(d->r->profile, m->kernel_relocation_symbol)};
	struct err why = ERR_INIT;
	struct binary binary = {
		.file = d->tool->open(d->tool, profile_str(d->r->profile, m->file), &map, &why)};
	if (!binary.file) {
		/* Go prints it on stdout, in the midst of the report. */
		notes_printf(d->r->notes, "%s", why.msg);
		return;
	}
	place_nodes(d, &binary);
	vec_push(d->binaries, d->binary_n, d->binary_cap, binary);
	add_routines(d, &binary);
}

static int find_routines(struct disasm *d, struct err *err)
{
	const char *pattern = regex_pattern(d->r->symbol);
	d->has_address = objtool_parse_address(pattern, &d->address);
	for (uint32_t i = 0; i < d->r->profile->mapping_n; i++) {
		if (is_wanted(d, &d->r->profile->mappings[i]))
			open_binary(d, &d->r->profile->mappings[i]);
	}
	if (d->routine_n) {
		qsort(d->routines, d->routine_n, sizeof(*d->routines), by_name);
		return 0;
	}
	if (!d->has_address)
		return err_set(err, ERR_NOT_FOUND, "no matches found for regexp %s", pattern);
	if (!d->symbol_n)
		return err_set(
			err, ERR_NOT_FOUND, "no matches found for address 0x%" PRIx64, d->address);
	return err_set(err, ERR_NOT_FOUND,
		"address 0x%" PRIx64 " found in binary, but the corresponding symbols do not have "
		"samples in the profile",
		d->address);
}

/* --- instructions --- */

struct annotated {
	uint64_t addr;
	const char *text, *function;
	struct buf file;
	int64_t line;
	int64_t flat, flat_div, cum, cum_div;
};

static void add_hit(struct disasm *d, struct annotated *a, const struct hit *hit)
{
	const struct profile *p = d->r->profile;
	a->flat += hit->node->flat;
	a->flat_div += hit->node->flat_div;
	a->cum += hit->node->cum;
	a->cum_div += hit->node->cum_div;
	if (hit->info->file && !a->file.len)
		path_base(&a->file, profile_str(p, hit->info->file));
	if (!a->line)
		a->line = hit->info->line;
	if (!a->function[0])
		a->function = profile_str(p, hit->info->name);
}

static void print_inst(
	const struct report *r, const struct annotated *a, const char *place, struct buf *out)
{
	bool is_long = strlen(a->text) >= 40;
	if (place[0] && is_long)
		buf_printf(out, "%74s;%s\n", "", place);
	annotate_value(r, a->flat_div ? a->flat / a->flat_div : a->flat, out);
	buf_addch(out, ' ');
	annotate_value(r, a->cum_div ? a->cum / a->cum_div : a->cum, out);
	buf_printf(out, " %10" PRIx64 ": ", a->addr);
	if (place[0] && !is_long)
		buf_printf(out, "%-40s;%s\n", a->text, place);
	else
		buf_printf(out, "%s\n", a->text);
}

/* "function file:line", left out where nothing of it changed. */
struct place {
	struct buf function, file, text;
	int64_t line;
};

static const char *place_of(struct place *last, const struct annotated *a)
{
	buf_clear(&last->text);
	if (!strcmp(a->function, last->function.data) && !strcmp(a->file.data, last->file.data) &&
		a->line == last->line)
		return "";
	buf_clear(&last->function);
	buf_addstr(&last->function, a->function);
	buf_clear(&last->file);
	buf_addstr(&last->file, a->file.data);
	last->line = a->line;
	if (a->function[0])
		buf_printf(&last->text, "%s ", a->function);
	buf_addstr(&last->text, a->file.data);
	if (a->file.len && a->line)
		buf_printf(&last->text, ":%" PRId64, a->line);
	return last->text.data;
}

static void print_insts(struct disasm *d, const struct routine *routine,
	const struct objtool_insts *insts, struct buf *out)
{
	struct place last = {.function = BUF_INIT, .file = BUF_INIT, .text = BUF_INIT};
	struct annotated a = {.file = BUF_INIT};
	size_t hit = 0;
	for (size_t i = 0; i < insts->n; i++) {
		const struct objtool_inst *inst = &insts->all[i];
		uint64_t next = i + 1 < insts->n ? inst[1].addr : UINT64_MAX;
		struct buf file = a.file;
		buf_clear(&file);
		a = (struct annotated){.addr = inst->addr,
			.text = inst->text,
			.function = inst->function,
			.line = inst->line,
			.file = file};
		if (inst->file[0])
			path_base(&a.file, inst->file);
		/* A sample in the midst of an instruction is the instruction's. */
		for (; hit < routine->hit_n && routine->hits[hit].addr < next; hit++)
			add_hit(d, &a, &routine->hits[hit]);
		print_inst(d->r, &a, place_of(&last, &a), out);
	}
	buf_release(&a.file);
	buf_release(&last.function);
	buf_release(&last.file);
	buf_release(&last.text);
}

static int print_routine(
	struct disasm *d, const struct routine *routine, struct buf *out, struct err *err)
{
	const struct objtool_symbol *symbol = &routine->symbol;
	struct objtool_insts insts = {0};
	int64_t flat = 0, cum = 0;
	int rc = d->tool->disasm(d->tool, routine->file, symbol->start,
		symbol->end == UINT64_MAX ? UINT64_MAX : symbol->end + 1, d->r->config.intel_syntax,
		&d->arena, &insts, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < routine->hit_n; i++) {
		flat += routine->hits[i].node->flat;
		cum += routine->hits[i].node->cum;
	}
	buf_printf(out, "ROUTINE ======================== %s\n", symbol->names[0]);
	for (size_t i = 1; i < symbol->name_n; i++)
		buf_printf(out, "    AKA ======================== %s\n", symbol->names[i]);
	annotate_sums(d->r, flat, cum, out);
	buf_addstr(out, " of Total\n");
	print_insts(d, routine, &insts, out);
	mem_free(insts.all);
	return 0;
}

int report_disasm_with(struct report *r, struct objtool *tool, struct sink *to, struct err *err)
{
	struct graph g;
	struct buf out = BUF_INIT;
	struct disasm d = {.r = r, .tool = tool, .g = &g};
	arena_init(&d.arena);
	report_graph_full(r, &g);
	buf_addstr(&out, "Total: ");
	report_value(r, r->total, &out);
	buf_addch(&out, '\n');
	int rc = find_routines(&d, err);
	for (size_t i = 0; i < d.routine_n && rc >= 0; i++)
		rc = print_routine(&d, &d.routines[i], &out, err);
	if (rc >= 0)
		rc = to->write(to, out.data, out.len);
	for (size_t i = 0; i < d.binary_n; i++) {
		tool->close(tool, d.binaries[i].file);
		mem_free(d.binaries[i].hits);
	}
	mem_free(d.binaries);
	mem_free(d.routines);
	arena_release(&d.arena);
	graph_release(&g);
	buf_release(&out);
	return rc;
}

int report_disasm(struct report *r, struct sink *to, struct err *err)
{
	struct objtool binaries = objtool_binaries();
	return report_disasm_with(r, &binaries, to, err);
}
