/*
 * What a hooked lock leaves in a mutex: `taken` exits with 0 if it is what libc's trylock, which
 * has no hook, leaves in another, bit for bit, and if releasing it leaves what there was at first.
 * For every type that libc itself leaves so; by a process of one thread, by a thread beside
 * another, and by a fork's child, which also releases what its parent took.
 */
#include "../../check.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNTYPED (-1) /* made without attributes, as most are */

static const struct type {
	int kind, shared;
} types[] = {
	{UNTYPED, 0},
	{PTHREAD_MUTEX_NORMAL, PTHREAD_PROCESS_PRIVATE},
	{PTHREAD_MUTEX_RECURSIVE, PTHREAD_PROCESS_PRIVATE},
	{PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PROCESS_PRIVATE},
	{PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_PROCESS_PRIVATE},
	{PTHREAD_MUTEX_NORMAL, PTHREAD_PROCESS_SHARED},
};

static void make(pthread_mutex_t *m, const struct type *type)
{
	pthread_mutexattr_t a;
	memset(m, 0, sizeof(*m));
	if (type->kind == UNTYPED) {
		CHECK(!pthread_mutex_init(m, NULL));
		return;
	}
	CHECK(!pthread_mutexattr_init(&a) && !pthread_mutexattr_settype(&a, type->kind));
	CHECK(!pthread_mutexattr_setpshared(&a, type->shared));
	CHECK(!pthread_mutex_init(m, &a));
}

static void check(const struct type *type)
{
	pthread_mutex_t fresh, hooked, libcs;
	make(&fresh, type);
	make(&hooked, type);
	make(&libcs, type);
	for (int i = 0; i < 3; i++) {
		CHECK(pthread_mutex_lock(&hooked) == 0);
		CHECK(pthread_mutex_trylock(&libcs) == 0);
		CHECK(memcmp(&hooked, &libcs, sizeof(hooked)) == 0);
		CHECK(pthread_mutex_destroy(&hooked) == EBUSY);
		CHECK(pthread_mutex_unlock(&hooked) == 0 && pthread_mutex_unlock(&libcs) == 0);
		CHECK(memcmp(&hooked, &fresh, sizeof(hooked)) == 0);
	}
}

static void *check_all(void *arg)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		check(&types[i]);
	return arg;
}

static void check_beside_another(void)
{
	pthread_t thread;
	CHECK(!pthread_create(&thread, NULL, check_all, NULL));
	check_all(NULL);
	CHECK(!pthread_join(thread, NULL));
}

static void check_child(void)
{
	static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	int status;
	CHECK(pthread_mutex_lock(&m) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(pthread_mutex_unlock(&m) == 0);
		check_beside_another();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(pthread_mutex_unlock(&m) == 0);
}

int main(void)
{
	check_all(NULL);
	check_beside_another();
	check_child();
	return 0;
}
