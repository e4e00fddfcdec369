/*
 * Threads that compete for locks: `contend MUTEX|RWLOCK THREADS TURNS HOLD_NS`. Each turn holds the
 * lock for HOLD_NS of the processor's time, in one of two functions. Prints how long all threads
 * waited, by their own clocks: those waits that a try had shown to be needed.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int use_rwlock, turns, hold_ns;
static long done;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void spin(double seconds)
{
	for (double until = now() + seconds; now() < until;)
		;
}

static void lock(void)
{
	if (use_rwlock)
		pthread_rwlock_wrlock(&rwlock);
	else
		pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
	if (use_rwlock)
		pthread_rwlock_unlock(&rwlock);
	else
		pthread_mutex_unlock(&mutex);
}

__attribute__((noinline)) static double turn(int factor)
{
	double from = now();
	lock();
	double waited = now() - from;
	done++;
	spin(factor * hold_ns / 1e9);
	unlock();
	return waited;
}

/* Three quarters of the time the lock is held here, a quarter there. */
__attribute__((noinline)) static double hold_long(void)
{
	double waited = turn(3);
	__asm__ volatile("");
	return waited;
}

__attribute__((noinline)) static double hold_short(void)
{
	double waited = turn(1);
	__asm__ volatile("");
	return waited;
}

static void *work(void *arg)
{
	double *waited = arg;
	for (int i = 0; i < turns; i++) {
		*waited += hold_long();
		*waited += hold_short();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int n = atoi(argv[2]);
	pthread_t threads[64];
	double waited[64] = {0}, sum = 0;
	use_rwlock = !strcmp(argv[1], "rwlock");
	turns = atoi(argv[3]);
	hold_ns = atoi(argv[4]);
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, work, &waited[i]);
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		sum += waited[i];
	}
	printf("%.6f %ld\n", sum, done);
	return 0;
}
