/*
 * control: starts and stops recording in this process, and takes in what the hooks report.
 *
 * Functions are thread-safe and for ordinary code unless said otherwise. A process records into at
 * most one recording at a time.
 */
#ifndef SONDE_AGENT_CONTROL_H
#define SONDE_AGENT_CONTROL_H

#include "agent/recording.h"
#include "agent/threads.h"

#include <signal.h>
#include <ucontext.h>

/* Prepares the process: the state, the unwinder's tables, the fork handler. 0, -ENOTSUP in a
 * program built with ThreadSanitizer, -ENOEXEC in one with Go code (a goroutine's stack has no room
 * for a signal handler), or another -errno. */
int control_init(void);

/* The process records into `rec`, the control's from now on, what is switched on by
 * control_set_rate(); thread creations always. 0; -EBUSY: it has a recording already; or another
 * -errno. On failure `rec` stays the caller's. */
int control_open(struct recording *rec);
/* Switches everything off; the recording is the caller's again (recording_free). NULL when there
 * was none. */
struct recording *control_close(void);
/* The process ends: closes the accounts and notes the time. Nothing is recorded after it. */
void control_finish(void);
bool control_is_recording(void);

/* Switches one kind of profile on, off (0) or to another rate (struct recording_rates); to the rate
 * that it has, it settles (control_settle). 0; -ENOENT:
 * there is no recording; -EINVAL: the rate; -EBUSY: the kind is on and has one rate at a time (the
 * trace; CPU, which also is busy where the program uses SIGPROF itself); or another -errno. */
int control_set_rate(enum recording_kind kind, uint64_t rate);
/* CPU from the process's first instruction on, before which it was not recorded. */
int control_set_cpu_from_birth(uint64_t hz);
uint64_t control_rate(enum recording_kind kind);

/* A SIGPROF that was queued (SI_QUEUE): true if it is one of ours, and done. Another process's poke
 * (struct recording_wishes) is answered as far as a handler can, or left for the next one; a call
 * (control_call) by its kind. Async-signal-safe. */
bool control_queued(const siginfo_t *info, const ucontext_t *context);

/* Whether a queued signal carries one of our tokens. Async-signal-safe. */
bool control_is_token(const siginfo_t *info);

/* Threads are called in rounds, each kind in its own: a signal that arrives while another is
 * pending is lost, so who has not answered a round is called again in the next. An answer counts
 * for the round that it was asked for in, however late it comes. Async-signal-safe. */
void control_round_begin(struct recording *rec, enum recording_kind kind);
/* Sends a thread a signal of ours, to which the kind answers there (struct kind). */
void control_call(struct recording *rec, struct thread *thread, enum recording_kind kind);
/* Waits up to ten milliseconds; whether all that were called have answered. */
bool control_round_end(const struct recording *rec, enum recording_kind kind);

/* A profile of this kind is about to be read by this process: what is open is charged, or will be
 * by the threads that are called for it, which are waited for; of the goroutine profile a
 * snapshot is taken. */
void control_settle(enum recording_kind kind);

/* The calling thread's slot where it has been found already; in a fork's child it is wiped. */
extern _Thread_local struct thread *control_known_self SIG_HIDDEN;

/* The calling thread's slot, or NULL: nothing is recorded, the registry is full, or it is ending.
 * Async-signal-safe; a load and a branch once the thread is known. */
struct thread *control_self(void);

/* After control_set_rate() of a kind that calls threads (control_call): waits until they have
 * answered, ten milliseconds at most, or two seconds where it calls them again (struct kind). */
void control_await_called(enum recording_kind kind);

/* The program may have loaded or unloaded modules: the next control_refresh() looks.
 * Async-signal-safe. */
void control_modules_changed(void);
/* Brings tables and module log up to date if need be. Not from inside the loader. */
void control_refresh(void);

/* Until the end, what the calling thread allocates is in no heap profile, and the threads it
 * creates are hidden: they, and those that they create, are in no profile with anything they do.
 * For what serves profiles inside the program. They nest. */
void control_hide_begin(void);
void control_hide_end(void);

/* What a created thread takes along: NULL when nothing is recorded, or the registry is full.
 * `caller` is the hook's return address. */
struct thread *control_thread_created(void *(*start)(void *), void *arg, const void *caller);
void control_thread_not_created(struct thread *thread);
/* On the new thread, before and after what it runs. */
void control_thread_begins(struct thread *thread);
void control_thread_ends(struct thread *thread);

#endif
