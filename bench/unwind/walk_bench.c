/*
 * walk_bench: what a stack walk costs, sonde's and its peers', in one run.
 *
 * Each method runs in a process of its own (a library that is loaded to be measured may replace
 * another's functions: libunwind linked in replaces backtrace()), rounds interleaved, the best and
 * the median of them reported per frame. Hot: the same stack again and again. Cold: 64 MiB swept
 * between walks, per whole walk. Before that, the table compiler's time and size for some
 * libraries. Prints Markdown.
 *
 * walk_bench [rounds]
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chain.h"
#include "unwind/unwind.h"

#define DEPTH_MAX  256
#define SWEEP	   (64u << 20)
#define ROUNDS_MAX 64

static const int depths[] = {10, 30, 100};

typedef int (*walk_fn)(void **pcs, int max);

static struct unwind_stack stack;
static int (*libunwind_backtrace)(void **pcs, int max);

static int walk_sonde(void **pcs, int max)
{
	return (int)unwind_here(&stack, 0, (uintptr_t *)pcs, (size_t)max, NULL);
}

/* The stack's bounds not known: every page is asked for. */
static int walk_sonde_asking(void **pcs, int max)
{
	return (int)unwind_here(NULL, 0, (uintptr_t *)pcs, (size_t)max, NULL);
}

static int walk_glibc(void **pcs, int max)
{
	return backtrace(pcs, max);
}

static int walk_libunwind(void **pcs, int max)
{
	return libunwind_backtrace(pcs, max);
}

__attribute__((noinline)) static int walk_fp(void **pcs, int max)
{
	uintptr_t *fp = __builtin_frame_address(0);
	int n = 0;
	while (n < max && (uintptr_t)fp >= stack.lo && (uintptr_t)fp < stack.hi - 16) {
		pcs[n++] = (void *)fp[1];
		if ((uintptr_t)fp[0] <= (uintptr_t)fp)
			break;
		fp = (uintptr_t *)fp[0];
	}
	return n;
}

static const struct method {
	const char *name;
	walk_fn walk;
	long (*chain)(int depth, void (*at_end)(void *), void *arg);
} methods[] = {
	{"frame pointers (needs a build with them)", walk_fp, chain_call_fp},
	{"sonde", walk_sonde, chain_call},
	{"sonde, stack bounds not known", walk_sonde_asking, chain_call},
	{"libunwind unw_backtrace", walk_libunwind, chain_call},
	{"glibc backtrace", walk_glibc, chain_call},
};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

struct job {
	walk_fn walk;
	int frames, expected;
	double hot_ns_per_frame, cold_ns;
};

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure_walk(void *arg)
{
	struct job *job = arg;
	void *pcs[DEPTH_MAX];
	static volatile char *sweep;
	for (int i = 0; i < 200; i++)
		job->frames = job->walk(pcs, DEPTH_MAX);
	int reps = 0;
	double start = now_ns(), took;
	do {
		for (int i = 0; i < 100; i++)
			job->walk(pcs, DEPTH_MAX);
		reps += 100;
		took = now_ns() - start;
	} while (took < 2e7);
	job->hot_ns_per_frame = took / reps / job->frames;

	if (!sweep)
		sweep = malloc(SWEEP);
	job->cold_ns = 0;
	for (int i = 0; i < 3; i++) {
		for (size_t at = 0; at < SWEEP; at += 64)
			sweep[at]++;
		start = now_ns();
		job->walk(pcs, DEPTH_MAX);
		job->cold_ns += (now_ns() - start) / 3;
	}
}

/* One round of one method, all depths, in a child; false if the method is not to be had. */
static int run_round(const struct method *m, struct job out[])
{
	int fds[2];
	if (pipe(fds) != 0)
		return 0;
	pid_t pid = fork();
	if (pid == 0) {
		struct job jobs[3];
		if (m->walk == walk_libunwind) {
			void *lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
			void *fn = lib ? dlsym(lib, "unw_backtrace") : NULL;
			memcpy(&libunwind_backtrace, &fn, sizeof(fn));
			if (!fn)
				_exit(1);
		}
		for (int d = 0; d < 3; d++) {
			jobs[d] = (struct job){.walk = m->walk};
			m->chain(depths[d], measure_walk, &jobs[d]);
		}
		_exit(write(fds[1], jobs, sizeof(jobs)) != sizeof(jobs));
	}
	close(fds[1]);
	ssize_t n = read(fds[0], out, 3 * sizeof(*out));
	close(fds[0]);
	waitpid(pid, NULL, 0);
	return n == 3 * (ssize_t)sizeof(*out);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void print_walks(int rounds)
{
	static double hot[METHODS][3][ROUNDS_MAX], cold[METHODS][3][ROUNDS_MAX];
	int have[METHODS] = {0};
	for (int r = 0; r < rounds; r++) {
		for (size_t m = 0; m < METHODS; m++) {
			struct job jobs[3];
			if (!run_round(&methods[m], jobs))
				continue;
			for (int d = 0; d < 3; d++) {
				hot[m][d][have[m]] = jobs[d].hot_ns_per_frame;
				cold[m][d][have[m]] = jobs[d].cold_ns;
			}
			have[m]++;
		}
	}
	printf("| walk | hot d10 | hot d30 | hot d100 | cold d30 | times sonde's hot d30 |\n");
	printf("|---|---|---|---|---|---|\n");
	double sonde = 0;
	for (size_t m = 0; m < METHODS; m++) {
		if (!have[m])
			continue;
		for (int d = 0; d < 3; d++) {
			qsort(hot[m][d], (size_t)have[m], sizeof(double), by_value);
			qsort(cold[m][d], (size_t)have[m], sizeof(double), by_value);
		}
		if (methods[m].walk == walk_sonde)
			sonde = hot[m][1][have[m] / 2];
	}
	for (size_t m = 0; m < METHODS; m++) {
		int n = have[m], mid = n / 2;
		if (!n) {
			printf("| %s | not installed | | | | |\n", methods[m].name);
			continue;
		}
		printf("| %s ", methods[m].name);
		for (int d = 0; d < 3; d++)
			printf("| %.1f (%.1f–%.1f) ns/frame ", hot[m][d][mid], hot[m][d][0],
				hot[m][d][n - 1]);
		printf("| %.1f (%.1f–%.1f) µs ", cold[m][1][mid] / 1e3, cold[m][1][0] / 1e3,
			cold[m][1][n - 1] / 1e3);
		printf("| %.2f |\n", hot[m][1][mid] / sonde);
	}
}

static void print_compiler(void)
{
	static const char *const libraries[] = {"libc.so.6", "libcrypto.so.3", "libLLVM-14.so.1"};
	printf("| tables | rows | bytes | compiled in |\n|---|---|---|---|\n");
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		struct unwind_counters before, after;
		unwind_counters(&before);
		if (i && !dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL))
			continue;
		double start = now_ns();
		if (!i)
			unwind_init();
		else
			unwind_refresh();
		double took = now_ns() - start;
		unwind_counters(&after);
		printf("| %s | %llu | %.0f KB | %.2f ms |\n",
			i ? libraries[i] : "this program with libc and the loader",
			(unsigned long long)(after.rows - before.rows),
			(double)(after.table_bytes - before.table_bytes) / 1e3, took / 1e6);
	}
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 9;
	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: walk_bench [rounds, 1 to %d]\n", ROUNDS_MAX);
		return 2;
	}
	pthread_attr_t attr;
	void *at;
	size_t size;
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &at, &size);
	pthread_attr_destroy(&attr);
	stack = (struct unwind_stack){(uintptr_t)at, (uintptr_t)at + size};
	print_compiler();
	printf("\n");
	fflush(stdout);
	print_walks(rounds);
	return 0;
}
