/*
 * cpu: the CPU profiler. One CPU-time timer a thread; each expiry counts one period on the stack
 * that its signal interrupts. The statistics are told in cpu.c and docs/recording.md.
 */
#ifndef SONDE_AGENT_CPU_H
#define SONDE_AGENT_CPU_H

#include "agent/state.h"

#include <signal.h>
#include <ucontext.h>

#define CPU_HZ_MAX 10000

/* Switches the profiler on: -EBUSY if it is already, or if the program uses SIGPROF itself;
 * -EINVAL: hz. from_birth: the calling thread's CPU time before now counts too. Async-signal-safe.
 */
int cpu_start(struct recording *rec, uint64_t hz, bool from_birth);

/* The timers tick for the wall profile too; where the CPU profiler is off, at this rate, 0: no
 * more. 0 or -errno as above. Async-signal-safe. */
int cpu_start_for_wall(struct recording *rec, uint64_t hz);

/* Begins the account of thread `tid` and arms its timer. `base_ns` is where on the thread's CPU
 * clock its account begins. Nothing while no timers are to tick. Async-signal-safe. */
void cpu_arm(struct recording *rec, struct thread *thread, int tid, uint64_t base_ns);
/* Deletes the timer. Async-signal-safe. */
void cpu_disarm(struct thread *thread);
/* The calling, hooked thread is about to end: closes its account, and disarms. */
void cpu_settle(struct thread *thread);

/* The recording ends: what threads used since their last tick goes to the stacks they had there,
 * and what lies on the balance to the one its next owner would most likely have had, the last one
 * sampled on a created thread. */
void cpu_close(struct recording *rec);

/* Looks for threads that no hook announced, and for those that went, at once or when it is time.
 * Async-signal-safe. */
void cpu_look(struct recording *rec, bool at_once);

/* The slot whose timer sent this signal; NULL: it is none of ours. Async-signal-safe. */
struct thread *cpu_owner(const siginfo_t *info);
/* In the handler of that signal. */
void cpu_sample(struct thread *thread, int overrun, const ucontext_t *context);

/* The CPU clocks of a thread and of the process, in ns. Async-signal-safe. */
uint64_t cpu_clock_thread(int tid);
uint64_t cpu_clock_process(void);

#endif
