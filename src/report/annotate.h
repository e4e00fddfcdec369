/*
 * What the annotated listings (list, disasm, weblist) share.
 */
#ifndef SONDE_REPORT_ANNOTATE_H
#define SONDE_REPORT_ANNOTATE_H

#include "report/objtool.h"
#include "report/report.h"

/* The value in ten columns, "." for nothing. */
void annotate_value(const struct report *r, int64_t value, struct buf *out);
/* "      flat        cum (flat, cum) 12.34%", without a newline. */
void annotate_sums(const struct report *r, int64_t flat, int64_t cum, struct buf *out);

/* The reports with binaries of the caller's. */
must_check int report_disasm_with(
	struct report *r, struct objtool *tool, struct sink *to, struct err *err);
must_check int report_weblist_with(
	struct report *r, const struct weblist_opts *opts, struct sink *to, struct err *err);

#endif
