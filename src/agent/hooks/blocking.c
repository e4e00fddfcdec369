/*
 * System calls that wait: sleeping, polling, reading and writing, sockets, files' locks, children.
 *
 * What a call waits for cannot be known beforehand without asking the kernel, so calls on
 * descriptors are timed, and those that took less than SHORT_NS are taken for none: a read of what
 * is there already, a write into room. (Rejected: asking poll first, which doubles the calls of
 * every server; and remembering which descriptors are files, which dup2 and close make wrong.) A
 * long read of a file is a wait for its disk. What libc calls by itself, stdio above all, does not
 * pass here.
 *
 * Calls that the kernel does not restart after one of our signals are gone on with here, for what
 * is left of their time.
 */
#include "agent/hooks/waiting.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SHORT_NS WAIT_SHORT_NS
#define SECOND	 1000000000u

/* --- time that is left --- */

/* When a wait with a time limit is to end, on CLOCK_MONOTONIC. */
struct limit {
	bool any;
	uint64_t at_ns;
};

static uint64_t now_ns(void)
{
	return sig_clock_ns(CLOCK_MONOTONIC);
}

static bool is_time(const struct timespec *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < SECOND;
}

static struct limit limit_in(uint64_t ns)
{
	uint64_t now = now_ns();
	return (struct limit){true, ns > UINT64_MAX - now ? UINT64_MAX : now + ns};
}

static uint64_t ns_of(const struct timespec *t)
{
	uint64_t seconds = (uint64_t)t->tv_sec;
	return seconds > UINT64_MAX / SECOND - 1 ? UINT64_MAX
						 : seconds * SECOND + (uint64_t)t->tv_nsec;
}

/* A wrong time is for the kernel to refuse, at once. */
static struct limit limit_timespec(const struct timespec *t)
{
	return t && is_time(t) ? limit_in(ns_of(t)) : (struct limit){0};
}

static struct limit limit_ms(int ms)
{
	return ms > 0 ? limit_in((uint64_t)ms * 1000000u) : (struct limit){0};
}

static uint64_t ns_left(const struct limit *limit)
{
	uint64_t now = now_ns();
	return limit->at_ns > now ? limit->at_ns - now : 0;
}

static void left_timespec(const struct limit *limit, struct timespec *t)
{
	uint64_t ns = ns_left(limit);
	if (limit->any)
		*t = (struct timespec){(time_t)(ns / SECOND), (long)(ns % SECOND)};
}

/* Rounded up: not to wake before the time. */
static int left_ms(const struct limit *limit, int ms)
{
	return limit->any ? (int)((ns_left(limit) + 999999u) / 1000000u) : ms;
}

/* --- sleeping --- */

/* The real nanosleep, through our signals; `left` as its own. */
static int sleep_on(const struct timespec *t, struct timespec *left)
{
	__typeof__(&nanosleep) next = NEXT(nanosleep);
	struct timespec rest = *t;
	unsigned before = signals_so_far();
	int rc = next(&rest, &rest);
	while (again(rc, &before))
		rc = next(&rest, &rest);
	if (rc && errno == EINTR && left)
		*left = rest;
	return rc;
}

WAIT_HOOK int nanosleep(const struct timespec *t, struct timespec *left)
{
	if (!t || !is_time(t))
		return NEXT(nanosleep)(t, left);
	return WAITING(ON_FD(nanosleep, WAIT_SLEEP, -1), sleep_on(t, left));
}

/* Returns the error and leaves errno alone. */
static int clock_sleep_on(
	clockid_t clock, int flags, const struct timespec *t, struct timespec *left)
{
	__typeof__(&clock_nanosleep) next = NEXT(clock_nanosleep);
	struct timespec rest = *t;
	bool absolute = flags & TIMER_ABSTIME;
	unsigned before = signals_so_far();
	int rc;
	while ((rc = next(clock, flags, &rest, absolute ? NULL : &rest)) == EINTR &&
		before != signals_so_far())
		before = signals_so_far();
	if (rc == EINTR && left && !absolute)
		*left = rest;
	return rc;
}

WAIT_HOOK int clock_nanosleep(
	clockid_t clock, int flags, const struct timespec *t, struct timespec *left)
{
	if (!t || !is_time(t))
		return NEXT(clock_nanosleep)(clock, flags, t, left);
	return WAITING(
		ON_FD(clock_nanosleep, WAIT_SLEEP, -1), clock_sleep_on(clock, flags, t, left));
}

WAIT_HOOK int usleep(useconds_t us)
{
	struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};
	return WAITING(ON_FD(usleep, WAIT_SLEEP, -1), sleep_on(&t, NULL));
}

/* What is left is told in whole seconds, as libc does. */
WAIT_HOOK unsigned sleep(unsigned seconds)
{
	struct timespec t = {seconds, 0};
	int before = errno;
	if (WAITING(ON_FD(sleep, WAIT_SLEEP, -1), sleep_on(&t, &t)))
		return (unsigned)t.tv_sec;
	errno = before;
	return 0;
}

WAIT_HOOK int thrd_sleep(const struct timespec *t, struct timespec *left)
{
	if (!t || !is_time(t))
		return NEXT(thrd_sleep)(t, left);
	int rc = WAITING(
		ON_FD(thrd_sleep, WAIT_SLEEP, -1), clock_sleep_on(CLOCK_REALTIME, 0, t, left));
	return rc == 0 ? 0 : rc == EINTR ? -1 : -2;
}

/* --- polling --- */

static int poll_on(struct pollfd *fds, nfds_t n, int ms)
{
	__typeof__(&poll) next = NEXT(poll);
	struct limit limit = limit_ms(ms);
	unsigned before = signals_so_far();
	int rc = next(fds, n, ms);
	while (again(rc, &before))
		rc = next(fds, n, left_ms(&limit, ms));
	return rc;
}

/* Not waited for at all where the time is 0. */
WAIT_HOOK int poll(struct pollfd *fds, nfds_t n, int ms)
{
	if (ms == 0)
		return NEXT(poll)(fds, n, ms);
	return WAITING_AT_LEAST(SHORT_NS, ON_FD(poll, WAIT_POLL, -1), poll_on(fds, n, ms));
}

static int ppoll_on(
	struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	__typeof__(&ppoll) next = NEXT(ppoll);
	struct limit limit = limit_timespec(timeout);
	struct timespec left;
	unsigned before = signals_so_far();
	int rc = next(fds, n, timeout, mask);
	while (again(rc, &before)) {
		left_timespec(&limit, &left);
		rc = next(fds, n, limit.any ? &left : timeout, mask);
	}
	return rc;
}

WAIT_HOOK int ppoll(
	struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	return WAITING_AT_LEAST(
		SHORT_NS, ON_FD(ppoll, WAIT_POLL, -1), ppoll_on(fds, n, timeout, mask));
}

static struct limit limit_timeval(const struct timeval *t)
{
	struct timespec as = {t ? t->tv_sec : 0, t ? (long)t->tv_usec * 1000 : 0};
	return limit_timespec(t ? &as : NULL);
}

/* The kernel leaves the sets alone when it is interrupted, and Linux tells what is left of time. */
static int select_on(int n, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	__typeof__(&select) next = NEXT(select);
	struct limit limit = limit_timeval(timeout);
	struct timespec left;
	unsigned before = signals_so_far();
	int rc = next(n, in, out, except, timeout);
	while (again(rc, &before)) {
		left_timespec(&limit, &left);
		if (limit.any)
			*timeout = (struct timeval){left.tv_sec, left.tv_nsec / 1000};
		rc = next(n, in, out, except, timeout);
	}
	return rc;
}

WAIT_HOOK int select(int n, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	return WAITING_AT_LEAST(
		SHORT_NS, ON_FD(select, WAIT_POLL, -1), select_on(n, in, out, except, timeout));
}

static int pselect_on(int n, fd_set *in, fd_set *out, fd_set *except,
	const struct timespec *timeout, const sigset_t *mask)
{
	__typeof__(&pselect) next = NEXT(pselect);
	struct limit limit = limit_timespec(timeout);
	struct timespec left;
	unsigned before = signals_so_far();
	int rc = next(n, in, out, except, timeout, mask);
	while (again(rc, &before)) {
		left_timespec(&limit, &left);
		rc = next(n, in, out, except, limit.any ? &left : timeout, mask);
	}
	return rc;
}

WAIT_HOOK int pselect(int n, fd_set *in, fd_set *out, fd_set *except,
	const struct timespec *timeout, const sigset_t *mask)
{
	return WAITING_AT_LEAST(SHORT_NS, ON_FD(pselect, WAIT_POLL, -1),
		pselect_on(n, in, out, except, timeout, mask));
}

static int epoll_on(int fd, struct epoll_event *events, int n, int ms)
{
	__typeof__(&epoll_wait) next = NEXT(epoll_wait);
	struct limit limit = limit_ms(ms);
	unsigned before = signals_so_far();
	int rc = next(fd, events, n, ms);
	while (again(rc, &before))
		rc = next(fd, events, n, left_ms(&limit, ms));
	return rc;
}

WAIT_HOOK int epoll_wait(int fd, struct epoll_event *events, int n, int ms)
{
	if (ms == 0)
		return NEXT(epoll_wait)(fd, events, n, ms);
	return WAITING_AT_LEAST(
		SHORT_NS, ON_FD(epoll_wait, WAIT_POLL, fd), epoll_on(fd, events, n, ms));
}

static int epoll_pwait_on(int fd, struct epoll_event *events, int n, int ms, const sigset_t *mask)
{
	__typeof__(&epoll_pwait) next = NEXT(epoll_pwait);
	struct limit limit = limit_ms(ms);
	unsigned before = signals_so_far();
	int rc = next(fd, events, n, ms, mask);
	while (again(rc, &before))
		rc = next(fd, events, n, left_ms(&limit, ms), mask);
	return rc;
}

WAIT_HOOK int epoll_pwait(int fd, struct epoll_event *events, int n, int ms, const sigset_t *mask)
{
	if (ms == 0)
		return NEXT(epoll_pwait)(fd, events, n, ms, mask);
	return WAITING_AT_LEAST(SHORT_NS, ON_FD(epoll_pwait, WAIT_POLL, fd),
		epoll_pwait_on(fd, events, n, ms, mask));
}

static int epoll_pwait2_on(int fd, struct epoll_event *events, int n,
	const struct timespec *timeout, const sigset_t *mask)
{
	__typeof__(&epoll_pwait2) next = NEXT(epoll_pwait2);
	struct limit limit = limit_timespec(timeout);
	struct timespec left;
	unsigned before = signals_so_far();
	int rc = next(fd, events, n, timeout, mask);
	while (again(rc, &before)) {
		left_timespec(&limit, &left);
		rc = next(fd, events, n, limit.any ? &left : timeout, mask);
	}
	return rc;
}

WAIT_HOOK int epoll_pwait2(int fd, struct epoll_event *events, int n,
	const struct timespec *timeout, const sigset_t *mask)
{
	return WAITING_AT_LEAST(SHORT_NS, ON_FD(epoll_pwait2, WAIT_POLL, fd),
		epoll_pwait2_on(fd, events, n, timeout, mask));
}

/* --- reading and writing --- */

/* Waits for what is left of a socket's own time limit, from `since_ns` on, which a call that is
 * made again would wait for anew. False, with errno: it is over. */
static bool within_limit(int fd, int option, uint64_t since_ns)
{
	struct timeval t = {0};
	socklen_t len = sizeof(t);
	struct pollfd p = {.fd = fd, .events = option == SO_SNDTIMEO ? POLLOUT : POLLIN};
	if (getsockopt(fd, SOL_SOCKET, option, &t, &len) || (!t.tv_sec && !t.tv_usec))
		return true;
	uint64_t limit = (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_usec * 1000u;
	uint64_t spent = now_ns() - since_ns;
	uint64_t ms = spent < limit ? (limit - spent + 999999u) / 1000000u : 0;
	if (poll_on(&p, 1, ms > INT_MAX ? INT_MAX : (int)ms))
		return true;
	errno = EAGAIN;
	return false;
}

/* A call on a descriptor. The kernel restarts these after our signals, but not sockets with a time
 * limit of their own. */
#define ON(name, kind, fd, ...)                                                      \
	({                                                                           \
		__typeof__(&name) next_ = NEXT(name);                                \
		struct waiting w_;                                                   \
		struct wait_what what_ = ON_FD(name, kind, fd);                      \
		unsigned before_ = signals_so_far();                                 \
		int limited_by_ = (kind) == WAIT_SEND ? SO_SNDTIMEO : SO_RCVTIMEO;   \
		waiting_begin(&w_, &what_);                                          \
		__typeof__(next_(fd, ##__VA_ARGS__)) rc_ = next_(fd, ##__VA_ARGS__); \
		uint64_t from_ = w_.thread ? w_.since_ns : rc_ < 0 ? now_ns() : 0;   \
		while (again(rc_, &before_) && within_limit(fd, limited_by_, from_)) \
			rc_ = next_(fd, ##__VA_ARGS__);                              \
		waiting_end(&w_, SHORT_NS);                                          \
		rc_;                                                                 \
	})

WAIT_HOOK ssize_t read(int fd, void *p, size_t n)
{
	return ON(read, WAIT_READ, fd, p, n);
}

WAIT_HOOK ssize_t readv(int fd, const struct iovec *parts, int n)
{
	return ON(readv, WAIT_READ, fd, parts, n);
}

WAIT_HOOK ssize_t write(int fd, const void *p, size_t n)
{
	return ON(write, WAIT_WRITE, fd, p, n);
}

WAIT_HOOK ssize_t writev(int fd, const struct iovec *parts, int n)
{
	return ON(writev, WAIT_WRITE, fd, parts, n);
}

WAIT_HOOK ssize_t recv(int fd, void *p, size_t n, int flags)
{
	return ON(recv, WAIT_RECV, fd, p, n, flags);
}

WAIT_HOOK ssize_t recvfrom(
	int fd, void *p, size_t n, int flags, struct sockaddr *from, socklen_t *from_len)
{
	return ON(recvfrom, WAIT_RECV, fd, p, n, flags, from, from_len);
}

WAIT_HOOK ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	return ON(recvmsg, WAIT_RECV, fd, msg, flags);
}

WAIT_HOOK int recvmmsg(
	int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *timeout)
{
	return ON(recvmmsg, WAIT_RECV, fd, messages, n, flags, timeout);
}

WAIT_HOOK ssize_t send(int fd, const void *p, size_t n, int flags)
{
	return ON(send, WAIT_SEND, fd, p, n, flags);
}

WAIT_HOOK ssize_t sendto(
	int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t to_len)
{
	return ON(sendto, WAIT_SEND, fd, p, n, flags, to, to_len);
}

WAIT_HOOK ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return ON(sendmsg, WAIT_SEND, fd, msg, flags);
}

WAIT_HOOK int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
	return ON(sendmmsg, WAIT_SEND, fd, messages, n, flags);
}

WAIT_HOOK int accept(int fd, struct sockaddr *peer, socklen_t *peer_len)
{
	return ON(accept, WAIT_ACCEPT, fd, peer, peer_len);
}

WAIT_HOOK int accept4(int fd, struct sockaddr *peer, socklen_t *peer_len, int flags)
{
	return ON(accept4, WAIT_ACCEPT, fd, peer, peer_len, flags);
}

/* Once interrupted it goes on by itself and cannot be called again. */
WAIT_HOOK int connect(int fd, const struct sockaddr *to, socklen_t to_len)
{
	return WAITING_AT_LEAST(
		SHORT_NS, ON_FD(connect, WAIT_CONNECT, fd), NEXT(connect)(fd, to, to_len));
}

WAIT_HOOK int flock(int fd, int operation)
{
	return ON(flock, WAIT_FLOCK, fd, operation);
}

/* The names by which programs built with _FORTIFY_SOURCE call some of these. */
ssize_t __read_chk(int fd, void *p, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *p, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *p, size_t n, size_t room, int flags, struct sockaddr *from,
	socklen_t *from_len);
int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
	size_t room);

WAIT_HOOK ssize_t __read_chk(int fd, void *p, size_t n, size_t room)
{
	return ON(__read_chk, WAIT_READ, fd, p, n, room);
}

WAIT_HOOK ssize_t __recv_chk(int fd, void *p, size_t n, size_t room, int flags)
{
	return ON(__recv_chk, WAIT_RECV, fd, p, n, room, flags);
}

WAIT_HOOK ssize_t __recvfrom_chk(int fd, void *p, size_t n, size_t room, int flags,
	struct sockaddr *from, socklen_t *from_len)
{
	return ON(__recvfrom_chk, WAIT_RECV, fd, p, n, room, flags, from, from_len);
}

/* Whether the array is as long as the call says: if not, the real function ends the program. */
static bool fits(nfds_t n, size_t room)
{
	return n <= room / sizeof(struct pollfd);
}

WAIT_HOOK int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t room)
{
	if (ms == 0 || !fits(n, room))
		return NEXT(__poll_chk)(fds, n, ms, room);
	return WAITING_AT_LEAST(SHORT_NS, ON_FD(poll, WAIT_POLL, -1), poll_on(fds, n, ms));
}

WAIT_HOOK int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
	const sigset_t *mask, size_t room)
{
	if (!fits(n, room))
		return NEXT(__ppoll_chk)(fds, n, timeout, mask, room);
	return WAITING_AT_LEAST(
		SHORT_NS, ON_FD(ppoll, WAIT_POLL, -1), ppoll_on(fds, n, timeout, mask));
}

/* --- children and signals --- */

#define ON_CHILD(name, ...)                                                                  \
	({                                                                                   \
		__typeof__(&name) next_ = NEXT(name);                                        \
		WAITING_AT_LEAST(SHORT_NS, ON_FD(name, WAIT_CHILD, -1), next_(__VA_ARGS__)); \
	})

WAIT_HOOK pid_t wait(int *status)
{
	return ON_CHILD(wait, status);
}

WAIT_HOOK pid_t waitpid(pid_t pid, int *status, int options)
{
	return ON_CHILD(waitpid, pid, status, options);
}

WAIT_HOOK pid_t wait3(int *status, int options, struct rusage *usage)
{
	return ON_CHILD(wait3, status, options, usage);
}

WAIT_HOOK pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	return ON_CHILD(wait4, pid, status, options, usage);
}

WAIT_HOOK int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	return ON_CHILD(waitid, type, id, info, options);
}

static int pause_on(void)
{
	__typeof__(&pause) next = NEXT(pause);
	unsigned before = signals_so_far();
	int rc;
	do
		rc = next();
	while (again(rc, &before));
	return rc;
}

WAIT_HOOK int pause(void)
{
	return WAITING(ON_FD(pause, WAIT_SIGNAL, -1), pause_on());
}

static int sigsuspend_on(const sigset_t *mask)
{
	__typeof__(&sigsuspend) next = NEXT(sigsuspend);
	unsigned before = signals_so_far();
	int rc;
	do
		rc = next(mask);
	while (again(rc, &before));
	return rc;
}

WAIT_HOOK int sigsuspend(const sigset_t *mask)
{
	return WAITING(ON_FD(sigsuspend, WAIT_SIGNAL, -1), sigsuspend_on(mask));
}
