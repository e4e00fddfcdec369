/*
 * The map that forgets: against an array, through many additions and removals; ids that collide.
 */
#include "../unit.h"

#include "gotrace/idmap.h"

#define IDS   512
#define STEPS 200000

static void against_an_array(void **state)
{
	static uint32_t values[IDS];
	struct idmap map = {0};
	uint64_t random = 1;
	memset(values, 0xff, sizeof(values));
	for (int i = 0; i < STEPS; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		unsigned id = random >> 40 & (IDS - 1);
		assert_int_equal(idmap_get(&map, id * 0x9e3779b97f4a7c15u), values[id]);
		if (values[id] == IDMAP_NONE) {
			values[id] = (uint32_t)i;
			idmap_put(&map, id * 0x9e3779b97f4a7c15u, values[id]);
		} else {
			values[id] = IDMAP_NONE;
			idmap_remove(&map, id * 0x9e3779b97f4a7c15u);
		}
	}
	size_t n = 0;
	for (unsigned id = 0; id < IDS; id++)
		n += values[id] != IDMAP_NONE;
	assert_int_equal(map.n, n);
	assert_true(map.mask < 4 * IDS);
	idmap_release(&map);
}

static void empty(void **state)
{
	struct idmap map = {0};
	assert_int_equal(idmap_get(&map, 0), IDMAP_NONE);
	idmap_remove(&map, 7);
	idmap_put(&map, 0, 3);
	idmap_put(&map, UINT64_MAX, 4);
	assert_int_equal(idmap_get(&map, 0), 3);
	assert_int_equal(idmap_get(&map, UINT64_MAX), 4);
	idmap_remove(&map, 0);
	assert_int_equal(idmap_get(&map, 0), IDMAP_NONE);
	assert_int_equal(idmap_get(&map, UINT64_MAX), 4);
	idmap_release(&map);
	assert_int_equal(idmap_get(&map, UINT64_MAX), IDMAP_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_an_array),
		cmocka_unit_test(empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
