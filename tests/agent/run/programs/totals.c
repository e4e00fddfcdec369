/*
 * CPU time in three shapes: `totals one`, `totals uneven`, `totals short`. Prints what getrusage
 * says it was.
 */
#include "burn.h"

#include <pthread.h>
#include <string.h>

#define THREADS 4

static void *work(void *arg)
{
	burn(*(double *)arg);
	return NULL;
}

static void round_of(const double seconds[THREADS])
{
	pthread_t threads[THREADS];
	double each[THREADS];
	for (int i = 0; i < THREADS; i++) {
		each[i] = seconds[i];
		pthread_create(&threads[i], NULL, work, &each[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[1], "one"))
		burn(2);
	if (!strcmp(argv[1], "uneven"))
		round_of((double[]){2, 1, 0.5, 0.25});
	for (int i = 0; i < 500 && !strcmp(argv[1], "short"); i++)
		round_of((double[]){0.004, 0.002, 0.001, 0.003});
	printf("%.6f\n", burn_used());
	return 0;
}
