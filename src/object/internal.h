/*
 * The inside of struct object, shared by the files of this layer only.
 *
 * An object is up to three ELF images: the file itself, the separate debug file found for it
 * (looked for once, when first needed), and the table of local symbols some distributions embed
 * compressed in .gnu_debugdata. Symbols come from all of them, DWARF from the first that has any.
 */
#ifndef SONDE_OBJECT_INTERNAL_H
#define SONDE_OBJECT_INTERNAL_H

#include <gelf.h>

#include <inttypes.h>

#include "object/object.h"
#include "object/spans.h"

struct dwarf_index;

struct object {
	char *path;
	int fd; /* -1 if from memory */
	Elf *elf;
	GElf_Ehdr ehdr;
	GElf_Phdr *phdrs;
	size_t phdr_n;
	char build_id[2 * 64 + 1];
	struct arena arena;

	char *debug_dirs;
	bool debuginfod, no_dwarf;

	bool debug_sought;
	char *debug_path;
	int debug_fd;
	Elf *debug_elf;
	struct buf debug_problem;

	bool symbols_read;
	size_t text_ndx; /* of the section .text */
	struct object_symbol *symbols;
	size_t symbol_n, symbol_cap;
	struct spans symbol_spans; /* ids are indexes of symbols */

	bool dwarf_sought;
	struct dwarf_index *dwarf; /* NULL if there is none */
	struct object_frame *frames;
	size_t frame_cap;
};

/* object.c */
/* The first section of that name, NULL if none. */
Elf_Scn *elf_section(Elf *elf, const char *name, GElf_Shdr *ret_shdr);
/* Lower-case hex of the GNU build id note, "" if none. */
void elf_build_id(Elf *elf, char *ret, size_t size);
bool elf_has_dwarf(Elf *elf);

/* debugfile.c */
Elf *object_debug_elf(struct object *obj); /* NULL if there is none */

/* symbols.c */
/* The value of the symbol in .symtab; false if there is none. */
bool object_symbol_value(struct object *obj, const char *name, uint64_t *ret);

/* dwarf.c */
struct dwarf_index *dwarf_index_new(Elf *elf, uint64_t text_lo);
void dwarf_index_free(struct dwarf_index *index);
/* As object_frames, from DWARF alone; the last frame's function may be "". */
size_t dwarf_index_frames(
	struct dwarf_index *index, uint64_t addr, struct object_frame **frames, size_t *cap);

#endif
