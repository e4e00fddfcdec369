/*
 * Numbers as Go reads and prints them.
 */
#ifndef SONDE_BENCHFMT_NUMBER_H
#define SONDE_BENCHFMT_NUMBER_H

/* 1e0 to 1e22, the powers of ten that a double holds exactly. */
extern const double number_tens[];

/* strconv.ParseFloat / Atoi over [s, s+n): 0; ERR_FORMAT ("invalid syntax") or ERR_LIMIT ("value
 * out of range"). */
must_check int number_parse_float(const char *s, size_t n, double *ret);
must_check int number_parse_int(const char *s, size_t n, int64_t *ret);
/* Go's words for those errors. */
const char *number_error(int code);

/* fmt.Sprint of a float64: the shortest text that reads back the same. Appended. */
void number_print(double v, struct buf *out);
/* strconv.FormatFloat(v, 'f', prec, 64). Appended. */
void number_print_fixed(double v, int prec, struct buf *out);

#endif
