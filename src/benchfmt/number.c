/*
 * Numbers; see number.h. Reading is the inner loop of a summary of 100 MB of results, so plain
 * decimals of up to 15 digits, for which one division is exact, do not go through strtod.
 */
#include "benchfmt/benchfmt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

const double number_tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* digits[.digits] with at most 15 digits: both parts are exact, so the quotient is rounded once. */
static bool parse_plain(const char *s, size_t n, double *ret)
{
	uint64_t mantissa = 0;
	unsigned digits = 0, fraction = 0;
	bool dot = false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.' && !dot) {
			dot = true;
			continue;
		}
		unsigned d = (unsigned)(s[i] - '0');
		if (d > 9 || ++digits > 15)
			return false;
		mantissa = mantissa * 10 + d;
		fraction += dot;
	}
	*ret = (double)mantissa / number_tens[fraction];
	return digits > 0;
}

static bool is_special(const char *s)
{
	static const char *const words[] = {"inf", "infinity", "nan"};
	for (size_t i = 0; i < array_len(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

/* strtod takes more than Go: leading space, "nan(...)", and hexadecimal without an exponent. */
static bool is_go_float(const char *s)
{
	const char *digits = *s == '+' || *s == '-' ? s + 1 : s;
	if (is_special(digits))
		return digits == s || strcasecmp(digits, "nan") != 0;
	bool hex = digits[0] == '0' && (digits[1] | 32) == 'x';
	const char *allowed = hex ? "0123456789abcdefABCDEFxX.pP+-" : "0123456789.eE+-";
	if (!*digits || digits[strspn(digits, allowed)] != '\0')
		return false;
	return !hex || strpbrk(digits, "pP");
}

int number_parse_float(const char *s, size_t n, double *ret)
{
	if (parse_plain(s, n, ret))
		return 0;
	char small[64], *text = n < sizeof(small) ? small : mem_alloc(n + 1);
	memcpy(text, s, n);
	text[n] = '\0';
	int rc = ERR_FORMAT;
	char *end = text;
	if (strlen(text) == n && is_go_float(text)) {
		errno = 0;
		*ret = strtod(text, &end);
		if (end == text + n)
			rc = errno == ERANGE && isinf(*ret) ? ERR_LIMIT : 0;
	}
	if (text != small)
		mem_free(text);
	return rc;
}

int number_parse_int(const char *s, size_t n, int64_t *ret)
{
	bool minus = n && *s == '-';
	size_t i = n && (*s == '-' || *s == '+');
	uint64_t v = 0;
	bool big = false;
	if (i == n)
		return ERR_FORMAT;
	for (; i < n; i++) {
		unsigned d = (unsigned)(s[i] - '0');
		if (d > 9)
			return ERR_FORMAT;
		big |= __builtin_mul_overflow(v, (uint64_t)10, &v) ||
		       __builtin_add_overflow(v, d, &v);
	}
	if (big || v > (uint64_t)INT64_MAX + minus)
		return ERR_LIMIT;
	*ret = minus ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

const char *number_error(int code)
{
	return code == ERR_LIMIT ? "value out of range" : "invalid syntax";
}

static bool print_special(double v, struct buf *out)
{
	if (isfinite(v))
		return false;
	buf_addstr(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
	return true;
}

/* The fewest digits that read back as v, and the decimal exponent of the first. */
static int shortest(double v, char *digits)
{
	char text[40];
	for (int prec = 0;; prec++) {
		snprintf(text, sizeof(text), "%.*e", prec, v);
		if (prec == 17 || strtod(text, NULL) == v)
			break;
	}
	size_t n = 0;
	const char *p = text;
	for (; *p != 'e'; p++)
		if (*p != '.')
			digits[n++] = *p;
	digits[n] = '\0';
	return atoi(p + 1);
}

void number_print(double v, struct buf *out)
{
	if (print_special(v, out))
		return;
	if (signbit(v)) {
		buf_addch(out, '-');
		v = -v;
	}
	char digits[40];
	int exponent = shortest(v, digits);
	int n = (int)strlen(digits);
	if (exponent < -4 || exponent >= 6) {
		buf_addch(out, digits[0]);
		if (n > 1)
			buf_printf(out, ".%s", digits + 1);
		buf_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
	} else if (exponent < 0) {
		buf_addstr(out, "0.");
		buf_fill(out, '0', (size_t)(-exponent - 1));
		buf_addstr(out, digits);
	} else if (n <= exponent + 1) {
		buf_addstr(out, digits);
		buf_fill(out, '0', (size_t)(exponent + 1 - n));
	} else {
		buf_printf(out, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
	}
}

void number_print_fixed(double v, int prec, struct buf *out)
{
	if (!print_special(v, out))
		buf_printf(out, "%.*f", prec, v);
}
