/*
 * exec: a process that becomes another program must take none of our signals with it.
 *
 * What is pending stays pending over exec, while handlers do not stay: a SIGPROF that another
 * process sent to this one (poke.h), or a thread of it to another, would kill the new program. So
 * these hooks close the recording to signals, wait until those who were about to send one have done
 * so, and take back what is pending. Timers and their signals the kernel ends itself. A bare execve
 * system call passes by here; the window is then as wide as a sender needs between looking and
 * sending.
 *
 * They are called in children of fork, where nothing is recorded, and of vfork, which share our
 * memory but are not the process that is recorded: there they only pass on. Nothing here is
 * resolved late: the loader's locks may be held by a thread that such a child has not got.
 */
#include "agent/hooks/hooks.h"

#include "agent/state.h"
#include "sig/sig.h"

#include <stdarg.h>
#include <unistd.h>

#define PATIENCE_NS 100000000u /* for a sender that was stopped */
#define STEP_NS	    20000

extern char **environ;

static struct {
	__typeof__(&execve) execve;
	__typeof__(&execveat) execveat;
	__typeof__(&execvpe) execvpe;
	__typeof__(&fexecve) fexecve;
} next;

void hooks_exec_init(void)
{
	next.execve = NEXT(execve);
	next.execveat = NEXT(execveat);
	next.execvpe = NEXT(execvpe);
	next.fexecve = NEXT(fexecve);
}

static void await_senders(const struct recording *rec)
{
	struct timespec step = {0, STEP_NS};
	uint64_t until = sig_clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	while (atomic_load(&rec->senders) && sig_clock_ns(CLOCK_MONOTONIC) < until)
		sig_syscall(SYS_nanosleep, &step, 0);
}

/* The recording, closed to signals; NULL: this process has none. */
static struct recording *leave(unsigned *ret_token)
{
	struct recording *rec = state_enter(ret_token);
	if (!rec)
		return NULL;
	if (rec->pid != (uint32_t)sig_getpid()) {
		state_leave(*ret_token);
		return NULL;
	}
	atomic_fetch_add(&rec->leaving, 1);
	await_senders(rec);
	hooks_sigprof_take_back();
	return rec;
}

static void stay(struct recording *rec, unsigned token)
{
	if (!rec)
		return;
	atomic_fetch_sub(&rec->leaving, 1);
	state_leave(token);
}

#define LEAVING(call)                                    \
	({                                               \
		unsigned token_ = 0;                     \
		struct recording *rec_ = leave(&token_); \
		int rc_ = (call);                        \
		stay(rec_, token_);                      \
		rc_;                                     \
	})

static int become(const char *path, char *const *argv, char *const *envp)
{
	__typeof__(&execve) fn = next.execve ? next.execve : NEXT(execve);
	return LEAVING(fn(path, argv, envp));
}

static int become_found(const char *file, char *const *argv, char *const *envp)
{
	__typeof__(&execvpe) fn = next.execvpe ? next.execvpe : NEXT(execvpe);
	return LEAVING(fn(file, argv, envp));
}

HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
	return become(path, argv, envp);
}

HOOK int execv(const char *path, char *const argv[])
{
	return become(path, argv, environ);
}

HOOK int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return become_found(file, argv, envp);
}

HOOK int execvp(const char *file, char *const argv[])
{
	return become_found(file, argv, environ);
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
	__typeof__(&fexecve) fn = next.fexecve ? next.fexecve : NEXT(fexecve);
	return LEAVING(fn(fd, argv, envp));
}

HOOK int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	__typeof__(&execveat) fn = next.execveat ? next.execveat : NEXT(execveat);
	return LEAVING(fn(dir, path, argv, envp, flags));
}

/* --- arguments one by one --- */

static size_t count_args(va_list *at)
{
	size_t n = 1;
	va_list args;
	va_copy(args, *at);
	while (va_arg(args, const char *))
		n++;
	va_end(args);
	return n;
}

/* argv from `first` on, with its NULL, into `n` + 1 places. */
static void take_args(char **ret, size_t n, const char *first, va_list *args)
{
	ret[0] = (char *)first;
	for (size_t i = 1; i <= n; i++)
		ret[i] = va_arg(*args, char *);
}

/* On the stack, as in libc: exec may be called where malloc must not. */
#define ARGV(first, args)                                                   \
	({                                                                  \
		size_t n_ = count_args(args);                               \
		char **argv_ = __builtin_alloca((n_ + 1) * sizeof(*argv_)); \
		take_args(argv_, n_, first, args);                          \
		argv_;                                                      \
	})

HOOK int execl(const char *path, const char *arg, ...)
{
	va_list args;
	va_start(args, arg);
	char **argv = ARGV(arg, &args);
	va_end(args);
	return become(path, argv, environ);
}

HOOK int execlp(const char *file, const char *arg, ...)
{
	va_list args;
	va_start(args, arg);
	char **argv = ARGV(arg, &args);
	va_end(args);
	return become_found(file, argv, environ);
}

/* The environment follows the NULL. */
HOOK int execle(const char *path, const char *arg, ...)
{
	va_list args;
	va_start(args, arg);
	char **argv = ARGV(arg, &args);
	char *const *envp = va_arg(args, char *const *);
	va_end(args);
	return become(path, argv, envp);
}
