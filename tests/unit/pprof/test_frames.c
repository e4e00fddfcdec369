/*
 * Stacks that share their tails come back as they were, in less room.
 */
#include "pprof/pprof.h"
#include "../unit.h"

enum {
	STACKS = 3000,
	DEPTH_MAX = 200,
};

static uint32_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * n >> 32);
}

/* Random leaves over one of a few roots: of every depth, with locations of every width. */
static uint32_t make(uint32_t i, uint32_t *stack)
{
	seed = i * 7919 + 1;
	uint32_t n = below(DEPTH_MAX), shared = below(n + 1), root = below(40);
	uint32_t width = below(33);
	for (uint32_t k = 0; k < n; k++)
		stack[k] = width ? below(UINT32_MAX) >> (32 - width) : 0;
	for (uint32_t k = 0; k < shared; k++)
		stack[n - 1 - k] = root * 1000 + k;
	return n;
}

static void check(const struct frames *f, const uint32_t *places, uint32_t n)
{
	uint32_t expected[DEPTH_MAX];
	struct stack got = {0};
	for (uint32_t i = 0; i < n; i++) {
		uint32_t depth = make(i, expected);
		const uint32_t *at = frames_get(f, places[i], &got);
		assert_int_equal(got.n, depth);
		assert_memory_equal(at, expected, depth * sizeof(*at));
	}
	stack_release(&got);
}

static void stacks_come_back_as_they_were(void **state)
{
	uint32_t stack[DEPTH_MAX], places[STACKS], top = 0;
	struct frames f = {0}, copy;
	for (uint32_t i = 0; i < STACKS; i++) {
		uint32_t n = make(i, stack);
		for (uint32_t k = 0; k < n; k++)
			top = stack[k] < top ? top : stack[k] + 1;
		places[i] = frames_add(&f, stack, n);
		if (i == STACKS / 2)
			frames_seal(&f); /* adding goes on all the same */
	}
	assert_int_equal(f.top, top);
	check(&f, places, STACKS);
	frames_copy(&copy, &f);
	frames_release(&f);
	check(&copy, places, STACKS);
	frames_release(&copy);
}

static void tails_are_stored_once(void **state)
{
	uint32_t stack[101];
	struct frames f = {0};
	for (uint32_t k = 0; k < 100; k++)
		stack[k + 1] = 1000000 + k;
	stack[0] = 1;
	frames_add(&f, stack, 101);
	size_t once = f.n;
	for (uint32_t i = 2; i < 1000; i++) {
		stack[0] = i;
		frames_add(&f, stack, 101);
	}
	assert_true(f.n < once + 998 * 10);
	frames_release(&f);
}

static void a_stack_may_be_empty(void **state)
{
	struct frames f = {0};
	struct stack got = {0};
	uint32_t place = frames_add(&f, NULL, 0);
	assert_non_null(frames_get(&f, place, &got));
	assert_int_equal(got.n, 0);
	stack_release(&got);
	frames_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_come_back_as_they_were),
		cmocka_unit_test(tails_are_stored_once),
		cmocka_unit_test(a_stack_may_be_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
