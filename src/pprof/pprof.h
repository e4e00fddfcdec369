/*
 * pprof: the profile.proto model, its reader and writer, merging, filtering, the legacy formats.
 *
 * Front header of the layer. It answers to github.com/google/pprof/profile. It does no I/O: bytes
 * come and go in memory, and nothing is printed.
 */
#ifndef SONDE_PPROF_H
#define SONDE_PPROF_H

#include "base/base.h"
#include "pprof/profile.h"
#include "pprof/formats.h"
#include "pprof/transform.h"

#endif
