/*
 * Units: three kinds of known ones, each a table of names, aliases and factors. Values of other
 * units are printed as they are, with the unit's name unless it says nothing ("count").
 *
 * A label is printed for every row of a report, so the names are looked up once for a pair of
 * units (struct unit_conv) and not for every value.
 */
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct unit {
	const char *name;
	const char *aliases[3];
	double factor;
};

struct unit_kind {
	const struct unit *units; /* smallest first; ends with a NULL name */
	struct unit fallback;	  /* when nothing else suits */
};

static const struct unit memory_units[] = {
	{"B", {"b", "byte"}, 1},
	{"kB", {"kb", "kbyte", "kilobyte"}, 1024.},
	{"MB", {"mb", "mbyte", "megabyte"}, 1048576.},
	{"GB", {"gb", "gbyte", "gigabyte"}, 1073741824.},
	{"TB", {"tb", "tbyte", "terabyte"}, 1099511627776.},
	{"PB", {"pb", "pbyte", "petabyte"}, 1125899906842624.},
	{0},
};

static const struct unit time_units[] = {
	{"ns", {"ns", "nanosecond"}, 1},
	{"us", {"\xce\xbcs", "us", "microsecond"}, 1e3},
	{"ms", {"ms", "millisecond"}, 1e6},
	{"s", {"s", "sec", "second"}, 1e9},
	{"hrs", {"hour", "hr"}, 3600e9},
	{0},
};

static const struct unit gcu_units[] = {
	{"n*GCU", {"nanogcu"}, 1e-9},
	{"u*GCU", {"microgcu"}, 1e-6},
	{"m*GCU", {"milligcu"}, 1e-3},
	{"GCU", {"gcu"}, 1},
	{"k*GCU", {"kilogcu"}, 1e3},
	{"M*GCU", {"megagcu"}, 1e6},
	{"G*GCU", {"gigagcu"}, 1e9},
	{"T*GCU", {"teragcu"}, 1e12},
	{"P*GCU", {"petagcu"}, 1e15},
	{0},
};

static const struct unit_kind kinds[] = {
	{memory_units, {"B", {0}, 1}},
	{time_units, {"s", {0}, 1e9}},
	{gcu_units, {"GCU", {0}, 1}},
};

/* Lower case and without a plural "s". Longer than any alias: no match, so cutting is harmless. */
static void normalize(const char *unit, char out[32])
{
	size_t n = 0, runes = 0;
	for (; unit[n] && n < 31; n++) {
		char c = unit[n];
		out[n] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		runes += ((unsigned char)c & 0xc0) != 0x80;
	}
	if (runes > 2 && out[n - 1] == 's')
		n--;
	out[n] = '\0';
}

static const struct unit *find_unit(const struct unit_kind *kind, const char *normal)
{
	for (const struct unit *u = kind->units; u->name; u++)
		for (size_t i = 0; i < array_len(u->aliases) && u->aliases[i]; i++)
			if (strcmp(u->aliases[i], normal) == 0)
				return u;
	return NULL;
}

static const struct unit *find_any(const char *unit, const struct unit_kind **ret_kind)
{
	char normal[32];
	normalize(unit, normal);
	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct unit *u = find_unit(&kinds[i], normal);
		*ret_kind = &kinds[i];
		if (u)
			return u;
	}
	*ret_kind = NULL;
	return NULL;
}

bool unit_same_kind(const char *a, const char *b)
{
	const struct unit_kind *kind_a, *kind_b;
	find_any(a, &kind_a);
	find_any(b, &kind_b);
	return kind_a && kind_a == kind_b;
}

static bool says_nothing(const char *unit)
{
	static const char *const names[] = {"count", "sample", "unit", "minimum", "auto"};
	for (size_t i = 0; i < array_len(names); i++)
		if (strcmp(unit, names[i]) == 0)
			return true;
	return false;
}

void unit_conv_init(struct unit_conv *conv, const char *from, const char *to)
{
	memset(conv, 0, sizeof(*conv));
	const struct unit *unit = find_any(from, &conv->kind);
	if (!unit) {
		conv->to = says_nothing(to) ? "" : to;
		return;
	}
	conv->factor = unit->factor;
	conv->automatic = strcmp(to, "minimum") == 0 || strcmp(to, "auto") == 0;
	char normal[32];
	normalize(to, normal);
	const struct unit *target = find_unit(conv->kind, normal);
	if (!target)
		target = &conv->kind->fallback;
	conv->to = target->name;
	conv->to_factor = target->factor;
}

/* The largest unit of which the value is at least one. */
static const struct unit *suitable_unit(const struct unit_kind *kind, double base_value)
{
	const struct unit *best = &kind->fallback;
	double factor = 0;
	for (const struct unit *u = kind->units; u->name; u++) {
		if (u->factor >= factor && base_value / u->factor >= 1) {
			factor = u->factor;
			best = u;
		}
	}
	return best;
}

double unit_conv_apply(const struct unit_conv *conv, int64_t value, const char **ret_unit)
{
	*ret_unit = conv->to;
	if (!conv->kind)
		return (double)value;
	if (value < 0 && value != INT64_MIN)
		return -unit_conv_apply(conv, -value, ret_unit);
	double base_value = (double)value * conv->factor;
	if (!conv->automatic)
		return base_value / conv->to_factor;
	const struct unit *u = suitable_unit(conv->kind, base_value);
	*ret_unit = u->name;
	return base_value / u->factor;
}

void unit_conv_label(const struct unit_conv *conv, int64_t value, struct buf *out)
{
	const char *unit;
	double scaled = unit_conv_apply(conv, value, &unit);
	if (scaled == 0) {
		buf_addch(out, '0');
		return;
	}
	char text[352]; /* the largest double has 309 digits before the point */
	int n = snprintf(text, sizeof(text), "%.2f", scaled);
	if (memcmp(text + n - 3, ".00", 3) == 0)
		text[n -= 3] = '\0';
	if (strcmp(text, "0") == 0 || strcmp(text, "-0") == 0) {
		buf_addch(out, '0');
		return;
	}
	buf_add(out, text, (size_t)n);
	buf_addstr(out, unit);
}

double unit_scale(int64_t value, const char *from, const char *to, const char **ret_unit)
{
	struct unit_conv conv;
	unit_conv_init(&conv, from, to);
	return unit_conv_apply(&conv, value, ret_unit);
}

void unit_label(int64_t value, const char *from, const char *to, struct buf *out)
{
	struct unit_conv conv;
	unit_conv_init(&conv, from, to);
	unit_conv_label(&conv, value, out);
}

void unit_percentage(int64_t value, int64_t total, struct buf *out)
{
	double ratio = total ? fabs((double)value / (double)total) * 100 : 0;
	if (ratio >= 99.95 && ratio <= 100.05)
		buf_addstr(out, "  100%");
	else if (ratio >= 1)
		buf_printf(out, "%5.2f%%", ratio);
	else if (ratio == 0)
		buf_addstr(out, "    0%");
	else
		buf_printf(out, "%5.2g%%", ratio);
}

int64_t unit_truncate(double v)
{
	return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
}
