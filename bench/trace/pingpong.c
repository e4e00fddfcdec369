/*
 * Two threads that hand a turn to each other N times: pingpong N [MICROSECONDS]. Prints the
 * nanoseconds a turn. Each is a wait, a waking and a lock, and between turns so many microseconds of
 * work: 0, and there is nothing but what a tracer records.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t handed = PTHREAD_COND_INITIALIZER;
static long turns, turn, work_ns;

static long now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void work(void)
{
	for (long until = now_ns() + work_ns; work_ns && now_ns() < until;)
		;
}

static void *player(void *arg)
{
	long mine = (long)arg;
	pthread_mutex_lock(&lock);
	while (turn < turns) {
		if (turn % 2 != mine) {
			pthread_cond_wait(&handed, &lock);
			continue;
		}
		work();
		turn++;
		pthread_cond_signal(&handed);
	}
	pthread_cond_signal(&handed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t other;
	turns = argc > 1 ? atol(argv[1]) : 100000;
	work_ns = argc > 2 ? 1000 * atol(argv[2]) : 0;
	long begin = now_ns();
	if (pthread_create(&other, NULL, player, (void *)1))
		return 1;
	player((void *)0);
	pthread_join(other, NULL);
	printf("%.1f\n", (double)(now_ns() - begin) / (double)turns);
	return 0;
}
