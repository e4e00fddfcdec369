/*
 * The distribution of iteration times: an HDR-style histogram, 64 linear steps to each power of
 * two, so that any quantile is right to 1 part in 64 from 1 ns to centuries in 30 KiB. Adding is a
 * shift and an increment: it sits between two clock reads of every iteration.
 */
#include "bench/internal.h"

#include <stdlib.h>

#define SUB_BITS 6
#define SUB	 (1 << SUB_BITS)
#define BUCKETS	 ((64 - SUB_BITS + 1) * SUB)
#define WIDTH	 50 /* columns of the longest bar */

struct hist {
	uint64_t counts[BUCKETS];
	uint64_t n, max;
};

struct hist *hist_new(void)
{
	return mem_zalloc(sizeof(struct hist));
}

void hist_free(struct hist *h)
{
	mem_free(h);
}

void hist_clear(struct hist *h)
{
	memset(h, 0, sizeof(*h));
}

static size_t bucket_of(uint64_t v)
{
	if (v < SUB)
		return v;
	int shift = 63 - __builtin_clzll(v) - SUB_BITS;
	return (size_t)(shift + 1) * SUB + ((v >> shift) - SUB);
}

/* The largest value of a bucket. */
static uint64_t upper(size_t bucket)
{
	if (bucket < SUB)
		return bucket;
	size_t shift = bucket / SUB - 1;
	return ((SUB + bucket % SUB + 1) << shift) - 1;
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->counts[bucket_of(ns)]++;
	h->n++;
	if (ns > h->max)
		h->max = ns;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	for (size_t i = 0; i < BUCKETS; i++)
		into->counts[i] += from->counts[i];
	into->n += from->n;
	if (from->max > into->max)
		into->max = from->max;
}

uint64_t hist_count(const struct hist *h)
{
	return h->n;
}

uint64_t hist_max(const struct hist *h)
{
	return h->max;
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	uint64_t want = (uint64_t)(q * (double)h->n + 0.5), seen = 0;
	if (want == 0)
		want = 1;
	for (size_t i = 0; i < BUCKETS; i++) {
		seen += h->counts[i];
		if (seen >= want && seen)
			return upper(i) < h->max ? upper(i) : h->max;
	}
	return h->max;
}

/* Rows of the drawing: quarter powers of two while there is room, then halves, then whole ones. */
static size_t row_width(size_t first, size_t last)
{
	size_t span = last - first + 1, width = 1;
	while (span / width > 24)
		width *= 2;
	return width;
}

void hist_draw(const struct hist *h, struct buf *out)
{
	/* UTF-8 for eighths of a column, U+258F down to U+2588. */
	size_t first = bucket_of(h->max), last = bucket_of(h->max);
	for (size_t i = 0; i <= last; i++) {
		if (h->counts[i]) {
			first = i;
			break;
		}
	}
	size_t width = row_width(first, last);
	first -= first % width;
	uint64_t most = 1, seen = 0;
	for (size_t i = first; i <= last; i += width) {
		uint64_t n = 0;
		for (size_t j = i; j < i + width && j < BUCKETS; j++)
			n += h->counts[j];
		most = n > most ? n : most;
	}
	for (size_t i = first; i <= last; i += width) {
		uint64_t n = 0;
		size_t end = i + width < BUCKETS ? i + width : BUCKETS;
		for (size_t j = i; j < end; j++)
			n += h->counts[j];
		seen += n;
		struct buf to = BUF_INIT;
		goflag_duration_string((int64_t)upper(end - 1), &to);
		/* The micro sign is two bytes and one column. */
		buf_printf(out, "  <= %*s %10llu %6.2f%% ", strstr(to.data, "\xc2") ? 13 : 12,
			to.data, (unsigned long long)n, 100 * (double)seen / (double)h->n);
		uint64_t eighths = n * WIDTH * 8 / most;
		for (uint64_t k = 0; k < eighths / 8; k++)
			buf_addstr(out, "\xe2\x96\x88");
		if (eighths % 8)
			buf_printf(out, "\xe2\x96%c", (int)(0x90 - eighths % 8));
		else if (n && !eighths)
			buf_addstr(out, "\xe2\x96\x8f");
		buf_addch(out, '\n');
		buf_release(&to);
	}
}
