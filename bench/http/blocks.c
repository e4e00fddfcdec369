/*
 * A program with many sampled blocks, which says how long it was held up: `blocks N BITS [PORT]`.
 *
 * N blocks are allocated and kept, from 2^BITS stacks. Then a thread reads the clock all the time,
 * and allocates and frees now and then; each line of input is answered by the longest time between
 * two of its readings since the line before, and by their 99.99th percentile, in us. With PORT it
 * serves itself (sonde/http.h).
 */
#include <sonde/http.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUCKETS 1000 /* of 1 us */

static void **kept;
static _Atomic unsigned long long counts[BUCKETS + 1], longest_ns;

static unsigned long long now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000u + (unsigned long long)t.tv_nsec;
}

static void left(unsigned path, unsigned depth, size_t i);

/* A way through two functions for each number: as many stacks as numbers. */
__attribute__((noinline)) static void right(unsigned path, unsigned depth, size_t i)
{
	if (!depth)
		kept[i] = malloc(16);
	else if (path & 1)
		right(path >> 1, depth - 1, i);
	else
		left(path >> 1, depth - 1, i);
	__asm__ volatile("");
}

__attribute__((noinline)) static void left(unsigned path, unsigned depth, size_t i)
{
	if (!depth)
		kept[i] = malloc(16);
	else if (path & 1)
		right(path >> 1, depth - 1, i);
	else
		left(path >> 1, depth - 1, i);
	__asm__ volatile("");
}

static void note(unsigned long long ns)
{
	unsigned long long us = ns / 1000;
	atomic_fetch_add(&counts[us < BUCKETS ? us : BUCKETS], 1);
	if (ns > atomic_load(&longest_ns))
		atomic_store(&longest_ns, ns);
}

static void *work(void *arg)
{
	unsigned long long before = now_ns();
	for (unsigned i = 0;; i++) {
		if (i % 64 == 0) {
			void *volatile p = malloc(64);
			free(p);
		}
		unsigned long long now = now_ns();
		note(now - before);
		before = now;
	}
	return NULL;
}

static void answer(void)
{
	unsigned long long all = 0, above = 0, us = BUCKETS;
	for (int i = 0; i <= BUCKETS; i++)
		all += atomic_load(&counts[i]);
	while (us && (above += atomic_load(&counts[us])) <= all / 10000)
		us--;
	printf("%.1f %llu\n", (double)atomic_exchange(&longest_ns, 0) / 1000, us);
	fflush(stdout);
	for (int i = 0; i <= BUCKETS; i++)
		atomic_store(&counts[i], 0);
}

int main(int argc, char **argv)
{
	size_t n = (size_t)atol(argv[1]);
	unsigned bits = (unsigned)atoi(argv[2]);
	char line[64], address[64];
	pthread_t thread;
	if (argc > 3) {
		snprintf(address, sizeof(address), "localhost:%s", argv[3]);
		struct sonde_http_options options =
			SONDE_HTTP_OPTIONS(.address = address, .heap_rate = 1);
		if (sonde_http_start(&options))
			return 1;
	}
	kept = calloc(n, sizeof(*kept));
	for (size_t i = 0; i < n; i++)
		left((unsigned)i, bits, i);
	pthread_create(&thread, NULL, work, NULL);
	printf("%d\n", argc > 3 ? sonde_http_port() : 0);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		answer();
	return 0;
}
