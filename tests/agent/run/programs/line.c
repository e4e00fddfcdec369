/*
 * One line at the top of main: `line MODE DIR`.
 */
#include "burn.h"

#include <sonde/profile.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *contend(void *arg)
{
	for (int i = 0; i < 3; i++) {
		pthread_mutex_lock(&lock);
		usleep(5000);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void work(void)
{
	pthread_t threads[2];
	char *kept = malloc(100000);
	memset(kept, 1, 100000);
	free(malloc(50000));
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, contend, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	burn(0.2);
	burn_sink += (unsigned long)kept[99];
}

static int all(const char *dir)
{
	SONDE_PROFILE(.cpu = true, .mem = true, .allocs = true, .block = true, .mutex = true,
		.threadcreate = true, .clock = true, .goroutine = true, .mem_rate = 1, .path = dir);
	work();
	return sonde_profile_start(&(struct sonde_profile_options){0}) == -EBUSY ? 0 : 3;
}

static int plain(void)
{
	SONDE_PROFILE();
	work();
	return 0;
}

static pthread_barrier_t parked;

static void *park(void *arg)
{
	pthread_barrier_wait(&parked);
	pause();
	return NULL;
}

/* `DIR/1` has the main thread and one that is parked, `DIR/2` one more. */
static int twice(const char *dir)
{
	pthread_t thread;
	pthread_barrier_init(&parked, NULL, 2);
	for (int i = 1; i <= 2; i++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/%d", dir, i);
		SONDE_PROFILE(.goroutine = true, .path = path);
		pthread_create(&thread, NULL, park, NULL);
		pthread_barrier_wait(&parked);
	}
	return 0;
}

/* Snapshots of its own, one right after the other, until it is ended. */
static _Noreturn void often(const char *dir)
{
	alarm(60);
	puts("up");
	fflush(stdout);
	for (;;) {
		SONDE_PROFILE(.goroutine = true, .path = dir, .quiet = true,
			.no_shutdown_hook = true);
	}
}

static int leave_by_exit(const char *dir)
{
	SONDE_PROFILE(.path = dir, .quiet = true);
	work();
	exit(7);
}

static int be_interrupted(const char *dir)
{
	SONDE_PROFILE(.path = dir);
	work();
	puts("ready");
	fflush(stdout);
	while (pause() < 0) /* the handler returns; the thread that it woke ends the program */
		;
	return 4;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "all") == 0)
		return all(argv[2]) || sonde_profile_stop() != -ENOENT;
	if (strcmp(argv[1], "plain") == 0)
		return plain();
	if (strcmp(argv[1], "twice") == 0)
		return twice(argv[2]);
	if (strcmp(argv[1], "often") == 0)
		often(argv[2]);
	if (strcmp(argv[1], "exit") == 0)
		return leave_by_exit(argv[2]);
	return be_interrupted(argv[2]);
}
