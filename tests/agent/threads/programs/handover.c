/*
 * Eight threads that take two mutexes in one order, and create and join others meanwhile, for so
 * many seconds: `handover SECONDS`.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static time_t until;

static int going_on(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec < until;
}

static void *take_both(void *arg)
{
	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&first);
		pthread_mutex_lock(&second);
		pthread_mutex_unlock(&first);
		for (volatile int k = 0; k < 2000; k++)
			;
		pthread_mutex_unlock(&second);
	}
	return NULL;
}

static void *create_and_join(void *arg)
{
	while (going_on()) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, take_both, NULL) || pthread_join(thread, NULL))
			exit(1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[8];
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	until = t.tv_sec + atoi(argv[1]);
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, create_and_join, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
