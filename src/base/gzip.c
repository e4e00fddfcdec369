/*
 * Deflating to gzip, over zlib's streams. zlib rather than ISA-L, although that is faster: it
 * takes its memory from the caller's heap, which the export inside a measured program needs.
 * Inflating is in inflate.c, the faster way in deflate.c.
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
