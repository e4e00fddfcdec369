/*
 * A query taken apart, as libmicrohttpd takes apart those of its own requests; see foreign.h.
 */
#include "http/foreign.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A percent sign that begins nothing stays. In a query a plus is a space. */
static void decode(char *s, char plus)
{
	char *out = s;
	for (; *s; s++) {
		int hi = *s == '%' ? hex(s[1]) : -1;
		int lo = hi >= 0 ? hex(s[2]) : -1;
		if (lo >= 0) {
			*out++ = (char)(hi << 4 | lo);
			s += 2;
		} else {
			*out++ = *s == '+' ? plus : *s;
		}
	}
	*out = '\0';
}

static void add(struct http_foreign *f, char *pair)
{
	char *value = strchr(pair, '=');
	if (value)
		*value++ = '\0';
	else
		value = pair + strlen(pair);
	decode(pair, ' ');
	decode(value, ' ');
	f->names[f->n] = pair;
	f->values[f->n] = value;
	f->n++;
}

void http_foreign_init(struct http_foreign *f, const char *target)
{
	*f = (struct http_foreign){.path = mem_strdup(target)};
	char *query = f->path + strcspn(f->path, "?");
	if (*query)
		*query++ = '\0';
	decode(f->path, '+');
	for (char *at = query; *at && f->n < HTTP_PARAMS_MAX;) {
		size_t n = strcspn(at, "&");
		char *next = at + n + (at[n] == '&');
		at[n] = '\0';
		if (n)
			add(f, at);
		at = next;
	}
}

void http_foreign_release(struct http_foreign *f)
{
	mem_free(f->path);
	f->n = 0;
}

const char *foreign_param(const struct http_foreign *f, const char *name)
{
	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->names[i], name) == 0)
			return f->values[i];
	return "";
}
