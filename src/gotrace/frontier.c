/*
 * Reading events, and the heap of threads. See frontier.h.
 */
#include "gotrace/frontier.h"

/* Reads the arguments of an event whose type is known to be timed. */
static int read_args(struct cursor *c, const uint8_t *end, uint64_t *ret_dt, struct err *err)
{
	unsigned n = gotrace_specs[c->ev.type].args_n - 1u;
	if (varint_read(&c->p, end, ret_dt) != VARINT_OK)
		return err_at(
			err, ERR_FORMAT, cursor_offset(c), "found invalid uvarint for timestamp");
	for (unsigned i = 0; i < n; i++)
		if (varint_read(&c->p, end, &c->ev.args[i]) != VARINT_OK)
			return err_at(err, ERR_FORMAT, cursor_offset(c), "found invalid uvarint");
	return 0;
}

/* 1, 0 at the end of the batches, or an error. */
static int cursor_next(struct cursor *c, const struct clocks *clocks, struct err *err)
{
	while (c->p == c->batch->batch.data + c->batch->batch.len) {
		if (!c->batch->next)
			return 0;
		c->batch = c->batch->next;
		c->p = c->batch->batch.data;
		c->last = 0;
	}
	const struct batch *b = &c->batch->batch;
	if (!c->last)
		c->last = clocks_ns(clocks, b->time);
	c->at = c->p++;
	c->ev.type = *c->at;
	if (c->ev.type >= GOTRACE_EV_N)
		return err_at(err, ERR_FORMAT, cursor_offset(c), "found invalid event type: %u",
			c->ev.type);
	if (!(gotrace_specs[c->ev.type].flags & GOTRACE_TIMED))
		return err_at(err, ERR_FORMAT, cursor_offset(c),
			"found event without a timestamp: type=%u", c->ev.type);
	uint64_t dt;
	int rc = read_args(c, b->data + b->len, &dt, err);
	if (rc < 0)
		return rc;
	c->last = (int64_t)((uint64_t)c->last + (uint64_t)clocks_ns(clocks, dt));
	c->ev.time = c->last;
	return 1;
}

static void swap(struct frontier_entry *a, struct frontier_entry *b)
{
	struct frontier_entry c = *a;
	*a = *b;
	*b = c;
}

/* The entry at i moves up past later ones; where it comes to lie. */
static size_t sift_up(struct frontier_entry *heap, size_t i)
{
	struct frontier_entry moved = heap[i];
	for (; i > 0 && heap[(i - 1) / 2].time > moved.time; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = moved;
	return i;
}

static void sift_down(struct frontier_entry *heap, size_t n, size_t i)
{
	struct frontier_entry moved = heap[i];
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && heap[child + 1].time < heap[child].time)
			child++;
		if (heap[child].time >= moved.time)
			break;
		heap[i] = heap[child];
	}
	heap[i] = moved;
}

static void leave(struct frontier *f, size_t i)
{
	for (; i > 0; i = (i - 1) / 2)
		swap(&f->heap[(i - 1) / 2], &f->heap[i]);
	f->heap[0] = f->heap[--f->n];
	if (f->n)
		sift_down(f->heap, f->n, 0);
}

int frontier_next(struct frontier *f, size_t i, const struct clocks *clocks, struct err *err)
{
	struct cursor *c = f->heap[i].cursor;
	int rc = cursor_next(c, clocks, err);
	if (rc < 0)
		return rc;
	if (!rc) {
		leave(f, i);
		return 0;
	}
	f->heap[i].time = c->ev.time;
	if (!i || sift_up(f->heap, i) == i)
		sift_down(f->heap, f->n, i);
	return 0;
}

int frontier_fill(struct frontier *f, const struct generation *g, struct err *err)
{
	f->cursors = mem_rearray(f->cursors, g->threads_n ? g->threads_n : 1, sizeof(*f->cursors));
	f->n = 0;
	for (size_t i = 0; i < g->threads_n; i++) {
		const struct thread *t = &g->threads[i];
		struct cursor *c = &f->cursors[i];
		*c = (struct cursor){.m = t->m,
			.batch = t->first,
			.p = t->first->batch.data,
			.state = IDMAP_NONE};
		int rc = cursor_next(c, &g->tables.clocks, err);
		if (rc < 0)
			return rc;
		if (!rc)
			continue;
		struct frontier_entry entry = {c->ev.time, c};
		vec_push(f->heap, f->n, f->cap, entry);
		sift_up(f->heap, f->n - 1);
	}
	return 0;
}

/* ---- going through ---- */

#define SORTED_MAX 12 /* up to here Go's sort is by insertion, and stable */

static void sort(struct frontier *f)
{
	for (size_t i = 1; i < f->n; i++)
		for (size_t j = i; j > 0 && f->heap[j].time < f->heap[j - 1].time; j--)
			swap(&f->heap[j], &f->heap[j - 1]);
}

static bool earlier(const struct frontier *f, size_t a, size_t b)
{
	return f->heap[a].time != f->heap[b].time ? f->heap[a].time < f->heap[b].time : a < b;
}

static void walk_push(struct frontier *f, size_t i)
{
	if (i >= f->n)
		return;
	vec_push(f->walk, f->walk_n, f->walk_cap, i);
	size_t at = f->walk_n - 1;
	for (; at > 0 && earlier(f, i, f->walk[(at - 1) / 2]); at = (at - 1) / 2)
		f->walk[at] = f->walk[(at - 1) / 2];
	f->walk[at] = i;
}

static size_t walk_pop(struct frontier *f)
{
	size_t first = f->walk[0], last = f->walk[--f->walk_n], at = 0;
	for (size_t child; (child = 2 * at + 1) < f->walk_n; at = child) {
		if (child + 1 < f->walk_n && earlier(f, f->walk[child + 1], f->walk[child]))
			child++;
		if (earlier(f, last, f->walk[child]))
			break;
		f->walk[at] = f->walk[child];
	}
	f->walk[at] = last;
	return first;
}

void frontier_walk(struct frontier *f)
{
	f->sorted = f->n <= SORTED_MAX;
	f->next = 1;
	f->walk_n = 0;
	if (f->sorted) {
		sort(f);
		return;
	}
	walk_push(f, 1);
	walk_push(f, 2);
}

bool frontier_walk_next(struct frontier *f, size_t *ret_i)
{
	if (f->sorted) {
		*ret_i = f->next++;
		return *ret_i < f->n;
	}
	if (!f->walk_n)
		return false;
	*ret_i = walk_pop(f);
	walk_push(f, 2 * *ret_i + 1);
	walk_push(f, 2 * *ret_i + 2);
	return true;
}

void frontier_release(struct frontier *f)
{
	mem_free(f->heap);
	mem_free(f->cursors);
	mem_free(f->walk);
}
