/*
 * Thread creation and end.
 *
 * A created thread starts in our function, which enters it in the registry and arms its timer. Its
 * end is told by a thread-specific data destructor, in the last round of destructors, so that what
 * other destructors do is still seen; a pthread_cleanup handler would run before them all. The key
 * is made at the start and so among the first 32, for which glibc needs no memory.
 */
#include "agent/hooks/hooks.h"

#include "agent/control.h"
#include "agent/hooks/threads.h"

#include <limits.h>
#include <pthread.h>
#include <threads.h>

static pthread_key_t key;
static bool have_key;

static void farewell(void *arg)
{
	struct thread *t = arg;
	if (++t->farewells < PTHREAD_DESTRUCTOR_ITERATIONS && pthread_setspecific(key, t) == 0)
		return;
	control_thread_ends(t);
}

int hooks_threads_init(void)
{
	if (have_key)
		return 0;
	int rc = pthread_key_create(&key, farewell);
	have_key = rc == 0;
	return -rc;
}

static void *begin(void *arg)
{
	struct thread *t = arg;
	void *(*start)(void *) = t->start;
	void *start_arg = t->arg;
	control_thread_begins(t);
	pthread_setspecific(key, t);
	return start(start_arg);
}

/* A C11 thread returns an int. */
static int begin_c11(void *arg)
{
	struct thread *t = arg;
	thrd_start_t start = (thrd_start_t)(void (*)(void))t->start;
	void *start_arg = t->arg;
	control_thread_begins(t);
	pthread_setspecific(key, t);
	return start(start_arg);
}

HOOK int pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	__typeof__(&pthread_create) next = NEXT(pthread_create);
	struct thread *t =
		have_key ? control_thread_created(start, arg, __builtin_return_address(0)) : NULL;
	if (!t)
		return next(thread, attr, start, arg);
	int rc = next(thread, attr, begin, t);
	if (rc)
		control_thread_not_created(t);
	return rc;
}

HOOK int thrd_create(thrd_t *thread, thrd_start_t start, void *arg)
{
	__typeof__(&thrd_create) next = NEXT(thrd_create);
	struct thread *t =
		have_key ? control_thread_created((void *(*)(void *))(void (*)(void))start, arg,
				   __builtin_return_address(0))
			 : NULL;
	if (!t)
		return next(thread, start, arg);
	int rc = next(thread, begin_c11, t);
	if (rc != thrd_success)
		control_thread_not_created(t);
	return rc;
}
