/*
 * Demangling in the four modes: our own rows, and, where the shared cases are there, every row of
 * the table taken from pprof's demangler.
 */
#include "symbolize/symbolize.h"
#include "../unit.h"

static const struct {
	const char *mangled, *names[3]; /* default, templates, full */
} rows[] = {
	{"_ZNSt6vectorIiSaIiEE9push_backERKi",
		{"std::vector::push_back", "std::vector<int, std::allocator<int> >::push_back",
			"std::vector<int, std::allocator<int> >::push_back(int const&)"}},
	{"_ZN2ns1SltERKS0_",
		{"ns::S::operator<", "ns::S::operator<", "ns::S::operator<(ns::S const&)"}},
	{"_ZN2ns1SlsIiEERS0_T_", {"ns::S::operator<<", "ns::S::operator<< <int>",
					 "ns::S& ns::S::operator<< <int>(int)"}},
	{"_ZN2ns1S3fooEi.constprop.0.cold", {"ns::S::foo", "ns::S::foo", "ns::S::foo(int)"}},
	{"_ZZ4mainENKUliE_clEi",
		{"main::{lambda(int)#1}::operator()", "main::{lambda(int)#1}::operator()",
			"main::{lambda(int)#1}::operator()(int) const"}},
	{"_ZZN1A1fEiENKUlvE_clEv",
		{"A::f()::{lambda()#1}::operator()", "A::f()::{lambda()#1}::operator()",
			"A::f(int)::{lambda()#1}::operator()() const"}},
	{"_RNvCs15kBYyAo9fc_7mycrate7example",
		{"mycrate::example", "mycrate::example", "mycrate::example"}},
	{"_RINvCs15kBYyAo9fc_7mycrate7examplehE",
		{"mycrate::example::<>", "mycrate::example::<u8>", "mycrate::example::<u8>"}},
	{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
		{"core::fmt::Formatter::pad", "core::fmt::Formatter::pad",
			"core::fmt::Formatter::pad"}},
	{"main", {"main", "main", "main"}},
	{"main.(*T).Method", {"main.(*T).Method", "main.(*T).Method", "main.(*T).Method"}},
	{"std::map<int, std::pair<int, int> >::find(int const&)",
		{"std::map::find", "std::map<int, std::pair<int, int> >::find",
			"std::map<int, std::pair<int, int> >::find(int const&)"}},
	{"_Z", {"_Z", "_Z", "_Z"}},
	{"", {"", "", ""}},
};

static void check(const char *mangled, enum demangle_mode mode, const char *want)
{
	struct buf out = BUF_INIT;
	demangle_function(&out, mangled, mode);
	assert_string_equal(out.data, want);
	buf_release(&out);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < array_len(rows); i++) {
		check(rows[i].mangled, DEMANGLE_DEFAULT, rows[i].names[0]);
		check(rows[i].mangled, DEMANGLE_TEMPLATES, rows[i].names[1]);
		check(rows[i].mangled, DEMANGLE_FULL, rows[i].names[2]);
		check(rows[i].mangled, DEMANGLE_NONE, rows[i].mangled);
	}
}

/* A name of a few hundred bytes that stands for gigabytes of text, and one past all limits. */
static void test_bombs(void **state)
{
	struct buf name = BUF_INIT, out = BUF_INIT;
	buf_addstr(&name, "_Z1fI1AIiiE");
	for (int i = 0; i < 60; i++)
		buf_printf(&name, "S%c_IS%c_S%c_E", i ? 'A' + i % 26 : '0', '0' + i % 10,
			'0' + i % 10);
	buf_addstr(&name, "EvT_");
	demangle_name(&out, name.data, DEMANGLE_FULL);
	assert_true(out.len <= 2 << 20);
	buf_clear(&name);
	buf_addstr(&name, "_ZN");
	for (int i = 0; i < 40000; i++)
		buf_addstr(&name, "1a");
	buf_addstr(&name, "Ev");
	buf_clear(&out);
	assert_false(demangle_name(&out, name.data, DEMANGLE_DEFAULT));
	buf_release(&name);
	buf_release(&out);
}

/* One field of the table: a Go string literal, with at most \" \\ and \xNN in it. */
static const char *field(const char *s, char *ret)
{
	for (s++; *s != '"'; s++) {
		unsigned byte;
		if (*s == '\\' && *++s == 'x') {
			sscanf(s + 1, "%2x", &byte);
			*ret++ = (char)byte;
			s += 2;
		} else {
			*ret++ = *s;
		}
	}
	*ret = 0;
	return s + 2;
}

/* libiberty's own limits, all in full mode; docs/symbolization.md says which they are. */
#define KNOWN_DIFFERENCES 11

static void test_shared_table(void **state)
{
	static char line[1 << 16], name[1 << 14], want[1 << 14];
	char path[4096];
	const char *shared = getenv("SONDE_SHARED");
	int n = 0, differ = 0;
	snprintf(path, sizeof(path), "%s/cases/pprof/unit/demangle.tsv", shared ? shared : "");
	FILE *f = fopen(path, "r");
	if (!f)
		skip();
	while (fgets(line, sizeof(line), f)) {
		const char *s = line;
		if (line[0] != '"')
			continue;
		s = field(s, name);
		for (int mode = DEMANGLE_DEFAULT; mode <= DEMANGLE_NONE; mode++, n++) {
			struct buf out = BUF_INIT;
			s = field(s, want);
			demangle_function(&out, name, (enum demangle_mode)mode);
			if (mode == DEMANGLE_FULL)
				differ += strcmp(out.data, want) != 0;
			else
				assert_string_equal(out.data, want);
			buf_release(&out);
		}
	}
	fclose(f);
	assert_true(n > 1000);
	assert_true(differ <= KNOWN_DIFFERENCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_shared_table),
	};
	return cmocka_run_group_tests_name("symbolize-demangle", tests, NULL, NULL);
}
