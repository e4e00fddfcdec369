/*
 * A fixed amount of work on two threads, 40 calls deep, its leaves in qsort, memcpy, snprintf and
 * plain arithmetic; built -O2 without frame pointers, as distributions build. Prints the CPU
 * seconds it took. `bench_agent_work ROUNDS`.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int rounds;

struct room {
	int numbers[512];
	char from[8192], to[8192];
	unsigned long sum;
};

static int compare(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

__attribute__((noinline)) static void leaf(struct room *r)
{
	char text[64];
	for (int i = 0; i < 512; i++)
		r->numbers[i] = (int)((unsigned)i * 2654435761u % 512);
	qsort(r->numbers, 512, sizeof(int), compare);
	for (int i = 0; i < 50; i++) {
		memcpy(r->to, r->from, sizeof(r->to) - (size_t)i);
		r->sum += (unsigned long)r->to[i];
	}
	for (int i = 0; i < 50; i++)
		r->sum += (unsigned long)snprintf(text, sizeof(text), "%d %x", i, i);
	for (int i = 0; i < 20000; i++)
		r->sum = r->sum * 6364136223846793005u + 1;
}

__attribute__((noinline)) static void descend(struct room *r, int depth)
{
	if (depth > 0)
		descend(r, depth - 1);
	else
		leaf(r);
	r->sum++;
}

static void *work(void *arg)
{
	struct room *r = calloc(1, sizeof(*r));
	for (int i = 0; i < rounds; i++)
		descend(r, 40);
	free(r);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	struct rusage u;
	rounds = argc > 1 ? atoi(argv[1]) : 5000;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	getrusage(RUSAGE_SELF, &u);
	printf("%.6f\n", (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
				 (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	return 0;
}
