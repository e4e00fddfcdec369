/*
 * C++ exceptions thrown through many frames while samples are taken.
 */
extern "C" {
#include "burn.h"
}

__attribute__((noinline)) static void thrower(int depth)
{
	if (depth == 0)
		throw depth;
	thrower(depth - 1);
	burn_sink = burn_sink + 1;
}

int main()
{
	long caught = 0;
	double end = burn_clock(CLOCK_THREAD_CPUTIME_ID) + 1;
	while (burn_clock(CLOCK_THREAD_CPUTIME_ID) < end) {
		try {
			thrower(30);
		} catch (int) {
			caught++;
		}
	}
	return caught == 0;
}
