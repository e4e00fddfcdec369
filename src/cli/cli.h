/*
 * cli: the sonde command. main.c looks a name up in the command table (commands.c) and calls its
 * cmd_NAME(); each lives in a cmd_NAME.c of its own.
 *
 * stdout is the result, stderr the chatter. Exit 0 success, 1 the work failed, 2 usage.
 */
#ifndef SONDE_CLI_H
#define SONDE_CLI_H

#include "base/base.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
};

struct command {
	const char *name;
	const char *synopsis; /* one line for `sonde help` */
	/* argv[0] is the command's name. Returns an enum cli_exit (or a program's own status). */
	int (*run)(int argc, char **argv);
};

extern const struct command cli_commands[]; /* ends with a NULL name */

int cmd_run(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_pprof(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_benchstat(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_version(int argc, char **argv);

/* "sonde NAME: message\n" on stderr. */
void cli_error(const char *name, const char *fmt, ...) attr_printf(2, 3);
/* The whole of a file, "-" for stdin. 0 or -errno with a message. */
must_check int cli_read_file(const char *path, size_t max, struct buf *out, struct err *err);
/* Holds SIGINT and SIGTERM back for cli_wait_stop(), and ignores SIGPIPE. Before a server starts
 * its threads, which inherit it: else one of them would take the signal. Single-threaded. */
void cli_hold_stop(void);
/* Until SIGINT or SIGTERM, after cli_hold_stop(). */
void cli_wait_stop(void);

#endif
