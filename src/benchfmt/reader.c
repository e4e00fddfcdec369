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
	mem_free(r->values);
	mem_free(r->units);
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
	r->end = r->input_end = p + n;
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
	double tidied = value * t->factor;
	uint32_t i = r->result.value_n++;
	/* Go takes a value that tidying leaves as it was for one of a tidy unit: a 0 ns/op stays
	 * ns/op. */
	bool stays = tidied == value && !(r->fix_zero && t->unit != unit);
	vec_grow(r->values, (size_t)i + 1, r->value_cap);
	vec_grow(r->units, (size_t)i + 1, r->unit_cap);
	r->values[i] = tidied;
	r->units[i] = stays ? (struct bench_unit){unit, 0} : (struct bench_unit){t->unit, unit};
}

static enum bench_record measurements(struct bench_reader *r, const char *p, const char *end)
{
	r->result.value_n = 0;
	for (;;) {
		struct span f = field(&p, end);
		if (!f.n)
			break;
		double value;
		int rc = number_parse_float(f.p, f.n, &value);
		if (rc < 0)
			return syntax_error(r, "parsing measurement: ", number_error(rc));
		f = field(&p, end);
		if (!f.n)
			return syntax_error(r, "missing units", "");
		add_value(r, value, strtab_add(&r->strings, f.p, f.n));
	}
	if (!r->result.value_n)
		return syntax_error(r, "missing measurements", "");
	r->result.values = r->values;
	r->result.units = r->units;
	r->result.plain = false;
	return BENCH_RESULT;
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
static bool is_config_line(const char *p, const char *end, struct span *ret_key, struct span *ret)
{
	const char *q = p;
	while (q < end) {
		size_t n;
		uint32_t c = utf8_decode(q, (size_t)(end - q), &n);
		if ((q == p && !unicode_is_lower(c)) || unicode_is_space(c) || unicode_is_upper(c))
			return false;
		if (c == ':')
			break;
		q += n;
	}
	if (q == end)
		return false;
	const char *value = q + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	*ret_key = (struct span){p, (size_t)(q - p)};
	*ret = (struct span){value, (size_t)(end - value)};
	return value > q + 1 || value == end;
}

static void config_line(struct bench_reader *r, struct span key, struct span value)
{
	uint32_t id = strtab_add(&r->strings, key.p, key.n);
	set_config(r, id, strtab_add(&r->strings, value.p, value.n), true);
}

static bool starts(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);
	return (size_t)(end - p) >= n && memcmp(p, word, n) == 0;
}

static bool is_benchmark_line(const char *p, const char *end)
{
	return starts(p, end, BENCH_PREFIX);
}

/* `rest` is what follows the word. */
static bool is_unit_line(const char *p, const char *end, const char **ret_rest)
{
	*ret_rest = p;
	return starts(p, end, "Unit") && field(ret_rest, end).n == strlen("Unit");
}

static enum bench_record line(struct bench_reader *r, const char *p, const char *end)
{
	struct span key, value;
	const char *rest;
	if (is_benchmark_line(p, end))
		return benchmark_line(r, p + strlen(BENCH_PREFIX), end);
	if (is_unit_line(p, end, &rest))
		return begin_unit_line(r, rest, end);
	if (is_config_line(p, end, &key, &value))
		config_line(r, key, value);
	return BENCH_END;
}

/* The next line, without its end. */
static struct span next_line(struct bench_reader *r)
{
	const char *p = r->p, *newline = memchr(p, '\n', (size_t)(r->end - p));
	const char *end = newline ? newline : r->end;
	r->p = newline ? newline + 1 : r->end;
	if (end > p && end[-1] == '\r')
		end--;
	return (struct span){p, (size_t)(end - p)};
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
		struct span l = next_line(r);
		record = line(r, l.p, l.p + l.n);
		if (record == BENCH_RESULT)
			shapes_learn(r);
	}
	if (record == BENCH_RESULT && r->config_changed)
		identify_config(r);
	return record;
}

/* --- parts --- */

void bench_reader_open_part(struct bench_reader *r, const char *p, size_t n)
{
	r->p = p;
	r->end = p + n;
	r->result.file = "";
	r->result.line = 0;
	shapes_open(&r->shapes, p, r->end);
}

static bool says_something(const char *p, const char *end)
{
	struct span key, value;
	const char *rest;
	return is_unit_line(p, end, &rest) || is_config_line(p, end, &key, &value);
}

enum bench_record bench_reader_next_part(struct bench_reader *r)
{
	while (r->p < r->end) {
		r->result.line++;
		if (shapes_read(r))
			return BENCH_RESULT;
		struct span l = next_line(r);
		const char *end = l.p + l.n;
		bool is_benchmark = is_benchmark_line(l.p, end);
		enum bench_record record =
			is_benchmark ? benchmark_line(r, l.p + strlen(BENCH_PREFIX), end)
				     : BENCH_END;
		if (record == BENCH_RESULT) {
			shapes_learn(r);
			return BENCH_RESULT;
		}
		r->left = l.p;
		if (record == BENCH_ERROR || (!is_benchmark && says_something(l.p, end)))
			return BENCH_LEFT;
	}
	return BENCH_END;
}

void bench_reader_goto(struct bench_reader *r, const char *p, int line)
{
	const char *newline = memchr(p, '\n', (size_t)(r->input_end - p));
	r->p = p;
	r->end = newline ? newline + 1 : r->input_end;
	r->result.line = line - 1;
}

void bench_reader_assume(struct bench_reader *r, uint32_t shape)
{
	shapes_assume(r, shape);
	if (r->config_changed)
		identify_config(r);
}

static uint32_t add_string(struct bench_reader *r, struct str s)
{
	return strtab_add(&r->strings, s.s, s.len);
}

uint32_t bench_reader_shape(struct bench_reader *r, const char *name, uint32_t name_len,
	const struct bench_unit_text *units, uint32_t n)
{
	vec_grow(r->values, n, r->value_cap);
	vec_grow(r->units, n, r->unit_cap);
	for (uint32_t i = 0; i < n; i++)
		r->units[i] = (struct bench_unit){
			add_string(r, units[i].unit), add_string(r, units[i].orig_unit)};
	r->result.name = name;
	r->result.name_len = name_len;
	r->result.units = r->units;
	r->result.value_n = n;
	shapes_learn(r);
	return r->result.shape;
}
