/*
 * Call chains for the benchmark of stack walks.
 */
#ifndef SONDE_BENCH_CHAIN_H
#define SONDE_BENCH_CHAIN_H

#define CHAIN_DEPTH_MAX 128

/* Calls `at_end(arg)` from `depth` frames deep. */
long chain_call(int depth, void (*at_end)(void *), void *arg);
long chain_call_fp(int depth, void (*at_end)(void *), void *arg);

#endif
