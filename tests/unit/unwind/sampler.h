/*
 * Interrupts a thread at random points, as fast as it answers, and holds each of sonde's walks
 * against libgcc's from the same signal.
 */
#ifndef SONDE_TESTS_SAMPLER_H
#define SONDE_TESTS_SAMPLER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <pthread.h>

#include "unwind/unwind.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sampler_totals {
	uint64_t samples;
	uint64_t identical; /* frame for frame */
	uint64_t further; /* libgcc's frames, then more: it knows no rule where frame pointers do */
	uint64_t different;
	uint64_t rooted; /* ended at main's caller or the thread's start */
	uint64_t frames;
	uint64_t peer_crashed; /* libgcc did, and was not compared with */
};

/* Runs `work(arg)` on the calling thread again and again until `samples` were taken of it. */
struct sampler_totals sampler_run(void (*work)(void *arg), void *arg, uint64_t samples);
/* Begins to sample the calling thread for good, calling `between` on another one now and then. */
void sampler_attach(void (*between)(void));
/* What was seen so far. */
struct sampler_totals sampler_so_far(void);
/* The calling thread's stack. */
struct unwind_stack sampler_stack(void);
/* Prints the totals of what `name` did as a TAP diagnostic. */
void sampler_print(const char *name, const struct sampler_totals *totals);

/* Cleared where libgcc may not be asked: interrupted in _Unwind_Resume's last instructions, whose
 * own unwind information is wrong, it reads through a wild pointer and crashes. All samples then
 * count as identical. */
extern bool sampler_ask_peer;
/* Set to have the first difference written to stderr (SONDE_TEST_VERBOSE). */
extern bool sampler_verbose;

#ifdef __cplusplus
}
#endif

#endif
