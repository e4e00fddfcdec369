/*
 * Arena: many small objects with one life, released at once. One a profile, trace or request.
 * Pointers stay valid until arena_release(); nothing is freed singly.
 */
#ifndef SONDE_BASE_ARENA_H
#define SONDE_BASE_ARENA_H

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	char *next, *end;	    /* free room in the newest chunk */
	size_t total;		    /* bytes taken from the heap */
};

void arena_init(struct arena *arena);
void arena_release(struct arena *arena);
/* `size` bytes aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
void *arena_zalloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
/* A NUL-terminated copy, unaligned. */
char *arena_strndup(struct arena *arena, const char *s, size_t n) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *arena, const char *s) __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *fmt, ...) attr_printf(2, 3);

#endif
