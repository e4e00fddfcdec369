/*
 * Memory: see mem.h. Blocks of a private heap carry their size in a 16-byte header, so that callers
 * need not remember it; malloc's blocks carry nothing.
 */
#include "base/base.h"

#include <stdlib.h>
#include <unistd.h>

#define HEADER 16

static _Thread_local struct mem_heap *current;

static void die(size_t size)
{
	static const char msg[] = "sonde: out of memory\n";
	if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0)
		_exit(1);
	_exit(1);
}

static void (*malloc_oom)(size_t size) = die;

struct mem_heap *mem_heap_set(struct mem_heap *heap)
{
	struct mem_heap *before = current;
	current = heap;
	return before;
}

void mem_oom_set(void (*oom)(size_t size))
{
	malloc_oom = oom;
}

static __attribute__((noreturn)) void fail(size_t size)
{
	if (current)
		current->oom(current, size);
	malloc_oom(size);
	abort();
}

static void *heap_resize(void *p, size_t size)
{
	char *block = p ? (char *)p - HEADER : NULL;
	size_t old = 0;
	if (block)
		memcpy(&old, block, sizeof(old));
	if (size > SIZE_MAX - HEADER)
		fail(size);
	char *now = current->resize(current, block, old, size + HEADER);
	if (!now)
		fail(size);
	size_t total = size + HEADER;
	memcpy(now, &total, sizeof(total));
	return now + HEADER;
}

void *mem_realloc(void *p, size_t size)
{
	if (current)
		return heap_resize(p, size);
	void *now = realloc(p, size ? size : 1);
	if (!now)
		fail(size);
	return now;
}

void *mem_alloc(size_t size)
{
	return mem_realloc(NULL, size);
}

void *mem_zalloc(size_t size)
{
	if (!current) {
		void *p = calloc(1, size ? size : 1);
		if (!p)
			fail(size);
		return p;
	}
	return memset(heap_resize(NULL, size), 0, size);
}

void *mem_rearray(void *p, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes))
		fail(SIZE_MAX);
	return mem_realloc(p, bytes);
}

void *mem_array(size_t n, size_t size)
{
	return mem_rearray(NULL, n, size);
}

char *mem_strndup(const char *s, size_t n)
{
	char *copy = mem_alloc(n + 1);
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

void mem_free(void *p)
{
	if (!p)
		return;
	if (!current) {
		free(p);
		return;
	}
	char *block = (char *)p - HEADER;
	size_t old;
	memcpy(&old, block, sizeof(old));
	current->resize(current, block, old, 0);
}
