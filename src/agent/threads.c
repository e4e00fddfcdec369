/*
 * The registry of threads; see threads.h.
 */
#include "agent/threads.h"

#include "sig/sig.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* In by_tid: seen by one scan and not in the registry. It may be on its way in, or dying. */
#define SUSPECT UINT32_MAX

struct thread *threads_claim(struct threads *threads)
{
	uint32_t from = atomic_load_explicit(&threads->hint, memory_order_relaxed);
	for (uint32_t i = 0; i < THREADS_MAX; i++) {
		uint32_t at = (from + i) % THREADS_MAX;
		struct thread *t = &threads->slots[at];
		uint32_t state = THREAD_FREE;
		if (!atomic_compare_exchange_strong(&t->state, &state, THREAD_CLAIMED))
			continue;
		atomic_store(&t->cpu.timer, TIMER_NONE);
		t->hidden = false;
		atomic_store(&t->labels, 0);
		atomic_store(&t->creator, 0);
		atomic_store(&t->trace.id, 0);
		atomic_store(&t->trace.chunk, 0);
		t->life.creator = 0;
		t->life.born_ns = t->life.handle = 0;
		uint32_t high = atomic_load(&threads->high);
		while (high <= at && !atomic_compare_exchange_weak(&threads->high, &high, at + 1))
			;
		atomic_store_explicit(&threads->hint, at + 1, memory_order_relaxed);
		return t;
	}
	return NULL;
}

void threads_publish(struct threads *threads, struct thread *thread, int tid)
{
	atomic_store(&thread->tid, tid);
	thread->look = atomic_load(&threads->look);
	atomic_store(&thread->state, THREAD_LIVE);
	atomic_fetch_add(&threads->live, 1);
	if ((uint32_t)tid < TIDS_MAX)
		atomic_store(&threads->by_tid[tid], (uint32_t)(thread - threads->slots) + 1);
}

bool threads_retire(struct threads *threads, struct thread *thread)
{
	uint32_t live = THREAD_LIVE;
	if (!atomic_compare_exchange_strong(&thread->state, &live, THREAD_CLAIMED))
		return false;
	uint32_t tid = (uint32_t)atomic_load(&thread->tid);
	uint32_t slot = (uint32_t)(thread - threads->slots) + 1;
	if (tid < TIDS_MAX)
		atomic_compare_exchange_strong(&threads->by_tid[tid], &slot, 0);
	atomic_fetch_sub(&threads->live, 1);
	return true;
}

/* Slots are handed out again from the lowest, so that `high` and the touched memory stay small. */
void threads_release(struct threads *threads, struct thread *thread)
{
	uint32_t at = (uint32_t)(thread - threads->slots);
	atomic_store(&thread->tid, 0);
	atomic_store(&thread->state, THREAD_FREE);
	uint32_t hint = atomic_load_explicit(&threads->hint, memory_order_relaxed);
	while (at < hint && !atomic_compare_exchange_weak(&threads->hint, &hint, at))
		;
}

struct thread *threads_find(struct threads *threads, int tid)
{
	if ((uint32_t)tid >= TIDS_MAX)
		return NULL;
	uint32_t slot = atomic_load(&threads->by_tid[tid]);
	return slot && slot != SUSPECT ? &threads->slots[slot - 1] : NULL;
}

struct thread *threads_slot(struct threads *threads, const void *p)
{
	size_t offset = (size_t)((const char *)p - (const char *)threads->slots);
	if (offset >= sizeof(threads->slots) || offset % sizeof(struct thread))
		return NULL;
	return &threads->slots[offset / sizeof(struct thread)];
}

/* A directory's link count is 2 and one for each directory in it. */
int threads_count_kernel(void)
{
	struct stat st;
	long rc = sig_syscall(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &st, 0);
	return rc < 0 ? (int)rc : (int)st.st_nlink - 2;
}

static int parse_tid(const char *name)
{
	int tid = 0;
	for (; *name >= '0' && *name <= '9'; name++)
		tid = tid * 10 + (*name - '0');
	return *name ? 0 : tid;
}

struct kernel_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

static void look_at(
	struct threads *threads, uint32_t look, int tid, const struct threads_visitor *visitor)
{
	if (tid <= 0 || (uint32_t)tid >= TIDS_MAX)
		return;
	uint32_t unknown = 0;
	if (!visitor->at_once &&
		atomic_compare_exchange_strong(&threads->by_tid[tid], &unknown, SUSPECT))
		return;
	struct thread *t = threads_find(threads, tid);
	if (t)
		t->look = look;
	else
		visitor->appeared(visitor->ctx, tid);
}

/* False if the list could not be read to its end: then nobody may be called vanished. */
static bool look_through(
	struct threads *threads, uint32_t look, const struct threads_visitor *visitor)
{
	char entries[1024] __attribute__((aligned(8)));
	int fd = sig_open("/proc/self/task", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return false;
	long n;
	while ((n = sig_syscall(SYS_getdents64, fd, entries, sizeof(entries))) > 0) {
		for (long at = 0; at < n;) {
			struct kernel_dirent *e = (void *)(entries + at);
			look_at(threads, look, parse_tid(e->name), visitor);
			at += e->len;
		}
	}
	sig_close(fd);
	return n == 0;
}

void threads_scan(struct threads *threads, const struct threads_visitor *visitor)
{
	if (atomic_exchange(&threads->scanning, true))
		return;
	uint32_t look = atomic_fetch_add(&threads->look, 1) + 1;
	if (look_through(threads, look, visitor)) {
		uint32_t high = atomic_load(&threads->high);
		for (uint32_t i = 0; i < high; i++) {
			struct thread *t = &threads->slots[i];
			if (atomic_load(&t->state) == THREAD_LIVE && t->look != look && !t->hooked)
				visitor->vanished(visitor->ctx, t);
		}
	}
	atomic_store(&threads->scanning, false);
}
