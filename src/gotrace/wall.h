/*
 * A moment of the wall clock in words. Private to gotrace.
 */
#ifndef SONDE_GOTRACE_WALL_H
#define SONDE_GOTRACE_WALL_H

#include "base/base.h"

/* Seconds since 1970 in UTC: year-month-day, `between`, hours:minutes:seconds with as many decimals
 * as there are, and the zone. */
void wall_text(int64_t sec, uint32_t nsec, const char *between, const char *zone, struct buf *out);

#endif
