/*
 * sampler: see sampler.h. The logarithm is computed here, to 1e-11: libm would be one more library
 * in the program's process, and its log() may be interposed.
 */
#include "agent/sampler.h"

#include <string.h>
#include <time.h>

/* xorshift64*: one word of state, passes what a sampling gap can notice. */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t x = *seed;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*seed = x;
	return x * 0x2545f4914f6cdd1du;
}

static uint64_t first_seed(const void *where)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t x = (uint64_t)(uintptr_t)where * 0x9e3779b97f4a7c15u;
	x ^= (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uint64_t)now.tv_nsec;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	return x ? x : 1;
}

/* ln(x) for a normal positive x: the exponent's share, and 2 atanh((m-1)/(m+1)) for the mantissa m
 * brought into [0.7, 1.4]. */
static double natural_log(double x)
{
	uint64_t bits;
	memcpy(&bits, &x, sizeof(bits));
	int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
	bits = (bits & 0xfffffffffffffu) | 0x3ff0000000000000u;
	double m;
	memcpy(&m, &bits, sizeof(m));
	if (m > 1.4142135623730951) {
		m /= 2;
		exponent++;
	}
	double s = (m - 1) / (m + 1), square = s * s, power = s, sum = 0;
	for (int k = 1; k <= 15; k += 2) {
		sum += power / k;
		power *= square;
	}
	return 2 * sum + exponent * 0.6931471805599453;
}

/* e^-x for x >= 0: squaring e^-(x/2^k) from a short series. */
static double exp_minus(double x)
{
	if (x > 700)
		return 0;
	int halvings = 0;
	while (x > 0.0625) {
		x /= 2;
		halvings++;
	}
	double term = 1, sum = 1;
	for (int k = 1; k <= 9; k++) {
		term *= -x / k;
		sum += term;
	}
	while (halvings-- > 0)
		sum *= sum;
	return sum;
}

int64_t sampler_gap(uint64_t *seed, uint64_t mean)
{
	/* uniform in (0, 1]: 53 random bits, never zero */
	double u = ((double)(next_random(seed) >> 11) + 1) / 9007199254740992.0;
	double gap = -natural_log(u) * (double)mean;
	if (gap > 4e18)
		return (int64_t)4e18;
	return gap < 1 ? 1 : (int64_t)gap;
}

/* More than a whole gap: an allocation that only reaches the gap's end is not recorded. */
static uint64_t draw(struct sampler *s, uint64_t rate)
{
	return (uint64_t)sampler_gap(&s->seed, rate) + 1;
}

bool sampler_take(struct sampler *s, size_t size, uint64_t rate, uint32_t epoch)
{
	bool anew = s->epoch != epoch;
	if (!s->seed)
		s->seed = first_seed(s);
	s->epoch = epoch;
	if (rate <= 1) {
		s->left = rate ? 0 : UINT64_MAX; /* until the rate's epoch has been noticed */
		return rate;
	}
	if (anew) {
		/* The gap was drawn for another rate, or never: begin afresh with this one. */
		s->left = draw(s, rate);
		if (!sampler_due(s, size))
			return false;
	}
	s->left = draw(s, rate);
	return true;
}

double sampler_probability(double size, double rate)
{
	if (rate <= 1 || size <= 0)
		return 1;
	double x = size / rate;
	if (x < 1e-5) /* 1 - e^-x loses its digits here */
		return x - x * x / 2;
	return 1 - exp_minus(x);
}
