/*
 * unwind: from a register set to return addresses, inside a signal handler, on code built without
 * frame pointers.
 *
 * Tables are compiled from each module's .eh_frame on an ordinary thread (unwind_init,
 * unwind_refresh); walking them (unwind_walk) is async-signal-safe: no locks, no malloc, no loader
 * call. Tables are swapped in without stopping anybody. docs/unwinding.md tells the whole story.
 */
#ifndef SONDE_UNWIND_H
#define SONDE_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#define UNWIND_DEPTH_MAX 512

/* Why a walk ended. */
enum unwind_end {
	UNWIND_END_ROOT,  /* main's caller, thread start: a frame whose return address is undefined
			   */
	UNWIND_END_DEPTH, /* the caller's array is full */
	UNWIND_END_TABLE, /* no rule for this pc, and frame pointers could not be validated */
	UNWIND_END_STACK, /* the next frame would lie outside the stack, or not above this one */
	UNWIND_END_FAULT, /* memory that should hold a frame could not be read */
	UNWIND_END_COUNT,
};

/* The bounds of the calling thread's stack, known to be readable from the stack pointer up to hi:
 * reads inside them are plain loads. A walk that leaves them (an alternate signal stack, a fiber's)
 * goes on with reads that ask the kernel first. NULL or hi == 0: not known, all reads ask. */
struct unwind_stack {
	uintptr_t lo, hi;
};

/* A loaded object, as published with the tables. */
struct unwind_module {
	uintptr_t start, end; /* executable range */
	uintptr_t bias;	      /* load bias: file virtual address + bias = run-time address */
	uint64_t file_offset; /* of `start` */
	uint32_t generation;  /* of the tables that first held it */
	bool gone;	      /* unloaded since */
	uint8_t build_id[32];
	uint8_t build_id_len;
	const char *path; /* "[vdso]" for the vDSO; lives as long as the process */
};

/* Ordinary thread, thread-safe. Compiles tables for all loaded modules. 0 or -errno. Idempotent. */
int unwind_init(void);
/* Ordinary thread, thread-safe: compiles what the loader's counters say is new, retires what is
 * gone. Cheap when nothing changed. Returns 1 if anything changed, 0 if not, -errno. */
int unwind_refresh(void);
/* In a fork's child, before anything else of this layer. Async-signal-safe. From then on a refresh
 * does not ask the loader, whose lock another thread may have held at the fork and never lets go
 * here: until the program itself calls the loader in the child. */
void unwind_after_fork_child(void);
/* Tells that the program calls the loader (dlopen, dlclose). Async-signal-safe. */
void unwind_loader_used(void);

/* Code that no module holds (a JIT's), [start, end): its frames are walked by `eh_frame` (the bytes
 * that __register_frame takes, copied here), or by frame pointers where that is NULL. Ordinary
 * thread, thread-safe. 0, -EEXIST where a module or range already is, or another -errno. */
int unwind_register(uintptr_t start, uintptr_t end, const void *eh_frame, size_t eh_frame_len);
/* Takes a registered range out again; -ENOENT if `start` is not one's. */
int unwind_unregister(uintptr_t start);

/* Async-signal-safe. Walks from the interrupted context; pcs[0] is the interrupted pc, the others
 * are return addresses (look up pc - 1). Returns how many. */
size_t unwind_walk(const ucontext_t *context, const struct unwind_stack *stack, uintptr_t *pcs,
	size_t max, enum unwind_end *ret_end);
/* Async-signal-safe. Walks from the caller of this function; all are return addresses, pcs[0] the
 * one in the caller itself. `skip` leaves out that many innermost frames. */
size_t unwind_here(const struct unwind_stack *stack, size_t skip, uintptr_t *pcs, size_t max,
	enum unwind_end *ret_end);

/* The registers that a callee keeps, and pc, at a point of a function that stays on the stack: any
 * thread may walk from there until that function returns. */
#if defined(__x86_64__)
#define UNWIND_SAVED 8 /* rbx, rbp, rsp, r12 to r15, rip */
#define UNWIND_SAVE_ASM                                                      \
	"movq %%rbx, (%0)\n\tmovq %%rbp, 8(%0)\n\tmovq %%rsp, 16(%0)\n\t"    \
	"movq %%r12, 24(%0)\n\tmovq %%r13, 32(%0)\n\tmovq %%r14, 40(%0)\n\t" \
	"movq %%r15, 48(%0)\n\tleaq 0f(%%rip), %%rax\n\tmovq %%rax, 56(%0)\n0:"
#define UNWIND_SAVE_CLOBBERS "rax", "memory"
#elif defined(__aarch64__)
#define UNWIND_SAVED 14 /* x19 to x30, sp, pc */
#define UNWIND_SAVE_ASM                                                                     \
	"stp x19, x20, [%0]\n\tstp x21, x22, [%0, #16]\n\tstp x23, x24, [%0, #32]\n\t"      \
	"stp x25, x26, [%0, #48]\n\tstp x27, x28, [%0, #64]\n\tstp x29, x30, [%0, #80]\n\t" \
	"mov x9, sp\n\tadr x10, 0f\n\tstp x9, x10, [%0, #96]\n0:"
#define UNWIND_SAVE_CLOBBERS "x9", "x10", "memory"
#endif
struct unwind_saved {
	uint64_t regs[UNWIND_SAVED];
};
static inline __attribute__((always_inline)) void unwind_save(struct unwind_saved *saved)
{
	__asm__ volatile(UNWIND_SAVE_ASM : : "r"(saved->regs) : UNWIND_SAVE_CLOBBERS);
}
/* Async-signal-safe. As unwind_walk(), from there; `stack` is that of the thread that saved. */
size_t unwind_walk_saved(const struct unwind_saved *saved, const struct unwind_stack *stack,
	uintptr_t *pcs, size_t max, enum unwind_end *ret_end);

/* Ordinary thread. Calls `each` for every module of the newest tables, in address order, then for
 * the modules unloaded so far (the last 1024), newest first, so that the first whose range holds an
 * address is the likeliest. Stops when `each` returns non-zero and returns that. `each` may not
 * call this layer. */
int unwind_each_module(int (*each)(const struct unwind_module *module, void *ctx), void *ctx);

struct unwind_counters {
	uint64_t modules, rows, table_bytes; /* now */
	uint64_t refreshes, retired,
		failed; /* so far; failed: modules whose tables could not be built */
	uint64_t ends[UNWIND_END_COUNT]; /* walks by how they ended; ROOT is not counted */
};
void unwind_counters(struct unwind_counters *ret);

#endif
