/*
 * Inside the layer: the header lines of a report.
 */
#ifndef SONDE_REPORT_LABELS_H
#define SONDE_REPORT_LABELS_H

#include "report/report.h"

void report_labels_add(struct report_labels *labels, const char *fmt, ...) attr_printf(2, 3);
/* All of them; with what a picture says beyond a table. */
void report_labels_full(struct report *r, const struct report_graph *rg, bool for_picture,
	struct report_labels *ret);
/* Each on a line of its own. */
void report_labels_join(const struct report_labels *labels, struct buf *out);

#endif
