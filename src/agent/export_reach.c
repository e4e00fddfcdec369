/*
 * The search; see export_reach.h.
 *
 * Blocks are sorted by address. A hash of pages leads from a word to the first block that touches
 * its page, and a search in steps that double from there to the block; most words are no address
 * between the first block and the last. Memory outside blocks is read once, in order; then each
 * block that was found is read in its turn, so that what it costs is one reading of memory, and a
 * few words a block. (Rejected: an edge for each pointer from block to block, of which there may be
 * more than blocks.)
 *
 * When a process searches itself, what it writes down here is in its own memory, and must not be
 * taken for the program's: addresses are kept as live_hide() makes them, and the calling thread's
 * stack counts from the caller on.
 */
#include "agent/export_reach.h"

#include "agent/export_memory.h"
#include "agent/export_roots.h"
#include "agent/live_table.h"
#include "sig/sig.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#define PAGE_BITS 12
#define PAGES_MAX (64u << 20) /* of blocks: 256 GiB */
#define IN_VAIN	  5	      /* searches that must have found no more, of a process that runs on */
#define BATCH	  64
#define TICK_NS	  5000000 /* longer than one of recording_heap_tick() */
#define NONE	  UINT32_MAX

struct search {
	const struct export_source *recording;
	const struct roots_question *question;
	struct memory memory;
	struct roots roots;
	struct blocks blocks;	/* by address; of two that begin together the larger first */
	uint64_t low, span;	/* of their addresses */
	uint32_t *outer;	/* the block that a block lies in; NONE */
	struct map pages;	/* -> the first block that touches it */
	bool *reached, *found;	/* in this search; in any so far */
	uint32_t *work, work_n; /* reached, and not read yet */
	uint32_t lost_n;	/* blocks that were not found so far */
	bool any_byte;		/* addresses need not be aligned: code */
	bool in_time;
	uint64_t own_stack;
};

/* --- the blocks --- */

static uint64_t begin_of(const struct search *s, uint32_t i)
{
	return s->blocks.items[i].address;
}

/* To whole words; a block of no bytes has one. */
static uint64_t end_of(const struct search *s, uint32_t i)
{
	const struct block *b = &s->blocks.items[i];
	return (b->address + (b->size ? b->size : 1) + 7) & ~7ull;
}

/* By the eight bits at `shift`, keeping the order of equals. */
static void sort_by_byte(const struct block *from, struct block *to, uint32_t n,
	uint64_t (*key)(const struct block *), unsigned shift)
{
	uint32_t at[256] = {0}, sum = 0;
	for (uint32_t i = 0; i < n; i++)
		at[key(&from[i]) >> shift & 255]++;
	for (int i = 0; i < 256; i++) {
		uint32_t count = at[i];
		at[i] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < n; i++)
		to[at[key(&from[i]) >> shift & 255]++] = from[i];
}

static uint64_t by_address(const struct block *b)
{
	return b->address;
}

static uint64_t largest_first(const struct block *b)
{
	return ~b->size;
}

static void sort_by(struct blocks *b, struct block *spare, uint64_t (*key)(const struct block *))
{
	for (unsigned shift = 0; shift < 64; shift += 16) {
		sort_by_byte(b->items, spare, b->n, key, shift);
		sort_by_byte(spare, b->items, b->n, key, shift + 8);
	}
}

/* qsort() takes memory from malloc. */
static void sort(struct blocks *b)
{
	struct block *spare = mem_array(b->n + 1, sizeof(*spare));
	sort_by(b, spare, largest_first);
	sort_by(b, spare, by_address);
	mem_free(spare);
}

/* What was allocated while we looked may not have been stored anywhere yet. */
static void keep_older(struct blocks *b, uint32_t tick)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < b->n; i++)
		if ((int32_t)(b->items[i].born - tick) < 0)
			b->items[n++] = b->items[i];
	b->n = n;
}

/* A pool's blocks may lie in a chunk that is recorded as well. */
static void find_outer(struct search *s)
{
	for (uint32_t i = 0; i < s->blocks.n; i++) {
		uint32_t o = i ? i - 1 : NONE;
		while (o != NONE && end_of(s, o) <= begin_of(s, i))
			o = s->outer[o];
		s->outer[i] = o;
	}
}

static void find_span(struct search *s)
{
	for (uint32_t i = 0; i < s->blocks.n; i++)
		if (end_of(s, i) - begin_of(s, 0) > s->span)
			s->span = end_of(s, i) - begin_of(s, 0);
	s->low = s->blocks.n ? begin_of(s, 0) : 0;
}

static int index_pages(struct search *s, struct err *err)
{
	uint64_t pages = 0;
	for (uint32_t i = 0; i < s->blocks.n; i++) {
		uint64_t first = begin_of(s, i) >> PAGE_BITS;
		uint64_t last = (end_of(s, i) - 1) >> PAGE_BITS;
		pages += last - first + 1;
		if (last < first || pages > PAGES_MAX)
			return err_set(err, ERR_LIMIT,
				"the blocks in use are too large to be searched for: more than "
				"256 GiB");
		for (uint64_t page = first; page <= last; page++) {
			bool is_new;
			uint32_t *slot = map_put(&s->pages, page, &is_new);
			if (is_new)
				*slot = i;
		}
	}
	return 0;
}

/* The last block that begins at `hidden` or before, from block `i` on, which does. */
static uint32_t last_before(const struct search *s, uint32_t i, uint64_t hidden)
{
	uint32_t step = 1, n = s->blocks.n;
	while (i + step < n && begin_of(s, i + step) <= hidden) {
		i += step;
		step *= 2;
	}
	for (; step; step /= 2)
		if (i + step < n && begin_of(s, i + step) <= hidden)
			i += step;
	return i;
}

/* The innermost block around it; NONE. */
static uint32_t block_around(const struct search *s, uint64_t hidden)
{
	const uint32_t *first = map_get(&s->pages, hidden >> PAGE_BITS);
	if (!first || begin_of(s, *first) > hidden)
		return NONE;
	uint32_t i = last_before(s, *first, hidden);
	while (i != NONE && end_of(s, i) <= hidden)
		i = s->outer[i];
	return i;
}

/* --- the words --- */

static void reach(struct search *s, uint64_t word)
{
	uint64_t hidden = live_hide(word);
	if (hidden - s->low >= s->span)
		return;
	for (uint32_t i = block_around(s, hidden); i != NONE && !s->reached[i]; i = s->outer[i]) {
		s->reached[i] = true;
		s->work[s->work_n++] = i;
	}
}

static void reach_from(struct search *s, const char *data, size_t n)
{
	uint64_t word;
	size_t step = s->any_byte ? 1 : sizeof(word);
	for (size_t at = 0; at + sizeof(word) <= n; at += step) {
		memcpy(&word, data + at, sizeof(word));
		reach(s, word);
	}
}

static void from_block(void *ctx, uint64_t address, const char *data, size_t n)
{
	reach_from(ctx, data, n);
}

/* The first block that ends behind `hidden`, as far as blocks do not lie in one another. */
static uint32_t first_behind(const struct search *s, uint64_t hidden)
{
	uint32_t lo = 0, hi = s->blocks.n;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (begin_of(s, mid) <= hidden)
			lo = mid + 1;
		else
			hi = mid;
	}
	uint32_t i = lo ? lo - 1 : NONE;
	while (i != NONE && end_of(s, i) <= hidden)
		i = s->outer[i];
	return i == NONE ? lo : i;
}

/* Of memory as it lies there: what is between the blocks. */
static void from_memory(void *ctx, uint64_t address, const char *data, size_t n)
{
	struct search *s = ctx;
	uint64_t begin = live_hide(address), at = begin, end = begin + n;
	for (uint32_t i = first_behind(s, at); at < end; i++) {
		uint64_t next = i < s->blocks.n ? begin_of(s, i) : end;
		if (next > end)
			next = end;
		if (next > at)
			reach_from(s, data + (at - begin), next - at);
		if (i >= s->blocks.n)
			return;
		if (end_of(s, i) > at)
			at = end_of(s, i);
	}
}

/* --- one search --- */

static void from_registers(struct search *s)
{
	for (uint32_t i = 0; i < s->roots.word_n; i++)
		reach(s, s->roots.words[i]);
}

static bool is_searched(const struct memory_region *r)
{
	if (!(r->flags & MEMORY_READ))
		return false;
	return (r->flags & MEMORY_WRITE) || !(r->flags & MEMORY_FILE);
}

/* A region, less what is left out; `next` is the first range that may lie in it. */
static void from_region(struct search *s, const struct memory_region *r, uint32_t *next)
{
	const struct roots *out = &s->roots;
	uint64_t at = r->start;
	s->any_byte = r->flags & MEMORY_EXEC;
	while (*next < out->out_n && out->out[*next].end <= at)
		++*next;
	for (uint32_t i = *next; i < out->out_n && out->out[i].start < r->end; i++) {
		if (at < out->out[i].start)
			s->in_time &=
				memory_each(&s->memory, at, out->out[i].start, from_memory, s);
		at = out->out[i].end;
	}
	if (at < r->end)
		s->in_time &= memory_each(&s->memory, at, r->end, from_memory, s);
	s->any_byte = false;
}

static uint64_t first_word_of(const struct search *s, uint32_t i)
{
	return live_hide(begin_of(s, i)) & ~7ull;
}

static uint64_t bytes_of(const struct search *s, uint32_t i)
{
	return live_hide(end_of(s, i)) - first_word_of(s, i);
}

static void from_one(struct search *s, uint32_t i)
{
	uint64_t begin = first_word_of(s, i);
	s->in_time = memory_each(&s->memory, begin, begin + bytes_of(s, i), from_block, s);
}

/* Small blocks are read many at once: the price is that of the system call. */
static void from_batch(struct search *s)
{
	struct iovec from[BATCH], to = {s->memory.buffer, 0};
	uint32_t first = s->work_n, n = 0;
	while (first && n < BATCH && bytes_of(s, s->work[first - 1]) <= MEMORY_BUFFER / BATCH) {
		uint32_t i = s->work[--first];
		from[n++] = (struct iovec){(void *)(uintptr_t)first_word_of(s, i), bytes_of(s, i)};
		to.iov_len += bytes_of(s, i);
	}
	long got = n ? sig_syscall(SYS_process_vm_readv, s->memory.pid, &to, 1, from, n, 0) : -1;
	if (got != (long)to.iov_len) {
		from_one(s, s->work[--s->work_n]);
		return;
	}
	s->work_n = first;
	s->memory.read += (uint64_t)got;
	reach_from(s, s->memory.buffer, to.iov_len);
}

/* What was found is found from as well. */
static void from_found(struct search *s)
{
	while (s->work_n && s->in_time) {
		from_batch(s);
		s->in_time &= sig_clock_ns(CLOCK_MONOTONIC) < s->memory.deadline_ns;
	}
}

/* What was found before could be reached then, wherever the way to it leads by now. */
static void begin_from_found(struct search *s)
{
	for (uint32_t i = 0; i < s->blocks.n; i++) {
		s->reached[i] = s->found[i];
		if (s->found[i])
			s->work[s->work_n++] = i;
	}
}

static void note_found(struct search *s)
{
	s->lost_n = 0;
	for (uint32_t i = 0; i < s->blocks.n; i++) {
		s->found[i] = s->reached[i];
		s->lost_n += !s->found[i];
	}
}

static int search_once(struct search *s, struct err *err)
{
	const struct recording *rec = s->recording->data;
	uint64_t deadline = s->memory.deadline_ns, read = s->memory.read;
	uint32_t next = 0;
	int rc = memory_open(&s->memory, (int)rec->pid, deadline, err);
	s->memory.read = read;
	if (rc)
		return rc;
	rc = roots_find(&s->roots, &s->memory, rec, s->question, s->own_stack, err);
	if (!rc) {
		begin_from_found(s);
		from_registers(s);
		for (uint32_t i = 0; i < s->memory.n && s->in_time; i++)
			if (is_searched(&s->memory.regions[i]))
				from_region(s, &s->memory.regions[i], &next);
		from_found(s);
		note_found(s);
	}
	read = s->memory.read;
	memory_close(&s->memory);
	s->memory.read = read;
	s->memory.deadline_ns = deadline;
	return rc;
}

/* Until nothing new was found several times in a row. */
static int search(struct search *s, struct reach *ret, struct err *err)
{
	int rc = 0;
	bool alone = false;
	s->lost_n = s->blocks.n;
	for (uint32_t in_vain = 0; s->lost_n && in_vain < IN_VAIN && !alone && !rc;) {
		uint32_t before = s->lost_n;
		rc = search_once(s, err);
		in_vain = s->lost_n < before ? 0 : in_vain + 1;
		alone = s->own_stack && !s->roots.others;
		ret->silent = s->roots.silent;
		ret->searches++;
		roots_release(&s->roots);
		if (!rc && !s->in_time)
			rc = err_set(err, -ETIMEDOUT,
				"the program's memory is too large to be searched in time: %.1f "
				"GiB were read",
				(double)s->memory.read / (1 << 30));
	}
	return rc;
}

/* --- all of it --- */

/* Whether it is among those of its address, of which the first is `at`. */
static bool is_there(const struct blocks *now, uint32_t at, const struct block *b)
{
	for (; at < now->n && now->items[at].address == b->address; at++)
		if (now->items[at].born == b->born && now->items[at].count == b->count)
			return true;
	return false;
}

/* Those that are still there, and are the same. */
static int keep_lost(struct search *s, struct reach *ret, struct err *err)
{
	struct blocks now;
	int rc = blocks_read(&now, s->recording, err);
	if (rc)
		return rc;
	sort(&now);
	for (uint32_t i = 0, at = 0; i < s->blocks.n; i++) {
		const struct block *b = &s->blocks.items[i];
		while (at < now.n && now.items[at].address < b->address)
			at++;
		if (!s->found[i] && is_there(&now, at, b))
			vec_push(ret->lost, ret->n, ret->cap, *b);
	}
	blocks_release(&now);
	return 0;
}

static int prepare(struct search *s, struct err *err)
{
	const struct timespec tick = {0, TICK_NS};
	sig_syscall(SYS_nanosleep, &tick, 0); /* all that there is belongs to a tick before */
	uint32_t now = recording_heap_tick(sig_clock_ns(CLOCK_MONOTONIC));
	int rc = blocks_read(&s->blocks, s->recording, err);
	if (rc)
		return rc;
	keep_older(&s->blocks, now);
	sort(&s->blocks);
	uint32_t n = s->blocks.n + 1;
	s->outer = mem_array(n, sizeof(*s->outer));
	s->work = mem_array(n, sizeof(*s->work));
	s->reached = mem_zalloc(n * sizeof(*s->reached));
	s->found = mem_zalloc(n * sizeof(*s->found));
	find_outer(s);
	find_span(s);
	return index_pages(s, err);
}

static void search_release(struct search *s)
{
	blocks_release(&s->blocks);
	map_release(&s->pages);
	mem_free(s->outer);
	mem_free(s->work);
	mem_free(s->reached);
	mem_free(s->found);
	mem_free(s);
}

/* Our own frames, from this one on, are below what counts of the stack. */
static __attribute__((noinline)) int find(struct reach *ret, const struct export_source *recording,
	const struct roots_question *question, uint64_t patience_ns, struct err *err)
{
	const struct recording *rec = recording->data;
	struct search *s = mem_zalloc(sizeof(*s));
	uint64_t started = sig_clock_ns(CLOCK_MONOTONIC);
	s->recording = recording;
	s->question = question;
	s->in_time = true;
	s->memory.deadline_ns = started + patience_ns;
	if ((int)rec->pid == sig_getpid())
		s->own_stack = (uintptr_t)__builtin_frame_address(0);
	map_init(&s->pages);
	*ret = (struct reach){0};
	int rc = prepare(s, err);
	ret->of = s->blocks.n;
	if (!rc)
		rc = search(s, ret, err);
	if (!rc)
		rc = keep_lost(s, ret, err);
	ret->read = s->memory.read;
	ret->took_ns = sig_clock_ns(CLOCK_MONOTONIC) - started;
	search_release(s);
	if (rc)
		reach_release(ret);
	return rc;
}

/* The caller's registers that nobody has written to the stack yet are written to it here. */
int reach_find(struct reach *ret, const struct export_source *recording,
	const struct roots_question *question, uint64_t patience_ns, struct err *err)
{
	__builtin_unwind_init();
	int rc = find(ret, recording, question, patience_ns, err);
	__asm__ volatile("" ::: "memory"); /* not a tail call */
	return rc;
}

void reach_release(struct reach *r)
{
	mem_free(r->lost);
	*r = (struct reach){0};
}
