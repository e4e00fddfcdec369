/*
 * Lines, spans and numbers of text profiles.
 */
#include "pprof/text.h"

bool lines_next(struct lines *l)
{
	if (l->p == l->end) {
		l->line = (struct text){l->end, 0};
		return false;
	}
	const char *nl = memchr(l->p, '\n', (size_t)(l->end - l->p));
	const char *to = nl ? nl : l->end;
	l->line = (struct text){l->p, (size_t)(to - l->p)};
	if (l->line.n && l->line.s[l->line.n - 1] == '\r')
		l->line.n--;
	l->p = nl ? nl + 1 : l->end;
	l->number++;
	return true;
}

struct text text_trim(struct text t)
{
	while (t.n && text_is_space(*t.s)) {
		t.s++;
		t.n--;
	}
	while (t.n && text_is_space(t.s[t.n - 1]))
		t.n--;
	return t;
}

struct text text_cut(struct text *t, char c)
{
	const char *at = t->n ? memchr(t->s, c, t->n) : NULL;
	struct text head = {t->s, at ? (size_t)(at - t->s) : t->n};
	size_t taken = head.n + (at != NULL);
	t->s += taken;
	t->n -= taken;
	return head;
}

bool text_is(struct text t, const char *s)
{
	return t.n == strlen(s) && memcmp(t.s, s, t.n) == 0;
}

bool text_has_prefix(struct text t, const char *prefix)
{
	size_t n = strlen(prefix);
	return t.n >= n && memcmp(t.s, prefix, n) == 0;
}

bool text_contains(struct text t, const char *s)
{
	return t.n && memmem(t.s, t.n, s, strlen(s)) != NULL;
}

bool text_word(struct text *t, struct text *ret)
{
	while (t->n && text_is_space(*t->s)) {
		t->s++;
		t->n--;
	}
	*ret = (struct text){t->s, 0};
	while (t->n && !text_is_space(*t->s)) {
		t->s++;
		t->n--;
		ret->n++;
	}
	return ret->n != 0;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 36;
}

static struct text take_base(struct text t, int *base)
{
	*base = 10;
	if (t.n < 2 || t.s[0] != '0')
		return t;
	char c = (char)(t.s[1] | 0x20);
	*base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
	size_t skip = c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
	return (struct text){t.s + skip, t.n - skip};
}

bool text_u64(struct text t, int base, uint64_t *ret, const char **ret_why)
{
	uint64_t v = 0;
	bool overflow = false;
	if (base == 0)
		t = take_base(t, &base);
	*ret_why = "invalid syntax";
	if (!t.n)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		int digit = digit_of(t.s[i]);
		if (digit >= base)
			return false;
		overflow |= __builtin_mul_overflow(v, (uint64_t)base, &v) ||
			    __builtin_add_overflow(v, (uint64_t)digit, &v);
	}
	*ret_why = "value out of range";
	*ret = v;
	return !overflow;
}

bool text_i64(struct text t, int base, int64_t *ret, const char **ret_why)
{
	bool negative = t.n && *t.s == '-';
	uint64_t v;
	if (t.n && (*t.s == '-' || *t.s == '+')) {
		t.s++;
		t.n--;
	}
	if (!text_u64(t, base, &v, ret_why))
		return false;
	*ret = (int64_t)(negative ? 0 - v : v);
	return v <= (uint64_t)INT64_MAX + negative;
}
