/*
 * value_counts: a sample of whole numbers that lie close together, as bytes and allocations do, by
 * how many there are of each number. Nothing has to be sorted, and two such samples are compared
 * number by number instead of value by value. Private to benchfmt.
 */
#ifndef SONDE_BENCHFMT_VALUE_COUNTS_H
#define SONDE_BENCHFMT_VALUE_COUNTS_H

struct value_counts {
	double least;
	uint32_t span;	  /* of numbers, least and greatest included */
	uint32_t below[]; /* values less than least + i, for i in [0, span] */
};

/* NULL: the values are not such a sample, or too few. */
struct value_counts *value_counts_new(const double *values, uint32_t n);
/* The k-th smallest value, k from 0 and less than their number. */
double value_counts_at(const struct value_counts *c, uint32_t k);
/* All values, ascending, for the caller to free. */
double *value_counts_values(const struct value_counts *c);

#endif
