/*
 * 64 functions that call each other in a random order, to a depth. Built twice: without frame
 * pointers (chain_call) and with them (chain_call_fp).
 */
#include "chain.h"

#include <stdlib.h>

#define noinline __attribute__((noinline, noclone))

typedef long (*link_fn)(const unsigned char *order, int depth, void (*at_end)(void *), void *arg);
static const link_fn links[64];

/* clang-format off: it takes the calls of these macros for declarations and never settles. */
/* Frames of different sizes, with different registers saved. */
#define LINK(n)                                                                           \
	static noinline long link_##n(                                                    \
		const unsigned char *order, int depth, void (*at_end)(void *), void *arg) \
	{                                                                                 \
		volatile long room[1 + (n) % 7];                                          \
		room[0] = n;                                                              \
		if (depth)                                                                \
			room[0] += links[*order](order + 1, depth - 1, at_end, arg);      \
		else                                                                      \
			at_end(arg);                                                      \
		return room[0] + ((n)&1 ? *order : depth);                                \
	}
#define NAME(n)	    link_##n,
#define EIGHT(x, n) x(n##0) x(n##1) x(n##2) x(n##3) x(n##4) x(n##5) x(n##6) x(n##7)
#define ALL(x)      \
	EIGHT(x, 0) \
	EIGHT(x, 1) EIGHT(x, 2) EIGHT(x, 3) EIGHT(x, 4) EIGHT(x, 5) EIGHT(x, 6) EIGHT(x, 7)
ALL(LINK)
static const link_fn links[64] = {ALL(NAME)};
/* clang-format on */

long CHAIN_CALL(int depth, void (*at_end)(void *), void *arg)
{
	unsigned char order[CHAIN_DEPTH_MAX + 1];
	unsigned seed = 7;
	for (int i = 0; i <= CHAIN_DEPTH_MAX; i++)
		order[i] = (unsigned char)(rand_r(&seed) >> 4 & 63);
	return links[order[0]](order + 1, depth, at_end, arg);
}
