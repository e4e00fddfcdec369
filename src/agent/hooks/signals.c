/*
 * SIGPROF, shared with the program.
 *
 * The profiler needs the signal delivered on every thread; the program may install a handler for
 * it, block it, or wait for it, mostly without meaning it (sigfillset). So while our handler is in
 * place the program's dealings with SIGPROF are kept as a view: what it installs is remembered and
 * called for signals that are not our timers', its mask is remembered a thread and SIGPROF let
 * through. When a SIGPROF of its own arrives on a thread that blocks it in its view, it is blocked
 * there for good and sent again: then the program has what it asked for, and that thread no
 * samples.
 *
 * The handler is installed by the bare system call, so that sanitizers neither see nor delay it,
 * with every signal blocked, and not on an alternate stack, whose size was not chosen for it.
 */
#include "agent/hooks/hooks.h"

#include "agent/control.h"
#include "agent/cpu.h"
#include "agent/hooks/waiting.h"
#include "sig/sig.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

#define SA_RESTORER_FLAG 0x04000000
#define SIGPROF_BIT	 (1ull << (SIGPROF - 1))

#if defined(__x86_64__)
/* The byte sequence by which unwinders know a signal frame. */
void sonde_restorer(void) __attribute__((visibility("hidden")));
__asm__(".text\nnop\n.hidden sonde_restorer\n.globl sonde_restorer\n"
	".type sonde_restorer,@function\nsonde_restorer:\nmov $15, %rax\nsyscall\n"
	".size sonde_restorer, .-sonde_restorer\n");
#endif

static struct {
	_Atomic bool installed;
	struct sig_lock lock;
	/* The program's own action: views[turn] is the newest, so that a handler never reads a
	 * half-written one. */
	struct sigaction views[2];
	_Atomic unsigned turn;
} prof;

static _Thread_local bool masked;
_Thread_local unsigned hooks_own_signals;

/* --- the handler --- */

static long kernel_action(const struct kernel_sigaction *act, struct kernel_sigaction *ret_old)
{
	return sig_syscall(SYS_rt_sigaction, SIGPROF, act, ret_old, sizeof(uint64_t));
}

static uint64_t *mask_of(ucontext_t *context)
{
	return (uint64_t *)&context->uc_sigmask;
}

/* Sends the signal once more, with what it carried where the kernel allows that. */
static void send_again(const siginfo_t *info)
{
	if (info->si_code == SI_TKILL)
		sig_syscall(SYS_tgkill, sig_getpid(), sig_gettid(), SIGPROF);
	else if (sig_syscall(SYS_rt_sigqueueinfo, sig_getpid(), SIGPROF, info) < 0)
		sig_syscall(SYS_kill, sig_getpid(), SIGPROF);
}

static void die_of_it(void)
{
	struct kernel_sigaction dfl = {0};
	uint64_t only = ~SIGPROF_BIT;
	kernel_action(&dfl, NULL);
	sig_syscall(SYS_tgkill, sig_getpid(), sig_gettid(), SIGPROF);
	sig_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &only, NULL, sizeof(only));
}

/* Calls the program's handler under the mask it would have had. */
static void call_view(const struct sigaction *view, siginfo_t *info, ucontext_t *context)
{
	uint64_t mask, before;
	memcpy(&mask, &view->sa_mask, sizeof(mask));
	mask |= *mask_of(context);
	if (!(view->sa_flags & SA_NODEFER))
		mask |= SIGPROF_BIT;
	sig_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, sizeof(mask));
	if (view->sa_flags & SA_SIGINFO)
		view->sa_sigaction(SIGPROF, info, context);
	else
		view->sa_handler(SIGPROF);
	sig_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
}

static void reset_view(void)
{
	unsigned turn = atomic_load(&prof.turn);
	prof.views[(turn + 1) % 2] = (struct sigaction){0};
	atomic_store(&prof.turn, turn + 1);
}

/* A SIGPROF that is the program's own. */
static void forward(siginfo_t *info, ucontext_t *context)
{
	if (masked) {
		*mask_of(context) |= SIGPROF_BIT;
		send_again(info);
		return;
	}
	struct sigaction view = prof.views[atomic_load(&prof.turn) % 2];
	if (view.sa_handler == SIG_IGN)
		return;
	if (view.sa_handler == SIG_DFL) {
		die_of_it();
		return;
	}
	if (view.sa_flags & (int)SA_RESETHAND)
		reset_view();
	call_view(&view, info, context);
}

/* Whether the system call that the signal interrupted is to fail for it. Most are begun again by
 * the kernel instead (SA_RESTART): they may yet be interrupted by a signal of the program's. */
static bool fails_call(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (long)context->uc_mcontext.gregs[REG_RAX] == -EINTR;
#else
	return (long)context->uc_mcontext.regs[0] == -EINTR;
#endif
}

static void on_sigprof(int sig, siginfo_t *info, void *context)
{
	int before = errno;
	struct thread *t = cpu_owner(info);
	unsigned fails = fails_call(context);
	hooks_own_signals += fails;
	if (t) {
		cpu_sample(t, info->si_overrun, context);
	} else if (!control_queued(info, context)) {
		hooks_own_signals -= fails;
		forward(info, context);
	}
	errno = before;
}

int hooks_sigprof_install(void)
{
	if (atomic_load(&prof.installed) && hooks_sigprof_is_ours())
		return 0;
	struct kernel_sigaction old;
	long rc = kernel_action(NULL, &old);
	if (rc)
		return (int)rc;
	if ((void *)old.handler != (void *)SIG_DFL && (void *)old.handler != (void *)SIG_IGN)
		return -EBUSY;
	prof.views[0] = (struct sigaction){0};
	prof.views[0].sa_handler = (sighandler_t)(void *)old.handler;
	atomic_store(&prof.turn, 0);
	struct kernel_sigaction ours = {
		.handler = on_sigprof, .flags = SA_SIGINFO | SA_RESTART, .mask = ~0ull};
#if defined(__x86_64__)
	ours.flags |= SA_RESTORER_FLAG;
	ours.restorer = sonde_restorer;
#endif
	atomic_store(&prof.installed, true);
	return (int)kernel_action(&ours, NULL);
}

/* Whether it is one that the profiler sent. */
static bool is_of_ours(const siginfo_t *info)
{
	return (info->si_code == SI_QUEUE && control_is_token(info)) || cpu_owner(info);
}

/* At most two are pending, the thread's own and the process's. */
void hooks_sigprof_take_back(void)
{
	uint64_t bit = SIGPROF_BIT, before = 0;
	struct timespec none = {0};
	siginfo_t info, others[2];
	int n = 0;
	if (!atomic_load(&prof.installed))
		return;
	sig_syscall(SYS_rt_sigprocmask, SIG_BLOCK, &bit, &before, sizeof(bit));
	while (n < 2 && sig_syscall(SYS_rt_sigtimedwait, &bit, &info, &none, sizeof(bit)) > 0)
		if (!is_of_ours(&info))
			others[n++] = info;
	while (n > 0)
		send_again(&others[--n]);
	sig_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
}

bool hooks_sigprof_is_ours(void)
{
	struct kernel_sigaction now;
	return kernel_action(NULL, &now) == 0 && now.handler == on_sigprof;
}

void hooks_sigprof_unblock(bool begins_masked)
{
	uint64_t bit = SIGPROF_BIT, before = 0;
	sig_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &bit, &before, sizeof(bit));
	masked = begins_masked || (before & SIGPROF_BIT);
}

bool hooks_sigprof_masked(void)
{
	return masked;
}

void hooks_after_fork_child(void)
{
	sig_lock_reset(&prof.lock);
}

/* --- the program's view of the action --- */

static bool ours(int sig)
{
	return sig == SIGPROF && atomic_load_explicit(&prof.installed, memory_order_relaxed);
}

static void exchange_view(const struct sigaction *act, struct sigaction *ret_old)
{
	struct sigaction before, after;
	if (act)
		after = *act;
	sig_lock(&prof.lock);
	unsigned turn = atomic_load(&prof.turn);
	before = prof.views[turn % 2];
	if (act) {
		prof.views[(turn + 1) % 2] = after;
		atomic_store(&prof.turn, turn + 1);
	}
	sig_unlock(&prof.lock);
	if (ret_old)
		*ret_old = before;
}

HOOK int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	if (!ours(sig))
		return NEXT(sigaction)(sig, act, old);
	exchange_view(act, old);
	return 0;
}

static sighandler_t set_handler(sighandler_t handler, int flags)
{
	struct sigaction act = {.sa_handler = handler, .sa_flags = flags}, old;
	if (!(flags & SA_NODEFER))
		sigaddset(&act.sa_mask, SIGPROF);
	exchange_view(&act, &old);
	return old.sa_handler;
}

HOOK sighandler_t signal(int sig, sighandler_t handler)
{
	if (!ours(sig))
		return NEXT(signal)(sig, handler);
	return set_handler(handler, SA_RESTART);
}

HOOK sighandler_t ssignal(int sig, sighandler_t handler)
{
	return signal(sig, handler);
}

HOOK sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	if (!ours(sig))
		return NEXT(sysv_signal)(sig, handler);
	return set_handler(handler, (int)SA_RESETHAND | SA_NODEFER);
}

HOOK sighandler_t __sysv_signal(int sig, sighandler_t handler)
{
	return sysv_signal(sig, handler);
}

/* --- the program's view of the mask --- */

static bool is_member(const sigset_t *set)
{
	return set && sigismember(set, SIGPROF) == 1;
}

/* Takes SIGPROF out of what is to be blocked; the copy lives in *room. */
static const sigset_t *without(const sigset_t *set, sigset_t *room)
{
	if (!is_member(set))
		return set;
	*room = *set;
	sigdelset(room, SIGPROF);
	return room;
}

static int change_mask(
	int (*next)(int, const sigset_t *, sigset_t *), int how, const sigset_t *set, sigset_t *old)
{
	if (!ours(SIGPROF) || !state ||
		!atomic_load_explicit(&state->recording, memory_order_relaxed))
		return next(how, set, old);
	sigset_t room;
	bool has = is_member(set), was = masked, now = was;
	if (set && how == SIG_SETMASK)
		now = has;
	else if (has)
		now = how == SIG_BLOCK;
	/* Lifted before the call, which may deliver what was pending. */
	masked = was && now;
	int rc = next(how, how == SIG_UNBLOCK ? set : without(set, &room), old);
	masked = rc ? was : now;
	if (rc)
		return rc;
	if (old && was)
		sigaddset(old, SIGPROF);
	return 0;
}

HOOK int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return change_mask(NEXT(sigprocmask), how, set, old);
}

HOOK int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	return change_mask(NEXT(pthread_sigmask), how, set, old);
}

#define SECOND 1000000000u

/* A wrong time, which the kernel refuses, is as good as none. */
static uint64_t ns_of(const struct timespec *t)
{
	uint64_t seconds = t->tv_sec > 0 ? (uint64_t)t->tv_sec : 0;
	return seconds > INT64_MAX / SECOND ? INT64_MAX : seconds * SECOND + (uint64_t)t->tv_nsec;
}

/* A thread that waits for every signal there is must not be woken by the profiler's. */
static int wait_for(const sigset_t *set, siginfo_t *ret, const struct timespec *timeout)
{
	__typeof__(&sigtimedwait) next = NEXT(sigtimedwait);
	struct timespec left = timeout ? *timeout : (struct timespec){0};
	uint64_t until = sig_clock_ns(CLOCK_MONOTONIC) + ns_of(&left);
	unsigned before = signals_so_far();
	siginfo_t info;
	for (;;) {
		int sig = next(set, &info, timeout ? &left : NULL);
		bool ours = sig == SIGPROF && cpu_owner(&info);
		if (sig > 0 && !ours && ret)
			*ret = info;
		if (!ours && !again(sig, &before))
			return sig;
		uint64_t now = sig_clock_ns(CLOCK_MONOTONIC);
		uint64_t ns = until > now ? until - now : 0;
		left = (struct timespec){(time_t)(ns / SECOND), (long)(ns % SECOND)};
	}
}

/* With the wait recorded. */
#define SIGNAL_WAIT(name, set, ret, timeout) \
	WAITING(ON_FD(name, WAIT_SIGNAL, -1), wait_for(set, ret, timeout))

WAIT_HOOK int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	return SIGNAL_WAIT(sigtimedwait, set, info, timeout);
}

WAIT_HOOK int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
	return SIGNAL_WAIT(sigwaitinfo, set, info, NULL);
}

WAIT_HOOK int sigwait(const sigset_t *set, int *ret_sig)
{
	int before = errno, sig;
	do
		sig = SIGNAL_WAIT(sigwait, set, NULL, NULL);
	while (sig < 0 && errno == EINTR);
	int rc = sig < 0 ? errno : 0;
	errno = before;
	if (!rc)
		*ret_sig = sig;
	return rc;
}

/* Nobody waits for SIGPROF alone by a descriptor; whoever asks for it asked for all signals. */
HOOK int signalfd(int fd, const sigset_t *set, int flags)
{
	sigset_t room;
	return NEXT(signalfd)(fd, ours(SIGPROF) ? without(set, &room) : set, flags);
}
