/*
 * A thread for each kind of wait, named after it, which lasts for good: `kinds` prints "ready" when
 * all are created, and ends when its input does. "barrier" carries labels, and so does "once",
 * which it creates.
 */
#include "../../check.h"

#include <sonde/pprof.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void wait_cond(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	pthread_mutex_lock(&lock);
	pthread_cond_wait(&cond, &lock);
}

static void wait_semaphore(void)
{
	static sem_t sem;
	sem_init(&sem, 0, 0);
	sem_wait(&sem);
}

static void wait_poll(void)
{
	struct pollfd none = {-1, POLLIN, 0};
	poll(&none, 1, -1);
}

static void fill(int fd)
{
	char bytes[4096] = {0};
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	fcntl(fd, F_SETFL, 0);
}

static void wait_write(void)
{
	int tube[2];
	CHECK(pipe(tube) == 0);
	fill(tube[1]);
	CHECK(write(tube[1], "", 1) > 0);
}

static void make_pair(int pair[2])
{
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
}

static void wait_recv(void)
{
	int pair[2];
	char byte;
	make_pair(pair);
	recv(pair[0], &byte, 1, 0);
}

static void wait_send(void)
{
	int pair[2];
	make_pair(pair);
	fill(pair[0]);
	send(pair[0], "", 1, 0);
}

/* A socket that listens under a name of the abstract kind, which the kernel chooses. */
static int listen_at(struct sockaddr_un *ret, socklen_t *ret_len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	*ret_len = sizeof(*ret);
	ret->sun_family = AF_UNIX;
	CHECK(bind(fd, (struct sockaddr *)ret, sizeof(sa_family_t)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)ret, ret_len) == 0);
	CHECK(listen(fd, 0) == 0);
	return fd;
}

static void wait_accept(void)
{
	struct sockaddr_un at;
	socklen_t n;
	accept(listen_at(&at, &n), NULL, NULL);
}

/* The queue of a socket that nobody accepts from has room for one. */
static void wait_connect(void)
{
	struct sockaddr_un at;
	socklen_t n;
	listen_at(&at, &n);
	for (;;)
		CHECK(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at, n) == 0);
}

static void wait_flock(void)
{
	char path[] = "/tmp/sonde-test-XXXXXX";
	int held = mkstemp(path), wanted = open(path, O_RDWR);
	unlink(path);
	CHECK(flock(held, LOCK_EX) == 0);
	flock(wanted, LOCK_EX);
}

/* The child ends with this process: it waits for the end of a pipe whose other end is here. */
static void wait_child(void)
{
	int tube[2];
	char byte;
	CHECK(pipe(tube) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(tube[1]);
		_exit((int)read(tube[0], &byte, 1));
	}
	waitpid(child, NULL, 0);
}

static void wait_signal(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwaitinfo(&set, NULL);
}

static void wait_for_ever(void)
{
	sem_t sem;
	sem_init(&sem, 0, 0);
	sem_wait(&sem);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void wait_once(void)
{
	pthread_once(&once, wait_for_ever);
}

struct wait {
	const char *name;
	void (*run)(void);
};

static void *begin(void *arg)
{
	const struct wait *w = arg;
	prctl(PR_SET_NAME, w->name);
	w->run();
	return NULL;
}

static void start(const struct wait *w)
{
	pthread_t thread;
	CHECK(pthread_create(&thread, NULL, begin, (void *)w) == 0);
}

static void wait_barrier(void)
{
	static const struct wait labelled = {"once", wait_once};
	static pthread_barrier_t barrier;
	sonde_label_set("tenant", "acme");
	start(&labelled);
	sonde_label_set("phase", "barrier");
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_barrier_wait(&barrier);
}

static const struct wait waits[] = {
	{"in-once", wait_once},
	{"cond", wait_cond},
	{"semaphore", wait_semaphore},
	{"poll", wait_poll},
	{"write", wait_write},
	{"recv", wait_recv},
	{"send", wait_send},
	{"accept", wait_accept},
	{"connect", wait_connect},
	{"flock", wait_flock},
	{"child", wait_child},
	{"signal", wait_signal},
	{"barrier", wait_barrier},
};

int main(void)
{
	char byte;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	start(&waits[0]);
	usleep(100000); /* it is the one that runs what the other waits for */
	for (size_t i = 1; i < sizeof(waits) / sizeof(waits[0]); i++)
		start(&waits[i]);
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
