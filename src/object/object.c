/*
 * Opening an ELF file: header, segments, build id; and the frames of an address put together from
 * symbols and DWARF.
 *
 * The outermost function of an address is named by the symbol table when it covers the address, as
 * llvm-symbolizer does it for pprof: the table knows what the compiler split off ("f.cold",
 * "f.part.0") and the public alias of an internal name ("malloc" for "__libc_malloc"). C++ and Rust
 * names in DWARF are taken as they are, since their aliases (constructor variants, identical code
 * folded together) only mislead.
 */
#include "object/internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PHDR_MAX 4096

Elf_Scn *elf_section(Elf *elf, const char *name, GElf_Shdr *ret_shdr)
{
	size_t strndx;
	if (elf_getshdrstrndx(elf, &strndx))
		return NULL;
	Elf_Scn *scn = NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		if (!gelf_getshdr(scn, &shdr))
			continue;
		const char *s = elf_strptr(elf, strndx, shdr.sh_name);
		if (s && !strcmp(s, name)) {
			*ret_shdr = shdr;
			return scn;
		}
	}
	return NULL;
}

bool elf_has_dwarf(Elf *elf)
{
	GElf_Shdr shdr;
	if (elf_section(elf, ".debug_info", &shdr))
		return shdr.sh_type != SHT_NOBITS;
	return elf_section(elf, ".zdebug_info", &shdr) && shdr.sh_type != SHT_NOBITS;
}

static bool note_build_id(Elf_Data *data, char *ret, size_t size)
{
	GElf_Nhdr nhdr;
	size_t at = 0, name, desc;
	while ((at = gelf_getnote(data, at, &nhdr, &name, &desc))) {
		const uint8_t *bytes = data->d_buf;
		if (nhdr.n_type != NT_GNU_BUILD_ID || nhdr.n_namesz != 4 ||
			memcmp(bytes + name, "GNU", 4) || !nhdr.n_descsz ||
			nhdr.n_descsz > (size - 1) / 2)
			continue;
		for (size_t i = 0; i < nhdr.n_descsz; i++) {
			static const char hex[] = "0123456789abcdef";
			ret[2 * i] = hex[bytes[desc + i] >> 4];
			ret[2 * i + 1] = hex[bytes[desc + i] & 15];
		}
		ret[2 * nhdr.n_descsz] = 0;
		return true;
	}
	return false;
}

/* Segments first: they are there when the sections have been stripped. */
void elf_build_id(Elf *elf, char *ret, size_t size)
{
	size_t n;
	ret[0] = 0;
	if (elf_getphdrnum(elf, &n))
		n = 0;
	for (size_t i = 0; i < n && i < PHDR_MAX; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(elf, (int)i, &phdr) || phdr.p_type != PT_NOTE)
			continue;
		Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)phdr.p_offset, phdr.p_filesz,
			phdr.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (data && note_build_id(data, ret, size))
			return;
	}
	Elf_Scn *scn = NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_NOTE)
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);
		if (data && note_build_id(data, ret, size))
			return;
	}
}

static int read_segments(struct object *obj, struct err *err)
{
	size_t n;
	if (elf_getphdrnum(obj->elf, &n))
		n = 0;
	if (n > PHDR_MAX)
		return err_set(err, ERR_LIMIT, "%s: %zu program headers; at most %d are read",
			obj->path, n, PHDR_MAX);
	obj->phdrs = mem_array(n + 1, sizeof(*obj->phdrs));
	for (size_t i = 0; i < n; i++) {
		if (gelf_getphdr(obj->elf, (int)i, &obj->phdrs[obj->phdr_n]))
			obj->phdr_n++;
	}
	return 0;
}

static int read_elf(struct object *obj, struct err *err)
{
	if (!obj->elf || elf_kind(obj->elf) != ELF_K_ELF)
		return err_set(err, ERR_FORMAT, "unrecognized binary format: %s", obj->path);
	if (!gelf_getehdr(obj->elf, &obj->ehdr))
		return err_set(err, ERR_FORMAT, "error reading ELF file %s: %s", obj->path,
			elf_errmsg(-1));
	int rc = read_segments(obj, err);
	if (rc < 0)
		return rc;
	elf_build_id(obj->elf, obj->build_id, sizeof(obj->build_id));
	return 0;
}

static struct object *object_new(const char *path, const struct object_opts *opts)
{
	struct object *obj = mem_zalloc(sizeof(*obj));
	obj->path = mem_strdup(path);
	obj->fd = obj->debug_fd = -1;
	obj->debug_path = mem_strdup("");
	obj->debug_dirs =
		mem_strdup(opts && opts->debug_dirs ? opts->debug_dirs : "/usr/lib/debug");
	obj->debuginfod = opts && opts->debuginfod;
	obj->no_dwarf = opts && opts->no_dwarf;
	arena_init(&obj->arena);
	buf_init(&obj->debug_problem);
	elf_version(EV_CURRENT);
	return obj;
}

static int finish(struct object **ret, struct object *obj, struct err *err)
{
	int rc = read_elf(obj, err);
	if (rc < 0) {
		object_free(obj);
		return rc;
	}
	*ret = obj;
	return 0;
}

/* In Go's words, "stat x: no such file or directory": people search for them. */
static int system_error(struct err *err, const char *call, const char *path)
{
	int code = errno;
	const char *why = strerror(code);
	return err_set(
		err, -code, "%s %s: %c%s", call, path, tolower((unsigned char)why[0]), why + 1);
}

int object_open(
	struct object **ret, const char *path, const struct object_opts *opts, struct err *err)
{
	struct stat st;
	if (stat(path, &st))
		return system_error(err, "stat", path);
	/* A FIFO or a device named by a profile must not block the reader. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return system_error(err, "open", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, ERR_FORMAT, "unrecognized binary format: %s", path);
	}
	struct object *obj = object_new(path, opts);
	obj->fd = fd;
	obj->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	return finish(ret, obj, err);
}

int object_open_memory(struct object **ret, const char *name, void *data, size_t n,
	const struct object_opts *opts, struct err *err)
{
	struct object *obj = object_new(name, opts);
	obj->elf = elf_memory(data, n);
	return finish(ret, obj, err);
}

void object_free(struct object *obj)
{
	if (!obj)
		return;
	dwarf_index_free(obj->dwarf);
	spans_release(&obj->symbol_spans);
	mem_free(obj->symbols);
	mem_free(obj->frames);
	elf_end(obj->debug_elf);
	if (obj->debug_fd >= 0)
		close(obj->debug_fd);
	elf_end(obj->elf);
	if (obj->fd >= 0)
		close(obj->fd);
	mem_free(obj->phdrs);
	buf_release(&obj->debug_problem);
	arena_release(&obj->arena);
	mem_free(obj->debug_path);
	mem_free(obj->debug_dirs);
	mem_free(obj->path);
	mem_free(obj);
}

const char *object_path(const struct object *obj)
{
	return obj->path;
}

const char *object_build_id(const struct object *obj)
{
	return obj->build_id;
}

/* The lowest address code can have: ranges below it are of sections the linker threw away. */
static uint64_t lowest_code(const struct object *obj)
{
	uint64_t lo = UINT64_MAX;
	for (size_t i = 0; i < obj->phdr_n; i++) {
		const GElf_Phdr *p = &obj->phdrs[i];
		if (p->p_type == PT_LOAD && p->p_flags & PF_X && p->p_vaddr < lo)
			lo = p->p_vaddr;
	}
	return lo == UINT64_MAX ? 0 : lo;
}

static struct dwarf_index *dwarf_of(struct object *obj)
{
	if (obj->dwarf_sought)
		return obj->dwarf;
	obj->dwarf_sought = true;
	/* Relocatable: its DWARF has no addresses yet. */
	if (obj->no_dwarf || obj->ehdr.e_type == ET_REL)
		return NULL;
	Elf *elf = elf_has_dwarf(obj->elf) ? obj->elf : object_debug_elf(obj);
	if (elf && elf_has_dwarf(elf))
		obj->dwarf = dwarf_index_new(elf, lowest_code(obj));
	return obj->dwarf;
}

bool object_has_dwarf(struct object *obj)
{
	return dwarf_of(obj);
}

bool object_has_code(const struct object *obj)
{
	size_t loads = 0;
	for (size_t i = 0; i < obj->phdr_n; i++) {
		const GElf_Phdr *p = &obj->phdrs[i];
		loads += p->p_type == PT_LOAD;
		if (p->p_type == PT_LOAD && p->p_flags & PF_X && p->p_filesz)
			return true;
	}
	return !loads; /* a kernel module */
}

static bool is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

size_t object_frames(struct object *obj, uint64_t addr, const struct object_frame **ret)
{
	struct dwarf_index *dwarf = dwarf_of(obj);
	size_t n = dwarf ? dwarf_index_frames(dwarf, addr, &obj->frames, &obj->frame_cap) : 0;
	const struct object_symbol *symbol = object_symbol_at(obj, addr);
	if (!n && symbol) {
		vec_grow(obj->frames, 1, obj->frame_cap);
		obj->frames[n++] = (struct object_frame){.function = symbol->name, .file = ""};
	} else if (n && symbol) {
		struct object_frame *outer = &obj->frames[n - 1];
		size_t len = strlen(outer->function);
		bool is_clone = len && !strncmp(symbol->name, outer->function, len) &&
				symbol->name[len] == '.';
		if (is_clone || !is_mangled(outer->function))
			outer->function = symbol->name;
	}
	*ret = obj->frames;
	return n;
}
