/*
 * Starting and stopping; see control.h.
 */
#include "agent/control.h"

#include "agent/capture.h"
#include "agent/contention.h"
#include "agent/cpu.h"
#include "agent/custom.h"
#include "agent/heap.h"
#include "agent/hooks/hooks.h"
#include "agent/hooks/threads.h"
#include "agent/kinds.h"
#include "agent/modules.h"
#include "agent/session.h"
#include "agent/trace.h"
#include "agent/wall.h"
#include "unwind/unwind.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CALL_STEP_NS 200000 /* between looks whether all threads have answered */
#define CALL_STEPS   50	    /* until they are called again */
#define CALLS	     200

static struct {
	struct sig_lock lock; /* starting and stopping */
	struct sig_lock modules_lock;
	_Atomic bool modules_changed;
	bool ready;
} control;

/* --- modules --- */

void control_modules_changed(void)
{
	unwind_loader_used();
	atomic_store_explicit(&control.modules_changed, true, memory_order_relaxed);
}

static void update_modules(struct recording *rec)
{
	if (unwind_refresh() > 0 || !atomic_load(&rec->layout))
		modules_update(rec);
}

/* By trylock: whoever holds it may be waiting for the loader's lock, which we may hold. */
void control_refresh(void)
{
	if (!atomic_load_explicit(&control.modules_changed, memory_order_relaxed))
		return;
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return;
	if (sig_trylock(&control.modules_lock)) {
		atomic_store(&control.modules_changed, false);
		update_modules(rec);
		sig_unlock(&control.modules_lock);
	}
	state_leave(token);
}

/* --- preparing --- */

/* The kernel has wiped the state; what remains are statics. */
static void after_fork_child(void)
{
	sig_lock_reset(&control.lock);
	sig_lock_reset(&control.modules_lock);
	hooks_after_fork_child();
	waits_after_fork_child();
	contention_after_fork_child();
	custom_after_fork_child();
	heap_after_fork_child();
	trace_after_fork_child();
	wall_after_fork_child();
	unwind_after_fork_child();
}

/* ThreadSanitizer holds signals back until it sees fit, and watches memory it takes for its own. */
extern void __tsan_init(void) __attribute__((weak));

/* Whether a module's notes hold the one of Go's linker. */
static int has_go_note(struct dl_phdr_info *info, size_t size, void *ctx)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		if (segment->p_type != PT_NOTE)
			continue;
		const char *at = (const char *)(info->dlpi_addr + segment->p_vaddr);
		const char *end = at + segment->p_memsz;
		while ((size_t)(end - at) >= sizeof(ElfW(Nhdr)) + 4) {
			const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
			if (note->n_namesz == 4 && memcmp(note + 1, "Go\0", 4) == 0)
				return 1;
			size_t whole = sizeof(*note) + ((note->n_namesz + 3u) & ~3u) +
				       ((note->n_descsz + 3u) & ~3u);
			if (whole > (size_t)(end - at))
				break;
			at += whole;
		}
	}
	return 0;
}

int control_init(void)
{
	if (control.ready)
		return 0;
	if (__tsan_init)
		return -ENOTSUP;
	if (dl_iterate_phdr(has_go_note, NULL))
		return -ENOEXEC;
	hooks_locks_init();
	int rc = state_init();
	if (!rc)
		rc = unwind_init();
	if (rc >= 0)
		rc = hooks_threads_init();
	if (rc < 0)
		return rc;
	heap_init();
	pthread_atfork(NULL, NULL, after_fork_child);
	control.ready = true;
	return 0;
}

static void describe(struct recording *rec)
{
	rec->pid = (uint32_t)sig_getpid();
	rec->start_realtime_ns = sig_clock_ns(CLOCK_REALTIME);
	rec->start_monotonic_ns = sig_clock_ns(CLOCK_MONOTONIC);
	rec->wishes.token = sig_hash(rec->start_realtime_ns ^ (uintptr_t)rec) | 1;
	sig_syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", rec->exe, sizeof(rec->exe) - 1);
}

/* --- threads --- */

static void ask_for_stack(struct thread *t)
{
	pthread_attr_t attr;
	void *lo;
	size_t size;
	t->stack_lo = t->stack_hi = 0;
	t->tcb = (uintptr_t)__builtin_thread_pointer();
	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	if (!pthread_attr_getstack(&attr, &lo, &size)) {
		t->stack_lo = (uintptr_t)lo;
		t->stack_hi = (uintptr_t)lo + size;
	}
	pthread_attr_destroy(&attr);
}

/* What only the thread itself can say. pthread_getattr_np allocates; here, on the thread itself and
 * with no lock held, it may. */
static void note_stack(struct thread *t)
{
	t->life.handle = (uint64_t)pthread_self();
	heap_quiet_begin();
	ask_for_stack(t);
	heap_quiet_end();
}

/* The calling thread's slot. It is checked before use: a fork's child finds it wiped. */
_Thread_local struct thread *control_known_self __attribute__((tls_model("initial-exec")));
static _Thread_local bool ending __attribute__((tls_model("initial-exec")));
static _Thread_local bool hidden __attribute__((tls_model("initial-exec")));
static _Thread_local unsigned hiding __attribute__((tls_model("initial-exec")));

void control_hide_begin(void)
{
	hiding++;
	heap_quiet_begin();
}

void control_hide_end(void)
{
	hiding--;
	heap_quiet_end();
}

static void enter_registry(struct recording *rec, struct thread *t, uint64_t base_ns)
{
	int tid = sig_gettid();
	struct thread *scanned = threads_find(&state->threads, tid);
	if (scanned && threads_retire(&state->threads, scanned)) {
		cpu_disarm(scanned); /* a look through /proc was faster than the hook */
		threads_release(&state->threads, scanned);
	}
	recording_count(&rec->threads, 1);
	threads_publish(&state->threads, t, tid);
	control_known_self = t;
	wall_begin(t, tid);
	cpu_arm(rec, t, tid, base_ns);
}

static struct thread *find_self(void)
{
	unsigned token;
	struct recording *rec = ending || hidden ? NULL : state_enter(&token);
	if (!rec)
		return NULL;
	struct thread *t = threads_find(&state->threads, sig_gettid());
	if (!t && (t = threads_claim(&state->threads))) {
		t->hooked = false;
		t->stack_lo = t->stack_hi = 0;
		enter_registry(rec, t, cpu_clock_thread(0));
	}
	control_known_self = t;
	state_leave(token);
	return t;
}

struct thread *control_self(void)
{
	struct thread *t = control_known_self;
	if (t && atomic_load_explicit(&t->state, memory_order_relaxed) == THREAD_LIVE)
		return t;
	return find_self();
}

/* Go's threadcreate profile: one more on the stack that creates. */
static void note_creation(struct recording *rec, struct thread *t, const void *caller)
{
	struct thread *creator = control_self();
	struct recording_stack *s = capture_intern(rec, creator, caller, 0);
	uint32_t labels = creator ? atomic_load(&creator->labels) : 0;
	struct recording_count *c =
		s ? stacks_count(rec, s, RECORDING_THREADCREATE, labels, 0, 1) : NULL;
	recording_count(c ? &c->values[0] : &rec->lost[RECORDING_THREADCREATE], 1);
	atomic_store(&t->creator, s ? recording_ref(rec, s) : 0);
	atomic_store(&t->labels, labels);
	t->life.creator = creator ? atomic_load(&creator->tid) : 0;
	if (creator && trace_on())
		trace_created(creator, t, s);
}

struct thread *control_thread_created(void *(*start)(void *), void *arg, const void *caller)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return NULL;
	struct thread *t = threads_claim(&state->threads);
	if (t) {
		t->hooked = true;
		t->hidden = hiding > 0;
		t->masked = hooks_sigprof_masked();
		t->farewells = 0;
		t->start = start;
		t->arg = arg;
		if (t->hidden)
			atomic_fetch_add(&state->hidden_coming, 1);
		else
			note_creation(rec, t, caller);
	} else {
		recording_count(&rec->threads_untabled, 1);
	}
	state_leave(token);
	control_refresh();
	return t;
}

void control_thread_not_created(struct thread *thread)
{
	if (thread->hidden)
		atomic_fetch_sub(&state->hidden_coming, 1);
	threads_release(&state->threads, thread);
}

/* In the registry all the same, so that nobody takes it for a thread that was not announced. It has
 * no timer, no account and no record of waits. */
static void begin_hidden(struct thread *thread)
{
	hidden = true;
	control_hide_begin();
	thread->wall.begin_ns = 0;
	thread->cpu.base_ns = 0;
	threads_publish(&state->threads, thread, sig_gettid());
	atomic_fetch_sub(&state->hidden_coming, 1);
}

void control_thread_begins(struct thread *thread)
{
	unsigned token;
	if (thread->hidden) {
		begin_hidden(thread);
		return;
	}
	note_stack(thread);
	thread->life.born_ns = sig_clock_ns(CLOCK_MONOTONIC);
	struct recording *rec = state_enter(&token);
	if (!rec) {
		threads_publish(&state->threads, thread, sig_gettid());
		control_known_self = thread;
		return;
	}
	hooks_sigprof_unblock(thread->masked);
	enter_registry(rec, thread, 0);
	if (trace_on())
		trace_began(thread);
	state_leave(token);
}

static void settle_end(struct thread *thread)
{
	unsigned token;
	struct recording *rec = wall_on() ? state_enter(&token) : NULL;
	if (!rec)
		return;
	wall_end(rec, thread);
	state_leave(token);
}

/* Those whose threads the kernel has no more. (CPU profiles find them too, by cpu_look().) */
static void release_hidden(void)
{
	uint32_t high = atomic_load(&state->threads.high);
	int pid = sig_getpid();
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		if (atomic_load(&t->state) != THREAD_LIVE || !t->hidden || t->hooked)
			continue;
		if (sig_syscall(SYS_tgkill, pid, atomic_load(&t->tid), 0) == -ESRCH &&
			threads_retire(&state->threads, t))
			threads_release(&state->threads, t);
	}
}

/* What libc does at the end of a thread would show under a slot of its own: a hidden thread
 * keeps the one that it has until it is gone, as one whose end is noticed by a look. */
static void end_hidden(struct thread *thread)
{
	cpu_settle(thread);
	release_hidden();
	thread->hooked = false;
}

/* The slot is the thread's until here, whatever was started or stopped in between; but not in a
 * child that the thread made by fork. */
void control_thread_ends(struct thread *thread)
{
	if (atomic_load(&thread->tid) != sig_gettid())
		return;
	if (thread->hidden) {
		end_hidden(thread);
		return;
	}
	if (trace_on())
		trace_ended(thread);
	if (!threads_retire(&state->threads, thread))
		return;
	waits_clear(&thread->wait);
	contention_forget(thread);
	cpu_settle(thread);
	settle_end(thread);
	control_known_self = NULL;
	ending = true;
	threads_release(&state->threads, thread);
	control_refresh();
}

/* --- recording --- */

static int enter_self(struct recording *rec)
{
	hooks_sigprof_unblock(hooks_sigprof_masked());
	struct thread *t = control_self();
	if (!t)
		return -EAGAIN;
	note_stack(t);
	return 0;
}

static int open_locked(struct recording *rec)
{
	if (atomic_load(&state->recording))
		return -EBUSY;
	describe(rec);
	/* Where the program has SIGPROF for itself, it is the CPU profile that will say so. */
	hooks_sigprof_install();
	atomic_store(&state->walkers_free, ~0ull);
	update_modules(rec);
	atomic_store(&rec->rates.of[RECORDING_THREADCREATE], 1);
	atomic_store(&state->recording, rec);
	int rc = enter_self(rec);
	if (rc)
		atomic_store(&state->recording, NULL);
	return rc;
}

int control_open(struct recording *rec)
{
	int rc = control_init();
	if (rc)
		return rc;
	sig_lock(&control.lock);
	rc = open_locked(rec);
	sig_unlock(&control.lock);
	return rc;
}

bool control_is_recording(void)
{
	return state && atomic_load(&state->recording);
}

/* --- kinds --- */

static const struct kind *const kinds[RECORDING_KINDS] = {
	[RECORDING_BLOCK] = &block_kind,
	[RECORDING_CPU] = &cpu_kind,
	[RECORDING_GOROUTINE] = &goroutine_kind,
	[RECORDING_MUTEX] = &mutex_kind,
	[RECORDING_HEAP] = &heap_kind,
	[RECORDING_REGISTERS] = &registers_kind,
	[RECORDING_TRACE] = &trace_kind,
	[RECORDING_WALL] = &wall_kind,
};

static bool is_kind(enum recording_kind kind)
{
	return kind > 0 && kind < RECORDING_KINDS && kinds[kind];
}

static bool settles(enum recording_kind kind)
{
	return is_kind(kind) && kinds[kind]->settle;
}

static int set_rate(struct recording *rec, enum recording_kind kind, uint64_t rate)
{
	int rc = kinds[kind]->set(rec, rate);
	if (!rc)
		atomic_store(&rec->rates.of[kind], rate);
	return rc;
}

int control_set_rate(enum recording_kind kind, uint64_t rate)
{
	if (!is_kind(kind))
		return -EINVAL;
	if (!state)
		return -ENOENT;
	sig_lock(&control.lock);
	struct recording *rec = atomic_load(&state->recording);
	bool as_it_is = rec && settles(kind) && rate == atomic_load(&rec->rates.of[kind]);
	if (rec)
		control_round_begin(rec, kind);
	int rc = !rec ? -ENOENT : as_it_is ? 0 : set_rate(rec, kind, rate);
	sig_unlock(&control.lock);
	if (as_it_is)
		control_settle(kind);
	return rc;
}

int control_set_cpu_from_birth(uint64_t hz)
{
	sig_lock(&control.lock);
	struct recording *rec = atomic_load(&state->recording);
	int rc = rec ? cpu_start(rec, hz, true) : -ENOENT;
	sig_unlock(&control.lock);
	return rc;
}

uint64_t control_rate(enum recording_kind kind)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return 0;
	uint64_t rate = atomic_load(&rec->rates.of[kind]);
	state_leave(token);
	return rate;
}

static void settle(struct recording *rec, enum recording_kind kind)
{
	if (settles(kind) && atomic_load(&rec->rates.of[kind]))
		kinds[kind]->settle(rec);
}

static uint32_t round_of(uint64_t called)
{
	return (uint32_t)(called >> 32);
}

void control_round_begin(struct recording *rec, enum recording_kind kind)
{
	_Atomic uint64_t *called = &rec->called[kind];
	uint64_t before = atomic_load(called);
	while (!atomic_compare_exchange_weak(
		called, &before, ((uint64_t)round_of(before) + 1) << 32))
		;
}

/* One of those called in the round is not to be waited for any more. */
static void count_answer(struct recording *rec, enum recording_kind kind, uint32_t round)
{
	_Atomic uint64_t *called = &rec->called[kind];
	uint64_t before = atomic_load(called);
	while (round_of(before) == round && (uint32_t)before &&
		!atomic_compare_exchange_weak(called, &before, before - 1))
		;
}

static int send_call(int tid, uintptr_t token)
{
	siginfo_t info = {.si_signo = SIGPROF, .si_code = SI_QUEUE};
	int pid = sig_getpid();
	info.si_pid = pid;
	info.si_value.sival_ptr = (void *)token;
	return (int)sig_syscall(SYS_rt_tgsigqueueinfo, pid, tid, SIGPROF, &info);
}

/* What the signal of a call carries. A poke's is the recording's own token. */
static uintptr_t call_token(const struct recording *rec, enum recording_kind kind)
{
	return (uintptr_t)rec->wishes.token + kind;
}

void control_call(struct recording *rec, struct thread *thread, enum recording_kind kind)
{
	if (!recording_send_begin(rec))
		return;
	uint32_t round = round_of(atomic_fetch_add(&rec->called[kind], 1));
	if (atomic_exchange(&thread->called[kind], round) == round)
		count_answer(rec, kind, round); /* it is counted already */
	if (send_call(atomic_load(&thread->tid), call_token(rec, kind)))
		count_answer(rec, kind, round); /* it has ended, or too many are queued */
	recording_send_end(rec);
}

bool control_round_end(const struct recording *rec, enum recording_kind kind)
{
	struct timespec step = {0, CALL_STEP_NS};
	for (int i = 0; i < CALL_STEPS && recording_called(rec, kind); i++)
		sig_syscall(SYS_nanosleep, &step, 0);
	return !recording_called(rec, kind);
}

/* The goroutine profile is of the moment: what is settled is the next snapshot. */
static void settle_snapshot(struct recording *rec)
{
	set_rate(rec, RECORDING_GOROUTINE, recording_rate_again(rec, RECORDING_GOROUTINE));
}

/* Those that have not answered are called again, where the kind can. */
static void await_called(struct recording *rec, enum recording_kind kind)
{
	for (int i = 0; !control_round_end(rec, kind) && settles(kind) && i < CALLS; i++) {
		sig_lock(&control.lock);
		control_round_begin(rec, kind);
		settle(rec, kind);
		sig_unlock(&control.lock);
	}
}

void control_settle(enum recording_kind kind)
{
	unsigned token;
	struct recording *rec = is_kind(kind) ? state_enter(&token) : NULL;
	if (!rec)
		return;
	sig_lock(&control.lock);
	control_round_begin(rec, kind);
	if (kind == RECORDING_GOROUTINE)
		settle_snapshot(rec);
	else
		settle(rec, kind);
	sig_unlock(&control.lock);
	await_called(rec, kind);
	state_leave(token);
}

void control_await_called(enum recording_kind kind)
{
	unsigned token;
	struct recording *rec = is_kind(kind) ? state_enter(&token) : NULL;
	if (!rec)
		return;
	await_called(rec, kind);
	state_leave(token);
}

/* --- wishes of another process --- */

static void grant(struct recording *rec, uint32_t asked)
{
	for (int kind = 1; kind < RECORDING_KINDS; kind++) {
		control_round_begin(rec, kind);
		uint64_t rate = atomic_load(&rec->rates.of[kind]);
		uint64_t wanted = atomic_load(&rec->wishes.wanted.of[kind]);
		if (!kinds[kind] || wanted == rate)
			settle(rec, kind);
		else if (set_rate(rec, kind, wanted))
			atomic_store(&rec->wishes.wanted.of[kind], rate); /* it is told so */
	}
	atomic_store(&rec->wishes.answered, asked);
}

/* The lock may be held by the very code that was interrupted: then the next poke finds it free. */
static void answer_poke(struct recording *rec)
{
	uint32_t asked = atomic_load(&rec->wishes.asked);
	if (atomic_load(&rec->wishes.answered) != asked && sig_trylock(&control.lock)) {
		grant(rec, asked);
		sig_unlock(&control.lock);
	}
}

/* What a signal of ours calls for; RECORDING_KINDS: nothing. */
static enum recording_kind called_kind(const struct recording *rec, uintptr_t carried)
{
	for (enum recording_kind kind = 1; kind < RECORDING_KINDS; kind++)
		if (kinds[kind] && kinds[kind]->answer && carried == call_token(rec, kind))
			return kind;
	return RECORDING_KINDS;
}

bool control_is_token(const siginfo_t *info)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return false;
	uintptr_t carried = (uintptr_t)info->si_value.sival_ptr;
	bool ours = carried == rec->wishes.token || called_kind(rec, carried) < RECORDING_KINDS;
	state_leave(token);
	return ours;
}

/* The round is taken before the answer is given: what is asked meanwhile is another call. */
static void answer_call(struct recording *rec, enum recording_kind kind, const ucontext_t *context)
{
	struct thread *t = threads_find(&state->threads, sig_gettid());
	if (!t)
		return;
	uint32_t round = atomic_exchange(&t->called[kind], 0);
	if (kinds[kind]->answer(rec, t, context))
		count_answer(rec, kind, round);
}

static bool answer(struct recording *rec, uintptr_t carried, const ucontext_t *context)
{
	enum recording_kind kind = called_kind(rec, carried);
	if (carried == rec->wishes.token)
		answer_poke(rec);
	else if (kind < RECORDING_KINDS)
		answer_call(rec, kind, context);
	else
		return false;
	return true;
}

bool control_queued(const siginfo_t *info, const ucontext_t *context)
{
	unsigned token;
	if (info->si_code != SI_QUEUE)
		return false;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return false;
	uintptr_t carried = (uintptr_t)info->si_value.sival_ptr;
	bool ours = answer(rec, carried, context);
	state_leave(token);
	return ours;
}

/* --- ending --- */

static void note_end(struct recording *rec)
{
	atomic_store(&rec->displaced, !hooks_sigprof_is_ours());
	atomic_store(&rec->cpu_end_ns, cpu_clock_process());
	atomic_store(&rec->end_monotonic_ns, sig_clock_ns(CLOCK_MONOTONIC));
}

static void finish_kinds(struct recording *rec)
{
	for (int kind = 1; kind < RECORDING_KINDS; kind++)
		if (kinds[kind] && kinds[kind]->finish && atomic_load(&rec->rates.of[kind]))
			kinds[kind]->finish(rec);
}

void control_finish(void)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return;
	control_modules_changed();
	control_refresh();
	finish_kinds(rec);
	note_end(rec);
	state_leave(token);
}

static void switch_off(struct recording *rec)
{
	for (int kind = 1; kind < RECORDING_KINDS; kind++)
		if (kinds[kind])
			kinds[kind]->set(rec, 0); /* the header keeps the rate it was taken at */
}

static void forget(void)
{
	for (int kind = 1; kind < RECORDING_KINDS; kind++)
		if (kinds[kind] && kinds[kind]->forget)
			kinds[kind]->forget();
}

struct recording *control_close(void)
{
	if (!state)
		return NULL;
	sig_lock(&control.lock);
	struct recording *rec = atomic_load(&state->recording);
	if (rec) {
		control_finish();
		switch_off(rec);
		if (!state_retract(&rec))
			recording_count(&rec->deferred, 1);
		forget();
	}
	sig_unlock(&control.lock);
	return rec;
}
