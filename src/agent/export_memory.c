/*
 * The memory of a process; see export_memory.h.
 */
#include "agent/export_memory.h"

#include "sig/sig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/uio.h>

#define ENTRIES 1024	     /* of a pagemap, at once */
#define THERE	(3ull << 62) /* present, or swapped out */

bool memory_read(int pid, void *dst, uint64_t address, size_t n)
{
	struct iovec to = {dst, n}, from = {(void *)(uintptr_t)address, n};
	return sig_syscall(SYS_process_vm_readv, pid, &to, 1, &from, 1, 0) == (long)n;
}

/* --- what is mapped --- */

static int proc_open(int pid, const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return sig_open(path, O_RDONLY, 0);
}

int memory_proc_file(int pid, const char *name, struct buf *ret)
{
	char piece[4096];
	long n;
	int fd = proc_open(pid, name);
	if (fd < 0)
		return fd;
	while ((n = sig_read_all(fd, piece, sizeof(piece))) > 0)
		buf_add(ret, piece, (size_t)n);
	sig_close(fd);
	return n < 0 ? (int)n : 0;
}

uint64_t memory_proc_status(int pid, const char *field, int base)
{
	struct buf status = BUF_INIT;
	uint64_t value = 0;
	size_t n = strlen(field);
	bool readable = memory_proc_file(pid, "status", &status) == 0;
	for (const char *line = readable ? status.data : NULL; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, field, n) == 0 && line[n] == ':')
			value = strtoull(line + n + 1, NULL, base);
	}
	buf_release(&status);
	return value;
}

bool memory_takes_signal(int pid, int sig)
{
	return memory_proc_status(pid, "SigCgt", 16) >> (sig - 1) & 1;
}

/* "START-END rwxp OFFSET DEVICE INODE  PATH" */
static void add_region(struct memory *m, const char *line)
{
	struct memory_region r = {0};
	char perms[5];
	uint64_t inode;
	int at = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*s %" SCNu64 " %n", &r.start, &r.end,
		    perms, &inode, &at) < 4)
		return;
	bool kernels = strncmp(line + at, "[v", 2) == 0; /* vvar, vdso, vsyscall */
	r.flags = (perms[0] == 'r' ? MEMORY_READ : 0) | (perms[1] == 'w' ? MEMORY_WRITE : 0) |
		  (perms[2] == 'x' ? MEMORY_EXEC : 0) | (inode || kernels ? MEMORY_FILE : 0);
	vec_push(m->regions, m->n, m->cap, r);
}

int memory_open(struct memory *m, int pid, uint64_t deadline_ns, struct err *err)
{
	struct buf maps = BUF_INIT;
	*m = (struct memory){.pid = pid, .deadline_ns = deadline_ns};
	int rc = memory_proc_file(pid, "maps", &maps);
	if (rc)
		return err_set(err, rc, "/proc/%d/maps cannot be read", pid);
	for (char *line = maps.data, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		add_region(m, line);
	}
	buf_release(&maps);
	m->pagemap = proc_open(pid, "pagemap");
	m->buffer = mem_alloc(MEMORY_BUFFER);
	return 0;
}

void memory_close(struct memory *m)
{
	if (m->pagemap >= 0)
		sig_close(m->pagemap);
	mem_free(m->regions);
	mem_free(m->buffer);
	*m = (struct memory){.pagemap = -1};
}

/* --- what is in it --- */

/* A page that went away meanwhile, or is a device's, is left out. */
static bool each_readable(
	struct memory *m, uint64_t start, uint64_t end, memory_fn *each, void *ctx)
{
	uint64_t page = getauxval(AT_PAGESZ);
	while (start < end) {
		size_t want = end - start < MEMORY_BUFFER ? end - start : MEMORY_BUFFER;
		struct iovec to = {m->buffer, want}, from = {(void *)(uintptr_t)start, want};
		long got = sig_syscall(SYS_process_vm_readv, m->pid, &to, 1, &from, 1, 0);
		if (sig_clock_ns(CLOCK_MONOTONIC) > m->deadline_ns)
			return false;
		if (got > 0) {
			each(ctx, start, m->buffer, (size_t)got);
			m->read += (uint64_t)got;
			start += (uint64_t)got;
		} else {
			start = (start / page + 1) * page;
		}
	}
	return true;
}

/* How many of the entries, from the first on, are as the first: there, or not. */
static uint32_t run_of(const uint64_t *entries, uint32_t n, bool *ret_there)
{
	uint32_t i = 0;
	*ret_there = entries[0] & THERE;
	while (i < n && (bool)(entries[i] & THERE) == *ret_there)
		i++;
	return i;
}

static bool each_there(struct memory *m, uint64_t start, uint64_t end, const uint64_t *entries,
	uint32_t n, memory_fn *each, void *ctx)
{
	uint64_t page = getauxval(AT_PAGESZ), at = start / page * page;
	for (uint32_t i = 0, run; i < n; i += run) {
		bool there;
		run = run_of(entries + i, n - i, &there);
		uint64_t from = at + i * page, to = from + run * page;
		if (there && !each_readable(m, from < start ? start : from, to < end ? to : end,
				     each, ctx))
			return false;
	}
	return true;
}

bool memory_each(struct memory *m, uint64_t start, uint64_t end, memory_fn *each, void *ctx)
{
	uint64_t entries[ENTRIES], page = getauxval(AT_PAGESZ);
	if (m->pagemap < 0)
		return each_readable(m, start, end, each, ctx);
	while (start < end) {
		uint64_t first = start / page, last = (end - 1) / page;
		uint64_t n = last - first + 1 < ENTRIES ? last - first + 1 : ENTRIES;
		long got = sig_syscall(SYS_pread64, m->pagemap, entries, n * sizeof(*entries),
			first * sizeof(*entries));
		if (got < (long)sizeof(*entries))
			return each_readable(m, start, end, each, ctx);
		n = (uint64_t)got / sizeof(*entries);
		uint64_t upto = (first + n) * page < end ? (first + n) * page : end;
		if (!each_there(m, start, upto, entries, (uint32_t)n, each, ctx) ||
			sig_clock_ns(CLOCK_MONOTONIC) > m->deadline_ns)
			return false;
		start = upto;
	}
	return true;
}
