/*
 * Asking; see poke.h.
 */
#include "agent/poke.h"

#include "agent/export_memory.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t wishes = PTHREAD_MUTEX_INITIALIZER; /* one at a time */

#define TRIES	200
#define STEP_NS 10000000 /* until it is poked again */
#define LOOK_NS 200000	 /* between looks whether it has answered */

static int send(int pidfd, int pid, uint64_t token)
{
	siginfo_t info = {.si_signo = SIGPROF, .si_code = SI_QUEUE};
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = (void *)(uintptr_t)token;
	if (!memory_takes_signal(pid, SIGPROF))
		return -EPERM;
	return syscall(SYS_pidfd_send_signal, pidfd, SIGPROF, &info, 0) ? -errno : 0;
}

static int send_poke(struct recording *rec, int pidfd)
{
	if (!recording_send_begin(rec))
		return -ESRCH;
	int rc = send(pidfd, (int)rec->pid, rec->wishes.token);
	recording_send_end(rec);
	return rc;
}

/* Most answer within a few hundred microseconds. */
static bool await_answer(const struct recording *rec, uint32_t asked)
{
	const struct timespec step = {0, LOOK_NS};
	for (int i = 0; i < STEP_NS / LOOK_NS; i++) {
		nanosleep(&step, NULL);
		if ((int32_t)(atomic_load(&rec->wishes.answered) - asked) >= 0)
			return true;
	}
	return false;
}

static int ask(struct recording *rec, int pidfd)
{
	uint32_t asked = atomic_fetch_add(&rec->wishes.asked, 1) + 1;
	for (int i = 0; i < TRIES; i++) {
		int rc = send_poke(rec, pidfd);
		if (rc)
			return rc;
		if (await_answer(rec, asked))
			return 0;
	}
	return -ETIMEDOUT;
}

/* The threads that were called answer by themselves; those that block the signal do not. */
static bool await_called(struct recording *rec)
{
	const struct timespec step = {0, LOOK_NS};
	for (int i = 0; i < STEP_NS / LOOK_NS && recording_any_called(rec); i++)
		nanosleep(&step, NULL);
	return !recording_any_called(rec);
}

static int set_rate(struct recording *rec, enum recording_kind kind, uint64_t rate)
{
	if (atomic_load(&rec->end_monotonic_ns) || !rec->wishes.token)
		return -ESRCH;
	int pidfd = (int)syscall(SYS_pidfd_open, (int)rec->pid, 0);
	if (pidfd < 0)
		return -errno;
	for (int i = 0; i < RECORDING_KINDS; i++)
		atomic_store(&rec->wishes.wanted.of[i], atomic_load(&rec->rates.of[i]));
	atomic_store(&rec->wishes.wanted.of[kind], rate);
	int rc = ask(rec, pidfd);
	for (int i = 0; i < TRIES && !rc && !await_called(rec); i++)
		rc = ask(rec, pidfd); /* who is missing is called again (kinds.h: settle) */
	close(pidfd);
	if (!rc && atomic_load(&rec->wishes.wanted.of[kind]) != rate)
		rc = -ENOTSUP;
	return rc;
}

int poke_set_rate(struct recording *rec, enum recording_kind kind, uint64_t rate)
{
	pthread_mutex_lock(&wishes);
	int rc = set_rate(rec, kind, rate);
	pthread_mutex_unlock(&wishes);
	return rc;
}
