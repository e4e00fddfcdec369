/*
 * sonde pprof, inside: what its files share. cmd_pprof.c is the entry; pprof_args.c reads the
 * command line, pprof_fetch.c gets the profiles, pprof_run.c makes one report, pprof_shell.c asks
 * for many.
 *
 * Words on stderr are google/pprof's where it has them: people search for them, and its tests
 * compare them.
 */
#ifndef SONDE_CLI_PPROF_TOOL_H
#define SONDE_CLI_PPROF_TOOL_H

#include "base/base.h"
#include "pprof/pprof.h"
#include "report/report.h"

#include <sys/types.h>

/* What becomes of a report when no output file is named. */
enum pprof_view {
	VIEW_PRINT, /* to stdout */
	VIEW_FILE,  /* to stdout, but to a file rather than to a terminal or from the shell */
	VIEW_OPEN,  /* to a temporary file, opened by a program */
};

struct pprof_command {
	const char *name;
	enum report_format format;
	const char *dot_type; /* passed through `dot -Tthis`; NULL: not */
	enum pprof_view view;
	const char *extension;	 /* of the files of VIEW_FILE and VIEW_OPEN */
	const char *viewer;	 /* VIEW_OPEN: program and arguments; NULL: a browser */
	bool has_param;		 /* takes a regular expression */
	bool own;		 /* not a command of google/pprof */
	const char *description; /* one line */
	const char *usage;	 /* lines; NULL: none */
};

extern const struct pprof_command pprof_commands[]; /* by name; ends with a NULL name */
const struct pprof_command *pprof_command_find(const char *name);

/* --- the command line --- */

struct pprof_args {
	struct config config;
	const struct pprof_command *command; /* NULL: the shell, or the web page */
	const char *param;

	char **sources; /* in argv */
	int source_n;
	const char **bases;
	uint32_t base_n, base_cap;
	bool is_diff; /* -diff_base, not -base */
	bool normalize;

	const char *exec_name; /* "" if none */
	const char *build_id;
	int seconds, timeout; /* -1: not said */
	const char *symbolize;
	const char *http; /* host:port, "" if none */
	bool no_browser;
	const char *comment;
	bool all_frames;
	const char *tls_cert, *tls_key, *tls_ca;
	const char **headers; /* "Name: value" */
	uint32_t header_n, header_cap;
	int64_t max_memory; /* bytes an input may take; 0: the default */
};

enum pprof_parsed {
	PARSED_OK,
	PARSED_HELP,  /* -h was given */
	PARSED_USAGE, /* err is about a flag: the usage is to be shown */
};

/* One of the above, or an error without usage. `args` must be released in any case. */
must_check int pprof_args_parse(
	struct pprof_args *args, int argc, char **argv, struct notes *notes, struct err *err);
void pprof_args_release(struct pprof_args *args);

/* google/pprof's usage; sonde's own flags; the list of commands and options, with "-" before each
 * or, for the shell, without. */
void pprof_usage(struct buf *out);
void pprof_usage_own(struct buf *out);
void pprof_usage_options(bool command_line, struct buf *out);
/* What the shell's `help COMMAND` says. */
void pprof_command_help(const struct pprof_command *c, struct buf *out);

/* --- getting profiles --- */

/* Fetches, merges, subtracts, symbolizes. `ret` is uninitialised. */
must_check int pprof_fetch(
	struct profile *ret, const struct pprof_args *args, struct notes *notes, struct err *err);

/* Something fetched over HTTP. */
struct http_get {
	const char *name; /* the source, as given */
	char *url;	  /* what to get */
	int64_t timeout;  /* seconds */
	int64_t duration; /* seconds it is expected to take, for the progress shown; 0: none */
	struct buf body;
	int rc; /* afterwards */
	struct err err;
};
/* The URL a source stands for and the seconds to allow for it, or NULL if it is none. */
char *pprof_source_url(
	const char *source, int seconds, int timeout, int64_t *ret_timeout, int64_t *ret_duration);
/* All at once; each gets a result of its own. */
void pprof_http_get(
	struct http_get *gets, uint32_t n, const struct pprof_args *args, struct notes *notes);
/* POSTs, for remote symbolization. */
must_check int pprof_http_post(const char *url, const char *body, size_t n,
	const struct pprof_args *args, struct buf *ret, struct err *err);

/* Gives the mappings the local files they are of (PPROF_BINARY_PATH), and the main binary its
 * name and build id (-buildid, first argument). */
void pprof_locate_binaries(struct profile *p, const struct pprof_args *args, struct notes *notes);
bool pprof_is_object_file(const char *path);

/* "open FILE: no such file or directory": the system's error in Go's form. Returns -errno. */
int pprof_os_error(struct err *err, const char *what, const char *path);

/* PREFIXnnnSUFFIX in dir, made anew: a file descriptor and its path (mem_free). */
must_check int pprof_temp_file(
	const char *dir, const char *prefix, const char *suffix, char **ret_path, struct err *err);

/* --- reports --- */

struct pprof_job {
	const struct pprof_command *command;
	const char *param;	     /* regular expression, or NULL */
	const struct config *config; /* names the output file, if any */
	bool in_shell;		     /* binary formats go to files, viewers are not waited for */
	int pipe_fd;		     /* -1, or where to write instead */
};
/* Makes one report. Changes the profile. */
must_check int pprof_run(
	struct profile *p, const struct pprof_job *job, struct notes *notes, struct err *err);
/* Removes temporary files that viewers have had time to read. */
void pprof_clean_up(void);

/* Opens a file or URL in $BROWSER or a browser that is there: its process, or -errno. */
pid_t pprof_browse(const char *what);

/* Serves the web page (-http) until SIGINT or SIGTERM. */
must_check int pprof_web(const struct profile *p, const struct pprof_args *args,
	struct notes *notes, struct err *err);

/* Runs `dot -Ttype`. */
must_check int pprof_dot(
	const struct buf *graph, const char *type, struct buf *out, struct err *err);

/* Words that could stand at the end of a line of the shell, and where the last word starts. */
struct pprof_completions {
	char **words;
	uint32_t n, cap;
	size_t from;
};
void pprof_complete(
	const struct profile *p, const char *line, size_t n, struct pprof_completions *ret);
void pprof_completions_release(struct pprof_completions *c);

/* Lets lines be typed and runs them, until one returns false. Fails if there is no terminal to do
 * it on. */
typedef bool pprof_line_fn(void *ctx, const char *line);
must_check int pprof_edit(const struct profile *p, pprof_line_fn *run, void *ctx);

/* Reads commands until the end. */
must_check int pprof_shell(
	struct profile *p, const struct config *config, struct notes *notes, struct err *err);

#endif
