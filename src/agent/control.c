/*
 * Starting and stopping; see control.h.
 */
#include "agent/control.h"

#include "agent/cpu.h"
#include "agent/hooks/hooks.h"
#include "agent/hooks/threads.h"
#include "agent/modules.h"
#include "agent/session.h"
#include "unwind/unwind.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
	int rc = state_init();
	if (!rc)
		rc = unwind_init();
	if (rc >= 0)
		rc = hooks_threads_init();
	if (rc < 0)
		return rc;
	pthread_atfork(NULL, NULL, after_fork_child);
	control.ready = true;
	return 0;
}

static uint64_t kernel_tick_ns(void)
{
	struct timespec res = {0};
	clock_getres(CLOCK_MONOTONIC_COARSE, &res);
	return (uint64_t)res.tv_nsec;
}

static void describe(struct recording *rec, unsigned hz, bool from_birth)
{
	rec->pid = (uint32_t)sig_getpid();
	rec->hz = hz;
	rec->period_ns = 1000000000u / hz;
	rec->start_realtime_ns = sig_clock_ns(CLOCK_REALTIME);
	rec->start_monotonic_ns = sig_clock_ns(CLOCK_MONOTONIC);
	rec->cpu_start_ns = from_birth ? 0 : cpu_clock_process();
	sig_syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", rec->exe, sizeof(rec->exe) - 1);
}

/* --- threads --- */

/* pthread_getattr_np allocates; here, on the thread itself and with no lock held, it may. */
static void note_stack(struct thread *t)
{
	pthread_attr_t attr;
	void *lo;
	size_t size;
	t->stack_lo = t->stack_hi = 0;
	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	if (!pthread_attr_getstack(&attr, &lo, &size)) {
		t->stack_lo = (uintptr_t)lo;
		t->stack_hi = (uintptr_t)lo + size;
	}
	pthread_attr_destroy(&attr);
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
	cpu_arm(rec, t, tid, base_ns);
}

struct thread *control_thread_created(void *(*start)(void *), void *arg)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return NULL;
	struct thread *t = threads_claim(&state->threads);
	if (t) {
		t->hooked = true;
		t->masked = hooks_sigprof_masked();
		t->farewells = 0;
		t->labels = 0;
		t->start = start;
		t->arg = arg;
	} else {
		recording_count(&rec->threads_untabled, 1);
	}
	state_leave(token);
	control_refresh();
	return t;
}

void control_thread_not_created(struct thread *thread)
{
	threads_release(&state->threads, thread);
}

void control_thread_begins(struct thread *thread)
{
	unsigned token;
	atomic_store(&thread->cpu.timer, -1);
	note_stack(thread);
	struct recording *rec = state_enter(&token);
	if (!rec) {
		threads_publish(&state->threads, thread, sig_gettid());
		return;
	}
	hooks_sigprof_unblock(thread->masked);
	enter_registry(rec, thread, 0);
	state_leave(token);
}

/* The slot is the thread's until here, whatever was started or stopped in between; but not in a
 * child that the thread made by fork. */
void control_thread_ends(struct thread *thread)
{
	if (atomic_load(&thread->tid) != sig_gettid() || !threads_retire(&state->threads, thread))
		return;
	cpu_settle(thread);
	threads_release(&state->threads, thread);
	control_refresh();
}

/* --- recording --- */

static int enter_self(struct recording *rec, uint64_t base_ns)
{
	hooks_sigprof_unblock(hooks_sigprof_masked());
	struct thread *t = threads_find(&state->threads, sig_gettid());
	if (t) {
		note_stack(t);
		return 0;
	}
	t = threads_claim(&state->threads);
	if (!t)
		return -EAGAIN;
	t->hooked = false;
	t->labels = 0;
	note_stack(t);
	enter_registry(rec, t, base_ns);
	return 0;
}

/* Threads the registry knows from an earlier recording. */
static void arm_known(struct recording *rec)
{
	uint32_t high = atomic_load(&state->threads.high);
	for (uint32_t i = 0; i < high; i++) {
		struct thread *t = &state->threads.slots[i];
		if (atomic_load(&t->state) != THREAD_LIVE || atomic_load(&t->cpu.timer) >= 0)
			continue;
		int tid = atomic_load(&t->tid);
		recording_count(&rec->threads, 1);
		cpu_arm(rec, t, tid, cpu_clock_thread(tid));
	}
}

static int start(struct recording *rec, unsigned hz, bool from_birth)
{
	if (hz < 1 || hz > CPU_HZ_MAX)
		return -EINVAL;
	if (atomic_load(&state->recording))
		return -EBUSY;
	int rc = hooks_sigprof_install();
	if (rc)
		return rc;
	describe(rec, hz, from_birth);
	state->period_ns = rec->period_ns;
	state->tick_ns = kernel_tick_ns();
	atomic_store(&state->walkers_free, ~0ull);
	state->balance = (struct balance){0};
	update_modules(rec);
	atomic_store(&state->recording, rec);
	rc = enter_self(rec, from_birth ? 0 : cpu_clock_thread(0));
	if (rc) {
		atomic_store(&state->recording, NULL);
		return rc;
	}
	arm_known(rec);
	cpu_look(rec, true);
	return 0;
}

int control_start(struct recording *rec, unsigned hz, bool from_birth)
{
	int rc = control_init();
	if (rc)
		return rc;
	sig_lock(&control.lock);
	rc = start(rec, hz, from_birth);
	sig_unlock(&control.lock);
	return rc;
}

bool control_is_recording(void)
{
	return state && atomic_load(&state->recording);
}

static void note_end(struct recording *rec)
{
	atomic_store(&rec->displaced, !hooks_sigprof_is_ours());
	atomic_store(&rec->cpu_end_ns, cpu_clock_process());
	atomic_store(&rec->end_monotonic_ns, sig_clock_ns(CLOCK_MONOTONIC));
}

void control_finish(void)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return;
	control_modules_changed();
	control_refresh();
	cpu_close(rec);
	note_end(rec);
	state_leave(token);
}

struct recording *control_stop(void)
{
	if (!state)
		return NULL;
	sig_lock(&control.lock);
	struct recording *rec = atomic_load(&state->recording);
	if (rec) {
		control_finish();
		uint32_t high = atomic_load(&state->threads.high);
		for (uint32_t i = 0; i < high; i++)
			cpu_disarm(&state->threads.slots[i]);
		if (!state_retract(&rec))
			recording_count(&rec->deferred, 1);
	}
	sig_unlock(&control.lock);
	return rec;
}
