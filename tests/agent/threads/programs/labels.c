/*
 * Labels through the API, alone and under `sonde run`: exits with 0 if every call did what pprof.h
 * says. Creates threads under labels: `labels [FILE]`, with a CPU profile in FILE begun after the
 * first label was set.
 */
#include "../../check.h"

#include <sonde/pprof.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST_THREADS 16

static int is(const char *key, const char *want)
{
	char value[64];
	int n = sonde_label_get(key, value, sizeof(value));
	return want ? n == (int)strlen(want) && strcmp(value, want) == 0 : n == -ENOENT;
}

/* 100 ms of the calling thread's CPU time. */
__attribute__((noinline)) static void burn(void)
{
	struct timespec t;
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	while (t.tv_sec == 0 && t.tv_nsec < 100000000);
}

static pthread_barrier_t together;

static void *first(void *arg)
{
	pthread_barrier_wait(&together);
	CHECK(sonde_label_set("first", arg) == 0);
	CHECK(is("first", arg));
	return NULL;
}

/* Nobody has asked for a profile before these do, all at once. */
static void first_at_once(void)
{
	pthread_t threads[FIRST_THREADS];
	CHECK(!pthread_barrier_init(&together, NULL, FIRST_THREADS));
	for (int i = 0; i < FIRST_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, first, (void *)(i % 2 ? "odd" : "even")));
	for (int i = 0; i < FIRST_THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

static void *inherits(void *arg)
{
	CHECK(is("tenant", arg));
	CHECK(is("phase", "create"));
	burn();
	return NULL;
}

static void create(void *arg)
{
	pthread_t thread;
	CHECK(is("phase", "create"));
	CHECK(!pthread_create(&thread, NULL, inherits, arg));
	CHECK(!pthread_join(thread, NULL));
}

static void creates_for(const char *tenant)
{
	struct sonde_label labels[] = {{"tenant", tenant}, {"phase", "create"}};
	CHECK(sonde_do(labels, 2, create, (void *)tenant) == 0);
	CHECK(is("phase", NULL) && is("tenant", NULL));
}

static void scopes(void)
{
	SONDE_LABEL_SCOPE("a", "outer");
	{
		SONDE_LABEL_SCOPE("a", "inner");
		SONDE_LABEL_SCOPE("b", "");
		CHECK(is("a", "inner") && is("b", ""));
	}
	CHECK(is("a", "outer") && is("b", NULL));
}

static void sets_and_deletes(void)
{
	char value[3];
	CHECK(sonde_label_set("k", "value") == 0);
	CHECK(sonde_label_set("j", "1") == 0 && sonde_label_set("l", "2") == 0);
	CHECK(sonde_label_get("k", value, sizeof(value)) == 5 && !strcmp(value, "va"));
	CHECK(sonde_label_get("k", NULL, 0) == 5);
	CHECK(sonde_label_set("k", "") == 0 && is("k", ""));
	CHECK(sonde_label_del("k") == 0 && is("k", NULL));
	CHECK(is("j", "1") && is("l", "2"));
	CHECK(sonde_label_del("k") == 0);
	CHECK(sonde_label_del("j") == 0 && sonde_label_del("l") == 0);
	CHECK(sonde_label_set("", "x") == -EINVAL);
}

static void limits(void)
{
	char key[16], text[2000];
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	CHECK(sonde_label_set("long", text) == -E2BIG && is("long", NULL));
	text[1024 - 5] = 0; /* with its NUL, and the key and its: one byte too many */
	CHECK(sonde_label_set("long", text) == -E2BIG);
	text[1024 - 6] = 0;
	CHECK(sonde_label_set("long", text) == 0 && sonde_label_del("long") == 0);
	for (int i = 0; i < 32; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		CHECK(sonde_label_set(key, "v") == 0);
	}
	CHECK(sonde_label_set("more", "v") == -E2BIG);
	for (int i = 0; i < 32; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		CHECK(is(key, "v") && sonde_label_del(key) == 0);
	}
}

/* A scope that begins here ends in the child as well, where there is another recording. */
static void in_a_child(void)
{
	int status;
	pid_t pid;
	SONDE_LABEL_SCOPE("a", "before");
	{
		SONDE_LABEL_SCOPE("a", "parent");
		pid = fork();
		if (pid == 0 &&
			(!is("a", NULL) || sonde_label_set("c", "child") || !is("c", "child")))
			_exit(1);
	}
	if (pid == 0)
		_exit(!is("a", NULL) || !is("c", NULL));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(is("a", "before"));
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		CHECK(sonde_label_set("tenant", "before") == 0);
		CHECK(sonde_cpu_profile_start(argv[1], NULL) == 0);
		burn();
		CHECK(sonde_label_del("tenant") == 0);
	} else {
		first_at_once();
	}
	sets_and_deletes();
	limits();
	scopes();
	creates_for("acme");
	creates_for("zeta");
	in_a_child();
	if (argc > 1)
		CHECK(sonde_cpu_profile_stop() == 0);
	puts("done");
	return 0;
}
