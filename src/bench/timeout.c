/*
 * -timeout: a thread that sleeps until the time is up, then says which benchmark was running and
 * ends the program with status 2. Go's alarm does not cover benchmarks; this one does.
 */
#include "bench/internal.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool running, done;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void give_up(const struct session *s)
{
	struct buf text = BUF_INIT, limit = BUF_INIT;
	goflag_duration_string(s->opt.timeout_ns, &limit);
	buf_printf(&text, "\npanic: test timed out after %s\n", limit.data);
	const struct run *r = s->current;
	if (r) {
		buf_addstr(&text, "\trunning tests:\n");
		buf_printf(&text, "\t\t%s (%.0fs)\n", r->name,
			(double)(now_ns() - s->current_since_ns) / 1e9);
	}
	fflush(stdout);
	if (write(STDERR_FILENO, text.data, text.len) < 0)
		_exit(2);
	_exit(2);
}

static void *wait_for_it(void *arg)
{
	struct session *s = arg;
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	int64_t ns = at.tv_nsec + s->opt.timeout_ns;
	at.tv_sec += ns / 1000000000;
	at.tv_nsec = ns % 1000000000;
	int rc = 0;
	pthread_mutex_lock(&watch.lock);
	while (!watch.done && rc == 0)
		rc = pthread_cond_timedwait(&watch.changed, &watch.lock, &at);
	bool late = !watch.done;
	pthread_mutex_unlock(&watch.lock);
	if (late)
		give_up(s);
	return NULL;
}

void timeout_start(struct session *s)
{
	if (s->opt.timeout_ns <= 0)
		return;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&watch.changed, &attr);
	pthread_condattr_destroy(&attr);
	watch.done = false;
	watch.running = pthread_create(&watch.thread, NULL, wait_for_it, s) == 0;
	if (!watch.running)
		chatter("no thread for -timeout: it will not be kept");
}

void timeout_stop(void)
{
	if (!watch.running)
		return;
	pthread_mutex_lock(&watch.lock);
	watch.done = true;
	pthread_cond_signal(&watch.changed);
	pthread_mutex_unlock(&watch.lock);
	pthread_join(watch.thread, NULL);
	watch.running = false;
}
