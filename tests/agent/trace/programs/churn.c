/*
 * Threads that create threads, which fight for a few locks, wait, signal and fork: churn THREADS
 * [kill|exec|long|forever]. At the end it is killed or becomes itself; long: it goes on for three
 * seconds.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOCKS = 8, GENERATIONS = 10, ROUNDS = 200 };

static pthread_mutex_t locks[LOCKS];
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static sem_t tokens;

static void wait_a_little(unsigned lock)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec = (until.tv_nsec + 100000) % 1000000000;
	pthread_cond_timedwait(&changed, &locks[lock], &until);
}

static void fork_and_wait(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
}

static void *fighter(void *arg)
{
	unsigned random = (unsigned)(long)arg;
	for (int i = 0; i < ROUNDS; i++) {
		unsigned lock = (unsigned)rand_r(&random) % LOCKS;
		pthread_mutex_lock(&locks[lock]);
		if (i % 4 == 0)
			sched_yield();
		if (i % 50 == 0)
			wait_a_little(lock);
		pthread_mutex_unlock(&locks[lock]);
		if (i % 32 == 0)
			pthread_cond_broadcast(&changed);
		if (i % 20 == 0) {
			sem_wait(&tokens);
			pthread_rwlock_wrlock(&rwlock);
			pthread_rwlock_unlock(&rwlock);
			sem_post(&tokens);
		}
		if (i == ROUNDS / 2 && random % 16 == 0)
			fork_and_wait();
	}
	return NULL;
}

static void *breeder(void *arg)
{
	pthread_t child;
	for (long i = 0; i < GENERATIONS; i++) {
		if (pthread_create(&child, NULL, fighter, (void *)((long)arg * GENERATIONS + i)))
			abort();
		pthread_join(child, NULL);
	}
	return NULL;
}

static void storm(int n)
{
	pthread_t *threads = calloc((size_t)n, sizeof(*threads));
	for (long i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, breeder, (void *)i))
			abort();
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

int main(int argc, char **argv)
{
	const char *then = argc > 2 ? argv[2] : "";
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&locks[i], NULL);
	sem_init(&tokens, 0, 2);
	time_t begin = time(NULL);
	do
		storm(argc > 1 ? atoi(argv[1]) : 4);
	while (strcmp(then, "forever") == 0 ||
		(strcmp(then, "long") == 0 && time(NULL) < begin + 3));
	if (strcmp(then, "kill") == 0)
		raise(SIGKILL);
	if (strcmp(then, "exec") == 0)
		execl(argv[0], argv[0], "2", NULL);
	return 0;
}
