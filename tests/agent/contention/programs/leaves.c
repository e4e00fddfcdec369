/*
 * Waits left in ways they were not made for: `leaves KIND SECONDS`. Threads cancelled or ended
 * while they wait, jumps out of a handler that interrupted a wait, forks while every lock is fought
 * over. Prints how often.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double until;
static atomic_long times;
static pthread_mutex_t locks[4] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static int pipe_fds[2];

static bool going_on(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9 < until;
}

static void fail(const char *what)
{
	fprintf(stderr, "leaves: %s\n", what);
	_exit(1);
}

/* --- cancelled while waiting --- */

static void unlock(void *mutex)
{
	pthread_mutex_unlock(mutex);
}

static void *wait_for_ever(void *arg)
{
	char byte;
	switch ((int)(intptr_t)arg % 4) {
	case 0:
		pthread_mutex_lock(&locks[0]);
		pthread_cleanup_push(unlock, &locks[0]);
		for (;;)
			pthread_cond_wait(&cond, &locks[0]);
		pthread_cleanup_pop(1);
		break;
	case 1:
		while (sem_wait(&sem) == 0)
			;
		break;
	case 2:
		while (read(pipe_fds[0], &byte, 1) == 1)
			;
		break;
	default:
		for (;;)
			sleep(1000);
	}
	return NULL;
}

static void cancel(void)
{
	pthread_t threads[8];
	void *ret;
	for (int i = 0; i < 8; i++)
		if (pthread_create(&threads[i], NULL, wait_for_ever, (void *)(intptr_t)i))
			fail("pthread_create");
	if (times % 16)
		usleep(1000);
	for (int i = 0; i < 8; i++)
		pthread_cancel(threads[i]);
	for (int i = 0; i < 8; i++)
		if (pthread_join(threads[i], &ret) || ret != PTHREAD_CANCELED)
			fail("a thread was not cancelled");
	times += 8;
}

/* --- handlers that jump --- */

static sigjmp_buf back;

static void jump(int sig)
{
	siglongjmp(back, 1);
}

static void leave_by_jump(void)
{
	char byte;
	struct itimerval soon = {.it_value = {0, 1 + times % 700}};
	signal(SIGALRM, jump);
	if (sigsetjmp(back, 1) == 0) {
		setitimer(ITIMER_REAL, &soon, NULL);
		switch (times % 3) {
		case 0:
			sleep(10);
			break;
		case 1:
			while (read(pipe_fds[0], &byte, 1) == 1)
				;
			break;
		default:
			pause();
		}
		fail("nobody jumped");
	}
	times++;
}

/* --- forks, and threads that end, under locks that are fought over --- */

static void *fight(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	while (going_on()) {
		pthread_mutex_t *m = &locks[i++ % 4];
		pthread_mutex_lock(m);
		for (volatile int j = 0; j < 2000; j++)
			;
		pthread_mutex_unlock(m);
	}
	if (i % 2)
		pthread_exit(NULL);
	return NULL;
}

static void fork_once(void)
{
	static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(&own);
		pthread_mutex_unlock(&own);
		usleep(10);
		_exit(7);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		fail("a child did not end as it should");
	times++;
}

static void fork_in_a_fight(void)
{
	pthread_t threads[4];
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, fight, (void *)i);
	while (going_on())
		fork_once();
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	until = (double)t.tv_sec + (double)t.tv_nsec / 1e9 + atof(argv[2]);
	sem_init(&sem, 0, 0);
	if (pipe(pipe_fds))
		return 1;
	if (!strcmp(argv[1], "fork"))
		fork_in_a_fight();
	while (going_on())
		if (!strcmp(argv[1], "cancel"))
			cancel();
		else
			leave_by_jump();
	printf("%ld\n", (long)times);
	return 0;
}
