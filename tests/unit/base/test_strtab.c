/*
 * String table: ids are dense and stable, equal strings share one, NUL bytes count.
 */
#include "base/base.h"
#include "../unit.h"

static void ids(void **state)
{
	struct strtab tab;
	strtab_init(&tab);
	assert_int_equal(strtab_addstr(&tab, ""), 0);
	assert_int_equal(strtab_addstr(&tab, "a"), 1);
	assert_int_equal(strtab_add(&tab, "a\0b", 3), 2);
	assert_int_equal(strtab_addstr(&tab, "a"), 1);
	assert_int_equal(strtab_find(&tab, "a\0b", 3), 2);
	assert_int_equal(strtab_find(&tab, "zz", 2), UINT32_MAX);
	assert_int_equal(strtab_len(&tab, 2), 3);
	strtab_release(&tab);
}

static void many(void **state)
{
	struct strtab tab;
	strtab_init(&tab);
	char name[32];
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 1; i <= 100000; i++) {
			int n = snprintf(name, sizeof(name), "function_%u", i);
			assert_int_equal(strtab_add(&tab, name, (size_t)n), i);
		}
	assert_int_equal(tab.n, 100001);
	assert_string_equal(strtab_get(&tab, 77777), "function_77777");
	strtab_release(&tab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids),
		cmocka_unit_test(many),
	};
	return cmocka_run_group_tests_name("strtab", tests, NULL, NULL);
}
