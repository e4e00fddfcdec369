/*
 * Work on many like things, by as many threads as there are CPUs to run them.
 */
#ifndef SONDE_BENCHFMT_PARALLEL_H
#define SONDE_BENCHFMT_PARALLEL_H

/* How many CPUs the process may use; at most 64, at least 1. */
unsigned parallel_cpus(void);
/* Calls work(ctx, thread, i) once for each i below n, the least first, from `threads` threads of
 * which the caller is one and is number 0; returns when all are done. With one thread, or where
 * no other can be started, the caller does it all. `work` must not care which thread does what
 * when. The threads use malloc's heap. */
void parallel_each(unsigned threads, uint32_t n,
	void (*work)(void *ctx, unsigned thread, uint32_t i), void *ctx);

#endif
