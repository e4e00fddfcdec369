/*
 * The recording's shared structures: the stack table under many writers, its limits, and reading
 * recordings that were written over.
 */
#include "../unit.h"

#include "agent/agent.h"
#include "agent/stacks.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS	20000
#define STACKS	997

static struct recording *make(size_t size)
{
	struct recording *rec;
	assert_int_equal(recording_new(size, &rec), 0);
	rec->hz = 100;
	rec->period_ns = 10000000;
	return rec;
}

/* Stack number i: i % 7 + 1 frames, all told apart. */
static struct captured stack_of(uintptr_t *pcs, size_t i)
{
	size_t n = i % 7 + 1;
	for (size_t at = 0; at < n; at++)
		pcs[at] = 0x1000 + i * 64 + at;
	return (struct captured){pcs, n, RECORDING_LEAF_EXACT, RECORDING_END_ROOT};
}

static void *write_all_stacks(void *arg)
{
	struct recording *rec = arg;
	uint64_t one = 1;
	for (size_t i = 0; i < ROUNDS; i++) {
		uintptr_t pcs[8];
		struct captured stack = stack_of(pcs, i % STACKS);
		struct recording_stack *s = stacks_intern(rec, &stack);
		assert_non_null(s);
		assert_true(stacks_count(rec, s, RECORDING_CPU, 0, &one, 1));
	}
	return NULL;
}

/* Each stack once, whoever came first, and no count lost. */
static void test_many_writers(void **state)
{
	struct recording *rec = make(RECORDING_SIZE_MAX);
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, write_all_stacks, rec);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&rec->stacks), STACKS);

	struct profile p;
	struct export_source source = {rec, rec->size};
	assert_int_equal(export_profile(&source, 1, &p, NULL, NULL), 0);
	assert_int_equal(p.sample_n, STACKS);
	int64_t total = 0;
	for (uint32_t i = 0; i < p.sample_n; i++) {
		int64_t *values = profile_values(&p, i);
		assert_int_equal(values[1], values[0] * 10000000);
		total += values[0];
	}
	assert_int_equal(total, THREADS * ROUNDS);
	profile_release(&p);
	recording_free(rec);
}

/* Labels and kinds are counted apart under one stack. */
static void test_counts_apart(void **state)
{
	struct recording *rec = make(RECORDING_SIZE_MAX);
	uintptr_t pcs[8];
	uint64_t two[2] = {5, 7};
	struct captured stack = stack_of(pcs, 3);
	struct recording_stack *s = stacks_intern(rec, &stack);
	assert_true(stacks_count(rec, s, RECORDING_CPU, 0, two, 1));
	assert_true(stacks_count(rec, s, RECORDING_CPU, 9, two, 1));
	assert_true(stacks_count(rec, s, RECORDING_CPU + 1, 0, two, 2));
	assert_true(stacks_count(rec, s, RECORDING_CPU + 1, 0, two, 2));
	assert_ptr_equal(stacks_intern(rec, &stack), s);
	struct recording_count *newest = recording_at(rec, atomic_load(&s->counts));
	assert_int_equal(newest->kind, RECORDING_CPU + 1);
	assert_int_equal(atomic_load(&newest->values[0]), 10);
	assert_int_equal(atomic_load(&newest->values[1]), 14);
	struct recording_count *labelled = recording_at(rec, newest->next);
	assert_int_equal(labelled->labels, 9);
	assert_int_equal(atomic_load(&labelled->values[0]), 5);
	recording_free(rec);
}

/* A full recording refuses, and says so, and what it holds stays good. */
static void test_full(void **state)
{
	struct recording *rec = make(RECORDING_ARENA + RECORDING_GROWTH + 4096);
	size_t taken = 0;
	uintptr_t pcs[8];
	for (size_t i = 0; i < 100000; i++) {
		struct captured stack = stack_of(pcs, i);
		taken += stacks_intern(rec, &stack) != NULL;
	}
	assert_true(taken > 1000 && taken < 100000);
	assert_int_equal(atomic_load(&rec->stacks), taken);
	assert_true(atomic_load(&rec->committed) <= rec->size);
	struct captured first = stack_of(pcs, 0);
	assert_non_null(stacks_intern(rec, &first));
	recording_free(rec);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

/* A program may write anything over its recording: the export ends, and stays inside it. */
static void test_written_over(void **state)
{
	size_t size = RECORDING_ARENA + RECORDING_GROWTH;
	struct recording *rec = make(size);
	uintptr_t pcs[8];
	uint64_t one = 1, seed = 1;
	for (size_t i = 0; i < 500; i++) {
		struct captured stack = stack_of(pcs, i);
		stacks_count(rec, stacks_intern(rec, &stack), RECORDING_CPU, 0, &one, 1);
	}
	size_t used = atomic_load(&rec->used);
	char *copy = malloc(size); /* so that ASan sees what is read past its end */
	int good = 0;
	for (int round = 0; round < 300; round++) {
		memcpy(copy, rec, size);
		for (int i = 0; i < 40; i++) {
			size_t at = next_random(&seed) % 2
					    ? next_random(&seed) % 512
					    : RECORDING_HEADER + next_random(&seed) %
									 (used - RECORDING_HEADER);
			copy[at] = (char)next_random(&seed);
		}
		memcpy(copy, rec, 12); /* magic and version: or it would end there */
		struct profile p;
		struct err err = ERR_INIT;
		struct export_source source = {copy, round % 2 ? size : RECORDING_ARENA + 1000};
		if (export_profile(&source, 1, &p, NULL, &err) == 0) {
			profile_release(&p);
			good++;
		}
	}
	assert_true(good > 0);
	free(copy);
	recording_free(rec);
}

static void test_not_a_recording(void **state)
{
	static char zeros[RECORDING_ARENA];
	struct profile p;
	struct err err = ERR_INIT;
	struct export_source source = {zeros, sizeof(zeros)};
	assert_int_equal(export_profile(&source, 1, &p, NULL, &err), ERR_FORMAT);
	source.n = 100;
	assert_int_equal(export_profile(&source, 1, &p, NULL, &err), ERR_TRUNCATED);
	assert_int_equal(export_profile(&source, 0, &p, NULL, &err), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_writers),
		cmocka_unit_test(test_counts_apart),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_written_over),
		cmocka_unit_test(test_not_a_recording),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
