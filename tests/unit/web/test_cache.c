/*
 * The graphs a server keeps: the last asked for stay, by number and by size.
 */
#include "web/internal.h"
#include "../unit.h"

static struct flame *make(void)
{
	static const int64_t one = 1;
	struct profile p;
	struct report r;
	struct config c;
	struct flame *f;
	profile_init(&p);
	profile_add_sample_type(&p, "samples", "count");
	uint32_t loc = profile_add_location(&p, PROFILE_NONE, 1, NULL, 0);
	profile_add_sample(&p, &loc, 1, &one, NULL, 0);
	config_init(&c);
	assert_int_equal(report_init(&r, &p, REPORT_FLAME, "flame", NULL, &c, NULL, NULL), 0);
	assert_int_equal(flame_new(&f, &r, NULL), 0);
	report_release(&r);
	config_release(&c);
	profile_release(&p);
	return f;
}

static void test_count(void **state)
{
	struct flame_cache *c = flame_cache_new(2, SIZE_MAX);
	struct flame *a = make(), *b = make(), *d = make();
	assert_null(flame_cache_get(c, "a"));
	assert_ptr_equal(flame_cache_put(c, "a", a), a);
	assert_ptr_equal(flame_cache_put(c, "b", b), b);
	assert_ptr_equal(flame_cache_get(c, "a"), a); /* now b is the older */
	assert_ptr_equal(flame_cache_put(c, "d", d), d);
	assert_ptr_equal(flame_cache_get(c, "a"), a);
	assert_ptr_equal(flame_cache_get(c, "d"), d);
	assert_null(flame_cache_get(c, "b"));
	flame_cache_free(c);
}

static void test_size(void **state)
{
	struct flame *a = make(), *b = make();
	struct flame_cache *c = flame_cache_new(10, flame_size(a) + flame_size(b) - 1);
	flame_cache_put(c, "a", a);
	assert_ptr_equal(flame_cache_get(c, "a"), a);
	flame_cache_put(c, "b", b);
	assert_null(flame_cache_get(c, "a"));
	assert_ptr_equal(flame_cache_get(c, "b"), b);
	flame_cache_free(c);
	/* One too large for the whole is kept all the same: it is being looked at. */
	c = flame_cache_new(10, 0);
	a = make();
	flame_cache_put(c, "a", a);
	assert_ptr_equal(flame_cache_get(c, "a"), a);
	flame_cache_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_size),
	};
	return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
