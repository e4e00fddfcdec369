/*
 * Ground truth for stacks: every sample of a mode must be complete, from its leaf to main or to the
 * thread's start. Built -O2 without frame pointers; leaves in libc.
 */
#include "burn.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static char from[1 << 16], to[1 << 16];
static int numbers[4096];

static int compare(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

NOINLINE static void in_qsort(void)
{
	for (size_t i = 0; i < 4096; i++)
		numbers[i] = (int)(i * 2654435761u % 4096);
	qsort(numbers, 4096, sizeof(int), compare);
	burn_sink++;
}

NOINLINE static void in_memcpy(void)
{
	for (int i = 0; i < 100; i++) {
		memcpy(to, from, sizeof(to) - (size_t)i);
		burn_sink += (unsigned long)to[i];
	}
}

NOINLINE static void in_snprintf(void)
{
	char text[128];
	for (int i = 0; i < 1000; i++)
		burn_sink +=
			(unsigned long)snprintf(text, sizeof(text), "%d %s %g", i, "text", i / 3.0);
}

NOINLINE static void in_leaves(int depth)
{
	if (depth > 0) {
		in_leaves(depth - 1);
		burn_sink++;
		return;
	}
	in_qsort();
	in_memcpy();
	in_snprintf();
	burn_sink++;
}

NOINLINE static void *leaves(void *arg)
{
	double end = burn_clock(CLOCK_THREAD_CPUTIME_ID) + 1;
	while (burn_clock(CLOCK_THREAD_CPUTIME_ID) < end)
		in_leaves(20);
	return NULL;
}

static jmp_buf back;
static volatile int bottom;

NOINLINE static void jump(int depth)
{
	if (depth == bottom)
		longjmp(back, 1);
	if (depth > 0)
		jump(depth - 1);
	burn_sink++;
}

NOINLINE static void jump_once(void)
{
	if (!setjmp(back))
		jump(50);
	burn_sink++;
}

NOINLINE static void jumps(void)
{
	double end = burn_clock(CLOCK_THREAD_CPUTIME_ID) + 1;
	while (burn_clock(CLOCK_THREAD_CPUTIME_ID) < end)
		for (int i = 0; i < 1000; i++)
			jump_once();
}

NOINLINE static void in_handler(int sig)
{
	burn(0.002);
	burn_sink++;
}

NOINLINE static void on_alternate_stack(void)
{
	static char room[65536];
	stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
	struct sigaction act = {.sa_handler = in_handler, .sa_flags = SA_ONSTACK};
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &act, NULL);
	for (int i = 0; i < 500; i++)
		raise(SIGUSR1);
	burn_sink++;
}

static void on_small_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	pthread_create(&thread, &attr, leaves, NULL);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	if (!strcmp(argv[1], "leaves"))
		leaves(NULL);
	if (!strcmp(argv[1], "thread")) {
		pthread_create(&thread, NULL, leaves, NULL);
		pthread_join(thread, NULL);
	}
	if (!strcmp(argv[1], "longjmp"))
		jumps();
	if (!strcmp(argv[1], "altstack"))
		on_alternate_stack();
	if (!strcmp(argv[1], "small"))
		on_small_stack();
	return 0;
}
