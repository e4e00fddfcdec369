/*
 * Allocates on several threads, with CPU time spent inside the allocator.
 */
#include "burn.h"

#include <pthread.h>
#include <stdlib.h>

static void *work(void *arg)
{
	void *kept[64] = {0};
	unsigned seed = (unsigned)(size_t)arg;
	double end = burn_clock(CLOCK_THREAD_CPUTIME_ID) + 0.3;
	while (burn_clock(CLOCK_THREAD_CPUTIME_ID) < end) {
		for (int i = 0; i < 1000; i++) {
			unsigned at = (unsigned)rand_r(&seed) % 64;
			free(kept[at]);
			kept[at] = malloc(1u << (unsigned)rand_r(&seed) % 15);
			if (!kept[at])
				abort();
			*(volatile char *)kept[at] = 1;
		}
	}
	for (int i = 0; i < 64; i++)
		free(kept[i]);
	return NULL;
}

int main(void)
{
	pthread_t threads[3];
	for (size_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, work, (void *)(i + 1));
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	puts("done");
	return 0;
}
