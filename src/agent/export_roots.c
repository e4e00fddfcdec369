/*
 * Threads, their stacks and registers; see export_roots.h.
 *
 * Nothing that is read here of the other process is trusted: a wrong answer leaves memory out, or
 * puts it in, and can do no more.
 */
#include "agent/export_roots.h"

#include "agent/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RED_ZONE    128 /* bytes below the stack pointer that are in use, on x86-64 */
#define PATIENCE_NS 500000000
#define STEP_NS	    200000

struct finding {
	struct roots *to;
	const struct memory *memory;
	const struct recording *rec;
	uint64_t state; /* its address in the process */
	uint64_t own_stack;
	int own_tid;		/* 0: in another process */
	struct thread *threads; /* copies of the slots in use */
	uint32_t n;
};

static void leave_out(struct roots *r, uint64_t start, uint64_t end)
{
	struct roots_range range = {start, end};
	if (start < end)
		vec_push(r->out, r->out_n, r->out_cap, range);
}

/* --- the threads --- */

static int read_threads(struct finding *f, struct err *err)
{
	uint32_t high = 0;
	int pid = f->memory->pid;
	uint64_t threads = f->state + offsetof(struct state, threads);
	bool read = memory_read(pid, &high, threads + offsetof(struct threads, high), sizeof(high));
	f->n = high < THREADS_MAX ? high : THREADS_MAX;
	f->threads = mem_array(f->n ? f->n : 1, sizeof(*f->threads));
	read = read && memory_read(pid, f->threads, threads + offsetof(struct threads, slots),
			       f->n * sizeof(*f->threads));
	return read ? 0
		    : err_set(err, -EPERM,
			      "the memory of process %d cannot be read: that takes the right to "
			      "trace it",
			      pid);
}

static bool is_other(const struct finding *f, const struct thread *t)
{
	return atomic_load(&t->state) == THREAD_LIVE && atomic_load(&t->tid) != f->own_tid;
}

/* --- registers --- */

static uint64_t registers_at(const struct finding *f, uint32_t slot)
{
	return f->state + offsetof(struct state, threads) + offsetof(struct threads, registers) +
	       slot * sizeof(struct thread_registers);
}

static uint64_t answered(const struct finding *f, uint32_t slot)
{
	uint64_t number = 0;
	memory_read(f->memory->pid, &number,
		registers_at(f, slot) + offsetof(struct thread_registers, answered),
		sizeof(number));
	return number;
}

/* A thread that has ended since will not answer. */
static bool goes_on(const struct finding *f, uint32_t slot)
{
	struct thread now;
	uint64_t at = f->state + offsetof(struct state, threads) + offsetof(struct threads, slots) +
		      slot * sizeof(now);
	return memory_read(f->memory->pid, &now, at, sizeof(now)) &&
	       atomic_load(&now.state) == THREAD_LIVE &&
	       atomic_load(&now.tid) == atomic_load(&f->threads[slot].tid);
}

/* Those still to come, after some patience. */
static uint32_t await(const struct finding *f, uint64_t number)
{
	const struct timespec step = {0, STEP_NS};
	uint64_t until = sig_clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	for (;;) {
		uint32_t missing = 0;
		for (uint32_t i = 0; i < f->n; i++)
			missing += is_other(f, &f->threads[i]) && answered(f, i) != number &&
				   goes_on(f, i);
		if (!missing || sig_clock_ns(CLOCK_MONOTONIC) > until)
			return missing;
		sig_syscall(SYS_nanosleep, &step, 0);
	}
}

static void add_words(struct finding *f, uint32_t slot, uint64_t number)
{
	struct thread_registers r;
	struct roots *to = f->to;
	if (!memory_read(f->memory->pid, &r, registers_at(f, slot), sizeof(r)) ||
		atomic_load(&r.answered) != number)
		return;
	for (int i = 0; i < THREADS_REGISTERS; i++)
		vec_push(to->words, to->word_n, to->word_cap, r.words[i]);
}

/* Where threads cannot be asked, as where the program has taken the signal, all are silent. */
static void ask_all(struct finding *f, const struct roots_question *q)
{
	uint64_t number = recording_rate_again(f->rec, RECORDING_REGISTERS);
	bool any = false;
	for (uint32_t i = 0; i < f->n; i++)
		any |= is_other(f, &f->threads[i]);
	if (!any)
		return;
	bool asked = q->ask(q->ctx, number) == 0;
	f->to->silent = asked ? await(f, number) : f->to->others;
	for (uint32_t i = 0; i < f->n; i++)
		if (is_other(f, &f->threads[i]))
			add_words(f, i, number);
}

/* What a created thread is to be given may be nowhere but in its slot yet. */
static void add_arguments(struct finding *f)
{
	struct roots *to = f->to;
	for (uint32_t i = 0; i < f->n; i++)
		if (atomic_load(&f->threads[i].state) != THREAD_FREE)
			vec_push(to->words, to->word_n, to->word_cap, (uintptr_t)f->threads[i].arg);
}

/* --- stacks --- */

/* The stack pointer of a thread that waits in the kernel: the last but one word of what the
 * kernel says. 0: it runs, or nobody says. */
static uint64_t waiting_at(int pid, int tid)
{
	char name[64];
	struct buf text = BUF_INIT;
	snprintf(name, sizeof(name), "task/%d/syscall", tid);
	uint64_t sp = 0;
	if (memory_proc_file(pid, name, &text) == 0) {
		char *pc = strrchr(text.data, ' ');
		if (pc)
			*pc = '\0';
		char *word = pc ? strrchr(text.data, ' ') : NULL;
		sp = word ? strtoull(word, NULL, 16) : 0;
	}
	buf_release(&text);
	return sp;
}

static void leave_out_below(struct finding *f, const struct thread *t)
{
	bool own = atomic_load(&t->tid) == f->own_tid;
	uint64_t sp = own ? f->own_stack : waiting_at(f->memory->pid, atomic_load(&t->tid));
	if (sp >= t->stack_lo && sp < t->stack_hi)
		leave_out(f->to, t->stack_lo, own ? sp : (sp - RED_ZONE) & ~7ull);
}

static bool is_mapped_as_stack(const struct memory *m, uint64_t lo, uint64_t hi)
{
	for (uint32_t i = 0; i + 1 < m->n; i++) {
		const struct memory_region *guard = &m->regions[i], *r = &m->regions[i + 1];
		if (guard->end == lo)
			return !(guard->flags & MEMORY_READ) && r->start == lo && r->end >= hi &&
			       (r->flags & MEMORY_WRITE) && !(r->flags & MEMORY_FILE);
	}
	return false;
}

static bool is_in_use(const struct finding *f, const struct thread *ended)
{
	for (uint32_t i = 0; i < f->n; i++) {
		const struct thread *t = &f->threads[i];
		if (atomic_load(&t->state) != THREAD_FREE && t->stack_lo < ended->stack_hi &&
			ended->stack_lo < t->stack_hi)
			return true;
	}
	return false;
}

/* As long as it lies there as libc left it, guard and all. From the thread pointer on it stays
 * in use: libc keeps what it has allocated for threads there for the next one. */
static void leave_out_ended(struct finding *f, const struct thread *t)
{
	if (t->stack_lo < t->tcb && t->tcb < t->stack_hi &&
		is_mapped_as_stack(f->memory, t->stack_lo, t->stack_hi) && !is_in_use(f, t))
		leave_out(f->to, t->stack_lo, t->tcb);
}

static void look_at_stacks(struct finding *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		const struct thread *t = &f->threads[i];
		if (atomic_load(&t->state) == THREAD_LIVE)
			leave_out_below(f, t);
		else if (atomic_load(&t->state) == THREAD_FREE)
			leave_out_ended(f, t);
	}
}

/* --- all of it --- */

static int by_start(const void *a, const void *b)
{
	const struct roots_range *x = a, *y = b;
	return (x->start > y->start) - (x->start < y->start);
}

static void sort_out(struct roots *r)
{
	uint32_t n = 0;
	if (r->out_n)
		qsort(r->out, r->out_n, sizeof(*r->out), by_start);
	for (uint32_t i = 0; i < r->out_n; i++) {
		struct roots_range *last = n ? &r->out[n - 1] : NULL;
		if (last && r->out[i].start <= last->end)
			last->end = last->end > r->out[i].end ? last->end : r->out[i].end;
		else
			r->out[n++] = r->out[i];
	}
	r->out_n = n;
}

static uint32_t tasks_of(int pid)
{
	uint64_t n = memory_proc_status(pid, "Threads", 10);
	return n ? (uint32_t)n : UINT32_MAX / 2; /* not known: many */
}

int roots_find(struct roots *ret, const struct memory *m, const struct recording *rec,
	const struct roots_question *q, uint64_t own_stack, struct err *err)
{
	struct finding f = {.to = ret, .memory = m, .rec = rec, .own_stack = own_stack};
	*ret = (struct roots){0};
	f.state = rec->heap.table - offsetof(struct state, live);
	f.own_tid = own_stack ? sig_gettid() : 0;
	int rc = read_threads(&f, err);
	if (!rc) {
		ret->others = tasks_of(m->pid) - (own_stack != 0);
		ask_all(&f, q);
		add_arguments(&f);
		look_at_stacks(&f);
		leave_out(ret, f.state, f.state + sizeof(struct state));
		if (own_stack)
			leave_out(ret, (uintptr_t)m->buffer, (uintptr_t)m->buffer + MEMORY_BUFFER);
		sort_out(ret);
	}
	mem_free(f.threads);
	return rc;
}

void roots_release(struct roots *r)
{
	mem_free(r->out);
	mem_free(r->words);
	*r = (struct roots){0};
}
