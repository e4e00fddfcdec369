/*
 * Work on many threads; see parallel.h. Threads live for one call and take the next thing from a
 * common counter, so that a thread whose CPU is taken away by others does less and none waits for
 * it longer than one thing takes. (Rejected: a pool that stays, which a command that has two such
 * calls in its life would have to end; a fixed share for each thread, as long as its slowest.)
 */
#include "benchfmt/benchfmt.h"

#include <pthread.h>
#include <sched.h>

enum { THREADS_MAX = 64 };

struct job {
	void (*work)(void *ctx, unsigned thread, uint32_t i);
	void *ctx;
	uint32_t n, next;
};

struct worker {
	struct job *job;
	unsigned number;
	pthread_t thread;
};

unsigned parallel_cpus(void)
{
	cpu_set_t set;
	int cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return cpus < 1 ? 1 : cpus > THREADS_MAX ? THREADS_MAX : (unsigned)cpus;
}

static void *run(void *arg)
{
	struct worker *w = arg;
	uint32_t i;
	while ((i = __atomic_fetch_add(&w->job->next, 1, __ATOMIC_RELAXED)) < w->job->n)
		w->job->work(w->job->ctx, w->number, i);
	return NULL;
}

static unsigned start_all(struct worker *workers, unsigned n)
{
	unsigned started = 1;
	while (started < n &&
		pthread_create(&workers[started].thread, NULL, run, &workers[started]) == 0)
		started++;
	return started;
}

void parallel_each(unsigned threads, uint32_t n,
	void (*work)(void *ctx, unsigned thread, uint32_t i), void *ctx)
{
	struct job job = {work, ctx, n, 0};
	struct worker workers[THREADS_MAX];
	threads = threads > THREADS_MAX ? THREADS_MAX : threads;
	threads = threads > n ? n : threads;
	for (unsigned i = 0; i < threads || i == 0; i++)
		workers[i] = (struct worker){&job, i, 0};
	unsigned started = threads > 1 ? start_all(workers, threads) : 1;
	run(&workers[0]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
}
