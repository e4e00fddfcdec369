/*
 * Sampling: recorded allocations, divided by their probability, give back what was allocated.
 */
#include "agent/sampler.h"
#include "../unit.h"

#include <math.h>

static void gaps_are_exponential(void **state)
{
	uint64_t seed = 12345;
	const int n = 400000;
	const double mean = 524288;
	double sum = 0, squares = 0;
	int above = 0;
	for (int i = 0; i < n; i++) {
		double gap = (double)sampler_gap(&seed, (uint64_t)mean);
		sum += gap;
		squares += gap * gap;
		above += gap > 2 * mean;
	}
	/* mean, deviation and tail of Exp(mean): five standard errors */
	double se = mean / sqrt(n);
	assert_true(fabs(sum / n - mean) < 5 * se);
	double deviation = sqrt(squares / n - sum / n * (sum / n));
	assert_true(fabs(deviation / mean - 1) < 0.02);
	double tail = exp(-2.0);
	assert_true(fabs(above / (double)n - tail) < 5 * sqrt(tail * (1 - tail) / n));
}

static void probabilities(void **state)
{
	const double rate = 524288;
	const double sizes[] = {1, 8, 100, 4096, 65536, 524288, 3e6, 1e9, 1e18};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		double want = -expm1(-sizes[i] / rate);
		assert_true(fabs(sampler_probability(sizes[i], rate) / want - 1) < 1e-9);
	}
	assert_true(sampler_probability(100, 1) == 1);
	assert_true(sampler_probability(100, 0) == 1);
}

/* Mixed sizes in one stream: each size's total is estimated without bias. */
static void estimates_are_unbiased(void **state)
{
	static const size_t sizes[] = {16, 200, 4096, 70000, 2000000};
	enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), ROUNDS = 300000 };
	const uint64_t rate = 65536;
	struct sampler s = {0};
	double estimate[SIZES] = {0}, variance[SIZES] = {0};
	for (int round = 0; round < ROUNDS; round++) {
		int i = round % SIZES;
		double p = sampler_probability((double)sizes[i], (double)rate);
		variance[i] += (1 - p) / p;
		if (sampler_due(&s, sizes[i]) && sampler_take(&s, sizes[i], rate, 1))
			estimate[i] += 1 / p;
	}
	for (int i = 0; i < SIZES; i++) {
		double error = estimate[i] - ROUNDS / (double)SIZES;
		if (fabs(error) > 5 * sqrt(variance[i]) + 1)
			fail_msg("size %zu: off by %g, standard deviation %g", sizes[i], error,
				sqrt(variance[i]));
	}
}

static void rates_zero_and_one(void **state)
{
	struct sampler s = {0};
	int taken = 0;
	for (int i = 0; i < 1000; i++)
		taken += sampler_due(&s, 24) && sampler_take(&s, 24, 1, 1);
	assert_int_equal(taken, 1000);
	for (int i = 0; i < 1000; i++)
		assert_false(sampler_due(&s, 24) && sampler_take(&s, 24, 0, 2));
	/* an allocation of nothing is recorded too when everything is */
	struct sampler fresh = {0};
	assert_true(sampler_due(&fresh, 0) && sampler_take(&fresh, 0, 1, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_are_exponential),
		cmocka_unit_test(probabilities),
		cmocka_unit_test(estimates_are_unbiased),
		cmocka_unit_test(rates_zero_and_one),
	};
	return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
