/*
 * Threads that spend their time each in a way of its own: `wall MS [stay]`. Prints, at their end, a
 * line for each: its name, how long it lived, and its CPU time, both in us. stay: says "ready" and
 * waits for the signal that ends it.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t duration_ns;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static int over;

static uint64_t now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct timespec in_ns(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
}

/* One long wait. */
__attribute__((noinline)) static void sleeps(uint64_t until)
{
	struct timespec t = in_ns(until - now(CLOCK_MONOTONIC));
	nanosleep(&t, NULL);
}

/* Waits of a tenth of a sampling period. */
__attribute__((noinline)) static void naps(uint64_t until)
{
	struct timespec t = in_ns(1000000);
	while (now(CLOCK_MONOTONIC) < until)
		nanosleep(&t, NULL);
}

__attribute__((noinline)) static void burns(uint64_t until)
{
	for (volatile unsigned i = 0;; i++)
		if (i % 4096 == 0 && now(CLOCK_MONOTONIC) >= until)
			return;
}

/* Waits that no hook sees, with a little work between. */
__attribute__((noinline)) static void hides(uint64_t until)
{
	struct timespec t = in_ns(19000000);
	for (uint64_t at; (at = now(CLOCK_MONOTONIC)) + 20000000 < until;) {
		syscall(SYS_nanosleep, &t, NULL);
		burns(at + 20000000);
	}
	burns(until);
}

/* An idle thread of a pool. */
__attribute__((noinline)) static void idles(uint64_t until)
{
	pthread_mutex_lock(&mutex);
	while (!over)
		pthread_cond_wait(&work, &mutex);
	pthread_mutex_unlock(&mutex);
}

__attribute__((noinline)) static void blocks(uint64_t until)
{
	pthread_mutex_lock(&held);
	pthread_mutex_unlock(&held);
}

static struct life {
	const char *name;
	void (*lives)(uint64_t until);
	pthread_t thread;
	uint64_t ns, cpu_ns;
} lives[] = {{"sleeps", sleeps}, {"naps", naps}, {"hides", hides}, {"burns", burns},
	{"idles", idles}, {"blocks", blocks}};

#define LIVES (sizeof(lives) / sizeof(lives[0]))

static void *live(void *arg)
{
	struct life *l = arg;
	uint64_t began = now(CLOCK_MONOTONIC);
	l->lives(began + duration_ns);
	l->ns = now(CLOCK_MONOTONIC) - began;
	l->cpu_ns = now(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static void end_waits(void)
{
	pthread_mutex_unlock(&held);
	pthread_mutex_lock(&mutex);
	over = 1;
	pthread_cond_broadcast(&work);
	pthread_mutex_unlock(&mutex);
}

int main(int argc, char **argv)
{
	duration_ns = strtoull(argv[1], NULL, 10) * 1000000u;
	pthread_mutex_lock(&held);
	for (size_t i = 0; i < LIVES; i++)
		pthread_create(&lives[i].thread, NULL, live, &lives[i]);
	if (argc > 2) {
		puts("ready");
		fflush(stdout);
		pause();
	}
	struct timespec t = in_ns(duration_ns);
	nanosleep(&t, NULL);
	end_waits();
	for (size_t i = 0; i < LIVES; i++)
		pthread_join(lives[i].thread, NULL);
	for (size_t i = 0; i < LIVES; i++)
		printf("%s %llu %llu\n", lives[i].name, (unsigned long long)lives[i].ns / 1000,
			(unsigned long long)lives[i].cpu_ns / 1000);
	return 0;
}
