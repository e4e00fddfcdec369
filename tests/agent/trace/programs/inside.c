/*
 * sonde/trace.h from inside: inside DIRECTORY. Traces begun and ended over and over while threads
 * come, wait, say where they are and go; what the functions return when they are called at the
 * wrong time; and in a child.
 */
#include "sonde/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../check.h"

enum { FIGHTERS = 6, TRACES = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, never = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool over;

static void *fight(void *arg)
{
	for (int i = 0; i < 50; i++) {
		SONDE_TRACE_REGION(SONDE_TRACE_NO_TASK, "fight");
		sonde_trace_logf(SONDE_TRACE_NO_TASK, "round", "%d of %d", i, 50);
		pthread_mutex_lock(&lock);
		struct timespec t = {0, 20000};
		nanosleep(&t, NULL);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void *breed(void *arg)
{
	pthread_t t;
	while (!over) {
		CHECK(pthread_create(&t, NULL, fight, NULL) == 0);
		pthread_join(t, NULL);
	}
	return NULL;
}

/* It waits before, during and after all traces. */
static void *patient(void *arg)
{
	pthread_mutex_lock(&never);
	pthread_mutex_unlock(&never);
	return NULL;
}

static void rest(void)
{
	struct timespec t = {0, 20000000};
	nanosleep(&t, NULL);
}

static void trace_to(const char *path)
{
	CHECK(!sonde_trace_is_enabled());
	CHECK(sonde_trace_start(path) == 0);
	CHECK(sonde_trace_is_enabled());
	CHECK(sonde_trace_start(path) == -EBUSY && sonde_trace_start_fd(1) == -EBUSY);
	rest();
	CHECK(sonde_trace_stop() == 0 && sonde_trace_stop() == -ENOENT);
}

static void in_a_child(const char *path)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		if (sonde_trace_is_enabled() || sonde_trace_stop() != -ENOENT)
			_exit(1);
		int rc = sonde_trace_start(path);
		rest();
		_exit(rc || sonde_trace_stop() ? 2 : 0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(int argc, char **argv)
{
	pthread_t threads[FIGHTERS + 1];
	char path[4096];
	CHECK(sonde_trace_start("/no/such/directory/trace") == -ENOENT);
	pthread_mutex_lock(&never);
	pthread_create(&threads[FIGHTERS], NULL, patient, NULL);
	for (int i = 0; i < FIGHTERS; i++)
		pthread_create(&threads[i], NULL, breed, NULL);
	for (int i = 0; i < TRACES; i++) {
		snprintf(path, sizeof(path), "%s/%d.trace", argv[1], i);
		trace_to(path);
	}
	snprintf(path, sizeof(path), "%s/child.trace", argv[1]);
	CHECK(sonde_trace_start("/dev/null") == 0);
	in_a_child(path);
	CHECK(sonde_trace_stop() == 0);
	over = true;
	pthread_mutex_unlock(&never);
	for (int i = 0; i <= FIGHTERS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
