/*
 * test2json: a benchmark binary's text as Go's JSON events, one a line: cmd/internal/test2json for
 * what benchmarks print. Framing lines start with the byte 0x16, which the binary writes before
 * "=== RUN" and "--- FAIL" under -test.v=test2json, so that a benchmark's own output cannot pass
 * for them.
 */
#include "bench/bench.h"

#include <stdio.h>
#include <time.h>

#define MARK '\x16'

struct test2json {
	struct sink *sink;
	char *pkg;
	char *test;    /* the benchmark that output belongs to, or NULL */
	char *outcome; /* "pass", "fail", ... of a "--- " line, not yet written; with its name */
	char *outcome_test;
	struct buf line, event;
	struct timespec started;
	bool begun;
};

struct test2json *test2json_new(const char *pkg, struct sink *sink)
{
	struct test2json *t = mem_zalloc(sizeof(*t));
	t->sink = sink;
	t->pkg = mem_strdup(pkg);
	buf_init(&t->line);
	buf_init(&t->event);
	clock_gettime(CLOCK_MONOTONIC, &t->started);
	return t;
}

void test2json_free(struct test2json *t)
{
	mem_free(t->pkg);
	mem_free(t->test);
	mem_free(t->outcome);
	mem_free(t->outcome_test);
	buf_release(&t->line);
	buf_release(&t->event);
	mem_free(t);
}

static void add_string(struct buf *to, const char *s, size_t n)
{
	buf_addch(to, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c == '"' || c == '\\')
			buf_printf(to, "\\%c", c);
		else if (c == '\n' || c == '\t' || c == '\r')
			buf_printf(to, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
		else if (c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&')
			buf_printf(to, "\\u%04x", c);
		else
			buf_addch(to, (char)c);
	}
	buf_addch(to, '"');
}

static void open_event(struct test2json *t, const char *action, const char *test)
{
	struct timespec now;
	struct tm tm;
	char when[40];
	clock_gettime(CLOCK_REALTIME, &now);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm));
	buf_clear(&t->event);
	buf_printf(
		&t->event, "{\"Time\":\"%s.%09ldZ\",\"Action\":\"%s\"", when, now.tv_nsec, action);
	if (*t->pkg) {
		buf_addstr(&t->event, ",\"Package\":");
		add_string(&t->event, t->pkg, strlen(t->pkg));
	}
	if (test) {
		buf_addstr(&t->event, ",\"Test\":");
		add_string(&t->event, test, strlen(test));
	}
}

static int close_event(struct test2json *t)
{
	buf_addstr(&t->event, "}\n");
	return t->sink->write(t->sink, t->event.data, t->event.len);
}

static int emit(struct test2json *t, const char *action, const char *test)
{
	open_event(t, action, test);
	return close_event(t);
}

static int output(struct test2json *t, const char *test, const char *s, size_t n)
{
	open_event(t, "output", test);
	buf_addstr(&t->event, ",\"Output\":");
	add_string(&t->event, s, n);
	return close_event(t);
}

static void set(char **p, const char *s, size_t n)
{
	mem_free(*p);
	*p = s ? mem_strndup(s, n) : NULL;
}

/* The event of the last "--- FAIL: name" line, once its indented lines are over. */
static int settle(struct test2json *t)
{
	if (!t->outcome)
		return 0;
	int rc = emit(t, t->outcome, t->outcome_test);
	set(&t->outcome, NULL, 0);
	set(&t->test, NULL, 0);
	return rc;
}

static bool starts(const char *s, size_t n, const char *with)
{
	return n >= strlen(with) && memcmp(s, with, strlen(with)) == 0;
}

static int take_outcome(struct test2json *t, const char *s, size_t n)
{
	static const struct {
		const char *text, *action;
	} rows[] = {{"--- FAIL: ", "fail"}, {"--- SKIP: ", "skip"}, {"--- BENCH: ", "bench"}};
	for (size_t i = 0; i < array_len(rows); i++) {
		size_t head = strlen(rows[i].text);
		if (!starts(s, n, rows[i].text))
			continue;
		size_t len = n - head - (s[n - 1] == '\n');
		set(&t->outcome_test, s + head, len);
		set(&t->outcome, rows[i].action, strlen(rows[i].action));
		return output(t, t->outcome_test, s, n);
	}
	set(&t->test, NULL, 0);
	return output(t, NULL, s, n); /* PASS and FAIL */
}

static int framing(struct test2json *t, const char *s, size_t n)
{
	int rc = settle(t);
	size_t len = n - (s[n - 1] == '\n');
	if (rc < 0)
		return rc;
	if (starts(s, n, "=== NAME  ")) {
		set(&t->test, len > 10 ? s + 10 : NULL, len - 10);
		return 0;
	}
	if (!starts(s, n, "=== RUN   "))
		return take_outcome(t, s, n);
	set(&t->test, s + 10, len - 10);
	rc = emit(t, "run", t->test);
	return rc < 0 ? rc : output(t, t->test, s, n);
}

static int take_line(struct test2json *t, const char *s, size_t n)
{
	if (!t->begun) {
		t->begun = true;
		int rc = emit(t, "start", NULL);
		if (rc < 0)
			return rc;
	}
	if (n > 1 && s[0] == MARK)
		return framing(t, s + 1, n - 1);
	if (t->outcome && starts(s, n, "    "))
		return output(t, t->outcome_test, s, n);
	int rc = settle(t);
	return rc < 0 ? rc : output(t, t->test, s, n);
}

int test2json_write(struct test2json *t, const void *p, size_t n)
{
	const char *s = p;
	while (n) {
		const char *nl = memchr(s, '\n', n);
		size_t len = nl ? (size_t)(nl - s) + 1 : n;
		buf_add(&t->line, s, len);
		s += len;
		n -= len;
		if (!nl)
			break;
		int rc = take_line(t, t->line.data, t->line.len);
		buf_clear(&t->line);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int test2json_end(struct test2json *t, bool failed)
{
	struct timespec now;
	int rc = t->line.len || !t->begun ? take_line(t, t->line.data, t->line.len) : 0;
	if (rc == 0)
		rc = settle(t);
	if (rc < 0)
		return rc;
	clock_gettime(CLOCK_MONOTONIC, &now);
	double seconds = (double)(now.tv_sec - t->started.tv_sec) +
			 (double)(now.tv_nsec - t->started.tv_nsec) / 1e9;
	open_event(t, failed ? "fail" : "pass", NULL);
	buf_printf(&t->event, ",\"Elapsed\":%.3f", seconds);
	return close_event(t);
}
