/*
 * Formats that are not pprof's: what other profilers write, and what other viewers read.
 */
#ifndef SONDE_PPROF_FORMATS_H
#define SONDE_PPROF_FORMATS_H

enum profile_format {
	FORMAT_ANY,	    /* as the content says */
	FORMAT_PPROF,	    /* profile.proto or one of pprof's legacy formats */
	FORMAT_FOLDED,	    /* "root;caller;leaf count", of flamegraph.pl's stackcollapse-* */
	FORMAT_PERF_SCRIPT, /* the text of `perf script` */
	FORMAT_PERF_DATA,   /* perf.data, "PERFILE2" */
	FORMAT_JEMALLOC,    /* heap_v2 dumps */
	FORMAT_HEAPTRACK,   /* heaptrack's files, interpreted */
	FORMAT_N,
};

/* "pprof", "folded", "perf-script", "perf-data", "jemalloc", "heaptrack"; "any". */
const char *profile_format_name(enum profile_format format);
/* FORMAT_N if there is none of that name. */
enum profile_format profile_format_find(const char *name);

/* Reads a profile of any format, or of the one named, compressed (gzip,
 * zstd) or not. As profile_parse() otherwise.
 * When the content is of no format, the error is profile_parse()'s. */
must_check int profile_read(struct profile *p, const void *data, size_t n,
	enum profile_format format, const struct profile_limits *limits, struct err *err);

/* One line a distinct stack of names, sorted: "root;caller;leaf 12". Frames without a function are
 * shown by address; ";" and ends of lines in names become ":" and spaces. Stacks whose total is 0
 * are left out. Returns 0, or what the sink returned. */
must_check int profile_write_folded(
	const struct profile *p, uint32_t value_index, struct sink *sink);
/* speedscope's file format: a "sampled" profile for each sample type, `active` shown first. */
must_check int profile_write_speedscope(
	const struct profile *p, const char *name, uint32_t active, struct sink *sink);

#endif
