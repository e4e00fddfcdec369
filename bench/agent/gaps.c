/*
 * Counts what a program loses to interruptions, one by one.
 *
 * It reads the clock without pause, 40 calls deep, for argv[1] seconds of wall time. Whatever takes
 * the processor away shows as a gap between two readings: the kernel's tick, a profiler's signal on
 * top of it, another process. Gaps up to SHORT_NS are the first two; longer ones are other people's
 * doing and are counted apart, so that a busy machine does not blur the figure, as it blurs paired
 * runs of whole programs (overhead.py).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define GAP_NS	 700   /* a reading takes 20 to 60 */
#define SHORT_NS 60000 /* no tick or signal takes so long; being scheduled away does */
#define DEPTH	 40

static struct {
	uint64_t short_n, short_ns, long_n, long_ns, spun_ns;
} seen;

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void note(uint64_t gap)
{
	if (gap < SHORT_NS) {
		seen.short_n++;
		seen.short_ns += gap;
	} else {
		seen.long_n++;
		seen.long_ns += gap;
	}
}

static void spin(uint64_t ns)
{
	uint64_t start = now_ns(), last = start;
	while (last - start < ns) {
		uint64_t now = now_ns();
		if (now - last > GAP_NS)
			note(now - last);
		last = now;
	}
	seen.spun_ns = last - start;
}

__attribute__((noinline)) static uint64_t deep(int depth, uint64_t ns)
{
	if (!depth) {
		spin(ns);
		return seen.short_n;
	}
	return deep(depth - 1, ns) + (uint64_t)depth; /* not a tail call */
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	volatile uint64_t sink = deep(DEPTH, (uint64_t)(seconds * 1e9));
	(void)sink;
	double running = (double)(seen.spun_ns - seen.long_ns) / 1e9;
	printf("%.2f %.3f %llu\n", (double)seen.short_n / running,
		(double)seen.short_ns / 1e3 / running, (unsigned long long)seen.long_n);
	return 0;
}
