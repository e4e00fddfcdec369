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

/* Prepares the process: the state, the unwinder's tables, the fork handler. 0, -ENOTSUP in a
 * program built with ThreadSanitizer, -ENOEXEC in one with Go code (a goroutine's stack has no room
 * for a signal handler), or another -errno. */
int control_init(void);

/* Records CPU samples at `hz` into `rec`, which is then the control's. from_birth: the process's
 * first image, whose CPU time before now counts too. 0; -EBUSY: recording already, or the program
 * uses SIGPROF itself; -EINVAL: hz; or another -errno. On failure `rec` stays the caller's. */
int control_start(struct recording *rec, unsigned hz, bool from_birth);
/* Stops; the recording is the caller's again (recording_free). NULL when there was none. */
struct recording *control_stop(void);
/* The process ends: closes the account and notes the time. Nothing is sampled after it. */
void control_finish(void);
bool control_is_recording(void);

/* The program may have loaded or unloaded modules: the next control_refresh() looks.
 * Async-signal-safe. */
void control_modules_changed(void);
/* Brings tables and module log up to date if need be. Not from inside the loader. */
void control_refresh(void);

/* What a created thread takes along: NULL when nothing is recorded, or the registry is full. */
struct thread *control_thread_created(void *(*start)(void *), void *arg);
void control_thread_not_created(struct thread *thread);
/* On the new thread, before and after what it runs. */
void control_thread_begins(struct thread *thread);
void control_thread_ends(struct thread *thread);

#endif
