/*
 * Programs that have dealings of their own with SIGPROF, on purpose or not. Each mode checks what
 * it may rely on and exits with 0 if it held.
 */
#include "../../check.h"
#include "burn.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t handled;

static void count(int sig)
{
	handled++;
	errno = EDOM;
}

static void count_info(int sig, siginfo_t *info, void *context)
{
	CHECK(sig == SIGPROF && info->si_signo == SIGPROF);
	handled++;
}

/* Its own handler is called for its own signals, and only for them. */
static void own_handler(void)
{
	struct sigaction act = {.sa_handler = count}, old;
	CHECK(sigaction(SIGPROF, &act, &old) == 0 && old.sa_handler == SIG_DFL);
	CHECK(sigaction(SIGPROF, NULL, &old) == 0 && old.sa_handler == count);
	burn(0.3);
	CHECK(handled == 0);
	raise(SIGPROF);
	CHECK(handled == 1);
	kill(getpid(), SIGPROF);
	CHECK(handled == 2);
	CHECK(signal(SIGPROF, SIG_IGN) == count);
	raise(SIGPROF);
	CHECK(handled == 2);
	CHECK(signal(SIGPROF, count) == SIG_IGN);
	act = (struct sigaction){
		.sa_sigaction = count_info, .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND)};
	CHECK(sigaction(SIGPROF, &act, NULL) == 0);
	raise(SIGPROF);
	CHECK(handled == 3);
	CHECK(sigaction(SIGPROF, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
}

/* As gprof and interpreters' profilers use it. */
static void interval_timer(void)
{
	struct itimerval every = {{0, 10000}, {0, 10000}};
	signal(SIGPROF, count);
	CHECK(setitimer(ITIMER_PROF, &every, NULL) == 0);
	burn(0.5);
	CHECK(handled >= 20 && handled <= 60);
}

static void fill(sigset_t *set)
{
	sigfillset(set);
}

/* Blocks everything, as threads of servers do: it keeps that view, and is sampled all the same. */
static void blocks_all(void)
{
	sigset_t all, seen;
	fill(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, NULL, &seen) == 0);
	CHECK(sigismember(&seen, SIGPROF) == 1 && sigismember(&seen, SIGUSR1) == 1);
	burn(0.3);
	sigemptyset(&all);
	CHECK(sigprocmask(SIG_SETMASK, &all, &seen) == 0);
	CHECK(sigismember(&seen, SIGPROF) == 1);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &seen) == 0);
	CHECK(sigismember(&seen, SIGPROF) == 0);
}

static void *sees_it_blocked(void *arg)
{
	sigset_t seen;
	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &seen) == 0);
	CHECK(sigismember(&seen, SIGPROF) == 1);
	burn(0.3);
	return NULL;
}

static void thread_inherits_the_mask(void)
{
	sigset_t all;
	pthread_t thread;
	fill(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pthread_create(&thread, NULL, sees_it_blocked, NULL);
	pthread_join(thread, NULL);
}

/* Blocks SIGPROF and is sent one: it stays pending until it is let through. */
static void blocked_and_sent(void)
{
	sigset_t prof, pending;
	signal(SIGPROF, count);
	sigemptyset(&prof);
	sigaddset(&prof, SIGPROF);
	CHECK(sigprocmask(SIG_BLOCK, &prof, NULL) == 0);
	raise(SIGPROF);
	CHECK(handled == 0);
	CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGPROF) == 1);
	CHECK(sigprocmask(SIG_UNBLOCK, &prof, NULL) == 0);
	CHECK(handled == 1);
}

static void *send_later(void *arg)
{
	burn(0.2);
	kill(getpid(), SIGUSR1);
	return NULL;
}

/* Waits for all signals, by sigwait and by descriptor: the profiler's are not among them. */
static void waits_for_all(void)
{
	sigset_t all;
	pthread_t thread;
	int sig;
	struct signalfd_siginfo info;
	fill(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (int i = 0; i < 3; i++) {
		pthread_create(&thread, NULL, send_later, NULL);
		CHECK(sigwait(&all, &sig) == 0 && sig == SIGUSR1);
		pthread_join(thread, NULL);
	}
	int fd = signalfd(-1, &all, 0);
	CHECK(fd >= 0);
	pthread_create(&thread, NULL, send_later, NULL);
	CHECK(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1);
	pthread_join(thread, NULL);
}

/* errno and the rest of a thread's state are as they were. */
static void keeps_errno(void)
{
	double end = burn_clock(CLOCK_THREAD_CPUTIME_ID) + 0.5;
	for (errno = ENOTTY; burn_clock(CLOCK_THREAD_CPUTIME_ID) < end;)
		for (int i = 0; i < 100000; i++)
			CHECK(errno == ENOTTY);
}

static void default_kills(void)
{
	burn(0.1);
	raise(SIGPROF);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {{"handler", own_handler}, {"itimer", interval_timer}, {"blocks", blocks_all},
		{"inherits", thread_inherits_the_mask}, {"pending", blocked_and_sent},
		{"waits", waits_for_all}, {"errno", keeps_errno}, {"default", default_kills}};
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[1], modes[i].name))
			continue;
		modes[i].run();
		return 0;
	}
	return 2;
}
