/*
 * Go's flag syntax: what it accepts, where it stops, and its messages.
 */
#include "base/base.h"
#include "../unit.h"

static bool top;
static const char *focus;
static int count;
static int64_t timeout;
static double fraction;
static unsigned rounds;

static struct goflag flags[] = {
	{"top", GOFLAG_BOOL, &top, "print the top functions"},
	{"focus", GOFLAG_STRING, &focus, "keep stacks that match `regex`"},
	{"count", GOFLAG_INT, &count, "run `n` times"},
	{"timeout", GOFLAG_DURATION, &timeout, "stop after this long"},
	{"f", GOFLAG_FLOAT, &fraction, "fraction"},
	{"rounds", GOFLAG_UINT, &rounds, "how often"},
};

static int parse(struct err *err, int argc, ...)
{
	char *argv[8] = {(char *)"prog"};
	va_list ap;
	va_start(ap, argc);
	for (int i = 1; i <= argc; i++)
		argv[i] = va_arg(ap, char *);
	va_end(ap);
	top = false;
	focus = "";
	count = 1;
	timeout = 0;
	fraction = 0.5;
	return goflag_parse(flags, array_len(flags), argc + 1, argv, err);
}

static void forms(void **state)
{
	assert_int_equal(parse(NULL, 4, "-top", "--focus", "main", "-count=0x10"), 5);
	assert_true(top);
	assert_string_equal(focus, "main");
	assert_int_equal(count, 16);
	assert_int_equal(parse(NULL, 3, "-top=F", "file", "-count=2"), 2);
	assert_false(top);
	assert_int_equal(count, 1);
	assert_int_equal(parse(NULL, 3, "-timeout", "1m1.5s", "--"), 4);
	assert_true(timeout == 61500000000);
	assert_int_equal(parse(NULL, 1, "-"), 1);
	assert_int_equal(parse(NULL, 1, "-h"), GOFLAG_HELP);
	assert_int_equal(parse(NULL, 2, "-focus", "-top"), 3);
	assert_string_equal(focus, "-top");
}

static void mixed(void **state)
{
	char *argv[] = {(char *)"prog", (char *)"a", (char *)"-top", (char *)"-", (char *)"-focus",
		(char *)"b", (char *)"c", (char *)"--", (char *)"-top=x", (char *)"d"};
	struct err err = ERR_INIT;
	int first = goflag_parse_mixed(flags, array_len(flags), array_len(argv), argv, &err);
	const char *rest[] = {"a", "-", "c", "-top=x", "d"};
	assert_int_equal(first, array_len(argv) - array_len(rest));
	for (size_t i = 0; i < array_len(rest); i++)
		assert_string_equal(argv[(size_t)first + i], rest[i]);
	assert_true(top);
	assert_string_equal(focus, "b");
	char *wrong[] = {(char *)"prog", (char *)"a", (char *)"-nope", (char *)"b"};
	assert_int_equal(goflag_parse_mixed(flags, array_len(flags), 4, wrong, &err), ERR_USAGE);
	assert_string_equal(wrong[1], "a");
	assert_int_equal(goflag_parse_mixed(flags, array_len(flags), 1, wrong, NULL), 1);
}

static void messages(void **state)
{
	struct err err = ERR_INIT;
	assert_int_equal(parse(&err, 1, "-nope=1"), ERR_USAGE);
	assert_string_equal(err.msg, "flag provided but not defined: -nope");
	assert_int_equal(parse(&err, 1, "-count"), ERR_USAGE);
	assert_string_equal(err.msg, "flag needs an argument: -count");
	assert_int_equal(parse(&err, 1, "-rounds=-1"), ERR_USAGE);
	assert_string_equal(err.msg, "invalid value \"-1\" for flag -rounds: parse error");
	assert_int_equal(parse(&err, 1, "-rounds=4294967296"), ERR_USAGE);
	assert_string_equal(
		err.msg, "invalid value \"4294967296\" for flag -rounds: value out of range");
	assert_int_equal(parse(&err, 1, "-count=x"), ERR_USAGE);
	assert_string_equal(err.msg, "invalid value \"x\" for flag -count: parse error");
	assert_int_equal(parse(&err, 1, "-top=maybe"), ERR_USAGE);
	assert_string_equal(err.msg, "invalid boolean value \"maybe\" for -top: parse error");
	assert_int_equal(parse(&err, 1, "---top"), ERR_USAGE);
	assert_string_equal(err.msg, "bad flag syntax: ---top");
	assert_int_equal(parse(&err, 1, "-count=99999999999999999999"), ERR_USAGE);
	assert_string_equal(err.msg,
		"invalid value \"99999999999999999999\" for flag -count: value out of range");
}

static void usage(void **state)
{
	parse(NULL, 0);
	struct buf buf = BUF_INIT;
	goflag_usage(flags, array_len(flags), &buf);
	assert_string_equal(buf.data, "  -top\n    \tprint the top functions\n"
				      "  -focus regex\n    \tkeep stacks that match regex\n"
				      "  -count n\n    \trun n times (default 1)\n"
				      "  -timeout duration\n    \tstop after this long\n"
				      "  -f float\n    \tfraction (default 0.5)\n"
				      "  -rounds uint\n    \thow often\n");
	buf_release(&buf);
}

static void durations(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {{0, "0s"}, {1, "1ns"}, {1500, "1.5\xc2\xb5s"}, {2000000, "2ms"},
		{1500000000, "1.5s"}, {61000000000, "1m1s"}, {3600000000000, "1h0m0s"},
		{-1000000, "-1ms"}};
	for (size_t i = 0; i < array_len(cases); i++) {
		struct buf buf = BUF_INIT;
		int64_t ns;
		goflag_duration_string(cases[i].ns, &buf);
		assert_string_equal(buf.data, cases[i].text);
		assert_int_equal(goflag_duration(buf.data, &ns, NULL), 0);
		assert_true(ns == cases[i].ns);
		buf_release(&buf);
	}
	struct err err = ERR_INIT;
	int64_t ns;
	assert_int_equal(goflag_duration("5", &ns, &err), ERR_USAGE);
	assert_string_equal(err.msg, "time: missing unit in duration \"5\"");
	assert_int_equal(goflag_duration("5x", &ns, &err), ERR_USAGE);
	assert_string_equal(err.msg, "time: unknown unit \"x\" in duration \"5x\"");
	assert_int_equal(goflag_duration("1.2.3s", &ns, &err), ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(mixed),
		cmocka_unit_test(messages),
		cmocka_unit_test(usage),
		cmocka_unit_test(durations),
	};
	return cmocka_run_group_tests_name("goflag", tests, NULL, NULL);
}
