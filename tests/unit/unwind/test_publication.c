/*
 * Snapshots swapped while every thread walks: no walk may see a freed or half-made one. Built for
 * ThreadSanitizer as well, which sees what a lucky run hides.
 */
#include "../unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "unwind/unwind.h"

#define THREADS 3
#define SWAPS	500

static atomic_bool stop;
static atomic_ulong walks, broken;

static void *walk_for_ever(void *arg)
{
	uintptr_t first[64], pcs[64];
	enum unwind_end end;
	size_t n = unwind_here(NULL, 0, first, 64, &end);
	while (!atomic_load(&stop)) {
		size_t now = unwind_here(NULL, 1, pcs, 64, &end);
		if (end != UNWIND_END_ROOT || now + 1 != n ||
			memcmp(pcs, first + 1, now * sizeof(pcs[0])))
			atomic_fetch_add(&broken, 1);
		atomic_fetch_add(&walks, 1);
	}
	return NULL;
}

static void test_swaps_under_walks(void **state)
{
	pthread_t threads[THREADS];
	char *code = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(code, MAP_FAILED);
	assert_int_equal(unwind_init(), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, walk_for_ever, NULL), 0);
	int swaps = 0;
	while (swaps < SWAPS) {
		uintptr_t at = (uintptr_t)code + (uintptr_t)(swaps % 16) * 4096;
		assert_int_equal(unwind_register(at, at + 4096, NULL, 0), 0);
		assert_int_equal(unwind_unregister(at), 0);
		swaps++;
	}
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_true(atomic_load(&walks) > 100);
	assert_int_equal(atomic_load(&broken), 0);
	struct unwind_counters c;
	unwind_counters(&c);
	assert_int_equal(c.retired, SWAPS);
	munmap(code, 1 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_swaps_under_walks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
