/*
 * Parsing filters and projections; see query.h.
 *
 * Recursive descent over tokens that are made on demand, because what a "/" means depends on where
 * it stands. Only the first error is kept, as a token that ends everything is returned after it.
 */
#include "benchfmt/benchfmt.h"

#include "benchfmt/extract.h"
#include "benchfmt/unicode.h"

#include <stdio.h>

#define DEPTH_MAX 500

/* Kinds: the character of an operator; w word, q quoted word, r regular expression, A "AND", O
 * "OR", 0 the end. */
struct token {
	char kind;
	size_t at;
	char *text; /* in the arena */
	struct regex *regex;
};

struct tokens {
	const char *query, *p;
	bool failed;
	struct err *err;
	struct arena arena;
	unsigned depth;
};

int query_error(struct err *err, const char *query, size_t at, const char *what)
{
	int column = 0;
	size_t n = strlen(query), len;
	for (size_t i = 0; i < n && i < at; i += len)
		column += unicode_is_graphic(utf8_decode(query + i, n - i, &len));
	return err_at(err, ERR_USAGE, (int64_t)at, "syntax error: %s\n\t%s\n\t%*s^", what, query,
		column, "");
}

static struct token end_token(struct tokens *t)
{
	return (struct token){.at = (size_t)(t->p - t->query), .text = arena_strdup(&t->arena, "")};
}

/* Everything after an error is the end. */
static struct token fail_at(struct tokens *t, const char *p, const char *what)
{
	if (!t->failed)
		query_error(t->err, t->query, (size_t)(p - t->query), what);
	t->failed = true;
	t->p = t->query + strlen(t->query);
	return end_token(t);
}

static bool is_operator(uint32_t c)
{
	return c == '(' || c == ')' || c == ':' || c == '@' || c == ',';
}

static bool is_start_operator(uint32_t c)
{
	return is_operator(c) || c == '-' || c == '*';
}

static struct token token(struct tokens *t, char kind, const char *text, size_t n, const char *rest)
{
	struct token made = {.kind = kind, .at = (size_t)(t->p - t->query)};
	made.text = arena_strndup(&t->arena, text, n);
	t->p = rest;
	return made;
}

static int hex_digits(const char *p, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++) {
		char c = p[i];
		int d = c >= '0' && c <= '9'		     ? c - '0'
			: (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
							     : -1;
		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

static void add_rune(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_addch(out, (char)c);
	} else if (c < 0x800) {
		buf_printf(out, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		buf_printf(
			out, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 0x3f), 0x80 | (c & 0x3f));
	} else {
		buf_printf(out, "%c%c%c%c", 0xf0 | c >> 18, 0x80 | (c >> 12 & 0x3f),
			0x80 | (c >> 6 & 0x3f), 0x80 | (c & 0x3f));
	}
}

/* One escape of a Go string after its backslash: characters used, 0 if it is none. */
static size_t unescape(const char *p, const char *end, struct buf *out)
{
	static const char names[] = "abfnrtv\\\"", values[] = "\a\b\f\n\r\t\v\\\"";
	const char *known = *p ? strchr(names, *p) : NULL;
	if (known) {
		buf_addch(out, values[known - names]);
		return 1;
	}
	int digits = *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
	if (digits && end - p > digits) {
		int v = hex_digits(p + 1, digits);
		if (v < 0 || v > 0x10ffff || (digits > 2 && v >= 0xd800 && v < 0xe000))
			return 0;
		if (digits == 2)
			buf_addch(out, (char)v);
		else
			add_rune(out, (uint32_t)v);
		return (size_t)digits + 1;
	}
	if (*p < '0' || *p > '3' || end - p < 3 || p[1] < '0' || p[1] > '7' || p[2] < '0' ||
		p[2] > '7')
		return 0;
	buf_addch(out, (char)((p[0] - '0') * 64 + (p[1] - '0') * 8 + (p[2] - '0')));
	return 3;
}

static struct token quoted(struct tokens *t)
{
	const char *end = t->p + 1;
	while (*end && (*end != '"' || end[-1] == '\\'))
		end++;
	if (!*end)
		return fail_at(t, t->p, "missing end quote");
	struct buf word = BUF_INIT;
	bool good = true;
	for (const char *p = t->p + 1; good && p < end;) {
		if (*p != '\\') {
			good = *p != '\n';
			buf_addch(&word, *p++);
			continue;
		}
		size_t n = unescape(p + 1, end, &word);
		good = n > 0;
		p += n + 1;
	}
	struct token made = good ? token(t, 'q', word.data, word.len, end + 1)
				 : fail_at(t, t->p, "bad escape sequence");
	buf_release(&word);
	return made;
}

static struct token bare(struct tokens *t)
{
	const char *end = t->p;
	size_t n = strlen(t->p), len;
	for (; *end; end += len) {
		uint32_t c = utf8_decode(end, n - (size_t)(end - t->p), &len);
		if (unicode_is_space(c) || is_operator(c))
			break;
	}
	n = (size_t)(end - t->p);
	char kind = n == 3 && !memcmp(t->p, "AND", 3)  ? 'A'
		    : n == 2 && !memcmp(t->p, "OR", 2) ? 'O'
						       : 'w';
	return token(t, kind, t->p, n, end);
}

/* The "/" that closes a regular expression is not inside brackets or parentheses. */
static const char *regex_end(const char *p)
{
	int classes = 0, groups = 0;
	for (; *p; p++) {
		if (*p == '/' && !classes && !groups)
			return p;
		if (*p == '[')
			classes++;
		else if (*p == ']')
			classes -= classes > 0;
		else if (*p == '(' && !classes)
			groups++;
		else if (*p == ')' && !classes)
			groups--;
		else if (*p == '\\' && p[1])
			p++;
	}
	return NULL;
}

static struct token regex(struct tokens *t)
{
	const char *end = regex_end(t->p + 1);
	if (!end)
		return fail_at(t, t->p, "missing close \"/\"");
	char *text = arena_strndup(&t->arena, t->p + 1, (size_t)(end - t->p - 1));
	struct err why = ERR_INIT;
	struct regex *re;
	if (regex_compile(&re, text, &why) < 0)
		return fail_at(t, t->p, why.msg);
	const char *rest = end + 1;
	if (*rest && !unicode_is_space((unsigned char)*rest) &&
		!is_start_operator((unsigned char)*rest)) {
		regex_free(re);
		return fail_at(t, rest,
			"regexp must be followed by space or an operator (unescaped \"/\"?)");
	}
	struct token made = token(t, 'r', text, strlen(text), rest);
	made.regex = re;
	return made;
}

static struct token next(struct tokens *t, bool allow_regex)
{
	while (*t->p) {
		size_t n;
		if (is_start_operator((unsigned char)*t->p))
			return token(t, *t->p, t->p, 1, t->p + 1);
		if (unicode_is_space(utf8_decode(t->p, strlen(t->p), &n)))
			t->p += n;
		else if (allow_regex && *t->p == '/')
			return regex(t);
		else
			return *t->p == '"' ? quoted(t) : bare(t);
	}
	return end_token(t);
}

void query_quote(const char *s, struct buf *out)
{
	size_t n = strlen(s), len;
	buf_addch(out, '"');
	for (size_t i = 0; i < n; i += len) {
		uint32_t c = utf8_decode(s + i, n - i, &len);
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (int)c);
		else if (c >= '\a' && c <= '\r')
			buf_printf(out, "\\%c", "abtnvfr"[c - '\a']);
		else if (c == 0xfffd && len == 1)
			buf_printf(out, "\\x%02x", (unsigned char)s[i]);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_add(out, s + i, len);
	}
	buf_addch(out, '"');
}

static void fail(struct tokens *t, const struct token *at, const char *what)
{
	fail_at(t, t->query + at->at, what);
}

static void fail_unexpected(struct tokens *t, const struct token *tok)
{
	struct buf what = BUF_INIT;
	buf_addstr(&what, "unexpected ");
	query_quote(tok->text, &what);
	fail(t, tok, what.data);
	buf_release(&what);
}

static void expect_end(struct tokens *t)
{
	if (t->failed)
		return;
	struct token tok = next(t, false);
	if (tok.kind)
		fail_unexpected(t, &tok);
}

/* --- filters --- */

static struct filter *filter_new(enum filter_kind kind)
{
	struct filter *f = mem_zalloc(sizeof(*f));
	f->kind = kind;
	return f;
}

static void add_operand(struct filter *f, struct filter *operand)
{
	if (operand)
		vec_push(f->operands, f->operand_n, f->operand_cap, operand);
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->operand_n; i++)
		filter_free(f->operands[i]);
	mem_free(f->operands);
	mem_free(f->key);
	mem_free(f->text);
	regex_free(f->regex);
	extractor_free(f->extractor);
	mem_free(f);
}

static struct filter *parse_or(struct tokens *t);

static struct filter *make_match(
	struct tokens *t, const struct token *key, const struct token *value)
{
	struct filter *f = filter_new(value->kind == 'r' ? FILTER_REGEX : FILTER_TEXT);
	f->key = mem_strdup(key->text);
	f->text = mem_strdup(value->text);
	f->regex = value->regex;
	if (strcmp(f->key, ".unit") == 0)
		return f;
	if (strcmp(f->key, ".config") == 0)
		query_error(t->failed ? NULL : t->err, t->query, key->at,
			".config is only allowed in projections");
	else if (!*f->key)
		query_error(t->failed ? NULL : t->err, t->query, key->at, "key must not be empty");
	else
		f->extractor = extractor_new(f->key);
	t->failed |= !f->extractor;
	return f;
}

/* (a OR b OR ...) after "key:". */
static struct filter *parse_values(struct tokens *t, const struct token *key)
{
	struct filter * or = filter_new(FILTER_OR);
	for (;;) {
		struct token value = next(t, true);
		if (!strchr("wqr", value.kind) || !value.kind) {
			fail(t, &value, "expected value");
			return or ;
		}
		add_operand(or, make_match(t, key, &value));
		struct token separator = next(t, true);
		if (separator.kind == ')')
			return or ;
		if (separator.kind != 'O') {
			regex_free(separator.regex);
			fail(t, &separator, "value list must be separated by OR");
			return or ;
		}
	}
}

static struct filter *parse_key(struct tokens *t, const struct token *key)
{
	if (next(t, false).kind != ':') {
		fail(t, key, "expected key:value");
		return NULL;
	}
	struct token value = next(t, true);
	if (value.kind == '(')
		return parse_values(t, key);
	if (value.kind && strchr("wqr", value.kind))
		return make_match(t, key, &value);
	fail(t, key, "expected key:value");
	return NULL;
}

static struct filter *parse_match(struct tokens *t)
{
	struct token tok = next(t, false);
	struct filter *f = NULL;
	if (++t->depth > DEPTH_MAX) {
		fail(t, &tok, "expression nests too deeply");
	} else if (tok.kind == '(') {
		f = parse_or(t);
		struct token close = next(t, false);
		if (close.kind != ')')
			fail(t, &close, "missing \")\"");
	} else if (tok.kind == '-') {
		f = filter_new(FILTER_NOT);
		add_operand(f, parse_match(t));
	} else if (tok.kind == '*') {
		f = filter_new(FILTER_AND);
	} else if (tok.kind == 'w' || tok.kind == 'q') {
		f = parse_key(t, &tok);
	} else {
		fail(t, &tok, "expected key:value or subexpression");
	}
	t->depth--;
	return f;
}

/* A single operand stands for itself. */
static struct filter *collapse(struct filter *f)
{
	if (f->operand_n != 1)
		return f;
	struct filter *only = f->operands[0];
	f->operand_n = 0;
	filter_free(f);
	return only;
}

static struct filter *parse_and(struct tokens *t)
{
	struct filter *and = filter_new(FILTER_AND);
	add_operand(and, parse_match(t));
	while (!t->failed) {
		const char *at = t->p;
		struct token tok = next(t, false);
		if (tok.kind == 'A')
			continue;
		t->p = t->failed ? t->p : at;
		if (tok.kind == ')' || tok.kind == 'O' || tok.kind == 0)
			break;
		if (strchr("(-*wq", tok.kind))
			add_operand(and, parse_match(t));
		else
			fail_unexpected(t, &tok);
	}
	return collapse(and);
}

static struct filter *parse_or(struct tokens *t)
{
	struct filter * or = filter_new(FILTER_OR);
	for (;;) {
		add_operand(or, parse_and(t));
		const char *at = t->p;
		if (t->failed)
			break;
		if (next(t, false).kind != 'O') {
			t->p = t->failed ? t->p : at;
			break;
		}
	}
	return collapse(or);
}

int filter_parse(const char *query, struct filter **ret, struct err *err)
{
	struct tokens t = {.query = query, .p = query, .err = err};
	arena_init(&t.arena);
	struct filter *f = parse_or(&t);
	expect_end(&t);
	arena_release(&t.arena);
	if (t.failed) {
		filter_free(f);
		return ERR_USAGE;
	}
	*ret = f;
	return 0;
}

/* --- projections --- */

static void parse_fixed(struct tokens *t, struct query_field *f)
{
	for (;;) {
		struct token tok = next(t, false);
		if (tok.kind == 'w' || tok.kind == 'q') {
			vec_push(f->fixed, f->fixed_n, f->fixed_cap, mem_strdup(tok.text));
			continue;
		}
		if (tok.kind != ')')
			fail(t, &tok, "missing )");
		else if (!f->fixed_n)
			fail(t, &tok, "nothing to match");
		return;
	}
}

static void parse_order(struct tokens *t, struct query_field *f)
{
	struct token tok = next(t, false);
	f->order_at = tok.at;
	mem_free(f->order);
	f->order = mem_strdup(tok.kind == '(' ? "fixed" : tok.text);
	if (tok.kind == '(')
		parse_fixed(t, f);
	else if (tok.kind != 'w' && tok.kind != 'q')
		fail(t, &tok, "expected named sort order or parenthesized list");
}

static void parse_field(struct tokens *t, struct query_field *f)
{
	struct token key = next(t, false);
	f->key = mem_strdup(key.text);
	f->key_at = key.at;
	f->order = mem_strdup("first");
	f->order_at = key.at + strlen(key.text);
	if (key.kind != 'w' && key.kind != 'q') {
		fail(t, &key, "expected key");
		return;
	}
	const char *at = t->p;
	if (next(t, false).kind == '@')
		parse_order(t, f);
	else
		t->p = t->failed ? t->p : at;
}

int query_fields_parse(const char *query, struct query_fields *ret, struct err *err)
{
	struct tokens t = {.query = query, .p = query, .err = err};
	arena_init(&t.arena);
	*ret = (struct query_fields){0};
	while (!t.failed) {
		const char *at = t.p;
		struct token tok = next(&t, false);
		if (tok.kind == 0)
			break;
		if (tok.kind != ',' || ret->n == 0)
			t.p = at;
		struct query_field f = {0};
		parse_field(&t, &f);
		vec_push(ret->fields, ret->n, ret->cap, f);
	}
	arena_release(&t.arena);
	if (!t.failed)
		return 0;
	query_fields_release(ret);
	return ERR_USAGE;
}

void query_fields_release(struct query_fields *fields)
{
	for (uint32_t i = 0; i < fields->n; i++) {
		struct query_field *f = &fields->fields[i];
		for (uint32_t j = 0; j < f->fixed_n; j++)
			mem_free(f->fixed[j]);
		mem_free(f->fixed);
		mem_free(f->key);
		mem_free(f->order);
	}
	mem_free(fields->fields);
	*fields = (struct query_fields){0};
}
