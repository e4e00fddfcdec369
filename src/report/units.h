/*
 * Units of measurement: recognising their many spellings, converting between them, and printing
 * values and percentages as google/pprof does (its package measurement).
 */
#ifndef SONDE_REPORT_UNITS_H
#define SONDE_REPORT_UNITS_H

struct unit_kind; /* memory, time, GCU */

/* A conversion looked up once, for use on many values. `to` may be a unit, or "minimum" or "auto":
 * each value in the unit that suits it. A unit nobody knows is kept as it is. */
struct unit_conv {
	const struct unit_kind *kind; /* NULL: `from` is of no known kind */
	bool automatic;
	double factor;	  /* from -> the kind's base */
	double to_factor; /* base -> to */
	const char *to;	  /* name printed after the value; "" for none */
};

/* `to` must live as long as the conversion. */
void unit_conv_init(struct unit_conv *conv, const char *from, const char *to);
/* The value and, in *ret_unit, its unit: static, or the `to` given. */
double unit_conv_apply(const struct unit_conv *conv, int64_t value, const char **ret_unit);
/* Appends "12.34MB", "3s", "0". */
void unit_conv_label(const struct unit_conv *conv, int64_t value, struct buf *out);

/* The same, once (measurement.Scale, measurement.ScaledLabel). */
double unit_scale(int64_t value, const char *from, const char *to, const char **ret_unit);
void unit_label(int64_t value, const char *from, const char *to, struct buf *out);
/* Whether both are units of one kind. */
bool unit_same_kind(const char *a, const char *b);

/* Appends value as a percentage of total, six characters wide: " 12.34%"-like, "  100%". */
void unit_percentage(int64_t value, int64_t total, struct buf *out);

/* float64 -> int64 as Go on amd64 does it: what does not fit becomes the smallest integer. */
int64_t unit_truncate(double v);

#endif
