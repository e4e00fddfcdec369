/*
 * Inflating gzip: libdeflate for whole members, zlib for what libdeflate does not do.
 *
 * libdeflate is 1.7 times faster, but knows only success or failure of a whole member into a buffer
 * that is large enough. So it goes first, guessing the size from the member's trailer; where it
 * fails, zlib inflates the same member again and says exactly what is wrong, and what came before
 * it is kept. This file is apart from gzip.c so that libsonde, which only deflates and does so with
 * zlib, need not link libdeflate; gzip_deflate_fast() is here for the same reason.
 */
#include "base/base.h"

#include <libdeflate.h>
#include <zlib.h>

#define STEP	   (256u * 1024)
#define MEMBER_MIN 18
#define RATIO_MAX  1032 /* deflate cannot do better */

static voidpf z_alloc(voidpf ctx, uInt n, uInt size)
{
	return mem_array(n, size);
}

static void z_free(voidpf ctx, voidpf p)
{
	mem_free(p);
}

/* One member at *p; moves *p past it. */
static int slow_member(
	z_stream *z, size_t max, struct buf *out, const uint8_t *start, struct err *err)
{
	int64_t at = z->next_in - start;
	for (;;) {
		size_t room = max - out->len;
		size_t step = out->len < STEP ? STEP : out->len / 2;
		if (step > room)
			step = room;
		if (step > UINT32_MAX / 2)
			step = UINT32_MAX / 2;
		buf_reserve(out,
			step + 1); /* one past the limit, so that reaching it is not passing it */
		z->next_out = (uint8_t *)out->data + out->len;
		z->avail_out = (uInt)(step + 1);
		int rc = inflate(z, Z_NO_FLUSH);
		out->len = (size_t)((char *)z->next_out - out->data);
		out->data[out->len < out->cap ? out->len : out->cap - 1] = '\0';
		if (out->len > max) {
			out->len = max;
			out->data[max] = '\0';
			return err_at(err, ERR_LIMIT, at, "inflates to more than %zu bytes", max);
		}
		if (rc == Z_STREAM_END)
			return 0;
		if (rc == Z_BUF_ERROR || (rc == Z_OK && z->avail_in == 0 && z->avail_out > 0))
			return err_at(err, ERR_TRUNCATED, at, "gzip stream ends too early");
		if (rc != Z_OK)
			return err_at(err, ERR_FORMAT, z->next_in - start, "gzip: %s",
				z->msg ? z->msg : "corrupt stream");
	}
}

static int slow(
	const uint8_t *start, size_t from, size_t n, size_t max, struct buf *out, struct err *err)
{
	if (n - from > UINT32_MAX)
		return err_set(err, ERR_LIMIT, "gzip input of %zu bytes: more than 4 GiB", n);
	z_stream z = {.zalloc = z_alloc, .zfree = z_free};
	z.next_in = (uint8_t *)start + from;
	z.avail_in = (uInt)(n - from);
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return err_set(err, ERR_FORMAT, "gzip: cannot start inflating");
	int rc;
	do {
		rc = slow_member(&z, max, out, start, err);
	} while (rc == 0 && z.avail_in && inflateReset(&z) == Z_OK);
	inflateEnd(&z);
	return rc;
}

/* The size the last member claims, as far as it can be believed of n bytes. */
static size_t guess(const uint8_t *p, size_t n, size_t room)
{
	uint32_t size;
	memcpy(&size, p + n - 4, sizeof(size));
	size_t most = n < SIZE_MAX / RATIO_MAX ? n * RATIO_MAX : SIZE_MAX;
	size_t want = size ? size : 1;
	want = want < most ? want : most;
	return want < room ? want : room;
}

/* Whole members as long as they are good and fit the guess; returns how much input they took. */
static size_t fast(const uint8_t *p, size_t n, size_t max, struct buf *out)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	size_t at = 0;
	while (d && n - at >= MEMBER_MIN) {
		size_t used, got, room = guess(p + at, n - at, max - out->len);
		buf_reserve(out, room);
		if (libdeflate_gzip_decompress_ex(d, p + at, n - at, out->data + out->len, room,
			    &used, &got) != LIBDEFLATE_SUCCESS)
			break;
		at += used;
		out->len += got;
	}
	libdeflate_free_decompressor(d);
	if (out->cap)
		out->data[out->len] = '\0';
	return at;
}

int gzip_inflate(const void *p, size_t n, size_t max, struct buf *out, struct err *err)
{
	size_t done = fast(p, n, max, out);
	return done == n && n ? 0 : slow(p, done, n, max, out, err);
}

void gzip_deflate_fast(const void *p, size_t n, int level, struct buf *out)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
	if (!c) {
		gzip_deflate(p, n, level, out);
		return;
	}
	size_t bound = libdeflate_gzip_compress_bound(c, n);
	buf_reserve(out, bound);
	out->len += libdeflate_gzip_compress(c, p, n, out->data + out->len, bound);
	out->data[out->len] = '\0';
	libdeflate_free_compressor(c);
}
