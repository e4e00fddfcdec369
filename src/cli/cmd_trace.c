/*
 * sonde trace: Go execution traces, as text.
 */
#include "cli/cli.h"
#include "gotrace/gotrace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char synopsis[] =
	"usage: sonde trace -d=MODE FILE\n\n"
	"Reads an execution trace of Go 1.22 or later and shows it as text; \"-\" is the\n"
	"standard input.\n\n";

#define FLUSH_AT ((size_t)256 * 1024)

/* ---- input and output ---- */

static int64_t read_fd(struct gotrace_source *source, void *p, size_t n)
{
	int fd = *(int *)source->ctx;
	ssize_t got;
	do {
		got = read(fd, p, n);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static int flush(struct buf *out, struct err *err)
{
	bool ok = fwrite(out->data, 1, out->len, stdout) == out->len && fflush(stdout) == 0;
	buf_clear(out);
	return ok ? 0 : err_errno(err, "standard output");
}

/* A line is complete. */
static int line(struct buf *out, struct err *err)
{
	buf_addch(out, '\n');
	return out->len < FLUSH_AT ? 0 : flush(out, err);
}

/* What was made before an error is shown before it. */
static int end(struct buf *out, int rc, struct err *err)
{
	int written = rc < 0 ? flush(out, NULL) : flush(out, err);
	buf_release(out);
	return rc < 0 ? rc : written;
}

/* ---- modes ---- */

static int show_parsed(struct gotrace_source *source, struct err *err)
{
	struct gotrace_reader *r;
	struct gotrace_event ev;
	struct buf out = BUF_INIT;
	int rc = gotrace_reader_new(source, &r, err);
	if (rc < 0)
		return rc;
	while ((rc = gotrace_reader_next(r, &ev, err)) > 0) {
		gotrace_event_text(r, &ev, &out);
		rc = line(&out, err);
		if (rc < 0)
			break;
	}
	gotrace_reader_free(r);
	return end(&out, rc, err);
}

static int show_wire(struct gotrace_source *source, struct err *err)
{
	struct gotrace_raw *r;
	struct gotrace_raw_event ev;
	struct buf out = BUF_INIT;
	int rc = gotrace_raw_new(source, &r, err);
	if (rc < 0)
		return rc;
	while ((rc = gotrace_raw_next(r, &ev, err)) > 0) {
		gotrace_raw_text(&ev, &out);
		rc = line(&out, err);
		if (rc < 0)
			break;
	}
	gotrace_raw_free(r);
	return end(&out, rc, err);
}

struct footprint {
	uint8_t type;
	uint64_t count, bytes;
};

static int by_bytes(const void *a, const void *b)
{
	const struct footprint *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return (int)x->type - (int)y->type;
}

static void put_footprint(const struct footprint *types, uint64_t events, int64_t bytes)
{
	printf("%-20s  %12s  %7s  %12s  %7s\n", "Event", "Bytes", "%", "Count", "%");
	for (int i = 0; i < GOTRACE_EV_N && types[i].count; i++)
		printf("%-20s  %12" PRIu64 "  %6.2f%%  %12" PRIu64 "  %6.2f%%\n",
			gotrace_specs[types[i].type].name, types[i].bytes,
			100.0 * (double)types[i].bytes / (double)bytes, types[i].count,
			100.0 * (double)types[i].count / (double)events);
}

static int show_footprint(struct gotrace_source *source, struct err *err)
{
	struct gotrace_raw *r;
	struct gotrace_raw_event ev;
	struct footprint types[GOTRACE_EV_N] = {0};
	uint64_t events = 0;
	int rc = gotrace_raw_new(source, &r, err);
	if (rc < 0)
		return rc;
	for (; (rc = gotrace_raw_next(r, &ev, err)) > 0; events++) {
		types[ev.type].type = ev.type;
		types[ev.type].count++;
		types[ev.type].bytes += ev.size;
	}
	if (rc >= 0) {
		qsort(types, array_len(types), sizeof(types[0]), by_bytes);
		put_footprint(types, events, gotrace_raw_offset(r));
	}
	gotrace_raw_free(r);
	return rc;
}

/* The first thing that is wrong, be it that the trace cannot be read on or that it is unsound. */
static int check(struct gotrace_source *source, struct err *err)
{
	struct gotrace_reader *r;
	struct gotrace_event ev;
	uint64_t events = 0, syncs = 0;
	int rc = gotrace_reader_new(source, &r, err);
	if (rc < 0)
		return rc;
	struct gotrace_validator *v = gotrace_validator_new();
	while ((rc = gotrace_reader_next(r, &ev, err)) > 0) {
		events++;
		syncs += ev.kind == GOTRACE_KIND_SYNC;
		rc = gotrace_validator_event(v, r, &ev, err);
		if (rc < 0) {
			err_prefix(err, "event %" PRIu64, events);
			break;
		}
	}
	if (rc >= 0)
		printf("ok: %" PRIu64 " events, %" PRIu64 " generations\n", events, syncs - 1);
	gotrace_validator_free(v);
	gotrace_reader_free(r);
	return rc;
}

static const struct mode {
	const char *name;
	int (*show)(struct gotrace_source *source, struct err *err);
} modes[] = {
	{"parsed", show_parsed},
	{"wire", show_wire},
	{"footprint", show_footprint},
	{"check", check},
};

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < array_len(modes); i++)
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	return NULL;
}

/* ---- the command ---- */

static int run(const struct mode *mode, const char *path, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", path);
	struct gotrace_source source = {read_fd, &fd};
	int rc = mode->show(&source, err);
	if (rc < 0 && err->offset >= 0)
		err_prefix(err, "%s: at byte %" PRId64, path, err->offset);
	else if (rc < 0)
		err_prefix(err, "%s", path);
	if (!is_stdin)
		close(fd);
	return rc;
}

int cmd_trace(int argc, char **argv)
{
	const char *mode = "", *http = "", *pprof = "";
	struct goflag flags[] = {
		{"d", GOFLAG_STRING, &mode,
			"show the trace as `MODE`: parsed (the events in order), wire (the bytes, "
			"event by event), footprint (bytes and events of each type), or check it "
			"(read and validated: ok, or the first problem)"},
		/* go tool trace's, for an answer to those who give them. */
		{"http", GOFLAG_STRING, &http, ""},
		{"pprof", GOFLAG_STRING, &pprof, ""},
	};
	struct err err = ERR_INIT;
	struct buf usage = BUF_INIT;
	goflag_usage(flags, 1, &usage);
	int first = goflag_parse_mixed(flags, array_len(flags), argc, argv, &err);
	if (first == GOFLAG_HELP)
		printf("%s%s", synopsis, usage.data);
	buf_release(&usage);
	if (first == GOFLAG_HELP)
		return CLI_OK;
	if (first >= 0 && !*mode)
		first = err_set(&err, ERR_USAGE,
			"this version shows traces as text (-d=parsed, wire, footprint or check); "
			"`go tool trace FILE` opens the file in a browser");
	if (first >= 0 && !find_mode(mode))
		first = err_set(&err, ERR_USAGE,
			"invalid debug mode %s, want one of: parsed, wire, footprint, check", mode);
	if (first >= 0 && argc - first != 1)
		first = err_set(&err, ERR_USAGE, "one FILE is wanted; `sonde trace -h` says how");
	if (first < 0) {
		cli_error("trace", "%s", err.msg);
		return CLI_USAGE;
	}
	if (run(find_mode(mode), argv[first], &err) < 0) {
		cli_error("trace", "%s", err.msg);
		return CLI_FAILED;
	}
	return CLI_OK;
}
