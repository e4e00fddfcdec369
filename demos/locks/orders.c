/*
 * A server that is bound by a lock, for the README: four workers take orders from a queue, price
 * them and write them to a journal. `orders N` handles N orders and says how many a second. It
 * scales with neither threads nor processors; why is left for the mutex and block profiles to say.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORKERS 4

static struct {
	pthread_mutex_t lock;
	long next, n;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct {
	pthread_mutex_t lock;
	FILE *file;
	unsigned long checksum;
} journal = {.lock = PTHREAD_MUTEX_INITIALIZER};

static long take(void)
{
	pthread_mutex_lock(&queue.lock);
	long order = queue.next < queue.n ? queue.next++ : -1;
	pthread_mutex_unlock(&queue.lock);
	return order;
}

__attribute__((noinline)) static double price(long order)
{
	double sum = 0;
	for (int i = 1; i < 2000; i++)
		sum += (double)(order % i) / i;
	return sum;
}

/* What makes it slow is not the file. */
__attribute__((noinline)) static unsigned long checksum_of(const char *line)
{
	unsigned long sum = 0;
	for (int round = 0; round < 200; round++)
		for (const char *c = line; *c; c++)
			sum = sum * 31 + (unsigned char)*c;
	return sum;
}

__attribute__((noinline)) static void write_journal(long order, double total)
{
	char line[80];
	pthread_mutex_lock(&journal.lock);
	snprintf(line, sizeof(line), "order %ld costs %.2f\n", order, total);
	journal.checksum ^= checksum_of(line);
	fputs(line, journal.file);
	pthread_mutex_unlock(&journal.lock);
}

static void *work(void *arg)
{
	(void)arg;
	for (long order; (order = take()) >= 0;)
		write_journal(order, price(order));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t workers[WORKERS];
	struct timespec from, to;
	queue.n = argc > 1 ? atol(argv[1]) : 100000;
	journal.file = fopen("/dev/null", "w");
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&workers[i], NULL, work, NULL);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	double seconds =
		(double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	printf("%ld orders, %.0f a second, checksum %lx\n", queue.n, (double)queue.n / seconds,
		journal.checksum);
	return 0;
}
