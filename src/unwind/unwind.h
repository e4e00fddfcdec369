/*
 * unwind: from a register set to return addresses, inside a signal handler, on code built without
 * frame pointers.
 *
 * Tables are compiled from each module's .eh_frame on an ordinary thread (unwind_init,
 * unwind_refresh); walking them (unwind_walk) is async-signal-safe: no locks, no malloc, no loader
 * call. Tables are swapped in without stopping anybody.
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
	UNWIND_END_ROOT,  /* main's caller, thread start, a frame whose return address is undefined
			   */
	UNWIND_END_DEPTH, /* the caller's array is full */
	UNWIND_END_TABLE, /* no rule for this pc, and frame pointers could not be validated */
	UNWIND_END_STACK, /* the next frame would lie outside the stack, or not above this one */
	UNWIND_END_FAULT, /* memory that should hold a frame could not be read */
};

/* The bounds of the calling thread's stack: reads outside are refused. hi == 0: not known, every
 * read goes through the fault-tolerant path. */
struct unwind_stack {
	uintptr_t lo, hi;
};

/* The module's own view of the loaded objects, as published with the tables. */
struct unwind_module {
	uintptr_t start, end; /* executable range */
	uintptr_t bias;	      /* load bias: file virtual address + bias = run-time address */
	uint64_t file_offset; /* of `start` */
	uint32_t generation;
	uint8_t build_id[32];
	uint8_t build_id_len;
	const char *path; /* lives as long as the process */
};

/* Ordinary thread, thread-safe. Compiles tables for all loaded modules. 0 or -errno. Idempotent. */
int unwind_init(void);
/* Ordinary thread, thread-safe: compiles what the loader's counters say is new, retires what is
 * gone. Cheap when nothing changed. Returns 1 if anything changed, 0 if not, -errno. */
int unwind_refresh(void);
/* In a fork's child, before anything else of this layer. Async-signal-safe. */
void unwind_after_fork_child(void);

/* Async-signal-safe. Walks from the interrupted context; pcs[0] is the interrupted pc, the others
 * are return addresses (look up pc - 1). Returns how many. */
size_t unwind_walk(const ucontext_t *context, const struct unwind_stack *stack, uintptr_t *pcs,
	size_t max, enum unwind_end *ret_end);
/* Async-signal-safe. Walks from the caller of this function; all are return addresses. `skip`
 * leaves out that many innermost frames. */
size_t unwind_here(const struct unwind_stack *stack, size_t skip, uintptr_t *pcs, size_t max,
	enum unwind_end *ret_end);

/* Ordinary thread. Calls `each` for every module of the newest tables; stops when it returns
 * non-zero and returns that. */
int unwind_each_module(int (*each)(const struct unwind_module *module, void *ctx), void *ctx);

struct unwind_counters {
	uint64_t modules, rows, table_bytes; /* now */
	uint64_t refreshes, retired,
		failed; /* so far: failed = modules whose tables could not be built */
};
void unwind_counters(struct unwind_counters *ret);

#endif
