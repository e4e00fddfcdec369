/*
 * Memory, files and stripes: the thin part of the kit, over raw system calls.
 */
#include "sig/sig.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

/* mmap's failures are the small negative numbers. */
static bool is_error(long ret)
{
	return ret < 0 && ret > -4096;
}

void *sig_map(size_t size)
{
	if (!size || size > PTRDIFF_MAX)
		return NULL;
	long p = sig_syscall(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return is_error(p) ? NULL : (void *)p;
}

void sig_unmap(void *p, size_t size)
{
	if (p)
		sig_syscall(SYS_munmap, p, size);
}

int sig_write_all(int fd, const void *p, size_t n)
{
	const char *from = p;
	while (n) {
		long wrote = sig_syscall(SYS_write, fd, from, n);
		if (wrote == -EINTR)
			continue;
		if (wrote < 0)
			return (int)wrote;
		from += wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

long sig_read_all(int fd, void *p, size_t n)
{
	char *to = p;
	size_t have = 0;
	while (have < n) {
		long got = sig_syscall(SYS_read, fd, to + have, n - have);
		if (got == -EINTR)
			continue;
		if (got < 0)
			return got;
		if (!got)
			break;
		have += (size_t)got;
	}
	return (long)have;
}

int sig_open(const char *path, int flags, int mode)
{
	return (int)sig_syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

unsigned sig_thread_stripe(void)
{
	static _Thread_local char here;
	return (unsigned)(sig_hash((uintptr_t)&here) >> 58);
}
