/*
 * Finding the next definition of a hooked function.
 *
 * dlsym itself is hooked, so the next dlsym comes from dlvsym, by the version names that libc has
 * had for it.
 */
#include "agent/hooks/hooks.h"

#include "agent/hooks/dl.h"

#include <dlfcn.h>
#include <stddef.h>

static const char *const dlsym_versions[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};

void *hooks_next_dlsym(void)
{
	static _Atomic(void *) found;
	void *p = atomic_load_explicit(&found, memory_order_relaxed);
	for (size_t i = 0; !p && i < sizeof(dlsym_versions) / sizeof(*dlsym_versions); i++)
		p = dlvsym(RTLD_NEXT, "dlsym", dlsym_versions[i]);
	atomic_store_explicit(&found, p, memory_order_relaxed);
	return p;
}

void *hooks_next(_Atomic(void *) *slot, const char *name)
{
	void *p = atomic_load_explicit(slot, memory_order_relaxed);
	if (p)
		return p;
	void *(*next_dlsym)(void *, const char *) = hooks_next_dlsym();
	if (!next_dlsym)
		return NULL;
	p = next_dlsym(RTLD_NEXT, name);
	/* Also keeps the call above from becoming a jump: RTLD_NEXT goes by the return address. */
	atomic_store_explicit(slot, p, memory_order_relaxed);
	return p;
}

void *hooks_next_version(_Atomic(void *) *slot, const char *name, const char *version)
{
	void *p = atomic_load_explicit(slot, memory_order_relaxed);
	if (p)
		return p;
	p = dlvsym(RTLD_NEXT, name, version);
	if (!p)
		return hooks_next(slot, name);
	atomic_store_explicit(slot, p, memory_order_relaxed);
	return p;
}
