/*
 * Profiles by name, whole and as differences: `byname DIR` leaves them there. Exits with 0 if every
 * call did what pprof.h says.
 */
#include "../../check.h"

#include <sonde/pprof.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_barrier_t barrier;

static void *meet(void *arg)
{
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* n threads are created here, and joined. */
__attribute__((noinline)) static void create(unsigned n)
{
	pthread_t threads[16];
	pthread_barrier_init(&barrier, NULL, n + 1);
	for (unsigned i = 0; i < n; i++)
		CHECK(pthread_create(&threads[i], NULL, meet, NULL) == 0);
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

static bool is_listed(const char *name)
{
	for (size_t i = 0; sonde_profile_name(i); i++)
		if (strcmp(sonde_profile_name(i), name) == 0)
			return true;
	return false;
}

static void write_delta(const struct sonde_profile_delta *delta, const char *dir, const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	CHECK(fd >= 0 && sonde_profile_delta_write(delta, fd) == 0);
	close(fd);
}

int main(int argc, char **argv)
{
	char path[512];
	struct sonde_profile_delta *delta = NULL;
	snprintf(path, sizeof(path), "%s/all.pb.gz", argv[1]);
	CHECK(argc == 2 && is_listed("threadcreate") && is_listed("block"));
	CHECK(sonde_profile_write_file("threadcreate", path) == -ENOENT); /* nothing is recorded */
	CHECK(access(path, F_OK) != 0);
	CHECK(sonde_profile_delta_new("threadcreate", &delta) == -ENOENT);

	CHECK(sonde_block_rate_set(1) == 0);
	create(3);
	CHECK(sonde_profile_delta_new("threadcreate", &delta) == 0);
	CHECK(sonde_block_rate_set(0) == 1);
	write_delta(delta, argv[1], "none.pb.gz");
	create(5);
	write_delta(delta, argv[1], "five.pb.gz");
	create(2);
	write_delta(delta, argv[1], "seven.pb.gz");
	CHECK(sonde_profile_write_file("threadcreate", path) == 0);
	CHECK(sonde_profile_write_file("nothing", path) == -ENOENT);
	CHECK(sonde_profile_write_file("block", "/nowhere/at/all") == -ENOENT);
	CHECK(sonde_profile_write("block", -1) == -EBADF);

	pid_t child = fork();
	if (child == 0) {
		int rc = sonde_profile_delta_write(delta, 1);
		sonde_profile_delta_free(delta);
		_exit(rc == -ECHILD && sonde_profile_write("block", 1) == -ENOENT ? 0 : 1);
	}
	int status = -1;
	waitpid(child, &status, 0);
	CHECK(status == 0);
	sonde_profile_delta_free(delta);
	sonde_profile_delta_free(NULL);
	return 0;
}
