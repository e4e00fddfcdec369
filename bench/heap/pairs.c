/*
 * What a malloc and its free cost, back to back: the worst case for what stands in front of them.
 * Prints the least ns a pair of many rounds, each short enough to fall between what else the
 * machine does. pairs BYTES GAP ROUNDS: GAP times around a loop of a few instructions between
 * pairs, for a program that also does something else.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAIRS = 2000 };

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
	if (argc != 4)
		return 2;
	size_t size = (size_t)atol(argv[1]);
	int gap = atoi(argv[2]), rounds = atoi(argv[3]);
	uint64_t least = UINT64_MAX;
	for (int i = 0; i < rounds; i++) {
		uint64_t ns = round_ns(size, gap);
		least = ns < least ? ns : least;
	}
	printf("%.3f\n", (double)least / PAIRS);
	return 0;
}
