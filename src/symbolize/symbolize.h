/*
 * symbolize: gives the locations of a profile their functions, files, lines and inlined calls, and
 * its functions readable names.
 *
 * Front header of the layer. It answers to the internal packages symbolizer, symbolz and the
 * locateBinaries of github.com/google/pprof; the words of its messages are theirs. It prints
 * nothing and reads no environment: what the user should know goes to opts->message, and what the
 * environment says ($PPROF_BINARY_PATH) comes in as an argument. Single-threaded per profile.
 */
#ifndef SONDE_SYMBOLIZE_H
#define SONDE_SYMBOLIZE_H

#include "base/base.h"
#include "object/object.h"
#include "pprof/pprof.h"

enum demangle_mode {
	DEMANGLE_DEFAULT,   /* no parameters, no template arguments, no return type */
	DEMANGLE_TEMPLATES, /* no parameters, no return type */
	DEMANGLE_FULL,
	DEMANGLE_NONE,
};

/* Asks a server for names: POSTs `body` to `url`, appends the reply. The caller does the HTTP. */
typedef int symbolize_post_fn(
	void *ctx, const char *url, const char *body, struct buf *ret_reply, struct err *err);

/* Where a mapping of the profile was fetched from, for remote symbolization. */
struct symbolize_source {
	const char
		*key; /* the mapping's build id, or else its file; "" fits a mapping with neither */
	const char *url; /* the profile's */
	uint64_t start;	 /* of the mapping in that profile, before merging moved it */
};

struct symbolize_opts {
	bool local, remote;
	bool fast;  /* symbol tables only */
	bool force; /* also what is symbolized already */
	enum demangle_mode demangle;
	struct object_opts object;
	struct symbolize_cache *cache; /* NULL: files are read again for each profile */

	/* One message for the user, without newline at its end; NULL: not wanted. */
	void (*message)(void *ctx, const char *text);
	void *message_ctx;

	symbolize_post_fn *post; /* NULL: no remote symbolization */
	void *post_ctx;
	const struct symbolize_source *sources;
	size_t source_n;
};

/* Files that stay open from one profile to the next, for who makes many; used by one thread at a
 * time. */
struct symbolize_cache *symbolize_cache_new(void);
void symbolize_cache_free(struct symbolize_cache *cache); /* NULL is fine */

/* The value of -symbolize: "none", "local", "fastlocal", "remote", "force", "demangle=MODE",
 * joined by ':'; "" is the default (local, then remote). "debuginfod" is our own: it allows asking
 * the servers of $DEBUGINFOD_URLS. Sets the fields above the object options; message must be set
 * before: what is not understood is said and ignored, as Go does. Returns false for "none": nothing
 * is to be done. */
bool symbolize_opts_parse(struct symbolize_opts *opts, const char *mode);

/* Symbolizes and demangles. What could not be symbolized is reported by message and left as it
 * was; an error comes only from remote symbolization. */
must_check int symbolize_profile(
	struct profile *p, const struct symbolize_opts *opts, struct err *err);

/* Sets the names of the functions from their system names. */
void symbolize_demangle(struct profile *p, bool force, enum demangle_mode mode);

/* Points mappings to binaries found on a search path (':' between directories), by build id and by
 * name; adds a mapping if there is none; puts exec_name and build_id (both may be NULL) on the
 * first. */
struct symbolize_locate {
	const char *search_path;
	const char *exec_name, *build_id;
};
void symbolize_locate(struct profile *p, const struct symbolize_locate *locate,
	const struct symbolize_opts *opts);

/* True for mappings that name no file: "[heap]", "//anon", "/memfd:...", the vdso. */
bool symbolize_is_special(const char *file);

/* --- names --- */
/* Appends what a mangled C++ or Rust name means; false, and nothing appended, if it is neither. */
bool demangle_name(struct buf *out, const char *mangled, enum demangle_mode mode);
/* The name to show for a function of that system name: demangled, or simplified if it looks like a
 * demangled name already, or as it is. */
void demangle_function(struct buf *out, const char *system_name, enum demangle_mode mode);

#endif
