/*
 * gzip over zlib's streams. zlib rather than libdeflate, although that is 1.7 times faster at
 * inflating: zlib takes its memory from the caller's heap, which the export inside a measured
 * program needs, and it stops at a limit or an error with what came before still good.
 */
#include "base/base.h"

#include <zlib.h>

static voidpf z_alloc(voidpf ctx, uInt n, uInt size)
{
	return mem_array(n, size);
}

static void z_free(voidpf ctx, voidpf p)
{
	mem_free(p);
}

#define STEP (256u * 1024)

/* One member at *p; moves *p past it. */
static int member(z_stream *z, size_t max, struct buf *out, const uint8_t *start, struct err *err)
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

int gzip_inflate(const void *p, size_t n, size_t max, struct buf *out, struct err *err)
{
	if (n > UINT32_MAX)
		return err_set(err, ERR_LIMIT, "gzip input of %zu bytes: more than 4 GiB", n);
	z_stream z = {.zalloc = z_alloc, .zfree = z_free};
	z.next_in = (uint8_t *)p;
	z.avail_in = (uInt)n;
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return err_set(err, ERR_FORMAT, "gzip: cannot start inflating");
	int rc;
	do {
		rc = member(&z, max, out, p, err);
	} while (rc == 0 && z.avail_in && inflateReset(&z) == Z_OK);
	inflateEnd(&z);
	return rc;
}

void gzip_deflate(const void *p, size_t n, int level, struct buf *out)
{
	z_stream z = {.zalloc = z_alloc, .zfree = z_free};
	z.next_in = (uint8_t *)p;
	deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	int rc;
	do {
		z.avail_in = n > STEP ? STEP : (uInt)n;
		n -= z.avail_in;
		do {
			buf_reserve(out, STEP / 4);
			z.next_out = (uint8_t *)out->data + out->len;
			z.avail_out = STEP / 4;
			rc = deflate(&z, n ? Z_NO_FLUSH : Z_FINISH);
			out->len = (size_t)((char *)z.next_out - out->data);
		} while (z.avail_out == 0);
	} while (n || rc != Z_STREAM_END);
	deflateEnd(&z);
	out->data[out->len] = '\0';
}
