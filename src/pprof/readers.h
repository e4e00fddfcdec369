/*
 * The readers of other profilers' formats. NAME_is() says whether the content looks like it;
 * NAME_parse() fills an uninitialised profile, which the caller releases, on error too.
 */
#ifndef SONDE_PPROF_READERS_H
#define SONDE_PPROF_READERS_H

#include "pprof/internal.h"

bool folded_is(const void *data, size_t n);
must_check int folded_parse(struct profile *p, const void *data, size_t n, struct err *err);
bool heaptrack_is(const void *data, size_t n);
must_check int heaptrack_parse(struct profile *p, const void *data, size_t n, struct err *err);
bool jemalloc_is(const void *data, size_t n);
must_check int jemalloc_parse(struct profile *p, const void *data, size_t n, struct err *err);
bool perf_script_is(const void *data, size_t n);
must_check int perf_script_parse(struct profile *p, const void *data, size_t n, struct err *err);
bool perf_data_is(const void *data, size_t n);
must_check int perf_data_parse(struct profile *p, const void *data, size_t n, struct err *err);

#endif
