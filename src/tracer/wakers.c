/*
 * Who woke whom. The hooks cannot say: a wait ends in the kernel. But each wait names what it was
 * for, and whoever let go of that, or signalled it, says when; the last to do so between the wait's
 * beginning and its end is taken for the waker. Of a mutex that is handed on that is exact; where
 * several signals come at once, one thread may be shown as woken by its neighbour's.
 */
#include "tracer/internal.h"

#include <stdlib.h>

/* One that wakes: what, when, and the event. */
struct wake {
	uint64_t object, time_ns;
	uint32_t event;
};

static int by_object_and_time(const void *a, const void *b)
{
	const struct wake *x = a, *y = b;
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* A thread's end wakes who joins it. */
static bool wakes(const struct export_trace_event *e)
{
	return e->object && (e->what == RECORDING_TRACE_WOKE || e->what == RECORDING_TRACE_ENDED);
}

static struct wake *collect(const struct export_trace *trace, uint32_t *ret_n)
{
	struct wake *all = NULL;
	uint32_t n = 0, cap = 0;
	for (uint32_t i = 0; i < trace->event_n; i++) {
		const struct export_trace_event *e = &trace->events[i];
		if (wakes(e))
			vec_push(all, n, cap, ((struct wake){e->object, e->time_ns, i}));
	}
	if (n)
		qsort(all, n, sizeof(*all), by_object_and_time);
	*ret_n = n;
	return all;
}

/* The last before the wait's end; NULL: none. */
static const struct wake *last_before(
	const struct wake *all, uint32_t n, const struct export_trace_event *wait)
{
	const struct wake key = {wait->object, wait->until_ns, 0};
	uint32_t lo = 0, hi = n;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (by_object_and_time(&all[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && all[lo - 1].object == wait->object ? &all[lo - 1] : NULL;
}

static bool may_be_woken(const struct export_trace_event *e)
{
	return e->what == RECORDING_TRACE_WAITED && e->object;
}

/* Not by the thread itself: what it let go of as it began to wait is another matter. */
static uint32_t waker_of(const struct export_trace *trace, const struct wake *all, uint32_t n,
	const struct export_trace_event *wait)
{
	const struct wake *w = may_be_woken(wait) ? last_before(all, n, wait) : NULL;
	if (!w || w->time_ns <= wait->time_ns || trace->events[w->event].thread == wait->thread)
		return PROFILE_NONE;
	return w->event;
}

void wakers_find(struct wakers *w, const struct export_trace *trace)
{
	uint32_t n;
	struct wake *all = collect(trace, &n);
	size_t bytes = (trace->event_n + 1) * sizeof(uint32_t);
	*w = (struct wakers){.by = mem_alloc(bytes), .next = mem_alloc(bytes)};
	memset(w->by, 0xff, bytes);
	memset(w->next, 0xff, bytes);
	for (uint32_t i = 0; i < trace->event_n; i++) {
		uint32_t by = waker_of(trace, all, n, &trace->events[i]);
		if (by == PROFILE_NONE)
			continue;
		w->by[i] = by;
		w->next[i] = w->next[by];
		w->next[by] = i;
		w->n++;
	}
	mem_free(all);
}

void wakers_release(struct wakers *w)
{
	mem_free(w->by);
	mem_free(w->next);
}
