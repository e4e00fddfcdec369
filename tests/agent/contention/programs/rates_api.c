/*
 * The rates through the API, for `sonde run -block -mutex` and alone: exits with 0 if every call
 * did what pprof.h says. Naps in on() are to be counted, those in off() not.
 */
#include "../../check.h"

#include <sonde/pprof.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) static void on(void)
{
	for (int i = 0; i < 5; i++)
		usleep(1000);
}

__attribute__((noinline)) static void off(void)
{
	for (int i = 0; i < 5; i++)
		usleep(1000);
}

static void in_a_child(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(sonde_block_rate_set(-1) != 0 || sonde_block_rate_set(0) != 0 ||
			sonde_block_rate_set(5) != 0 || sonde_block_rate_set(0) != 5);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(int argc, char **argv)
{
	int64_t first = argc > 1 && !strcmp(argv[1], "recorded");
	CHECK(sonde_block_rate_set(-1) == first);
	CHECK(sonde_block_rate_set(1) == first);
	on();
	CHECK(sonde_block_rate_set(0) == 1);
	off();
	CHECK(sonde_block_rate_set(10) == 0);
	CHECK(sonde_block_rate_set(-1) == 10);
	on();
	CHECK(sonde_block_rate_set(INT64_MAX) == -EINVAL);
	CHECK(sonde_mutex_fraction_set(7) == first);
	CHECK(sonde_mutex_fraction_set(INT64_MAX) == -EINVAL);
	CHECK(sonde_mutex_fraction_set(0) == 7);
	in_a_child();
	CHECK(sonde_block_rate_set(0) == 10);
	off();
	puts("done");
	return 0;
}
