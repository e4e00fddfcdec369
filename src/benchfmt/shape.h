/*
 * Shapes: the name and the units of a result line. A file of results has few of them and many lines
 * of each, mostly in an order that repeats; so a line is first tried as one of the shape that came
 * next the last time. Private to the reader.
 */
#ifndef SONDE_BENCHFMT_SHAPE_H
#define SONDE_BENCHFMT_SHAPE_H

#define BENCH_PREFIX "Benchmark"

struct bench_result;
struct bench_unit;

struct shape_unit {
	const char *text; /* as written: a string of the reader */
	uint32_t len;
	bool same, other;    /* whether values are of it that the factor leaves, that it changes */
	uint64_t word, mask; /* the first eight bytes of the text */
	double factor;
};

struct shape {
	const char *name; /* in a string of the reader, behind "Benchmark" */
	uint32_t name_len;
	uint32_t unit_at, unit_n; /* in shapes.units */
	double *values;		  /* where they are to be put; NULL: the reader's own place */
	uint32_t next;		  /* the shape of the line after the last one of this shape */
};

/* Shape 0 is none: no line is like it. */
struct shapes {
	struct shape *all;
	uint32_t n, cap;
	struct shape_unit *units;
	struct bench_unit *ids; /* of the units */
	uint32_t unit_n, unit_cap, id_cap;
	struct map index;     /* hash of name and units -> shape, chained by probing the hash */
	struct map by_name;   /* hash of the name -> the newest shape */
	uint32_t last;	      /* of the line before */
	const char *safe_end; /* a newline 64 bytes or more before the input's end */
};

void shapes_init(struct shapes *s);
void shapes_release(struct shapes *s);
/* Before a new input. */
void shapes_open(struct shapes *s, const char *p, const char *end);

struct bench_reader;

/* Reads the line at reader->p if it is of a shape that is known, and steps past it. False: it has
 * to be read the general way, and nothing was changed but result.values. */
bool shapes_read(struct bench_reader *r);
/* Of a result read the general way, whose shape this sets. */
void shapes_learn(struct bench_reader *r);
/* Makes the result one of the shape, without values. */
void shapes_assume(struct bench_reader *r, uint32_t shape);

#endif
