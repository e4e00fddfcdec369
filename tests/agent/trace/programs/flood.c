/*
 * More events than a trace has memory for: flood N posts a semaphore so often, and then waits for
 * another thread a few times.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static sem_t posted, handed;

static void *taker(void *arg)
{
	for (int i = 0; i < 10; i++)
		sem_wait(&handed);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t;
	sem_init(&posted, 0, 0);
	sem_init(&handed, 0, 0);
	for (long i = argc > 1 ? atol(argv[1]) : 0; i > 0; i--) {
		sem_post(&posted);
		sem_trywait(&posted);
	}
	if (pthread_create(&t, NULL, taker, NULL))
		return 1;
	for (int i = 0; i < 10; i++)
		sem_post(&handed);
	return pthread_join(t, NULL);
}
