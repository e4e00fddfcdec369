/*
 * tagfocus and tagignore: a range of a numeric label ("1kb:10kb", "bytes=:64kb") or a list of
 * regular expressions over the string labels ("key=a,b").
 *
 * A sample's label is looked at by id, so what an expression says of a string is asked once and
 * remembered.
 */
#include "report/prepare.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

struct tag_range {
	char *unit; /* as measurement names it */
	bool has_min, has_max;
	double min, max;
};

struct tag_filter {
	const struct report *report; /* for the units of its labels */
	char *key;		     /* NULL: any */
	bool is_range;
	struct tag_range range;
	struct regex **regexes;
	uint32_t regex_n;
	struct map answers; /* regex, pair -> 1 + matches */
	struct map pairs;   /* key, string -> a number */
};

/* One "123kb" of an expression. */
struct quantity {
	const char *text;
	size_t n, digits; /* length; length of the number with its sign */
};

/* The next quantity at or after s. */
static bool find_quantity(const char *s, struct quantity *ret)
{
	for (; *s; s++) {
		size_t n = *s == '+' || *s == '-';
		if (!isdigit((unsigned char)s[n]))
			continue;
		while (isdigit((unsigned char)s[n]))
			n++;
		*ret = (struct quantity){.text = s, .digits = n};
		while (isalpha((unsigned char)s[n]))
			n++;
		ret->n = n;
		return true;
	}
	return false;
}

static int quantity_value(
	const struct quantity *q, const char *to, double *ret, char **ret_unit, struct err *err)
{
	char *number = mem_strndup(q->text, q->digits);
	char *from = mem_strndup(q->text + q->digits, q->n - q->digits);
	const char *unit;
	errno = 0;
	int64_t v = strtoll(number, NULL, 10);
	int rc = 0;
	if (errno == ERANGE)
		rc = err_set(err, ERR_USAGE, "failed to parse int %s: value out of range", number);
	*ret = unit_scale(v, from, to ? to : from, &unit);
	*ret_unit = mem_strdup(unit);
	mem_free(number);
	mem_free(from);
	return rc;
}

/* "A", "A:", ":A" or "A:B". 1 if the text is such a range, 0 if not. */
static int parse_range(const char *text, struct tag_range *ret, struct err *err)
{
	struct quantity a, b;
	memset(ret, 0, sizeof(*ret));
	if (!find_quantity(text, &a))
		return 0;
	bool two = find_quantity(a.text + a.n, &b);
	const char *end = text + strlen(text), *after = a.text + a.n;
	if (two && !(a.text == text && *after == ':' && b.text == after + 1 && b.text + b.n == end))
		return 0;
	bool open_left = a.text == text + 1 && *text == ':' && after == end;
	bool open_right = a.text == text && *after == ':' && after + 1 == end;
	bool exact = a.text == text && after == end;
	if (!two && !open_left && !open_right && !exact)
		return 0;
	int rc = quantity_value(&a, NULL, &ret->min, &ret->unit, err);
	ret->has_min = !open_left;
	ret->has_max = !open_right;
	ret->max = ret->min;
	if (rc >= 0 && two) {
		char *unit;
		rc = quantity_value(&b, ret->unit, &ret->max, &unit, err);
		bool same = strcmp(unit, ret->unit) == 0;
		mem_free(unit);
		if (rc >= 0 && !same) {
			mem_free(ret->unit);
			ret->unit = NULL;
			return 0;
		}
	}
	return rc < 0 ? rc : 1;
}

static bool in_range(const struct tag_range *range, int64_t v, const char *unit)
{
	const char *scaled_unit;
	double scaled = unit_scale(v, unit, range->unit, &scaled_unit);
	return strcmp(scaled_unit, range->unit) == 0 && (!range->has_min || scaled >= range->min) &&
	       (!range->has_max || scaled <= range->max);
}

static int compile_list(struct tag_filter *f, const char *name, const char *list, struct err *err)
{
	uint32_t cap = 0;
	for (const char *s = list;;) {
		size_t n = strcspn(s, ",");
		char *pattern = mem_strndup(s, n);
		struct regex *re;
		int rc = regex_compile(&re, pattern, err);
		mem_free(pattern);
		if (rc < 0) {
			err_prefix(err, "parsing %s regexp", name);
			return rc;
		}
		vec_push(f->regexes, f->regex_n, cap, re);
		if (!s[n])
			return 0;
		s += n + 1;
	}
}

int tag_filter_compile(struct tag_filter **ret, const char *name, const char *value,
	const struct report *r, struct notes *notes, struct err *err)
{
	*ret = NULL;
	if (!*value)
		return 0;
	struct tag_filter *f = mem_zalloc(sizeof(*f));
	map_init(&f->answers);
	map_init(&f->pairs);
	f->report = r;
	const char *equals = strchr(value, '=');
	if (equals) {
		f->key = mem_strndup(value, (size_t)(equals - value));
		value = equals + 1;
	}
	int rc = parse_range(value, &f->range, err);
	f->is_range = rc > 0;
	if (f->is_range)
		notes_printf(notes, "%s:Interpreted '%s' as range, not regexp", name, value);
	else if (rc == 0)
		rc = compile_list(f, name, value, err);
	if (rc < 0) {
		tag_filter_free(f);
		return rc;
	}
	*ret = f;
	return 0;
}

void tag_filter_free(struct tag_filter *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->regex_n; i++)
		regex_free(f->regexes[i]);
	mem_free(f->regexes);
	mem_free(f->range.unit);
	mem_free(f->key);
	map_release(&f->answers);
	map_release(&f->pairs);
	mem_free(f);
}

/* Go matches "key:value" where the expression names no key, and the value where it does. */
static bool ask(const struct tag_filter *f, uint32_t regex, const char *key, const char *value)
{
	struct buf text = BUF_INIT;
	if (!f->key) {
		buf_addstr(&text, key);
		buf_addch(&text, ':');
	}
	buf_addstr(&text, value);
	bool matches = regex_match(f->regexes[regex], text.data, text.len) > 0;
	buf_release(&text);
	return matches;
}

static bool label_matches(
	struct tag_filter *f, uint32_t regex, const struct profile *p, const struct label *l)
{
	bool is_new;
	uint32_t *pair = map_put(&f->pairs, (uint64_t)l->key << 32 | l->str, &is_new);
	if (is_new)
		*pair = (uint32_t)f->pairs.n;
	uint32_t *answer = map_put(&f->answers, (uint64_t)regex << 32 | *pair, &is_new);
	if (is_new)
		*answer = ask(f, regex, profile_str(p, l->key), profile_str(p, l->str));
	return *answer;
}

static bool any_label(struct tag_filter *f, uint32_t regex, const struct profile *p,
	const struct label *labels, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (labels[i].is_num)
			continue;
		if (f->key && strcmp(profile_str(p, labels[i].key), f->key) != 0)
			continue;
		if (label_matches(f, regex, p, &labels[i]))
			return true;
	}
	return false;
}

static bool any_number(
	struct tag_filter *f, const struct profile *p, const struct label *labels, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!labels[i].is_num)
			continue;
		if (f->key && strcmp(profile_str(p, labels[i].key), f->key) != 0)
			continue;
		if (in_range(&f->range, labels[i].num, report_label_unit(f->report, labels[i].key)))
			return true;
	}
	return false;
}

/* With a key one of the expressions must match, without one all of them must. */
bool tag_filter_match(struct tag_filter *f, const struct profile *p, uint32_t sample)
{
	uint32_t n;
	const struct label *labels = profile_labels(p, sample, &n);
	if (f->is_range)
		return any_number(f, p, labels, n);
	for (uint32_t i = 0; i < f->regex_n; i++) {
		bool matches = any_label(f, i, p, labels, n);
		if (matches == (f->key != NULL))
			return matches;
	}
	return !f->key;
}
