/*
 * Growing arrays by mremap, which moves pages instead of bytes.
 */
#include "unwind/grow.h"

#include <sys/mman.h>

#include "sig/sig.h"

#define FIRST (64 * 1024)

static bool enlarge(struct grow *grow, size_t need)
{
	size_t cap = grow->cap ? grow->cap : FIRST;
	while (cap < need)
		cap *= 2;
	long p;
	if (!grow->data)
		p = (long)sig_map(cap);
	else
		p = sig_syscall(SYS_mremap, grow->data, grow->cap, cap, MREMAP_MAYMOVE);
	if (!p || (p < 0 && p > -4096))
		return false;
	grow->data = (char *)p;
	grow->cap = cap;
	return true;
}

void *grow_add(struct grow *grow, size_t size)
{
	size_t need = grow->used + size;
	if (grow->failed || (need > grow->cap && !enlarge(grow, need))) {
		grow->failed = true;
		return NULL;
	}
	void *at = grow->data + grow->used;
	grow->used = need;
	return at;
}

void grow_release(struct grow *grow)
{
	sig_unmap(grow->data, grow->cap);
	*grow = (struct grow){0};
}
