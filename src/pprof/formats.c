/*
 * Which reader is for which content. What begins with a signature of its own goes straight there;
 * all else is pprof's to refuse first, and only then looked at as text that anyone could have
 * written.
 */
#include "pprof/readers.h"

static const struct {
	const char *name;
	bool (*is)(const void *data, size_t n);
	int (*parse)(struct profile *p, const void *data, size_t n, struct err *err);
	bool has_signature;
} formats[FORMAT_N] = {
	[FORMAT_ANY] = {"any", NULL, NULL, false},
	[FORMAT_PPROF] = {"pprof", NULL, NULL, false},
	[FORMAT_PERF_DATA] = {"perf-data", perf_data_is, perf_data_parse, true},
	[FORMAT_JEMALLOC] = {"jemalloc", jemalloc_is, jemalloc_parse, true},
	[FORMAT_PERF_SCRIPT] = {"perf-script", perf_script_is, perf_script_parse, false},
	[FORMAT_HEAPTRACK] = {"heaptrack", heaptrack_is, heaptrack_parse, true},
	[FORMAT_FOLDED] = {"folded", folded_is, folded_parse, false},
};

const char *profile_format_name(enum profile_format format)
{
	return formats[format].name;
}

enum profile_format profile_format_find(const char *name)
{
	enum profile_format format = FORMAT_ANY;
	while (format < FORMAT_N && strcmp(formats[format].name, name) != 0)
		format++;
	return format;
}

/* The format the content shows; FORMAT_ANY if none. perf script's text could pass for folded. */
static enum profile_format sniff(const void *data, size_t n, bool by_signature)
{
	static const enum profile_format order[] = {FORMAT_PERF_DATA, FORMAT_JEMALLOC,
		FORMAT_HEAPTRACK, FORMAT_PERF_SCRIPT, FORMAT_FOLDED};
	for (size_t i = 0; i < array_len(order); i++)
		if (formats[order[i]].has_signature == by_signature &&
			formats[order[i]].is(data, n))
			return order[i];
	return FORMAT_ANY;
}

/* Equal stacks become one sample, as in a profile that a profiler has counted itself. */
static int parse(
	struct profile *p, const void *data, size_t n, enum profile_format format, struct err *err)
{
	int rc = formats[format].parse(p, data, n, err);
	if (rc < 0)
		profile_release(p);
	else
		profile_compact(p);
	return rc;
}

static int parse_any(struct profile *p, const void *data, size_t n, const void *original,
	size_t original_n, const struct profile_limits *limits, struct err *err)
{
	enum profile_format format = sniff(data, n, true);
	if (format != FORMAT_ANY)
		return parse(p, data, n, format, err);
	struct err why = ERR_INIT;
	int rc = profile_parse(p, original, original_n, limits, &why);
	if (rc >= 0)
		return rc;
	format = rc == ERR_FORMAT ? sniff(data, n, false) : FORMAT_ANY;
	if (format != FORMAT_ANY && strstr(why.msg, "unrecognized"))
		return parse(p, data, n, format, err);
	if (err)
		*err = why;
	return rc;
}

static int inflate(const void *data, size_t n, const struct profile_limits *limits, struct buf *out,
	struct err *err)
{
	size_t max = limits && limits->inflated_max ? limits->inflated_max : INFLATED_MAX;
	return zstd_is(data, n) ? zstd_inflate(data, n, max, out, err)
				: gzip_inflate(data, n, max, out, err);
}

/* What is compressed is inflated whole, but for pprof's own, which is tried first. */
static int read_compressed(struct profile *p, const void *data, size_t n,
	enum profile_format format, const struct profile_limits *limits, struct err *err)
{
	struct err why = ERR_INIT;
	if (format == FORMAT_ANY && gzip_is(data, n)) {
		int rc = profile_parse(p, data, n, limits, &why);
		if (rc >= 0 || !strstr(why.msg, "unrecognized")) {
			if (rc < 0 && err)
				*err = why;
			return rc;
		}
	}
	struct buf plain = BUF_INIT;
	int rc = inflate(data, n, limits, &plain, err);
	if (rc >= 0 && format == FORMAT_ANY)
		rc = parse_any(p, plain.data, plain.len, plain.data, plain.len, limits, err);
	else if (rc >= 0)
		rc = parse(p, plain.data, plain.len, format, err);
	buf_release(&plain);
	return rc;
}

int profile_read(struct profile *p, const void *data, size_t n, enum profile_format format,
	const struct profile_limits *limits, struct err *err)
{
	if (format == FORMAT_PPROF)
		return profile_parse(p, data, n, limits, err);
	if (gzip_is(data, n) || zstd_is(data, n))
		return read_compressed(p, data, n, format, limits, err);
	if (format != FORMAT_ANY)
		return parse(p, data, n, format, err);
	return parse_any(p, data, n, data, n, limits, err);
}
