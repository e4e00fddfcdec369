/*
 * Many short waits of one kind: `sleeps N NS`. Prints how long they were by the program's clock,
 * and how many.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((noinline)) static double nap(long ns)
{
	struct timespec t = {0, ns};
	double from = now();
	nanosleep(&t, NULL);
	return now() - from;
}

int main(int argc, char **argv)
{
	int n = atoi(argv[1]);
	double waited = 0;
	for (int i = 0; i < n; i++)
		waited += nap(atol(argv[2]));
	printf("%.6f %d\n", waited, n);
	return 0;
}
