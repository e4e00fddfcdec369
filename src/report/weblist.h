/*
 * Annotated source with the machine code under each line, as data: what weblist writes as a page of
 * its own and the web UI shows in its source view (google/pprof's WebListData).
 */
#ifndef SONDE_REPORT_WEBLIST_H
#define SONDE_REPORT_WEBLIST_H

struct report;
struct objtool;

/* One call inlined on the way to an instruction. */
struct weblist_call {
	const char *source; /* the line of the call, indented and padded */
	const char *file;   /* base name */
	int64_t line;
};

struct weblist_inst {
	bool new_block; /* does not follow on the one before */
	bool synthetic; /* no binary: only the calls are known */
	int64_t flat, cum;
	uint64_t address; /* in the file's numbering */
	const char *text; /* indented and padded */
	const char *file; /* base name, "" if unknown */
	int64_t line;
	const struct weblist_call *calls; /* that the instruction before did not have */
	uint32_t call_n;
};

enum weblist_kind {
	WEBLIST_NONE,	  /* no code */
	WEBLIST_NO_CODE,  /* costs, but nothing to show under the line */
	WEBLIST_HAS_CODE, /* insts to show */
};

struct weblist_line {
	int64_t line;
	const char *source;
	enum weblist_kind kind;
	int64_t flat, cum;
	const struct weblist_inst *insts;
	uint32_t inst_n;
};

/* A stretch of lines of one function. */
struct weblist_func {
	const char *name, *file;
	const char *error; /* why the source was not read, or NULL */
	int64_t flat, cum;
	const struct weblist_line *lines;
	uint32_t line_n;
};

struct weblist {
	struct weblist_func *funcs; /* file by file */
	uint32_t func_n, func_cap;
	struct arena arena; /* of everything above */
};

struct weblist_opts {
	struct objtool *tool; /* NULL: the real binaries */
	int files_max;	      /* the costliest files only; negative: all, by name */
	bool confine_sources; /* only sources that lie under the source path: for a server */
};

/* `opts` may be NULL. report->symbol may be NULL: every function with costs. */
must_check int weblist_make(
	struct report *r, const struct weblist_opts *opts, struct weblist *ret, struct err *err);
void weblist_release(struct weblist *list);

#endif
