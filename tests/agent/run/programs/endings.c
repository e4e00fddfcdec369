/*
 * Works for a while and ends in the way that is asked for.
 */
#include "burn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static volatile int *volatile nowhere = (volatile int *)8;

__attribute__((noinline)) static void before_the_end(void)
{
	burn(0.3);
	burn_sink++;
}

static void await(pid_t pid)
{
	int status;
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		exit(99);
}

static int fork_and_work(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		burn(0.3);
		_exit(0);
	}
	await(pid);
	return 0;
}

static int spawn_and_work(char *self, char *mode)
{
	pid_t pid;
	char *argv[] = {self, mode, NULL};
	if (posix_spawn(&pid, self, NULL, NULL, argv, environ))
		return 98;
	await(pid);
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argv[1];
	char quiet[] = "quiet";
	if (!strcmp(how, "closed")) { /* a program that lets go of everything it inherited */
		for (int fd = 0; fd < 256; fd++)
			close(fd);
	}
	if (!strcmp(how, "chdir") && chdir("/"))
		return 97;
	if (!strcmp(how, "drop") && (setgid(65534) || setuid(65534)))
		return 97;
	if (!strcmp(how, "undumpable"))
		prctl(PR_SET_DUMPABLE, 0);
	before_the_end();
	if (!strcmp(how, "status"))
		return 42;
	if (!strcmp(how, "_exit"))
		_exit(43);
	if (!strcmp(how, "crash"))
		*nowhere = 1;
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "kill"))
		kill(getpid(), SIGKILL);
	if (!strcmp(how, "wait"))
		for (;;)
			pause();
	if (!strcmp(how, "exec"))
		execl(argv[0], argv[0], "status", NULL);
	if (!strcmp(how, "fork"))
		return fork_and_work();
	if (!strcmp(how, "spawn"))
		return spawn_and_work(argv[0], quiet);
	if (!strcmp(how, "environ"))
		return system("env | grep -E '^(SONDE_|LD_PRELOAD)'") != 256;
	if (!strcmp(how, "stdout"))
		puts("hello");
	return 0;
}
