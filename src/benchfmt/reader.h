/*
 * Reading benchmark results: golang.org/design/14313-benchmark-format, as
 * golang.org/x/perf/benchfmt reads it. Lines that are nothing of the format are passed over; a line
 * that means to be a result and is wrong is reported, and reading goes on.
 *
 * One reader reads any number of inputs, one after another; units metadata carries across them.
 */
#ifndef SONDE_BENCHFMT_READER_H
#define SONDE_BENCHFMT_READER_H

struct bench_value {
	double value;
	uint32_t unit;	    /* string, tidied */
	uint32_t orig_unit; /* string; 0 if value and unit are as written */
};

struct bench_config {
	uint32_t key, value; /* strings */
	bool file;	     /* from the file; otherwise given by the caller (.file) */
};

/* One result. */
struct bench_result {
	struct bench_config *config;
	uint32_t config_n;
	uint32_t config_id; /* from 1: the same for the same contents in the same order */
	uint32_t shape;	    /* from 1: the same for the same name and units */
	const char *name;   /* without "Benchmark": in the input, or a string of the reader */
	uint32_t name_len;
	int64_t iters;
	struct bench_value *values;
	uint32_t value_n;
	const char *file;
	int line;
};

struct bench_metadata {
	uint32_t unit, key, value; /* strings; unit tidied */
};

enum bench_record {
	BENCH_END,
	BENCH_RESULT, /* reader.result */
	BENCH_ERROR,  /* reader.error: a syntax error, "FILE:LINE: message" in error.msg */
};

struct bench_reader {
	struct strtab strings; /* of keys, values, units: for all inputs */
	struct bench_result result;
	struct err error;
	bool fix_zero; /* a zero of "ns/op" is tidied like its fellows; Go leaves it a unit of its
			  own */
	/* private */
	const char *p, *end;
	uint32_t config_cap, value_cap;
	bool config_changed; /* since config_id was set */
	uint32_t *configs;   /* contents seen, three words a key, each behind its word count */
	uint32_t configs_n, configs_cap, config_ids;
	struct map config_index; /* hash of contents -> place in configs */
	struct shapes shapes;
	struct bench_metadata *metadata;
	uint32_t metadata_n, metadata_cap;
	struct tidied {
		bool known;
		uint32_t unit;
		double factor;
	} * tidied; /* by string id */
	uint32_t tidied_n;
	const char *units_left; /* the rest of a Unit line: it may hold several errors */
	const char *units_end;
	uint32_t units_orig;
};

void bench_reader_init(struct bench_reader *r);
void bench_reader_release(struct bench_reader *r);
/* Starts on a new input, [p, p + n), which must live while it is read. `label` becomes the value of
 * the key ".file". */
void bench_reader_open(
	struct bench_reader *r, const char *p, size_t n, const char *file, const char *label);
enum bench_record bench_reader_next(struct bench_reader *r);
/* What of the input lies before this has been read. */
static inline const char *bench_reader_at(const struct bench_reader *r)
{
	return r->p;
}

/* The value as it stands in a result, `unit` being what `written` tidies to by `factor`. Go takes a
 * value that tidying leaves as it was for one of a tidy unit: a 0 ns/op stays ns/op. */
static inline struct bench_value bench_value_of(
	const struct bench_reader *r, double value, double factor, uint32_t unit, uint32_t written)
{
	double tidied = value * factor;
	if (tidied == value && !(r->fix_zero && unit != written))
		return (struct bench_value){.value = value, .unit = written};
	return (struct bench_value){.value = tidied, .unit = unit, .orig_unit = written};
}
/* What values of a unit as written are multiplied by. */
double bench_reader_factor(struct bench_reader *r, uint32_t written);

/* Metadata of a unit, or of what it tidies to ("assume", "better"), or NULL. */
const char *bench_reader_metadata(struct bench_reader *r, uint32_t unit, const char *key);

static inline const char *bench_str(const struct bench_reader *r, uint32_t id)
{
	return strtab_get(&r->strings, id);
}

#endif
