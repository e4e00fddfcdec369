/*
 * The async-signal-safe kit: errno left alone, budgets kept, locks exclusive, grace periods waited
 * for, unreadable memory refused without a fault.
 */
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sig/sig.h"

static void test_syscalls_leave_errno(void **state)
{
	errno = 12345;
	assert_int_equal(sig_syscall(SYS_close, -1), -EBADF);
	assert_int_equal(sig_open("/nonexistent/file", O_RDONLY, 0), -ENOENT);
	assert_int_equal(sig_write_all(-1, "x", 1), -EBADF);
	assert_false(sig_readable(8, 8));
	assert_int_equal(errno, 12345);
	assert_int_equal(sig_getpid(), getpid());
	assert_int_equal(sig_gettid(), gettid());
}

static void test_read_and_write_all(void **state)
{
	int fds[2];
	char got[8] = "";
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(sig_write_all(fds[1], "abc", 3), 0);
	assert_int_equal(sig_write_all(fds[1], "def", 3), 0);
	close(fds[1]);
	assert_int_equal(sig_read_all(fds[0], got, sizeof(got)), 6);
	assert_string_equal(got, "abcdef");
	sig_close(fds[0]);
	assert_int_equal(sig_read_all(fds[0], got, 1), -EBADF);
}

static void test_arena_keeps_its_budget(void **state)
{
	struct sig_arena arena = {0};
	assert_null(sig_arena_alloc(&arena, 1));
	assert_int_equal(sig_arena_init(&arena, 4096), 0);
	char *a = sig_arena_alloc(&arena, 1), *b = sig_arena_alloc(&arena, 17);
	assert_int_equal((uintptr_t)a % 16, 0);
	assert_ptr_equal(b, a + 16);
	assert_int_equal(sig_arena_used(&arena), 48);
	assert_null(sig_arena_alloc(&arena, SIZE_MAX));
	assert_null(sig_arena_alloc(&arena, 4096 - 47));
	assert_non_null(sig_arena_alloc(&arena, 4096 - 48));
	assert_null(sig_arena_alloc(&arena, 1));
	assert_int_equal(arena.failed, 4 - 1);
	sig_arena_release(&arena);
	assert_null(sig_arena_alloc(&arena, 1));
}

#define THREADS 4
#define ROUNDS	20000
#define GRACES	200

static struct sig_lock lock;
static int guarded;

static void *lock_and_count(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		sig_lock(&lock);
		guarded++;
		sig_unlock(&lock);
	}
	return NULL;
}

static void test_lock_excludes(void **state)
{
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, lock_and_count, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(guarded, THREADS * ROUNDS);
	assert_true(sig_trylock(&lock));
	assert_false(sig_trylock(&lock));
	sig_lock_reset(&lock);
	assert_true(sig_trylock(&lock));
}

static struct sig_rcu rcu;
static _Atomic(_Atomic int *) published;
static atomic_bool stop;
static atomic_int dead_reads;

static void *read_published(void *arg)
{
	while (!atomic_load(&stop)) {
		unsigned outer = sig_rcu_enter(&rcu), inner = sig_rcu_enter(&rcu);
		_Atomic int *value = atomic_load(&published);
		for (int i = 0; i < 10; i++)
			if (atomic_load_explicit(value, memory_order_relaxed) != 1)
				atomic_fetch_add(&dead_reads, 1);
		sig_rcu_exit(&rcu, inner);
		sig_rcu_exit(&rcu, outer);
	}
	return NULL;
}

/* A writer that swaps between two cells and kills the old one after the grace period. */
static void test_rcu_waits_for_readers(void **state)
{
	static _Atomic int cells[2];
	pthread_t threads[THREADS];
	atomic_store(&cells[0], 1);
	atomic_store(&published, &cells[0]);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_published, NULL), 0);
	int graces = 0;
	for (int i = 1; i < GRACES; i++) {
		atomic_store_explicit(&cells[i & 1], 1, memory_order_relaxed);
		atomic_store(&published, &cells[i & 1]);
		while (!sig_rcu_quiesce(&rcu, 100000000))
			;
		graces++;
		atomic_store_explicit(&cells[(i & 1) ^ 1], 0, memory_order_relaxed);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(graces, GRACES - 1);
	assert_int_equal(atomic_load(&dead_reads), 0);
}

static void test_rcu_gives_up_on_a_stuck_reader(void **state)
{
	static struct sig_rcu stuck;
	unsigned token = sig_rcu_enter(&stuck);
	assert_false(sig_rcu_quiesce(&stuck, 1000000));
	assert_false(sig_rcu_quiesce(&stuck, 1000000));
	sig_rcu_exit(&stuck, token);
	assert_true(sig_rcu_quiesce(&stuck, 1000000));
	sig_rcu_enter(&stuck);
	sig_rcu_reset(&stuck);
	assert_true(sig_rcu_quiesce(&stuck, 1000000));
}

static void test_peek(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	munmap(p + page, page);
	mprotect(p + 2 * page, page, PROT_NONE);
	memcpy(p + page - 8, "abcdefgh", 8);

	char got[8];
	assert_true(sig_peek(got, (uintptr_t)p + page - 8, 8));
	assert_memory_equal(got, "abcdefgh", 8);
	assert_false(sig_peek(got, (uintptr_t)p + page - 7, 8));
	assert_false(sig_readable((uintptr_t)p + page, 1));
	assert_false(sig_readable((uintptr_t)p + 2 * page, 1));
	assert_true(sig_readable((uintptr_t)p, page));
	assert_false(sig_readable(0, 1));
	assert_false(sig_readable(UINTPTR_MAX - 3, 8));
	assert_false(sig_readable(UINTPTR_MAX, 1));
	assert_false(sig_readable((uintptr_t)1 << 63, 8));
	assert_false(sig_readable((uintptr_t)p, 0));
	munmap(p, page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syscalls_leave_errno),
		cmocka_unit_test(test_read_and_write_all),
		cmocka_unit_test(test_arena_keeps_its_budget),
		cmocka_unit_test(test_lock_excludes),
		cmocka_unit_test(test_rcu_waits_for_readers),
		cmocka_unit_test(test_rcu_gives_up_on_a_stuck_reader),
		cmocka_unit_test(test_peek),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
