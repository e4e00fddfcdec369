/*
 * sonde benchstat: summaries and A/B comparisons of benchmark results, as Go's benchstat gives
 * them.
 *
 * Beyond Go's: exit statuses that say what happened, formats for programs and people, correction
 * for many comparisons, a threshold that fails a CI job, trends, and pages. The default text is
 * Go's to the byte.
 */
#include "cli/cli.h"

#include "benchfmt/benchfmt.h"
#include "web/web.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)8 << 30)

static const char usage_text[] =
	"Usage: benchstat [flags] inputs...\n\n"
	"benchstat computes statistical summaries and A/B comparisons of Go\n"
	"benchmarks. It shows benchmark medians in a table with a row for each\n"
	"benchmark and a column for each input file. If there is more than one\n"
	"input file, it also shows A/B comparisons between the files. If a\n"
	"difference is likely to be noise, it shows \"~\".\n\n"
	"For details, see https://pkg.go.dev/golang.org/x/perf/cmd/benchstat.\n";

struct options {
	const char *table, *row, *col, *ignore, *filter, *format, *threshold, *http, *trend;
	double alpha, confidence;
	bool holm, fix;
};

struct input {
	const char *path;
	char *label;  /* owned */
	void *mapped; /* NULL: in `buf` */
	size_t size;
	struct buf buf;
};

struct run {
	struct options o;
	double threshold; /* fraction; < 0: none */
	struct bench_reader reader;
	struct projector projector;
	struct projection table_by, row_by, col_by, ignored, residue;
	struct tables tables;
	bool syntax_errors;
};

static const struct options defaults = {.table = ".config",
	.row = ".fullname",
	.col = ".file",
	.ignore = "",
	.filter = "*",
	.format = "text",
	.threshold = "",
	.http = "",
	.trend = "",
	.alpha = 0.05,
	.confidence = 0.95};

enum { GO_FLAGS = 8, OWN_FLAGS = 5, FLAGS = GO_FLAGS + OWN_FLAGS };

/* Go's in the order in which its package flag prints them, then ours. */
static void make_flags(struct options *o, struct goflag *ret)
{
	const struct goflag flags[FLAGS] = {
		{"alpha", GOFLAG_FLOAT, &o->alpha, "consider change significant if p < `\xce\xb1`"},
		{"col", GOFLAG_STRING, &o->col,
			"split results into columns by distinct values of `projection`"},
		{"confidence", GOFLAG_FLOAT, &o->confidence, "confidence `level` for ranges"},
		{"filter", GOFLAG_STRING, &o->filter,
			"use only benchmarks matching benchfilter `query`"},
		{"format", GOFLAG_STRING, &o->format,
			"print results in `format`:\n  text - plain text\n"
			"  csv  - comma-separated values (warnings will be written to stderr)\n"},
		{"ignore", GOFLAG_STRING, &o->ignore, "ignore variations in `keys`"},
		{"row", GOFLAG_STRING, &o->row,
			"split results into rows by distinct values of `projection`"},
		{"table", GOFLAG_STRING, &o->table,
			"split results into tables by distinct values of `projection`"},
		{"fix", GOFLAG_BOOL, &o->fix, ""},
		{"holm", GOFLAG_BOOL, &o->holm, ""},
		{"http", GOFLAG_STRING, &o->http, ""},
		{"threshold", GOFLAG_STRING, &o->threshold, ""},
		{"trend", GOFLAG_STRING, &o->trend, ""},
	};
	memcpy(ret, flags, sizeof(flags));
}

static const char own_usage[] =
	"\nsonde's own:\n"
	"  -fix\n    \ttreat 0 ns/op as 0 sec/op, in the table of its fellows\n"
	"  -format json|markdown|html\n    \tfor programs, for pull requests, and with the "
	"distributions drawn\n"
	"  -holm\n    \tcorrect p for the number of comparisons (Holm's method)\n"
	"  -http [host]:[port]\n    \tserve the comparison, and trends over three columns or more, "
	"as "
	"pages\n"
	"  -threshold percent\n"
	"    \texit 1 if a benchmark got significantly worse by more than this (5%)\n"
	"  -trend projection\n"
	"    \tas -col, and show the columns as series with their changes (html, -http)\n";

static void usage(FILE *to)
{
	struct options o = defaults;
	struct goflag flags[FLAGS];
	struct buf out = BUF_INIT;
	make_flags(&o, flags);
	buf_addstr(&out, usage_text);
	goflag_usage(flags, GO_FLAGS, &out);
	fputs(out.data, to);
	buf_release(&out);
}

static void complain(const char *fmt, ...) attr_printf(1, 2);
static void complain(const char *fmt, ...)
{
	va_list ap;
	fputs("benchstat: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* --- inputs --- */

static uint32_t count_path(char **args, uint32_t n, const char *path)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < n; i++)
		count += !strchr(args[i], '=') && strcmp(args[i], path) == 0;
	return count;
}

/* "file", "label=file", "-"; a file given twice is told apart as file#0 and file#1. */
static void name_inputs(struct input *inputs, char **args, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct buf label = BUF_INIT;
		const char *eq = strchr(args[i], '=');
		inputs[i] = (struct input){.path = eq ? eq + 1 : args[i], .buf = BUF_INIT};
		if (eq)
			buf_add(&label, args[i], (size_t)(eq - args[i]));
		else if (count_path(args, n, args[i]) == 1)
			buf_addstr(&label, args[i]);
		else
			buf_printf(&label, "%s#%u", args[i], count_path(args, i, args[i]));
		inputs[i].label = buf_detach(&label, NULL);
	}
}

static int open_input(struct input *in, struct err *err)
{
	int fd = strcmp(in->path, "-") == 0 ? -1 : open(in->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 && strcmp(in->path, "-") != 0)
		return err_set(err, -errno, "open %s: %s", in->path,
			errno == ENOENT ? "no such file or directory" : strerror(errno));
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p != MAP_FAILED) {
			in->mapped = p;
			in->size = (size_t)st.st_size;
			madvise(p, in->size, MADV_SEQUENTIAL);
			close(fd);
			return 0;
		}
	}
	if (fd >= 0)
		close(fd);
	return cli_read_file(in->path, INPUT_MAX, &in->buf, err);
}

static void close_input(struct input *in)
{
	if (in->mapped)
		munmap(in->mapped, in->size);
	buf_release(&in->buf);
	mem_free(in->label);
}

static void report(void *ctx, const char *msg)
{
	struct run *run = ctx;
	fprintf(stderr, "%s\n", msg);
	run->syntax_errors = true;
}

static void read_opened(struct run *run, const struct input *inputs, uint32_t n)
{
	struct bench_input *all = mem_array(n + 1, sizeof(*all));
	for (uint32_t i = 0; i < n; i++) {
		const struct input *in = &inputs[i];
		all[i] = (struct bench_input){in->path, in->label,
			in->mapped ? in->mapped : in->buf.data, in->mapped ? in->size : in->buf.len,
			in->mapped};
	}
	tables_read(&run->tables, all, n, &(struct load_options){parallel_cpus(), LOAD_PIECE},
		report, run);
	mem_free(all);
}

static bool shows_details(const struct options *o)
{
	return *o->http || strcmp(o->format, "json") == 0 || strcmp(o->format, "html") == 0;
}

/* As Go does, all of them must open: a table that lacks a column would be taken for the answer. */
static int read_inputs(struct run *run, char **args, uint32_t n)
{
	struct input *inputs = mem_zalloc((n + 1) * sizeof(*inputs));
	struct err err = ERR_INIT;
	uint32_t opened = 0;
	int rc = 0;
	name_inputs(inputs, args, n);
	while (rc == 0 && opened < n) {
		rc = open_input(&inputs[opened], &err);
		opened += rc == 0;
	}
	read_opened(run, inputs, opened); /* what is wrong with those before is told first */
	if (rc < 0)
		complain("%s", err.msg);
	else
		tables_finish(&run->tables,
			&(struct table_options){run->o.alpha, run->o.confidence, run->o.holm,
				shows_details(&run->o), parallel_cpus()});
	for (uint32_t i = 0; i < n; i++)
		close_input(&inputs[i]);
	mem_free(inputs);
	return rc;
}

/* --- options --- */

static int parse_projections(struct run *run)
{
	struct {
		const char *flag, *query;
		struct projection *proj;
	} all[] = {
		{"-table", run->o.table, &run->table_by},
		{"-row", run->o.row, &run->row_by},
		{*run->o.trend ? "-trend" : "-col", *run->o.trend ? run->o.trend : run->o.col,
			&run->col_by},
		{"-ignore", run->o.ignore, &run->ignored},
	};
	int rc = 0;
	for (size_t i = 0; i < array_len(all); i++) {
		struct err err = ERR_INIT;
		bool with_unit = all[i].proj == &run->table_by;
		int failed = projection_parse(
			all[i].proj, &run->projector, all[i].query, with_unit, &err);
		if (failed < 0 && rc == 0)
			complain("parsing %s: %s", all[i].flag, err.msg);
		rc = rc < 0 ? rc : failed;
	}
	return rc;
}

static int parse_threshold(struct run *run)
{
	const char *s = run->o.threshold;
	size_t n = strlen(s);
	run->threshold = -1;
	if (!n)
		return 0;
	n -= s[n - 1] == '%';
	if (number_parse_float(s, n, &run->threshold) < 0 || !(run->threshold >= 0))
		return -1;
	run->threshold /= 100;
	return 0;
}

static bool is_format(const char *format)
{
	static const char *const known[] = {"text", "csv", "json", "markdown", "html"};
	for (size_t i = 0; i < array_len(known); i++)
		if (strcmp(format, known[i]) == 0)
			return true;
	return false;
}

static int check_options(struct run *run)
{
	bool page = *run->o.http || strcmp(run->o.format, "html") == 0;
	if (!(run->o.alpha >= 0 && run->o.alpha <= 1))
		complain("-alpha must be in range [0, 1]");
	else if (!(run->o.confidence >= 0 && run->o.confidence <= 1))
		complain("-confidence must be in range [0, 1]");
	else if (!is_format(run->o.format))
		complain("-format must be text or csv"); /* Go's words; -h names sonde's own */
	else if (parse_threshold(run) < 0)
		complain("-threshold must be a percentage: 5%%");
	else if (*run->o.http && strcmp(run->o.format, "text") != 0)
		complain("-http serves pages: leave out -format");
	else if (*run->o.trend && !page)
		complain("-trend draws: add -format=html or -http=:8080");
	else if (*run->o.trend && run->o.col != defaults.col)
		complain("-trend and -col both choose the columns: give one of them");
	else
		return 0;
	return -1;
}

/* --- output --- */

static void print_tables(struct run *run)
{
	struct buf out = BUF_INIT, warnings = BUF_INIT;
	const char *format = run->o.format;
	if (strcmp(format, "csv") == 0)
		tables_write_csv(&run->tables, &out, &warnings);
	else if (strcmp(format, "json") == 0)
		tables_write_json(&run->tables, &out);
	else if (strcmp(format, "markdown") == 0)
		tables_write_markdown(&run->tables, &out);
	else if (strcmp(format, "html") == 0)
		tables_write_html(&run->tables, *run->o.trend, run->o.alpha, &out);
	else
		tables_write_text(&run->tables, &out);
	fwrite(out.data, 1, out.len, stdout);
	fputs(warnings.data, stderr);
	buf_release(&out);
	buf_release(&warnings);
}

/* Until Ctrl-C. */
static int serve(const struct run *run)
{
	struct web_benchstat web = {&run->tables, run->o.alpha, *run->o.trend};
	struct http_server *server;
	struct err err = ERR_INIT;
	cli_hold_stop();
	if (web_benchstat_start(&server, run->o.http, &web, &err) < 0) {
		complain("%s", err.msg);
		return -1;
	}
	complain("serving on %s", http_url(server));
	cli_wait_stop();
	http_stop(server);
	return 0;
}

static bool is_regression(const struct run *run, const struct table *table, const struct cell *c)
{
	if (comparison_verdict(&run->tables, table, c) >= 0)
		return false;
	double before = c->baseline->summary.center;
	return before == 0 || fabs(c->summary.center / before - 1) > run->threshold;
}

/* Says which benchmarks got worse by more than the threshold; how many. */
static uint32_t report_regressions(const struct run *run)
{
	uint32_t found = 0;
	for (uint32_t i = 0; run->threshold >= 0 && i < run->tables.n; i++) {
		const struct table *table = &run->tables.tables[run->tables.order[i]];
		for (uint32_t row = 0; row < table->row_n; row++) {
			for (uint32_t col = 1; col < table->col_n; col++) {
				const struct cell *c =
					table_cell(table, table->rows[row], table->cols[col]);
				if (!c || !is_regression(run, table, c))
					continue;
				struct buf line = BUF_INIT;
				buf_addstr(&line, "regression: ");
				projection_describe(
					run->tables.row_by, &run->projector, c->row, &line);
				buf_printf(&line, " %s ", bench_str(&run->reader, table->unit));
				comparison_delta(&c->comparison, c->baseline->summary.center,
					c->summary.center, &line);
				buf_addstr(&line, " (");
				comparison_describe(&c->comparison, &line);
				complain("%s), the threshold is %g%%", line.data,
					run->threshold * 100);
				buf_release(&line);
				found++;
			}
		}
	}
	return found;
}

static void run_release(struct run *run)
{
	tables_release(&run->tables);
	projection_release(&run->table_by);
	projection_release(&run->row_by);
	projection_release(&run->col_by);
	projection_release(&run->ignored);
	projection_release(&run->residue);
	projector_release(&run->projector);
	bench_reader_release(&run->reader);
}

static int summarize(struct run *run, char **args, uint32_t n)
{
	struct err err = ERR_INIT;
	struct filter *filter;
	if (filter_parse(run->o.filter, &filter, &err) < 0) {
		complain("parsing -filter: %s", err.msg);
		return CLI_USAGE;
	}
	bench_reader_init(&run->reader);
	run->reader.fix_zero = run->o.fix;
	projector_init(&run->projector, &run->reader, filter);
	if (parse_projections(run) < 0 || check_options(run) < 0)
		return CLI_USAGE;
	projection_residue(&run->residue, &run->projector);
	tables_init(&run->tables, &run->projector, &run->table_by, &run->row_by, &run->col_by,
		&run->residue);
	if (read_inputs(run, args, n) < 0)
		return CLI_FAILED;
	if (!*run->o.http)
		print_tables(run);
	else if (serve(run) < 0)
		return CLI_FAILED;
	return report_regressions(run) || run->syntax_errors ? CLI_FAILED : CLI_OK;
}

int cmd_benchstat(int argc, char **argv)
{
	struct run run = {.o = defaults};
	struct goflag flags[FLAGS];
	struct err err = ERR_INIT;
	make_flags(&run.o, flags);
	int first = goflag_parse(flags, FLAGS, argc, argv, &err);
	if (first == GOFLAG_HELP) {
		usage(stdout);
		fputs(own_usage, stdout);
		return CLI_OK;
	}
	if (first < 0)
		fprintf(stderr, "%s\n", err.msg);
	if (first < 0 || first == argc) {
		usage(stderr);
		return CLI_USAGE;
	}
	int rc = summarize(&run, argv + first, (uint32_t)(argc - first));
	run_release(&run);
	return rc;
}
