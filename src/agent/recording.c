/*
 * The recording's memory. A mapped file has one trap: touching a page for which the file system has
 * no room raises SIGBUS, in the program's own threads. So no page is touched before the kernel has
 * been asked to provide it (MADV_POPULATE_WRITE reports what a fault would raise), in steps, from
 * whichever thread reaches the end first. On kernels older than that (5.14) the file is given all
 * its blocks at once, and a smaller budget.
 */
#include "agent/recording.h"

#include "sig/sig.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define WITHOUT_POPULATE (8u << 20) /* the budget on kernels that cannot be asked */

static bool failed(long ret)
{
	return ret < 0 && ret > -4096;
}

static bool provide(struct recording *rec, uint64_t from, uint64_t to)
{
	return sig_syscall(SYS_madvise, (char *)rec + from, to - from, MADV_POPULATE_WRITE) == 0;
}

static bool grow(struct recording *rec, uint64_t need)
{
	uint64_t committed = atomic_load(&rec->committed);
	while (committed < need) {
		uint64_t to = (need + RECORDING_GROWTH - 1) / RECORDING_GROWTH * RECORDING_GROWTH;
		if (to > rec->size)
			to = rec->size;
		if (!provide(rec, committed, to))
			return false;
		if (atomic_compare_exchange_strong(&rec->committed, &committed, to))
			return true;
	}
	return true;
}

void *recording_alloc(struct recording *rec, size_t size)
{
	size = (size + 7) & ~(size_t)7;
	if (atomic_load_explicit(&rec->used, memory_order_relaxed) + size > rec->size)
		return NULL;
	uint64_t at = atomic_fetch_add_explicit(&rec->used, size, memory_order_relaxed);
	if (at + size > rec->size)
		return NULL;
	if (at + size > atomic_load_explicit(&rec->committed, memory_order_relaxed) &&
		!grow(rec, at + size))
		return NULL;
	return (char *)rec + at;
}

void *recording_alloc_trace(struct recording *rec, size_t size)
{
	struct recording_trace *trace = &rec->trace;
	uint64_t room = rec->mapped - trace->from;
	if (atomic_load_explicit(&trace->used, memory_order_relaxed) + size > room)
		return NULL;
	uint64_t at = atomic_fetch_add_explicit(&trace->used, size, memory_order_relaxed);
	if (at + size > room || !provide(rec, trace->from + at, trace->from + at + size))
		return NULL;
	return (char *)rec + trace->from + at;
}

/* The first pages: header, buckets and a step of arena. Returns the bytes now safe to touch. */
static long prepare(void *block, int fd, size_t size)
{
	size_t first = RECORDING_ARENA + RECORDING_GROWTH;
	long ret = sig_syscall(SYS_madvise, block, first, MADV_POPULATE_WRITE);
	if (!ret)
		return (long)first;
	if (ret != -EINVAL || fd < 0)
		return fd < 0 ? (long)size : ret;
	if (size > WITHOUT_POPULATE)
		size = WITHOUT_POPULATE;
	ret = sig_syscall(SYS_fallocate, fd, 0, 0, size);
	return ret ? ret : (long)size;
}

/* For traces, of the file's file system, which is mostly memory that others use too: a quarter of
 * what it has left. */
static size_t trace_room(int fd)
{
	struct statfs fs;
	if (sig_syscall(SYS_fstatfs, fd, &fs))
		return RECORDING_TRACE_SIZE;
	uint64_t quarter = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize / 4;
	return quarter < RECORDING_TRACE_SIZE ? quarter & ~(size_t)4095 : RECORDING_TRACE_SIZE;
}

static int map(int fd, size_t size, size_t room, struct recording **ret)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
	size_t mapped = size + room;
	long at = sig_syscall(SYS_mmap, 0, mapped, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (failed(at))
		return (int)at;
	long committed = prepare((void *)at, fd, size);
	if (failed(committed)) {
		sig_syscall(SYS_munmap, at, mapped);
		return (int)committed;
	}
	/* A child of fork has a recording of its own, or none. This one stays mapped there, of
	 * zeros or, where the kernel cannot do that, shared: a program may fork in a handler of
	 * its own that interrupted a hook, which then goes on in the child with what it has in
	 * hand. */
	sig_syscall(SYS_madvise, at, mapped, MADV_WIPEONFORK);
	struct recording *rec = (struct recording *)at;
	for (size_t i = 0; i < sizeof(rec->magic); i++)
		rec->magic[i] = RECORDING_MAGIC[i];
	rec->version = RECORDING_VERSION;
	rec->size = fd < 0 || (size_t)committed < WITHOUT_POPULATE ? size : (size_t)committed;
	rec->mapped = mapped;
	rec->trace.from = size;
	atomic_store(&rec->used, RECORDING_ARENA);
	atomic_store(&rec->committed, (uint64_t)committed);
	*ret = rec;
	return 0;
}

int recording_new(size_t size, struct recording **ret)
{
	return map(-1, size, RECORDING_TRACE_SIZE, ret);
}

int recording_new_file(const char *path, size_t size, struct recording **ret)
{
	int fd = sig_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	size_t room = trace_room(fd);
	long rc = sig_syscall(SYS_ftruncate, fd, size + room);
	if (!rc)
		rc = map(fd, size, room, ret);
	sig_close(fd);
	if (rc)
		sig_syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	return (int)rc;
}

void recording_free(struct recording *rec)
{
	if (rec)
		sig_syscall(SYS_munmap, rec, rec->mapped);
}
