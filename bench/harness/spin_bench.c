/*
 * The harness measured with itself: nothing, and spins of nominally 1 us, 20 us and 1 ms, whose
 * number of steps comes from the environment (SPIN_STEPS_PER_US), as run.py calibrated it.
 */
#include <sonde/bench.h>

#include "spin.h"

#include <stdlib.h>

static uint64_t steps(uint64_t us)
{
	const char *per_us = getenv("SPIN_STEPS_PER_US");
	return us * (per_us ? strtoull(per_us, NULL, 10) : 1000);
}

BENCH(EmptyN)
{
	for (int64_t i = 0; i < b->n; i++)
		bench_keep(i);
}

BENCH(EmptyLoop)
{
	while (bench_loop(b))
		;
}

BENCH(TimerPair)
{
	for (int64_t i = 0; i < b->n; i++) {
		bench_stop_timer(b);
		bench_start_timer(b);
	}
}

static const struct {
	const char *name;
	uint64_t us;
} spins[] = {{"1us", 1}, {"20us", 20}, {"1ms", 1000}};

BENCH_TABLE(Spin, spins)
{
	uint64_t n = steps(row->us);
	while (bench_loop(b))
		bench_keep(spin(n));
}
