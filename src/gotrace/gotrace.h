/*
 * gotrace: Go's execution traces, format v2.
 *
 * Front header of the layer. It answers to golang.org/x/exp/trace. It does no I/O beyond the
 * callback it is given, and prints nothing.
 */
#ifndef SONDE_GOTRACE_H
#define SONDE_GOTRACE_H

#include "base/base.h"
#include "gotrace/events.h"
#include "gotrace/writer.h"

#endif
