/*
 * Inflating Zstandard, which heaptrack writes.
 */
#include "base/base.h"

#include <zstd.h>

#define STEP	   (256u * 1024)
#define WINDOW_LOG 27 /* 128 MiB, the most that `zstd` itself takes without being told */

#define ZSTD_FUNCTIONS(X)         \
	X(ZSTD_createDStream)     \
	X(ZSTD_freeDStream)       \
	X(ZSTD_DCtx_setParameter) \
	X(ZSTD_decompressStream)  \
	X(ZSTD_isError)           \
	X(ZSTD_getErrorName)

struct zstd {
	ZSTD_FUNCTIONS(LIBRARY_MEMBER)
};

static int load(struct zstd *ret, struct err *err)
{
	static const char *const names[] = {ZSTD_FUNCTIONS(LIBRARY_NAME)};
	int rc = library_load("libzstd.so.1", "libzstd1", names, sizeof(*ret), ret, err);
	return rc < 0 ? err_prefix(err, "inflating zstd"), rc : 0;
}

static int inflate_all(const struct zstd *z, ZSTD_DStream *stream, ZSTD_inBuffer *in, size_t max,
	struct buf *out, struct err *err)
{
	for (;;) {
		buf_reserve(out, out->len / 2 + STEP);
		ZSTD_outBuffer to = {out->data, out->cap - 1, out->len};
		size_t from = in->pos;
		size_t rc = z->ZSTD_decompressStream(stream, &to, in);
		bool stuck = to.pos == out->len && in->pos == from;
		out->len = to.pos;
		out->data[out->len] = '\0';
		if (z->ZSTD_isError(rc))
			return err_at(err, ERR_FORMAT, (int64_t)in->pos, "zstd: %s",
				z->ZSTD_getErrorName(rc));
		if (out->len > max)
			return err_set(err, ERR_LIMIT, "inflates to more than %zu bytes", max);
		if (in->pos == in->size && rc == 0)
			return 0;
		if (stuck)
			return err_at(
				err, ERR_TRUNCATED, (int64_t)in->pos, "zstd stream ends too early");
	}
}

int zstd_inflate(const void *p, size_t n, size_t max, struct buf *out, struct err *err)
{
	struct zstd z;
	int rc = load(&z, err);
	if (rc < 0)
		return rc;
	ZSTD_DStream *stream = z.ZSTD_createDStream();
	if (!stream)
		return err_set(err, ERR_LIMIT, "zstd: cannot start inflating");
	z.ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, WINDOW_LOG);
	ZSTD_inBuffer in = {p, n, 0};
	rc = inflate_all(&z, stream, &in, max, out, err);
	z.ZSTD_freeDStream(stream);
	return rc;
}
