/*
 * Counting calls to the allocator, exactly, for B/op and allocs/op.
 *
 * While a benchmark that asked is running, the slots through which each loaded object (the program,
 * libc, libstdc++, ...) calls malloc and its family are pointed at counting functions, and put back
 * afterwards. So it works with whatever allocator is loaded, sees the calls made inside libc and
 * C++'s operator new, and when it is off there is nothing: not a branch. (Rejected: defining malloc
 * in the library, which costs every benchmark a jump and a branch a call, and collides with
 * allocators and sanitizers that define it too. Rejected: mallinfo2(), which counts neither calls
 * nor other allocators.)
 *
 * An allocator linked statically into the program is called without a slot and cannot be counted;
 * allocs_start() says so. realloc() counts as an allocation of the new size, as growing a slice
 * does in Go. free() is not counted, so it is not touched.
 *
 * Counts are kept in a few cache lines picked by thread, with atomic adds: exact, and cheap enough
 * when many threads allocate.
 */
#include "bench/internal.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#define IS_SLOT(type)	 ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT)
#define IS_POINTER(type) ((type) == R_X86_64_64)
#elif defined(__aarch64__)
#define IS_SLOT(type)	 ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT)
#define IS_POINTER(type) ((type) == R_AARCH64_ABS64)
#else
#error "bench/allocs.c knows the relocations of x86-64 and aarch64 only"
#endif

#define SHARDS 16

static struct shard {
	_Alignas(64) uint64_t calls;
	uint64_t bytes;
} shards[SHARDS];

static _Thread_local struct shard *my_shard;
static _Thread_local unsigned depth; /* inside the allocator, or the harness at work */
static unsigned next_shard;

static void count(size_t bytes)
{
	if (!my_shard)
		my_shard = &shards[__atomic_fetch_add(&next_shard, 1, __ATOMIC_RELAXED) % SHARDS];
	__atomic_fetch_add(&my_shard->calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&my_shard->bytes, bytes, __ATOMIC_RELAXED);
}

/* The allocator's own functions, by index into `hooks`. */
enum {
	MALLOC,
	CALLOC,
	REALLOC,
	ALIGNED_ALLOC,
	MEMALIGN,
	POSIX_MEMALIGN,
	VALLOC,
	PVALLOC,
	NEW,
	NEW_ARRAY,
	NEW_NOTHROW,
	NEW_ARRAY_NOTHROW,
	NEW_ALIGNED,
	NEW_ARRAY_ALIGNED,
	N_HOOKS,
};
static void *real[N_HOOKS];

#define CALL(index, type, args) ((type)real[index]) args

/* One allocation call: counted once, however deep the allocator nests (operator new over malloc).
 * A C++ exception out of operator new leaves through here, so the depth is restored by cleanup. */
static void leave(unsigned *outer)
{
	depth = *outer;
}
#define ENTER(bytes)                                                     \
	__attribute__((cleanup(leave), unused)) unsigned outer_ = depth; \
	if (depth++ == 0)                                                \
	count(bytes)

static void *hook_malloc(size_t n)
{
	ENTER(n);
	return CALL(MALLOC, void *(*)(size_t), (n));
}

static void *hook_calloc(size_t n, size_t size)
{
	ENTER(n * size);
	return CALL(CALLOC, void *(*)(size_t, size_t), (n, size));
}

static void *hook_realloc(void *p, size_t n)
{
	if (p && n == 0)
		return CALL(REALLOC, void *(*)(void *, size_t), (p, n));
	ENTER(n);
	return CALL(REALLOC, void *(*)(void *, size_t), (p, n));
}

#define TWO_ARGUMENTS(name, index, bytes, type_a, type_b)              \
	static void *name(type_a a, type_b b)                          \
	{                                                              \
		ENTER(bytes);                                          \
		return CALL(index, void *(*)(type_a, type_b), (a, b)); \
	}
TWO_ARGUMENTS(hook_aligned_alloc, ALIGNED_ALLOC, b, size_t, size_t)
TWO_ARGUMENTS(hook_memalign, MEMALIGN, b, size_t, size_t)
TWO_ARGUMENTS(hook_new_nothrow, NEW_NOTHROW, a, size_t, const void *)
TWO_ARGUMENTS(hook_new_array_nothrow, NEW_ARRAY_NOTHROW, a, size_t, const void *)
TWO_ARGUMENTS(hook_new_aligned, NEW_ALIGNED, a, size_t, size_t)
TWO_ARGUMENTS(hook_new_array_aligned, NEW_ARRAY_ALIGNED, a, size_t, size_t)

static int hook_posix_memalign(void **ret, size_t align, size_t n)
{
	ENTER(n);
	return CALL(POSIX_MEMALIGN, int (*)(void **, size_t, size_t), (ret, align, n));
}

#define ONE_ARGUMENT(name, index)                           \
	static void *name(size_t n)                         \
	{                                                   \
		ENTER(n);                                   \
		return CALL(index, void *(*)(size_t), (n)); \
	}
ONE_ARGUMENT(hook_valloc, VALLOC)
ONE_ARGUMENT(hook_pvalloc, PVALLOC)
ONE_ARGUMENT(hook_new, NEW)
ONE_ARGUMENT(hook_new_array, NEW_ARRAY)

static const struct {
	const char *symbol;
	void *hook;
} hooks[N_HOOKS] = {
	[MALLOC] = {"malloc", hook_malloc},
	[CALLOC] = {"calloc", hook_calloc},
	[REALLOC] = {"realloc", hook_realloc},
	[ALIGNED_ALLOC] = {"aligned_alloc", hook_aligned_alloc},
	[MEMALIGN] = {"memalign", hook_memalign},
	[POSIX_MEMALIGN] = {"posix_memalign", hook_posix_memalign},
	[VALLOC] = {"valloc", hook_valloc},
	[PVALLOC] = {"pvalloc", hook_pvalloc},
	[NEW] = {"_Znwm", hook_new},
	[NEW_ARRAY] = {"_Znam", hook_new_array},
	[NEW_NOTHROW] = {"_ZnwmRKSt9nothrow_t", hook_new_nothrow},
	[NEW_ARRAY_NOTHROW] = {"_ZnamRKSt9nothrow_t", hook_new_array_nothrow},
	[NEW_ALIGNED] = {"_ZnwmSt11align_val_t", hook_new_aligned},
	[NEW_ARRAY_ALIGNED] = {"_ZnamSt11align_val_t", hook_new_array_aligned},
};

static int hook_of(const char *symbol)
{
	for (int i = 0; i < N_HOOKS; i++)
		if (strcmp(symbol, hooks[i].symbol) == 0)
			return i;
	return -1;
}

/* ---- the slots of one object ---- */

struct object {
	uintptr_t base, relro_from, relro_to;
	const ElfW(Sym) * symbols;
	const char *strings;
	const ElfW(Rela) * tables[2];
	size_t counts[2];
	bool is_program, is_harness;
};

static uintptr_t dynamic_address(const struct object *o, uintptr_t p)
{
	return p < o->base ? p + o->base : p; /* the vDSO's are not relocated */
}

static void read_dynamic(struct object *o, const ElfW(Dyn) * d)
{
	for (; d->d_tag != DT_NULL; d++) {
		uintptr_t at = dynamic_address(o, d->d_un.d_ptr);
		if (d->d_tag == DT_SYMTAB)
			o->symbols = (const ElfW(Sym) *)at;
		else if (d->d_tag == DT_STRTAB)
			o->strings = (const char *)at;
		else if (d->d_tag == DT_JMPREL)
			o->tables[0] = (const ElfW(Rela) *)at;
		else if (d->d_tag == DT_PLTRELSZ)
			o->counts[0] = d->d_un.d_val / sizeof(ElfW(Rela));
		else if (d->d_tag == DT_RELA)
			o->tables[1] = (const ElfW(Rela) *)at;
		else if (d->d_tag == DT_RELASZ)
			o->counts[1] = d->d_un.d_val / sizeof(ElfW(Rela));
	}
}

static bool contains(const struct dl_phdr_info *info, const void *p)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + ph->p_vaddr;
		if (ph->p_type == PT_LOAD && (uintptr_t)p - from < ph->p_memsz)
			return true;
	}
	return false;
}

static void read_object(struct object *o, const struct dl_phdr_info *info)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	*o = (struct object){.base = info->dlpi_addr, .is_harness = contains(info, shards)};
	o->is_program = !info->dlpi_name || !*info->dlpi_name;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + ph->p_vaddr;
		if (ph->p_type == PT_DYNAMIC)
			read_dynamic(o, (const ElfW(Dyn) *)at);
		if (ph->p_type != PT_GNU_RELRO)
			continue;
		o->relro_from = at & -page;
		o->relro_to = (at + ph->p_memsz) & -page;
	}
}

static bool write_slot(const struct object *o, void **slot, void *value)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)slot & -page;
	bool sealed = (uintptr_t)slot >= o->relro_from && (uintptr_t)slot < o->relro_to;
	if (sealed && mprotect((void *)at, page, PROT_READ | PROT_WRITE) != 0)
		return false;
	__atomic_store_n(slot, value, __ATOMIC_RELAXED);
	if (sealed)
		mprotect((void *)at, page, PROT_READ);
	return true;
}

/* What a slot should hold now; NULL to leave it. A lazy slot still points into its own object. */
static void *wanted(int hook, uint32_t type, void *now, bool on)
{
	if (!on)
		return now == hooks[hook].hook ? real[hook] : NULL;
	bool ours = IS_SLOT(type) ? now != hooks[hook].hook : now == real[hook];
	return ours ? hooks[hook].hook : NULL;
}

static int switch_object(const struct object *o, bool on)
{
	int switched = 0;
	for (int t = 0; t < 2; t++) {
		for (size_t i = 0; o->tables[t] && i < o->counts[t]; i++) {
			const ElfW(Rela) *rel = &o->tables[t][i];
			uint32_t type = ELF64_R_TYPE(rel->r_info);
			if ((!IS_SLOT(type) && !IS_POINTER(type)) || rel->r_addend != 0)
				continue;
			const ElfW(Sym) *sym = &o->symbols[ELF64_R_SYM(rel->r_info)];
			int hook = hook_of(o->strings + sym->st_name);
			if (hook < 0 || !real[hook])
				continue;
			void **slot = (void **)(o->base + rel->r_offset);
			void *to = wanted(hook, type, *slot, on);
			switched += to && write_slot(o, slot, to);
		}
	}
	return switched;
}

static int switch_one(struct dl_phdr_info *info, size_t size, void *arg)
{
	const bool *on = arg;
	struct object o;
	read_object(&o, info);
	bool usable = o.symbols && o.strings && (o.is_program || !o.is_harness);
	if (usable)
		switch_object(&o, *on);
	return 0;
}

static int find_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	bool *ret_static = arg;
	*ret_static = contains(info, real[MALLOC]);
	return 1; /* the first is the program */
}

/* ---- on and off ---- */

static enum { UNKNOWN, COUNTABLE, NOT_COUNTABLE } support;
static unsigned users;

/* Why this program's allocations cannot be counted, or NULL. ThreadSanitizer's allocator calls back
 * into code that must not be entered from a hook. */
static const char *obstacle(void)
{
	bool is_static = true;
	if (real[MALLOC])
		dl_iterate_phdr(find_program, &is_static);
	if (is_static)
		return "malloc is linked into this program";
	return dlsym(RTLD_DEFAULT, "__tsan_init") ? "ThreadSanitizer is in this program" : NULL;
}

static void look_up(void)
{
	for (int i = 0; i < N_HOOKS; i++)
		real[i] = dlsym(RTLD_DEFAULT, hooks[i].symbol);
	const char *why = obstacle();
	support = why ? NOT_COUNTABLE : COUNTABLE;
	if (why)
		chatter("%s: allocations cannot be counted", why);
}

bool allocs_supported(void)
{
	return support != NOT_COUNTABLE;
}

bool allocs_start(void)
{
	if (support == UNKNOWN)
		look_up();
	if (support == NOT_COUNTABLE)
		return false;
	bool on = true;
	if (users++ == 0)
		dl_iterate_phdr(switch_one, &on);
	return true;
}

void allocs_stop(void)
{
	bool on = false;
	if (--users == 0)
		dl_iterate_phdr(switch_one, &on);
}

struct alloc_totals allocs_read(void)
{
	struct alloc_totals total = {0};
	for (int i = 0; i < SHARDS; i++) {
		total.calls += __atomic_load_n(&shards[i].calls, __ATOMIC_RELAXED);
		total.bytes += __atomic_load_n(&shards[i].bytes, __ATOMIC_RELAXED);
	}
	return total;
}

void allocs_pause(void)
{
	depth++;
}

void allocs_resume(void)
{
	depth--;
}

void sonde_bench_report_allocs(struct bench *b)
{
	struct run *r = run_of(b);
	r->show_allocs = true;
	if (r->counting_allocs)
		return;
	bool was_on = r->timer_on;
	sonde_bench_stop_timer(b);
	r->counting_allocs = allocs_start();
	if (was_on)
		sonde_bench_start_timer(b);
}
