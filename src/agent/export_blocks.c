/*
 * Reading another process's live table; see export_blocks.h. Nothing in it is trusted: the process
 * goes on, and may have written over it.
 */
#include "agent/export_blocks.h"

#include "agent/export.h"
#include "agent/export_memory.h"
#include "agent/live_table.h"
#include <errno.h>
#include <string.h>

#define BLOCKS_MAX    (1u << 27) /* more is no count of blocks */
#define LINES_AT_ONCE 512u
#define OVERFLOWS_MAX (1u << 20) /* lines chained to others: more is a ring */

struct reading {
	struct blocks *to;
	const struct export_source *recording;
	int pid;
	uint32_t overflows;
	char lines[LINES_AT_ONCE * sizeof(struct live_line)];
};

/* A reference that leads nowhere is what a torn or overwritten entry looks like. */
static void add_block(struct reading *r, uint64_t hidden, uint64_t value)
{
	const struct recording_count *c = export_count_at(r->recording, (rec_ref)value);
	if (!c || c->kind != RECORDING_HEAP)
		return;
	struct block b = {hidden, recording_heap_size(c->key), (rec_ref)value, value >> 32};
	vec_push(r->to->items, r->to->n, r->to->cap, b);
}

static void add_line(struct reading *r, const struct live_line *line)
{
	for (int i = 0; i < LIVE_WAYS; i++) {
		uintptr_t hidden = atomic_load_explicit(&line->address[i], memory_order_relaxed);
		if (hidden && hidden != LIVE_CLAIMED)
			add_block(r, hidden,
				atomic_load_explicit(&line->value[i], memory_order_relaxed));
	}
}

static void add_overflows(struct reading *r, const struct live_line *first)
{
	struct live_line line;
	uint64_t next = (uintptr_t)atomic_load_explicit(&first->overflow, memory_order_relaxed);
	while (next && r->overflows++ < OVERFLOWS_MAX &&
		memory_read(r->pid, &line, next, sizeof(line))) {
		add_line(r, &line);
		next = (uintptr_t)atomic_load_explicit(&line.overflow, memory_order_relaxed);
	}
}

static void add_generation(struct reading *r, uint64_t lines, uint32_t n)
{
	for (uint32_t at = 0; at < n; at += LINES_AT_ONCE) {
		struct live_line line;
		if (!memory_read(r->pid, r->lines, lines + at * sizeof(line), sizeof(r->lines)))
			return;
		for (uint32_t i = 0; i < LINES_AT_ONCE; i++) {
			memcpy(&line, r->lines + i * sizeof(line), sizeof(line));
			add_line(r, &line);
			add_overflows(r, &line);
		}
	}
}

/* Room for what there is, and what may come meanwhile; more is found room for as it comes. */
static void reserve(struct blocks *b, struct live_generation *generations)
{
	uint64_t n = 0;
	for (uint32_t g = 0; g < LIVE_GENERATIONS; g++)
		n += atomic_load(&generations[g].count);
	if (n < BLOCKS_MAX)
		vec_grow(b->items, n + n / 16, b->cap);
}

static int check(const struct recording *rec, struct err *err)
{
	if (!rec->heap.table)
		return err_set(err, ERR_NOT_FOUND,
			"process %u records no allocations; switch the heap profile on", rec->pid);
	if (atomic_load(&rec->end_monotonic_ns))
		return err_set(err, ERR_NOT_FOUND, "process %u has ended", rec->pid);
	return 0;
}

int blocks_read(struct blocks *ret, const struct export_source *recording, struct err *err)
{
	const struct recording *rec = recording->data;
	struct live_generation generations[LIVE_GENERATIONS];
	*ret = (struct blocks){0};
	int rc = check(rec, err);
	if (rc)
		return rc;
	if (!memory_read((int)rec->pid, generations,
		    rec->heap.table + offsetof(struct live_table, generations),
		    sizeof(generations)))
		return err_set(err, -EPERM,
			"the memory of process %u cannot be read: that takes the right to trace "
			"it",
			rec->pid);
	struct reading *r = mem_zalloc(sizeof(*r));
	r->to = ret;
	r->recording = recording;
	r->pid = (int)rec->pid;
	reserve(ret, generations);
	for (uint32_t g = 0; g < LIVE_GENERATIONS; g++) {
		uint64_t lines = (uintptr_t)atomic_load(&generations[g].lines);
		if (lines && atomic_load(&generations[g].count))
			add_generation(r, lines, live_lines_in(g));
	}
	mem_free(r);
	return 0;
}

void blocks_release(struct blocks *b)
{
	mem_free(b->items);
	*b = (struct blocks){0};
}
