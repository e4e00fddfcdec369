/*
 * object: one ELF file with its debugging information, and the way from an address to what the
 * programmer wrote: symbols, source lines, inlined calls, instructions.
 *
 * Front header of the layer. It answers to the internal packages binutils and elfexec of
 * github.com/google/pprof, which run llvm-symbolizer, nm and objdump; here elfutils (libelf, libdw,
 * libdebuginfod) and capstone are called in process. Files are not trusted: whatever they hold, a
 * function here ends, within memory of the order of the file's size, with an answer or an error.
 *
 * An object owns everything it hands out; strings and arrays live until object_free() unless said
 * otherwise. Single-threaded per object.
 */
#ifndef SONDE_OBJECT_H
#define SONDE_OBJECT_H

#include "base/base.h"

struct object;

struct object_opts {
	/* Directories of separate debug files, ':' between them; NULL means /usr/lib/debug. */
	const char *debug_dirs;
	bool debuginfod; /* ask the servers of $DEBUGINFOD_URLS when no file is found here */
	bool no_dwarf;	 /* symbol tables only: fast, no lines and no inlined calls */
};

/* Where a process had the file: the fields of a profile's mapping. */
struct object_mapping {
	uint64_t start, limit, offset;
	const char *kernel_symbol; /* "_text", "_stext" as perf says it; NULL or "": unknown */
};

/* One call, innermost first in a list of them. Zero and "" mean unknown. */
struct object_frame {
	const char *function; /* as the linker knows it: mangled */
	const char *file;
	uint32_t line, column;
	uint32_t start_line; /* of the function */
};

struct object_symbol {
	uint64_t addr, size; /* size 0: not said in the file */
	const char *name;    /* mangled; without "@VERSION" */
	uint8_t binding;     /* STB_LOCAL, STB_GLOBAL, STB_WEAK, ... */
};

/* --- life. `opts` may be NULL. --- */
must_check int object_open(
	struct object **ret, const char *path, const struct object_opts *opts, struct err *err);
/* From memory, which must outlive the object; `name` is for messages. */
must_check int object_open_memory(struct object **ret, const char *name, void *data, size_t n,
	const struct object_opts *opts, struct err *err);
void object_free(struct object *obj); /* NULL is fine */

/* --- what it is --- */
const char *object_path(const struct object *obj);
const char *object_build_id(const struct object *obj); /* lower-case hex; "" if it has none */
/* The separate debug file in use, "" if none was needed or found. */
const char *object_debug_path(struct object *obj);
/* Why a debug file that was found was not used ("...: checksum mismatch"); "" if all is well. */
const char *object_debug_problem(struct object *obj);
bool object_has_dwarf(struct object *obj);
/* False for a separate debug file: its segments are empty, so nothing says where it was mapped. */
bool object_has_code(const struct object *obj);

/* --- where it was: elfexec's GetBase. The base is what to subtract from an address of the process
 * to have one of the file; `addr` picks the segment when several fit the mapping. --- */
must_check int object_base(struct object *obj, const struct object_mapping *map, uint64_t addr,
	uint64_t *ret_base, bool *ret_is_data, struct err *err);
/* The check made on opening: can a base be told at all for this mapping? */
must_check int object_check_mapping(
	struct object *obj, const struct object_mapping *map, struct err *err);

/* An object where a process had it; the base is worked out at the first address and kept. */
struct object_image {
	struct object *obj;
	struct object_mapping map;
	bool based, is_data;
	uint64_t base;
};
/* The file's own number for an address of the process. */
must_check int object_image_addr(
	struct object_image *image, uint64_t addr, uint64_t *ret, struct err *err);

/* --- addresses, all in the file's own numbering --- */
/* The calls at `addr`, innermost first: their number, 0 if nothing is known. *ret holds until the
 * next call for the same object. */
size_t object_frames(struct object *obj, uint64_t addr, const struct object_frame **ret);
/* The function symbol that covers `addr`, the best name of several at one place; NULL if none. */
const struct object_symbol *object_symbol_at(struct object *obj, uint64_t addr);
/* All function symbols by address; aliases follow each other, the best name last. */
const struct object_symbol *object_symbols(struct object *obj, size_t *ret_n);

/* --- instructions --- */
enum object_refers {
	OBJECT_REFERS_NONE,
	OBJECT_REFERS_BRANCH, /* jumps to or calls `target`, which ends the text */
	OBJECT_REFERS_DATA,   /* reads or writes at `target`, given relative to the instruction */
};

struct object_inst {
	uint64_t addr;
	uint32_t size;
	const char *text; /* holds during the call */
	enum object_refers refers;
	uint64_t target;
};
typedef void object_inst_fn(void *ctx, const struct object_inst *inst);
/* Disassembles [start, end) in AT&T syntax as objdump writes it, or Intel's. Bytes that are no
 * instruction come out as "(bad)". */
must_check int object_disasm(struct object *obj, uint64_t start, uint64_t end, bool intel,
	object_inst_fn *fn, void *ctx, struct err *err);

#endif
