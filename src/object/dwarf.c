/*
 * DWARF: from an address to its source line and the calls inlined there.
 *
 * libdw reads the format; what it offers for looking up (dwarf_getscopes) walks a unit's whole tree
 * for each address. Here each unit is walked once, when an address first falls into it, and leaves
 * two sorted arrays behind: its functions and inlined calls as a span map, and its line table. An
 * address then costs three binary searches, whatever the size of the file. Names are read only for
 * calls that were hit.
 *
 * The ranges of units come from their own DW_AT_ranges: .debug_aranges is absent from clang's
 * output and incomplete in others'.
 */
#include "object/internal.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

#define DEPTH_MAX 512	     /* nesting of DIEs */
#define SCOPE_MAX (1u << 26) /* functions and inlined calls of a unit */
#define RANGE_MAX (1u << 20) /* ranges of one DIE */

struct scope {
	Dwarf_Die die;
	uint32_t parent; /* the call it is inlined into; SPAN_NONE for a function */
	uint32_t call_line, call_column, call_file;
	bool named;
	const char *name;
	uint32_t start_line;
};

struct row {
	uint64_t addr;
	uint32_t line, column;
	Dwarf_Line *source; /* NULL: a gap starts here */
};

struct unit {
	Dwarf_Die die;	/* has the line table and the ranges */
	Dwarf_Die tree; /* has the functions: of the .dwo file in split DWARF, else the same */
	bool loaded;
	const char *dir; /* where the compiler ran */
	Dwarf_Files *files;
	size_t file_n;
	struct scope *scopes;
	size_t scope_n, scope_cap;
	struct spans spans; /* ids are indexes of scopes */
	struct row *rows;
	size_t row_n;
};

struct dwarf_index {
	Dwarf *dwarf;
	uint64_t text_lo;
	struct unit *units;
	size_t unit_n, unit_cap;
	struct spans spans; /* ids are indexes of units */
	struct arena arena;
	struct map paths; /* a name of libdw's, by pointer -> index of full_paths */
	const char **full_paths;
	size_t full_path_n, full_path_cap;
};

/* --- units --- */

static void add_ranges(struct spans *spans, Dwarf_Die *die, uint32_t id, uint64_t text_lo)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;
	for (size_t n = 0; n < RANGE_MAX && (at = dwarf_ranges(die, at, &base, &lo, &hi)) > 0;
		n++) {
		/* Code the linker threw away is left at 0, or at -1. */
		if (lo >= text_lo && hi != UINT64_MAX)
			spans_add(spans, lo, hi, id);
	}
}

static void add_unit(struct dwarf_index *index, Dwarf_CU *cu)
{
	Dwarf_Die die, sub;
	Dwarf_Half version;
	uint8_t type;
	if (dwarf_cu_info(cu, &version, &type, &die, &sub, NULL, NULL, NULL))
		return;
	if (type != DW_UT_compile && type != DW_UT_skeleton)
		return;
	struct unit unit = {.die = die, .tree = die};
	if (type == DW_UT_skeleton && dwarf_tag(&sub) != DW_TAG_invalid)
		unit.tree = sub;
	add_ranges(&index->spans, &die, (uint32_t)index->unit_n, index->text_lo);
	vec_push(index->units, index->unit_n, index->unit_cap, unit);
}

struct dwarf_index *dwarf_index_new(Elf *elf, uint64_t text_lo)
{
	Dwarf *dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!dwarf)
		return NULL;
	struct dwarf_index *index = mem_zalloc(sizeof(*index));
	index->dwarf = dwarf;
	index->text_lo = text_lo;
	arena_init(&index->arena);
	map_init(&index->paths);
	Dwarf_CU *cu = NULL;
	while (dwarf_get_units(dwarf, cu, &cu, NULL, NULL, NULL, NULL) == 0 &&
		index->unit_n < SPAN_NONE)
		add_unit(index, cu);
	spans_seal(&index->spans);
	return index;
}

void dwarf_index_free(struct dwarf_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < index->unit_n; i++) {
		struct unit *unit = &index->units[i];
		spans_release(&unit->spans);
		mem_free(unit->scopes);
		mem_free(unit->rows);
	}
	mem_free(index->units);
	spans_release(&index->spans);
	map_release(&index->paths);
	mem_free(index->full_paths);
	arena_release(&index->arena);
	dwarf_end(index->dwarf);
	mem_free(index);
}

/* --- the tree of a unit --- */

static uint32_t number(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;
	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &value) || value > UINT32_MAX)
		return 0;
	return (uint32_t)value;
}

static uint32_t add_scope(struct dwarf_index *index, struct unit *unit, Dwarf_Die *die,
	uint32_t parent, bool is_inlined)
{
	uint32_t id = (uint32_t)unit->scope_n;
	struct scope scope = {.die = *die, .parent = SPAN_NONE};
	if (is_inlined) {
		scope.parent = parent;
		scope.call_file = number(die, DW_AT_call_file);
		scope.call_line = number(die, DW_AT_call_line);
		scope.call_column = number(die, DW_AT_call_column);
	}
	vec_push(unit->scopes, unit->scope_n, unit->scope_cap, scope);
	add_ranges(&unit->spans, die, id, index->text_lo);
	return id;
}

static bool may_hold_code(int tag)
{
	switch (tag) {
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
	case DW_TAG_with_stmt:
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_common_block:
		return true;
	}
	return false;
}

static bool has_code(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges);
}

static void walk(
	struct dwarf_index *index, struct unit *unit, Dwarf_Die *parent, uint32_t scope, int depth)
{
	Dwarf_Die die;
	if (depth > DEPTH_MAX || !dwarf_haschildren(parent) || dwarf_child(parent, &die))
		return;
	do {
		int tag = dwarf_tag(&die);
		bool is_inlined = tag == DW_TAG_inlined_subroutine;
		if (is_inlined || tag == DW_TAG_subprogram) {
			if (unit->scope_n >= SCOPE_MAX)
				return;
			/* A declaration or an abstract instance has no code of its own, but it
			 * may hold the members of a local class, which have. */
			uint32_t id = has_code(&die)
					      ? add_scope(index, unit, &die, scope, is_inlined)
					      : SPAN_NONE;
			walk(index, unit, &die, id, depth + 1);
		} else if (may_hold_code(tag)) {
			walk(index, unit, &die, scope, depth + 1);
		}
	} while (dwarf_siblingof(&die, &die) == 0);
}

static void load_lines(struct unit *unit)
{
	Dwarf_Lines *lines;
	size_t n;
	if (dwarf_getsrclines(&unit->die, &lines, &n))
		return;
	unit->rows = mem_array(n + 1, sizeof(*unit->rows));
	for (size_t i = 0; i < n; i++) {
		Dwarf_Line *line = dwarf_onesrcline(lines, i);
		struct row row = {.source = line};
		int number = 0, column = 0;
		bool is_end = false;
		Dwarf_Addr addr;
		if (dwarf_lineaddr(line, &addr))
			continue;
		dwarf_lineno(line, &number);
		dwarf_linecol(line, &column);
		if (!dwarf_lineendsequence(line, &is_end) && is_end)
			row.source = NULL;
		row.addr = addr;
		row.line = number > 0 ? (uint32_t)number : 0;
		row.column = column > 0 ? (uint32_t)column : 0;
		unit->rows[unit->row_n++] = row;
	}
}

static void load(struct dwarf_index *index, struct unit *unit)
{
	Dwarf_Attribute attr;
	unit->loaded = true;
	unit->dir = dwarf_attr(&unit->die, DW_AT_comp_dir, &attr) ? dwarf_formstring(&attr) : NULL;
	if (dwarf_getsrcfiles(&unit->tree, &unit->files, &unit->file_n))
		unit->files = NULL;
	walk(index, unit, &unit->tree, SPAN_NONE, 0);
	spans_seal(&unit->spans);
	load_lines(unit);
}

/* --- answers --- */

static const struct row *find_row(const struct unit *unit, uint64_t addr)
{
	size_t lo = 0, hi = unit->row_n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (unit->rows[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && unit->rows[lo - 1].source ? &unit->rows[lo - 1] : NULL;
}

static void name_scope(struct scope *scope)
{
	Dwarf_Attribute attr;
	if (scope->named)
		return;
	scope->named = true;
	const char *name = NULL;
	if (dwarf_attr_integrate(&scope->die, DW_AT_linkage_name, &attr) ||
		dwarf_attr_integrate(&scope->die, DW_AT_MIPS_linkage_name, &attr))
		name = dwarf_formstring(&attr);
	if (!name && dwarf_attr_integrate(&scope->die, DW_AT_name, &attr))
		name = dwarf_formstring(&attr);
	scope->name = name ? name : "";
	Dwarf_Word line;
	if (dwarf_attr_integrate(&scope->die, DW_AT_decl_line, &attr) &&
		dwarf_formudata(&attr, &line) == 0 && line <= UINT32_MAX)
		scope->start_line = (uint32_t)line;
}

/* libdw leaves a name relative when the compiler's directory is ("./stdlib", in distributions that
 * map their build directory to "."): it is put in front, unless the name has it already. */
static const char *full_path(struct dwarf_index *index, const struct unit *unit, const char *name)
{
	size_t n = unit->dir ? strlen(unit->dir) : 0;
	if (!name)
		return "";
	if (!n || name[0] == '/' || (!strncmp(name, unit->dir, n) && name[n] == '/'))
		return name;
	bool is_new;
	uint32_t *at = map_put(&index->paths, (uintptr_t)name, &is_new);
	if (is_new) {
		*at = (uint32_t)index->full_path_n;
		vec_push(index->full_paths, index->full_path_n, index->full_path_cap,
			arena_printf(&index->arena, "%s/%s", unit->dir, name));
	}
	return index->full_paths[*at];
}

static const char *file_name(struct dwarf_index *index, const struct unit *unit, uint32_t file)
{
	const char *name = NULL;
	if (unit->files && file < unit->file_n)
		name = dwarf_filesrc(unit->files, file, NULL, NULL);
	return full_path(index, unit, name);
}

static struct object_frame row_frame(
	struct dwarf_index *index, const struct unit *unit, uint64_t addr)
{
	struct object_frame frame = {.function = "", .file = ""};
	const struct row *row = find_row(unit, addr);
	if (!row)
		return frame;
	frame.file = full_path(index, unit, dwarf_linesrc(row->source, NULL, NULL));
	frame.line = row->line;
	frame.column = row->column;
	return frame;
}

size_t dwarf_index_frames(
	struct dwarf_index *index, uint64_t addr, struct object_frame **frames, size_t *cap)
{
	uint32_t unit_id = spans_find(&index->spans, addr);
	if (unit_id == SPAN_NONE)
		return 0;
	struct unit *unit = &index->units[unit_id];
	if (!unit->loaded)
		load(index, unit);
	struct object_frame frame = row_frame(index, unit, addr);
	size_t n = 0;
	uint32_t id = spans_find(&unit->spans, addr);
	while (id != SPAN_NONE) {
		struct scope *scope = &unit->scopes[id];
		name_scope(scope);
		frame.function = scope->name;
		frame.start_line = scope->start_line;
		vec_push(*frames, n, *cap, frame);
		/* The caller's place is where the call was. */
		frame = (struct object_frame){.function = "",
			.file = file_name(index, unit, scope->call_file),
			.line = scope->call_line,
			.column = scope->call_column};
		id = scope->parent;
	}
	if (!n)
		vec_push(*frames, n, *cap, frame);
	return n;
}
