/*
 * The few functions of Go's math package whose last digit differs from libm's.
 */
#ifndef SONDE_BENCHFMT_GOMATH_H
#define SONDE_BENCHFMT_GOMATH_H

double go_log(double x);
double go_exp(double x);
/* log((n-1)!), for n > 0. */
double go_log_gamma(int n);

#endif
