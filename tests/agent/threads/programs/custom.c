/*
 * Custom profiles: `custom FILE` exits with 0 if every call did what pprof.h says. FILE then has 3
 * values from keep(), 1000 from each of 4 threads in storm(), and none from drop(). `custom FILE
 * stay` says "up" before it ends, and waits until its input does.
 */
#include "../../check.h"

#include <sonde/pprof.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sonde_profile *sessions, *other;
static char values[5][2000];

__attribute__((noinline)) static void added(char *value)
{
	CHECK(sonde_profile_add(sessions, value, 1) == 0);
}

__attribute__((noinline)) static void keep(void)
{
	for (int i = 0; i < 3; i++)
		added(&values[4][i]);
	CHECK(sonde_profile_count(sessions) == 3);
}

__attribute__((noinline)) static void drop(void)
{
	CHECK(sonde_profile_add(sessions, &values[4][3], 0) == 0);
	CHECK(sonde_profile_add(sessions, &values[4][3], 0) == -EEXIST);
	CHECK(sonde_profile_remove(sessions, &values[4][3]) == 0);
	CHECK(sonde_profile_remove(sessions, &values[4][3]) == -ENOENT);
}

__attribute__((noinline)) static void *storm(void *arg)
{
	char *own = arg;
	for (int i = 0; i < 2000; i++)
		CHECK(sonde_profile_add(sessions, own + i, 0) == 0);
	for (int i = 0; i < 2000; i += 2)
		CHECK(sonde_profile_remove(sessions, own + i) == 0);
	return NULL;
}

static void refusals(void)
{
	char name[129];
	memset(name, 'n', sizeof(name));
	name[128] = 0;
	CHECK(sonde_profile_new("sessions", &other) == -EEXIST);
	CHECK(sonde_profile_new("heap", &other) == -EEXIST);
	CHECK(sonde_profile_new("", &other) == -EINVAL);
	CHECK(sonde_profile_new(name, &other) == -EINVAL);
	CHECK(sonde_profile_add(sessions, NULL, 0) == -EINVAL);
	CHECK(sonde_profile_lookup("sessions") == sessions && !sonde_profile_lookup("none"));
	CHECK(sonde_profile_write("none", 1) == -ENOENT);
}

static int is_named(const char *want)
{
	for (size_t i = 0; sonde_profile_name(i); i++)
		if (strcmp(sonde_profile_name(i), want) == 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t threads[4];
	int status;
	CHECK(argc >= 2 && sonde_profile_new("sessions", &sessions) == 0);
	CHECK(sonde_profile_new("a \"name\"/of <any> kind", &other) == 0);
	CHECK(sonde_profile_add(other, &values[0][0], 0) == 0);
	CHECK(is_named("sessions") && is_named("a \"name\"/of <any> kind"));
	refusals();
	keep();
	drop();
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&threads[i], NULL, storm, values[i]));
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(sonde_profile_count(sessions) == 4003);
	pid_t pid = fork();
	if (pid == 0)
		_exit(sonde_profile_add(sessions, values, 0) != -ECHILD ||
			sonde_profile_count(sessions) != -ECHILD);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(sonde_profile_write_file("sessions", argv[1]) == 0);
	if (argc > 2) {
		puts("up");
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	return 0;
}
