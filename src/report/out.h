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

/* Writes the rest and releases. 0, or what the sink said. */
static inline must_check int out_finish(struct out *out, struct err *err)
{
	out_flush(out);
	buf_release(&out->buf);
	return out->rc < 0 ? err_set(err, out->rc, "writing the report failed") : 0;
}

#endif
