/*
 * The block and the mutex profile; see contention.h.
 */
#include "agent/contention.h"

#include "agent/capture.h"
#include "agent/control.h"
#include "agent/kinds.h"
#include "agent/stacks.h"
#include "agent/trace.h"

#include <errno.h>

_Atomic uint32_t contenders_waiting[CONTENDERS_PLACES];

static struct {
	_Atomic uint64_t block_rate;	 /* ns; 0: off */
	_Atomic uint64_t block_since_ns; /* when it was switched on */
	_Atomic uint64_t fraction;	 /* 0: the mutex profile is off */
	_Atomic uint32_t epoch;		 /* counts recordings: whose counts are kept */
} contention;

/* --- sampling --- */

/* xorshift64*: a thread's own, so that it costs no line shared. */
static uint64_t random_of(struct thread *t)
{
	uint64_t x = t->random;
	if (!x)
		x = sig_hash((uintptr_t)t ^ sig_clock_ns(CLOCK_MONOTONIC)) | 1;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	t->random = x;
	return x * 0x2545f4914f6cdd1du >> 16;
}

static void add(struct recording_count *c, uint64_t contentions, uint64_t ns)
{
	recording_count(&c->values[0], contentions);
	recording_count(&c->values[1], ns);
}

/* --- block --- */

static void charge_block(struct recording *rec, const struct thread *t,
	const struct recording_stack *s, uint64_t rate, uint64_t ns)
{
	uint32_t labels = atomic_load(&t->labels);
	struct recording_count *c = s ? stacks_count(rec, s, RECORDING_BLOCK, labels, 0, 2) : NULL;
	if (!c)
		recording_count(&rec->lost[RECORDING_BLOCK], 1);
	else if (ns >= rate)
		add(c, CONTENTION_ONE, ns);
	else
		add(c, rate * CONTENTION_ONE / ns, rate);
}

/* Go's blocksampled(), with the probability exactly ns / rate. */
static bool block_sampled(struct thread *t, uint64_t rate, uint64_t ns)
{
	return rate && (ns >= rate || random_of(t) % rate < ns);
}

void contention_waited(
	struct thread *thread, const struct wait_what *what, uint64_t since_ns, uint64_t until_ns)
{
	unsigned token;
	uint64_t rate = atomic_load_explicit(&contention.block_rate, memory_order_relaxed);
	uint64_t ns = until_ns > since_ns ? until_ns - since_ns : 1;
	if (!block_sampled(thread, rate, ns))
		return;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return;
	charge_block(rec, thread, capture_intern(rec, thread, what->caller, what->leaf), rate, ns);
	state_leave(token);
}

/* Of what a thread waits for now, the part since the profile was switched on. */
static void charge_open(struct recording *rec, struct thread *t, uint64_t rate, uint64_t now_ns)
{
	struct capture c;
	struct wait_what what;
	uint64_t since;
	uint64_t from = atomic_load(&contention.block_since_ns);
	if (!capture_wait(&c, t, &what, &since))
		return;
	if (since < from)
		since = from;
	uint64_t ns = now_ns > since ? now_ns - since : 1;
	if (block_sampled(t, rate, ns))
		charge_block(rec, t, stacks_intern(rec, &c.stack), rate, ns);
	capture_done(&c);
}

static int block_set(struct recording *rec, uint64_t rate)
{
	if (rate > INT64_MAX / CONTENTION_ONE)
		return -EINVAL;
	if (!atomic_load(&contention.block_rate) && rate)
		atomic_store(&contention.block_since_ns, sig_clock_ns(CLOCK_MONOTONIC));
	uint64_t before = atomic_exchange(&contention.block_rate, rate);
	if (!before && rate)
		waits_want();
	else if (before && !rate)
		waits_want_no_more();
	return 0;
}

/* Switched off first: what ends from here on is not to be charged again. */
static void block_finish(struct recording *rec)
{
	uint64_t rate = atomic_load(&contention.block_rate);
	uint64_t now = sig_clock_ns(CLOCK_MONOTONIC);
	uint32_t high = atomic_load(&state->threads.high);
	block_set(rec, 0);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		if (rate && atomic_load(&t->state) == THREAD_LIVE)
			charge_open(rec, t, rate, now);
	}
}

const struct kind block_kind = {.set = block_set, .finish = block_finish};

/* --- mutex: waiters --- */

static struct contenders_place *place_of(uintptr_t lock)
{
	return &state->contenders.places[contenders_home(lock)];
}

static bool mutex_on(void)
{
	return atomic_load_explicit(&contention.fraction, memory_order_relaxed) != 0;
}

/* False: the calling thread is in here already, under what a handler interrupted. */
static bool take(struct thread *t, struct contenders_place *place)
{
	if (t->at_contenders)
		return false;
	t->at_contenders = true;
	sig_lock(&place->lock);
	return true;
}

static void give(struct thread *t, struct contenders_place *place)
{
	sig_unlock(&place->lock);
	t->at_contenders = false;
}

static void unlink_contender(struct contender *c)
{
	if (!c->link)
		return;
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->link = NULL;
	atomic_fetch_sub(&contenders_waiting[contenders_home(c->lock)], 1);
}

void contention_forget(struct thread *thread)
{
	struct contender *c = &thread->contender;
	struct contenders_place *place = place_of(c->lock);
	if (!c->link)
		return;
	sig_lock(&place->lock);
	unlink_contender(c);
	sig_unlock(&place->lock);
}

void contention_enter(struct thread *thread, uintptr_t lock, uint64_t now_ns)
{
	struct contender *c = &thread->contender;
	struct contenders_place *place = place_of(lock);
	if ((!mutex_on() && !trace_on()) || thread->at_contenders)
		return;
	contention_forget(thread); /* a wait left by longjmp, or one a handler interrupted */
	if (!take(thread, place))
		return;
	*c = (struct contender){
		.next = place->head, .link = &place->head, .lock = lock, .since_ns = now_ns};
	if (c->next)
		c->next->link = &c->next;
	place->head = c;
	atomic_fetch_add(&contenders_waiting[contenders_home(lock)], 1);
	give(thread, place);
}

/* What is left of a wait goes to the release that ended it: to its stack if that is known, else
 * onto its account until it is. */
static void settle(const struct contender *c, uint64_t ns)
{
	struct contender_payer *payer = c->payer ? &c->payer->payer : NULL;
	if (c->count && c->epoch == atomic_load(&contention.epoch)) {
		add(c->count, CONTENTION_ONE * c->weight, ns * c->weight);
	} else if (payer && payer->open && payer->turn == c->payer_turn) {
		payer->owed_ns += ns;
		payer->owed_waits++;
	}
}

void contention_leave(struct thread *thread, uint64_t now_ns)
{
	struct contender *c = &thread->contender;
	unsigned token;
	if (!c->link || thread->at_contenders)
		return;
	struct recording *rec = state_enter(&token);
	struct contenders_place *place = place_of(c->lock);
	if (take(thread, place)) {
		unlink_contender(c);
		if (rec && now_ns > c->since_ns)
			settle(c, now_ns - c->since_ns);
		give(thread, place);
	}
	if (rec)
		state_leave(token);
}

/* --- mutex: releases --- */

static bool release_sampled(struct thread *t, uint64_t fraction)
{
	return fraction == 1 || random_of(t) % fraction == 0;
}

/* All waiters of the lock are paid for until now, by nobody if the release is not sampled. */
static uint64_t collect(
	struct contenders_place *place, uintptr_t lock, struct thread *payer, uint64_t weight)
{
	uint64_t now = sig_clock_ns(CLOCK_MONOTONIC), waited = 0;
	for (struct contender *c = place->head; c; c = c->next) {
		if (c->lock != lock)
			continue;
		waited += now > c->since_ns ? now - c->since_ns : 0;
		c->since_ns = now;
		c->payer = payer;
		c->payer_turn = payer ? payer->payer.turn : 0;
		c->count = NULL;
		c->weight = weight;
	}
	return waited;
}

static void open_account(struct thread *t)
{
	t->payer.turn++;
	t->payer.open = true;
	t->payer.owed_ns = t->payer.owed_waits = 0;
}

struct contention_release contention_before_release(uintptr_t lock)
{
	struct contention_release r = {.lock = lock};
	if (trace_on())
		r.traced_ns = sig_clock_ns(CLOCK_MONOTONIC);
	uint64_t fraction = atomic_load_explicit(&contention.fraction, memory_order_relaxed);
	struct thread *t = fraction ? control_self() : NULL;
	struct contenders_place *place = t ? place_of(lock) : NULL;
	if (!t || !take(t, place))
		return r;
	bool sampled = release_sampled(t, fraction);
	if (sampled)
		open_account(t);
	r.waited_ns = collect(place, lock, sampled ? t : NULL, fraction);
	r.turn = t->payer.turn;
	r.weight = fraction;
	r.thread = sampled && r.waited_ns ? t : NULL;
	if (!r.thread)
		t->payer.open = false;
	give(t, place);
	return r;
}

/* The waiters still there learn whom to charge; what those who went have left is returned. */
static struct contender_payer close_account(
	const struct contention_release *r, struct recording_count *count)
{
	struct contender_payer owed = {0};
	struct contenders_place *place = place_of(r->lock);
	if (!take(r->thread, place))
		return owed;
	for (struct contender *c = place->head; c; c = c->next) {
		if (c->payer != r->thread || c->payer_turn != r->turn)
			continue;
		c->count = count;
		c->epoch = atomic_load(&contention.epoch);
	}
	if (r->thread->payer.turn == r->turn) {
		owed = r->thread->payer;
		r->thread->payer.open = false;
	}
	give(r->thread, place);
	return owed;
}

static void charge_release(const struct contention_release *r, const void *caller, uintptr_t leaf)
{
	unsigned token;
	struct recording *rec = r->thread ? state_enter(&token) : NULL;
	if (!rec)
		return;
	struct recording_stack *s = capture_intern(rec, r->thread, caller, leaf);
	uint32_t labels = atomic_load(&r->thread->labels);
	struct recording_count *c = s ? stacks_count(rec, s, RECORDING_MUTEX, labels, 0, 2) : NULL;
	struct contender_payer owed = close_account(r, c);
	if (c)
		add(c, owed.owed_waits * CONTENTION_ONE * r->weight,
			(r->waited_ns + owed.owed_ns) * r->weight);
	else
		recording_count(&rec->lost[RECORDING_MUTEX], 1);
	state_leave(token);
}

void contention_after_release(
	const struct contention_release *r, const void *caller, uintptr_t leaf)
{
	charge_release(r, caller, leaf);
	if (r->traced_ns)
		trace_woke(r->lock, r->traced_ns, caller, leaf);
}

static int mutex_set(struct recording *rec, uint64_t fraction)
{
	if (fraction > INT32_MAX)
		return -EINVAL;
	uint64_t before = atomic_exchange(&contention.fraction, fraction);
	if (!before && fraction)
		waits_want();
	else if (before && !fraction)
		waits_want_no_more();
	return 0;
}

/* Counts of waiters are the old recording's. */
static void mutex_forget(void)
{
	atomic_fetch_add(&contention.epoch, 1);
}

const struct kind mutex_kind = {.set = mutex_set, .forget = mutex_forget};

void contention_after_fork_child(void)
{
	atomic_store(&contention.block_rate, 0);
	atomic_store(&contention.fraction, 0);
	for (uint32_t i = 0; i < CONTENDERS_PLACES; i++)
		atomic_store_explicit(&contenders_waiting[i], 0, memory_order_relaxed);
}
