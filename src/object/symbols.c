/*
 * The function symbols of an object: .symtab, .dynsym, those of the separate debug file, and the
 * "mini debug info" of .gnu_debugdata (an xz-compressed ELF file with only a .symtab).
 *
 * One sorted array, aliases side by side with the best name last, and a span map over it. A symbol
 * without a size (assembly) reaches to the next symbol. PLT entries have no symbols in the file;
 * they are given names here ("puts@plt"), since calls through them do show up in profiles.
 */
#include "object/internal.h"

#include <lzma.h>
#include <stdlib.h>

#define MINI_DEBUG_MAX ((size_t)256 << 20)
#define SYMBOL_MAX     ((size_t)1 << 26)

static bool in_code(const struct object *obj, uint64_t addr)
{
	if (!obj->phdr_n)
		return true;
	for (size_t i = 0; i < obj->phdr_n; i++) {
		const GElf_Phdr *p = &obj->phdrs[i];
		if (p->p_type == PT_LOAD && p->p_flags & PF_X && addr >= p->p_vaddr &&
			addr - p->p_vaddr < p->p_memsz)
			return true;
	}
	return false;
}

/* A relocatable file's symbols count from their section; its mapping is that of .text. */
static bool is_placed(const struct object *obj, const GElf_Sym *sym)
{
	if (sym->st_shndx == SHN_UNDEF)
		return false;
	return obj->ehdr.e_type != ET_REL || sym->st_shndx == obj->text_ndx;
}

static bool is_function(const struct object *obj, const GElf_Sym *sym, const char *name)
{
	int type = GELF_ST_TYPE(sym->st_info);
	if (!name || !name[0] || !is_placed(obj, sym))
		return false;
	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		return true;
	/* Labels of assembly; "$x" and the like only mark kinds of content for tools. */
	return type == STT_NOTYPE && name[0] != '$' && sym->st_shndx != SHN_ABS &&
	       in_code(obj, sym->st_value);
}

static void add(struct object *obj, uint64_t addr, uint64_t size, uint8_t binding, const char *name)
{
	if (obj->symbol_n >= SYMBOL_MAX)
		return;
	struct object_symbol symbol = {
		.addr = addr, .size = size, .name = name, .binding = binding};
	vec_push(obj->symbols, obj->symbol_n, obj->symbol_cap, symbol);
}

static const char *unversioned(struct object *obj, const char *name)
{
	const char *at = strchr(name, '@');
	return at && at > name ? arena_strndup(&obj->arena, name, (size_t)(at - name)) : name;
}

/* `copy`: the strings do not live as long as the object. */
static void add_table(struct object *obj, Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr, bool copy)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t entry = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
	if (!data || !data->d_buf || !entry)
		return;
	size_t n = data->d_size / entry;
	for (size_t i = 1; i < n && i <= INT32_MAX; i++) {
		GElf_Sym sym;
		if (!gelf_getsym(data, (int)i, &sym))
			break;
		const char *name = elf_strptr(elf, shdr->sh_link, sym.st_name);
		if (!is_function(obj, &sym, name))
			continue;
		uint64_t addr = sym.st_value;
		if (obj->ehdr.e_machine == EM_ARM)
			addr &= ~(uint64_t)1; /* the Thumb bit */
		if (copy)
			name = arena_strdup(&obj->arena, name);
		add(obj, addr, sym.st_size, GELF_ST_BIND(sym.st_info), unversioned(obj, name));
	}
}

static void add_tables(struct object *obj, Elf *elf, bool copy)
{
	Elf_Scn *scn = NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		if (gelf_getshdr(scn, &shdr) &&
			(shdr.sh_type == SHT_SYMTAB || shdr.sh_type == SHT_DYNSYM))
			add_table(obj, elf, scn, &shdr, copy);
	}
}

static bool unxz(const void *in, size_t in_n, struct buf *out)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&stream, MINI_DEBUG_MAX, 0) != LZMA_OK)
		return false;
	stream.next_in = in;
	stream.avail_in = in_n;
	lzma_ret rc = LZMA_OK;
	while (rc == LZMA_OK && out->len < MINI_DEBUG_MAX) {
		buf_reserve(out, in_n * 2 + 4096);
		stream.next_out = (uint8_t *)out->data + out->len;
		stream.avail_out = out->cap - out->len - 1;
		size_t room = stream.avail_out;
		rc = lzma_code(&stream, LZMA_FINISH);
		out->len += room - stream.avail_out;
	}
	lzma_end(&stream);
	return rc == LZMA_STREAM_END;
}

static void add_mini_debug(struct object *obj)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = elf_section(obj->elf, ".gnu_debugdata", &shdr);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	if (!data || !data->d_buf)
		return;
	struct buf inflated = BUF_INIT;
	if (unxz(data->d_buf, data->d_size, &inflated)) {
		Elf *elf = elf_memory(inflated.data, inflated.len);
		if (elf && elf_kind(elf) == ELF_K_ELF)
			add_tables(obj, elf, true);
		elf_end(elf);
	}
	buf_release(&inflated);
}

/* --- PLT, on x86-64 --- */

#define PLT_ENTRY 16

struct slot {
	uint64_t got; /* where the entry's jump goes through */
	const char *name;
};

static int by_got(const void *a, const void *b)
{
	uint64_t x = ((const struct slot *)a)->got, y = ((const struct slot *)b)->got;
	return x < y ? -1 : x > y;
}

static const char *relocated_name(struct object *obj, const GElf_Shdr *rela, size_t symbol)
{
	Elf_Scn *scn = elf_getscn(obj->elf, rela->sh_link);
	GElf_Shdr shdr;
	GElf_Sym sym;
	Elf_Data *data = scn && gelf_getshdr(scn, &shdr) ? elf_getdata(scn, NULL) : NULL;
	if (!data || symbol > INT32_MAX || !gelf_getsym(data, (int)symbol, &sym))
		return NULL;
	return elf_strptr(obj->elf, shdr.sh_link, sym.st_name);
}

static size_t read_slots(
	struct object *obj, const char *section, struct slot **slots, size_t n, size_t *cap)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = elf_section(obj->elf, section, &shdr);
	Elf_Data *data = scn && shdr.sh_type == SHT_RELA ? elf_getdata(scn, NULL) : NULL;
	GElf_Rela rela;
	for (int i = 0; data && i < INT32_MAX && gelf_getrela(data, i, &rela); i++) {
		uint32_t type = GELF_R_TYPE(rela.r_info);
		if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT)
			continue;
		struct slot slot = {.got = rela.r_offset,
			.name = relocated_name(obj, &shdr, GELF_R_SYM(rela.r_info))};
		if (slot.name && slot.name[0])
			vec_push(*slots, n, *cap, slot);
	}
	return n;
}

/* Where the entry's "jmp *disp(%rip)" reads its target; 0 if it has none. */
static uint64_t jump_slot(const uint8_t *code, uint64_t addr)
{
	for (int i = 0; i + 6 <= PLT_ENTRY; i++) {
		int32_t disp;
		if (code[i] != 0xff || code[i + 1] != 0x25)
			continue;
		memcpy(&disp, code + i + 2, sizeof(disp));
		return addr + (uint64_t)i + 6 + (uint64_t)(int64_t)disp;
	}
	return 0;
}

static void add_plt_section(
	struct object *obj, const char *section, const struct slot *slots, size_t n)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = elf_section(obj->elf, section, &shdr);
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	size_t entry = scn && shdr.sh_entsize == 8 ? 8 : PLT_ENTRY;
	if (!data || !data->d_buf)
		return;
	for (size_t at = 0; at + entry <= data->d_size; at += entry) {
		uint8_t code[PLT_ENTRY] = {0};
		memcpy(code, (const uint8_t *)data->d_buf + at, entry);
		struct slot key = {.got = jump_slot(code, shdr.sh_addr + at)};
		const struct slot *slot = bsearch(&key, slots, n, sizeof(*slots), by_got);
		if (slot)
			add(obj, shdr.sh_addr + at, entry, STB_LOCAL,
				arena_printf(&obj->arena, "%s@plt", slot->name));
	}
}

static void add_plt(struct object *obj)
{
	static const char *const sections[] = {".plt", ".plt.sec", ".plt.got"};
	struct slot *slots = NULL;
	size_t cap = 0;
	if (obj->ehdr.e_machine != EM_X86_64)
		return;
	size_t n = read_slots(obj, ".rela.plt", &slots, 0, &cap);
	n = read_slots(obj, ".rela.dyn", &slots, n, &cap);
	if (n) {
		qsort(slots, n, sizeof(*slots), by_got);
		for (size_t i = 0; i < array_len(sections); i++)
			add_plt_section(obj, sections[i], slots, n);
	}
	mem_free(slots);
}

/* --- order --- */

static int underscores(const char *s)
{
	return (int)strspn(s, "_");
}

/* Which of two names for one place would a reader rather see? The greater one. */
static int by_name(const struct object_symbol *a, const struct object_symbol *b)
{
	if ((a->binding == STB_LOCAL) != (b->binding == STB_LOCAL))
		return a->binding == STB_LOCAL ? -1 : 1;
	if (underscores(a->name) != underscores(b->name))
		return underscores(b->name) - underscores(a->name);
	if ((a->binding == STB_WEAK) != (b->binding == STB_WEAK))
		return a->binding == STB_WEAK ? -1 : 1;
	size_t na = strlen(a->name), nb = strlen(b->name);
	if (na != nb)
		return na > nb ? -1 : 1;
	return strcmp(b->name, a->name);
}

static int by_addr(const void *pa, const void *pb)
{
	const struct object_symbol *a = pa, *b = pb;
	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	/* One that says its size knows more than one that does not. */
	if (!a->size != !b->size)
		return a->size ? 1 : -1;
	return by_name(a, b);
}

/* .symtab repeats .dynsym, and the debug file repeats both. */
static void drop_repeats(struct object *obj)
{
	size_t kept = 0;
	for (size_t i = 0; i < obj->symbol_n; i++) {
		const struct object_symbol *s = &obj->symbols[i];
		const struct object_symbol *last = kept ? &obj->symbols[kept - 1] : NULL;
		if (last && last->addr == s->addr && !strcmp(last->name, s->name))
			kept--;
		obj->symbols[kept++] = *s;
	}
	obj->symbol_n = kept;
}

static uint64_t code_end(const struct object *obj, uint64_t addr)
{
	for (size_t i = 0; i < obj->phdr_n; i++) {
		const GElf_Phdr *p = &obj->phdrs[i];
		if (p->p_type == PT_LOAD && addr >= p->p_vaddr && addr - p->p_vaddr < p->p_memsz)
			return p->p_vaddr + p->p_memsz;
	}
	return addr + 4096;
}

static void index_symbols(struct object *obj)
{
	for (size_t i = 0; i < obj->symbol_n; i++) {
		const struct object_symbol *s = &obj->symbols[i];
		if (i + 1 < obj->symbol_n && s[1].addr == s->addr)
			continue;
		uint64_t hi = s->addr + s->size;
		if (!s->size)
			hi = i + 1 < obj->symbol_n ? s[1].addr : code_end(obj, s->addr);
		spans_add(&obj->symbol_spans, s->addr, hi, (uint32_t)i);
	}
	spans_seal(&obj->symbol_spans);
}

static void read_symbols(struct object *obj)
{
	if (obj->symbols_read)
		return;
	GElf_Shdr shdr;
	obj->symbols_read = true;
	Elf_Scn *text = elf_section(obj->elf, ".text", &shdr);
	obj->text_ndx = text ? elf_ndxscn(text) : SHN_UNDEF;
	add_tables(obj, obj->elf, false);
	if (!elf_section(obj->elf, ".symtab", &shdr)) {
		Elf *debug = object_debug_elf(obj);
		if (debug)
			add_tables(obj, debug, false);
		add_mini_debug(obj);
	}
	add_plt(obj);
	if (obj->symbol_n)
		qsort(obj->symbols, obj->symbol_n, sizeof(*obj->symbols), by_addr);
	drop_repeats(obj);
	index_symbols(obj);
}

const struct object_symbol *object_symbols(struct object *obj, size_t *ret_n)
{
	read_symbols(obj);
	*ret_n = obj->symbol_n;
	return obj->symbols;
}

const struct object_symbol *object_symbol_at(struct object *obj, uint64_t addr)
{
	read_symbols(obj);
	uint32_t id = spans_find(&obj->symbol_spans, addr);
	return id == SPAN_NONE ? NULL : &obj->symbols[id];
}

bool object_symbol_value(struct object *obj, const char *name, uint64_t *ret)
{
	read_symbols(obj);
	for (size_t i = 0; i < obj->symbol_n; i++) {
		if (!strcmp(obj->symbols[i].name, name)) {
			*ret = obj->symbols[i].addr;
			return true;
		}
	}
	return false;
}
