/*
 * What a malloc and its free cost, back to back: the worst case for what stands in front of them.
 * Prints the least ns a pair of ROUNDS rounds, each short enough to fall between what else the
 * machine does. pairs [BYTES [GAP]]: GAP times around a loop of a
 * few instructions between pairs, for a program that also does something else.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 4000, PAIRS = 2000 };

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t round_ns(size_t size, int gap)
{
	uint64_t from = now_ns();
	for (int i = 0; i < PAIRS; i++) {
		void *volatile p = malloc(size);
		free(p);
		for (volatile int j = 0; j < gap; j++)
			continue;
	}
	return now_ns() - from;
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? (size_t)atol(argv[1]) : 64;
	int gap = argc > 2 ? atoi(argv[2]) : 0;
	uint64_t least = UINT64_MAX;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t ns = round_ns(size, gap);
		least = ns < least ? ns : least;
	}
	printf("%.3f\n", (double)least / PAIRS);
	return 0;
}
