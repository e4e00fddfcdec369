/*
 * How many spin steps a microsecond has: the fastest of many short runs, which nothing disturbed,
 * by CPU time. Prints the number.
 */
#include "spin.h"

#include <stdio.h>
#include <time.h>

#define STEPS 1000000

static int64_t cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int main(void)
{
	int64_t best = INT64_MAX;
	volatile uint64_t sink;
	for (int i = 0; i < 300; i++) {
		int64_t from = cpu_ns();
		sink = spin(STEPS);
		int64_t ns = cpu_ns() - from;
		best = ns < best ? ns : best;
	}
	(void)sink;
	printf("%lld\n", (long long)((int64_t)STEPS * 1000 / best));
	return 0;
}
