/*
 * The table of options: defaults, text in and out, choices, URLs.
 */
#include "../unit.h"

#include "report/report.h"

static void expect_field(const struct config *c, const char *name, const char *want)
{
	struct buf out = BUF_INIT;
	config_get(c, config_find(name), &out);
	assert_string_equal(out.data, want);
	buf_release(&out);
}

static void test_defaults(void **state)
{
	struct config c;
	config_init(&c);
	expect_field(&c, "nodecount", "-1");
	expect_field(&c, "nodefraction", "0.005");
	expect_field(&c, "divide_by", "1");
	expect_field(&c, "trim", "true");
	expect_field(&c, "unit", "minimum");
	for (const struct config_field *f = config_fields; f->name; f++)
		assert_true(config_is_default(&c, f));
	config_release(&c);
}

static void test_every_field_has_help(void **state)
{
	for (const struct config_field *f = config_fields; f->name; f++) {
		for (size_t i = 0; f->choices && f->choices[i]; i++)
			assert_non_null(config_help(f->choices[i]));
		if (!f->choices)
			assert_non_null(config_help(f->name));
	}
}

static void expect_refused(const char *name, const char *value, const char *want)
{
	struct config c;
	struct err err = ERR_INIT;
	config_init(&c);
	assert_true(config_assign(&c, name, value, &err) < 0);
	assert_string_equal(err.msg, want);
	config_release(&c);
}

static void test_refused(void **state)
{
	expect_refused("sort", "bad", "invalid \"sort\" value \"bad\"");
	expect_refused("lines", "", "unknown config field \"lines\"");
	expect_refused("nosuch", "1", "unknown config field \"nosuch\"");
	expect_refused("trim", "maybe", "illegal value \"maybe\" for bool variable");
	expect_refused("nodecount", "x", "strconv.Atoi: parsing \"x\": invalid syntax");
	expect_refused("nodefraction", "x", "strconv.ParseFloat: parsing \"x\": invalid syntax");
}

static void test_assign(void **state)
{
	struct config c, copy;
	config_init(&c);
	assert_int_equal(config_assign(&c, "lines", "1", NULL), 0);
	assert_int_equal(config_assign(&c, "trim", "NO", NULL), 0);
	assert_int_equal(config_assign(&c, "focus", "a|b", NULL), 0);
	assert_int_equal(config_set_url(&c, "n", "12", NULL), 0);
	assert_int_equal(config_set_url(&c, "nosuch", "12", NULL), 0);
	config_copy(&copy, &c);
	config_release(&c);
	expect_field(&copy, "granularity", "lines");
	expect_field(&copy, "trim", "false");
	expect_field(&copy, "focus", "a|b");
	expect_field(&copy, "nodecount", "12");
	config_release(&copy);
}

static void test_floats(void **state)
{
	static const char *const same[] = {
		"0.1", "1e-05", "1e+21", "123456.75", "3", "NaN", "+Inf", "-Inf"};
	struct config c;
	config_init(&c);
	for (size_t i = 0; i < array_len(same); i++) {
		assert_int_equal(config_assign(&c, "divide_by", same[i], NULL), 0);
		expect_field(&c, "divide_by", same[i]);
	}
	config_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_field_has_help),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_assign),
		cmocka_unit_test(test_floats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
