/*
 * Profiles itself through the API: `api FILE`. Exits with 0 if every call did what pprof.h says.
 */
#include "../../check.h"
#include "burn.h"

#include <sonde/pprof.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic int phase;

__attribute__((noinline)) static void before_it(void)
{
	burn(0.2);
	burn_sink++;
}

__attribute__((noinline)) static void during_it(void)
{
	burn(0.3);
	burn_sink++;
}

/* A thread that was there before the profile. */
static void *elder(void *arg)
{
	while (phase == 0)
		;
	during_it();
	phase = 2;
	while (phase == 2)
		usleep(1000);
	return NULL;
}

static void errors(const char *path)
{
	struct sonde_cpu_profile_opts opts = SONDE_CPU_PROFILE_OPTS(.hz = 20000);
	CHECK(sonde_cpu_profile_stop() == -ENOENT);
	CHECK(sonde_cpu_profile_start(path, &opts) == -EINVAL);
	opts = (struct sonde_cpu_profile_opts)SONDE_CPU_PROFILE_OPTS(.memory_max = 10);
	CHECK(sonde_cpu_profile_start(path, &opts) == -EINVAL);
	CHECK(sonde_cpu_profile_start("/nowhere/at/all", NULL) == -ENOENT);
}

static void in_a_child(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(sonde_cpu_profile_stop() == -ENOENT ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void once(const char *path, unsigned hz)
{
	struct sonde_cpu_profile_opts opts = SONDE_CPU_PROFILE_OPTS(.hz = hz);
	pthread_t thread;
	phase = 0;
	pthread_create(&thread, NULL, elder, NULL);
	before_it();
	CHECK(sonde_cpu_profile_start(path, &opts) == 0);
	CHECK(sonde_cpu_profile_start(path, NULL) == -EBUSY);
	phase = 1;
	during_it();
	while (phase != 2)
		usleep(1000);
	in_a_child();
	CHECK(sonde_cpu_profile_stop() == 0);
	CHECK(sonde_cpu_profile_stop() == -ENOENT);
	before_it();
	phase = 3;
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	errors(argv[1]);
	for (int i = 0; i < 20; i++) {
		CHECK(sonde_cpu_profile_start(argv[1], NULL) == 0);
		CHECK(sonde_cpu_profile_stop() == 0);
	}
	once(argv[1], 100);
	once(argv[1], 1000);
	int fd = open("/dev/null", O_WRONLY);
	CHECK(sonde_cpu_profile_start_fd(fd, NULL) == 0);
	CHECK(sonde_cpu_profile_stop() == 0 && fcntl(fd, F_GETFD) >= 0);
	return 0;
}
