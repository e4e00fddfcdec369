/*
 * Change points, in series whose changes are known: none, one, two, a bump, a drift, and how often
 * they are found in noise.
 */
#include "../unit.h"

#include "benchfmt/benchfmt.h"

#include <math.h>

enum { COLUMNS_MAX = 300, VALUES = 10 };

static uint64_t state;
static struct change_finder
	finder; /* shared, as in a run: what chance does is drawn once a length */

static double normal(void)
{
	double sum = 0;
	for (int i = 0; i < 12; i++)
		sum += (double)(hash_u64(++state) >> 11) * 0x1p-53;
	return sum - 6;
}

struct series {
	double values[COLUMNS_MAX][VALUES];
	struct sample samples[COLUMNS_MAX];
	struct changes found;
};

/* Levels of `n` columns; runs differ by `between`, measurements of a run by `within`. */
static void look(struct series *s, const double *levels, uint32_t n, double between, double within,
	double alpha)
{
	for (uint32_t i = 0; i < n; i++) {
		double run = levels[i] + between * normal();
		for (int j = 0; j < VALUES; j++)
			s->values[i][j] = run + within * normal();
		sample_sort(s->values[i], VALUES);
		s->samples[i] = (struct sample){s->values[i], VALUES};
	}
	s->found = (struct changes){0};
	finder.alpha = alpha;
	changes_find(&finder, s->samples, n, &s->found);
}

static struct series s;

static void fill(double *levels, uint32_t from, uint32_t to, double level)
{
	for (uint32_t i = from; i < to; i++)
		levels[i] = level;
}

static void none(void **unused)
{
	double levels[40];
	fill(levels, 0, 40, 100);
	for (uint32_t n = 0; n <= 40; n++) { /* not even noise */
		look(&s, levels, n, 0, 0, 0.05);
		assert_int_equal(s.found.n, 0);
		changes_release(&s.found);
	}
}

static void one_step(void **unused)
{
	double levels[40];
	fill(levels, 0, 15, 100);
	fill(levels, 15, 40, 105);
	for (int round = 0; round < 20; round++) {
		state = (uint64_t)round << 32;
		look(&s, levels, 40, 0.5, 1, 0.01);
		assert_int_equal(s.found.n, 1);
		assert_int_equal(s.found.all[0].at, 15);
		assert_true(s.found.all[0].p <= 0.01);
		changes_release(&s.found);
	}
}

static void two_steps_and_a_bump(void **unused)
{
	static const double thirds[] = {110, 100};
	for (size_t i = 0; i < array_len(thirds); i++) {
		double levels[30];
		fill(levels, 0, 10, 100);
		fill(levels, 10, 20, 105);
		fill(levels, 20, 30, thirds[i]);
		state = 7;
		look(&s, levels, 30, 0.5, 1, 0.02);
		assert_int_equal(s.found.n, 2);
		assert_int_equal(s.found.all[0].at, 10);
		assert_int_equal(s.found.all[1].at, 20);
		changes_release(&s.found);
	}
}

static void a_wild_run_is_no_change(void **unused)
{
	double levels[30];
	fill(levels, 0, 30, 100);
	levels[11] = 1000;
	state = 3;
	look(&s, levels, 30, 0.5, 1, 0.01);
	assert_int_equal(s.found.n, 0);
	changes_release(&s.found);
}

/* Without a step to find, the levels that stand for a drift rise with it. */
static void drift(void **unused)
{
	double levels[60];
	for (uint32_t i = 0; i < 60; i++)
		levels[i] = 100 + i;
	state = 5;
	look(&s, levels, 60, 0.5, 1, 0.01);
	assert_true(s.found.n >= 3);
	for (uint32_t i = 0; i < s.found.n; i++)
		assert_true(s.found.all[i].at >= 2 &&
			    (!i || s.found.all[i].at >= s.found.all[i - 1].at + 2));
	changes_release(&s.found);
}

static void long_series(void **unused)
{
	static double levels[COLUMNS_MAX];
	fill(levels, 0, 240, 100);
	fill(levels, 240, COLUMNS_MAX, 102);
	state = 9;
	look(&s, levels, COLUMNS_MAX, 0.5, 1, 0.01);
	assert_int_equal(s.found.n, 1);
	assert_in_range(s.found.all[0].at, 238, 242);
	changes_release(&s.found);
}

static void few_columns_are_compared_by_measurements(void **unused)
{
	double levels[] = {100, 100, 110, 110, 120};
	state = 1;
	look(&s, levels, 5, 0, 1, 0.05);
	assert_int_equal(s.found.n, 2);
	assert_int_equal(s.found.all[0].at, 2);
	assert_int_equal(s.found.all[1].at, 4);
	changes_release(&s.found);
}

/* No more than alpha of the series, and three standard deviations of that for luck. */
static void noise_is_found_as_often_as_said(void **unused)
{
	static const uint32_t lengths[] = {5, 8, 20, 60};
	enum { ROUNDS = 400 };
	double levels[60], alpha = 0.05;
	fill(levels, 0, 60, 100);
	for (size_t k = 0; k < array_len(lengths); k++) {
		uint32_t found = 0;
		bool is_short = lengths[k] < 8; /* there runs are taken not to differ */
		for (uint32_t i = 0; i < ROUNDS; i++) {
			state = (uint64_t)(k * ROUNDS + i + 1) << 32;
			look(&s, levels, lengths[k], is_short ? 0 : 1, 1, alpha);
			found += s.found.n > 0;
			changes_release(&s.found);
		}
		print_message("# %u columns: %u of %u\n", lengths[k], found, ROUNDS);
		assert_true(found <= ROUNDS * alpha + 3 * sqrt(ROUNDS * alpha * (1 - alpha)));
	}
}

static void the_same_every_time(void **unused)
{
	double levels[20], p = 0;
	fill(levels, 0, 10, 100);
	fill(levels, 10, 20, 100.8);
	for (int i = 0; i < 2; i++) {
		change_finder_release(&finder);
		change_finder_init(&finder, 0.05);
		state = 4;
		look(&s, levels, 20, 0.5, 1, 1);
		assert_true(s.found.n > 0);
		assert_true(!i || s.found.all[0].p == p);
		p = s.found.all[0].p;
		changes_release(&s.found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none),
		cmocka_unit_test(one_step),
		cmocka_unit_test(two_steps_and_a_bump),
		cmocka_unit_test(a_wild_run_is_no_change),
		cmocka_unit_test(drift),
		cmocka_unit_test(long_series),
		cmocka_unit_test(few_columns_are_compared_by_measurements),
		cmocka_unit_test(noise_is_found_as_often_as_said),
		cmocka_unit_test(the_same_every_time),
	};
	change_finder_init(&finder, 0.05);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	change_finder_release(&finder);
	return failed;
}
