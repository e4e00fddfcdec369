/*
 * The wall profile; see wall.h.
 *
 * `other` is a difference of totals: a thread's time so far, less its waits, less its CPU clock.
 * CPU time within a wait is in both of the latter; expiries that fall into one say how much it is,
 * and are charged with the wait.
 */
#include "agent/wall.h"

#include "agent/capture.h"
#include "agent/control.h"
#include "agent/cpu.h"
#include "agent/kinds.h"
#include "agent/wait_kinds.h"

#include <errno.h>

_Atomic uint64_t wall_period_ns;

/* --- charging --- */

static void charge(struct recording *rec, struct thread *t, const struct recording_stack *s,
	uint64_t key, uint64_t samples, uint64_t ns)
{
	uint32_t labels = t ? atomic_load(&t->labels) : 0;
	struct recording_count *c = s ? stacks_count(rec, s, RECORDING_WALL, labels, key, 2) : NULL;
	if (!c) {
		recording_count(&rec->lost[RECORDING_WALL], samples);
		return;
	}
	recording_count(&c->values[0], samples);
	recording_count(&c->values[1], ns);
	if (t)
		atomic_store_explicit(&t->wall.stack, recording_ref(rec, s), memory_order_relaxed);
}

static uint64_t period(void)
{
	uint64_t ns = atomic_load_explicit(&wall_period_ns, memory_order_relaxed);
	return ns ? ns : 1; /* switched off meanwhile */
}

static uint64_t tick(const struct thread *t, uint64_t at_ns)
{
	return (at_ns + t->wall.phase_ns) / period();
}

/* The ticks of a wait that nobody has charged yet; they are the caller's to charge. The thread
 * itself and who settles may both come. */
static uint64_t claim(struct thread *t, uint64_t since_ns, uint64_t until_ns)
{
	uint64_t before = atomic_load(&t->wall.charged_ns);
	do {
		if (before >= until_ns)
			return 0;
	} while (!atomic_compare_exchange_weak(&t->wall.charged_ns, &before, until_ns));
	uint64_t from = since_ns > before ? since_ns : before;
	atomic_fetch_add(&t->wall.waited_ns, until_ns - from);
	return tick(t, until_ns) - tick(t, from);
}

void wall_waited(
	struct thread *thread, const struct wait_what *what, uint64_t since_ns, uint64_t until_ns)
{
	unsigned token;
	uint64_t n = claim(thread, since_ns, until_ns);
	struct recording *rec = n ? state_enter(&token) : NULL;
	if (!rec)
		return;
	charge(rec, thread, capture_intern(rec, thread, what->caller, what->leaf), what->kind, n,
		n * period());
	state_leave(token);
}

/* --- what is neither waited nor run --- */

/* When the thread's present wait began, or UINT64_MAX. On the thread itself, or of one that is. */
static uint64_t waits_since(const struct thread *t)
{
	return atomic_load(&t->wait.seq) & WAIT_GOING ? t->wait.since_ns : UINT64_MAX;
}

/* Of the wait that goes on, what is not in waited_ns yet. */
static uint64_t open_wait(const struct thread *t, uint64_t now)
{
	uint64_t since = waits_since(t), charged = atomic_load(&t->wall.charged_ns);
	if (since != UINT64_MAX && since < charged)
		since = charged;
	return since < now ? now - since : 0;
}

/* Ticks of `other` that are due. */
static uint64_t others_due(const struct thread *t, int tid)
{
	uint64_t now = sig_clock_ns(CLOCK_MONOTONIC);
	uint64_t lived = now - t->wall.begin_ns;
	uint64_t waited = atomic_load(&t->wall.waited_ns) + open_wait(t, now);
	uint64_t ran = cpu_clock_thread(tid) - t->wall.cpu_begin_ns;
	int64_t other = (int64_t)(lived - waited - ran + atomic_load(&t->wall.ran_waiting_ns) +
				  t->wall.other_phase_ns);
	int64_t due = other / (int64_t)period() - (int64_t)t->wall.others;
	return due > 0 ? (uint64_t)due : 0;
}

static void charge_others(
	struct recording *rec, struct thread *t, int tid, const struct recording_stack *s)
{
	uint64_t due = others_due(t, tid);
	t->wall.others += due;
	if (due)
		charge(rec, t, s, WALL_OTHER, due, due * period());
}

/* --- accounts --- */

void wall_begin(struct thread *thread, int tid)
{
	if (!wall_on())
		return;
	uint64_t now = sig_clock_ns(CLOCK_MONOTONIC);
	uint64_t random = sig_hash(now ^ (uint64_t)tid << 32 ^ (uintptr_t)thread);
	thread->wall.phase_ns = random % period();
	thread->wall.other_phase_ns = sig_hash(random) % period();
	thread->wall.begin_ns = now;
	thread->wall.cpu_begin_ns = cpu_clock_thread(tid);
	thread->wall.others = 0;
	atomic_store(&thread->wall.stack, 0);
	atomic_store(&thread->wall.waited_ns, 0);
	atomic_store(&thread->wall.ran_waiting_ns, 0);
	atomic_store(&thread->wall.charged_ns, now);
}

/* A stack that the thread had: its last, or its root. */
static const struct recording_stack *last_stack(struct recording *rec, const struct thread *t)
{
	rec_ref stack = atomic_load(&t->wall.stack);
	return stack ? recording_at(rec, stack) : capture_root(rec, t);
}

void wall_end(struct recording *rec, struct thread *thread)
{
	if (wall_on() && thread->wall.begin_ns)
		charge_others(rec, thread, 0, last_stack(rec, thread));
	thread->wall.begin_ns = 0;
}

void wall_ran(struct recording *rec, struct thread *thread, const struct recording_stack *stack,
	uint64_t expiries, uint64_t ns, bool late)
{
	if (!wall_on())
		return;
	uint64_t since = thread && !late ? waits_since(thread) : UINT64_MAX;
	uint64_t now = since == UINT64_MAX ? 0 : sig_clock_ns(CLOCK_MONOTONIC);
	if (now > since && now - since >= WAIT_SHORT_NS)
		atomic_fetch_add(&thread->wall.ran_waiting_ns, ns);
	else
		charge(rec, thread, stack, WAIT_NONE, expiries, ns);
	if (thread && !late && thread->wall.begin_ns)
		charge_others(rec, thread, 0, stack);
}

/* --- settling: what is open is charged up to now --- */

static bool settle_wait(struct recording *rec, struct thread *t, uint64_t now)
{
	struct capture c;
	struct wait_what what;
	uint64_t since;
	if (!capture_wait(&c, t, &what, &since))
		return false;
	uint64_t n = claim(t, since, now);
	if (n)
		charge(rec, t, stacks_intern(rec, &c.stack), what.kind, n, n * period());
	capture_done(&c);
	return true;
}

/* Each live thread, if its account has begun, with what is to be done about the rest of its
 * time. */
static void settle_each(
	struct recording *rec, void (*rest)(struct recording *rec, struct thread *t, int tid))
{
	uint64_t now = sig_clock_ns(CLOCK_MONOTONIC);
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		int tid = atomic_load(&t->tid);
		if (atomic_load(&t->state) != THREAD_LIVE || !t->wall.begin_ns)
			continue;
		if (!settle_wait(rec, t, now))
			rest(rec, t, tid);
	}
}

/* It waits where no hook is, or for a CPU: only itself knows where. */
static void ask_it(struct recording *rec, struct thread *t, int tid)
{
	if (others_due(t, tid))
		control_call(rec, t, RECORDING_WALL);
}

static void settle(struct recording *rec)
{
	cpu_look(rec, true);
	settle_each(rec, ask_it);
}

/* The thread charges itself. */
static bool answer(struct recording *rec, struct thread *t, const ucontext_t *context)
{
	struct capture c;
	if (!t->wall.begin_ns || !wall_on())
		return true;
	if (!capture_context(&c, t, context))
		return false;
	charge_others(rec, t, 0, stacks_intern(rec, &c.stack));
	capture_done(&c);
	return true;
}

static void charge_last(struct recording *rec, struct thread *t, int tid)
{
	charge_others(rec, t, tid, last_stack(rec, t));
}

static void finish(struct recording *rec)
{
	settle_each(rec, charge_last);
}

/* --- switching it on and off --- */

static void begin_all(void)
{
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		if (atomic_load(&t->state) == THREAD_LIVE && !t->hidden)
			wall_begin(t, atomic_load(&t->tid));
	}
}

static int switch_off(struct recording *rec)
{
	if (!wall_on())
		return 0;
	finish(rec);
	atomic_store(&wall_period_ns, 0);
	waits_want_no_more();
	return cpu_start_for_wall(rec, 0);
}

static int set(struct recording *rec, uint64_t hz)
{
	if (hz > WALL_HZ_MAX)
		return -EINVAL;
	switch_off(rec);
	if (!hz)
		return 0;
	atomic_store(&wall_period_ns, 1000000000u / hz);
	begin_all();
	waits_want();
	int rc = cpu_start_for_wall(rec, hz);
	if (rc)
		switch_off(rec);
	return rc;
}

const struct kind wall_kind = {.set = set, .finish = finish, .settle = settle, .answer = answer};

void wall_after_fork_child(void)
{
	atomic_store(&wall_period_ns, 0);
}
