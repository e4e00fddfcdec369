/*
 * JSON strings that may stand in a <script>, whatever bytes a symbol table held; and reading.
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

static void reading(void **state)
{
	static const char text[] =
		" {\"a\" : [1, -2.5e3 ,true,null], \"b\\u0021\":{}, \"\":\"x\"} ";
	static const enum json_kind kinds[] = {JSON_NUMBER, JSON_NUMBER, JSON_BOOL, JSON_NULL};
	struct json_value whole, name, v, element;
	const char *at = NULL, *in = NULL;
	struct buf names = BUF_INIT;
	size_t n = 0;
	assert_int_equal(json_parse(text, strlen(text), &whole, NULL), 0);
	assert_int_equal(whole.kind, JSON_OBJECT);
	while (json_each(&whole, &at, &name, &v)) {
		json_text(&name, &names);
		buf_addch(&names, '|');
		if (v.kind != JSON_ARRAY)
			continue;
		while (json_each(&v, &in, &name, &element))
			assert_int_equal(element.kind, kinds[n++]);
	}
	assert_int_equal(n, 4);
	assert_string_equal(names.data, "a|b!||");
	assert_memory_equal(v.s, "\"x\"", v.n);
	buf_release(&names);
}

static void numbers_and_text(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = {
		{"\"\"", ""},
		{"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t"},
		{"\"\\u00fc\\u20AC\"", "\xc3\xbc\xe2\x82\xac"},
		{"\"\\ud83d\\udd25\"", "\xf0\x9f\x94\xa5"},
		{"\"\\ud83dx\"", "\xef\xbf\xbdx"},
		{"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
				       "A"},
		{"\"\\udd25\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\"\\u0000\"", "\xef\xbf\xbd"},
	};
	struct json_value v;
	for (size_t i = 0; i < array_len(cases); i++) {
		struct buf buf = BUF_INIT;
		assert_int_equal(json_parse(cases[i].json, strlen(cases[i].json), &v, NULL), 0);
		json_text(&v, &buf);
		assert_string_equal(buf.data, cases[i].text);
		buf_release(&buf);
	}
	assert_int_equal(json_parse("-0.25e1", 7, &v, NULL), 0);
	assert_true(json_number(&v) == -2.5);
	assert_int_equal(json_parse("true", 4, &v, NULL), 0);
	assert_true(json_truth(&v));
}

static void refused(void **state)
{
	static const struct {
		const char *text;
		int64_t offset;
	} cases[] = {
		{"", 0},
		{"  ", 2},
		{"{", 1},
		{"[1,]", 3},
		{"{\"a\":1,}", 7},
		{"{a:1}", 1},
		{"{\"a\" 1}", 5},
		{"[1 2]", 3},
		{"01", 2},
		{"1.", 2},
		{"1e", 2},
		{"-", 1},
		{"nul", 0},
		{"\"a", 2},
		{"\"\\x\"", 2},
		{"\"\\u12g4\"", 5},
		{"\"\n\"", 1},
		{"1 1", 2},
		{"[}", 1},
		{"\"\\", 2},
		{"+1", 0},
		{"'a'", 0},
	};
	struct json_value v;
	for (size_t i = 0; i < array_len(cases); i++) {
		struct err err = ERR_INIT;
		int rc = json_parse(cases[i].text, strlen(cases[i].text), &v, &err);
		if (rc != ERR_FORMAT || err.offset != cases[i].offset)
			fail_msg("%s: %d at %lld", cases[i].text, rc, (long long)err.offset);
	}
	struct buf deep = BUF_INIT;
	buf_fill(&deep, '[', 100000);
	assert_int_equal(json_parse(deep.data, deep.len, &v, NULL), ERR_LIMIT);
	buf_release(&deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(reading),
		cmocka_unit_test(numbers_and_text),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
