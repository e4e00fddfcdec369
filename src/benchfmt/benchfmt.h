/*
 * benchfmt: Go's benchmark format and the statistics on it: reading result files, projecting and
 * filtering them, summaries and comparisons, tables.
 *
 * Front header of the layer. It answers to golang.org/x/perf (benchfmt, benchunit, benchproc,
 * benchmath) and, for the numbers, to github.com/aclements/go-moremath/stats. It does no I/O and
 * prints nothing.
 */
#ifndef SONDE_BENCHFMT_H
#define SONDE_BENCHFMT_H

#include "base/base.h"

#include "benchfmt/parallel.h"
#include "benchfmt/number.h"
#include "benchfmt/unit.h"
#include "benchfmt/shape.h"
#include "benchfmt/reader.h"
#include "benchfmt/query.h"
#include "benchfmt/projection.h"
#include "benchfmt/value_counts.h"
#include "benchfmt/stats.h"
#include "benchfmt/changes.h"
#include "benchfmt/rows.h"
#include "benchfmt/table.h"
#include "benchfmt/load.h"

#endif
