/*
 * What locks cost: `locks KIND`, with one of the kinds below. Prints nanoseconds a turn, the least
 * of many rounds: a machine that does something else meanwhile only ever adds.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000
#define TURNS  2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t sem;
static int pair[2];

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void turn_mutex(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
}

static void turn_read(void)
{
	pthread_rwlock_rdlock(&rwlock);
	pthread_rwlock_unlock(&rwlock);
}

static void turn_write(void)
{
	pthread_rwlock_wrlock(&rwlock);
	pthread_rwlock_unlock(&rwlock);
}

static void turn_sem(void)
{
	sem_wait(&sem);
	sem_post(&sem);
}

static void turn_socket(void)
{
	char byte = 0;
	if (send(pair[0], &byte, 1, 0) != 1 || recv(pair[1], &byte, 1, 0) != 1)
		abort();
}

static const struct kind {
	const char *name;
	void (*turn)(void);
	int turns;
} kinds[] = {
	{"mutex", turn_mutex, TURNS},
	{"rdlock", turn_read, TURNS},
	{"wrlock", turn_write, TURNS},
	{"sem", turn_sem, TURNS},
	{"socket", turn_socket, TURNS / 100},
};

static double least(const struct kind *kind)
{
	double best = 1e18;
	for (int i = 0; i < ROUNDS; i++) {
		double from = now_ns();
		for (int j = 0; j < kind->turns; j++)
			kind->turn();
		double took = (now_ns() - from) / kind->turns;
		best = took < best ? took : best;
	}
	return best;
}

static void *nothing(void *arg)
{
	return NULL;
}

/* libc takes short cuts in a process that never had a second thread. */
static void be_threaded(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, nothing, NULL))
		abort();
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	be_threaded();
	sem_init(&sem, 0, 1);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (argc > 1 && !strcmp(argv[1], kinds[i].name))
			printf("%.3f\n", least(&kinds[i]));
	return 0;
}
