/*
 * A growing array for the table compiler, straight from the kernel: it runs inside dlopen hooks, on
 * small stacks, and may not use the program's malloc.
 */
#ifndef SONDE_UNWIND_GROW_H
#define SONDE_UNWIND_GROW_H

#include <stdbool.h>
#include <stddef.h>

struct grow {
	char *data;
	size_t used, cap;
	bool failed; /* memory ran out: what was appended since is lost */
};

/* Room for `size` more bytes, counted as used; NULL once memory has run out. */
void *grow_add(struct grow *grow, size_t size);
void grow_release(struct grow *grow);

#endif
