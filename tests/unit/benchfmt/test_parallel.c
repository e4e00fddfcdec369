/*
 * Work on many threads: each thing is done once, whatever the number of threads.
 */
#include "../unit.h"

#include "benchfmt/benchfmt.h"

enum { THINGS = 1000 };

struct counts {
	unsigned threads;
	uint32_t times[THINGS];
};

static void count(void *ctx, unsigned thread, uint32_t i)
{
	struct counts *c = ctx;
	assert_true(thread < (c->threads ? c->threads : 1));
	c->times[i]++;
}

static void each_once(void **state)
{
	static const unsigned threads[] = {0, 1, 2, 7, 64, 1000};
	static const uint32_t ns[] = {0, 1, 5, THINGS};
	for (size_t t = 0; t < array_len(threads); t++) {
		for (size_t k = 0; k < array_len(ns); k++) {
			struct counts c = {.threads = threads[t]};
			parallel_each(threads[t], ns[k], count, &c);
			for (uint32_t i = 0; i < THINGS; i++)
				assert_int_equal(c.times[i], i < ns[k]);
		}
	}
}

static void there_is_a_cpu(void **state)
{
	assert_in_range(parallel_cpus(), 1, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_once),
		cmocka_unit_test(there_is_a_cpu),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
