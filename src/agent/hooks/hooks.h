/*
 * hooks: functions of libc that libsonde stands in front of, and finding the ones behind.
 *
 * Each hook calls the next definition in the loader's order, so that a sanitizer's or another
 * tool's hooks still run. Hooks work before constructors and after destructors have run, in a
 * fork's child and with nothing recording; then they only pass on.
 */
#ifndef SONDE_AGENT_HOOKS_H
#define SONDE_AGENT_HOOKS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#define HOOK __attribute__((visibility("default")))
/* The common case in few instructions: what is rare is kept out of line, so that the hook saves no
 * registers for it. */
#define RARELY __attribute__((noinline, cold))

/* The next definition of `name` after libsonde's; kept in *slot. NULL if there is none. */
void *hooks_next(_Atomic(void *) *slot, const char *name);
#define NEXT(name)                                                                   \
	({                                                                           \
		static _Atomic(void *) slot_;                                        \
		void *next_of_ = atomic_load_explicit(&slot_, memory_order_relaxed); \
		if (__builtin_expect(!next_of_, 0))                                  \
			next_of_ = hooks_next(&slot_, #name);                        \
		(__typeof__(&name))next_of_;                                         \
	})
/* The same, where libc has several versions: the one named, or the default if there is none. */
void *hooks_next_version(_Atomic(void *) *slot, const char *name, const char *version);
#define NEXT_VERSION(name, version)                                            \
	({                                                                     \
		static _Atomic(void *) slot_;                                  \
		(__typeof__(&name))hooks_next_version(&slot_, #name, version); \
	})

/* --- SIGPROF (signals.c) --- */

/* Puts the handler in place: 0, -EBUSY when the program has one of its own, or -errno. */
int hooks_sigprof_install(void);
/* Whether it is still there. */
bool hooks_sigprof_is_ours(void);
/* SIGPROF gets through to the calling thread from now on; the program's view of its mask does not
 * change. `masked`: the thread begins with it blocked in that view. */
void hooks_sigprof_unblock(bool masked);
/* Whether the program believes that the calling thread blocks it. */
bool hooks_sigprof_masked(void);
/* Takes back signals of ours that are pending: the process is about to become another program. */
void hooks_sigprof_take_back(void);
/* How many signals of ours have made a system call of the calling thread fail. */
extern _Thread_local unsigned hooks_own_signals __attribute__((tls_model("initial-exec")));
/* In a fork's child: nobody holds a lock of the hooks. */
void hooks_after_fork_child(void);

/* --- exec (exec.c) --- */

/* Finds libc's functions; not in a handler. */
void hooks_exec_init(void);

/* --- locks (locks.c) --- */

/* Finds libc's functions; not in a handler, and before hooks_locks_switch(). */
void hooks_locks_init(void);
/* waits_wanted has changed. Async-signal-safe. */
void hooks_locks_switch(void);

#endif
