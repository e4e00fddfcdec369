/*
 * wait_kinds: what threads wait for, by number and by name. The numbers are in recordings (the key
 * of a wall count): new ones go to the end.
 */
#ifndef SONDE_AGENT_WAIT_KINDS_H
#define SONDE_AGENT_WAIT_KINDS_H

enum wait_kind {
	WAIT_NONE,
	WAIT_MUTEX,
	WAIT_RWLOCK_READ,
	WAIT_RWLOCK_WRITE,
	WAIT_COND,
	WAIT_SEM,
	WAIT_JOIN,
	WAIT_BARRIER,
	WAIT_ONCE,
	WAIT_SLEEP,
	WAIT_POLL, /* select and epoll too */
	WAIT_READ,
	WAIT_WRITE,
	WAIT_RECV,
	WAIT_SEND,
	WAIT_ACCEPT,
	WAIT_CONNECT,
	WAIT_FLOCK,
	WAIT_CHILD,
	WAIT_SIGNAL,
	WAIT_SYSCALL, /* in a system call of which no hook knows */
	WAIT_KINDS,
};

#define WALL_OTHER 255 /* the key of a wall count: neither running nor in a wait that is known */

/* "" for what is no kind. */
static inline const char *wait_kind_name(unsigned kind)
{
	static const char *const names[WAIT_KINDS] = {
		[WAIT_NONE] = "",
		[WAIT_MUTEX] = "mutex",
		[WAIT_RWLOCK_READ] = "rwlock read",
		[WAIT_RWLOCK_WRITE] = "rwlock write",
		[WAIT_COND] = "cond",
		[WAIT_SEM] = "semaphore",
		[WAIT_JOIN] = "join",
		[WAIT_BARRIER] = "barrier",
		[WAIT_ONCE] = "once",
		[WAIT_SLEEP] = "sleep",
		[WAIT_POLL] = "poll",
		[WAIT_READ] = "read",
		[WAIT_WRITE] = "write",
		[WAIT_RECV] = "recv",
		[WAIT_SEND] = "send",
		[WAIT_ACCEPT] = "accept",
		[WAIT_CONNECT] = "connect",
		[WAIT_FLOCK] = "flock",
		[WAIT_CHILD] = "child",
		[WAIT_SIGNAL] = "signal",
		[WAIT_SYSCALL] = "syscall",
	};
	return kind < WAIT_KINDS ? names[kind] : "";
}

#endif
