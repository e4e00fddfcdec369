/*
 * Reading benchmark results; see reader.h.
 *
 * The input is one span of memory and nothing of it is copied: names are spans, keys, values and
 * units are ids of one string table, and what a unit tidies to is remembered by its id. (Rejected:
 * reading line by line through stdio, which costs more than parsing does.)
 */
#include "benchfmt/benchfmt.h"

#include "benchfmt/unicode.h"

#include <stdio.h>

struct span {
	const char *p;
	size_t n;
};

void bench_reader_init(struct bench_reader *r)
{
	*r = (struct bench_reader){.error = ERR_INIT};
	strtab_init(&r->strings);
}

void bench_reader_release(struct bench_reader *r)
{
	strtab_release(&r->strings);
	mem_free(r->result.config);
	mem_free(r->result.values);
	mem_free(r->metadata);
	mem_free(r->tidied);
	*r = (struct bench_reader){0};
}

/* --- configuration --- */

static struct bench_config *find_config(struct bench_result *res, uint32_t key)
{
	for (uint32_t i = 0; i < res->config_n; i++)
		if (res->config[i].key == key)
			return &res->config[i];
	return NULL;
}

/* Go deletes by swapping with the last: the order of keys, and so of header lines, follows it. */
static void set_config(struct bench_reader *r, uint32_t key, uint32_t value, bool file)
{
	struct bench_result *res = &r->result;
	struct bench_config *c = find_config(res, key);
	res->config_version = ++r->versions;
	if (!value) {
		if (c)
			*c = res->config[--res->config_n];
		return;
	}
	if (!c) {
		vec_push(res->config, res->config_n, r->config_cap,
			((struct bench_config){.key = key}));
		c = &res->config[res->config_n - 1];
	}
	c->value = value;
	c->file = file;
}

void bench_reader_open(
	struct bench_reader *r, const char *p, size_t n, const char *file, const char *label)
{
	r->p = p;
	r->end = p + n;
	r->units_left = r->units_end = NULL;
	r->result.config_n = 0;
	r->result.file = file;
	r->result.line = 0;
	set_config(
		r, strtab_addstr(&r->strings, ".file"), strtab_addstr(&r->strings, label), false);
}

/* --- fields --- */

static bool at_space(const char *p, const char *end, size_t *ret_n)
{
	unsigned char c = (unsigned char)*p;
	*ret_n = 1;
	if (c < 0x80)
		return c == ' ' || (c >= '\t' && c <= '\r');
	return unicode_is_space(utf8_decode(p, (size_t)(end - p), ret_n));
}

/* The field at *p, which is moved past it and the space behind. */
static struct span field(const char **p, const char *end)
{
	const char *from = *p, *q = from;
	size_t n;
	while (q < end && !at_space(q, end, &n))
		q += n;
	struct span f = {from, (size_t)(q - from)};
	while (q < end && at_space(q, end, &n))
		q += n;
	*p = q;
	return f;
}

static enum bench_record syntax_error(struct bench_reader *r, const char *what, const char *detail)
{
	err_line(&r->error, ERR_FORMAT, r->result.line, "%s:%d: %s%s", r->result.file,
		r->result.line, what, detail);
	return BENCH_ERROR;
}

/* --- measurements --- */

static const struct tidied *tidy(struct bench_reader *r, uint32_t unit)
{
	if (unit >= r->tidied_n) {
		uint32_t n = r->strings.n + 64;
		r->tidied = mem_rearray(r->tidied, n, sizeof(*r->tidied));
		memset(r->tidied + r->tidied_n, 0, (n - r->tidied_n) * sizeof(*r->tidied));
		r->tidied_n = n;
	}
	struct tidied *t = &r->tidied[unit];
	if (!t->known) {
		struct buf buf = BUF_INIT;
		t->factor = unit_tidy(bench_str(r, unit), &buf);
		t->unit = strtab_add(&r->strings, buf.data, buf.len);
		t->known = true;
		buf_release(&buf);
	}
	return t;
}

static void add_value(struct bench_reader *r, double value, uint32_t unit)
{
	const struct tidied *t = tidy(r, unit);
	struct bench_value v = {.value = value * t->factor,
		.unit = t->unit,
		.orig_value = value,
		.orig_unit = unit};
	/* Go takes a value that tidying leaves as it was for one of a tidy unit: a 0 ns/op stays
	 * ns/op. */
	bool same = v.value == value && !(r->fix_zero && t->unit != unit);
	if (same)
		v = (struct bench_value){.value = value, .unit = unit};
	vec_push(r->result.values, r->result.value_n, r->value_cap, v);
}

static enum bench_record measurements(struct bench_reader *r, const char *p, const char *end)
{
	r->result.value_n = 0;
	for (;;) {
		struct span f = field(&p, end);
		if (!f.n)
			return r->result.value_n ? BENCH_RESULT
						 : syntax_error(r, "missing measurements", "");
		double value;
		int rc = number_parse_float(f.p, f.n, &value);
		if (rc < 0)
			return syntax_error(r, "parsing measurement: ", number_error(rc));
		f = field(&p, end);
		if (!f.n)
			return syntax_error(r, "missing units", "");
		add_value(r, value, strtab_add(&r->strings, f.p, f.n));
	}
}

/* BENCH_END: the line is a name alone, as `go test -v` prints it, and says nothing. */
static enum bench_record benchmark_line(struct bench_reader *r, const char *p, const char *end)
{
	const char *from = p;
	struct span f = field(&p, end);
	if (f.n == (size_t)(end - from))
		return BENCH_END;
	r->result.name = f.p;
	r->result.name_len = (uint32_t)f.n;
	f = field(&p, end);
	if (!f.n)
		return syntax_error(r, "missing iteration count", "");
	int rc = number_parse_int(f.p, f.n, &r->result.iters);
	if (rc < 0)
		return syntax_error(r, "parsing iteration count: ", number_error(rc));
	return measurements(r, p, end);
}

/* --- units metadata --- */

static struct bench_metadata *find_metadata(
	const struct bench_reader *r, uint32_t unit, uint32_t key)
{
	for (uint32_t i = 0; i < r->metadata_n; i++)
		if (r->metadata[i].unit == unit && r->metadata[i].key == key)
			return &r->metadata[i];
	return NULL;
}

static enum bench_record set_metadata(struct bench_reader *r, struct span f)
{
	const char *eq = memchr(f.p, '=', f.n);
	if (!eq || eq == f.p)
		return syntax_error(r, "expected key=value", "");
	struct bench_metadata m = {
		.unit = tidy(r, r->units_orig)->unit,
		.key = strtab_add(&r->strings, f.p, (size_t)(eq - f.p)),
		.value = strtab_add(&r->strings, eq + 1, (size_t)(f.p + f.n - eq - 1)),
	};
	const struct bench_metadata *have = find_metadata(r, m.unit, m.key);
	if (!have) {
		vec_push(r->metadata, r->metadata_n, r->metadata_cap, m);
		return BENCH_END;
	}
	if (have->value == m.value)
		return BENCH_END;
	char detail[300];
	snprintf(detail, sizeof(detail), "%s of unit %s already set to %s", bench_str(r, m.key),
		bench_str(r, r->units_orig), bench_str(r, have->value));
	return syntax_error(r, "metadata ", detail);
}

/* What is left of a Unit line: its next error, or BENCH_END when it is done. */
static enum bench_record unit_line(struct bench_reader *r)
{
	while (r->units_left) {
		struct span f = field(&r->units_left, r->units_end);
		if (!f.n) {
			r->units_left = NULL;
			break;
		}
		enum bench_record record = set_metadata(r, f);
		if (record != BENCH_END)
			return record;
	}
	return BENCH_END;
}

static enum bench_record begin_unit_line(struct bench_reader *r, const char *p, const char *end)
{
	struct span f = field(&p, end);
	if (!f.n)
		return syntax_error(r, "missing unit", "");
	r->units_orig = strtab_add(&r->strings, f.p, f.n);
	r->units_left = p;
	r->units_end = end;
	return unit_line(r);
}

const char *bench_reader_metadata(const struct bench_reader *r, uint32_t unit, const char *key)
{
	uint32_t id = strtab_find(&r->strings, key, strlen(key));
	const struct bench_metadata *m = id == UINT32_MAX ? NULL : find_metadata(r, unit, id);
	return m ? bench_str(r, m->value) : NULL;
}

/* --- lines --- */

/* "key: value". A key begins in lower case and has no space and no upper case. */
static void config_line(struct bench_reader *r, const char *p, const char *end)
{
	const char *q = p;
	while (q < end) {
		size_t n;
		uint32_t c = utf8_decode(q, (size_t)(end - q), &n);
		if ((q == p && !unicode_is_lower(c)) || unicode_is_space(c) || unicode_is_upper(c))
			return;
		if (c == ':')
			break;
		q += n;
	}
	if (q == end)
		return;
	const char *value = q + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	if (value == q + 1 && value < end)
		return;
	uint32_t key = strtab_add(&r->strings, p, (size_t)(q - p));
	set_config(r, key, strtab_add(&r->strings, value, (size_t)(end - value)), true);
}

static bool starts(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);
	return (size_t)(end - p) >= n && memcmp(p, word, n) == 0;
}

static enum bench_record line(struct bench_reader *r, const char *p, const char *end)
{
	if (starts(p, end, "Benchmark"))
		return benchmark_line(r, p + strlen("Benchmark"), end);
	if (starts(p, end, "Unit")) {
		const char *rest = p;
		if (field(&rest, end).n == strlen("Unit"))
			return begin_unit_line(r, rest, end);
	}
	if (p < end)
		config_line(r, p, end);
	return BENCH_END;
}

enum bench_record bench_reader_next(struct bench_reader *r)
{
	enum bench_record record = unit_line(r);
	while (record == BENCH_END && r->p < r->end) {
		const char *p = r->p;
		const char *newline = memchr(p, '\n', (size_t)(r->end - p));
		const char *end = newline ? newline : r->end;
		r->p = newline ? newline + 1 : r->end;
		r->result.line++;
		if (end > p && end[-1] == '\r')
			end--;
		record = line(r, p, end);
	}
	return record;
}
