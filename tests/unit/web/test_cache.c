/*
 * What a server keeps: the last things asked for stay, by number and by size.
 */
#include "web/internal.h"
#include "../unit.h"

static char freed[20];

static void note_free(void *value)
{
	strcat(freed, value);
	mem_free(value);
}

/* The value is the key again. */
static void put(struct lru *c, const char *key, size_t size)
{
	lru_put(c, key, mem_strdup(key), size);
}

static void expect_freed(const char *want)
{
	assert_string_equal(freed, want);
	*freed = '\0';
}

static void test_count(void **state)
{
	struct lru *c = lru_new(2, SIZE_MAX, note_free);
	assert_null(lru_get(c, "a"));
	put(c, "a", 1);
	put(c, "b", 1);
	assert_string_equal(lru_get(c, "a"), "a"); /* now b is the older */
	put(c, "d", 1);
	expect_freed("b");
	assert_string_equal(lru_get(c, "a"), "a");
	assert_string_equal(lru_get(c, "d"), "d");
	assert_null(lru_get(c, "b"));
	lru_free(c);
	expect_freed("ad");
	lru_free(NULL);
}

static void test_size(void **state)
{
	struct lru *c = lru_new(10, 100, note_free);
	put(c, "a", 60);
	put(c, "b", 40);
	expect_freed("");
	put(c, "c", 1);
	expect_freed("a");
	/* One too large for the whole is kept all the same: it is being looked at. */
	put(c, "d", 1000);
	expect_freed("bc");
	assert_string_equal(lru_get(c, "d"), "d");
	put(c, "e", 1);
	expect_freed("d");
	lru_free(c);
	expect_freed("e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_size),
	};
	return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
