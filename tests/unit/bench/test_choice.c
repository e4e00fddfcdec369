/*
 * Choosing N, stopping -count=auto, and judging the evidence of disturbance.
 */
#include "../unit.h"

#include "bench/internal.h"

#include <math.h>

static void test_predict(void **state)
{
	const int64_t second = 1000000000;
	/* goal, iterations, their time, the last N */
	assert_int_equal(predict_n(second, 1, 10000000, 1), 100);	   /* 120, but 100 x last */
	assert_int_equal(predict_n(second, 100, 100000000, 100), 1200);	   /* 1.2 x */
	assert_int_equal(predict_n(second, 1000, 2000000000, 1000), 1001); /* at least one more */
	assert_int_equal(predict_n(second, 1, 0, 1), 100);		   /* no time at all */
	assert_int_equal(predict_n(second, 100000000, 1000, 100000000), 1000000000); /* capped */
	/* testing/benchmark_test.go, issue 70709 */
	assert_int_equal(predict_n(100, 100000, 0, 100000), 10000000);
	/* The product overflows 64 bits: ten hours. */
	assert_int_equal(predict_n(36000 * second, 1000000, second, 1000000), 100000000);
}

static void test_median(void **state)
{
	double v[] = {3, 1, 2, 5, 4, 6, 9, 7, 8, 10}, median;
	assert_true(isinf(median_spread(v, 5, &median)));
	/* n=6: the whole range, as benchstat has it. */
	double six[] = {10, 11, 9, 10, 10, 10};
	assert_true(fabs(median_spread(six, 6, &median) - 0.1) < 1e-12);
	assert_true(median == 10);
	/* n=10: from the second to the ninth. */
	double spread = median_spread(v, 10, &median);
	assert_true(median == 5.5);
	assert_true(fabs(spread - (1 - 2 / 5.5)) < 1e-12);
	assert_true(isinf(median_spread(v, 0, &median)));
}

/* Go 1.25: the limit rounded up, two at least, never more than there are. */
static void test_cgroup_procs(void **state)
{
	assert_int_equal(cgroup_procs("max 100000\n", 8), 8);
	assert_int_equal(cgroup_procs("400000 100000\n", 8), 4);
	assert_int_equal(cgroup_procs("250000 100000\n", 8), 3);
	assert_int_equal(cgroup_procs("50000 100000\n", 8), 2);
	assert_int_equal(cgroup_procs("50000 100000\n", 1), 1);
	assert_int_equal(cgroup_procs("1600000 100000\n", 8), 8);
	assert_int_equal(cgroup_procs("100000 0\n", 8), 8);
	assert_int_equal(cgroup_procs("", 8), 8);
}

/* Of a run that was on the CPU all the time that it did not wait. */
static double judge(struct evidence e, double spread, struct buf *why)
{
	if (e.cpu_ns == 0)
		e.cpu_ns = e.wall_ns - (int64_t)e.wait_ns;
	struct evidence from = {0};
	buf_clear(why);
	return evidence_judge(&from, &e, spread, 1, why);
}

static void test_evidence(void **state)
{
	struct buf why = BUF_INIT;
	const int64_t second = 1000000000;
	assert_true(judge((struct evidence){.wall_ns = second}, 0, &why) == 0);
	assert_int_equal(why.len, 0);
	/* A few preemptions alone are every machine's life. */
	assert_true(judge((struct evidence){.wall_ns = second, .preempted = 3}, 0, &why) == 0);
	double noise =
		judge((struct evidence){.wall_ns = second, .wait_ns = 430000000, .preempted = 12},
			0, &why);
	assert_true(fabs(noise - 43) < 1e-9);
	assert_string_equal(why.data, "waited for a CPU 43% of the time, 12 preemptions");
	assert_true(judge((struct evidence){.wall_ns = second}, 25, &why) == 25);
	assert_string_equal(why.data, "its parts differ by \xc2\xb1"
				      "25%");
	assert_true(
		judge((struct evidence){.wall_ns = second, .throttled_ns = 1000000}, 0, &why) > 0);
	/* Off the CPU without sleeping, though the kernel counts no wait; and sleeping. */
	struct evidence lost = {.wall_ns = second, .cpu_ns = second * 3 / 4};
	assert_true(fabs(judge(lost, 0, &why) - 25) < 1e-9);
	lost.slept = 100;
	assert_true(judge(lost, 0, &why) == 0);
	/* Half a millisecond says nothing. */
	assert_true(judge((struct evidence){.wall_ns = 500000, .wait_ns = 400000}, 0, &why) == 0);
	buf_release(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predict),
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_cgroup_procs),
		cmocka_unit_test(test_evidence),
	};
	return cmocka_run_group_tests_name("bench-choice", tests, NULL, NULL);
}
