/*
 * Walking and interning; see capture.h.
 */
#include "agent/capture.h"

#include "unwind/unwind.h"

#include <string.h>
#include <sys/auxv.h>

#define OWN_FRAMES_MAX 16 /* between a walk and the hook's caller */

_Static_assert((int)RECORDING_END_COUNT == (int)UNWIND_END_COUNT &&
		       (int)RECORDING_END_FAULT == (int)UNWIND_END_FAULT,
	"a recording names the ends of walks as the unwinder does");

static int walker_take(void)
{
	uint64_t taken = atomic_load_explicit(&state->walkers_free, memory_order_relaxed);
	while (taken) {
		int i = __builtin_ctzll(taken);
		if (atomic_compare_exchange_weak(
			    &state->walkers_free, &taken, taken & ~(1ull << i)))
			return i;
	}
	return -1;
}

/* The array to walk into; NULL: all are in use. */
static uintptr_t *begin(struct capture *c)
{
	c->walker = walker_take();
	return c->walker < 0 ? NULL : state->walkers[c->walker].pcs;
}

static const struct unwind_stack *bounds_of(const struct thread *thread, struct unwind_stack *room)
{
	if (!thread || !thread->stack_hi)
		return NULL;
	*room = (struct unwind_stack){thread->stack_lo, thread->stack_hi};
	return room;
}

bool capture_context(struct capture *c, const struct thread *thread, const ucontext_t *context)
{
	struct unwind_stack room;
	uintptr_t *pcs = begin(c);
	if (!pcs)
		return false;
	enum unwind_end end = UNWIND_END_ROOT;
	size_t n = unwind_walk(context, bounds_of(thread, &room), pcs, RECORDING_STACK_MAX, &end);
	c->stack = (struct captured){pcs, n, RECORDING_LEAF_EXACT, (uint8_t)end};
	return true;
}

/* How many frames are ours; 0 if the caller is not met, which only a broken walk does. */
static size_t own_frames(const uintptr_t *pcs, size_t n, const void *caller)
{
	for (size_t i = 0; i < n && i < OWN_FRAMES_MAX; i++)
		if (pcs[i] == (uintptr_t)caller)
			return i;
	return 0;
}

/* What a hook's walk is to show: from its caller on, with `leaf` before it if it is not 0. */
static struct captured cut(
	uintptr_t *pcs, size_t n, const void *caller, uintptr_t leaf, enum unwind_end end)
{
	size_t own = own_frames(pcs, n, caller);
	if (leaf && own)
		pcs[--own] = leaf + 1; /* as a return address, which is looked up one byte before */
	return (struct captured){pcs + own, n - own, 0, (uint8_t)end};
}

__attribute__((noinline)) bool capture_here(
	struct capture *c, const struct thread *thread, const void *caller, uintptr_t leaf)
{
	struct unwind_stack room;
	uintptr_t *pcs = begin(c);
	if (!pcs)
		return false;
	enum unwind_end end = UNWIND_END_ROOT;
	size_t n = unwind_here(bounds_of(thread, &room), 0, pcs, RECORDING_STACK_MAX, &end);
	c->stack = cut(pcs, n, caller, leaf, end);
	return true;
}

static struct captured walk_wait(uintptr_t *pcs, struct thread *thread, const struct wait *wait)
{
	struct unwind_stack room;
	enum unwind_end end = UNWIND_END_ROOT;
	size_t n = unwind_walk_saved(
		&wait->at, bounds_of(thread, &room), pcs, RECORDING_STACK_MAX, &end);
	return cut(pcs, n, wait->what.caller, wait->what.leaf, end);
}

bool capture_wait(struct capture *c, struct thread *thread, struct wait_what *ret_what,
	uint64_t *ret_since_ns)
{
	uintptr_t *pcs = begin(c);
	if (!pcs)
		return false;
	bool waits = waits_pin(&thread->wait);
	if (waits) {
		*ret_what = thread->wait.what;
		*ret_since_ns = thread->wait.since_ns;
		c->stack = walk_wait(pcs, thread, &thread->wait);
		waits_unpin(&thread->wait);
	}
	if (!waits)
		capture_done(c);
	return waits;
}

void capture_done(struct capture *c)
{
	atomic_fetch_or(&state->walkers_free, 1ull << c->walker);
}

struct recording_stack *capture_intern(
	struct recording *rec, const struct thread *thread, const void *caller, uintptr_t leaf)
{
	struct capture c;
	if (!capture_here(&c, thread, caller, leaf))
		return NULL;
	struct recording_stack *s = stacks_intern(rec, &c.stack);
	capture_done(&c);
	return s;
}

static uintptr_t root_of(const struct thread *t)
{
	if (atomic_load(&t->tid) == sig_getpid())
		return getauxval(AT_ENTRY);
	return t->hooked ? (uintptr_t)t->start : 0;
}

struct recording_stack *capture_root(struct recording *rec, const struct thread *thread)
{
	uintptr_t start = root_of(thread);
	const struct captured root = {&start, 1, RECORDING_LEAF_EXACT, RECORDING_END_ROOT};
	return start ? stacks_intern(rec, &root) : NULL;
}

/* Whether the thread was interrupted in a system call: behind the instruction that makes it, or
 * at it where the kernel will make the call again. */
bool capture_in_syscall(uintptr_t pc)
{
#if defined(__x86_64__)
	static const unsigned char call[] = {0x0f, 0x05};
#elif defined(__aarch64__)
	static const unsigned char call[] = {0x01, 0x00, 0x00, 0xd4};
#endif
	unsigned char code[2 * sizeof(call)];
	bool behind = true, at = true;
	if (!sig_peek(code, pc - sizeof(call), sizeof(code)))
		return false;
	for (size_t i = 0; i < sizeof(call); i++) {
		behind &= code[i] == call[i];
		at &= code[sizeof(call) + i] == call[i];
	}
	return behind || at;
}
