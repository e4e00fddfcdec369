/*
 * A command that serves until it is stopped: Ctrl-C and SIGTERM are taken by the thread that waits
 * for them, which then can close what it opened. (Rejected: handlers, which may do next to
 * nothing.)
 */
#include "cli/cli.h"

#include <signal.h>

static void stop_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
}

void cli_hold_stop(void)
{
	sigset_t stop;
	stop_signals(&stop);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
}

void cli_wait_stop(void)
{
	sigset_t stop;
	int got;
	stop_signals(&stop);
	sigwait(&stop, &got);
}
