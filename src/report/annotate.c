/*
 * What the annotated listings share (annotate.h).
 */
#include "report/annotate.h"

void annotate_value(const struct report *r, int64_t value, struct buf *out)
{
	if (value)
		report_value_padded(r, value, 10, out);
	else
		buf_printf(out, "%10s", ".");
}

void annotate_sums(const struct report *r, int64_t flat, int64_t cum, struct buf *out)
{
	report_value_padded(r, flat, 10, out);
	buf_addch(out, ' ');
	report_value_padded(r, cum, 10, out);
	buf_addstr(out, " (flat, cum) ");
	unit_percentage(cum, r->total, out);
}
