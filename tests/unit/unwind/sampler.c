/*
 * The sampler: a second thread sends SIGPROF with pthread_kill, waits for the handler's answer and
 * a little longer, and sends the next; timers would give 250 samples a second and always at the
 * same places. libgcc is asked through _Unwind_Backtrace, which with glibc 2.35 and later takes no
 * lock.
 */
#include "sampler.h"

#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#define DEPTH 512

bool sampler_verbose, sampler_ask_peer = true;

struct peer {
	uintptr_t from; /* the interrupted pc: frames before it are the handler's */
	uintptr_t pcs[DEPTH];
	size_t n;
};

static struct sampler_totals totals;
static struct unwind_stack stack;
static atomic_uint answered;
static atomic_bool done;
static uint64_t wanted;
static pthread_t target;
static uintptr_t ours[DEPTH];
static struct peer peer;

static _Unwind_Reason_Code peer_frame(struct _Unwind_Context *context, void *arg)
{
	struct peer *p = arg;
	int exact = 0;
	uintptr_t pc = _Unwind_GetIPInfo(context, &exact);
	if (!p->n && (pc != p->from || !exact))
		return _URC_NO_REASON;
	if (p->n < DEPTH && pc) {
		p->pcs[p->n] = p->n && exact ? pc + 1 : pc;
		p->n++;
	}
	return _URC_NO_REASON;
}

static void show(const char *who, const uintptr_t *pcs, size_t n)
{
	dprintf(2, "%s, %zu frames:\n", who, n);
	backtrace_symbols_fd((void *const *)pcs, (int)n, 2);
}

static void compare(size_t n, enum unwind_end end)
{
	size_t common = n < peer.n ? n : peer.n, i = 0;
	while (i < common && ours[i] == peer.pcs[i])
		i++;
	totals.samples++;
	totals.frames += n;
	totals.rooted += end == UNWIND_END_ROOT;
	if (i == n && i == peer.n) {
		totals.identical++;
	} else if (i == peer.n && end == UNWIND_END_ROOT) {
		totals.further++;
	} else {
		totals.different++;
	}
	if ((i != n || i != peer.n || end != UNWIND_END_ROOT) && sampler_verbose) {
		sampler_verbose = sampler_verbose && !sampler_ask_peer;
		dprintf(2, "differ at frame %zu, ours ended with %d\n", i, (int)end);
		show("ours", ours, n);
		show("libgcc", peer.pcs, peer.n);
	}
}

/* libgcc believes tables that are wrong for single instructions of epilogues and reads where they
 * point. That is its fault and not what is tested here: such a sample is compared with itself. */
static sigjmp_buf after_crash;
static volatile sig_atomic_t peer_asked;

static void on_crash(int sig)
{
	if (peer_asked)
		siglongjmp(after_crash, 1);
	signal(sig, SIG_DFL); /* ours: it comes again */
}

/* False: libgcc crashed. */
static bool ask_peer(void)
{
	bool survived = sigsetjmp(after_crash, 1) == 0;
	if (survived) {
		peer_asked = 1;
		_Unwind_Backtrace(peer_frame, &peer);
	}
	peer_asked = 0;
	return survived;
}

static void handler(int sig, siginfo_t *info, void *arg)
{
	const ucontext_t *context = arg;
	enum unwind_end end;
	/* Every other walk is told nothing of the stack. */
	bool told = totals.samples & 1;
	size_t n = unwind_walk(context, told ? &stack : NULL, ours, DEPTH, &end);
	peer.n = 0;
	peer.from = n ? ours[0] : 0;
	bool compared = sampler_ask_peer && ask_peer();
	totals.peer_crashed += sampler_ask_peer && !compared;
	if (!compared) {
		memcpy(peer.pcs, ours, n * sizeof(ours[0]));
		peer.n = n;
	}
	compare(n, end);
	atomic_fetch_add(&answered, 1);
}

static void pause_a_little(unsigned *seed, int most)
{
	for (volatile int spin = rand_r(seed) % most; spin; spin--)
		;
}

static void *interrupt(void *arg)
{
	unsigned seed = 1;
	for (uint64_t i = 0; i < wanted; i++) {
		unsigned before = atomic_load(&answered);
		pthread_kill(target, SIGPROF);
		while (atomic_load(&answered) == before)
			sched_yield();
		pause_a_little(&seed, 300);
	}
	atomic_store(&done, true);
	return NULL;
}

/* For a program that is not ours: slower, so that it makes headway, and never waiting for long,
 * since it may block the signal. */
static void *interrupt_for_ever(void *arg)
{
	void (*between)(void) = (void (*)(void))arg;
	unsigned seed = 1;
	for (unsigned i = 0;; i++) {
		unsigned before = atomic_load(&answered);
		pthread_kill(target, SIGPROF);
		for (int tries = 0; atomic_load(&answered) == before && tries < 1000; tries++)
			sched_yield();
		pause_a_little(&seed, 10000);
		between();
	}
	return NULL;
}

static void install(void)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
	action.sa_sigaction = handler;
	sigaction(SIGPROF, &action, NULL);
	sigaction(SIGSEGV, &(struct sigaction){.sa_handler = on_crash}, NULL);
	memset(&totals, 0, sizeof(totals));
	stack = sampler_stack();
	target = pthread_self();
}

void sampler_attach(void (*between)(void))
{
	pthread_t interrupter;
	install();
	if (pthread_create(&interrupter, NULL, interrupt_for_ever, (void *)between) != 0)
		abort();
	pthread_detach(interrupter);
}

struct sampler_totals sampler_so_far(void)
{
	return totals;
}

struct unwind_stack sampler_stack(void)
{
	pthread_attr_t attr;
	void *at;
	size_t size;
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &at, &size);
	pthread_attr_destroy(&attr);
	return (struct unwind_stack){(uintptr_t)at, (uintptr_t)at + size};
}

struct sampler_totals sampler_run(void (*work)(void *arg), void *arg, uint64_t samples)
{
	install();
	atomic_store(&done, false);
	wanted = samples;
	pthread_t interrupter;
	if (pthread_create(&interrupter, NULL, interrupt, NULL) != 0)
		abort();
	while (!atomic_load(&done))
		work(arg);
	pthread_join(interrupter, NULL);
	return totals;
}

void sampler_print(const char *name, const struct sampler_totals *t)
{
	printf("# %s: %lu samples, %lu identical to libgcc, %lu further, %lu different, %lu to the "
	       "root, %.1f frames\n",
		name, t->samples, t->identical, t->further, t->different, t->rooted,
		t->samples ? (double)t->frames / (double)t->samples : 0);
	fflush(stdout);
}
