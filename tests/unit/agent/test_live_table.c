/*
 * The table of live blocks against a plain model, alone and from many threads at once.
 */
#include "agent/live_table.h"
#include "../unit.h"

#include <pthread.h>
#include <sys/mman.h>

static void *zeroes(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(p != MAP_FAILED);
	return p;
}

static struct live_table *table_new(uint64_t bytes_max)
{
	struct live_table *t = zeroes(sizeof(*t));
	t->filter = zeroes(sizeof(*t->filter));
	t->bytes_max = bytes_max;
	return t;
}

static void table_free(struct live_table *t)
{
	munmap(t->filter, sizeof(*t->filter));
	munmap(t, sizeof(*t)); /* the lines go with the process */
}

static uintptr_t address_of(uint32_t i)
{
	return 0x7f0000000000u + (uintptr_t)i * 48;
}

static void count_one(uintptr_t address, uint64_t value, void *ctx)
{
	uint32_t i = (uint32_t)((address - 0x7f0000000000u) / 48);
	assert_int_equal(value, i * 7);
	++*(uint32_t *)ctx;
}

static void what_goes_in_comes_out(void **state)
{
	enum { N = 300000 };
	struct live_table *t = table_new(1u << 30);
	uint64_t value;
	uint32_t seen = 0;
	assert_false(live_remove(t, address_of(1), &value));
	for (uint32_t i = 0; i < N; i++)
		assert_true(live_insert(t, address_of(i), i * 7));
	live_each(t, count_one, &seen);
	assert_int_equal(seen, N);
	assert_false(live_remove(t, 0, &value)); /* free(NULL) */
	assert_false(live_remove(t, 1, &value));
	for (uint32_t i = 0; i < N; i += 2) {
		assert_true(live_maybe(t->filter, address_of(i)));
		assert_true(live_remove(t, address_of(i), &value));
		assert_int_equal(value, i * 7);
		assert_false(live_remove(t, address_of(i), &value));
	}
	seen = 0;
	live_each(t, count_one, &seen);
	assert_int_equal(seen, N / 2);
	for (uint32_t i = 1; i < N; i += 2)
		assert_true(live_remove(t, address_of(i), &value));
	/* all gone: the filter in front knows it again */
	for (uint32_t i = 0; i < N; i++)
		assert_false(live_maybe(t->filter, address_of(i)));
	table_free(t);
}

/* A custom profile has values that are no addresses. */
static void any_address_will_do(void **state)
{
	static const uintptr_t odd[] = {1, 2, UINTPTR_MAX, UINTPTR_MAX - 1};
	struct live_table *t = table_new(1u << 30);
	uint64_t value;
	for (uint32_t i = 0; i < 4; i++)
		assert_true(live_insert(t, odd[i], UINT64_MAX - i));
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(live_remove(t, odd[i], &value));
		assert_true(value == UINT64_MAX - i);
		assert_false(live_remove(t, odd[i], &value));
	}
	table_free(t);
}

static void small_programs_touch_little(void **state)
{
	struct live_table *t = table_new(1u << 30);
	for (uint32_t i = 0; i < 1000; i++)
		live_insert(t, address_of(i), i * 7);
	assert_true(t->bytes <= 128 * 1024);
	table_free(t);
}

/* As a child finds its table that was made by a fork in the midst of a call. */
static void a_wiped_table_takes_nothing(void **state)
{
	struct live_table *t = table_new(1u << 30);
	struct live_filter *filter = t->filter;
	uint64_t value;
	assert_true(live_insert(t, address_of(1), 7));
	memset(t, 0, sizeof(*t));
	assert_false(live_remove(t, address_of(1), &value));
	assert_false(live_insert(t, address_of(2), 14));
	live_clear(t);
	/* the filter, which is not wiped, may be cleared and used anew */
	live_filter_clear(filter);
	assert_false(live_maybe(filter, address_of(1)));
	t->filter = filter;
	t->bytes_max = 1u << 30;
	assert_true(live_insert(t, address_of(2), 14) && live_remove(t, address_of(2), &value));
	assert_int_equal(value, 14);
	table_free(t);
}

static void a_full_budget_is_counted(void **state)
{
	struct live_table *t = table_new(256 * 1024);
	uint32_t in = 0, out = 0;
	uint64_t value;
	for (uint32_t i = 0; i < 20000; i++)
		in += live_insert(t, address_of(i), i * 7);
	assert_true(in > 1000 && in < 20000);
	assert_int_equal(t->dropped, 20000 - in);
	assert_true(t->bytes <= t->bytes_max);
	for (uint32_t i = 0; i < 20000; i++)
		out += live_remove(t, address_of(i), &value);
	assert_int_equal(out, in);
	table_free(t);
}

struct churn {
	struct live_table *table;
	uint32_t first;
	int wrong;
};

enum { CHURN_BLOCKS = 4000, CHURN_ROUNDS = 60 };

static void *churn(void *arg)
{
	struct churn *c = arg;
	for (int round = 0; round < CHURN_ROUNDS; round++) {
		for (uint32_t i = 0; i < CHURN_BLOCKS; i++)
			c->wrong += !live_insert(
				c->table, address_of(c->first + i), (c->first + i) * 7);
		for (uint32_t i = 0; i < CHURN_BLOCKS; i++) {
			uint64_t value = 0;
			c->wrong += !live_remove(c->table, address_of(c->first + i), &value);
			c->wrong += value != (c->first + i) * 7;
		}
	}
	return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	enum { THREADS = 8 };
	struct live_table *t = table_new(1u << 30);
	struct churn churns[THREADS];
	pthread_t threads[THREADS];
	for (uint32_t i = 0; i < THREADS; i++) {
		churns[i] = (struct churn){.table = t, .first = i * CHURN_BLOCKS};
		assert_int_equal(pthread_create(&threads[i], NULL, churn, &churns[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(churns[i].wrong, 0);
	}
	uint32_t seen = 0;
	live_each(t, count_one, &seen);
	assert_int_equal(seen, 0);
	assert_int_equal(t->dropped, 0);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(any_address_will_do),
		cmocka_unit_test(small_programs_touch_little),
		cmocka_unit_test(a_wiped_table_takes_nothing),
		cmocka_unit_test(a_full_budget_is_counted),
		cmocka_unit_test(threads_do_not_disturb_each_other),
	};
	return cmocka_run_group_tests_name("live_table", tests, NULL, NULL);
}
