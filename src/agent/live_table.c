/*
 * live_table: see live_table.h.
 *
 * Generations: each is eight times the last, and inserts go to the newest; when it holds more than
 * four addresses a line the next one begins. Nothing is moved, so that no reader or writer ever
 * waits, and a program with few live blocks touches few pages. A removal asks the newest generation
 * first and passes over empty ones. (Rejected: one large sparse table, in which ten thousand blocks
 * touch ten thousand pages; open addressing with tombstones, which needs a rebuild; sharded locks,
 * which a fork can hold.)
 */
#include "agent/live_table.h"

#include "sig/sig.h"

#include <sys/mman.h>

#define FULL_PER_LINE 4
#define SPARE_LINES   1024
#define SPARE_SIZE    (SPARE_LINES * sizeof(struct live_line))

static uint32_t hash_of(uintptr_t address)
{
	return (uint32_t)((uint64_t)address * 0x9e3779b97f4a7c15u >> 32);
}

/* A child of fork, whose table is wiped as well, does not pay for copies of the pages; one that was
 * made in the midst of an insert finds zeros. */
static void *map_pages(struct live_table *t, size_t size)
{
	uint64_t before = atomic_fetch_add(&t->bytes, size);
	void *p = before + size <= t->bytes_max ? sig_map(size) : NULL;
	if (p)
		sig_syscall(SYS_madvise, p, size, MADV_WIPEONFORK);
	else
		atomic_fetch_sub(&t->bytes, size);
	return p;
}

static void unmap_pages(struct live_table *t, void *p, size_t size)
{
	sig_unmap(p, size);
	atomic_fetch_sub(&t->bytes, size);
}

/* The lines of a generation, mapped on first use; a thread that loses the race gives its own back.
 */
static struct live_line *lines_of(struct live_table *t, uint32_t generation)
{
	struct live_generation *g = &t->generations[generation];
	struct live_line *lines = atomic_load_explicit(&g->lines, memory_order_acquire);
	if (lines)
		return lines;
	size_t size = live_lines_in(generation) * sizeof(struct live_line);
	struct live_line *fresh = map_pages(t, size);
	if (!fresh)
		return atomic_load(&g->lines);
	if (atomic_compare_exchange_strong(&g->lines, &lines, fresh))
		return fresh;
	unmap_pages(t, fresh, size);
	return lines;
}

static struct live_line *overflow_new(struct live_table *t)
{
	for (;;) {
		struct live_line *chunk = atomic_load_explicit(&t->spare, memory_order_acquire);
		if (chunk) {
			/* The chunk's first line counts how many of it are taken, and leads to the
			 * chunk before. */
			uint64_t i = atomic_fetch_add(&chunk->address[0], 1) + 1;
			if (i < SPARE_LINES)
				return &chunk[i];
		}
		struct live_line *fresh = map_pages(t, SPARE_SIZE);
		if (!fresh)
			return NULL;
		atomic_store(&fresh->overflow, chunk);
		if (!atomic_compare_exchange_strong(&t->spare, &chunk, fresh))
			unmap_pages(t, fresh, SPARE_SIZE);
	}
}

static struct live_line *next_or_new(struct live_table *t, struct live_line *line)
{
	struct live_line *next = atomic_load_explicit(&line->overflow, memory_order_acquire);
	if (next)
		return next;
	struct live_line *fresh = overflow_new(t);
	if (!fresh)
		return NULL;
	/* The loser's line stays unused: one line lost to a race is cheaper than a free list. */
	return atomic_compare_exchange_strong(&line->overflow, &next, fresh) ? fresh : next;
}

static bool put(struct live_line *line, uintptr_t address, uint64_t value)
{
	for (int i = 0; i < LIVE_WAYS; i++) {
		uintptr_t free_slot = 0;
		if (atomic_load_explicit(&line->address[i], memory_order_relaxed))
			continue;
		if (!atomic_compare_exchange_strong(&line->address[i], &free_slot, LIVE_CLAIMED))
			continue;
		atomic_store_explicit(&line->value[i], value, memory_order_relaxed);
		atomic_store_explicit(&line->address[i], live_hide(address), memory_order_release);
		return true;
	}
	return false;
}

static void filter_add(struct live_filter *filter, uintptr_t address)
{
	_Atomic uint8_t *count = &filter->count[live_filter_home(address)];
	uint8_t now = atomic_load_explicit(count, memory_order_relaxed);
	while (now != UINT8_MAX && !atomic_compare_exchange_weak(count, &now, now + 1))
		continue;
}

static void filter_remove(struct live_filter *filter, uintptr_t address)
{
	_Atomic uint8_t *count = &filter->count[live_filter_home(address)];
	uint8_t now = atomic_load_explicit(count, memory_order_relaxed);
	while (now != UINT8_MAX && now && !atomic_compare_exchange_weak(count, &now, now - 1))
		continue;
}

static void grow_if_full(struct live_table *t, uint32_t generation, uint64_t count)
{
	if (count < (uint64_t)live_lines_in(generation) * FULL_PER_LINE ||
		generation + 1 == LIVE_GENERATIONS)
		return;
	if (lines_of(t, generation + 1))
		atomic_compare_exchange_strong(&t->newest, &generation, generation + 1);
}

bool live_insert(struct live_table *t, uintptr_t address, uint64_t value)
{
	uint32_t generation = atomic_load_explicit(&t->newest, memory_order_acquire);
	struct live_filter *filter = atomic_load_explicit(&t->filter, memory_order_relaxed);
	if (!filter)
		return false;
	struct live_line *lines = lines_of(t, generation);
	struct live_line *line =
		lines ? &lines[hash_of(address) % live_lines_in(generation)] : NULL;
	filter_add(filter, address);
	while (line && !put(line, address, value))
		line = next_or_new(t, line);
	if (!line) {
		filter_remove(filter, address);
		atomic_fetch_add(&t->dropped, 1);
		return false;
	}
	uint64_t count = atomic_fetch_add(&t->generations[generation].count, 1) + 1;
	grow_if_full(t, generation, count);
	return true;
}

static bool take(struct live_line *line, uintptr_t address, uint64_t *ret_value)
{
	for (; line; line = atomic_load_explicit(&line->overflow, memory_order_acquire)) {
		for (int i = 0; i < LIVE_WAYS; i++) {
			if (atomic_load_explicit(&line->address[i], memory_order_acquire) !=
				live_hide(address))
				continue;
			*ret_value = atomic_load_explicit(&line->value[i], memory_order_relaxed);
			atomic_store_explicit(&line->address[i], 0, memory_order_release);
			return true;
		}
	}
	return false;
}

bool live_remove(struct live_table *t, uintptr_t address, uint64_t *ret_value)
{
	struct live_filter *filter = atomic_load_explicit(&t->filter, memory_order_relaxed);
	if (!filter || !live_maybe(filter, address))
		return false;
	for (int g = (int)atomic_load_explicit(&t->newest, memory_order_acquire); g >= 0; g--) {
		struct live_generation *generation = &t->generations[g];
		struct live_line *lines =
			atomic_load_explicit(&generation->lines, memory_order_acquire);
		if (!lines || !atomic_load_explicit(&generation->count, memory_order_relaxed))
			continue;
		if (!take(&lines[hash_of(address) % live_lines_in((uint32_t)g)], address,
			    ret_value))
			continue;
		atomic_fetch_sub(&generation->count, 1);
		filter_remove(filter, address);
		return true;
	}
	return false;
}

static void each_in(struct live_line *line, void (*each)(uintptr_t, uint64_t, void *), void *ctx)
{
	for (; line; line = atomic_load_explicit(&line->overflow, memory_order_acquire)) {
		for (int i = 0; i < LIVE_WAYS; i++) {
			uintptr_t address =
				atomic_load_explicit(&line->address[i], memory_order_acquire);
			if (address != 0 && address != LIVE_CLAIMED)
				each(live_hide(address),
					atomic_load_explicit(&line->value[i], memory_order_relaxed),
					ctx);
		}
	}
}

void live_each(struct live_table *t, void (*each)(uintptr_t, uint64_t, void *), void *ctx)
{
	uint32_t newest = atomic_load_explicit(&t->newest, memory_order_acquire);
	for (uint32_t g = 0; g <= newest; g++) {
		struct live_line *lines =
			atomic_load_explicit(&t->generations[g].lines, memory_order_acquire);
		for (uint32_t i = 0; lines && i < live_lines_in(g); i++)
			each_in(&lines[i], each, ctx);
	}
}

/* Pages that were never touched stay so. */
void live_filter_clear(struct live_filter *filter)
{
	for (uint32_t i = 0; i < sizeof(filter->count); i++)
		if (atomic_load_explicit(&filter->count[i], memory_order_relaxed))
			atomic_store_explicit(&filter->count[i], 0, memory_order_relaxed);
}

void live_clear(struct live_table *t)
{
	for (uint32_t g = 0; g < LIVE_GENERATIONS; g++) {
		struct live_line *lines = atomic_exchange(&t->generations[g].lines, NULL);
		if (lines)
			unmap_pages(t, lines, live_lines_in(g) * sizeof(*lines));
		atomic_store(&t->generations[g].count, 0);
	}
	for (struct live_line *chunk = atomic_exchange(&t->spare, NULL), *next; chunk;
		chunk = next) {
		next = atomic_load(&chunk->overflow);
		unmap_pages(t, chunk, SPARE_SIZE);
	}
	atomic_store(&t->newest, 0);
	if (t->filter)
		live_filter_clear(t->filter);
}
