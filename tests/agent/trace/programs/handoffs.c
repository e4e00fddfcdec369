/*
 * Waits of every kind whose cause and length are known: handoffs. Each thread's function says what
 * it waits for; what ends the wait happens in a function of its own.
 */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000L

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t held, read_held, posted;
static int turn, ends[2];

static void rest(long ms)
{
	struct timespec t = {0, ms * MS};
	nanosleep(&t, NULL);
}

/* Frames of their own, also where the last thing they do is a call. */
#define NOINLINE __attribute__((noinline, optimize("no-optimize-sibling-calls")))

NOINLINE static void let_go(void)
{
	pthread_mutex_unlock(&mutex);
	pthread_rwlock_unlock(&rwlock);
}

static void *holder(void *arg)
{
	pthread_mutex_lock(&mutex);
	pthread_rwlock_wrlock(&rwlock);
	sem_post(&held);
	sem_post(&read_held);
	rest(60);
	let_go();
	return NULL;
}

static void *locker(void *arg)
{
	sem_wait(&held);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static int reader_of_lock(void *arg)
{
	sem_wait(&read_held);
	pthread_rwlock_rdlock(&rwlock);
	pthread_rwlock_unlock(&rwlock);
	return 0;
}

NOINLINE static void take_turn(void)
{
	pthread_mutex_lock(&turn_lock);
	turn = 1;
	pthread_mutex_unlock(&turn_lock);
	pthread_cond_signal(&turned);
}

NOINLINE static void post(void)
{
	sem_post(&posted);
}

static void *turner(void *arg)
{
	rest(40);
	take_turn();
	post();
	return NULL;
}

static void *cond_waiter(void *arg)
{
	pthread_mutex_lock(&turn_lock);
	while (!turn)
		pthread_cond_wait(&turned, &turn_lock);
	pthread_mutex_unlock(&turn_lock);
	return NULL;
}

static void *sem_waiter(void *arg)
{
	sem_wait(&posted);
	return NULL;
}

static void *pipe_reader(void *arg)
{
	char c;
	return read(ends[0], &c, 1) == 1 ? arg : NULL;
}

static void *poller(void *arg)
{
	poll(NULL, 0, 30);
	return NULL;
}

static void *sleeper(void *arg)
{
	rest(70);
	return NULL;
}

int main(void)
{
	static void *(*const functions[])(void *) = {
		locker, holder, cond_waiter, sem_waiter, turner, pipe_reader, poller, sleeper};
	enum { N = sizeof(functions) / sizeof(*functions) };
	pthread_t threads[N];
	thrd_t c11;
	sem_init(&held, 0, 0);
	sem_init(&read_held, 0, 0);
	sem_init(&posted, 0, 0);
	if (pipe(ends) || thrd_create(&c11, reader_of_lock, NULL))
		return 1;
	for (int i = 0; i < N; i++)
		if (pthread_create(&threads[i], NULL, functions[i], NULL))
			return 1;
	rest(50);
	if (write(ends[1], "", 1) != 1)
		return 1;
	for (int i = N - 1; i >= 0; i--)
		pthread_join(threads[i], NULL);
	thrd_join(c11, NULL);
	return 0;
}
