/*
 * What disasm and weblist need of binaries, behind one struct of functions: the reports are tested
 * with binaries that do not exist. objtool_binaries() is the real one.
 *
 * What a function hands out lives in the arena it was given, or until the file is closed.
 */
#ifndef SONDE_REPORT_OBJTOOL_H
#define SONDE_REPORT_OBJTOOL_H

#include "base/base.h"
#include "object/object.h"

/* A function of a binary with the names it has. */
struct objtool_symbol {
	const char **names; /* the first is the one to show */
	size_t name_n;
	uint64_t start, end; /* in the file's numbering; end is its last byte */
};

struct objtool_inst {
	uint64_t addr; /* in the file's numbering */
	const char *text, *function, *file;
	uint32_t line;
};

struct objtool_symbols {
	struct objtool_symbol *all;
	size_t n, cap;
};

struct objtool_insts {
	struct objtool_inst *all;
	size_t n, cap;
};

struct objtool {
	/* The file of a mapping; NULL with an error if it cannot be opened. */
	void *(*open)(struct objtool *tool, const char *path, const struct object_mapping *map,
		struct err *err);
	void (*close)(struct objtool *tool, void *file);
	/* The file's number for an address of the process; false if it is outside the mapping. */
	bool (*addr)(struct objtool *tool, void *file, uint64_t addr, uint64_t *ret);
	/* The calls at an address of the process, innermost first; false if it is outside. */
	bool (*frames)(struct objtool *tool, void *file, uint64_t addr,
		const struct object_frame **ret, size_t *ret_n);
	/* Functions by name, mangled or demangled, or at an address of the process (may be NULL).
	 */
	void (*symbols)(struct objtool *tool, void *file, struct regex *name,
		const uint64_t *address, struct arena *arena, struct objtool_symbols *ret);
	/* The instructions of [start, end), in the file's numbering. */
	int (*disasm)(struct objtool *tool, void *file, uint64_t start, uint64_t end, bool intel,
		struct arena *arena, struct objtool_insts *ret, struct err *err);
	struct object_opts opts; /* where the real one looks for debug files */
};

struct objtool objtool_binaries(void);

/* A regular expression that is a number ("0x401000", "4198400") is an address too. */
bool objtool_parse_address(const char *text, uint64_t *ret);

#endif
