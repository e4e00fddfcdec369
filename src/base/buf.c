/*
 * Buffer: bytes that grow by half, after the first 64.
 */
#include "base/base.h"

#include <stdio.h>

char buf_empty[1];

void buf_init(struct buf *buf)
{
	*buf = (struct buf)BUF_INIT;
}

void buf_release(struct buf *buf)
{
	if (buf->cap)
		mem_free(buf->data);
	buf_init(buf);
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->cap)
		buf->data[0] = '\0';
}

void buf_reserve(struct buf *buf, size_t more)
{
	size_t need;
	if (__builtin_add_overflow(buf->len, more, &need) || need == SIZE_MAX)
		need = SIZE_MAX - 1; /* mem_realloc reports it */
	need++;
	if (need <= buf->cap)
		return;
	size_t cap = buf->cap + buf->cap / 2;
	if (cap < need)
		cap = need < 64 ? 64 : need;
	buf->data = mem_realloc(buf->cap ? buf->data : NULL, cap);
	buf->cap = cap;
	buf->data[buf->len] = '\0';
}

void buf_add_growing(struct buf *buf, const void *p, size_t n)
{
	if (!n)
		return;
	buf_reserve(buf, n);
	memcpy(buf->data + buf->len, p, n);
	buf->len += n;
	buf->data[buf->len] = '\0';
}

void buf_fill(struct buf *buf, char c, size_t n)
{
	if (!n)
		return;
	buf_reserve(buf, n);
	memset(buf->data + buf->len, c, n);
	buf->len += n;
	buf->data[buf->len] = '\0';
}

enum {
	DIGITS_MAX = 24,
};

static void add_decimal(struct buf *buf, uint64_t v, bool negative, size_t width)
{
	char digits[DIGITS_MAX];
	char *end = digits + sizeof(digits), *at = end;
	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	if (negative)
		*--at = '-';
	size_t n = (size_t)(end - at);
	if (n < width)
		buf_fill(buf, ' ', width - n);
	buf_add(buf, at, n);
}

void buf_addint(struct buf *buf, int64_t v, size_t width)
{
	add_decimal(buf, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0, width);
}

void buf_adduint(struct buf *buf, uint64_t v, size_t width)
{
	add_decimal(buf, v, false, width);
}

void buf_addhex(struct buf *buf, uint64_t v)
{
	char digits[DIGITS_MAX];
	char *end = digits + sizeof(digits), *at = end;
	do
		*--at = "0123456789abcdef"[v & 15];
	while (v >>= 4);
	*--at = 'x';
	*--at = '0';
	buf_add(buf, at, (size_t)(end - at));
}

void buf_vprintf(struct buf *buf, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	buf_reserve(buf, 64);
	size_t room = buf->cap - buf->len;
	int n = vsnprintf(buf->data + buf->len, room, fmt, ap);
	if (n >= 0 && (size_t)n >= room) {
		buf_reserve(buf, (size_t)n);
		vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (n > 0)
		buf->len += (size_t)n;
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(buf, fmt, ap);
	va_end(ap);
}

char *buf_detach(struct buf *buf, size_t *ret_len)
{
	buf_reserve(buf, 0);
	char *data = buf->data;
	if (ret_len)
		*ret_len = buf->len;
	buf_init(buf);
	return data;
}

static int sink_add(struct sink *sink, const void *p, size_t n)
{
	buf_add(sink->ctx, p, n);
	return 0;
}

struct sink buf_sink(struct buf *buf)
{
	return (struct sink){.write = sink_add, .ctx = buf};
}
