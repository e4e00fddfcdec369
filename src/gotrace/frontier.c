/*
 * Reading events, and the heap of threads. See frontier.h.
 */
#include "gotrace/frontier.h"

#include <stdlib.h>

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

static int by_time(const void *a, const void *b)
{
	const struct frontier_entry *x = a, *y = b;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->cursor->rank < y->cursor->rank ? -1 : x->cursor->rank > y->cursor->rank;
}

void frontier_sort(struct frontier *f)
{
	bool sorted = true;
	for (size_t i = 0; i < f->n; i++) {
		f->heap[i].cursor->rank = (uint32_t)i;
		sorted = sorted && (!i || f->heap[i - 1].time <= f->heap[i].time);
	}
	if (!sorted)
		qsort(f->heap, f->n, sizeof(*f->heap), by_time);
}

void frontier_release(struct frontier *f)
{
	mem_free(f->heap);
	mem_free(f->cursors);
}
