/*
 * gzip: round trips, several members, limits, and corrupt input that keeps what was good.
 */
#include "base/base.h"
#include "../unit.h"

static void fill(struct buf *buf, size_t n)
{
	uint32_t x = 1;
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		buf_addch(buf, "abcdefgh"[x >> 29]);
	}
}

static void check_round_trip(void (*deflate)(const void *, size_t, int, struct buf *), size_t n)
{
	struct buf plain = BUF_INIT, zip = BUF_INIT, back = BUF_INIT;
	fill(&plain, n);
	deflate(plain.data, plain.len, 6, &zip);
	assert_true(gzip_is(zip.data, zip.len));
	assert_int_equal(gzip_inflate(zip.data, zip.len, n, &back, NULL), 0);
	assert_int_equal(back.len, plain.len);
	assert_memory_equal(back.data, plain.data, plain.len);
	assert_int_equal(back.data[back.len], 0);
	buf_release(&plain);
	buf_release(&zip);
	buf_release(&back);
}

static void deflate_fast(const void *p, size_t n, int level, struct buf *out)
{
	gzip_deflate_fast(p, n, out);
}

static void round_trip(void **state)
{
	const size_t sizes[] = {0, 1, 100, 65536, 262144, 262145, 3000000};
	for (size_t i = 0; i < array_len(sizes); i++) {
		check_round_trip(gzip_deflate, sizes[i]);
		check_round_trip(deflate_fast, sizes[i]);
	}
}

static void members_are_one_stream(void **state)
{
	struct buf zip = BUF_INIT, back = BUF_INIT;
	gzip_deflate("hello ", 6, 6, &zip);
	gzip_deflate("", 0, 6, &zip);
	gzip_deflate("world", 5, 1, &zip);
	assert_int_equal(gzip_inflate(zip.data, zip.len, 100, &back, NULL), 0);
	assert_string_equal(back.data, "hello world");
	buf_release(&zip);
	buf_release(&back);
}

static void trailing_bytes_are_an_error(void **state)
{
	struct buf zip = BUF_INIT, back = BUF_INIT;
	struct err err = ERR_INIT;
	gzip_deflate("hello", 5, 6, &zip);
	size_t member = zip.len;
	buf_addstr(&zip, "garbage that is no member");
	assert_int_equal(gzip_inflate(zip.data, zip.len, 100, &back, &err), ERR_FORMAT);
	assert_true(err.offset >= (int64_t)member);
	assert_string_equal(back.data, "hello");
	buf_release(&zip);
	buf_release(&back);
}

/* In pieces of every awkward size, over several members. */
static void pieces_make_the_whole(void **state)
{
	const size_t rooms[] = {1, 7, 4096, 65537, 1 << 20};
	struct buf plain = BUF_INIT, zip = BUF_INIT;
	fill(&plain, 300000);
	gzip_deflate(plain.data, 100000, 6, &zip);
	gzip_deflate_fast(plain.data + 100000, 200000, &zip);
	for (size_t i = 0; i < array_len(rooms); i++) {
		struct buf back = BUF_INIT;
		struct gzip_reader *r = gzip_reader_new(zip.data, zip.len, 300000, false);
		size_t n;
		do {
			buf_reserve(&back, rooms[i]);
			assert_int_equal(gzip_read(r, back.data + back.len, rooms[i], &n, NULL), 0);
			back.len += n;
		} while (n == rooms[i]);
		assert_int_equal(back.len, plain.len);
		assert_memory_equal(back.data, plain.data, plain.len);
		gzip_reader_free(r);
		buf_release(&back);
	}
	buf_release(&plain);
	buf_release(&zip);
}

static void a_bomb_stops_at_the_limit(void **state)
{
	struct buf plain = BUF_INIT, zip = BUF_INIT, back = BUF_INIT;
	buf_fill(&plain, 'z', 50 << 20);
	gzip_deflate(plain.data, plain.len, 9, &zip);
	struct err err = ERR_INIT;
	assert_int_equal(gzip_inflate(zip.data, zip.len, 1 << 20, &back, &err), ERR_LIMIT);
	assert_int_equal(back.len, 1 << 20);
	assert_true(back.cap < 4 << 20);
	buf_release(&plain);
	buf_release(&zip);
	buf_release(&back);
}

static void damage_is_named(void **state)
{
	struct buf plain = BUF_INIT, zip = BUF_INIT;
	fill(&plain, 100000);
	gzip_deflate(plain.data, plain.len, 6, &zip);
	for (size_t cut = 0; cut < zip.len; cut += 997) {
		struct buf back = BUF_INIT;
		struct err err = ERR_INIT;
		assert_int_equal(gzip_inflate(zip.data, cut, 1 << 20, &back, &err), ERR_TRUNCATED);
		assert_memory_equal(back.data, plain.data, back.len);
		buf_release(&back);
	}
	zip.data[zip.len - 6] ^= 1; /* the CRC */
	struct buf back = BUF_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(gzip_inflate(zip.data, zip.len, 1 << 20, &back, &err), ERR_FORMAT);
	assert_non_null(strstr(err.msg, "gzip"));
	buf_release(&back);
	buf_release(&plain);
	buf_release(&zip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(members_are_one_stream),
		cmocka_unit_test(trailing_bytes_are_an_error),
		cmocka_unit_test(pieces_make_the_whole),
		cmocka_unit_test(a_bomb_stops_at_the_limit),
		cmocka_unit_test(damage_is_named),
	};
	return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
