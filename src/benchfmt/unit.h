/*
 * Units of measurements: what kind they are, how they are made tidy (ns/op to sec/op), and how
 * values are scaled to be read (golang.org/x/perf/benchunit).
 */
#ifndef SONDE_BENCHFMT_UNIT_H
#define SONDE_BENCHFMT_UNIT_H

enum unit_class {
	UNIT_DECIMAL, /* SI prefixes */
	UNIT_BINARY,  /* IEC prefixes: bytes in the numerator */
};

enum unit_class unit_class_of(const char *unit);
/* The tidy unit, appended to `out`, and the factor that values of `unit` are multiplied by. */
double unit_tidy(const char *unit, struct buf *out);
/* 1: higher is better, -1: lower is, 0: nobody said; of a tidy unit. */
int unit_better(const char *unit);

struct unit_scale {
	int prec;	    /* digits after the point */
	double factor;	    /* of one prefix */
	const char *prefix; /* "k", "Mi", ... */
};

/* One scale for all values: the smallest shows three significant digits or more. */
struct unit_scale unit_common_scale(const double *values, size_t n, enum unit_class class);
void unit_scale_print(const struct unit_scale *scale, double value, struct buf *out);

#endif
