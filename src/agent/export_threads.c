/*
 * Reading a snapshot; see export_threads.h.
 */
#include "agent/export_threads.h"

#include "agent/export.h"
#include "agent/export_memory.h"
#include "pprof/pprof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void export_threads_release(struct export_threads *threads)
{
	mem_free(threads->of);
	*threads = (struct export_threads)EXPORT_THREADS_INIT;
}

static void read_name(int pid, struct export_thread *t)
{
	char file[64];
	struct buf comm = BUF_INIT;
	snprintf(file, sizeof(file), "task/%d/comm", t->tid);
	if (memory_proc_file(pid, file, &comm) == 0 && comm.data)
		snprintf(
			t->name, sizeof(t->name), "%.*s", (int)strcspn(comm.data, "\n"), comm.data);
	buf_release(&comm);
}

/* One that a process noted as it ended is not to be found any more. */
void export_threads_name(struct export_threads *threads, int pid)
{
	for (uint32_t i = 0; i < threads->n; i++)
		if (!*threads->of[i].name)
			read_name(pid, &threads->of[i]);
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return then && then < now ? now - then : 0;
}

_Static_assert(sizeof(struct recording_thread) % sizeof(uint64_t) == 0, "read by words");

/* A row that is written again meanwhile is of another snapshot afterwards. */
static bool read_row(
	const struct recording_thread *row, uint32_t snapshot, struct recording_thread *ret)
{
	if (atomic_load(&row->snapshot) != snapshot)
		return false;
	const _Atomic uint64_t *from = (const _Atomic uint64_t *)(const void *)row;
	uint64_t words[sizeof(*row) / sizeof(uint64_t)];
	for (size_t i = 0; i < array_len(words); i++)
		words[i] = atomic_load_explicit(&from[i], memory_order_acquire);
	memcpy(ret, words, sizeof(*ret));
	return atomic_load(&row->snapshot) == snapshot;
}

static void add(struct export_threads *threads, struct builder *b, const struct recording *rec,
	const struct recording_thread *row)
{
	uint64_t now = atomic_load(&rec->snapshot_ns);
	struct export_thread t = {.tid = row->tid,
		.creator = row->creator,
		.wait = row->wait,
		.fd = row->fd,
		.owner = row->owner,
		.object = row->object,
		.waited_ns = since(now, row->since_ns),
		.age_ns = since(now, row->born_ns),
		.handle = row->handle,
		.sample = export_add_stack(b, row->stack, row->labels),
		.created = row->created_at, /* a reference until all have their samples */
		.next = PROFILE_NONE};
	if (t.sample == PROFILE_NONE)
		return;
	snprintf(t.name, sizeof(t.name), "%.*s", (int)sizeof(row->name), row->name);
	vec_push(threads->of, threads->n, threads->cap, t);
}

static int by_tid(const void *a, const void *b)
{
	const struct export_thread *x = a, *y = b;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

static void add_creators(struct export_threads *threads, struct builder *b)
{
	for (uint32_t i = 0; i < threads->n; i++) {
		struct export_thread *t = &threads->of[i];
		t->created = t->created ? export_add_stack(b, t->created, 0) : PROFILE_NONE;
	}
}

/* --- who waits for whom --- */

static uint32_t find(const struct export_threads *threads, int tid)
{
	const struct export_thread key = {.tid = tid};
	const struct export_thread *t = bsearch(&key, threads->of, threads->n, sizeof(key), by_tid);
	return t ? (uint32_t)(t - threads->of) : PROFILE_NONE;
}

static void find_joined(struct export_threads *threads)
{
	struct map by_handle;
	map_init(&by_handle);
	bool is_new;
	for (uint32_t i = 0; i < threads->n; i++)
		if (threads->of[i].handle)
			*map_put(&by_handle, threads->of[i].handle, &is_new) = i;
	for (uint32_t i = 0; i < threads->n; i++) {
		struct export_thread *t = &threads->of[i];
		const uint32_t *joined =
			t->wait == WAIT_JOIN && t->object ? map_get(&by_handle, t->object) : NULL;
		if (joined)
			t->owner = threads->of[*joined].tid;
	}
	map_release(&by_handle);
}

/* Each waits for one other at most, so a walk that meets itself has found a cycle. */
static void find_cycles(struct export_threads *threads)
{
	uint32_t *walk =
		mem_zalloc((threads->n + 1) * sizeof(*walk)); /* that met a thread, from 1 */
	for (uint32_t i = 0; i < threads->n; i++) {
		uint32_t at = i;
		while (at != PROFILE_NONE && !walk[at]) {
			walk[at] = i + 1;
			at = threads->of[at].next;
		}
		if (at == PROFILE_NONE || walk[at] != i + 1)
			continue;
		threads->cycles++;
		for (; !threads->of[at].cycle; at = threads->of[at].next)
			threads->of[at].cycle = threads->cycles;
	}
	mem_free(walk);
}

void export_threads_read(
	struct export_threads *threads, struct builder *b, const struct export_source *source)
{
	const struct recording *rec = source->data;
	uint32_t snapshot = atomic_load(&rec->snapshot), steps = 0;
	for (rec_ref ref = atomic_load(&rec->snapshot_threads);
		ref && steps++ < THREADS_READ_MAX;) {
		const struct recording_thread *row = export_at(source, ref, sizeof(*row));
		struct recording_thread copy;
		if (!row)
			break;
		if (snapshot && read_row(row, snapshot, &copy))
			add(threads, b, rec, &copy);
		ref = row->next;
	}
	if (threads->n)
		qsort(threads->of, threads->n, sizeof(*threads->of), by_tid);
	add_creators(threads, b);
	find_joined(threads);
	for (uint32_t i = 0; i < threads->n; i++)
		if (threads->of[i].owner)
			threads->of[i].next = find(threads, threads->of[i].owner);
	find_cycles(threads);
}
