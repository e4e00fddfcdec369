/*
 * Inside the layer: parts of the picture that are tested by themselves.
 */
#ifndef SONDE_REPORT_DOT_H
#define SONDE_REPORT_DOT_H

#include "report/report.h"

/* "#rrggbb" for a score from -1 (green) over 0 (grey) to 1 (red); pale for backgrounds. */
void report_dot_color(double score, bool background, struct buf *out);
/* The text in a node's box: its name broken into lines at the dots. */
void report_dot_name(const struct node_info *info, const char *name, const char *file,
	const char *objfile, struct buf *out);

#endif
