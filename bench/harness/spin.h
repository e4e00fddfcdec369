/*
 * The yardstick of the harness study: work whose true cost is known without any harness. A chain of
 * dependent multiplications, calibrated in one long run; the Go half (spin_test.go) has the same
 * chain.
 */
#ifndef SONDE_BENCH_SPIN_H
#define SONDE_BENCH_SPIN_H

#include <stdint.h>

static inline uint64_t spin(uint64_t steps)
{
	uint64_t x = 88172645463325252u;
	for (uint64_t i = 0; i < steps; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

#endif
