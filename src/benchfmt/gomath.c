/*
 * Logarithm, exponential and log-gamma, to Go's last digit.
 *
 * go_log is the classic reduction x = 2^k (1+f) with a polynomial in f/(2+f) (FreeBSD's e_log.c, as
 * Go has it). go_exp is the SLEEF method Go uses on amd64: x = k ln2 + r, a Taylor series of
 * expm1(r/16), squared four times, with fused multiply-adds. libm's own are as accurate or more;
 * they are not used where a result is printed with all its digits and compared to Go's.
 */
#include "benchfmt/gomath.h"

#include <math.h>

double go_log(double x)
{
	static const double ln2_hi = 6.93147180369123816490e-01,
			    ln2_lo = 1.90821492927058770002e-10;
	int exponent;
	if (isnan(x) || isinf(x) || x <= 0)
		return log(x);
	double f = frexp(x, &exponent);
	if (f < M_SQRT1_2) {
		f *= 2;
		exponent--;
	}
	f -= 1;
	double k = exponent, s = f / (2 + f), s2 = s * s, s4 = s2 * s2;
	double odd = s2 * (6.666666666666735130e-01 +
				  s4 * (2.857142874366239149e-01 +
					       s4 * (1.818357216161805012e-01 +
							    s4 * 1.479819860511658591e-01)));
	double even = s4 * (3.999999999940941908e-01 +
				   s4 * (2.222219843214978396e-01 + s4 * 1.531383769920937332e-01));
	double half = 0.5 * f * f;
	return k * ln2_hi - ((half - (s * (half + odd + even) + k * ln2_lo)) - f);
}

double go_exp(double x)
{
	static const double ln2_hi = 0.69314718055966295651160180568695068359375,
			    ln2_lo = 0.28235290563031577122588448175013436025525412068e-12;
	static const double series[] = {1 / 40320., 1 / 5040., 1 / 720., 1 / 120., 1 / 24., 1 / 6.};
	if (!(fabs(x) < 700))
		return exp(x);
	double k = rint(x * M_LOG2E);
	double r = fma(-k, ln2_lo, fma(-k, ln2_hi, x)) * 0.0625;
	double y = series[0];
	for (int i = 1; i < 6; i++)
		y = fma(r, y, series[i]);
	y = fma(r, y, 0.5);
	y = fma(r, y, 1.0) * r;
	for (int i = 0; i < 3; i++)
		y = y * (y + 2.0);
	return ldexp(fma(y, y + 2.0, 1.0), (int)k);
}

/* log((n-1)!), which of the distributions is all that is needed of the gamma function: Stirling's
 * series from 8 on. */
double go_log_gamma(int n)
{
	static const double w[] = {4.18938533204672725052e-01, 8.33333333333329678849e-02,
		-2.77777777728775536470e-03, 7.93650558643019558500e-04,
		-5.95187557450339963135e-04, 8.36339918996282139126e-04,
		-1.63092934096575273989e-03};
	if (n < 8) {
		double factorial = 1;
		for (int i = 2; i < n; i++)
			factorial *= i;
		return go_log(factorial);
	}
	double x = n, z = 1 / x, y = z * z, sum = w[6];
	for (int i = 5; i > 0; i--)
		sum = w[i] + y * sum;
	return (x - 0.5) * (go_log(x) - 1) + (w[0] + z * sum);
}
