/*
 * sonde convert: a profile of any format that is read, in one that another tool reads.
 */
#include "cli/cli.h"
#include "pprof/pprof.h"
#include "report/report.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)4 << 30)

static const char synopsis[] =
	"usage: sonde convert [-from FORMAT] [-to FORMAT] [-sample_index TYPE] [-o FILE] "
	"INPUT...\n"
	"       sonde convert INPUT... -o FILE\n\n"
	"Reads profiles, merged if several, and writes one; \"-\" is the standard input.\n"
	"Read: pprof (and its legacy formats), folded, perf-script, perf-data, jemalloc,\n"
	"heaptrack.\n"
	"Written: pprof, proto, folded, speedscope, raw.\n\n";

struct convert {
	const char *from, *to, *sample_index, *output;
};

static void usage(FILE *to, const struct goflag *flags, size_t n)
{
	struct buf text = BUF_INIT;
	goflag_usage(flags, n, &text);
	fprintf(to, "%s%s", synopsis, text.data);
	buf_release(&text);
}

static int read_input(
	const char *path, enum profile_format format, struct profile *ret, struct err *err)
{
	struct buf data = BUF_INIT;
	int rc = cli_read_file(path, INPUT_MAX, &data, err);
	if (rc >= 0) {
		rc = profile_read(ret, data.data, data.len, format, NULL, err);
		if (rc < 0)
			err_prefix(err, "%s", path);
	}
	buf_release(&data);
	return rc;
}

/* All inputs as one profile. One alone stays as it is, unknown fields and all. */
static int read_inputs(
	char **paths, uint32_t n, enum profile_format format, struct profile *ret, struct err *err)
{
	struct profile *all = mem_array(n, sizeof(*all));
	uint32_t read = 0;
	int rc = 0;
	for (; read < n && rc >= 0; read += rc >= 0)
		rc = read_input(paths[read], format, &all[read], err);
	if (rc >= 0 && n == 1) {
		*ret = all[0];
		read = 0;
	} else if (rc >= 0) {
		rc = profile_compatibilize(all, n, err);
		if (rc >= 0)
			rc = report_scale_profiles(all, n, err);
		if (rc >= 0)
			rc = profile_merge_take(ret, all, n, err);
	}
	for (uint32_t i = 0; i < read; i++)
		profile_release(&all[i]);
	mem_free(all);
	return rc;
}

static int put(struct sink *sink, const void *p, size_t n)
{
	return fwrite(p, 1, n, sink->ctx) == n ? 0 : -(errno ? errno : EIO);
}

static int put_gzipped(const struct profile *p, struct sink *sink)
{
	struct gzip_writer *gzip = gzip_writer_new(sink);
	struct sink message = gzip_sink(gzip);
	int rc = profile_encode_to(p, &message);
	int end = gzip_writer_finish(gzip);
	return rc < 0 ? rc : end;
}

static int write_profile(const struct convert *c, const struct profile *p, const char *name,
	uint32_t value, struct sink *sink)
{
	if (strcmp(c->to, "pprof") == 0)
		return put_gzipped(p, sink);
	if (strcmp(c->to, "proto") == 0)
		return profile_encode_to(p, sink);
	if (strcmp(c->to, "raw") == 0)
		return profile_string(p, sink);
	if (strcmp(c->to, "folded") == 0)
		return profile_write_folded(p, value, sink);
	return profile_write_speedscope(p, name, value, sink);
}

/* Writes to the output; a file that could not be written whole is removed again. */
static int output(const struct convert *c, const struct profile *p, const char *name,
	uint32_t value, struct err *err)
{
	bool to_file = *c->output && strcmp(c->output, "-") != 0;
	FILE *f = to_file ? fopen(c->output, "wb") : stdout;
	if (!f)
		return err_errno(err, "%s", c->output);
	struct sink sink = {.write = put, .ctx = f};
	int rc = write_profile(c, p, name, value, &sink);
	if (rc >= 0 && fflush(f) != 0)
		rc = -errno;
	if (to_file && fclose(f) != 0 && rc >= 0)
		rc = -errno;
	if (rc >= 0)
		return 0;
	if (to_file)
		unlink(c->output);
	return err_set(err, rc, "%s: %s", to_file ? c->output : "standard output", err_name(rc));
}

static int run(const struct convert *c, char **paths, uint32_t n, enum profile_format format,
	struct err *err)
{
	struct profile p;
	uint32_t value;
	int rc = read_inputs(paths, n, format, &p, err);
	if (rc < 0)
		return rc;
	rc = report_sample_index(&p, c->sample_index, &value, err);
	if (rc >= 0 && !p.sample_type_n)
		rc = err_set(err, ERR_FORMAT, "%s: the profile has no sample types", paths[0]);
	if (rc >= 0)
		rc = output(c, &p, paths[0], value, err);
	profile_release(&p);
	return rc;
}

static const struct {
	const char *name, *suffix; /* of files in the format */
} outputs[] = {
	{"pprof", ".pb.gz"},
	{"proto", ".pb"},
	{"folded", ".folded"},
	{"speedscope", ".speedscope.json"},
	{"raw", ".txt"},
};

static bool is_output(const char *name)
{
	for (size_t i = 0; i < array_len(outputs); i++)
		if (strcmp(name, outputs[i].name) == 0)
			return true;
	return false;
}

/* The format that the output's name asks for. */
static const char *output_format(const char *file)
{
	size_t n = strlen(file);
	for (size_t i = 0; i < array_len(outputs); i++) {
		size_t end = strlen(outputs[i].suffix);
		if (n > end && strcmp(file + n - end, outputs[i].suffix) == 0)
			return outputs[i].name;
	}
	return "pprof";
}

int cmd_convert(int argc, char **argv)
{
	struct convert c = {.from = "any", .to = "", .sample_index = "", .output = ""};
	struct goflag flags[] = {
		{"from", GOFLAG_STRING, &c.from,
			"read `FORMAT`: any, pprof, folded, perf-script, perf-data, jemalloc, "
			"heaptrack"},
		{"to", GOFLAG_STRING, &c.to,
			"write `FORMAT`: pprof, proto (not gzipped), folded, speedscope, raw; else "
			"what the output's name ends in: .pb.gz .pb .folded .speedscope.json .txt, "
			"or pprof"},
		{"sample_index", GOFLAG_STRING, &c.sample_index,
			"the sample `TYPE`, by name or number, of folded stacks; shown first by "
			"speedscope"},
		{"o", GOFLAG_STRING, &c.output, "write to `FILE`, not to the standard output"},
	};
	struct err err = ERR_INIT;
	int first = goflag_parse_mixed(flags, array_len(flags), argc, argv, &err);
	if (first == GOFLAG_HELP) {
		usage(stdout, flags, array_len(flags));
		return CLI_OK;
	}
	if (!*c.to)
		c.to = output_format(c.output);
	enum profile_format format = profile_format_find(c.from);
	if (first >= 0 && format == FORMAT_N)
		first = err_set(&err, ERR_USAGE, "-from: no format \"%s\"", c.from);
	if (first >= 0 && !is_output(c.to))
		first = err_set(&err, ERR_USAGE, "-to: no format \"%s\"", c.to);
	if (first >= 0 && first == argc)
		first = err_set(&err, ERR_USAGE, "no input; `sonde convert -h` says how");
	if (first < 0) {
		cli_error("convert", "%s", err.msg);
		return CLI_USAGE;
	}
	if (run(&c, argv + first, (uint32_t)(argc - first), format, &err) < 0) {
		cli_error("convert", "%s", err.msg);
		return CLI_FAILED;
	}
	return CLI_OK;
}
