/*
 * settings.json: what Go writes is read and written back byte for byte, what we do not know stays,
 * what is wrong is named.
 */
#include "web/settings.h"
#include "../unit.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* As google/pprof wrote it. */
static const char go_file[] = "{\n  \"configs\": [\n    {\n      \"name\": \"a\",\n"
			      "      \"unit\": \"minimum\",\n      \"sort\": \"flat\",\n"
			      "      \"nodecount\": 5,\n      \"nodefraction\": 0.005,\n"
			      "      \"edgefraction\": 0.001,\n      \"trim\": true,\n"
			      "      \"focus\": \"a\\u003cb\\\\\",\n"
			      "      \"granularity\": \"lines\"\n    }\n  ]\n}";

static void parse(struct settings *s, const char *text)
{
	struct config base;
	struct err err = ERR_INIT;
	config_init(&base);
	if (settings_parse(s, text, strlen(text), &base, &err) < 0)
		fail_msg("%s", err.msg);
	config_release(&base);
}

static void expect(const struct settings *s, const char *text)
{
	struct buf out = BUF_INIT;
	settings_write(s, &out);
	assert_string_equal(out.data, text);
	buf_release(&out);
}

static void test_round_trip(void **state)
{
	struct settings s;
	parse(&s, go_file);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.configs[0].name, "a");
	assert_string_equal(s.configs[0].config.focus, "a<b\\");
	assert_int_equal(s.configs[0].config.nodecount, 5);
	assert_true(s.configs[0].config.trim);
	assert_false(s.configs[0].config.call_tree);
	expect(&s, go_file);
	settings_release(&s);
}

/* A member left out is empty, not the default; what is never saved is what the server has. */
static void test_left_out(void **state)
{
	struct settings s;
	parse(&s, "{\"configs\":[{\"NAME\":\"x\",\"focus\":null}]}");
	const struct config *c = &s.configs[0].config;
	assert_string_equal(s.configs[0].name, "x");
	assert_false(c->trim);
	assert_int_equal(c->nodecount, 0);
	assert_string_equal(c->unit, "");
	assert_true(c->divide_by == 1);
	settings_release(&s);
	parse(&s, "{}");
	expect(&s, "{\n  \"configs\": []\n}");
	settings_release(&s);
	parse(&s, "{\"configs\":null}");
	assert_int_equal(s.n, 0);
	settings_release(&s);
}

static void test_unknown(void **state)
{
	struct settings s;
	struct config c;
	parse(&s, "{\"theme\": {\"dark\": [1]}, \"configs\": [{\"name\": \"x\", \"new\": 1.50, "
		  "\"hide\": "
		  "\"h\", \"output\": \"o\"}], \"v\": 2}");
	config_init(&c);
	config_set_string(&c.unit, "");
	config_set_string(&c.sort, "");
	c.nodecount = c.nodefraction = c.edgefraction = c.trim = 0;
	config_set_string(&c.focus, "f");
	assert_int_equal(settings_set(&s, "x", &c, NULL), 0);
	expect(&s, "{\n  \"configs\": [\n    {\n      \"name\": \"x\",\n      \"focus\": \"f\",\n"
		   "      \"new\": 1.50,\n      \"output\": \"o\"\n    }\n  ],\n"
		   "  \"theme\": {\"dark\": [1]},\n  \"v\": 2\n}");
	config_release(&c);
	settings_release(&s);
}

static void test_changes(void **state)
{
	struct settings s;
	struct config c;
	struct err err = ERR_INIT;
	parse(&s, "{}");
	config_init(&c);
	assert_int_equal(settings_set(&s, "one", &c, &err), 0);
	assert_int_equal(settings_set(&s, "two", &c, &err), 0);
	c.nodecount = 7;
	assert_int_equal(settings_set(&s, "one", &c, &err), 0);
	c.edgefraction = NAN;
	assert_int_equal(settings_set(&s, "three", &c, &err), ERR_USAGE);
	assert_non_null(strstr(err.msg, "edgefraction"));
	c.edgefraction = 0;
	assert_int_equal(s.n, 2);
	assert_int_equal(s.configs[0].config.nodecount, 7);
	assert_int_equal(settings_remove(&s, "one", &err), 0);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.configs[0].name, "two");
	assert_int_equal(settings_remove(&s, "one", &err), ERR_NOT_FOUND);
	assert_string_equal(err.msg, "config one not found");
	config_release(&c);
	settings_release(&s);
}

/* As encoding/json writes them. */
static void test_numbers(void **state)
{
	static const char *const numbers[] = {"0.00001", "0.00000125", "1e-7", "-1.25e-12",
		"-0.0000012", "0.1", "123456.5", "1e+21", "1.5e+100", "100000000000000000000"};
	for (size_t i = 0; i < array_len(numbers); i++) {
		struct settings s;
		struct buf text = BUF_INIT;
		buf_printf(&text,
			"{\n  \"configs\": [\n    {\n      \"name\": \"x\",\n"
			"      \"nodefraction\": %s\n    }\n  ]\n}",
			numbers[i]);
		parse(&s, text.data);
		expect(&s, text.data);
		settings_release(&s);
		buf_release(&text);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "could not parse settings: no value at byte 0"},
		{"[]", "could not parse settings: it is not an object"},
		{"{\"configs\":{}}", "could not parse settings: \"configs\" cannot be {}"},
		{"{\"configs\":[1]}", "could not parse settings: \"configs\" cannot be 1"},
		{"{\"configs\":[{\"name\":1}]}", "could not parse settings: \"name\" cannot be 1"},
		{"{\"configs\":[{\"trim\":\"t\"}]}",
			"could not parse settings: \"trim\" cannot be \"t\""},
		{"{\"configs\":[{\"nodecount\":1.5}]}",
			"could not parse settings: \"nodecount\" cannot be 1.5"},
		{"{\"configs\":[{\"nodefraction\":1e999}]}",
			"could not parse settings: \"nodefraction\" cannot be 1e999"},
		{"{\"configs\":[{\"focus\":[]}]}",
			"could not parse settings: \"focus\" cannot be []"},
	};
	struct config base;
	config_init(&base);
	for (size_t i = 0; i < array_len(cases); i++) {
		struct settings s;
		struct err err = ERR_INIT;
		assert_int_equal(
			settings_parse(&s, cases[i].text, strlen(cases[i].text), &base, &err),
			ERR_FORMAT);
		assert_string_equal(err.msg, cases[i].message);
	}
	config_release(&base);
}

static void test_file(void **state)
{
	char folder[] = "/tmp/sonde-settings-XXXXXX", path[100], target[100];
	struct settings s;
	struct config base;
	struct stat st;
	struct err err = ERR_INIT;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a/b/settings.json", folder);
	config_init(&base);
	assert_int_equal(settings_load(&s, path, &base, &err), 0); /* none yet */
	assert_int_equal(settings_set(&s, "x", &base, &err), 0);
	assert_int_equal(settings_save(&s, path, &err), 0);
	settings_release(&s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(settings_load(&s, path, &base, &err), 0);
	assert_int_equal(s.n, 1);
	/* A link stays a link. */
	snprintf(target, sizeof(target), "%s/a/kept.json", folder);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(settings_remove(&s, "x", &err), 0);
	assert_int_equal(settings_save(&s, path, &err), 0);
	settings_release(&s);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(settings_load(&s, target, &base, &err), 0);
	assert_int_equal(s.n, 0);
	/* A folder in the way is named. */
	snprintf(target, sizeof(target), "%s/a/b", folder);
	assert_true(settings_load(&s, target, &base, &err) < 0);
	assert_non_null(strstr(err.msg, target));
	snprintf(target, sizeof(target), "rm -r %s", folder);
	assert_int_equal(system(target), 0);
	config_release(&base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
