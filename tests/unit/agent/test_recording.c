/*
 * The recording's shared structures: the stack table under many writers, its limits, and reading
 * recordings that were written over.
 */
#include "../unit.h"

#include "agent/agent.h"
#include "agent/stacks.h"

#include <pthread.h>

#define THREADS	  4
#define ROUNDS	  20000
#define STACKS	  997
#define PERIOD_NS 10000000

static struct recording *make(size_t size)
{
	struct recording *rec;
	assert_int_equal(recording_new(size, &rec), 0);
	rec->hz = 100;
	rec->period_ns = PERIOD_NS;
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

static bool count(struct recording *rec, const struct recording_stack *s, enum recording_kind kind,
	uint32_t labels, uint64_t key, uint64_t n)
{
	struct recording_count *c = stacks_count(rec, s, kind, labels, key, 2);
	if (c)
		recording_count(&c->values[0], n);
	return c != NULL;
}

static int export_cpu(struct export_source source, struct profile *p, struct err *err)
{
	struct export_opts opts = {.view = export_view("cpu")};
	return export_profile(&source, 1, &opts, p, NULL, err);
}

static void *write_all_stacks(void *arg)
{
	struct recording *rec = arg;
	for (size_t i = 0; i < ROUNDS; i++) {
		uintptr_t pcs[8];
		struct captured stack = stack_of(pcs, i % STACKS);
		struct recording_stack *s = stacks_intern(rec, &stack);
		assert_non_null(s);
		assert_true(count(rec, s, RECORDING_CPU, 0, PERIOD_NS, 1));
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
	assert_int_equal(export_cpu(source, &p, NULL), 0);
	assert_int_equal(p.sample_n, STACKS);
	int64_t total = 0;
	for (uint32_t i = 0; i < p.sample_n; i++) {
		int64_t *values = profile_values(&p, i);
		assert_int_equal(values[1], values[0] * PERIOD_NS);
		total += values[0];
	}
	assert_int_equal(total, THREADS * ROUNDS);
	profile_release(&p);
	recording_free(rec);
}

/* Labels, kinds and keys are counted apart under one stack. */
static void test_counts_apart(void **state)
{
	struct recording *rec = make(RECORDING_SIZE_MAX);
	uintptr_t pcs[8];
	struct captured stack = stack_of(pcs, 3);
	struct recording_stack *s = stacks_intern(rec, &stack);
	assert_ptr_equal(stacks_intern(rec, &stack), s);
	struct recording_count *plain = stacks_count(rec, s, RECORDING_CPU, 0, PERIOD_NS, 1);
	struct recording_count *labelled = stacks_count(rec, s, RECORDING_CPU, 9, 0, 1);
	struct recording_count *other = stacks_count(rec, s, RECORDING_HEAP, 0, 0, 2);
	struct recording_count *keyed = stacks_count(rec, s, RECORDING_HEAP, 0, 48, 2);
	struct recording_count *all[] = {plain, labelled, other, keyed};
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			assert_ptr_not_equal(all[i], all[k]);
	assert_ptr_equal(stacks_count(rec, s, RECORDING_HEAP, 0, 48, 2), keyed);
	assert_int_equal(keyed->key, 48);
	assert_int_equal(labelled->labels, 9);
	recording_free(rec);
}

static int64_t sum_cpu(struct recording *rec, const struct export_baseline *since, uint32_t *ret_n)
{
	struct profile p;
	struct export_source source = {rec, rec->size};
	struct export_opts opts = {.view = export_view("cpu"), .since = since};
	assert_int_equal(export_profile(&source, 1, &opts, &p, NULL, NULL), 0);
	int64_t sum = 0;
	for (uint32_t i = 0; i < p.sample_n; i++)
		sum += profile_values(&p, i)[0];
	*ret_n = p.sample_n;
	profile_release(&p);
	return sum;
}

/* A profile that began later is what was counted since: old stacks that went on, new ones, and not
 * those that stood still. */
static void test_since(void **state)
{
	struct recording *rec = make(RECORDING_SIZE_MAX);
	struct recording_stack *stacks[3];
	uintptr_t pcs[8];
	uint32_t n;
	for (int i = 0; i < 3; i++) {
		struct captured stack = stack_of(pcs, (size_t)i);
		stacks[i] = stacks_intern(rec, &stack);
	}
	count(rec, stacks[0], RECORDING_CPU, 0, PERIOD_NS, 10);
	count(rec, stacks[1], RECORDING_CPU, 0, PERIOD_NS, 20);
	struct export_baseline since;
	struct export_source source = {rec, rec->size};
	assert_int_equal(export_baseline_take(&since, &source, 1, RECORDING_CPU, NULL), 0);
	assert_int_equal(sum_cpu(rec, &since, &n), 0);
	assert_int_equal(n, 0);
	count(rec, stacks[1], RECORDING_CPU, 0, PERIOD_NS, 3);
	count(rec, stacks[2], RECORDING_CPU, 0, PERIOD_NS, 4);
	assert_int_equal(sum_cpu(rec, &since, &n), 7);
	assert_int_equal(n, 2);
	assert_int_equal(sum_cpu(rec, NULL, &n), 37);
	assert_int_equal(n, 3);
	export_baseline_release(&since);
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
	uint64_t seed = 1;
	for (size_t i = 0; i < 500; i++) {
		struct captured stack = stack_of(pcs, i);
		count(rec, stacks_intern(rec, &stack), RECORDING_CPU, 0, PERIOD_NS, 1);
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
		if (export_cpu(source, &p, &err) == 0) {
			profile_release(&p);
			good++;
		}
	}
	assert_true(good > 0);
	free(copy);
	recording_free(rec);
}

/* As custom.c does it. */
static struct recording_custom *name(struct recording *rec, const char *text, uint64_t key)
{
	struct recording_custom *c = recording_alloc(rec, sizeof(*c) + strlen(text) + 1);
	c->name_n = (uint32_t)strlen(text);
	c->key = key;
	memcpy(c->name, text, c->name_n);
	c->next = atomic_load(&rec->customs);
	atomic_store(&rec->customs, recording_ref(rec, c));
	return c;
}

static bool count_custom(void *ctx, const struct export_custom *custom)
{
	++*(int *)ctx;
	return true;
}

static int customs(const struct export_source *source)
{
	int n = 0;
	export_each_custom(source, count_custom, &n);
	return n;
}

/* Their names, and what is left of them when the program writes over them. */
static void test_customs(void **state)
{
	struct recording *rec = make(RECORDING_SIZE_MAX);
	const struct export_source source = {rec, rec->size};
	struct export_custom found;
	uintptr_t pcs[8];
	assert_int_equal(customs(&source), 0);
	struct recording_custom *first = name(rec, "sessions", 1), *second = name(rec, "files", 2);
	struct captured stack = stack_of(pcs, 3);
	const struct recording_stack *s = stacks_intern(rec, &stack);
	assert_true(count(rec, s, RECORDING_CUSTOM, 0, 1, 7));
	assert_true(count(rec, s, RECORDING_CUSTOM, 0, 2, 5));
	assert_int_equal(customs(&source), 2);
	assert_true(export_custom_find(&source, "sessions", &found));
	assert_false(export_custom_find(&source, "session", &found));

	struct profile p;
	const struct export_opts opts = {.view = &found.view};
	assert_true(export_custom_find(&source, "sessions", &found));
	assert_int_equal(export_profile(&source, 1, &opts, &p, NULL, NULL), 0);
	assert_int_equal(p.sample_n, 1);
	assert_int_equal(profile_values(&p, 0)[0], 7);
	assert_string_equal(profile_str(&p, p.sample_types[0].type), "sessions");
	profile_release(&p);

	second->name_n = RECORDING_CUSTOM_NAME; /* too long: left out */
	assert_int_equal(customs(&source), 1);
	second->name_n = UINT32_MAX; /* out of the file */
	assert_int_equal(customs(&source), 0);
	second->name_n = 5;
	second->next = recording_ref(rec, second); /* a ring */
	assert_int_equal(customs(&source), 1);
	second->next = recording_ref(rec, first);
	first->next = UINT32_MAX;
	assert_int_equal(customs(&source), 2);
	first->name[2] = '\0'; /* not what its length says */
	assert_int_equal(customs(&source), 1);
	assert_int_equal(customs(&(struct export_source){rec, RECORDING_ARENA - 1}), 0);
	rec->version++;
	assert_int_equal(customs(&source), 0);
	recording_free(rec);
}

static void test_not_a_recording(void **state)
{
	static char zeros[RECORDING_ARENA];
	struct profile p;
	struct err err = ERR_INIT;
	struct export_source source = {zeros, sizeof(zeros)};
	assert_int_equal(export_cpu(source, &p, &err), ERR_FORMAT);
	source.n = 100;
	assert_int_equal(export_cpu(source, &p, &err), ERR_TRUNCATED);
	struct export_opts opts = {.view = export_view("cpu")};
	assert_int_equal(export_profile(&source, 0, &opts, &p, NULL, &err), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_writers),
		cmocka_unit_test(test_counts_apart),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_written_over),
		cmocka_unit_test(test_customs),
		cmocka_unit_test(test_not_a_recording),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
