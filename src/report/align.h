/*
 * Inside the layer: columns.
 */
#ifndef SONDE_REPORT_ALIGN_H
#define SONDE_REPORT_ALIGN_H

#include "base/base.h"

/* Lines of cells, each but the last of a line ended by a tab: every column of neighbouring lines
 * is made as wide as its widest cell and one space, its cells on the right. It answers to Go's
 * text/tabwriter with padding 1 and AlignRight. Appended to `out`. */
void report_align(const char *text, size_t n, struct buf *out);

#endif
