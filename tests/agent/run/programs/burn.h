/*
 * Work for the agent's tests: CPU time in an amount that is known.
 */
#ifndef BURN_H
#define BURN_H

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static volatile unsigned long burn_sink;

static inline double burn_clock(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Uses `seconds` of the calling thread's CPU time. */
__attribute__((noinline, unused)) static void burn(double seconds)
{
	double end = burn_clock(CLOCK_THREAD_CPUTIME_ID) + seconds;
	while (burn_clock(CLOCK_THREAD_CPUTIME_ID) < end)
		for (int i = 0; i < 2000; i++)
			burn_sink += (unsigned long)i;
}

/* Seconds of CPU this process has used, as getrusage says. */
__attribute__((unused)) static double burn_used(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

#endif
