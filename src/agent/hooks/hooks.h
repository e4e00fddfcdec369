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

/* The next definition of `name` after libsonde's; kept in *slot. NULL if there is none. */
void *hooks_next(_Atomic(void *) *slot, const char *name);
#define NEXT(name)                                            \
	({                                                    \
		static _Atomic(void *) slot_;                 \
		(__typeof__(&name))hooks_next(&slot_, #name); \
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
/* In a fork's child: nobody holds a lock of the hooks. */
void hooks_after_fork_child(void);

#endif
