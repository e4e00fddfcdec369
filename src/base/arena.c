/*
 * Arena: a list of chunks, each twice the last up to 1 MiB; a large object gets a chunk of its own
 * behind the newest one, whose free room is not lost.
 */
#include "base/base.h"

#include <stdio.h>

#define CHUNK_MIN (4 * 1024)
#define CHUNK_MAX (1024 * 1024)
#define ALIGN	  16

struct arena_chunk {
	struct arena_chunk *older;
	size_t size;
	_Alignas(ALIGN) char data[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){0};
}

void arena_release(struct arena *arena)
{
	for (struct arena_chunk *c = arena->chunks, *older; c; c = older) {
		older = c->older;
		mem_free(c);
	}
	arena_init(arena);
}

static struct arena_chunk *chunk_new(struct arena *arena, size_t size)
{
	size_t bytes;
	if (__builtin_add_overflow(size, sizeof(struct arena_chunk), &bytes))
		bytes = SIZE_MAX; /* mem_alloc reports it */
	struct arena_chunk *c = mem_alloc(bytes);
	c->size = size;
	arena->total += bytes;
	return c;
}

static char *large(struct arena *arena, size_t size)
{
	struct arena_chunk *c = chunk_new(arena, size);
	if (arena->chunks) {
		c->older = arena->chunks->older;
		arena->chunks->older = c;
	} else {
		c->older = NULL;
		arena->chunks = c;
		arena->next = arena->end = c->data + size;
	}
	return c->data;
}

static char *take(struct arena *arena, size_t size)
{
	if (size <= (size_t)(arena->end - arena->next)) {
		char *p = arena->next;
		arena->next += size;
		return p;
	}
	size_t want = arena->chunks ? arena->chunks->size * 2 : CHUNK_MIN;
	if (want > CHUNK_MAX)
		want = CHUNK_MAX;
	if (size > want / 4)
		return large(arena, size);
	struct arena_chunk *c = chunk_new(arena, want);
	c->older = arena->chunks;
	arena->chunks = c;
	arena->next = c->data + size;
	arena->end = c->data + want;
	return c->data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t skip = -(uintptr_t)arena->next & (ALIGN - 1);
	if (skip <= (size_t)(arena->end - arena->next))
		arena->next += skip;
	else
		arena->next = arena->end;
	return take(arena, size);
}

void *arena_zalloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc(arena, size), 0, size);
}

char *arena_strndup(struct arena *arena, const char *s, size_t n)
{
	char *copy = take(arena, n + 1);
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return arena_strndup(arena, s, strlen(s));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	char *s = take(arena, (size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}
