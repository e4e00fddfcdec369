/*
 * Reading JSON; see json.h. One scanner serves the check and the walk afterwards: the walk runs
 * over text that has passed, so it cannot fail.
 */
#include "base/base.h"

#include <ctype.h>
#include <stdlib.h>

enum {
	DEPTH_MAX = 100,
};

struct scan {
	const char *at, *end;
	const char *start; /* offsets count from here */
	unsigned depth;
	struct err *err;
};

static int wrong(const struct scan *s, const char *what)
{
	return err_at(s->err, ERR_FORMAT, s->at - s->start, "%s at byte %lld", what,
		(long long)(s->at - s->start));
}

static bool is_at(const struct scan *s, char c)
{
	return s->at < s->end && *s->at == c;
}

static void skip_space(struct scan *s)
{
	while (s->at < s->end &&
		(*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
		s->at++;
}

static bool skip_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);
	if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
		return false;
	s->at += n;
	return true;
}

static size_t skip_digits(struct scan *s)
{
	const char *from = s->at;
	while (s->at < s->end && isdigit((unsigned char)*s->at))
		s->at++;
	return (size_t)(s->at - from);
}

static int skip_number(struct scan *s)
{
	if (is_at(s, '-'))
		s->at++;
	bool is_zero = is_at(s, '0');
	size_t digits = skip_digits(s);
	if (!digits || (is_zero && digits > 1))
		return wrong(s, "no value");
	if (is_at(s, '.')) {
		s->at++;
		if (!skip_digits(s))
			return wrong(s, "no digit after the point");
	}
	if (is_at(s, 'e') || is_at(s, 'E')) {
		s->at++;
		if (is_at(s, '+') || is_at(s, '-'))
			s->at++;
		if (!skip_digits(s))
			return wrong(s, "no digit in the exponent");
	}
	return 0;
}

static int skip_escape(struct scan *s)
{
	s->at++;
	if (s->at == s->end || !strchr("\"\\/bfnrtu", *s->at) || !*s->at)
		return wrong(s, "no such escape");
	if (*s->at++ != 'u')
		return 0;
	for (int i = 0; i < 4; i++, s->at++)
		if (s->at == s->end || !isxdigit((unsigned char)*s->at))
			return wrong(s, "\\u without four hexadecimal digits");
	return 0;
}

static int skip_string(struct scan *s)
{
	if (!is_at(s, '"'))
		return wrong(s, "no string");
	for (s->at++; s->at < s->end && *s->at != '"';) {
		int rc = 0;
		if ((unsigned char)*s->at < 0x20)
			return wrong(s, "a control character in a string");
		if (*s->at == '\\')
			rc = skip_escape(s);
		else
			s->at++;
		if (rc < 0)
			return rc;
	}
	if (s->at == s->end)
		return wrong(s, "the string does not end");
	s->at++;
	return 0;
}

static int scan_value(struct scan *s, struct json_value *ret);

/* A member's name with its colon. */
static int scan_name(struct scan *s, struct json_value *ret)
{
	ret->kind = JSON_STRING;
	ret->s = s->at;
	int rc = skip_string(s);
	ret->n = (size_t)(s->at - ret->s);
	skip_space(s);
	if (rc >= 0 && !is_at(s, ':'))
		rc = wrong(s, "no colon after a name");
	if (rc >= 0) {
		s->at++;
		skip_space(s);
	}
	return rc;
}

static int skip_members(struct scan *s, char close, bool named)
{
	struct json_value name, value;
	s->at++;
	skip_space(s);
	if (is_at(s, close)) {
		s->at++;
		return 0;
	}
	for (;;) {
		int rc = named ? scan_name(s, &name) : 0;
		if (rc >= 0)
			rc = scan_value(s, &value);
		if (rc < 0)
			return rc;
		skip_space(s);
		if (is_at(s, close)) {
			s->at++;
			return 0;
		}
		if (!is_at(s, ','))
			return wrong(s, named ? "no comma or } after a member"
					      : "no comma or ] after an element");
		s->at++;
		skip_space(s);
	}
}

static int skip_nested(struct scan *s, char close, bool named)
{
	if (s->depth == DEPTH_MAX)
		return err_at(s->err, ERR_LIMIT, s->at - s->start,
			"more than %d arrays and objects within each other", DEPTH_MAX);
	s->depth++;
	int rc = skip_members(s, close, named);
	s->depth--;
	return rc;
}

static int scan_value(struct scan *s, struct json_value *ret)
{
	int rc = 0;
	ret->s = s->at;
	if (is_at(s, '{')) {
		ret->kind = JSON_OBJECT;
		rc = skip_nested(s, '}', true);
	} else if (is_at(s, '[')) {
		ret->kind = JSON_ARRAY;
		rc = skip_nested(s, ']', false);
	} else if (is_at(s, '"')) {
		ret->kind = JSON_STRING;
		rc = skip_string(s);
	} else if (skip_word(s, "null")) {
		ret->kind = JSON_NULL;
	} else if (skip_word(s, "true") || skip_word(s, "false")) {
		ret->kind = JSON_BOOL;
	} else {
		ret->kind = JSON_NUMBER;
		rc = skip_number(s);
	}
	ret->n = (size_t)(s->at - ret->s);
	return rc;
}

int json_parse(const char *text, size_t n, struct json_value *ret, struct err *err)
{
	struct scan s = {.at = text, .end = text + n, .start = text, .err = err};
	skip_space(&s);
	int rc = scan_value(&s, ret);
	skip_space(&s);
	if (rc >= 0 && s.at < s.end)
		rc = wrong(&s, "more after the value");
	return rc;
}

bool json_each(const struct json_value *of, const char **at, struct json_value *ret_name,
	struct json_value *ret)
{
	struct scan s = {.at = *at ? *at : of->s, .end = of->s + of->n, .start = of->s};
	s.at++; /* the bracket, or the comma */
	skip_space(&s);
	if (s.at >= s.end || is_at(&s, of->kind == JSON_OBJECT ? '}' : ']'))
		return false;
	if (of->kind == JSON_OBJECT && scan_name(&s, ret_name) < 0)
		return false;
	if (scan_value(&s, ret) < 0)
		return false;
	skip_space(&s);
	*at = s.at;
	return true;
}

/* --- values --- */

static void put_utf8(struct buf *out, uint32_t c)
{
	if (!c || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x80) {
		buf_addch(out, (char)c);
	} else if (c < 0x800) {
		buf_addch(out, (char)(0xc0 | c >> 6));
		buf_addch(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_addch(out, (char)(0xe0 | c >> 12));
		buf_addch(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addch(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_addch(out, (char)(0xf0 | c >> 18));
		buf_addch(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_addch(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addch(out, (char)(0x80 | (c & 0x3f)));
	}
}

static uint32_t hex4(const char *s)
{
	char digits[5] = {s[0], s[1], s[2], s[3]};
	return (uint32_t)strtoul(digits, NULL, 16);
}

/* After the \u at s: the character, and how many bytes of the text are read. */
static size_t read_unicode(const char *s, const char *end, uint32_t *ret)
{
	*ret = hex4(s);
	bool is_pair =
		*ret >= 0xd800 && *ret < 0xdc00 && end - s >= 10 && s[4] == '\\' && s[5] == 'u';
	uint32_t low = is_pair ? hex4(s + 6) : 0;
	if (low < 0xdc00 || low >= 0xe000)
		return 4;
	*ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
	return 10;
}

void json_text(const struct json_value *string, struct buf *out)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *s = string->s + 1, *end = string->s + string->n - 1;
	while (s < end) {
		if (*s != '\\') {
			buf_addch(out, *s++);
			continue;
		}
		const char *letter = strchr(letters, s[1]);
		s += 2;
		if (s[-1] == 'u') {
			uint32_t c;
			s += read_unicode(s, end, &c);
			put_utf8(out, c);
		} else {
			buf_addch(out, letter ? meant[letter - letters] : s[-1]);
		}
	}
}

double json_number(const struct json_value *number)
{
	char *text = mem_strndup(number->s, number->n);
	double v = strtod(text, NULL);
	mem_free(text);
	return v;
}

bool json_truth(const struct json_value *boolean)
{
	return boolean->s[0] == 't';
}
