/*
 * Which benchmarks run, and what they are called: testing/match.go.
 *
 * A pattern is alternatives separated by '|', each a list of regular expressions separated by '/',
 * one a level of the name; neither separator counts inside brackets or parentheses. A name that is
 * shorter than the list matches partly: its sub-benchmarks may match. Names get '_' for spaces and
 * "#01" when they repeat.
 */
#include "bench/internal.h"

#include <stdio.h>
#include <stdlib.h>

struct alternative {
	struct regex **elements;
	size_t n, cap;
};

struct filter {
	struct alternative *alts;
	size_t n, cap;
};

/* How often a name was given out. */
struct seen {
	char *name;
	int count;
};

struct matcher {
	struct filter pattern, skip;
	struct seen *seen;
	size_t n_seen, cap_seen;
};

/* ---- making names printable ---- */

static bool is_space(uint32_t c)
{
	return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

/* The rune at s and its length; an invalid byte is U+FFFD of length 1, as in Go's range. */
static uint32_t decode(const char *s, size_t *ret_len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = (unsigned char)s[0];
	size_t n = c < 0x80 ? 1 : c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 0;
	*ret_len = 1;
	if (n == 1)
		return c;
	if (n == 0 || c >= 0xf8)
		return 0xfffd;
	uint32_t rune = c & (0xff >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0xfffd;
		rune = rune << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (rune < least[n] || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
		return 0xfffd;
	*ret_len = n;
	return rune;
}

/* Control and format characters; the rest of Unicode's unprintables are not told apart. */
static bool is_printable(uint32_t c)
{
	bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad;
	bool format = (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
		      (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
	return !control && !format;
}

static void escape(uint32_t c, struct buf *out)
{
	if (c == 7 || c == 8)
		buf_addstr(out, c == 7 ? "\\a" : "\\b");
	else if (c < 0x80)
		buf_printf(out, "\\x%02x", c);
	else
		buf_printf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

static void rewrite(const char *s, struct buf *out)
{
	while (*s) {
		size_t n;
		uint32_t c = decode(s, &n);
		if (is_space(c))
			buf_addch(out, '_');
		else if (!is_printable(c))
			escape(c, out);
		else if (c == 0xfffd)
			buf_addstr(out, "\xef\xbf\xbd");
		else
			buf_add(out, s, n);
		s += n;
	}
}

/* ---- patterns ---- */

static int add_element(struct alternative *a, const char *s, size_t n, const char *flag, size_t alt,
	struct err *err)
{
	char *text = mem_strndup(s, n);
	struct buf clean = BUF_INIT;
	rewrite(text, &clean);
	mem_free(text);
	struct regex *re;
	struct err why = ERR_INIT;
	int rc = regex_compile(&re, clean.data, &why);
	if (rc < 0 && alt == SIZE_MAX)
		rc = err_set(err, ERR_USAGE, "element %zu of %s (\"%s\"): %s", a->n, flag,
			clean.data, why.msg);
	else if (rc < 0)
		rc = err_set(err, ERR_USAGE, "alternation %zu of element %zu of %s (\"%s\"): %s",
			alt, a->n, flag, clean.data, why.msg);
	else
		vec_push(a->elements, a->n, a->cap, re);
	buf_release(&clean);
	return rc < 0 ? rc : 0;
}

/* The end of the element at s: its '/', '|' or NUL that is not inside brackets. */
static size_t element_len(const char *s)
{
	int square = 0, round = 0;
	size_t i = 0;
	for (; s[i]; i++) {
		if (s[i] == '\\' && s[i + 1])
			i++;
		else if (s[i] == '[')
			square++;
		else if (s[i] == ']')
			square -= square > 0;
		else if (s[i] == '(' && !square)
			round++;
		else if (s[i] == ')' && !square)
			round--;
		else if ((s[i] == '/' || s[i] == '|') && !square && !round)
			break;
	}
	return i;
}

static bool has_alternatives(const char *s)
{
	while (*s) {
		s += element_len(s);
		if (*s++ == '|')
			return true;
		if (s[-1] == '\0')
			return false;
	}
	return false;
}

static int filter_init(struct filter *f, const char *pattern, const char *flag, struct err *err)
{
	bool many = has_alternatives(pattern);
	vec_push(f->alts, f->n, f->cap, (struct alternative){0});
	for (const char *s = pattern;; s++) {
		size_t n = element_len(s);
		int rc = add_element(
			&f->alts[f->n - 1], s, n, flag, many ? f->n - 1 : SIZE_MAX, err);
		if (rc < 0)
			return rc;
		s += n;
		if (*s == '\0')
			return 0;
		if (*s == '|')
			vec_push(f->alts, f->n, f->cap, (struct alternative){0});
	}
}

static void filter_release(struct filter *f)
{
	for (size_t i = 0; i < f->n; i++) {
		for (size_t j = 0; j < f->alts[i].n; j++)
			regex_free(f->alts[i].elements[j]);
		mem_free(f->alts[i].elements);
	}
	mem_free(f->alts);
}

static bool alternative_match(const struct alternative *a, const char *name, bool *ret_partial)
{
	size_t level = 0;
	for (const char *s = name;; s++, level++) {
		size_t n = strcspn(s, "/");
		if (level < a->n && regex_match(a->elements[level], s, n) != 1)
			return false;
		s += n;
		if (!*s)
			break;
	}
	*ret_partial = level + 1 < a->n;
	return true;
}

static bool filter_match(const struct filter *f, const char *name, bool *ret_partial)
{
	for (size_t i = 0; i < f->n; i++)
		if (alternative_match(&f->alts[i], name, ret_partial))
			return true;
	return false;
}

int matcher_new(struct matcher **ret, const char *pattern, const char *skip, struct err *err)
{
	struct matcher *m = mem_zalloc(sizeof(*m));
	int rc = *pattern ? filter_init(&m->pattern, pattern, "-test.bench", err) : 0;
	if (rc == 0 && *skip)
		rc = filter_init(&m->skip, skip, "-test.skip", err);
	if (rc < 0) {
		matcher_free(m);
		return rc;
	}
	*ret = m;
	return 0;
}

void matcher_free(struct matcher *m)
{
	if (!m)
		return;
	filter_release(&m->pattern);
	filter_release(&m->skip);
	for (size_t i = 0; i < m->n_seen; i++)
		mem_free(m->seen[i].name);
	mem_free(m->seen);
	mem_free(m);
}

/* ---- unique names ---- */

static int *count_of(struct matcher *m, const char *name)
{
	for (size_t i = 0; i < m->n_seen; i++)
		if (strcmp(m->seen[i].name, name) == 0)
			return &m->seen[i].count;
	vec_push(m->seen, m->n_seen, m->cap_seen, ((struct seen){mem_strdup(name), 0}));
	return &m->seen[m->n_seen - 1].count;
}

/* "prefix#NN", as "#%02d" writes it: the number and the prefix's length, else 0 and the whole. */
static int parse_number(const char *s, size_t *ret_prefix)
{
	const char *hash = strrchr(s, '#');
	*ret_prefix = strlen(s);
	if (!hash)
		return 0;
	const char *digits = hash + 1;
	size_t n = strlen(digits);
	bool written = n >= 2 && n <= 9 && strspn(digits, "0123456789") == n &&
		       !(n > 2 && digits[0] == '0');
	bool zero_of_nothing = strcmp(digits, "00") != 0 || (hash > s && hash[-1] == '/');
	if (!written || !zero_of_nothing)
		return 0;
	*ret_prefix = (size_t)(hash - s);
	return atoi(digits);
}

/* Whether `base`, seen for the first time, is the name already made for a repetition. */
static bool is_taken(struct matcher *m, const char *base)
{
	size_t prefix;
	int number = parse_number(base, &prefix);
	if (prefix == strlen(base))
		return false;
	char *head = mem_strndup(base, prefix);
	bool taken = number < *count_of(m, head);
	mem_free(head);
	return taken;
}

static void unique(struct matcher *m, const char *base, bool is_empty, struct buf *out)
{
	for (;;) {
		int n = (*count_of(m, base))++;
		if (n == 0 && !is_empty) {
			if (is_taken(m, base))
				continue;
			buf_addstr(out, base);
			return;
		}
		size_t from = out->len;
		buf_printf(out, "%s#%02d", base, n);
		if (*count_of(m, out->data + from) == 0)
			return;
		out->len = from;
		out->data[from] = '\0';
	}
}

bool matcher_full_name(
	struct matcher *m, const char *parent, const char *name, struct buf *out, bool *ret_partial)
{
	*ret_partial = false;
	if (parent) {
		struct buf base = BUF_INIT;
		buf_printf(&base, "%s/", parent);
		rewrite(name, &base);
		unique(m, base.data, !*name, out);
		buf_release(&base);
	} else {
		buf_addstr(out, name);
	}
	bool skip_partial = false;
	if (m->pattern.n && !filter_match(&m->pattern, out->data, ret_partial))
		return false;
	return !(m->skip.n && filter_match(&m->skip, out->data, &skip_partial) && !skip_partial);
}
