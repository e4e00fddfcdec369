/*
 * Counting allocations: every call once, from the program and from inside libc, on many threads;
 * nothing when off; pointers to malloc taken before still work after.
 */
#include "../unit.h"

#include "bench/internal.h"

/* cmocka.h may turn malloc into its checked one: these are libc's. */
#undef malloc
#undef calloc
#undef realloc
#undef free

#define THREADS 8
#define EACH	10000

static void *volatile kept;

static struct alloc_totals since(struct alloc_totals from)
{
	struct alloc_totals now = allocs_read();
	return (struct alloc_totals){now.calls - from.calls, now.bytes - from.bytes};
}

static void test_kinds(void **state)
{
	assert_true(allocs_start());
	struct alloc_totals from = allocs_read(), got;
	kept = malloc(10);
	kept = realloc(kept, 30);
	free(kept);
	kept = calloc(3, 5);
	free(kept);
	got = since(from);
	assert_int_equal(got.calls, 3);
	assert_int_equal(got.bytes, 55);

	from = allocs_read();
	void *p = NULL;
	assert_int_equal(posix_memalign(&p, 64, 100), 0);
	kept = p;
	free(p);
	kept = aligned_alloc(64, 128);
	free(kept);
	got = since(from);
	assert_int_equal(got.calls, 2);
	assert_int_equal(got.bytes, 228);
	allocs_stop();
}

static void test_inside_libc(void **state)
{
	assert_true(allocs_start());
	struct alloc_totals from = allocs_read();
	kept = strdup("1234567");
	free(kept);
	struct alloc_totals got = since(from);
	assert_int_equal(got.calls, 1);
	assert_int_equal(got.bytes, 8);
	allocs_stop();
}

static void test_off(void **state)
{
	struct alloc_totals from = allocs_read();
	kept = malloc(10);
	free(kept);
	assert_int_equal(since(from).calls, 0);
	assert_true(allocs_start());
	from = allocs_read();
	allocs_pause();
	kept = malloc(10);
	free(kept);
	allocs_resume();
	assert_int_equal(since(from).calls, 0);
	allocs_stop();
	kept = malloc(10);
	free(kept);
	assert_int_equal(since(from).calls, 0);
}

static void *allocate(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		void *volatile p = malloc(16);
		free(p);
	}
	return NULL;
}

static void test_threads(void **state)
{
	assert_true(allocs_start());
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, allocate, NULL), 0);
	/* Their own allocations; what starting and ending a thread allocates is libc's affair. */
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	struct alloc_totals from = allocs_read();
	allocate(NULL);
	assert_int_equal(since(from).calls, EACH);
	assert_int_equal(since(from).bytes, 16 * EACH);
	assert_true(allocs_read().calls >= (THREADS + 1) * EACH);
	allocs_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_inside_libc),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_threads),
	};
	if (!allocs_start()) {
		puts("1..0 # SKIP a sanitizer's malloc is linked into this program");
		return 0;
	}
	allocs_stop();
	return cmocka_run_group_tests_name("bench-allocs", tests, NULL, NULL);
}
