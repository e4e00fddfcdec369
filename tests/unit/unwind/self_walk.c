/*
 * A program that walks its own stack and says what it saw: built for aarch64 by the test and run
 * under qemu-user, because the walk itself can only be tried where it runs. Stack walked from
 * ordinary code, from a signal handler that interrupted a leaf, and through that handler's frame.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unwind/unwind.h"

#ifdef __clang__
#define noinline __attribute__((noinline))
#else
#define noinline __attribute__((noinline, noclone))
#endif

static uintptr_t pcs[64];
static size_t n;
static enum unwind_end end;
static volatile int sink;

static bool inside(uintptr_t pc, void *fn, size_t size)
{
	return pc > (uintptr_t)fn && pc <= (uintptr_t)fn + size;
}

static noinline void deepest(void)
{
	n = unwind_here(NULL, 0, pcs, 64, &end);
}

static noinline int descend(int depth)
{
	volatile char room[64] = {0};
	if (depth)
		return descend(depth - 1) + room[depth];
	deepest();
	sink++;
	return room[0];
}

static int count(void *fn, size_t size)
{
	int found = 0;
	for (size_t i = 0; i < n; i++)
		found += inside(pcs[i], fn, size);
	return found;
}

static void from_context(int sig, siginfo_t *info, void *context)
{
	n = unwind_walk(context, NULL, pcs, 64, &end);
}

static void through_frame(int sig)
{
	deepest();
	sink++;
}

static noinline int interrupted(int depth)
{
	if (depth)
		return interrupted(depth - 1) + 1;
	raise(SIGUSR1);
	return sink;
}

static int check(const char *what, bool ok)
{
	printf("%s - %s: %zu frames, end %d\n", ok ? "ok" : "not ok", what, n, (int)end);
	return !ok;
}

int main(void)
{
	int bad = 0;
	if (unwind_init() != 0)
		return 2;
	struct unwind_counters c;
	unwind_counters(&c);
	printf("# %lu modules, %lu rows\n", (unsigned long)c.modules, (unsigned long)c.rows);
	sink += descend(10);
	bad += check("from ordinary code", end == UNWIND_END_ROOT &&
						   count((void *)descend, 400) == 11 &&
						   count((void *)main, 4000));
	struct sigaction action = {.sa_sigaction = from_context, .sa_flags = SA_SIGINFO};
	sigaction(SIGUSR1, &action, NULL);
	sink += interrupted(5);
	bad += check("from a signal handler's context",
		end == UNWIND_END_ROOT && count((void *)interrupted, 400) == 6 &&
			count((void *)main, 4000));
	action = (struct sigaction){.sa_handler = through_frame};
	sigaction(SIGUSR1, &action, NULL);
	sink += interrupted(5);
	bad += check("through a signal frame", end == UNWIND_END_ROOT &&
						       count((void *)interrupted, 400) == 6 &&
						       count((void *)through_frame, 400));
	return bad;
}
