/*
 * bench: the benchmark harness behind include/sonde/bench.h, which is what benchmarks include.
 *
 * The front header for the rest of the project: the parts of the harness that `sonde bench` uses
 * too. Go's package testing, and cmd/internal/test2json.
 */
#ifndef SONDE_BENCH_BENCH_H
#define SONDE_BENCH_BENCH_H

#include "base/base.h"

/*
 * test2json: the text a benchmark binary prints with -test.v=test2json, turned into Go's JSON
 * events, a line each. Single-threaded.
 */
struct test2json;

/* Events go to `sink`; `pkg` ("" for none) is their Package. */
struct test2json *test2json_new(const char *pkg, struct sink *sink);
must_check int test2json_write(struct test2json *t, const void *p, size_t n);
/* Ends the last line and writes the final pass or fail event, with the time since test2json_new().
 */
must_check int test2json_end(struct test2json *t, bool failed);
void test2json_free(struct test2json *t);

#endif
