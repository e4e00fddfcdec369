/*
 * JSON strings that may stand in a <script>, whatever bytes a symbol table held.
 */
#include "base/base.h"
#include "../unit.h"

static void strings(void **state)
{
	static const struct {
		const char *s, *json;
	} cases[] = {
		{"", "\"\""},
		{"main", "\"main\""},
		{"a\"b\\c\nd\te\x01\x7f", "\"a\\\"b\\\\c\\nd\\te\\u0001\\u007f\""},
		{"</script>&", "\"\\u003c/script\\u003e\\u0026\""},
		{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\xa5",
			"\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\xa5\""},
		{"\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\""},
		{"\xff\xc3", "\"\\ufffd\\ufffd\""},
		{"\xc0\xaf\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\""},
	};
	for (size_t i = 0; i < array_len(cases); i++) {
		struct buf buf = BUF_INIT;
		json_string(&buf, cases[i].s, strlen(cases[i].s));
		assert_string_equal(buf.data, cases[i].json);
		buf_release(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
