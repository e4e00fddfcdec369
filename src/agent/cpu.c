/*
 * The CPU profiler.
 *
 * Each thread has a POSIX timer on its own CPU clock that signals the thread itself, as Go's has
 * since 1.18. The kernel looks at such timers only at its tick (4 ms at 250 Hz), so at high rates
 * one signal stands for several expiries; the kernel says how many (si_overrun), and the sample
 * weighs 1 + si_overrun. Rejected: setitimer(ITIMER_PROF), which loses expiries silently, picks
 * threads unfairly and survives exec to kill the next program; perf_event, which needs a permission
 * and costs ten times as much a sample.
 *
 * Totals. With period P, a thread that starts with credit c, uniform in [0, P), and uses T of CPU
 * sees floor((c + T) / P) expiries, T/P on average: unbiased for threads of any length, if each
 * expiry is delivered. Those between the last tick and the thread's end are not, half a tick a
 * thread, which is everything for threads that live a few ms. So a thread that ends compares what
 * it used with what was counted, and leaves the difference T - nP (less what it brought: its
 * expectation is 0 when nothing was lost) on the balance; a thread that starts takes what lies
 * there as further credit. Credit of a whole period or more makes its timer fire at its first tick,
 * and that sample weighs all that is due. A tick hits a thread with probability proportional to the
 * time it runs, so the places are those of an unbiased sample as well; the total's error stays a
 * few periods however many threads come and go. The end of a thread that it cannot see itself
 * (leaving the kernel) is estimated from the process's clock, and added.
 *
 * Expiries since the last tick of a thread that was met by some go to the stack it had there.
 *
 * What a thread may carry is bounded by what the threads before it can have lost, so that CPU time
 * which was never sampled (a thread that blocks the signal) is not charged to another's stack.
 */
#include "agent/cpu.h"

#include "agent/capture.h"
#include "agent/contention.h"
#include "agent/hooks/hooks.h"
#include "agent/kinds.h"
#include "agent/trace.h"
#include "agent/wall.h"

#include <errno.h>

/* How far ahead a timer is set that is to fire at the next tick. One set to what is already past
 * fires in the system call that sets it: the sample would always be of the profiler. */
#define KICK_NS	   20000
#define LOOK_NS	   100000000u /* between looks for unannounced threads */
#define LOOK_SHARE 200	      /* a look may cost this fraction of the time until the next */
/* CPU time that can pass between two ticks that meet a thread, on a machine where it must share:
 * what an ended thread can have lost. */
#define LOSS_TICKS   4
#define GAP_MAX_NS   500000000 /* that is believed of one signal: it may have been blocked */
#define TAIL_THREADS 16	       /* ended threads between two estimates of their unseen end */
#define TAIL_LIVE    16	       /* not with more live threads than this: each clock is a call */
#define TAIL_MAX_NS  200000    /* and not more: some thread may be unknown, or not sampled */

/* --- clocks and timers of the kernel --- */

static clockid_t thread_clock(int tid)
{
	return (clockid_t)(~(unsigned)tid << 3 | 6); /* CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED */
}

uint64_t cpu_clock_thread(int tid)
{
	struct timespec t = {0};
	sig_syscall(SYS_clock_gettime, thread_clock(tid), &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t cpu_clock_process(void)
{
	struct timespec t = {0};
	sig_syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int timer_new(struct thread *thread, int tid)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
	event.sigev_value.sival_ptr = thread;
	event._sigev_un._tid = tid;
	int id;
	long rc = sig_syscall(SYS_timer_create, thread_clock(tid), &event, &id);
	return rc < 0 ? (int)rc : id;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
}

/* `first` is absolute on the thread's CPU clock; interval 0 fires once. */
static void timer_set(int id, uint64_t first, uint64_t interval)
{
	struct itimerspec when = {
		.it_interval = timespec_of(interval), .it_value = timespec_of(first ? first : 1)};
	sig_syscall(SYS_timer_settime, id, TIMER_ABSTIME, &when, NULL);
}

/* --- the account of a thread --- */

static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return a % b < 0 ? q - 1 : q;
}

/* The periods that are full at `now` on the thread's clock, those already counted included. */
static int64_t periods_due(const struct thread *t, uint64_t now)
{
	int64_t used = (int64_t)(now - t->cpu.base_ns);
	int64_t due = floor_div(t->cpu.credit_ns + used, (int64_t)state->period_ns);
	return due > 0 ? due : 0;
}

/* Sets the timer to the first expiry not counted yet. */
static void timer_follow(struct thread *t)
{
	int64_t period = (int64_t)state->period_ns;
	int64_t next = (int64_t)(atomic_load(&t->cpu.expiries) + 1) * period - t->cpu.credit_ns;
	int64_t at = (int64_t)t->cpu.base_ns + next;
	timer_set(atomic_load(&t->cpu.timer), at > 0 ? (uint64_t)at : 1, state->period_ns);
}

static int64_t random_below(struct thread *t, int tid, uint64_t bound)
{
	uint64_t x = sig_clock_ns(CLOCK_MONOTONIC) ^ (uint64_t)tid << 32 ^ (uintptr_t)t;
	x = sig_hash(sig_hash(x) + (uint64_t)sig_getpid());
	return (int64_t)((x >> 32) * bound >> 32);
}

static int64_t balance_take(void)
{
	struct balance *b = &state->balance;
	if (!sig_trylock(&b->lock))
		return 0; /* whoever holds it starts or ends a thread too: the next one takes it */
	int64_t taken = b->owed_ns;
	b->owed_ns = 0;
	sig_unlock(&b->lock);
	return taken;
}

/* Averages what the process's clock knows of ended threads and they did not. */
static void estimate_tail(struct balance *b)
{
	struct threads *threads = &state->threads;
	uint32_t live = atomic_load(&threads->live);
	if (b->ended % TAIL_THREADS || live > TAIL_LIVE)
		return;
	int64_t seen = b->spent_ns;
	uint32_t high = atomic_load(&threads->high);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &threads->slots[i];
		if (atomic_load(&t->state) == THREAD_LIVE && !(t->hidden && !t->hooked))
			seen += (int64_t)(cpu_clock_thread(atomic_load(&t->tid)) - t->cpu.base_ns);
	}
	int64_t unseen = (int64_t)(cpu_clock_process() - b->start_ns) - seen;
	int64_t tail = unseen / (int64_t)b->ended;
	b->tail_ns = tail < 0 ? 0 : tail > TAIL_MAX_NS ? TAIL_MAX_NS : tail;
}

/* What a thread can have lost since its last tick. On a virtual machine that is itself kept
 * waiting, ticks meet a thread far more seldom than they should: as seldom as they have. */
static int64_t loss_max(const struct thread *t)
{
	int64_t carried = t->cpu.carried_ns > 0 ? t->cpu.carried_ns : 0;
	return LOSS_TICKS * (int64_t)state->tick_ns + 2 * (int64_t)state->period_ns + carried +
	       2 * atomic_load(&state->balance.gap_ns);
}

static void note_gap(int64_t weight)
{
	int64_t gap = weight * (int64_t)state->period_ns;
	int64_t widest = atomic_load(&state->balance.gap_ns);
	if (gap > GAP_MAX_NS)
		gap = GAP_MAX_NS;
	while (gap > widest && !atomic_compare_exchange_weak(&state->balance.gap_ns, &widest, gap))
		;
}

/* A thread that used `used` and whose timer counted `counted` has ended. */
static void balance_add(struct thread *t, int64_t used, int64_t counted)
{
	struct balance *b = &state->balance;
	int64_t left = used - counted * (int64_t)state->period_ns + t->cpu.carried_ns;
	int64_t most = loss_max(t);
	sig_lock(&b->lock);
	b->ended++;
	b->spent_ns += used;
	b->owed_ns += (left > most ? most : left) + b->tail_ns;
	estimate_tail(b);
	sig_unlock(&b->lock);
}

static void charge_cpu(struct recording *rec, const struct recording_stack *stack, uint32_t labels,
	uint64_t weight)
{
	struct recording_count *c =
		stack ? stacks_count(rec, stack, RECORDING_CPU, labels, state->period_ns, 1) : NULL;
	recording_count(&rec->expiries, weight);
	recording_count(c ? &c->values[0] : &rec->dropped, weight);
}

/* The timers tick for the wall profile too, or for that alone. stack NULL: there was no memory
 * for it, and the weight is counted as dropped; `late`: not in the thread's handler. */
static void charge(struct recording *rec, struct thread *t, const struct recording_stack *stack,
	uint64_t weight, bool late)
{
	if (atomic_load_explicit(&rec->rates.of[RECORDING_CPU], memory_order_relaxed))
		charge_cpu(rec, stack, t ? atomic_load(&t->labels) : 0, weight);
	wall_ran(rec, t, stack, weight, weight * state->period_ns, late);
}

/* Expiries since the last tick that met a thread, whose signal comes too late or never: they go to
 * the stack it had then. */
static void catch_up(struct recording *rec, struct thread *t, uint64_t now)
{
	rec_ref stack = atomic_load(&t->cpu.stack);
	int64_t due = periods_due(t, now) - (int64_t)atomic_load(&t->cpu.expiries);
	if (!stack || due <= 0 || due * (int64_t)state->period_ns > loss_max(t))
		return;
	charge(rec, t, recording_at(rec, stack), (uint64_t)due, true);
	atomic_fetch_add(&t->cpu.expiries, (uint64_t)due);
}

void cpu_arm(struct recording *rec, struct thread *thread, int tid, uint64_t base_ns)
{
	int32_t mine = TIMER_NONE;
	if (!atomic_load_explicit(&state->timers_hz, memory_order_relaxed))
		return;
	if (thread->hidden) {
		thread->cpu.base_ns = base_ns; /* for estimate_tail(): its CPU is known */
		return;
	}
	if (!atomic_compare_exchange_strong(&thread->cpu.timer, &mine, TIMER_ARMING))
		return; /* the thread itself and who switches the profiler on may both come */
	mine = TIMER_ARMING;
	atomic_store(&thread->cpu.expiries, 0);
	atomic_store(&thread->cpu.stack, 0);
	thread->cpu.base_ns = base_ns;
	thread->cpu.carried_ns = thread->hooked ? balance_take() : 0;
	thread->cpu.credit_ns =
		thread->cpu.carried_ns + random_below(thread, tid, state->period_ns);
	int timer = timer_new(thread, tid);
	if (timer < 0) {
		atomic_store(&thread->cpu.timer, TIMER_NONE);
		recording_count(&rec->threads_unarmed, 1);
		return;
	}
	if (!atomic_compare_exchange_strong(&thread->cpu.timer, &mine, timer)) {
		sig_syscall(SYS_timer_delete, timer); /* disarmed meanwhile */
		return;
	}
	uint64_t now = cpu_clock_thread(tid);
	bool kick = periods_due(thread, now) > 0;
	atomic_store(&thread->cpu.kick, kick);
	if (kick)
		timer_set(timer, now + KICK_NS, 0);
	else
		timer_follow(thread);
}

void cpu_disarm(struct thread *thread)
{
	int timer = atomic_exchange(&thread->cpu.timer, TIMER_NONE);
	if (timer >= 0)
		sig_syscall(SYS_timer_delete, timer);
}

/* What a hidden thread has used is not what ended threads of the program did not see of theirs. */
static void settle_hidden(const struct thread *t)
{
	struct balance *b = &state->balance;
	if (!atomic_load(&state->timers_hz))
		return;
	sig_lock(&b->lock);
	b->spent_ns += (int64_t)(cpu_clock_thread(0) - t->cpu.base_ns);
	sig_unlock(&b->lock);
}

void cpu_settle(struct thread *thread)
{
	if (thread->hidden) {
		settle_hidden(thread);
		return;
	}
	unsigned token;
	bool armed = atomic_load(&thread->cpu.timer) >= 0;
	cpu_disarm(thread);
	struct recording *rec = armed ? state_enter(&token) : NULL;
	if (!rec)
		return;
	uint64_t now = cpu_clock_thread(0);
	catch_up(rec, thread, now);
	balance_add(thread, (int64_t)(now - thread->cpu.base_ns),
		(int64_t)atomic_load(&thread->cpu.expiries));
	state_leave(token);
}

void cpu_close(struct recording *rec)
{
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		if (atomic_load(&t->state) == THREAD_LIVE && atomic_load(&t->cpu.timer) >= 0) {
			uint64_t now = cpu_clock_thread(atomic_load(&t->tid));
			cpu_disarm(t);
			catch_up(rec, t, now);
		}
	}
	rec_ref stack = atomic_load(&state->balance.stack);
	int64_t owed = stack ? balance_take() : 0;
	if (owed >= (int64_t)state->period_ns)
		charge(rec, NULL, recording_at(rec, stack), (uint64_t)owed / state->period_ns,
			true);
}

/* --- switching it on and off --- */

static uint64_t kernel_tick_ns(void)
{
	struct timespec res = {0};
	clock_getres(CLOCK_MONOTONIC_COARSE, &res);
	return (uint64_t)res.tv_nsec;
}

static void arm_known(struct recording *rec, bool from_birth)
{
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		if (atomic_load(&t->state) != THREAD_LIVE || atomic_load(&t->cpu.timer) >= 0)
			continue;
		int tid = atomic_load(&t->tid);
		bool born = from_birth && tid == sig_gettid();
		cpu_arm(rec, t, tid, born ? 0 : cpu_clock_thread(tid));
	}
}

static void stop_timers(struct recording *rec)
{
	if (!atomic_load(&state->timers_hz))
		return;
	cpu_close(rec);
	atomic_store(&state->timers_hz, 0);
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++)
		cpu_disarm(&state->threads.slots[i]);
}

/* In place of those that tick. */
static int start_timers(struct recording *rec, uint64_t hz, bool from_birth)
{
	int rc = hooks_sigprof_install();
	if (rc)
		return rc;
	stop_timers(rec);
	state->period_ns = 1000000000u / hz;
	state->tick_ns = kernel_tick_ns();
	state->balance = (struct balance){.start_ns = from_birth ? 0 : cpu_clock_process()};
	atomic_store(&state->timers_hz, hz);
	return 0;
}

static void arm_all(struct recording *rec, bool from_birth)
{
	arm_known(rec, from_birth);
	cpu_look(rec, true);
}

int cpu_start(struct recording *rec, uint64_t hz, bool from_birth)
{
	if (hz > CPU_HZ_MAX)
		return -EINVAL;
	if (rec->rates.of[RECORDING_CPU])
		return -EBUSY;
	int rc = start_timers(rec, hz, from_birth);
	if (rc)
		return rc;
	rec->period_ns = state->period_ns;
	rec->hz = (unsigned)hz;
	rec->cpu_start_ns = state->balance.start_ns;
	atomic_store(&rec->rates.of[RECORDING_CPU], hz);
	arm_all(rec, from_birth);
	return 0;
}

/* Where CPU time is recorded, at whatever rate, its expiries do for the wall profile as well. */
int cpu_start_for_wall(struct recording *rec, uint64_t hz)
{
	if (atomic_load(&rec->rates.of[RECORDING_CPU]))
		return 0;
	if (!hz) {
		stop_timers(rec);
		return 0;
	}
	int rc = start_timers(rec, hz, false);
	if (!rc)
		arm_all(rec, false);
	return rc;
}

static int set(struct recording *rec, uint64_t hz)
{
	if (hz)
		return cpu_start(rec, hz, false);
	if (!rec->rates.of[RECORDING_CPU])
		return 0;
	stop_timers(rec);
	atomic_store(&rec->rates.of[RECORDING_CPU], 0);
	return wall_on() ? cpu_start_for_wall(rec, wall_hz()) : 0;
}

const struct kind cpu_kind = {.set = set, .finish = cpu_close};

/* --- threads nobody announced --- */

static void appeared(void *ctx, int tid)
{
	struct recording *rec = ctx;
	/* It may be a hidden one that has not begun, or has meanwhile: later looks will tell. */
	if (atomic_load(&state->hidden_coming) || threads_find(&state->threads, tid))
		return;
	struct thread *t = threads_claim(&state->threads);
	if (!t) {
		recording_count(&rec->threads_untabled, 1);
		return;
	}
	t->hooked = false;
	t->stack_lo = t->stack_hi = 0;
	t->labels = 0;
	recording_count(&rec->threads, 1);
	wall_begin(t, tid);
	cpu_arm(rec, t, tid, cpu_clock_thread(tid));
	threads_publish(&state->threads, t, tid);
}

static void vanished(void *ctx, struct thread *thread)
{
	if (!threads_retire(&state->threads, thread))
		return;
	cpu_disarm(thread);
	contention_forget(thread);
	threads_release(&state->threads, thread);
}

void cpu_look(struct recording *rec, bool at_once)
{
	uint64_t now = sig_clock_ns(CLOCK_MONOTONIC);
	atomic_store_explicit(&rec->last_monotonic_ns, now, memory_order_relaxed);
	uint64_t due = atomic_load_explicit(&state->next_look_ns, memory_order_relaxed);
	if (!at_once && (now < due || !atomic_compare_exchange_strong(
					      &state->next_look_ns, &due, now + LOOK_NS)))
		return;
	if (!at_once && threads_count_kernel() == (int)atomic_load(&state->threads.live))
		return;
	struct threads_visitor visitor = {appeared, vanished, rec, at_once};
	threads_scan(&state->threads, &visitor);
	uint64_t cost = sig_clock_ns(CLOCK_MONOTONIC) - now;
	atomic_store(&state->next_look_ns, now + LOOK_NS + cost * LOOK_SHARE);
}

/* --- a sample --- */

struct thread *cpu_owner(const siginfo_t *info)
{
	if (!state || info->si_code != SI_TIMER)
		return NULL;
	return threads_slot(&state->threads, info->si_value.sival_ptr);
}

static void remember(
	struct recording *rec, struct thread *thread, const struct recording_stack *stack)
{
	rec_ref ref = recording_ref(rec, stack);
	atomic_store_explicit(&thread->cpu.stack, ref, memory_order_relaxed);
	if (thread->hooked)
		atomic_store_explicit(&state->balance.stack, ref, memory_order_relaxed);
}

/* Each expiry is counted in the total, even when there is no memory to say where it was. */
static bool record(
	struct recording *rec, struct thread *thread, uint64_t weight, const ucontext_t *context)
{
	struct capture c;
	if (!capture_context(&c, thread, context)) {
		recording_count(&rec->deferred, 1);
		return false;
	}
	recording_count(&rec->signals, 1);
	recording_count(&rec->ends[c.stack.end], 1);
	struct recording_stack *s = stacks_intern(rec, &c.stack);
	charge(rec, thread, s, weight, false);
	if (s)
		remember(rec, thread, s);
	if (s && trace_on())
		trace_sampled(thread, s);
	capture_done(&c);
	return true;
}

void cpu_sample(struct thread *thread, int overrun, const ucontext_t *context)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return;
	if (atomic_load(&thread->tid) != sig_gettid()) {
		state_leave(token); /* of a profile before this one: the slot is another's now */
		return;
	}
	bool kick = atomic_exchange(&thread->cpu.kick, false);
	int64_t weight = 1 + (int64_t)overrun;
	if (kick)
		weight = periods_due(thread, cpu_clock_thread(0)) -
			 (int64_t)atomic_load(&thread->cpu.expiries);
	if (weight > 0 && record(rec, thread, (uint64_t)weight, context))
		atomic_fetch_add(&thread->cpu.expiries, (uint64_t)weight);
	else if (weight > 0)
		atomic_store(&thread->cpu.kick, true); /* the next one weighs for this too */
	if (!kick)
		note_gap(weight);
	if (kick)
		timer_follow(thread);
	cpu_look(rec, false);
	state_leave(token);
}
