/*
 * Memory: one set of calls, the heap behind them chosen per thread.
 *
 * The sonde command uses malloc. Inside a measured program the export code runs the same base and
 * pprof code on a private heap, so that nothing comes from (or is seen by) the program's allocator:
 * it sets a heap for its thread with mem_heap_set() and drops the whole heap at the end.
 *
 * These calls never return NULL. When memory runs out the heap's `oom` is called and must not
 * return: the command's says so and exits 1, an export's jumps back to where the export began and
 * drops its heap. (Rejected: a NULL check after each of a thousand calls, none of them testable.)
 */
#ifndef SONDE_BASE_MEM_H
#define SONDE_BASE_MEM_H

struct mem_heap {
	/* resize(NULL, 0, n) allocates, resize(p, old, 0) frees, old is p's size. NULL on failure.
	 */
	void *(*resize)(struct mem_heap *heap, void *p, size_t old_size, size_t new_size);
	void (*oom)(struct mem_heap *heap, size_t size) __attribute__((noreturn));
};

/* Makes `heap` the calling thread's; NULL is malloc's. Returns the one before. */
struct mem_heap *mem_heap_set(struct mem_heap *heap);
/* What to do when malloc fails; the default writes a line to stderr and exits with 1. */
void mem_oom_set(void (*oom)(size_t size)); /* must not return */

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull));
/* n * size, checked for overflow (which counts as out of memory). */
void *mem_array(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *mem_realloc(void *p, size_t size) __attribute__((returns_nonnull));
void *mem_rearray(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_strndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
void mem_free(void *p); /* NULL is fine */

#endif
