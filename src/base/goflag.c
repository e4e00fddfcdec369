/*
 * Go's package flag, its parsing rules and messages. A table of flags, not callbacks into a
 * registry: the table is the documentation and the defaults are the variables' own values.
 */
#include "base/base.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_bool(const struct goflag *f)
{
	return f->kind == GOFLAG_BOOL ||
	       (f->kind == GOFLAG_FUNC && ((struct goflag_func *)f->value)->is_bool);
}

static int set_bool(bool *ret, const char *s, struct err *err)
{
	static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
	static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
	for (size_t i = 0; i < array_len(yes); i++) {
		if (strcmp(s, yes[i]) == 0 || strcmp(s, no[i]) == 0) {
			*ret = strcmp(s, yes[i]) == 0;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "parse error");
}

/* Base 0 of strconv.ParseInt: 0x, 0o, 0b, a bare leading 0 is octal, '_' between digits. */
static int set_int(int64_t lo, int64_t hi, const char *s, int64_t *ret, struct err *err)
{
	char digits[80];
	size_t n = 0;
	for (const char *q = s; *q; q++)
		if (*q != '_' && n < sizeof(digits) - 1)
			digits[n++] = *q;
	digits[n] = '\0';
	const char *d = digits;
	bool minus = *d == '-';
	if (*d == '-' || *d == '+')
		d++;
	int base = 10;
	if (d[0] == '0' && d[1]) {
		char c = d[1] | 32;
		base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
		d += c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
	}
	char *end;
	errno = 0;
	unsigned long long v = strtoull(d, &end, base);
	bool sane = *d && *d != '-' && *d != '+' && *d != ' ' && !*end && n < sizeof(digits) - 1;
	if (!sane)
		return err_set(err, ERR_USAGE, "parse error");
	if (errno || (minus ? v > (uint64_t)INT64_MAX + 1 : v > INT64_MAX))
		return err_set(err, ERR_USAGE, "value out of range");
	int64_t value = minus ? (int64_t)(0 - v) : (int64_t)v;
	if (value < lo || value > hi)
		return err_set(err, ERR_USAGE, "value out of range");
	*ret = value;
	return 0;
}

static int set_float(double *ret, const char *s, struct err *err)
{
	char *end;
	errno = 0;
	double v = strtod(s, &end);
	if (!*s || *end || *s == ' ')
		return err_set(err, ERR_USAGE, "parse error");
	if (errno == ERANGE && isinf(v))
		return err_set(err, ERR_USAGE, "value out of range");
	*ret = v;
	return 0;
}

int goflag_set(struct goflag *f, const char *s, struct err *err)
{
	int64_t v = 0;
	int rc = 0;
	switch (f->kind) {
	case GOFLAG_BOOL:
		rc = set_bool(f->value, s, err);
		break;
	case GOFLAG_STRING:
		*(const char **)f->value = s;
		break;
	case GOFLAG_INT:
		rc = set_int(INT32_MIN, INT32_MAX, s, &v, err);
		if (rc == 0)
			*(int *)f->value = (int)v;
		break;
	case GOFLAG_INT64:
		rc = set_int(INT64_MIN, INT64_MAX, s, f->value, err);
		break;
	case GOFLAG_UINT:
		/* strconv.ParseUint knows no sign. */
		rc = *s == '-' || *s == '+' ? err_set(err, ERR_USAGE, "parse error")
					    : set_int(0, UINT32_MAX, s, &v, err);
		if (rc == 0)
			*(unsigned *)f->value = (unsigned)v;
		break;
	case GOFLAG_FLOAT:
		rc = set_float(f->value, s, err);
		break;
	case GOFLAG_DURATION:
		rc = goflag_duration(s, f->value, NULL);
		if (rc < 0)
			rc = err_set(err, ERR_USAGE, "parse error");
		break;
	case GOFLAG_FUNC:
		rc = ((struct goflag_func *)f->value)->set(f->value, s, err);
		break;
	}
	f->was_set |= rc >= 0;
	return rc;
}

struct goflag *goflag_find(struct goflag *flags, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(flags[i].name, name) == 0)
			return &flags[i];
	return NULL;
}

static int assign(struct goflag *f, const char *value, struct err *err)
{
	struct err why = ERR_INIT;
	int rc = goflag_set(f, value, &why);
	if (rc >= 0)
		return 0;
	return err_set(err, ERR_USAGE, "invalid %svalue \"%s\" for %s-%s: %s",
		f->kind == GOFLAG_BOOL ? "boolean " : "", value,
		f->kind == GOFLAG_BOOL ? "" : "flag ", f->name, why.msg);
}

/* One argument that starts with '-': how many of argv it used, or an error. */
static int parse_one(struct goflag *flags, size_t n, int left, char **argv, struct err *err)
{
	const char *arg = argv[0], *name = arg + 1 + (arg[1] == '-');
	if (*name == '\0' || *name == '-' || *name == '=')
		return err_set(err, ERR_USAGE, "bad flag syntax: %s", arg);
	size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;
	struct goflag *f = NULL;
	for (size_t i = 0; i < n && !f; i++)
		if (strlen(flags[i].name) == len && memcmp(flags[i].name, name, len) == 0)
			f = &flags[i];
	if (!f && ((len == 1 && *name == 'h') || (len == 4 && memcmp(name, "help", 4) == 0)))
		return GOFLAG_HELP;
	if (!f)
		return err_set(
			err, ERR_USAGE, "flag provided but not defined: -%.*s", (int)len, name);
	if (!value && is_bool(f)) {
		int rc = assign(f, "true", err);
		return rc < 0 ? rc : 1;
	}
	int used = value ? 1 : 2;
	if (!value && left < 2)
		return err_set(err, ERR_USAGE, "flag needs an argument: -%s", f->name);
	int rc = assign(f, value ? value : argv[1], err);
	return rc < 0 ? rc : used;
}

static bool is_flag(const char *arg)
{
	return arg[0] == '-' && arg[1] != '\0';
}

int goflag_parse(struct goflag *flags, size_t n, int argc, char **argv, struct err *err)
{
	int i = 1;
	while (i < argc && is_flag(argv[i])) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		int used = parse_one(flags, n, argc - i, argv + i, err);
		if (used < 0)
			return used;
		i += used;
	}
	return i;
}

int goflag_parse_mixed(struct goflag *flags, size_t n, int argc, char **argv, struct err *err)
{
	char **rest = mem_array((size_t)argc + 1, sizeof(*rest));
	int rest_n = 0, flags_end = argc, i = 1, used = 1;
	for (; i < flags_end && used > 0; i += used) {
		used = 1;
		if (!is_flag(argv[i]))
			rest[rest_n++] = argv[i];
		else if (strcmp(argv[i], "--") == 0)
			flags_end = i + 1;
		else
			used = parse_one(flags, n, argc - i, argv + i, err);
	}
	int first = flags_end - rest_n;
	if (used > 0)
		memcpy(argv + first, rest, (size_t)rest_n * sizeof(*rest));
	mem_free(rest);
	return used > 0 ? first : used;
}

static const char *kind_name(const struct goflag *f)
{
	switch (f->kind) {
	case GOFLAG_BOOL:
		return "";
	case GOFLAG_STRING:
		return "string";
	case GOFLAG_INT:
	case GOFLAG_INT64:
		return "int";
	case GOFLAG_UINT:
		return "uint";
	case GOFLAG_FLOAT:
		return "float";
	case GOFLAG_DURATION:
		return "duration";
	case GOFLAG_FUNC:
		return is_bool(f) ? "" : "value";
	}
	return "";
}

static void add_default(const struct goflag *f, struct buf *out)
{
	struct buf v = BUF_INIT;
	switch (f->kind) {
	case GOFLAG_BOOL:
		if (*(bool *)f->value)
			buf_addstr(&v, "true");
		break;
	case GOFLAG_STRING:
		if (*(const char **)f->value && **(const char **)f->value)
			buf_printf(&v, "\"%s\"", *(const char **)f->value);
		break;
	case GOFLAG_INT:
		if (*(int *)f->value)
			buf_printf(&v, "%d", *(int *)f->value);
		break;
	case GOFLAG_INT64:
		if (*(int64_t *)f->value)
			buf_printf(&v, "%lld", (long long)*(int64_t *)f->value);
		break;
	case GOFLAG_UINT:
		if (*(unsigned *)f->value)
			buf_printf(&v, "%u", *(unsigned *)f->value);
		break;
	case GOFLAG_FLOAT:
		if (*(double *)f->value != 0)
			buf_printf(&v, "%g", *(double *)f->value);
		break;
	case GOFLAG_DURATION:
		if (*(int64_t *)f->value)
			goflag_duration_string(*(int64_t *)f->value, &v);
		break;
	case GOFLAG_FUNC:
		break;
	}
	if (v.len)
		buf_printf(out, " (default %s)", v.data);
	buf_release(&v);
}

static void add_usage(const char *usage, struct buf *out)
{
	for (const char *p = usage; *p; p++) {
		if (*p == '\n')
			buf_addstr(out, "\n    \t");
		else if (*p != '`')
			buf_addch(out, *p);
	}
}

void goflag_usage(const struct goflag *flags, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct goflag *f = &flags[i];
		size_t start = out->len;
		buf_printf(out, "  -%s", f->name);
		const char *open = strchr(f->usage, '`');
		const char *close = open ? strchr(open + 1, '`') : NULL;
		if (close)
			buf_printf(out, " %.*s", (int)(close - open - 1), open + 1);
		else if (*kind_name(f))
			buf_printf(out, " %s", kind_name(f));
		buf_addstr(out, out->len - start <= 4 ? "\t" : "\n    \t");
		add_usage(f->usage, out);
		add_default(f, out);
		buf_addch(out, '\n');
	}
}

static const struct {
	const char *name;
	double ns;
} units[] = {{"ns", 1}, {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3}, {"ms", 1e6},
	{"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};

static double unit_ns(const char *s, size_t n)
{
	for (size_t i = 0; i < array_len(units); i++)
		if (strlen(units[i].name) == n && memcmp(units[i].name, s, n) == 0)
			return units[i].ns;
	return 0;
}

int goflag_duration(const char *s, int64_t *ret_ns, struct err *err)
{
	const char *p = s;
	bool minus = *p == '-';
	if (*p == '-' || *p == '+')
		p++;
	if (strcmp(p, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	if (!*p)
		return err_set(err, ERR_USAGE, "time: invalid duration \"%s\"", s);
	long double total = 0;
	while (*p) {
		size_t digits = strspn(p, "0123456789.");
		if (digits == 0 || strspn(p, ".") == digits || strspn(p, "0123456789.") > 40)
			return err_set(err, ERR_USAGE, "time: invalid duration \"%s\"", s);
		char number[41];
		memcpy(number, p, digits);
		number[digits] = '\0';
		char *end;
		long double v = strtold(number, &end);
		if (*end)
			return err_set(err, ERR_USAGE, "time: invalid duration \"%s\"", s);
		p += digits;
		size_t n = strcspn(p, "0123456789.");
		if (n == 0)
			return err_set(err, ERR_USAGE, "time: missing unit in duration \"%s\"", s);
		double ns = unit_ns(p, n);
		if (ns == 0)
			return err_set(err, ERR_USAGE,
				"time: unknown unit \"%.*s\" in duration \"%s\"", (int)n, p, s);
		total += v * ns;
		p += n;
	}
	if (total >= 9223372036854775808.0L)
		return err_set(err, ERR_USAGE, "time: invalid duration \"%s\"", s);
	*ret_ns = minus ? -(int64_t)total : (int64_t)total;
	return 0;
}

/* A decimal fraction without trailing zeros. */
static void add_fraction(uint64_t whole, uint64_t part, int digits, struct buf *out)
{
	buf_printf(out, "%llu", (unsigned long long)whole);
	if (!part)
		return;
	size_t dot = out->len;
	buf_printf(out, ".%0*llu", digits, (unsigned long long)part);
	while (out->len > dot && out->data[out->len - 1] == '0')
		out->data[--out->len] = '\0';
}

void goflag_duration_string(int64_t ns, struct buf *out)
{
	uint64_t u = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	if (ns < 0)
		buf_addch(out, '-');
	if (u == 0) {
		buf_addstr(out, "0s");
	} else if (u < 1000) {
		buf_printf(out, "%lluns", (unsigned long long)u);
	} else if (u < 1000000) {
		add_fraction(u / 1000, u % 1000, 3, out);
		buf_addstr(out, "\xc2\xb5s");
	} else if (u < 1000000000) {
		add_fraction(u / 1000000, u % 1000000, 6, out);
		buf_addstr(out, "ms");
	} else {
		uint64_t s = u / 1000000000;
		if (s >= 3600)
			buf_printf(out, "%lluh", (unsigned long long)(s / 3600));
		if (s >= 60)
			buf_printf(out, "%llum", (unsigned long long)(s / 60 % 60));
		add_fraction(s % 60, u % 1000000000, 9, out);
		buf_addch(out, 's');
	}
}
