/*
 * Binaries for disasm and weblist (objtool.h): the object layer, with names demangled.
 */
#include "report/objtool.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "symbolize/symbolize.h"

#define LEAD_MAX (1u << 20) /* bytes decoded in front of what is wanted */

static void *open_file(
	struct objtool *tool, const char *path, const struct object_mapping *map, struct err *err)
{
	struct object_image image = {.map = *map};
	if (object_open(&image.obj, path, &tool->opts, err) < 0)
		return NULL;
	if (object_check_mapping(image.obj, map, err) < 0) {
		object_free(image.obj);
		return NULL;
	}
	struct object_image *file = mem_alloc(sizeof(*file));
	*file = image;
	return file;
}

static void close_file(struct objtool *tool, void *file)
{
	struct object_image *image = file;
	object_free(image->obj);
	mem_free(image);
}

static bool file_addr(struct objtool *tool, void *file, uint64_t addr, uint64_t *ret)
{
	return object_image_addr(file, addr, ret, NULL) >= 0;
}

static bool file_frames(struct objtool *tool, void *file, uint64_t addr,
	const struct object_frame **ret, size_t *ret_n)
{
	struct object_image *image = file;
	uint64_t at;
	if (object_image_addr(image, addr, &at, NULL) < 0)
		return false;
	*ret_n = object_frames(image->obj, at, ret);
	return true;
}

/* --- symbols --- */

/* The name under which the symbol matches: its own, or a demangled form of it. */
static const char *matching_name(
	const struct object_symbol *symbol, struct regex *name, struct arena *arena)
{
	static const enum demangle_mode modes[] = {
		DEMANGLE_FULL, DEMANGLE_TEMPLATES, DEMANGLE_DEFAULT};
	const char *found = NULL;
	struct buf text = BUF_INIT;
	if (regex_match(name, symbol->name, strlen(symbol->name)) == 1)
		found = symbol->name;
	for (size_t i = 0; i < array_len(modes) && !found; i++) {
		buf_clear(&text);
		if (demangle_name(&text, symbol->name, modes[i]) &&
			regex_match(name, text.data, text.len) == 1)
			found = arena_strndup(arena, text.data, text.len);
	}
	buf_release(&text);
	return found;
}

/* The aliases at one address, symbols[0 .. n) with the best last. Fills the names of *ret. */
static bool match_group(const struct object_symbol *symbols, size_t n, struct regex *name,
	bool by_address, struct arena *arena, struct objtool_symbol *ret)
{
	ret->names = arena_alloc(arena, n * sizeof(*ret->names));
	for (size_t i = n; i-- > 0;) {
		if (by_address) {
			ret->names[ret->name_n++] = symbols[i].name;
			continue;
		}
		const char *found = matching_name(&symbols[i], name, arena);
		if (found) {
			ret->names[ret->name_n++] = found;
			return true;
		}
	}
	return ret->name_n > 0;
}

/* A symbol that does not say its size ends where the next begins. */
static uint64_t last_byte(const struct object_symbol *symbol, const struct object_symbol *next)
{
	if (symbol->size)
		return symbol->addr + symbol->size - 1;
	return next ? next->addr - 1 : UINT64_MAX;
}

static void file_symbols(struct objtool *tool, void *file, struct regex *name,
	const uint64_t *address, struct arena *arena, struct objtool_symbols *ret)
{
	struct object_image *image = file;
	size_t n;
	const struct object_symbol *all = object_symbols(image->obj, &n);
	uint64_t at = 0;
	bool has_address = address && object_image_addr(image, *address, &at, NULL) >= 0;
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && all[end].addr == all[i].addr;)
			end++;
		struct objtool_symbol symbol = {.start = all[i].addr,
			.end = last_byte(&all[end - 1], end < n ? &all[end] : NULL)};
		bool is_at = has_address && at >= symbol.start && at <= symbol.end;
		if (match_group(all + i, end - i, name, is_at, arena, &symbol))
			vec_push(ret->all, ret->n, ret->cap, symbol);
	}
}

/* --- instructions --- */

struct collect {
	struct object *obj;
	struct arena *arena;
	struct objtool_insts *to;
	struct buf name, text;
	const char *mangled, *function; /* the last one demangled */
	uint64_t start;
};

static const char *readable(struct collect *c, const char *mangled)
{
	if (c->mangled && !strcmp(c->mangled, mangled))
		return c->function;
	buf_clear(&c->name);
	demangle_function(&c->name, mangled, DEMANGLE_DEFAULT);
	c->mangled = mangled;
	c->function = arena_strndup(c->arena, c->name.data, c->name.len);
	return c->function;
}

/* Names what an instruction refers to, as objdump does: " <f+0x12>", "        # 4010 <v>". */
static const char *with_target(struct collect *c, const struct object_inst *inst)
{
	const struct object_symbol *symbol =
		inst->refers ? object_symbol_at(c->obj, inst->target) : NULL;
	struct buf *text = &c->text;
	buf_clear(text);
	buf_addstr(text, inst->text);
	if (inst->refers == OBJECT_REFERS_DATA)
		buf_printf(text, "        # %" PRIx64, inst->target);
	if (symbol) {
		buf_addstr(text, " <");
		demangle_function(text, symbol->name, DEMANGLE_DEFAULT);
		if (inst->target != symbol->addr)
			buf_printf(text, "+0x%" PRIx64, inst->target - symbol->addr);
		buf_addch(text, '>');
	}
	return arena_strndup(c->arena, text->data, text->len);
}

static void collect_inst(void *ctx, const struct object_inst *inst)
{
	struct collect *c = ctx;
	const struct object_frame *frames;
	if (inst->addr < c->start)
		return;
	size_t n = object_frames(c->obj, inst->addr, &frames);
	struct objtool_inst out = {.addr = inst->addr,
		.text = with_target(c, inst),
		.function = n ? readable(c, frames[0].function) : "",
		.file = n ? frames[0].file : "",
		.line = n ? frames[0].line : 0};
	vec_push(c->to->all, c->to->n, c->to->cap, out);
}

static int file_disasm(struct objtool *tool, void *file, uint64_t start, uint64_t end, bool intel,
	struct arena *arena, struct objtool_insts *ret, struct err *err)
{
	struct object_image *image = file;
	struct collect c = {.obj = image->obj, .arena = arena, .to = ret, .start = start};
	buf_init(&c.name);
	buf_init(&c.text);
	/* A range around a sample may begin in the midst of an instruction; its function does not.
	 */
	const struct object_symbol *symbol = object_symbol_at(image->obj, start);
	if (symbol && start - symbol->addr < LEAD_MAX)
		start = symbol->addr;
	int rc = object_disasm(image->obj, start, end, intel, collect_inst, &c, err);
	buf_release(&c.name);
	buf_release(&c.text);
	return rc;
}

struct objtool objtool_binaries(void)
{
	return (struct objtool){
		.open = open_file,
		.close = close_file,
		.addr = file_addr,
		.frames = file_frames,
		.symbols = file_symbols,
		.disasm = file_disasm,
	};
}

/* strconv.ParseUint with base 0, but for the underscores. */
bool objtool_parse_address(const char *text, uint64_t *ret)
{
	int base = 10;
	if (text[0] == '0' && text[1]) {
		static const char letters[] = "xob";
		static const int bases[] = {16, 8, 2};
		const char *letter = strchr(letters, tolower((unsigned char)text[1]));
		base = letter ? bases[letter - letters] : 8;
		text += letter ? 2 : 1;
	}
	char *end;
	if (!isxdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, base);
	return !*end && !errno;
}
