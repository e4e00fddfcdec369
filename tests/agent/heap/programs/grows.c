/*
 * A heap that grows in one place. `grows once FILE` writes what grew while it looked, and checks
 * that the clock went as it had to; `grows on` goes on until its input ends.
 */
#include "../../check.h"

#include <sonde/pprof.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { KEPT = 100, CACHED = 50, ROUNDS = 20 };

static struct kept {
	struct kept *next;
	char data[1000];
} * all;

static void *cached[CACHED];

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void keep(void)
{
	struct kept *k = malloc(sizeof(*k));
	k->next = all;
	all = k;
}

__attribute__((noinline)) static void leaky(int n)
{
	for (int i = 0; i < n; i++)
		keep();
	__asm__ volatile("");
}

__attribute__((noinline)) static void late(void)
{
	keep();
	__asm__ volatile("");
}

/* What is new is as much as what went. */
__attribute__((noinline)) static void cache(void)
{
	for (int i = 0; i < CACHED; i++) {
		free(cached[i]);
		cached[i] = malloc(500);
	}
	__asm__ volatile("");
}

__attribute__((noinline)) static void churn(void)
{
	for (int i = 0; i < 1000; i++) {
		void *volatile p = malloc(200);
		free(p);
	}
	__asm__ volatile("");
}

/* False: the machine was too slow for the moments to be what they should. */
__attribute__((noinline)) static int round_is_good(int fd)
{
	struct sonde_profile_delta *delta;
	uint64_t start = now_ns();
	CHECK(sonde_profile_delta_new("heap", &delta) == 0);
	usleep(10000); /* what is allocated in the delta's own tick of 4 ms does not count */
	cache();
	leaky(KEPT);
	churn();
	uint64_t half = now_ns() - start;
	while (now_ns() - start < 2 * half + 100000000)
		usleep(10000);
	uint64_t before_late = now_ns() - start;
	late();
	CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	CHECK(sonde_heap_leaks_since(delta, fd) == 0);
	sonde_profile_delta_free(delta);
	return (now_ns() - start) / 2 + 10000000 < before_late;
}

static void once(const char *path)
{
	struct sonde_profile_delta *delta;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
	CHECK(fd >= 0);
	CHECK(sonde_heap_rate_set(1) >= 0);
	CHECK(sonde_profile_delta_new("threadcreate", &delta) == 0);
	CHECK(sonde_heap_leaks_since(delta, fd) == -EINVAL);
	sonde_profile_delta_free(delta);
	/* The first round fills the cache, through the same stack as the others. */
	for (volatile int i = 0; i < ROUNDS; i++) /* one call, not two */
		if (round_is_good(fd) && i)
			exit(0);
	exit(3);
}

static void on(void)
{
	struct pollfd in = {0, POLLIN, 0};
	printf("up\n");
	fflush(stdout);
	while (poll(&in, 1, 10) == 0) {
		leaky(1);
		churn();
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "once") == 0)
		once(argv[2]);
	on();
	return 0;
}
