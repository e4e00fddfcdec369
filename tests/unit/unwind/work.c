/*
 * See work.h.
 */
#include "work.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <alloca.h>

#define noinline __attribute__((noinline))

static volatile uint64_t sink;

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;
	return (x > y) - (x < y);
}

static noinline void leaves(unsigned seed)
{
	int v[64];
	char from[1024], to[1024], text[128];
	for (unsigned i = 0; i < 64; i++)
		v[i] = (int)(seed = seed * 1103515245 + 12345);
	qsort(v, 64, sizeof(v[0]), compare_ints);
	memset(from, (int)seed, sizeof(from));
	for (int i = 0; i < 20; i++) {
		memcpy(to, from, sizeof(to) - (unsigned)i);
		sink += (unsigned char)to[i];
	}
	snprintf(text, sizeof(text), "%d %s %.3f %lx", v[3], "text", (double)v[5] / 3, (long)v[7]);
	sink += (unsigned char)text[0];
}

static noinline uint64_t recurse(int depth, unsigned seed)
{
	if (!depth) {
		leaves(seed);
		return 1;
	}
	uint64_t a = recurse(depth - 1, seed * 7 + 1);
	sink += a; /* keeps the call from being a jump */
	return a + seed;
}

void work_recurse(void *arg)
{
	static unsigned seed;
	sink += recurse(40, seed++);
}

void work_malloc(void *arg)
{
	void *live[64] = {0};
	unsigned seed = 5;
	for (int i = 0; i < 2000; i++) {
		seed = seed * 1103515245 + 12345;
		unsigned at = seed >> 16 & 63;
		size_t size = seed >> 8 & 0xfff;
		if (seed & 1) {
			live[at] = realloc(live[at], size + 1);
		} else {
			free(live[at]);
			live[at] = seed & 2 ? malloc(size) : calloc(1, size);
		}
	}
	for (int i = 0; i < 64; i++)
		free(live[i]);
}

static jmp_buf back;

static noinline void jump_out(int depth)
{
	if (!depth && sink + 1)
		longjmp(back, 1);
	if (depth)
		jump_out(depth - 1);
	sink++;
}

void work_longjmp(void *arg)
{
	for (int i = 0; i < 100; i++)
		if (!setjmp(back))
			jump_out(10);
}

static void on_altstack(int sig)
{
	for (unsigned i = 0; i < 10; i++)
		leaves(i);
}

void work_altstack(void *arg)
{
	static char room[64 * 1024];
	stack_t alt = {.ss_sp = room, .ss_size = sizeof(room)}, before;
	struct sigaction action = {.sa_handler = on_altstack, .sa_flags = SA_ONSTACK};
	sigaction(SIGUSR1, &action, NULL);
	sigaltstack(&alt, &before);
	for (int i = 0; i < 10; i++)
		raise(SIGUSR1);
	sigaltstack(&before, NULL);
}

static ucontext_t here, there;

static void on_context(void)
{
	for (;;) {
		recurse(5, 3);
		swapcontext(&there, &here);
	}
}

void work_swapcontext(void *arg)
{
	static char *room;
	if (!room) {
		room = malloc(64 * 1024);
		getcontext(&there);
		there.uc_stack.ss_sp = room;
		there.uc_stack.ss_size = 64 * 1024;
		makecontext(&there, on_context, 0);
	}
	for (int i = 0; i < 20; i++)
		swapcontext(&here, &there);
}

static noinline uint64_t with_alloca(unsigned n)
{
	char *p = alloca(n * 16 + 1);
	memset(p, 1, n * 16 + 1);
	return (uint64_t)p[n] + (n ? with_alloca(n - 1) : 0);
}

static noinline uint64_t with_alignment(unsigned n)
{
	_Alignas(64) char p[256];
	memset(p, (int)n, sizeof(p));
	char *q = alloca(n * 8 + 1);
	memset(q, 1, n * 8 + 1);
	leaves(n);
	return (uint64_t)p[n] + (uint64_t)q[n] + (n ? with_alignment(n - 1) : 0);
}

void work_vla(void *arg)
{
	sink += with_alloca(20);
	sink += with_alignment(10);
}

/* dlopen'ed anew each time, with RTLD_LAZY: each first call goes through the loader's resolver. */
void work_lazy(void *arg)
{
	void *module = dlopen(arg, RTLD_LAZY);
	if (!module)
		abort();
	void (*run)(int) = (void (*)(int))dlsym(module, "plugin_run");
	run(1);
	dlclose(module);
}

static void (*plugin)(int);

void work_dlopen(void *arg)
{
	if (!plugin) {
		void *module = dlopen(arg, RTLD_NOW);
		if (!module)
			abort();
		plugin = (void (*)(int))dlsym(module, "plugin_run");
	}
	plugin(10);
}
