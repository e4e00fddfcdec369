/*
 * Waits that must not be interrupted: `interrupted SECONDS`. One thread goes through the calls that
 * no kernel restarts after a signal, until the time is over; prints how many came back with EINTR,
 * or before their time, and how many turns it made. Whoever starts it sends the signals.
 */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define WAIT_NS 30000000L

static long interrupted, early, turns;
static sem_t sem;
static int pair[2], epoll_fd;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_nanosleep(void)
{
	struct timespec t = {0, WAIT_NS};
	return nanosleep(&t, &t);
}

static int by_clock_nanosleep(void)
{
	struct timespec t = {0, WAIT_NS};
	errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	return errno ? -1 : 0;
}

static int by_usleep(void)
{
	return usleep(WAIT_NS / 1000);
}

static int by_poll(void)
{
	return poll(NULL, 0, WAIT_NS / 1000000);
}

static int by_ppoll(void)
{
	struct timespec t = {0, WAIT_NS};
	return ppoll(NULL, 0, &t, NULL);
}

static int by_select(void)
{
	struct timeval t = {0, WAIT_NS / 1000};
	return select(0, NULL, NULL, NULL, &t);
}

static int by_pselect(void)
{
	struct timespec t = {0, WAIT_NS};
	return pselect(0, NULL, NULL, NULL, &t, NULL);
}

static int by_epoll(void)
{
	struct epoll_event event;
	return epoll_wait(epoll_fd, &event, 1, WAIT_NS / 1000000);
}

static int by_sem(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += WAIT_NS;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	int rc = sem_timedwait(&sem, &t);
	return rc && errno == ETIMEDOUT ? 0 : rc;
}

static int by_recv(void)
{
	char byte;
	ssize_t n = recv(pair[0], &byte, 1, 0);
	return n < 0 && errno == EAGAIN ? 0 : (int)n;
}

static int by_sigtimedwait(void)
{
	struct timespec t = {0, WAIT_NS};
	sigset_t none;
	sigemptyset(&none);
	int rc = sigtimedwait(&none, NULL, &t);
	return rc < 0 && errno == EAGAIN ? 0 : rc;
}

static int (*const ways[])(void) = {by_nanosleep, by_clock_nanosleep, by_usleep, by_poll, by_ppoll,
	by_select, by_pselect, by_epoll, by_sem, by_recv, by_sigtimedwait};

static void turn(int (*way)(void))
{
	double from = now();
	if (way())
		interrupted++;
	/* CLOCK_REALTIME may be set while it runs: a millisecond for that. */
	early += now() - from < WAIT_NS / 1e9 - 0.001;
	turns++;
}

int main(int argc, char **argv)
{
	struct timeval limit = {0, WAIT_NS / 1000};
	double until = now() + atof(argv[1]);
	sem_init(&sem, 0, 0);
	epoll_fd = epoll_create1(0);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
		setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		return 1;
	for (int i = 0; now() < until; i++)
		turn(ways[i % (int)(sizeof(ways) / sizeof(ways[0]))]);
	printf("%ld %ld %ld\n", interrupted, early, turns);
	return 0;
}
