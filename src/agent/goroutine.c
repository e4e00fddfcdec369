/*
 * goroutine: where every thread is, at one moment; Go's goroutine profile, whose goroutines are
 * threads here.
 *
 * Setting the kind's rate to another number takes a snapshot (recording_rate_again). Snapshots have
 * numbers of their own, which grow for as long as the recording lasts: rates begin anew whenever
 * the kind is switched off. Threads that wait in a hooked call are walked by whoever takes it, from
 * what they left in their wait record (waits.h), and are neither woken nor stopped; the others are
 * sent our signal and count themselves. A count holds the number of the snapshot it belongs to, so
 * that old ones need not be cleared: memory grows with the stacks there are, not with the
 * snapshots.
 *
 * It is taken in a handler when another process asks: that thread is held for some microseconds for
 * each one that waits. (Rejected: a thread of our own for it, which the program would see.)
 */
#include "agent/capture.h"
#include "agent/control.h"
#include "agent/cpu.h"
#include "agent/kinds.h"
#include "agent/waits.h"

#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define FINISH_ROUNDS 20

/* One more thread on this stack: the high half is the snapshot's number. */
static void count(struct recording *rec, const struct recording_stack *s, uint32_t labels,
	uint64_t key, uint32_t snapshot)
{
	struct recording_count *c =
		s ? stacks_count(rec, s, RECORDING_GOROUTINE, labels, key, 1) : NULL;
	if (!c) {
		recording_count(&rec->lost[RECORDING_GOROUTINE], 1);
		return;
	}
	uint64_t before = atomic_load(&c->values[0]), after;
	do {
		if ((int32_t)((uint32_t)(before >> 32) - snapshot) > 0)
			return; /* the thread was late: a newer snapshot is being taken */
		after = (before >> 32 == snapshot ? before : (uint64_t)snapshot << 32) + 1;
	} while (!atomic_compare_exchange_weak(&c->values[0], &before, after));
}

/* --- what is known of each thread --- */

/* The row of the thread's place in the registry, new or old; NULL: no memory. One thread at a time
 * writes it: the taker, or the thread itself when it is called. */
static struct recording_thread *row_of(struct recording *rec, struct thread *t)
{
	rec_ref have = atomic_load(&t->life.row);
	if (have)
		return recording_at(rec, have);
	struct recording_thread *row = recording_alloc(rec, sizeof(*row));
	if (!row)
		return NULL;
	rec_ref ref = recording_ref(rec, row);
	row->next = atomic_load(&rec->snapshot_threads);
	while (!atomic_compare_exchange_weak(&rec->snapshot_threads, &row->next, ref))
		;
	atomic_store(&t->life.row, ref);
	return row;
}

static void fill_row(struct recording_thread *row, struct thread *t, const struct wait_what *what,
	uint64_t since_ns)
{
	row->tid = atomic_load(&t->tid);
	row->creator = t->life.creator;
	row->created_at = atomic_load(&t->creator);
	row->labels = atomic_load(&t->labels);
	row->wait = what->kind;
	row->fd = what->fd;
	row->object = what->object;
	row->owner = what->owner;
	row->handle = t->life.handle;
	row->since_ns = since_ns;
	row->born_ns = t->life.born_ns;
}

static void note(struct recording *rec, struct thread *t, const struct recording_stack *s,
	const struct wait_what *what, uint64_t since_ns, uint32_t snapshot)
{
	struct recording_thread *row = s ? row_of(rec, t) : NULL;
	count(rec, s, atomic_load(&t->labels), what->kind, snapshot);
	if (row) {
		atomic_store(&row->snapshot, 0);
		row->stack = recording_ref(rec, s);
		fill_row(row, t, what, since_ns);
		atomic_store(&row->snapshot, snapshot);
	}
	atomic_store(&t->life.noted, snapshot);
}

/* The word of a lock that names who has it; 0: its kind has none. */
static uintptr_t owner_word(const struct wait_what *what)
{
	switch (what->kind) {
	case WAIT_MUTEX:
		return what->object + offsetof(pthread_mutex_t, __data.__owner);
	case WAIT_RWLOCK_READ:
	case WAIT_RWLOCK_WRITE:
		return what->object + offsetof(pthread_rwlock_t, __data.__cur_writer);
	default:
		return 0;
	}
}

/* A thread may answer, late, while it is being noted: each snapshot has it once. What it was
 * claimed for before is to be put back if nothing comes of it. */
static bool claim(struct thread *t, uint32_t snapshot, uint32_t *ret_before)
{
	*ret_before = atomic_load(&t->life.claimed);
	return *ret_before != snapshot &&
	       atomic_compare_exchange_strong(&t->life.claimed, ret_before, snapshot);
}

static void note_waiting(struct recording *rec, struct thread *t, uint32_t snapshot)
{
	struct capture c;
	struct wait_what what;
	uint64_t since;
	uint32_t before;
	if (!claim(t, snapshot, &before))
		return;
	t->life.seq = atomic_load(&t->wait.seq);
	if (!capture_wait(&c, t, &what, &since)) {
		atomic_store(&t->life.claimed, before);
		return;
	}
	note(rec, t, stacks_intern(rec, &c.stack), &what, since, snapshot);
	capture_done(&c);
}

/* Who has the locks that are waited for is read once all waits have been: a thread that still waits
 * as it did has waited all the while between, in which it can neither have taken nor released a
 * lock. So a cycle among what is noted here is one. Of those that wait no more nothing is noted.
 * A thread that has just been given the lock is its owner: not of one that it waited for itself. */
static void note_owner(struct recording *rec, struct thread *t)
{
	struct recording_thread *row = recording_at(rec, atomic_load(&t->life.row));
	const struct wait_what what = {.kind = (uint8_t)row->wait, .object = row->object};
	uintptr_t word = owner_word(&what);
	int32_t before = row->owner, owner = 0;
	if (word && !sig_peek(&owner, word, sizeof(owner)))
		owner = 0;
	bool waits = atomic_load(&t->wait.seq) == t->life.seq;
	if (owner == row->tid && before != owner)
		owner = 0;
	row->owner = waits ? owner : 0;
	if (!waits && row->wait == WAIT_JOIN)
		row->object = 0;
}

static bool is_noted(const struct recording *rec, const struct thread *t)
{
	return atomic_load(&t->life.noted) == atomic_load(&rec->snapshot);
}

/* There may have been no memory for one. */
static bool has_row(const struct recording *rec, const struct thread *t)
{
	rec_ref ref = atomic_load(&t->life.row);
	const struct recording_thread *row = ref ? recording_at(rec, ref) : NULL;
	return row && atomic_load(&row->snapshot) == atomic_load(&rec->snapshot);
}

static bool is_shown(const struct thread *t)
{
	return atomic_load(&t->state) == THREAD_LIVE && !t->hidden;
}

/* Threads of which nothing is noted yet. A thread for which a SIGPROF is pending already, its
 * timer's, is not sent another: so whoever waits for the answers calls again for those that are
 * missing. */
static void call_missing(struct recording *rec)
{
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		if (is_shown(t) && !is_noted(rec, t))
			control_call(rec, t, RECORDING_GOROUTINE);
	}
}

static void take(struct recording *rec)
{
	uint32_t last = atomic_load(&rec->snapshot);
	uint32_t snapshot = last == UINT32_MAX ? 1 : last + 1;
	atomic_store(&rec->snapshot, snapshot);
	atomic_store(&rec->snapshot_ns, sig_clock_ns(CLOCK_MONOTONIC));
	cpu_look(rec, true);
	uint32_t high = atomic_load(&state->threads.high);
	struct thread *slots = state->threads.slots;
	for (uint32_t i = 0; i < high; i++)
		if (is_shown(&slots[i]))
			note_waiting(rec, &slots[i], snapshot);
	for (uint32_t i = 0; i < high; i++)
		if (is_shown(&slots[i]) && has_row(rec, &slots[i]))
			note_owner(rec, &slots[i]);
	call_missing(rec);
	atomic_store(&rec->snapshot_asked, snapshot);
}

static int set(struct recording *rec, uint64_t rate)
{
	bool was_on = atomic_load(&rec->rates.of[RECORDING_GOROUTINE]);
	if (!rate) {
		if (was_on)
			waits_want_no_more();
		return 0;
	}
	if (!was_on)
		waits_want();
	take(rec);
	return 0;
}

static void name_row(struct recording_thread *row)
{
	static const char before[] = "/proc/self/task/", behind[] = "/comm";
	char path[sizeof(before) + sizeof(behind) + 10], digits[10];
	size_t n = sizeof(before) - 1, count = 0;
	memcpy(path, before, n);
	for (int tid = row->tid; tid > 0; tid /= 10)
		digits[count++] = (char)('0' + tid % 10);
	while (count)
		path[n++] = digits[--count];
	memcpy(path + n, behind, sizeof(behind));
	int fd = sig_open(path, O_RDONLY, 0);
	if (fd < 0)
		return;
	long got = sig_syscall(SYS_read, fd, row->name, sizeof(row->name));
	sig_close(fd);
	if (got > 0)
		row->name[got - 1] = 0; /* the newline */
}

static void name_rows(struct recording *rec)
{
	struct recording_thread *row;
	for (rec_ref ref = atomic_load(&rec->snapshot_threads); ref; ref = row->next) {
		row = recording_at(rec, ref);
		if (atomic_load(&row->snapshot) == atomic_load(&rec->snapshot))
			name_row(row);
	}
}

/* The last one, where snapshots are wanted at all. The threads that do not wait in a hook get
 * some time to answer; the one that ends the process is asked too. */
static void finish(struct recording *rec)
{
	control_round_begin(rec, RECORDING_GOROUTINE);
	take(rec);
	for (int i = 0; i < FINISH_ROUNDS && !control_round_end(rec, RECORDING_GOROUTINE); i++) {
		control_round_begin(rec, RECORDING_GOROUTINE);
		call_missing(rec);
	}
	name_rows(rec);
}

/* Rows and stacks are the old recording's. */
static void forget(void)
{
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		atomic_store(&t->life.row, 0);
		atomic_store(&t->life.claimed, 0);
		atomic_store(&t->life.noted, 0);
		atomic_store(&t->creator, 0);
	}
}

/* The thread counts itself. */
static bool answer(struct recording *rec, struct thread *t, const ucontext_t *context)
{
	uint32_t snapshot = atomic_load(&rec->snapshot);
	struct wait_what what = {.kind = WAIT_NONE, .fd = -1};
	struct capture c;
	uint32_t before;
	if (!claim(t, snapshot, &before))
		return true;
	if (!capture_context(&c, t, context)) {
		atomic_store(&t->life.claimed, before);
		return false;
	}
	if (capture_in_syscall(c.stack.pcs[0]))
		what.kind = WAIT_SYSCALL;
	note(rec, t, stacks_intern(rec, &c.stack), &what, 0, snapshot);
	capture_done(&c);
	return true;
}

const struct kind goroutine_kind = {
	.set = set, .finish = finish, .settle = call_missing, .answer = answer, .forget = forget};
