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

static void test_own(void **state)
{
	static const struct {
		bool is_read;
		const char *site, *origin, *host;
		bool allowed;
	} cases[] = {
		{true, NULL, NULL, "localhost:8080", true}, /* curl */
		{true, NULL, NULL, "127.0.0.1:8080", true},
		{true, NULL, NULL, "[::1]:8080", true},
		{true, NULL, NULL, "10.0.0.1:8080", false}, /* an image in a foreign page */
		{false, NULL, NULL, "10.0.0.1:8080", true}, /* curl -X POST */
		{true, "none", NULL, "10.0.0.1", true},	    /* typed */
		{true, "same-origin", NULL, "localhost", true},
		{true, "same-site", NULL, "localhost", false}, /* another port of this machine */
		{true, "cross-site", NULL, "localhost", false},
		{false, "cross-site", "http://evil.example", "localhost", false},
		{false, NULL, "http://evil.example", "localhost", false},
		{false, NULL, "null", "localhost", false},
		{false, NULL, "http://localhost:81", "localhost:80", false},
		{false, NULL, "http://localhost:80", "localhost:80", true},
		{true, NULL, "http://10.0.0.1:80", "10.0.0.1:80", true},
		{false, "same-origin", "http://evil.example", "localhost", false},
		{true, "same-origin", NULL, NULL, false},
	};
	for (size_t i = 0; i < array_len(cases); i++)
		if (http_own_allowed(cases[i].is_read, cases[i].site, cases[i].origin,
			    cases[i].host) != cases[i].allowed)
			fail_msg("case %zu", i);
}

static void test_etags(void **state)
{
	assert_true(http_etag_matches("\"a-1\"", "\"a-1\""));
	assert_true(http_etag_matches("W/\"a-1\"", "\"a-1\""));
	assert_true(http_etag_matches("\"b\", W/\"c\",\"a-1\"", "\"a-1\""));
	assert_true(http_etag_matches("*", "\"a-1\""));
	assert_false(http_etag_matches("\"a-12\"", "\"a-1\""));
	assert_false(http_etag_matches("\"b\",", "\"a-1\""));
	assert_false(http_etag_matches("", "\"a-1\""));
	assert_false(http_etag_matches(NULL, "\"a-1\""));
}

static void test_tokens(void **state)
{
	assert_true(http_token_matches("secret", 6, "secret"));
	assert_false(http_token_matches("secreT", 6, "secret"));
	assert_false(http_token_matches("secret1", 7, "secret"));
	assert_false(http_token_matches("secretsecret", 12, "secret"));
	assert_false(http_token_matches("secre", 5, "secret"));
	assert_false(http_token_matches("", 0, "secret"));
	assert_false(http_token_matches("", 0, ""));
}

static void check_params(const char *query, const char *want)
{
	struct http_foreign f;
	struct buf got = BUF_INIT;
	struct buf target = BUF_INIT;
	buf_printf(&target, "/p%%20%%2fq+%%zz?%s", query);
	http_foreign_init(&f, target.data);
	buf_release(&target);
	assert_string_equal(f.path, "/p /q+%zz");
	buf_addstr(&got, "");
	for (unsigned i = 0; i < f.n; i++)
		buf_printf(&got, "[%s|%s]", f.names[i], f.values[i]);
	assert_string_equal(got.data, want);
	const struct http_request req = {.foreign = &f};
	assert_string_equal(http_param(&req, "a"), f.n ? f.values[0] : "");
	assert_string_equal(http_param(&req, "none"), "");
	assert_false(http_is_gone(&req));
	assert_null(http_header(&req, "Host"));
	buf_release(&got);
	http_foreign_release(&f);
}

static void test_foreign_params(void **state)
{
	struct buf many = BUF_INIT, want = BUF_INIT;
	struct http_foreign no_query;
	http_foreign_init(&no_query, "/p");
	assert_string_equal(no_query.path, "/p");
	assert_int_equal(no_query.n, 0);
	http_foreign_release(&no_query);
	check_params("", "");
	check_params("&&", "");
	check_params("a=1&b=2", "[a|1][b|2]");
	check_params("a=x%20y+z&b&c==&=", "[a|x y z][b|][c|=][|]");
	check_params("a=%&b=%4&c=%4g&d=%41%4a", "[a|%][b|%4][c|%4g][d|AJ]");
	for (int i = 0; i < 2 * HTTP_PARAMS_MAX; i++)
		buf_addstr(&many, "a=v&");
	for (int i = 0; i < HTTP_PARAMS_MAX; i++)
		buf_addstr(&want, "[a|v]");
	check_params(many.data, want.data);
	buf_release(&many);
	buf_release(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_long_host),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_etags),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_foreign_params),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
