/*
 * Reading benchmark results; see reader.h.
 *
 * The input is one span of memory and nothing of it is copied: names are spans, keys, values and
 * units are ids of one string table, and what a unit tidies to is remembered by its id. This is the
 * general way, which knows the whole format; most lines are read by shape.c, which knows only lines
 * like those before. (Rejected: reading line by line through stdio, which costs more than parsing.)
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
	map_init(&r->config_index);
	shapes_init(&r->shapes);
}

void bench_reader_release(struct bench_reader *r)
{
	strtab_release(&r->strings);
	mem_free(r->result.config);
	mem_free(r->result.values);
	mem_free(r->metadata);
	mem_free(r->tidied);
	mem_free(r->configs);
	map_release(&r->config_index);
	shapes_release(&r->shapes);
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
	r->config_changed = true;
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

enum { CONFIG_WORDS = 3 }; /* of one key in r->configs */

static void config_words(const struct bench_config *c, uint32_t *ret)
{
	ret[0] = c->key;
	ret[1] = c->value;
	ret[2] = c->file;
}

static bool same_config(const struct bench_reader *r, uint32_t at)
{
	const struct bench_result *res = &r->result;
	if (r->configs[at] != res->config_n)
		return false;
	for (uint32_t i = 0; i < res->config_n; i++) {
		uint32_t words[CONFIG_WORDS];
		config_words(&res->config[i], words);
		if (memcmp(words, &r->configs[at + 2 + i * CONFIG_WORDS], sizeof(words)) != 0)
			return false;
	}
	return true;
}

/* Packages alternate where a suite is run many times: their configurations come back, and get the
 * ids they had. */
static void identify_config(struct bench_reader *r)
{
	struct bench_result *res = &r->result;
	uint32_t words[CONFIG_WORDS], at = r->configs_n;
	uint64_t hash = res->config_n;
	bool is_new;
	for (uint32_t i = 0; i < res->config_n; i++) {
		config_words(&res->config[i], words);
		hash = hash_bytes(words, sizeof(words), hash);
	}
	uint32_t *slot = map_put(&r->config_index, hash, &is_new);
	while (!is_new && !same_config(r, *slot))
		slot = map_put(&r->config_index, ++hash, &is_new);
	if (is_new) {
		*slot = at;
		vec_push(r->configs, r->configs_n, r->configs_cap, res->config_n);
		vec_push(r->configs, r->configs_n, r->configs_cap, ++r->config_ids);
		for (uint32_t i = 0; i < res->config_n; i++) {
			config_words(&res->config[i], words);
			for (uint32_t j = 0; j < CONFIG_WORDS; j++)
				vec_push(r->configs, r->configs_n, r->configs_cap, words[j]);
		}
	}
	res->config_id = r->configs[*slot + 1];
	r->config_changed = false;
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
	shapes_open(&r->shapes, p, r->end);
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

double bench_reader_factor(struct bench_reader *r, uint32_t written)
{
	return tidy(r, written)->factor;
}

static void add_value(struct bench_reader *r, double value, uint32_t unit)
{
	const struct tidied *t = tidy(r, unit);
	vec_push(r->result.values, r->result.value_n, r->value_cap,
		bench_value_of(r, value, t->factor, t->unit, unit));
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

const char *bench_reader_metadata(struct bench_reader *r, uint32_t unit, const char *key)
{
	uint32_t id = strtab_find(&r->strings, key, strlen(key));
	const struct bench_metadata *m =
		id == UINT32_MAX ? NULL : find_metadata(r, tidy(r, unit)->unit, id);
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
		r->result.line++;
		if (shapes_read(r)) {
			record = BENCH_RESULT;
			break;
		}
		const char *p = r->p;
		const char *newline = memchr(p, '\n', (size_t)(r->end - p));
		const char *end = newline ? newline : r->end;
		r->p = newline ? newline + 1 : r->end;
		if (end > p && end[-1] == '\r')
			end--;
		record = line(r, p, end);
		if (record == BENCH_RESULT)
			shapes_learn(r);
	}
	if (record == BENCH_RESULT && r->config_changed)
		identify_config(r);
	return record;
}
