/*
 * Wire format: what is written is read back, and every way a field can be wrong is an error at the
 * right offset.
 */
#include "base/base.h"
#include "../unit.h"

static void varints_round_trip(void **state)
{
	const uint64_t values[] = {0, 1, 127, 128, 300, 1ull << 35, UINT64_MAX >> 1, UINT64_MAX};
	struct buf buf = BUF_INIT;
	for (size_t i = 0; i < array_len(values); i++)
		wire_put_varint(&buf, values[i]);
	struct wire w = wire_of(buf.data, buf.len);
	for (size_t i = 0; i < array_len(values); i++) {
		uint64_t v;
		assert_int_equal(wire_varint(&w, &v), 0);
		assert_true(v == values[i]);
	}
	assert_ptr_equal(w.p, w.end);
	buf_release(&buf);
}

static void varint_errors(void **state)
{
	uint64_t v;
	struct wire cut = wire_of("\x80\x80", 2);
	assert_int_equal(wire_varint(&cut, &v), ERR_TRUNCATED);
	struct wire longer = wire_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
	assert_int_equal(wire_varint(&longer, &v), ERR_FORMAT);
	assert_ptr_equal(longer.p, longer.start);
}

static void nested_message_lengths(void **state)
{
	const size_t sizes[] = {0, 1, 127, 128, 16383, 16384, 70000};
	for (size_t i = 0; i < array_len(sizes); i++) {
		struct buf buf = BUF_INIT;
		buf_addstr(&buf, "x");
		size_t mark = wire_begin(&buf, 5);
		buf_fill(&buf, 'a', sizes[i]);
		wire_end(&buf, mark);
		struct wire w = wire_of(buf.data + 1, buf.len - 1);
		struct wire_field f;
		assert_int_equal(wire_next(&w, &f, NULL), 1);
		assert_int_equal(f.num, 5);
		assert_int_equal(f.bytes.end - f.bytes.p, sizes[i]);
		if (sizes[i])
			assert_int_equal(f.bytes.p[sizes[i] - 1], 'a');
		assert_int_equal(wire_next(&w, &f, NULL), 0);
		buf_release(&buf);
	}
}

static void field_errors(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int code;
		int64_t offset;
	} cases[] = {
		{"\x0a\x05"
		 "abc",
			5, ERR_TRUNCATED, 0},		   /* length past the end */
		{"\x08\x01\x0a\x7f", 4, ERR_TRUNCATED, 2}, /* the second field */
		{"\x00\x01", 2, ERR_FORMAT, 0},		   /* field number 0 */
		{"\x0b", 1, ERR_FORMAT, 0},		   /* group start */
		{"\x09\x01\x02", 3, ERR_TRUNCATED, 1},	   /* fixed64 cut */
		{"\x08\x80", 2, ERR_TRUNCATED, 1},	   /* varint cut */
	};
	for (size_t i = 0; i < array_len(cases); i++) {
		struct wire w = wire_of(cases[i].bytes, cases[i].n);
		struct wire_field f;
		struct err err = ERR_INIT;
		int rc;
		while ((rc = wire_next(&w, &f, &err)) > 0)
			continue;
		assert_int_equal(rc, cases[i].code);
		assert_int_equal(err.offset, cases[i].offset);
		assert_true(err.msg[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varints_round_trip),
		cmocka_unit_test(varint_errors),
		cmocka_unit_test(nested_message_lengths),
		cmocka_unit_test(field_errors),
	};
	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
