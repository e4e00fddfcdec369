/*
 * Threads that wait in known ways: `parked N SECONDS` has N on a condition variable, one in poll,
 * one that spins, and the first one asleep. Says "EINTR" if anybody is woken by a signal.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static _Atomic int begun, stop;

__attribute__((noinline)) static void *wait_for_ever(void *arg)
{
	begun++;
	pthread_mutex_lock(&lock);
	while (!stop)
		pthread_cond_wait(&never, &lock);
	pthread_mutex_unlock(&lock);
	return NULL;
}

__attribute__((noinline)) static void *poll_for_ever(void *arg)
{
	begun++;
	while (!stop)
		if (poll(NULL, 0, 100000) < 0 && errno == EINTR)
			puts("EINTR");
	return NULL;
}

__attribute__((noinline)) static void *spin(void *arg)
{
	begun++;
	while (!stop)
		;
	return NULL;
}

static void start(void *(*what)(void *))
{
	pthread_t thread;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	if (pthread_create(&thread, &attr, what, NULL))
		exit(3);
}

int main(int argc, char **argv)
{
	int n = atoi(argv[1]);
	for (int i = 0; i < n; i++)
		start(wait_for_ever);
	start(poll_for_ever);
	start(spin);
	while (begun < n + 2)
		usleep(1000);
	usleep(100000); /* from there into the calls */
	puts("up");
	fflush(stdout);
	if (sleep((unsigned)atoi(argv[2])))
		puts("EINTR");
	return 0;
}
