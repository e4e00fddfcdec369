/*
 * The allocator's hooks: malloc and its family, and C++'s operator new and delete.
 *
 * Each passes on to the next definition (glibc's, or that of an allocator the program brought),
 * and, while the heap profiler is on, tells it of the block. malloc and free are a dozen
 * instructions and a jump, the same whether the profiler is on or off: malloc counts the thread's
 * bytes down, from as good as infinity where nothing is sampled; free looks at a filter of recorded
 * blocks, which may be all zero. (Rejected: asking first whether it is on, which costs more than it
 * saves, and pointers to functions for both cases, which cost a second jump each when it is on.)
 * What is rare is kept out of line, so that nothing is saved on the stack for it.
 *
 * Three traps shape this file. The loader may allocate while the next definitions are being looked
 * up: small blocks of our own answer until they are known. operator new of most C++ runtimes calls
 * malloc, but that of tcmalloc, jemalloc and mimalloc does not: a serial number tells whether
 * malloc's hook has seen the block already. And a plug-in may load its C++ runtime where the normal
 * search from here does not look: then the runtime is asked for by name.
 *
 * realloc is a free and an allocation, as in gperftools: Go has no such thing. Rejected: hooking
 * jemalloc's mallocx family, whose presence programs take as a sign that jemalloc is there; calling
 * __libc_malloc, which is wrong when the program has another allocator.
 */
#include "agent/heap.h"
#include "agent/hooks/hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CALLER __builtin_return_address(0)

/* --- what answers before the next definitions are known --- */

#define EARLY_SIZE  (64 * 1024)
#define EARLY_ALIGN 16
#define PAGE	    4096
#define LINKS	    32 /* bytes that an allocator uses of a free block: glibc's four pointers */

static _Alignas(PAGE) char early[EARLY_SIZE];
static _Atomic size_t early_used; /* 0: no block is one of these */
static void answer(void);

static bool is_early(const void *p)
{
	return (uintptr_t)p - (uintptr_t)early < EARLY_SIZE;
}

/* Zero, as everything in .bss; never given back. Its size lies before it, for realloc. */
static void *early_alloc(size_t align, size_t size)
{
	if (align < EARLY_ALIGN)
		align = EARLY_ALIGN;
	if (size > EARLY_SIZE || align > PAGE)
		return NULL;
	size_t want = (align + EARLY_ALIGN + size + EARLY_ALIGN - 1) & -(size_t)EARLY_ALIGN;
	size_t at = atomic_fetch_add(&early_used, want);
	if (at == 0)
		answer();
	if (at + want > EARLY_SIZE)
		return NULL;
	size_t p = (at + EARLY_ALIGN + align - 1) & -align;
	memcpy(&early[p - sizeof(size)], &size, sizeof(size));
	return &early[p];
}

static size_t early_size(const void *p)
{
	size_t size;
	memcpy(&size, (const char *)p - sizeof(size), sizeof(size));
	return size;
}

/* --- the next definitions --- */

static struct {
	void *(*malloc)(size_t);
	void (*free)(void *);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	size_t (*usable_size)(void *);
} next;

enum { UNKNOWN, LOOKING, KNOWN };
static _Atomic int next_state;

/* What free and realloc jump to: the next definitions; before those are known, functions that find
 * them; and where blocks of our own are about, functions that know those. */
typedef void free_fn(void *);
typedef void *realloc_fn(void *, size_t);
static free_fn free_first, free_careful;
static realloc_fn realloc_first, realloc_careful;
static struct {
	_Atomic(free_fn *) free;
	_Atomic(realloc_fn *) realloc;
} now = {free_first, realloc_first};

static free_fn free_wiping;
static _Atomic bool wiping; /* stays */

/* A block of our own given out meanwhile by another thread is seen by the last of the two. */
static void answer(void)
{
	bool careful;
	if (atomic_load(&next_state) != KNOWN)
		return;
	if (atomic_load(&wiping)) {
		atomic_store(&now.free, free_wiping);
		atomic_store(&now.realloc, realloc_careful);
		return;
	}
	do {
		careful = atomic_load(&early_used);
		atomic_store(&now.free, careful ? free_careful : next.free);
		atomic_store(&now.realloc, careful ? realloc_careful : next.realloc);
	} while (careful != (atomic_load(&early_used) != 0));
}

/* False while the loader is allocating for the search itself. */
static __attribute__((noinline, cold)) bool look_up(void)
{
	int was = UNKNOWN;
	if (!atomic_compare_exchange_strong(&next_state, &was, LOOKING))
		return was == KNOWN;
	next.free = NEXT(free);
	next.calloc = NEXT(calloc);
	next.realloc = NEXT(realloc);
	next.memalign = NEXT(memalign);
	next.aligned_alloc = NEXT(aligned_alloc);
	next.posix_memalign = NEXT(posix_memalign);
	next.valloc = NEXT(valloc);
	next.pvalloc = NEXT(pvalloc);
	next.usable_size = NEXT(malloc_usable_size);
	next.malloc = NEXT(malloc);
	atomic_store(&next_state, KNOWN);
	answer();
	return true;
}

static inline bool known(void)
{
	int state_now = atomic_load_explicit(&next_state, memory_order_acquire);
	return __builtin_expect(state_now == KNOWN, 1) || look_up();
}

/* Whether a call from anywhere ends up here is tried: a request that every allocator refuses, and
 * ours refuses by itself. (Rejected: comparing addresses, which an executable that takes malloc's
 * address, and is not position-independent, defines anew.) */
static _Atomic bool reached;

void hooks_malloc_try(void)
{
	int saved = errno;
	volatile size_t much = SIZE_MAX;
	void *volatile none = calloc(much, much);
	free(none);
	errno = saved;
}

bool hooks_malloc_reached(void)
{
	return atomic_load(&reached);
}

static __attribute__((cold)) void *too_much(void)
{
	atomic_store(&reached, true);
	errno = ENOMEM;
	return NULL;
}

/* What is left in a block of the list of free ones that it was in would look like the program's
 * pointers to what was next in it. */
static void unlink_block(void *p, size_t size)
{
	explicit_bzero(p, size < LINKS ? size : LINKS);
}

/* --- C --- */

static RARELY void *malloc_asking(size_t size, const void *caller)
{
	struct heap_request r = {size, caller};
	if (!known())
		return early_alloc(EARLY_ALIGN, size);
	bool due = heap_ask(&r);
	void *p = next.malloc(size);
	if (!p)
		return NULL;
	if (atomic_load_explicit(&wiping, memory_order_relaxed))
		unlink_block(p, size);
	if (due)
		heap_sample(p, r.size, r.caller);
	return p;
}

/* What has been counted has been known: a thread's first malloc asks. */
HOOK void *malloc(size_t size)
{
	if (heap_counted(size))
		return next.malloc(size);
	return malloc_asking(size, CALLER);
}

static inline void free_on(void *p)
{
	atomic_load_explicit(&now.free, memory_order_relaxed)(p);
}

static RARELY void free_recorded(void *p)
{
	heap_forget(p);
	free_on(p);
}

HOOK void free(void *p)
{
	if (heap_maybe_recorded(p))
		free_recorded(p);
	else
		free_on(p);
}

static void free_first(void *p)
{
	if (!is_early(p) && known())
		next.free(p);
}

static void free_careful(void *p)
{
	if (!is_early(p))
		next.free(p);
}

/* --- wiping what is freed --- */

#define LARGE ((size_t)256 << 10)

/* Large blocks may be mostly untouched: their pages are given up, where they can be (and then
 * read as zeros), not filled. */
static void wipe(void *p)
{
	size_t n = next.usable_size(p);
	uintptr_t begin = (uintptr_t)p, end = begin + n;
	uintptr_t first = (begin + PAGE - 1) & -(uintptr_t)PAGE, last = end & -(uintptr_t)PAGE;
	if (n < LARGE || sig_syscall(SYS_madvise, first, last - first, MADV_DONTNEED)) {
		explicit_bzero(p, n);
		return;
	}
	explicit_bzero(p, first - begin);
	explicit_bzero((void *)last, end - last);
}

static void free_wiping(void *p)
{
	if (!p || is_early(p))
		return;
	wipe(p);
	next.free(p);
}

/* The allocator's own realloc would leave a copy behind. */
static void *realloc_wiping(void *p, size_t size, const void *caller)
{
	void *moved = next.malloc(size);
	if (!moved)
		return NULL;
	size_t old = next.usable_size(p);
	memcpy(moved, p, old < size ? old : size);
	heap_freed(p);
	free_wiping(p);
	heap_allocated(moved, size, caller);
	return moved;
}

void hooks_malloc_wipe(void)
{
	if (!hooks_malloc_reached())
		return; /* blocks are somebody else's, of a size that only they know */
	atomic_store(&wiping, true);
	answer();
}

/* What `call` allocates, unless a hook within it has told already. */
#define TOLD(call, size, caller)                              \
	({                                                    \
		struct heap_mark mark_ = heap_mark();         \
		void *p_ = call;                              \
		if (!heap_told_since(mark_))                  \
			heap_allocated(p_, (size), (caller)); \
		p_;                                           \
	})

static __attribute__((noinline)) void *calloc_armed(
	size_t n, size_t size, size_t bytes, const void *caller)
{
	return TOLD(next.calloc(n, size), bytes, caller);
}

HOOK void *calloc(size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes))
		return too_much();
	if (!known())
		return early_alloc(EARLY_ALIGN, bytes);
	return heap_armed() ? calloc_armed(n, size, bytes, CALLER) : next.calloc(n, size);
}

static void *realloc_early(void *p, size_t size)
{
	void *moved = malloc(size);
	size_t old = early_size(p);
	if (moved)
		memcpy(moved, p, old < size ? old : size);
	return moved;
}

/* realloc(p, 0) frees, whatever it returns. */
static void *realloc_for(void *p, size_t size, const void *caller)
{
	if (p && size && atomic_load_explicit(&wiping, memory_order_relaxed))
		return realloc_wiping(p, size, caller);
	struct heap_moving m = heap_moving_begin(p);
	struct heap_mark mark = heap_mark();
	void *moved = next.realloc(p, size);
	heap_moving_end(&m, p, moved || !size);
	if (heap_armed() && !heap_told_since(mark))
		heap_allocated(moved, size, caller);
	return moved;
}

static inline bool watching(void)
{
	return __builtin_expect(atomic_load_explicit(&heap_watching, memory_order_relaxed), 0);
}

HOOK void *realloc(void *p, size_t size)
{
	if (watching() && !is_early(p))
		return realloc_for(p, size, CALLER);
	return atomic_load_explicit(&now.realloc, memory_order_relaxed)(p, size);
}

static void *realloc_careful(void *p, size_t size)
{
	return is_early(p) ? realloc_early(p, size) : next.realloc(p, size);
}

static void *realloc_first(void *p, size_t size)
{
	if (known())
		return realloc_careful(p, size);
	return is_early(p) ? realloc_early(p, size) : early_alloc(EARLY_ALIGN, size);
}

HOOK void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes))
		return too_much();
	if (is_early(p))
		return realloc_early(p, bytes);
	if (!known())
		return early_alloc(EARLY_ALIGN, bytes);
	return watching() ? realloc_for(p, bytes, CALLER) : next.realloc(p, bytes);
}

HOOK void *memalign(size_t align, size_t size)
{
	if (!known())
		return early_alloc(align, size);
	return heap_armed() ? TOLD(next.memalign(align, size), size, CALLER)
			    : next.memalign(align, size);
}

HOOK void *aligned_alloc(size_t align, size_t size)
{
	if (!known())
		return early_alloc(align, size);
	return heap_armed() ? TOLD(next.aligned_alloc(align, size), size, CALLER)
			    : next.aligned_alloc(align, size);
}

HOOK void *valloc(size_t size)
{
	if (!known())
		return early_alloc(PAGE, size);
	return heap_armed() ? TOLD(next.valloc(size), size, CALLER) : next.valloc(size);
}

HOOK void *pvalloc(size_t size)
{
	if (!known())
		return early_alloc(PAGE, size);
	return heap_armed() ? TOLD(next.pvalloc(size), size, CALLER) : next.pvalloc(size);
}

HOOK int posix_memalign(void **ret, size_t align, size_t size)
{
	if (!known()) {
		*ret = early_alloc(align, size);
		return *ret ? 0 : ENOMEM;
	}
	if (!heap_armed())
		return next.posix_memalign(ret, align, size);
	struct heap_mark mark = heap_mark();
	int rc = next.posix_memalign(ret, align, size);
	if (rc == 0 && !heap_told_since(mark))
		heap_allocated(*ret, size, CALLER);
	return rc;
}

/* --- C++: the mangled names of operator new and delete --- */

/* A runtime that only a plug-in loaded is not in the search order behind us. */
static void *runtime_operator(const char *name)
{
	static const char *const runtimes[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1"};
	void *(*find)(void *, const char *) = dlsym;
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(*runtimes); i++) {
		void *handle = dlopen(runtimes[i], RTLD_LAZY | RTLD_NOLOAD);
		void *p = handle ? find(handle, name) : NULL;
		if (handle)
			dlclose(handle);
		if (p)
			return p;
	}
	abort(); /* somebody called an operator that no loaded library defines */
}

static void *find_operator(const char *name)
{
	_Atomic(void *) slot = NULL;
	void *p = hooks_next(&slot, name);
	return p ? p : runtime_operator(name);
}

/* Of each operator: where its hook jumps to, at first a function that finds the next definition;
 * and what is jumped to where there is more to do, so that it sees the hook's caller. Stack and
 * size are the outermost operator's: new[] calls new, which may call malloc for more. */
#define OPERATOR(symbol, type, args, pass)                                             \
	HOOK type symbol args;                                                         \
	static type symbol##_first args;                                               \
	static _Atomic(__typeof__(&symbol)) symbol##_now = symbol##_first;             \
	static inline type symbol##_next args                                          \
	{                                                                              \
		return atomic_load_explicit(&symbol##_now, memory_order_relaxed) pass; \
	}                                                                              \
	static type symbol##_first args                                                \
	{                                                                              \
		atomic_store(&symbol##_now, find_operator(#symbol));                   \
		return symbol pass;                                                    \
	}

#define OPERATOR_NEW(symbol, args, pass)                                        \
	OPERATOR(symbol, void *, args, pass)                                    \
	static __attribute__((noinline)) void *symbol##_armed args              \
	{                                                                       \
		heap_begin_outer(size, CALLER);                                 \
		return TOLD(symbol##_next pass, size, CALLER);                  \
	}                                                                       \
	HOOK void *symbol args                                                  \
	{                                                                       \
		return heap_armed() ? symbol##_armed pass : symbol##_next pass; \
	}

#define OPERATOR_DELETE(symbol, args, pass)       \
	OPERATOR(symbol, void, args, pass)        \
	static RARELY void symbol##_recorded args \
	{                                         \
		heap_forget(p);                   \
		symbol##_next pass;               \
	}                                         \
	HOOK void symbol args                     \
	{                                         \
		if (heap_maybe_recorded(p))       \
			symbol##_recorded pass;   \
		else                              \
			symbol##_next pass;       \
	}

OPERATOR_NEW(_Znwm, (size_t size), (size))
OPERATOR_NEW(_Znam, (size_t size), (size))
OPERATOR_NEW(_ZnwmRKSt9nothrow_t, (size_t size, const void *tag), (size, tag))
OPERATOR_NEW(_ZnamRKSt9nothrow_t, (size_t size, const void *tag), (size, tag))
OPERATOR_NEW(_ZnwmSt11align_val_t, (size_t size, size_t align), (size, align))
OPERATOR_NEW(_ZnamSt11align_val_t, (size_t size, size_t align), (size, align))
OPERATOR_NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *tag),
	(size, align, tag))
OPERATOR_NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *tag),
	(size, align, tag))

OPERATOR_DELETE(_ZdlPv, (void *p), (p))
OPERATOR_DELETE(_ZdaPv, (void *p), (p))
OPERATOR_DELETE(_ZdlPvm, (void *p, size_t size), (p, size))
OPERATOR_DELETE(_ZdaPvm, (void *p, size_t size), (p, size))
OPERATOR_DELETE(_ZdlPvRKSt9nothrow_t, (void *p, const void *tag), (p, tag))
OPERATOR_DELETE(_ZdaPvRKSt9nothrow_t, (void *p, const void *tag), (p, tag))
OPERATOR_DELETE(_ZdlPvSt11align_val_t, (void *p, size_t align), (p, align))
OPERATOR_DELETE(_ZdaPvSt11align_val_t, (void *p, size_t align), (p, align))
OPERATOR_DELETE(_ZdlPvmSt11align_val_t, (void *p, size_t size, size_t align), (p, size, align))
OPERATOR_DELETE(_ZdaPvmSt11align_val_t, (void *p, size_t size, size_t align), (p, size, align))
OPERATOR_DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *p, size_t align, const void *tag),
	(p, align, tag))
OPERATOR_DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *p, size_t align, const void *tag),
	(p, align, tag))
