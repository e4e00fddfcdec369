/*
 * The two halves of weblist: weblist_weigh.c says what each instruction costs and on which lines it
 * is to be shown, weblist.c cuts the lines into functions and lays them out.
 */
#ifndef SONDE_REPORT_WEBLIST_INTERNAL_H
#define SONDE_REPORT_WEBLIST_INTERNAL_H

#include "report/annotate.h"

/* A call inlined between the line shown and the instruction, the outermost first. */
struct call_site {
	const char *file;
	uint32_t line;
};

struct weighed_inst {
	uint64_t object_addr;
	uint32_t length;
	const char *text; /* "" if there is no binary */
	const char *file; /* of the innermost call */
	uint32_t line;
	int64_t flat, cum;
};

/* One showing of an instruction: an inlined one is shown on each line of its calls that belongs to
 * a function of interest. */
struct showing {
	uint32_t file; /* string of `strings` */
	uint32_t line;
	uint32_t order; /* in which they were found */
	uint64_t addr;
	const char *function; /* as the linker knows it */
	const struct call_site *calls;
	uint32_t call_n;
};

struct weighed {
	struct report *r;
	struct objtool *tool;
	struct arena *arena; /* of what the result points to */
	struct strtab strings;
	struct map inst_of; /* address -> index of insts */
	struct weighed_inst *insts;
	size_t inst_n, inst_cap;
	struct showing *showings; /* by file, line, order */
	size_t showing_n, showing_cap;
	struct map pretty; /* string of a system name -> the profile's string of its name */
};

/* ERR_NOT_FOUND if nothing matches. */
must_check int weigh(struct weighed *w, struct report *r, struct objtool *tool, struct arena *arena,
	struct err *err);
void weighed_release(struct weighed *w);

#endif
