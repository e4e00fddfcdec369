/*
 * sonde: the command. Finds the subcommand and hands over; `help` and bad names are dealt with
 * here.
 */
#include "cli/cli.h"

#include <errno.h>
#include <malloc.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void cli_error(const char *name, const char *fmt, ...)
{
	va_list ap;
	fprintf(stderr, "sonde%s%s: ", name ? " " : "", name ? name : "");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int read_all(int fd, const char *path, size_t max, struct buf *out, struct err *err)
{
	for (;;) {
		if (out->len > max)
			return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, max);
		buf_reserve(out, out->len < 65536 ? 65536 : out->len / 2);
		ssize_t n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "%s", path);
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
}

int cli_read_file(const char *path, size_t max, struct buf *out, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", path);
	struct stat st;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= max)
		buf_reserve(out, (size_t)st.st_size + 1);
	int rc = read_all(fd, path, max, out, err);
	if (!is_stdin)
		close(fd);
	return rc;
}

static void usage(FILE *to)
{
	fprintf(to, "usage: sonde COMMAND [ARGS]\n\nProfiling and observability for C programs, in "
		    "Go's "
		    "formats.\n\ncommands:\n");
	for (const struct command *c = cli_commands; c->name; c++)
		fprintf(to, "  %-10s %s\n", c->name, c->synopsis);
	fprintf(to, "\n`sonde help COMMAND` says more; so does `man sonde-COMMAND`.\n");
}

int cmd_version(int argc, char **argv)
{
	printf("sonde %s\n", SONDE_VERSION);
	return CLI_OK;
}

static const struct command *find(const char *name)
{
	for (const struct command *c = cli_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "help") || !strcmp(arg, "-h") || !strcmp(arg, "-help") ||
	       !strcmp(arg, "--help");
}

static bool is_version(const char *arg)
{
	return !strcmp(arg, "-version") || !strcmp(arg, "--version");
}

/* `sonde help COMMAND` is `sonde COMMAND -h`. */
static int help(int argc, char **argv)
{
	char flag[] = "-h";
	const struct command *c = argc > 2 ? find(argv[2]) : NULL;
	if (c && c->run != cmd_version)
		return c->run(2, (char *[]){argv[2], flag, NULL});
	if (argc > 2 && !c) {
		cli_error(NULL, "'%s' is not a command; `sonde help` lists them", argv[2]);
		return CLI_USAGE;
	}
	usage(stdout);
	return CLI_OK;
}

/* What is large and freed goes back to the system at once, instead of staying behind as a hole that
 * the next large thing does not fit. (malloc would raise this bound with each large block freed.)
 */
static void set_up_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
}

int main(int argc, char **argv)
{
	set_up_memory();
	if (argc < 2) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (is_help(argv[1]))
		return help(argc, argv);
	const char *name = is_version(argv[1]) ? "version" : argv[1];
	const struct command *c = find(name);
	if (!c) {
		cli_error(NULL, "'%s' is not a command; `sonde help` lists them", argv[1]);
		return CLI_USAGE;
	}
	int rc = c->run(argc - 1, argv + 1);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_error(name, "writing the result: %s", strerror(errno));
		return rc ? rc : CLI_FAILED;
	}
	return rc;
}
