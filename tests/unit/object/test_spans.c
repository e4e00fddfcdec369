/*
 * The span map, against a plain search over random nested and overlapping ranges.
 */
#include "object/spans.h"
#include "../unit.h"

#define LIMIT 200

static void add_nested(struct spans *s, uint64_t lo, uint64_t hi, uint32_t *id, uint32_t *owner)
{
	uint32_t mine = (*id)++;
	spans_add(s, lo, hi, mine);
	for (uint64_t a = lo; a < hi; a++)
		owner[a] = mine;
	for (int tries = 0; tries < 2 && hi - lo > 4; tries++) {
		uint64_t from = lo + (uint64_t)rand() % (hi - lo),
			 to = from + (uint64_t)rand() % (hi - from);
		if (to > from && to - from < hi - lo)
			add_nested(s, from, to, id, owner);
		lo = to;
		if (lo >= hi)
			return;
	}
}

static void test_nested(void **state)
{
	for (int seed = 0; seed < 300; seed++) {
		struct spans s = {0};
		uint32_t owner[LIMIT], id = 0;
		memset(owner, 0xff, sizeof(owner));
		srand((unsigned)seed);
		add_nested(&s, 10, 100, &id, owner);
		add_nested(&s, 100 + (uint64_t)rand() % 20, 180, &id, owner);
		spans_seal(&s);
		for (uint64_t a = 0; a < LIMIT; a++)
			assert_int_equal(spans_find(&s, a), owner[a]);
		spans_release(&s);
	}
}

static void test_overlap(void **state)
{
	struct spans s = {0};
	spans_add(&s, 0, 100, 1);
	spans_add(&s, 50, 150, 2);
	spans_add(&s, 200, 200, 3); /* empty */
	spans_seal(&s);
	assert_int_equal(spans_find(&s, 0), 1);
	assert_int_equal(spans_find(&s, 50), 2);
	assert_int_equal(spans_find(&s, 149), 2);
	assert_int_equal(spans_find(&s, 150), SPAN_NONE);
	assert_int_equal(spans_find(&s, 200), SPAN_NONE);
	spans_release(&s);
}

static void test_equal_ranges(void **state)
{
	struct spans s = {0};
	spans_add(&s, 5, 9, 1);
	spans_add(&s, 5, 9, 2); /* added later: inside */
	spans_add(&s, UINT64_MAX - 1, UINT64_MAX, 3);
	spans_seal(&s);
	assert_int_equal(spans_find(&s, 5), 2);
	assert_int_equal(spans_find(&s, 9), SPAN_NONE);
	assert_int_equal(spans_find(&s, UINT64_MAX - 1), 3);
	assert_int_equal(spans_find(&s, UINT64_MAX), SPAN_NONE);
	spans_release(&s);
}

static void test_empty(void **state)
{
	struct spans s = {0};
	spans_seal(&s);
	assert_int_equal(spans_find(&s, 0), SPAN_NONE);
	spans_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_equal_ranges),
		cmocka_unit_test(test_empty),
	};
	return cmocka_run_group_tests_name("object-spans", tests, NULL, NULL);
}
