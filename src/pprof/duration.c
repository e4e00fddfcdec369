/*
 * Go's time.Duration.String(): "1h2m0.5s", "1.5ms", "0s".
 */
#include "pprof/internal.h"

#include <stdio.h>

/* The fraction of v in units of `unit` (a power of ten), without trailing zeros. */
static void put_decimal(struct buf *out, uint64_t v, uint64_t unit)
{
	buf_printf(out, "%llu", (unsigned long long)(v / unit));
	uint64_t rest = v % unit;
	if (!rest)
		return;
	buf_addch(out, '.');
	while (rest) {
		unit /= 10;
		buf_addch(out, (char)('0' + rest / unit));
		rest %= unit;
	}
}

static void put_small(struct buf *out, uint64_t nanos)
{
	if (nanos < 1000) {
		buf_printf(out, "%lluns", (unsigned long long)nanos);
	} else if (nanos < 1000000) {
		put_decimal(out, nanos, 1000);
		buf_addstr(out, "µs");
	} else {
		put_decimal(out, nanos, 1000000);
		buf_addstr(out, "ms");
	}
}

void duration_string(int64_t nanos, struct buf *out)
{
	uint64_t v = nanos < 0 ? 0 - (uint64_t)nanos : (uint64_t)nanos;
	if (v == 0) {
		buf_addstr(out, "0s");
		return;
	}
	if (nanos < 0)
		buf_addch(out, '-');
	if (v < 1000000000) {
		put_small(out, v);
		return;
	}
	uint64_t minutes = v / 60000000000u;
	if (minutes >= 60)
		buf_printf(out, "%lluh", (unsigned long long)(minutes / 60));
	if (minutes)
		buf_printf(out, "%llum", (unsigned long long)(minutes % 60));
	put_decimal(out, v % 60000000000u, 1000000000);
	buf_addch(out, 's');
}
