/*
 * include/sonde/pprof.h: what pools tell the heap profile.
 *
 * The same two calls as the allocator's hooks make (hooks/malloc.c), so that a pool's blocks are
 * sampled, looked up and shown as malloc's are. Where a program's own malloc reports its blocks
 * this way, operator new, which is hooked around it, finds that they have been told of.
 */
#include "sonde/pprof.h"

#include "agent/heap.h"
#include "agent/hooks/hooks.h"

HOOK void sonde_heap_alloc(const void *block, size_t size)
{
	if (heap_armed())
		heap_allocated((void *)block, size, __builtin_return_address(0));
}

HOOK void sonde_heap_free(const void *block)
{
	heap_freed((void *)block);
}

HOOK void sonde_heap_hide(const void *block)
{
	heap_hide((void *)block);
}
