/*
 * export_memory: the memory of a process, this one or another: what is mapped, what of it is there,
 * and what is in it.
 *
 * It is read by process_vm_readv(), in this process as well, because other threads unmap as they
 * like. Pages that were never touched are passed over (/proc/PID/pagemap): reading them would make
 * page tables for what may be a reservation of terabytes.
 */
#ifndef SONDE_AGENT_EXPORT_MEMORY_H
#define SONDE_AGENT_EXPORT_MEMORY_H

#include "base/base.h"

enum memory_flags {
	MEMORY_READ = 1,
	MEMORY_WRITE = 2,
	MEMORY_EXEC = 4,
	MEMORY_FILE = 8, /* of a file, or the kernel's own */
};

struct memory_region {
	uint64_t start, end;
	unsigned flags; /* enum memory_flags */
};

struct memory {
	int pid;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	struct memory_region *regions;
	uint32_t n, cap;
	int pagemap;   /* < 0: it cannot be read, and every page counts as there */
	char *buffer;  /* of MEMORY_BUFFER bytes: what has been read */
	uint64_t read; /* bytes, so far */
};

#define MEMORY_BUFFER ((size_t)256 << 10)

/* Takes down what is mapped now, in the order of addresses. 0, or an error. */
must_check int memory_open(struct memory *m, int pid, uint64_t deadline_ns, struct err *err);
void memory_close(struct memory *m);

/* Calls each() with what is there of [start, end), piece by piece; what cannot be read is left out.
 * False: the deadline is over. */
typedef void memory_fn(void *ctx, uint64_t address, const char *data, size_t n);
bool memory_each(struct memory *m, uint64_t start, uint64_t end, memory_fn *each, void *ctx);

/* Reads n bytes; false if not all of them can be. */
bool memory_read(int pid, void *dst, uint64_t address, size_t n);

/* Whether the process has a handler for the signal. */
bool memory_takes_signal(int pid, int sig);
/* A file of /proc/PID, added to `ret`. 0 or -errno. */
must_check int memory_proc_file(int pid, const char *name, struct buf *ret);
/* A number of /proc/PID/status; 0: it cannot be read, or has no such field. */
uint64_t memory_proc_status(int pid, const char *field, int base);

#endif
