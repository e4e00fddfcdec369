/*
 * Strings in quotes as Go's strconv.Quote writes them. Private to gotrace.
 */
#ifndef SONDE_GOTRACE_QUOTE_H
#define SONDE_GOTRACE_QUOTE_H

#include "base/base.h"

void go_quote(const char *s, size_t n, struct buf *out);

#endif
