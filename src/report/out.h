/*
 * Output on its way to a sink: a buffer that is written out whenever it has grown enough, so that
 * a report of any length needs little memory. The first failure of the sink is remembered and
 * everything after it dropped.
 */
#ifndef SONDE_REPORT_OUT_H
#define SONDE_REPORT_OUT_H

#include "base/base.h"

enum {
	OUT_FLUSH_AT = 1 << 16,
};

struct out {
	struct buf buf; /* write here */
	struct sink *to;
	int rc;
};

static inline void out_init(struct out *out, struct sink *to)
{
	buf_init(&out->buf);
	out->to = to;
	out->rc = 0;
}

static inline void out_flush(struct out *out)
{
	if (out->rc >= 0 && out->buf.len)
		out->rc = out->to->write(out->to, out->buf.data, out->buf.len);
	buf_clear(&out->buf);
}

/* Between two lines: writes if there is enough. */
static inline void out_step(struct out *out)
{
	if (out->buf.len >= OUT_FLUSH_AT)
		out_flush(out);
}

/* What a sink returned, as the report's own result. A sink that said more already is not spoken
 * over. */
static inline must_check int out_result(int rc, struct err *err)
{
	if (rc < 0 && err && !err->code)
		err_set(err, rc, "writing the report failed");
	return rc < 0 ? rc : 0;
}

/* Writes the rest and releases. */
static inline must_check int out_finish(struct out *out, struct err *err)
{
	out_flush(out);
	buf_release(&out->buf);
	return out_result(out->rc, err);
}

#endif
