/*
 * From where a file was mapped to what to subtract from an address: the rules of pprof's elfexec
 * (GetBase, ProgramHeadersForMapping, HeaderForFileOffset), kept case by case, since profiles of
 * perf, ChromeOS and old kernels rely on each.
 */
#include "object/internal.h"

#define PAGE	       4096u
#define KERNEL_HALF    (UINT64_C(1) << 63)
#define PPC64_KERNEL   UINT64_C(0xc000000000000000)
#define page_offset(a) ((a) % PAGE)

static const GElf_Phdr *text_segment(struct object *obj)
{
	GElf_Shdr text;
	if (!elf_section(obj->elf, ".text", &text))
		return NULL;
	for (size_t i = 0; i < obj->phdr_n; i++) {
		const GElf_Phdr *p = &obj->phdrs[i];
		if (p->p_type == PT_LOAD && p->p_flags & PF_X && text.sh_addr >= p->p_vaddr &&
			text.sh_addr < p->p_vaddr + p->p_memsz)
			return p;
	}
	return NULL;
}

/* Kernels are mapped by other rules: tools give the address of _text or _stext as the start, or
 * move the image to 0. */
static bool kernel_base(const GElf_Phdr *seg, const uint64_t *stext,
	const struct object_mapping *map, uint64_t *ret)
{
	uint64_t start = map->start, limit = map->limit, offset = map->offset;
	if (seg->p_vaddr == start - offset) {
		*ret = offset;
		return true;
	}
	if (start == 0 && limit != 0 && stext) {
		*ret = start - *stext;
		return true;
	}
	if (start >= KERNEL_HALF && limit > start &&
		(offset == 0 || offset == PPC64_KERNEL || offset == start)) {
		bool is_stext = stext && page_offset(start) == page_offset(*stext);
		*ret = start - (is_stext ? *stext : seg->p_vaddr);
		return true;
	}
	if (page_offset(start) && stext && page_offset(*stext) == page_offset(start)) {
		*ret = start - *stext;
		return true;
	}
	return false;
}

static int get_base(struct object *obj, const GElf_Phdr *seg, const uint64_t *stext,
	const struct object_mapping *map, uint64_t *ret, struct err *err)
{
	uint64_t start = map->start, limit = map->limit, offset = map->offset;
	*ret = 0;
	/* A made-up mapping of the whole address space: the addresses are the file's already. */
	if (start == 0 && offset == 0 && (limit == UINT64_MAX || limit == 0))
		return 0;
	switch (obj->ehdr.e_type) {
	case ET_EXEC:
		if (!seg)
			return 0;
		if (!stext && start > 0 && start < KERNEL_HALF) {
			*ret = start - offset + seg->p_offset - seg->p_vaddr;
			return 0;
		}
		if (kernel_base(seg, stext, map, ret))
			return 0;
		if (start == 0 && limit != 0 && !stext) {
			*ret = start - seg->p_vaddr;
			return 0;
		}
		return err_set(err, ERR_UNSUPPORTED,
			"don't know how to handle EXEC segment: start=0x%" PRIx64
			" limit=0x%" PRIx64 " offset=0x%" PRIx64,
			start, limit, offset);
	case ET_REL:
		if (offset != 0)
			return err_set(
				err, ERR_UNSUPPORTED, "don't know how to handle mapping.Offset");
		*ret = start;
		return 0;
	case ET_DYN:
		if (!seg)
			*ret = start - offset;
		else if (!kernel_base(seg, stext, map, ret))
			*ret = start - offset + seg->p_offset - seg->p_vaddr;
		return 0;
	}
	return err_set(err, ERR_UNSUPPORTED, "don't know how to handle FileHeader.Type %d",
		obj->ehdr.e_type);
}

/* Reading all symbols costs, so _stext is looked for only where it can matter. */
static const uint64_t *kernel_offset(
	struct object *obj, const struct object_mapping *map, uint64_t *value)
{
	bool aligned =
		!page_offset(map->start) && !page_offset(map->limit) && !page_offset(map->offset);
	if (aligned && !strstr(obj->path, "vmlinux"))
		return NULL;
	const char *name =
		map->kernel_symbol && map->kernel_symbol[0] ? map->kernel_symbol : "_stext";
	return object_symbol_value(obj, name, value) ? value : NULL;
}

/* Does the segment overlap the mapping, and is it the one the mapping was made for? */
static bool fits(const GElf_Phdr *p, uint64_t map_off, uint64_t map_size)
{
	uint64_t map_end = map_off + map_size, seg_end = p->p_offset + p->p_memsz;
	if (p->p_type != PT_LOAD || !p->p_filesz || map_off >= seg_end || p->p_offset >= map_end)
		return false;
	uint64_t skew = p->p_vaddr & (p->p_align - 1);
	if (map_off < (p->p_offset > skew ? p->p_offset - skew : 0))
		return false;
	/* Less than a page of this segment and at least one past it: made for the next one. */
	return !(map_off > p->p_offset && seg_end < map_off + PAGE && map_end >= seg_end + PAGE);
}

static int find_segment(struct object *obj, const struct object_mapping *map, bool is_kernel,
	uint64_t addr, const GElf_Phdr **ret, struct err *err)
{
	*ret = NULL;
	if (is_kernel || map->start >= map->limit || map->limit >= KERNEL_HALF) {
		*ret = text_segment(obj);
		return 0;
	}
	uint64_t off = addr - map->start + map->offset, size = map->limit - map->start;
	const GElf_Phdr *only = NULL, *match = NULL;
	size_t loads = 0, n = 0, matches = 0;
	for (size_t i = 0; i < obj->phdr_n; i++) {
		const GElf_Phdr *p = &obj->phdrs[i];
		loads += p->p_type == PT_LOAD;
		if (!fits(p, map->offset, size))
			continue;
		n++;
		only = p;
		if (off >= p->p_offset && off < p->p_offset + p->p_memsz) {
			matches++;
			match = p;
		}
	}
	if (!loads)
		return 0; /* a kernel module */
	if (!n)
		return err_set(err, ERR_MISMATCH, "no program header matches mapping info");
	if (n > 1 && matches != 1)
		return err_set(err, ERR_MISMATCH, "%zu program headers match file offset %" PRIx64,
			matches, off);
	*ret = n == 1 ? only : match;
	return 0;
}

static int check_range(
	const char *path, const struct object_mapping *map, uint64_t addr, struct err *err)
{
	if (map->start >= map->limit || (addr >= map->start && addr < map->limit))
		return 0;
	return err_set(err, ERR_MISMATCH,
		"specified address %" PRIx64 " is outside the mapping range [%" PRIx64 ", %" PRIx64
		"] for file \"%s\"",
		addr, map->start, map->limit, path);
}

int object_base(struct object *obj, const struct object_mapping *map, uint64_t addr,
	uint64_t *ret_base, bool *ret_is_data, struct err *err)
{
	int rc = check_range(obj->path, map, addr, err);
	if (rc < 0)
		return rc;
	uint64_t value;
	const uint64_t *stext = kernel_offset(obj, map, &value);
	const GElf_Phdr *seg;
	rc = find_segment(obj, map, stext, addr, &seg, err);
	if (rc < 0)
		return err_prefix(err, "failed to find program header for file \"%s\"", obj->path);
	rc = get_base(obj, seg, stext, map, ret_base, err);
	if (rc < 0)
		return rc;
	*ret_is_data = seg && !(seg->p_flags & PF_X);
	return 0;
}

int object_check_mapping(struct object *obj, const struct object_mapping *map, struct err *err)
{
	uint64_t value, base;
	const uint64_t *stext = kernel_offset(obj, map, &value);
	int rc = get_base(obj, text_segment(obj), stext, map, &base, err);
	return rc < 0 ? err_prefix(err, "could not identify base for %s", obj->path) : 0;
}

int object_image_addr(struct object_image *image, uint64_t addr, uint64_t *ret, struct err *err)
{
	int rc = check_range(image->obj->path, &image->map, addr, err);
	if (rc < 0)
		return rc;
	if (!image->based) {
		rc = object_base(image->obj, &image->map, addr, &image->base, &image->is_data, err);
		if (rc < 0)
			return rc;
		image->based = true;
	}
	*ret = addr - image->base;
	return 0;
}
