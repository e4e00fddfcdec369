/*
 * What a region costs, its beginning and its end: regions N [FILE]. Prints the nanoseconds of one,
 * while no trace is recorded, or with FILE while one is.
 */
#include "sonde/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 100000;
	if (argc > 2 && sonde_trace_start(argv[2]))
		return 1;
	long begin = now_ns();
	for (long i = 0; i < n; i++) {
		SONDE_TRACE_REGION(SONDE_TRACE_NO_TASK, "turn");
	}
	printf("%.1f\n", (double)(now_ns() - begin) / (double)n);
	return argc > 2 && sonde_trace_stop() ? 1 : 0;
}
