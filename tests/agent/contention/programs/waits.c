/*
 * Known waits: `waits KIND`. Each kind makes main wait for MS a number of times in a function named
 * for it, in one way; prints how many seconds a wall clock saw it wait, and how often.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define MS    20
#define TIMES 10

static double waited;
static long times;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct timespec in_ms(clockid_t clock, int ms)
{
	struct timespec t;
	clock_gettime(clock, &t);
	t.tv_nsec += ms * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* The other side's way to let time pass: by the processor's clock, so that it is in no profile. */
static void spin(int ms)
{
	for (double until = now() + ms / 1e3; now() < until;)
		;
}

/* What the helper is to do once main waits, and for what main waits to be sure of that. */
static sem_t go;
static void (*act)(void);

static void *help(void *arg)
{
	for (int i = 0; i < TIMES; i++) {
		while (sem_trywait(&go))
			;
		spin(MS);
		act();
	}
	return NULL;
}

/* The call that waits, and nothing but it, on the clock. */
#define TIMED(call)                            \
	({                                     \
		double from_ = now();          \
		__typeof__(call) rc_ = (call); \
		waited += now() - from_;       \
		times++;                       \
		rc_;                           \
	})

static void must(int rc)
{
	if (!rc)
		return;
	perror("waits");
	exit(1);
}

/* --- locks that another thread holds for MS --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static mtx_t c11;
static atomic_int held, done;
static void (*take)(void), (*release)(void);

static void take_mutex(void)
{
	pthread_mutex_lock(&mutex);
}

static void release_mutex(void)
{
	pthread_mutex_unlock(&mutex);
}

static void take_c11(void)
{
	mtx_lock(&c11);
}

static void release_c11(void)
{
	mtx_unlock(&c11);
}

static void take_write(void)
{
	pthread_rwlock_wrlock(&rwlock);
}

static void take_read(void)
{
	pthread_rwlock_rdlock(&rwlock);
}

static void release_rwlock(void)
{
	pthread_rwlock_unlock(&rwlock);
}

static void *hold(void *arg)
{
	for (int i = 1; i <= TIMES; i++) {
		take();
		held = i;
		spin(MS);
		release();
		while (done < i)
			;
	}
	return NULL;
}

static void contend(void (*other)(void), int (*lock)(void), void (*unlock)(void))
{
	pthread_t thread;
	take = other;
	release = unlock;
	pthread_create(&thread, NULL, hold, NULL);
	for (int i = 1; i <= TIMES; i++) {
		while (held < i)
			;
		must(lock());
		unlock();
		done = i;
	}
	pthread_join(thread, NULL);
}

static int lock_mutex(void)
{
	return TIMED(pthread_mutex_lock(&mutex));
}

static int lock_mutex_timed(void)
{
	struct timespec t = in_ms(CLOCK_REALTIME, 60000);
	return TIMED(pthread_mutex_timedlock(&mutex, &t));
}

static int lock_mutex_clock(void)
{
	struct timespec t = in_ms(CLOCK_MONOTONIC, 60000);
	return TIMED(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &t));
}

static int lock_c11(void)
{
	return TIMED(mtx_lock(&c11)) != thrd_success;
}

static int lock_read(void)
{
	return TIMED(pthread_rwlock_rdlock(&rwlock));
}

static int lock_write(void)
{
	return TIMED(pthread_rwlock_wrlock(&rwlock));
}

static int lock_read_timed(void)
{
	struct timespec t = in_ms(CLOCK_REALTIME, 60000);
	return TIMED(pthread_rwlock_timedrdlock(&rwlock, &t));
}

static int lock_write_clock(void)
{
	struct timespec t = in_ms(CLOCK_MONOTONIC, 60000);
	return TIMED(pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &t));
}

static void mutex_of(int type, int robust, int protocol)
{
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, type);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutexattr_setprotocol(&attr, protocol);
	pthread_mutex_init(&mutex, &attr);
	contend(take_mutex, lock_mutex, release_mutex);
}

/* --- what another thread ends after MS --- */

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static pthread_barrier_t barrier;
static int fds[2], listener, lock_fds[2];
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static bool signalled;

static void signal_cond(void)
{
	while (pthread_mutex_trylock(&mutex))
		;
	signalled = true;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&mutex);
}

static int wait_cond(void)
{
	pthread_mutex_lock(&mutex);
	sem_post(&go);
	while (!signalled)
		TIMED(pthread_cond_wait(&cond, &mutex));
	signalled = false;
	return pthread_mutex_unlock(&mutex);
}

static void post_sem(void)
{
	sem_post(&sem);
}

static int wait_sem(void)
{
	sem_post(&go);
	return TIMED(sem_wait(&sem));
}

static int wait_sem_timed(void)
{
	struct timespec t = in_ms(CLOCK_REALTIME, 60000);
	sem_post(&go);
	return TIMED(sem_timedwait(&sem, &t));
}

static void reach_barrier(void)
{
	pthread_barrier_wait(&barrier);
}

static int wait_barrier(void)
{
	sem_post(&go);
	TIMED(pthread_barrier_wait(&barrier));
	return 0;
}

static void send_byte(void)
{
	if (write(fds[1], "", 1) != 1)
		exit(1);
}

static int read_byte(void)
{
	char byte;
	sem_post(&go);
	return TIMED(read(fds[0], &byte, 1)) != 1;
}

static int recv_byte(void)
{
	char byte;
	sem_post(&go);
	return TIMED(recv(fds[0], &byte, 1, 0)) != 1;
}

static int take_byte(void)
{
	char byte;
	return read(fds[0], &byte, 1) != 1;
}

static int poll_byte(void)
{
	struct pollfd p = {.fd = fds[0], .events = POLLIN};
	sem_post(&go);
	return TIMED(poll(&p, 1, 60000)) != 1 || take_byte();
}

static int select_byte(void)
{
	fd_set set;
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	sem_post(&go);
	return TIMED(select(fds[0] + 1, &set, NULL, NULL, NULL)) != 1 || take_byte();
}

static int epoll_byte(void)
{
	static int fd = -1;
	struct epoll_event event = {.events = EPOLLIN};
	if (fd < 0) {
		fd = epoll_create1(0);
		epoll_ctl(fd, EPOLL_CTL_ADD, fds[0], &event);
	}
	sem_post(&go);
	return TIMED(epoll_wait(fd, &event, 1, -1)) != 1 || take_byte();
}

static void drain(void)
{
	static char room[1 << 20];
	if (read(fds[0], room, sizeof(room)) <= 0)
		exit(1);
}

static int write_full(void)
{
	static char much[1 << 16];
	sem_post(&go);
	return TIMED(write(fds[1], much, sizeof(much))) != sizeof(much);
}

static void make_connection(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		exit(1);
	close(fd);
}

static int accept_one(void)
{
	sem_post(&go);
	int fd = TIMED(accept(listener, NULL, NULL));
	return fd < 0 || close(fd);
}

static void unlock_file(void)
{
	flock(lock_fds[0], LOCK_UN);
}

static int lock_file(void)
{
	if (flock(lock_fds[0], LOCK_EX))
		return -1;
	sem_post(&go);
	return TIMED(flock(lock_fds[1], LOCK_EX)) || flock(lock_fds[1], LOCK_UN);
}

static void with_helper(void (*action)(void), int (*wait_once)(void))
{
	pthread_t thread;
	act = action;
	sem_init(&go, 0, 0);
	pthread_create(&thread, NULL, help, NULL);
	for (int i = 0; i < TIMES; i++)
		must(wait_once());
	pthread_join(thread, NULL);
}

static void on_pipe(void (*action)(void), int (*wait_once)(void))
{
	if (pipe(fds))
		exit(1);
	with_helper(action, wait_once);
}

static void on_socket(void (*action)(void), int (*wait_once)(void))
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		exit(1);
	with_helper(action, wait_once);
}

static void on_full_pipe(void)
{
	char much[4096] = {0};
	if (pipe(fds))
		exit(1);
	for (int i = 0; i < 16; i++)
		if (write(fds[1], much, sizeof(much)) != sizeof(much))
			exit(1);
	with_helper(drain, write_full);
}

static void on_listener(void)
{
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "sonde-waits-%d", getpid());
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 8))
		exit(1);
	with_helper(make_connection, accept_one);
}

static void on_file(void)
{
	char name[] = "/tmp/sonde-waits-XXXXXX";
	lock_fds[0] = mkstemp(name);
	lock_fds[1] = open(name, O_RDWR);
	unlink(name);
	with_helper(unlock_file, lock_file);
}

/* --- sleeping, children, threads --- */

static int sleep_nanos(void)
{
	struct timespec t = {0, MS * 1000000L};
	return TIMED(nanosleep(&t, NULL));
}

static int sleep_clock(void)
{
	struct timespec t = in_ms(CLOCK_MONOTONIC, MS);
	return TIMED(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
}

static int sleep_micros(void)
{
	return TIMED(usleep(MS * 1000));
}

static int sleep_c11(void)
{
	struct timespec t = {0, MS * 1000000L};
	return TIMED(thrd_sleep(&t, NULL));
}

static int wait_child(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		spin(MS);
		_exit(0);
	}
	return TIMED(waitpid(pid, &status, 0)) != pid || status;
}

static void *short_life(void *arg)
{
	spin(MS);
	return NULL;
}

static int join_thread(void)
{
	pthread_t thread;
	return pthread_create(&thread, NULL, short_life, NULL) || TIMED(pthread_join(thread, NULL));
}

static pthread_once_t once;
static atomic_int once_runs;

static void once_routine(void)
{
	once_runs = 1;
	spin(MS);
}

static void *run_once(void *arg)
{
	pthread_once(&once, once_routine);
	return NULL;
}

static void wait_once(void)
{
	pthread_t thread;
	for (int i = 0; i < TIMES; i++) {
		once = PTHREAD_ONCE_INIT;
		once_runs = 0;
		pthread_create(&thread, NULL, run_once, NULL);
		while (!once_runs)
			;
		must(TIMED(pthread_once(&once, once_routine)));
		pthread_join(thread, NULL);
	}
}

static void alone(int (*wait_for)(void))
{
	for (int i = 0; i < TIMES; i++)
		must(wait_for());
}

static sigset_t awaited;

static void send_signal(void)
{
	kill(getpid(), SIGUSR1);
}

static int wait_signal(void)
{
	int sig;
	sem_post(&go);
	return TIMED(sigwait(&awaited, &sig)) || sig != SIGUSR1;
}

static void on_signal(void)
{
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &awaited, NULL);
	with_helper(send_signal, wait_signal);
}

/* Waits that are open when the process ends. */
static void *never(void *arg)
{
	pause();
	return NULL;
}

static void stay_open(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, never, NULL);
	alone(sleep_nanos);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
#define KIND(name, how)            \
	if (!strcmp(kind, name)) { \
		how;               \
	} else
	mtx_init(&c11, mtx_plain);
	sem_init(&sem, 0, 0);
	pthread_barrier_init(&barrier, NULL, 2);
	KIND("mutex", contend(take_mutex, lock_mutex, release_mutex))
	KIND("timedlock", contend(take_mutex, lock_mutex_timed, release_mutex))
	KIND("clocklock", contend(take_mutex, lock_mutex_clock, release_mutex))
	KIND("recursive", mutex_of(PTHREAD_MUTEX_RECURSIVE, 0, 0))
	KIND("errorcheck", mutex_of(PTHREAD_MUTEX_ERRORCHECK, 0, 0))
	KIND("robust", mutex_of(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, 0))
	KIND("inherit", mutex_of(PTHREAD_MUTEX_NORMAL, 0, PTHREAD_PRIO_INHERIT))
	KIND("mtx", contend(take_c11, lock_c11, release_c11))
	KIND("rdlock", contend(take_write, lock_read, release_rwlock))
	KIND("wrlock", contend(take_read, lock_write, release_rwlock))
	KIND("timedrdlock", contend(take_write, lock_read_timed, release_rwlock))
	KIND("clockwrlock", contend(take_write, lock_write_clock, release_rwlock))
	KIND("cond", with_helper(signal_cond, wait_cond))
	KIND("sem", with_helper(post_sem, wait_sem))
	KIND("sem_timed", with_helper(post_sem, wait_sem_timed))
	KIND("barrier", with_helper(reach_barrier, wait_barrier))
	KIND("read", on_pipe(send_byte, read_byte))
	KIND("recv", on_socket(send_byte, recv_byte))
	KIND("poll", on_pipe(send_byte, poll_byte))
	KIND("select", on_pipe(send_byte, select_byte))
	KIND("epoll", on_pipe(send_byte, epoll_byte))
	KIND("write", on_full_pipe())
	KIND("accept", on_listener())
	KIND("flock", on_file())
	KIND("nanosleep", alone(sleep_nanos))
	KIND("clock_nanosleep", alone(sleep_clock))
	KIND("usleep", alone(sleep_micros))
	KIND("thrd_sleep", alone(sleep_c11))
	KIND("child", alone(wait_child))
	KIND("join", alone(join_thread))
	KIND("once", wait_once())
	KIND("sigwait", on_signal())
	KIND("open", stay_open())
	return 2;
	printf("%.6f %ld\n", waited, times);
	return 0;
}
