/*
 * sonde pprof: the reader of profiles. Its command line, its output and its messages are google/
 * pprof's; a failure exits with 2, as there.
 */
#include "cli/cli.h"
#include "cli/pprof_tool.h"

#include <stdio.h>
#include <unistd.h>

/* Warnings, and the messages of the shell: red on a terminal. */
static void print_note(struct notes *notes, const char *line)
{
	const char *newline = *line && line[strlen(line) - 1] == '\n' ? "" : "\n";
	fflush(stdout);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\033[0;31m%s%s\033[0m", line, newline);
	else
		fprintf(stderr, "%s%s", line, newline);
}

static void print_usage(FILE *to, bool complete)
{
	struct buf text = BUF_INIT;
	pprof_usage(&text);
	if (complete)
		pprof_usage_own(&text);
	fputs(text.data, to);
	buf_release(&text);
}

static int report(const struct pprof_args *args, struct notes *notes, struct err *err)
{
	struct profile p;
	int rc = pprof_fetch(&p, args, notes, err);
	if (rc < 0)
		return rc;
	struct pprof_job job = {
		.command = args->command,
		.param = args->param,
		.config = &args->config,
		.pipe_fd = -1,
	};
	if (*args->http)
		rc = pprof_web(&p, args, notes, err);
	else if (args->command)
		rc = pprof_run(&p, &job, notes, err);
	else
		rc = pprof_shell(&p, &args->config, notes, err);
	profile_release(&p);
	pprof_clean_up();
	return rc;
}

int cmd_pprof(int argc, char **argv)
{
	struct pprof_args args;
	struct notes notes = {.add = print_note};
	struct err err = ERR_INIT;
	int rc = pprof_args_parse(&args, argc, argv, &notes, &err);
	bool helped = rc == PARSED_HELP;
	if (rc == PARSED_USAGE) {
		fprintf(stderr, "%s\n", err.msg);
		print_usage(stderr, false);
		rc = ERR_USAGE;
	} else if (helped) {
		print_usage(stdout, true);
	} else {
		if (!args.source_n)
			print_usage(stderr, false);
		if (rc >= 0)
			rc = report(&args, &notes, &err);
		if (rc < 0)
			fprintf(stderr, "pprof: %s\n", err.msg);
	}
	pprof_args_release(&args);
	return rc < 0 ? CLI_USAGE : CLI_OK;
}
