/*
 * Reading benchmark results: golang.org/design/14313-benchmark-format, as
 * golang.org/x/perf/benchfmt reads it. Lines that are nothing of the format are passed over; a line
 * that means to be a result and is wrong is reported, and reading goes on.
 *
 * One reader reads any number of inputs, one after another; units metadata carries across them.
 */
#ifndef SONDE_BENCHFMT_READER_H
#define SONDE_BENCHFMT_READER_H

struct bench_unit {
	uint32_t unit;	    /* string, tidied */
	uint32_t orig_unit; /* string; 0 if value and unit are as written */
};

struct bench_config {
	uint32_t key, value; /* strings */
	bool file;	     /* from the file; otherwise given by the caller (.file) */
};

/* The same for a reader whose strings are others. */
struct bench_unit_text {
	struct str unit, orig_unit; /* orig_unit may be "" */
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
	const double *values;
	const struct bench_unit *units; /* of the values */
	uint32_t value_n;
	bool plain; /* no value has a sign, none is a word */
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
	BENCH_LEFT,   /* reader.left: a line of a part that only the whole input gives a sense */
};

struct bench_reader {
	struct strtab strings; /* of keys, values, units: for all inputs */
	struct bench_result result;
	struct err error;
	const char *left;
	bool fix_zero; /* a zero of "ns/op" is tidied like its fellows; Go leaves it a unit of its
			  own */
	/* private */
	const char *p, *end; /* what is left to read */
	const char *input_end;
	double *values;
	struct bench_unit *units;
	uint32_t config_cap, value_cap, unit_cap;
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

/* --- in parts, which different readers read at once ---
 *
 * A part is some lines of an input. Its results can be read without what stands before it; lines of
 * configuration, units metadata and errors are left, by their number in the part, to the reader
 * that has the whole input open. */

void bench_reader_open_part(struct bench_reader *r, const char *p, size_t n);
/* The next result of a part, which has no config, or BENCH_LEFT. */
enum bench_record bench_reader_next_part(struct bench_reader *r);
/* Values of lines read by this shape are put at `values` from now on, NULL: where others are. */
static inline void bench_reader_put_at(struct bench_reader *r, uint32_t shape, double *values)
{
	r->shapes.all[shape].values = values;
}
/* Of the input that is open, the line at p is next and the last. */
void bench_reader_goto(struct bench_reader *r, const char *p, int line);
/* Makes a result of that shape, without values, of what was said of the input so far. */
void bench_reader_assume(struct bench_reader *r, uint32_t shape);
/* The shape of results of that name and those units, which are those of another reader. */
uint32_t bench_reader_shape(struct bench_reader *r, const char *name, uint32_t name_len,
	const struct bench_unit_text *units, uint32_t n);

/* What values of a unit as written are multiplied by. */
double bench_reader_factor(struct bench_reader *r, uint32_t written);

/* Metadata of a unit, or of what it tidies to ("assume", "better"), or NULL. */
const char *bench_reader_metadata(struct bench_reader *r, uint32_t unit, const char *key);

static inline const char *bench_str(const struct bench_reader *r, uint32_t id)
{
	return strtab_get(&r->strings, id);
}

#endif
