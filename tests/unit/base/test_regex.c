/*
 * Regular expressions: Go's meaning and Go's refusals.
 */
#include "base/base.h"
#include "../unit.h"

static void matches(void **state)
{
	static const struct {
		const char *pattern, *s;
		int match;
	} cases[] = {
		{"", "", 1},
		{"b", "abc", 1},
		{"^b", "abc", 0},
		{"a.c", "a\nc", 0},
		{"(?s)a.c", "a\nc", 1},
		{"a$", "a\n", 0},
		{"(?i)MALLOC", "xmalloc", 1},
		{"^[[:alpha:]]+$", "abc", 1},
		{"\\Qa.b\\E", "a.b", 1},
		{"\\Qa.b\\E", "axb", 0},
		{"(?P<x>a)(?:b|c){2,3}?", "abc", 1},
		{"(?<x>a)", "a", 1},
		{"[]a]", "]", 1},
		{"[^]a]", "]", 0},
		{"\\pL\\p{Greek}", "x\xce\xb1", 1},
		{"a{,2}", "a{,2}", 1},
		{"x", "\xff\xfex", 1},
		{"operator\\(\\)", "T::operator()", 1},
	};
	for (size_t i = 0; i < array_len(cases); i++) {
		struct regex *re;
		struct err err = ERR_INIT;
		if (regex_compile(&re, cases[i].pattern, &err) < 0)
			fail_msg("%s: %s", cases[i].pattern, err.msg);
		if (regex_match(re, cases[i].s, strlen(cases[i].s)) != cases[i].match)
			fail_msg("%s on %s", cases[i].pattern, cases[i].s);
		regex_free(re);
	}
}

/* The messages are those of Go 1.26's regexp.Compile. */
static void refusals(void **state)
{
	static const struct {
		const char *pattern, *msg;
	} cases[] = {
		{"[", "error parsing regexp: missing closing ]: `[`"},
		{"a(b", "error parsing regexp: missing closing ): `a(b`"},
		{"a)b", "error parsing regexp: unexpected ): `a)b`"},
		{"*", "error parsing regexp: missing argument to repetition operator: `*`"},
		{"a|+", "error parsing regexp: missing argument to repetition operator: `+`"},
		{"a**", "error parsing regexp: invalid nested repetition operator: `**`"},
		{"a*+", "error parsing regexp: invalid nested repetition operator: `*+`"},
		{"(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
		{"(?<=a)", "error parsing regexp: invalid named capture: `(?<=a)`"},
		{"(?P<a", "error parsing regexp: invalid named capture: `(?P<a`"},
		{"(?P=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?P`"},
		{"(?i", "error parsing regexp: invalid or unsupported Perl syntax: `(?i`"},
		{"x{2}{3}", "error parsing regexp: invalid nested repetition operator: `{2}{3}`"},
		{"[z-a]", "error parsing regexp: invalid character class range: `z-a`"},
		{"\\pX", "error parsing regexp: invalid character class range: `\\pX`"},
		{"(?>a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?>`"},
		{"(a)\\1", "error parsing regexp: invalid escape sequence: `\\1`"},
		{"\\y", "error parsing regexp: invalid escape sequence: `\\y`"},
		{"a\\", "error parsing regexp: trailing backslash at end of expression: ``"},
		{"a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"},
		{"a{3,2}", "error parsing regexp: invalid repeat count: `{3,2}`"},
	};
	for (size_t i = 0; i < array_len(cases); i++) {
		struct regex *re;
		struct err err = ERR_INIT;
		assert_int_equal(regex_compile(&re, cases[i].pattern, &err), ERR_USAGE);
		assert_string_equal(err.msg, cases[i].msg);
	}
}

static void a_runaway_pattern_is_stopped(void **state)
{
	struct regex *re;
	char s[64];
	memset(s, 'a', sizeof(s));
	assert_int_equal(regex_compile(&re, "(a|aa|a?)+$|(a+)+b", NULL), 0);
	s[63] = 'x';
	assert_int_equal(regex_match(re, s, sizeof(s)), ERR_LIMIT);
	regex_free(re);
}

/* Each text is matched in time, but a pattern that needs so long for every one is stopped. */
static void slow_matches_add_up(void **state)
{
	enum { TEXT = 300, TRIES = 1000 };
	struct regex *re;
	char s[TEXT];
	memset(s, 'a', sizeof(s));
	assert_int_equal(regex_compile(&re, "(a*)(a*)(a*)[bc]", NULL), 0);
	assert_int_equal(regex_match(re, s, 1), 0);
	int tries = 0;
	while (tries < TRIES && regex_match(re, s, sizeof(s)) == 0)
		tries++;
	assert_in_range(tries, 1, TRIES - 1);
	assert_int_equal(regex_match(re, s, 1), 0); /* what is quick is still answered */
	regex_free(re);
}

static void quoting(void **state)
{
	struct buf buf = BUF_INIT;
	regex_quote(&buf, "a.b(*)[x]");
	assert_string_equal(buf.data, "a\\.b\\(\\*\\)\\[x\\]");
	buf_release(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(refusals),
		cmocka_unit_test(a_runaway_pattern_is_stopped),
		cmocka_unit_test(slow_matches_add_up),
		cmocka_unit_test(quoting),
	};
	return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
