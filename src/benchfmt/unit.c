/*
 * Units; see unit.h.
 */
#include "benchfmt/benchfmt.h"

#include <math.h>
#include <stdlib.h>

struct words {
	const char *rest;
	bool denominator;
};

/* The next word of "ns/op*GB": NULL at the end. Words are split by * / - and space. */
static const char *next_word(struct words *w, size_t *ret_n)
{
	for (; *w->rest; w->rest++) {
		if (*w->rest == '*')
			w->denominator = false;
		else if (*w->rest == '/')
			w->denominator = true;
		else if (!strchr("- \t\n\v\f\r", *w->rest))
			break;
	}
	if (!*w->rest)
		return NULL;
	const char *word = w->rest;
	*ret_n = strcspn(word, "*/- \t\n\v\f\r");
	w->rest += *ret_n;
	return word;
}

static bool is(const char *word, size_t n, const char *what)
{
	return strlen(what) == n && memcmp(word, what, n) == 0;
}

enum unit_class unit_class_of(const char *unit)
{
	struct words w = {.rest = unit};
	const char *word;
	size_t n;
	while ((word = next_word(&w, &n)))
		if (!w.denominator &&
			(is(word, n, "B") || is(word, n, "MB") || is(word, n, "bytes")))
			return UNIT_BINARY;
	return UNIT_DECIMAL;
}

double unit_tidy(const char *unit, struct buf *out)
{
	struct words w = {.rest = unit};
	const char *word, *copied = unit;
	double factor = 1;
	size_t n;
	while ((word = next_word(&w, &n))) {
		bool ns = is(word, n, "ns"), mb = is(word, n, "MB");
		if (w.denominator || (!ns && !mb))
			continue;
		buf_add(out, copied, (size_t)(word - copied));
		buf_addstr(out, ns ? "sec" : "B");
		copied = word + n;
		if (ns)
			factor = factor == 1 ? 1e-9 : factor / 1e9;
		else
			factor *= 1e6;
	}
	buf_addstr(out, copied);
	return factor;
}

int unit_better(const char *unit)
{
	static const struct {
		const char *unit;
		int better;
	} known[] = {{"ns/op", -1}, {"sec/op", -1}, {"MB/s", 1}, {"B/s", 1}, {"B/op", -1},
		{"allocs/op", -1}};
	for (size_t i = 0; i < array_len(known); i++)
		if (strcmp(known[i].unit, unit) == 0)
			return known[i].better;
	return 0;
}

/* A prefix is taken from its .99995 on: what would be rounded up to 1.000 of it. */
struct prefix {
	const char *name;
	double factor, hundred, ten, one; /* values from which 1, 2 and 3 digits follow the point */
};

static const struct prefix decimal[] = {
	{"T", 1e12, 99.995e12, 9.9995e12, .99995e12},
	{"G", 1e9, 99.995e9, 9.9995e9, .99995e9},
	{"M", 1e6, 99.995e6, 9.9995e6, .99995e6},
	{"k", 1e3, 99.995e3, 9.9995e3, .99995e3},
	{"", 1, 99.995, 9.9995, .99995},
	{"m", 1e-3, 99.995e-3, 9.9995e-3, .99995e-3},
	{"\xc2\xb5", 1e-6, 99.995e-6, 9.9995e-6, .99995e-6},
	{"n", 1e-9, 99.995e-9, 9.9995e-9, .99995e-9},
};

#define BINARY(name, exp)                                                                          \
	{                                                                                          \
		name, 0x1p##exp, 0x1.8ffae147ae148p6 * 0x1p##exp, 0x1.3ffbe76c8b439p3 * 0x1p##exp, \
			0x1.fff972474538fp-1 * 0x1p##exp                                           \
	}

static const struct prefix binary[] = {
	BINARY("Ti", 40),
	BINARY("Gi", 30),
	BINARY("Mi", 20),
	BINARY("Ki", 10),
	BINARY("", 0),
};

/* Below the smallest prefix digits are added instead. */
static const double small[] = {
	9.9995e-1, 9.9995e-2, 9.9995e-3, 9.9995e-4, 9.9995e-5, 9.9995e-6, 9.9995e-7, 9.9995e-8};

struct unit_scale unit_common_scale(const double *values, size_t n, enum unit_class class)
{
	double least = 0;
	for (size_t i = 0; i < n; i++) {
		double v = fabs(values[i]);
		if (v != 0 && (least == 0 || v < least))
			least = v;
	}
	if (least == 0)
		return (struct unit_scale){3, 1, ""};
	const struct prefix *p = class == UNIT_BINARY ? binary : decimal;
	size_t count = class == UNIT_BINARY ? array_len(binary) : array_len(decimal);
	for (size_t i = 0; i < count; i++) {
		int prec = least >= p[i].hundred ? 1
			   : least >= p[i].ten	 ? 2
			   : least >= p[i].one	 ? 3
						 : 0;
		if (prec)
			return (struct unit_scale){prec, p[i].factor, p[i].name};
	}
	const struct prefix *last = &p[count - 1];
	size_t i = 0;
	while (i + 1 < array_len(small) && least / last->factor < small[i])
		i++;
	return (struct unit_scale){(int)i + 3, last->factor, last->name};
}

void unit_scale_print(const struct unit_scale *scale, double value, struct buf *out)
{
	number_print_fixed(value / scale->factor, scale->prec, out);
	buf_addstr(out, scale->prefix);
}
