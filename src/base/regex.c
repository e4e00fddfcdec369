/*
 * Regular expressions: a check of the syntax in Go's terms, then PCRE2.
 *
 * The check walks the pattern once, keeping the nesting of groups and whether there is something to
 * repeat. (Rejected: PCRE2's own messages, which nobody who knows Go's would recognise, and an RE2
 * binding, which would bring C++ into the build.)
 */
#include "base/base.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps of one match: what nearly every one needs, what it may need, and what all that need more
 * than the former may need together, so that a pattern tried on 20,000 names does not run away
 * either. */
#define STEPS_USUAL 20000
#define STEPS_MAX   10000000
#define STEPS_TOTAL 100000000
#define REPEAT_MAX  1000
#define DEPTH_MAX   1000

struct regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *context;
	char *pattern;
	uint32_t steps_left; /* of STEPS_TOTAL */
};

struct syntax {
	const char *all, *p;
	unsigned depth;
	bool operand;	    /* there is something that a repetition could apply to */
	const char *repeat; /* start of the repetition just read, if any */
	struct err *err;
};

static int bad(struct syntax *s, const char *what, const char *from, size_t n)
{
	return err_at(s->err, ERR_USAGE, from - s->all, "error parsing regexp: %s: `%.*s`", what,
		(int)n, from);
}

static int bad_whole(struct syntax *s, const char *what)
{
	return bad(s, what, s->all, strlen(s->all));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* {n}, {n,} or {n,m} at p: its length, 0 if it is just a brace. */
static size_t counted(const char *p, int *ret_min, int *ret_max)
{
	const char *q = p + 1;
	if (!is_digit(*q))
		return 0;
	long lo = 0, hi;
	for (; is_digit(*q); q++)
		lo = lo < 100000 ? lo * 10 + (*q - '0') : lo;
	hi = lo;
	if (*q == ',') {
		q++;
		hi = -1;
		if (is_digit(*q))
			for (hi = 0; is_digit(*q); q++)
				hi = hi < 100000 ? hi * 10 + (*q - '0') : hi;
	}
	if (*q != '}')
		return 0;
	*ret_min = (int)lo;
	*ret_max = (int)hi;
	return (size_t)(q + 1 - p);
}

static int repetition(struct syntax *s, size_t n)
{
	const char *from = s->p;
	if (s->repeat) /* a** is refused, as in RE2; a*? was eaten with the star */
		return bad(s, "invalid nested repetition operator", s->repeat,
			(size_t)(from + n - s->repeat));
	if (!s->operand)
		return bad(s, "missing argument to repetition operator", from, n);
	s->repeat = from;
	s->p += n;
	if (*s->p == '?')
		s->p++;
	return 0;
}

static int braces(struct syntax *s)
{
	int lo, hi;
	size_t n = counted(s->p, &lo, &hi);
	if (!n) {
		s->p++;
		s->operand = true;
		s->repeat = NULL;
		return 0;
	}
	if (lo > REPEAT_MAX || hi > REPEAT_MAX || (hi >= 0 && hi < lo))
		return bad(s, "invalid repeat count", s->p, n);
	return repetition(s, n);
}

static int group_name(struct syntax *s, const char *open, const char *name)
{
	const char *q = name;
	while (is_word(*q))
		q++;
	if (*q != '>' || q == name) {
		size_t n = strcspn(open, ">");
		return bad(s, "invalid named capture", open, open[n] ? n + 1 : n);
	}
	s->p = q + 1;
	return 0;
}

/* (?flags) or (?flags:  — other things after (? are Perl's, not RE2's. */
static int group_flags(struct syntax *s, const char *open)
{
	const char *q = open + 2;
	bool minus = false, any = false;
	for (; *q && *q != ':' && *q != ')'; q++) {
		if (strchr("imsU", *q)) {
			any = true;
		} else if (*q == '-' && !minus) {
			minus = true;
			any = false;
		} else {
			return bad(s, "invalid or unsupported Perl syntax", open,
				(size_t)(q + 1 - open));
		}
	}
	if (!*q)
		return bad(s, "invalid or unsupported Perl syntax", open, strlen(open));
	if (minus && !any)
		return bad(s, "invalid or unsupported Perl syntax", open, (size_t)(q + 1 - open));
	s->depth += *q == ':';
	s->p = q + 1;
	return 0;
}

static int group(struct syntax *s)
{
	const char *open = s->p;
	s->operand = false;
	s->repeat = NULL;
	if (s->depth >= DEPTH_MAX)
		return bad_whole(s, "expression nests too deeply");
	if (open[1] != '?') {
		s->p++;
		s->depth++;
		return 0;
	}
	bool perl_name = open[2] == 'P' && open[3] == '<' && open[4];
	if (perl_name || open[2] == '<') {
		s->depth++;
		return group_name(s, open, open + (perl_name ? 4 : 3));
	}
	return group_flags(s, open);
}

static int escape(struct syntax *s)
{
	const char *from = s->p;
	char c = from[1];
	if (c == '\0')
		return bad(s, "trailing backslash at end of expression", "", 0);
	if (c == 'Q') {
		const char *end = strstr(from, "\\E");
		s->p = end ? end + 2 : from + strlen(from);
	} else if (strchr("pP", c) && from[2] == '{') {
		const char *end = strchr(from, '}');
		if (!end)
			return bad(s, "invalid character class range", from, strlen(from));
		s->p = end + 1;
	} else if (c == 'x' && from[2] == '{') {
		const char *end = strchr(from, '}');
		if (!end)
			return bad(s, "invalid escape sequence", from, strlen(from));
		s->p = end + 1;
	} else if ((is_digit(c) && c != '0') ||
		   (is_word(c) && !strchr("0AbBCzdDsSwWpPxafnrtv_", c))) {
		return bad(s, "invalid escape sequence", from, 2);
	} else {
		s->p += strchr("pP", c) && from[2] ? 3 : 2;
	}
	s->operand = true;
	s->repeat = NULL;
	return 0;
}

static int class(struct syntax *s)
{
	const char *from = s->p, *q = from + 1;
	if (*q == '^')
		q++;
	bool first = true;
	for (; *q && (first || *q != ']'); first = false) {
		const char *named = q[0] == '[' && q[1] == ':' ? strstr(q + 2, ":]") : NULL;
		if (named)
			q = named + 2;
		else if (*q == '\\' && q[1])
			q += 2;
		else
			q++;
	}
	if (!*q)
		return bad(s, "missing closing ]", from, strlen(from));
	s->p = q + 1;
	s->operand = true;
	s->repeat = NULL;
	return 0;
}

static int close_group(struct syntax *s)
{
	if (s->depth == 0)
		return bad_whole(s, "unexpected )");
	s->depth--;
	s->p++;
	s->operand = true;
	s->repeat = NULL;
	return 0;
}

static int step(struct syntax *s)
{
	switch (*s->p) {
	case '(':
		return group(s);
	case ')':
		return close_group(s);
	case '[':
		return class(s);
	case '\\':
		return escape(s);
	case '*':
	case '+':
	case '?':
		return repetition(s, 1);
	case '{':
		return braces(s);
	}
	s->operand = *s->p != '|';
	s->repeat = NULL;
	s->p++;
	return 0;
}

static int check(const char *pattern, struct err *err)
{
	struct syntax s = {.all = pattern, .p = pattern, .err = err};
	while (*s.p) {
		int rc = step(&s);
		if (rc < 0)
			return rc;
	}
	return s.depth ? bad_whole(&s, "missing closing )") : 0;
}

/* What only PCRE2's compiler finds, in Go's words: classes out of order and unknown properties. */
static int refused(const char *pattern, int code, size_t at, struct err *err)
{
	char why[256];
	size_t from = at, n = strlen(pattern + at);
	if (code == PCRE2_ERROR_CLASS_RANGE_ORDER && at >= 2) {
		from = at - 2;
		n = 3;
	} else if (code == PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY ||
		   code == PCRE2_ERROR_MALFORMED_UNICODE_PROPERTY) {
		while (from > 0 && pattern[from] != '\\')
			from--;
		n = at - from;
	} else {
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
		return err_at(err, ERR_USAGE, (int64_t)at, "error parsing regexp: %s: `%s`", why,
			pattern + at);
	}
	return err_at(err, ERR_USAGE, (int64_t)from,
		"error parsing regexp: invalid character class range: `%.*s`", (int)n,
		pattern + from);
}

static int compile(struct regex **ret, const char *pattern, uint32_t utf, struct err *err)
{
	int rc = check(pattern, err);
	if (rc < 0)
		return rc;
	int code;
	PCRE2_SIZE at;
	uint32_t flags = utf | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
	pcre2_code *compiled =
		pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, flags, &code, &at, NULL);
	if (!compiled)
		return refused(pattern, code, at, err);
	pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE); /* without it matching is only slower */
	struct regex *re = mem_zalloc(sizeof(*re));
	re->code = compiled;
	re->match = pcre2_match_data_create_from_pattern(compiled, NULL);
	re->context = pcre2_match_context_create(NULL);
	re->steps_left = STEPS_TOTAL;
	re->pattern = mem_strdup(pattern);
	*ret = re;
	return 0;
}

int regex_compile(struct regex **ret, const char *pattern, struct err *err)
{
	return compile(ret, pattern, PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, err);
}

int regex_compile_bytes(struct regex **ret, const char *pattern, struct err *err)
{
	return compile(ret, pattern, 0, err);
}

static int match_in(struct regex *re, const char *s, size_t n, size_t from, uint32_t steps)
{
	pcre2_set_match_limit(re->context, steps);
	return pcre2_match(re->code, (PCRE2_SPTR)s, n, from, 0, re->match, re->context);
}

static int match(struct regex *re, const char *s, size_t n, size_t from)
{
	int rc = match_in(re, s, n, from, STEPS_USUAL);
	if (rc != PCRE2_ERROR_MATCHLIMIT || re->steps_left < STEPS_MAX)
		return rc;
	re->steps_left -= STEPS_MAX;
	return match_in(re, s, n, from, STEPS_MAX);
}

int regex_find(
	struct regex *re, const char *s, size_t n, size_t from, size_t *ret_start, size_t *ret_end)
{
	int rc = match(re, s, n, from);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0)
		return ERR_LIMIT;
	PCRE2_SIZE *span = pcre2_get_ovector_pointer(re->match);
	*ret_start = span[0];
	*ret_end = span[1];
	return 1;
}

int regex_groups(
	struct regex *re, const char *s, size_t n, struct regex_group *ret_groups, size_t group_n)
{
	int rc = match(re, s, n, 0);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0)
		return ERR_LIMIT;
	PCRE2_SIZE *spans = pcre2_get_ovector_pointer(re->match);
	for (size_t i = 0; i < group_n; i++) {
		bool set = i < (size_t)rc && spans[2 * i] != PCRE2_UNSET;
		ret_groups[i].s = set ? s + spans[2 * i] : NULL;
		ret_groups[i].n = set ? spans[2 * i + 1] - spans[2 * i] : 0;
	}
	return 1;
}

int regex_match(struct regex *re, const char *s, size_t n)
{
	size_t start, end;
	return regex_find(re, s, n, 0, &start, &end);
}

const char *regex_pattern(const struct regex *re)
{
	return re->pattern;
}

void regex_free(struct regex *re)
{
	if (!re)
		return;
	pcre2_match_context_free(re->context);
	pcre2_match_data_free(re->match);
	pcre2_code_free(re->code);
	mem_free(re->pattern);
	mem_free(re);
}

void regex_quote(struct buf *buf, const char *s)
{
	for (; *s; s++) {
		if (strchr("\\.+*?()|[]{}^$", *s))
			buf_addch(buf, '\\');
		buf_addch(buf, *s);
	}
}
