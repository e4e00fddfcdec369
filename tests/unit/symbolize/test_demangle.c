/*
 * Demangling in the four modes.
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
	{"_Z1fIiQ1CIT_EEvv", {"f", "f<int>", "void f<int>()"}},
	{"_ZNH1S3fooES_", {"S::foo", "S::foo", "S::foo(S)"}},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bombs),
	};
	return cmocka_run_group_tests_name("symbolize-demangle", tests, NULL, NULL);
}
