/*
 * Packed ids are what reading their bytes one by one gives, wherever they end and whatever is
 * behind them; and nothing behind what may be looked at is (which the sanitizers see).
 */
#include "pprof/pprof.h"
#include "../unit.h"
#include "pprof/ids.h"

#include <stdlib.h>

enum {
	RUNS = 20000,
	IDS_MAX = 120,
	BEHIND_MAX = 100, /* readable bytes behind the ids */
};

static uint32_t seed = 1;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * n >> 32);
}

/* Mostly of two and three bytes; in some runs of one, four or more, or 0. */
static uint64_t make_id(uint32_t kind)
{
	uint32_t odd = below(30);
	if (odd == 0 && kind == 1)
		return (uint64_t)1 << below(64);
	if (odd == 0 && kind == 2)
		return 0;
	return 1 + (below(70000) >> (kind == 3 ? below(17) : 0));
}

/* Reads as read_stack_packed() does. */
static size_t take_all(const uint8_t *p, const uint8_t *end, const uint8_t *readable, uint64_t *ids)
{
	uint32_t taken[IDS_MAX + IDS_OVER];
	size_t n = 0;
	for (;;) {
		size_t got = ids_take(&p, end, readable, taken);
		assert_true(p <= end && got <= IDS_MAX);
		for (size_t i = 0; i < got; i++)
			ids[n++] = (uint64_t)taken[i] + 1;
		if (p == end)
			return n;
		struct wire w = wire_of(p, (size_t)(end - p));
		if (wire_varint(&w, &ids[n]) < 0)
			return n; /* cut off */
		n++;
		p = w.p;
	}
}

static void ids_are_those_written(void **state)
{
	uint64_t expected[IDS_MAX], got[IDS_MAX + 1];
	for (uint32_t run = 0; run < RUNS; run++) {
		struct buf out = BUF_INIT;
		uint32_t n = below(IDS_MAX + 1), kind = below(4);
		for (uint32_t i = 0; i < n; i++) {
			expected[i] = make_id(kind);
			wire_put_varint(&out, expected[i]);
		}
		size_t used = out.len;
		for (uint32_t i = below(BEHIND_MAX); i > 0; i--)
			buf_addch(&out, (char)below(256));
		uint8_t *exact = malloc(out.len + 1); /* one that ends where it ends */
		memcpy(exact, out.len ? out.data : "", out.len);
		size_t taken = take_all(exact, exact + used, exact + out.len, got);
		assert_int_equal(taken, n);
		assert_memory_equal(got, expected, n * sizeof(*got));
		free(exact);
		buf_release(&out);
	}
}

static void an_id_that_is_cut_off_is_left(void **state)
{
	uint8_t bytes[BEHIND_MAX + 200];
	uint64_t got[IDS_MAX + 1];
	for (uint32_t n = 0; n < 100; n++) {
		memset(bytes, 1, sizeof(bytes));
		memset(bytes + n, 0x81, 2);
		assert_int_equal(take_all(bytes, bytes + n + 1, bytes + sizeof(bytes), got), n);
		assert_int_equal(take_all(bytes, bytes + n + 2, bytes + sizeof(bytes), got), n);
		assert_int_equal(take_all(bytes, bytes + n + 3, bytes + sizeof(bytes), got), n + 1);
		assert_int_equal(got[n], 0x81 - 0x80 + (1 << 7) + (1 << 14));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_those_written),
		cmocka_unit_test(an_id_that_is_cut_off_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
