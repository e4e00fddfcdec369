/*
 * The parts of the HTTP layer that stand between a foreign page and a profile: which names we
 * answer to, and text put into pages and URLs.
 */
#include "http/http.h"
#include "../unit.h"

static void test_hosts(void **state)
{
	static const struct {
		const char *header, *own;
		bool allowed;
	} cases[] = {
		{"localhost", "localhost", true},
		{"LocalHost:8080", "localhost", true},
		{"127.0.0.1:8080", "localhost", true},
		{"[::1]:8080", "localhost", true},
		{"192.168.1.5", "0.0.0.0", true},
		{"build7:80", "build7", true},
		{"build70", "build7", false},
		{"build", "build7", false},
		{"evil.example", "localhost", false},
		{"localhost.evil.example", "localhost", false},
		{"127.0.0.1.evil.example", "localhost", false},
		{"", "localhost", false},
		{":80", "localhost", false},
		{"[", "localhost", false},
		{NULL, "localhost", false},
	};
	for (size_t i = 0; i < array_len(cases); i++)
		if (http_host_allowed(cases[i].header, cases[i].own) != cases[i].allowed)
			fail_msg("Host \"%s\" of a server named %s", cases[i].header, cases[i].own);
}

static void test_long_host(void **state)
{
	char host[1000];
	memset(host, 'a', sizeof(host));
	host[sizeof(host) - 1] = '\0';
	assert_false(http_host_allowed(host, "localhost"));
}

static void test_html(void **state)
{
	struct buf out = BUF_INIT;
	html_escape(&out, "<a href='x'>\"&amp;é</a>");
	assert_string_equal(out.data, "&lt;a href=&#39;x&#39;&gt;&quot;&amp;amp;é&lt;/a&gt;");
	buf_release(&out);
}

static void test_query(void **state)
{
	struct buf out = BUF_INIT;
	http_escape_query(&out, "a b&c=d+e%\"é.~-_");
	assert_string_equal(out.data, "a%20b%26c%3Dd%2Be%25%22%C3%A9.~-_");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_long_host),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_query),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
