/*
 * Walks held against libgcc's from the same signal: at least 40,000 in all, every one identical,
 * and at least 99.5 % of them complete to main's caller or the thread's start.
 *
 * "Further" is allowed where libgcc has no rule (the frames of PLTs without unwind information):
 * then ours must go on to the root. It is counted and bounded, so that it cannot hide a fault.
 */
#include "../unit.h"

#include <stdbool.h>
#include <pthread.h>

#include "sampler.h"
#include "work.h"

#define SAMPLES 6000u

static const char *plugin_path;
static uint64_t samples_in_all;

static void check(const char *name, const struct sampler_totals *t)
{
	sampler_print(name, t);
	samples_in_all += t->samples;
	assert_int_equal(t->different, 0);
	assert_true(t->further * 200 <= t->samples);
	assert_true(t->peer_crashed * 1000 <= t->samples);
	assert_true(t->rooted * 1000 >= t->samples * 995);
}

static void sample(const char *name, void (*work)(void *arg), void *arg)
{
	struct sampler_totals t = sampler_run(work, arg, SAMPLES);
	check(name, &t);
}

static void test_recurse(void **state)
{
	sample("recursion", work_recurse, NULL);
}

static void test_allocation(void **state)
{
	sample("malloc", work_malloc, NULL);
}

static void test_longjmp(void **state)
{
	sample("longjmp", work_longjmp, NULL);
}

static void test_altstack(void **state)
{
	sample("sigaltstack", work_altstack, NULL);
}

static void test_swapcontext(void **state)
{
	sample("swapcontext", work_swapcontext, NULL);
}

static void test_vla(void **state)
{
	sample("alloca and alignment", work_vla, NULL);
}

#ifdef HAVE_CPLUSPLUS
/* The samples that fall between libgcc's restoring the registers and its jump, where its own unwind
 * information is wrong, end early: two in a hundred at most, of a program that does nothing else.
 */
static void test_throw(void **state)
{
	sampler_ask_peer = false;
	struct sampler_totals t = sampler_run(work_throw, NULL, SAMPLES);
	sampler_ask_peer = true;
	sampler_print("C++ exceptions (libgcc not asked)", &t);
	assert_true(t.rooted * 100 >= t.samples * 98);
}
#endif

/* Loaded after unwind_init(): the refresh that dlopen's hook would do. */
static void test_dlopen(void **state)
{
	work_dlopen((void *)plugin_path);
	assert_int_equal(unwind_refresh(), 1);
	assert_int_equal(unwind_refresh(), 0);
	sample("a module loaded after start", work_dlopen, (void *)plugin_path);
}

static void *small_thread(void *arg)
{
	struct sampler_totals *t = arg;
	*t = sampler_run(work_recurse, NULL, SAMPLES);
	return NULL;
}

static void test_small_stack(void **state)
{
	pthread_attr_t attr;
	pthread_t thread;
	struct sampler_totals t = {0};
	pthread_attr_init(&attr);
	/* 16 KiB for the work; the signal frame and libgcc's own context want as much again. */
	assert_int_equal(pthread_attr_setstacksize(&attr, 32 * 1024), 0);
	assert_int_equal(pthread_create(&thread, &attr, small_thread, &t), 0);
	pthread_join(thread, NULL);
	check("a thread with a small stack", &t);
}

static void test_enough(void **state)
{
	assert_true(samples_in_all >= 40000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recurse),
		cmocka_unit_test(test_allocation),
		cmocka_unit_test(test_longjmp),
		cmocka_unit_test(test_altstack),
		cmocka_unit_test(test_swapcontext),
		cmocka_unit_test(test_vla),
#ifdef HAVE_CPLUSPLUS
		cmocka_unit_test(test_throw),
#endif
		cmocka_unit_test(test_dlopen),
		cmocka_unit_test(test_small_stack),
		cmocka_unit_test(test_enough),
	};
	if (argc != 2)
		return 2;
	plugin_path = argv[1];
	sampler_verbose = getenv("SONDE_TEST_VERBOSE") != NULL;
	if (unwind_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
