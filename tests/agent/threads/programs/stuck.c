/*
 * Threads that wait in known ways: `stuck` prints "ready" when all are there, and ends when its
 * input does.
 *
 * Two lock two mutexes crosswise, three join a ring by read-write locks and a mutex, one locks its
 * own mutex again; others wait for a lock whose holder sleeps, for a thread, for data, in a system
 * call that no hook knows, and one runs.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/futex.h>

static pthread_mutex_t cross[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_mutex_t ring = PTHREAD_MUTEX_INITIALIZER, own = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t slow = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rings[2] = {PTHREAD_RWLOCK_INITIALIZER, PTHREAD_RWLOCK_INITIALIZER};
static pthread_barrier_t two, three, held;
static pthread_t slow_thread;
static int tube[2];

static void name(const char *text)
{
	prctl(PR_SET_NAME, text);
}

__attribute__((noinline)) static void *cross_locks(void *arg)
{
	int first = (int)(intptr_t)arg;
	name(first ? "cross-b" : "cross-a");
	pthread_mutex_lock(&cross[first]);
	pthread_barrier_wait(&two);
	pthread_mutex_lock(&cross[!first]);
	return NULL;
}

__attribute__((noinline)) static void *ring_of_three(void *arg)
{
	int i = (int)(intptr_t)arg;
	char text[16];
	snprintf(text, sizeof(text), "ring-%d", i);
	name(text);
	if (i < 2)
		pthread_rwlock_wrlock(&rings[i]);
	else
		pthread_mutex_lock(&ring);
	pthread_barrier_wait(&three);
	if (i == 0)
		pthread_rwlock_rdlock(&rings[1]);
	else if (i == 1)
		pthread_mutex_lock(&ring);
	else
		pthread_rwlock_wrlock(&rings[0]);
	return NULL;
}

__attribute__((noinline)) static void *lock_twice(void *arg)
{
	name("twice");
	pthread_mutex_lock(&own);
	pthread_mutex_lock(&own);
	return NULL;
}

__attribute__((noinline)) static void *hold_and_sleep(void *arg)
{
	struct timespec t = {3600, 0};
	name("holder");
	pthread_mutex_lock(&slow);
	pthread_barrier_wait(&held);
	nanosleep(&t, NULL);
	return NULL;
}

__attribute__((noinline)) static void *want_slow(void *arg)
{
	name("wants");
	pthread_mutex_lock(&slow);
	return NULL;
}

__attribute__((noinline)) static void *join_slow(void *arg)
{
	name("joins");
	pthread_join(slow_thread, NULL);
	return NULL;
}

__attribute__((noinline)) static void *read_tube(void *arg)
{
	char byte;
	name("reads \"it\"");
	return read(tube[0], &byte, 1) < 0 ? arg : NULL;
}

__attribute__((noinline)) static void *wait_unseen(void *arg)
{
	static int word;
	name("unseen");
	syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
	return NULL;
}

__attribute__((noinline)) static void *run_on(void *arg)
{
	name("runs");
	for (volatile long i = 0;; i++)
		;
	return NULL;
}

static pthread_t start(void *(*what)(void *), int arg)
{
	pthread_t thread;
	pthread_create(&thread, NULL, what, (void *)(intptr_t)arg);
	return thread;
}

__attribute__((noinline)) static void start_all(void)
{
	start(cross_locks, 0);
	pthread_join(start(cross_locks, 1), NULL);
}

__attribute__((noinline)) static void *start_crossed(void *arg)
{
	name("starter");
	start_all();
	return NULL;
}

int main(void)
{
	char byte;
	if (pipe(tube))
		return 1;
	pthread_barrier_init(&two, NULL, 2);
	pthread_barrier_init(&three, NULL, 3);
	pthread_barrier_init(&held, NULL, 2);
	start(start_crossed, 0);
	for (int i = 0; i < 3; i++)
		start(ring_of_three, i);
	start(lock_twice, 0);
	start(read_tube, 0);
	start(wait_unseen, 0);
	start(run_on, 0);
	slow_thread = start(hold_and_sleep, 0);
	pthread_barrier_wait(&held);
	start(want_slow, 0);
	start(join_slow, 0);
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
