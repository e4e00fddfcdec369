/*
 * Source files: found as google/pprof finds them, read once, handed out by line.
 */
#ifndef SONDE_REPORT_SOURCES_H
#define SONDE_REPORT_SOURCES_H

#include "base/base.h"

struct source_file;

struct sources {
	char *search_path; /* directories, ':' between them; a relative name is also looked for in
			      their parents */
	char *trim_path;   /* prefixes taken off names first */
	bool confined;	   /* only files that really lie under search_path */
	struct source_file *files;
	uint32_t n, cap;
	struct strtab names; /* id - 1 is the index in files */
};

/* An empty search path means the current directory. */
void sources_init(struct sources *s, const char *search_path, const char *trim_path);
void sources_release(struct sources *s);
/* Line `line` (from 1) of the file a profile calls `path`, without its newline; NULL if there is
 * none. Lives as long as the sources. */
const char *sources_line(struct sources *s, const char *path, int64_t line);
/* Why the file could not be read, in Go's words; NULL if it could, or was never asked for. */
const char *sources_error(const struct sources *s, const char *path);

#endif
