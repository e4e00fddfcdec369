/*
 * Projections; see projection.h.
 *
 * Values are string ids, so that a key is compared and hashed as a few words. The values of the
 * file's configuration are looked up again only when the configuration changed, which it does a few
 * times a file, not with every result.
 */
#include "benchfmt/benchfmt.h"

#include "benchfmt/extract.h"

#include <math.h>
#include <stdlib.h>

void projector_init(struct projector *p, struct bench_reader *reader, struct filter *filter)
{
	*p = (struct projector){.reader = reader, .filter = filter, .scratch = BUF_INIT};
	p->full_name = extractor_new(".fullname");
}

void projector_release(struct projector *p)
{
	for (uint32_t i = 0; i < p->parsed_n; i++)
		query_fields_release(&p->parsed[i]);
	mem_free(p->parsed);
	mem_free(p->config_keys);
	extractor_free(p->full_name);
	filter_free(p->filter);
	buf_release(&p->scratch);
}

void projection_release(struct projection *proj)
{
	for (uint32_t i = 0; i < proj->field_n; i++) {
		map_release(&proj->fields[i].first);
		extractor_free(proj->fields[i].extractor);
	}
	mem_free(proj->fields);
	mem_free(proj->keys);
	mem_free(proj->row);
	map_release(&proj->index);
	map_release(&proj->config_fields);
	arena_release(&proj->arena);
	*proj = (struct projection){0};
}

/* --- making --- */

static struct projection_field *add_field(
	struct projection *proj, const char *name, enum field_order order)
{
	struct projection_field f = {.name = name, .order = order};
	vec_push(proj->fields, proj->field_n, proj->field_cap, f);
	vec_grow(proj->row, proj->field_n, proj->row_cap);
	proj->row[proj->field_n - 1] = 0;
	return &proj->fields[proj->field_n - 1];
}

static int parse_order(
	const struct query_field *q, const char *query, enum field_order *ret, struct err *err)
{
	static const char *const names[] = {"first", "alpha", "num", "fixed"};
	for (size_t i = 0; i < array_len(names); i++) {
		*ret = (enum field_order)i;
		bool fits = (enum field_order)i != ORDER_FIXED || q->fixed_n;
		if (strcmp(q->order, names[i]) == 0 && fits)
			return 0;
	}
	struct buf what = BUF_INIT;
	buf_addstr(&what, "unknown order ");
	query_quote(q->order, &what);
	int rc = query_error(err, query, q->order_at, what.data);
	buf_release(&what);
	return rc;
}

/* A fixed order drops what it does not list. */
static void require_fixed(struct projector *p, const struct query_field *q)
{
	struct filter *all = mem_zalloc(sizeof(*all));
	struct filter *one = mem_zalloc(sizeof(*one));
	one->kind = FILTER_ONE_OF;
	one->texts = q->fixed;
	one->text_n = q->fixed_n;
	one->extractor = extractor_new(q->key);
	all->kind = FILTER_AND;
	vec_push(all->operands, all->operand_n, all->operand_cap, one);
	vec_push(all->operands, all->operand_n, all->operand_cap, p->filter);
	p->filter = all;
}

static void set_config_group(struct projection *proj, struct projector *p, enum field_order order)
{
	p->have_config = true;
	proj->has_config = true;
	proj->config_at = proj->field_n;
	proj->config_order = order;
}

static int add_query_field(struct projection *proj, struct projector *p, const char *query,
	const struct query_field *q, struct err *err)
{
	enum field_order order;
	int rc = parse_order(q, query, &order, err);
	if (rc < 0)
		return rc;
	if (strcmp(q->key, ".config") == 0) {
		if (order == ORDER_FIXED)
			return query_error(
				err, query, q->order_at, "fixed order not allowed for .config");
		set_config_group(proj, p, order);
		return 0;
	}
	if (strcmp(q->key, ".unit") == 0)
		return query_error(err, query, q->key_at, ".unit is only allowed in filters");
	if (!*q->key)
		return query_error(err, query, q->key_at, "key must not be empty");
	if (strcmp(q->key, ".fullname") == 0)
		p->have_full_name = true;
	else if (strcmp(q->key, ".name") == 0 || q->key[0] == '/')
		extractor_leave_out(p->full_name, q->key);
	else
		vec_push(p->config_keys, p->config_key_n, p->config_key_cap, q->key);
	struct projection_field *f = add_field(proj, q->key, order);
	if (strcmp(q->key, ".fullname") != 0)
		f->extractor = extractor_new(q->key);
	f->fixed = q->fixed;
	f->fixed_n = q->fixed_n;
	if (order == ORDER_FIXED)
		require_fixed(p, q);
	return 0;
}

int projection_parse(struct projection *proj, struct projector *p, const char *query,
	bool with_unit, struct err *err)
{
	*proj = (struct projection){0};
	struct query_fields fields;
	int rc = query_fields_parse(query, &fields, err);
	if (rc < 0)
		return rc;
	vec_push(p->parsed, p->parsed_n, p->parsed_cap, fields);
	for (uint32_t i = 0; rc == 0 && i < fields.n; i++)
		rc = add_query_field(proj, p, query, &fields.fields[i], err);
	if (rc == 0 && with_unit)
		add_field(proj, ".unit", ORDER_FIRST)->is_unit = true;
	if (rc < 0)
		projection_release(proj);
	return rc;
}

void projection_residue(struct projection *proj, struct projector *p)
{
	*proj = (struct projection){0};
	if (!p->have_config)
		set_config_group(proj, p, ORDER_FIRST);
	if (!p->have_full_name)
		add_field(proj, ".fullname", ORDER_FIRST);
}

/* --- projecting --- */

static bool is_shown_elsewhere(const struct projector *p, uint32_t key)
{
	for (uint32_t i = 0; i < p->config_key_n; i++)
		if (strcmp(bench_str(p->reader, key), p->config_keys[i]) == 0)
			return true;
	return false;
}

/* The field of a key of the file, or UINT32_MAX if it is shown by itself. */
static uint32_t config_field(struct projection *proj, struct projector *p, uint32_t key)
{
	bool is_new;
	uint32_t *slot = map_put(&proj->config_fields, key, &is_new);
	if (!is_new)
		return *slot;
	*slot = UINT32_MAX;
	if (is_shown_elsewhere(p, key))
		return UINT32_MAX;
	struct projection_field *f = add_field(proj, bench_str(p->reader, key), proj->config_order);
	f->in_config = true;
	return *slot = proj->field_n - 1;
}

static void fill_config(struct projection *proj, struct projector *p)
{
	const struct bench_result *res = &p->reader->result;
	for (uint32_t i = 0; i < proj->field_n; i++)
		if (proj->fields[i].in_config)
			proj->row[i] = 0;
	for (uint32_t i = 0; i < res->config_n; i++) {
		uint32_t field = res->config[i].file ? config_field(proj, p, res->config[i].key)
						     : UINT32_MAX;
		if (field != UINT32_MAX)
			proj->row[field] = res->config[i].value;
	}
}

static uint32_t value_of(struct projection_field *f, struct projector *p)
{
	size_t n;
	const struct extractor *e = f->extractor ? f->extractor : p->full_name;
	const char *value = extract(e, p->reader, &p->scratch, &n);
	return strtab_add(&p->reader->strings, value, n);
}

static void fill_row(struct projection *proj, struct projector *p, uint32_t unit)
{
	bool changed = proj->config_id != p->reader->result.config_id;
	proj->config_id = p->reader->result.config_id;
	if (proj->has_config && changed)
		fill_config(proj, p);
	for (uint32_t i = 0; i < proj->field_n; i++) {
		struct projection_field *f = &proj->fields[i];
		if (f->is_unit)
			proj->row[i] = unit;
		else if (!f->in_config &&
			 (changed || !f->extractor || f->extractor->kind != EXTRACT_CONFIG))
			proj->row[i] = value_of(f, p);
	}
}

/* Fields of the group have no memory of what came first, so they fall back on the alphabet, as
 * Go's. */
static void note_first(struct projection *proj, const struct projection_key *key)
{
	for (uint32_t i = 0; i < proj->field_n; i++) {
		struct projection_field *f = &proj->fields[i];
		bool is_new;
		if (f->order != ORDER_FIRST || f->in_config)
			continue;
		uint32_t *place = map_put(&f->first, i < key->n ? key->values[i] : 0, &is_new);
		if (is_new)
			*place = (uint32_t)f->first.n - 1;
	}
}

uint32_t projection_project(struct projection *proj, struct projector *p, uint32_t unit)
{
	fill_row(proj, p, unit);
	uint32_t n = proj->field_n;
	while (n && !proj->row[n - 1])
		n--;
	uint64_t hash = hash_bytes(proj->row, n * sizeof(*proj->row), n);
	for (;; hash++) {
		bool is_new;
		uint32_t *slot = map_put(&proj->index, hash, &is_new);
		if (is_new) {
			*slot = proj->key_n;
			break;
		}
		const struct projection_key *key = &proj->keys[*slot];
		if (key->n == n && (!n || !memcmp(key->values, proj->row, n * sizeof(*proj->row))))
			return *slot;
	}
	struct projection_key key = {.n = n};
	key.values = arena_alloc(&proj->arena, (n + 1) * sizeof(*key.values));
	if (n)
		memcpy(key.values, proj->row, n * sizeof(*proj->row));
	vec_push(proj->keys, proj->key_n, proj->key_cap, key);
	note_first(proj, &key);
	return proj->key_n - 1;
}

/* --- filtering --- */

static bool matches(const struct filter *f, const char *value, size_t n)
{
	if (f->kind == FILTER_REGEX)
		return regex_match(f->regex, value, n) > 0;
	if (f->kind == FILTER_TEXT)
		return strlen(f->text) == n && memcmp(f->text, value, n) == 0;
	for (uint32_t i = 0; i < f->text_n; i++)
		if (strlen(f->texts[i]) == n && memcmp(f->texts[i], value, n) == 0)
			return true;
	return false;
}

static bool unit_matches(const struct filter *f, const struct bench_reader *r, uint32_t unit)
{
	return matches(f, bench_str(r, unit), strtab_len(&r->strings, unit));
}

static bool passes(const struct filter *f, struct projector *p, uint32_t i)
{
	const struct bench_reader *r = p->reader;
	size_t n;
	switch (f->kind) {
	case FILTER_AND:
	case FILTER_OR:
		for (uint32_t j = 0; j < f->operand_n; j++)
			if (passes(f->operands[j], p, i) == (f->kind == FILTER_OR))
				return f->kind == FILTER_OR;
		return f->kind == FILTER_AND;
	case FILTER_NOT:
		return !passes(f->operands[0], p, i);
	case FILTER_TEXT:
	case FILTER_REGEX:
	case FILTER_ONE_OF:
		break;
	}
	if (f->extractor) {
		const char *value = extract(f->extractor, r, &p->scratch, &n);
		return matches(f, value, n);
	}
	const struct bench_unit *u = &r->result.units[i];
	return unit_matches(f, r, u->unit) || (u->orig_unit && unit_matches(f, r, u->orig_unit));
}

bool projector_passes(struct projector *p, uint32_t i)
{
	return passes(p->filter, p, i);
}

/* --- showing --- */

uint32_t projection_get(const struct projection *proj, uint32_t key, uint32_t field)
{
	return field < proj->keys[key].n ? proj->keys[key].values[field] : 0;
}

uint32_t projection_flat(const struct projection *proj, uint32_t *ret)
{
	uint32_t n = 0, outside = 0;
	bool grouped = !proj->has_config;
	for (uint32_t i = 0; i <= proj->field_n; i++) {
		if (!grouped && outside == proj->config_at) {
			for (uint32_t j = 0; j < proj->field_n; j++)
				if (proj->fields[j].in_config)
					ret[n++] = j;
			grouped = true;
		}
		if (i < proj->field_n && !proj->fields[i].in_config) {
			ret[n++] = i;
			outside++;
		}
	}
	return n;
}

/* "10", "4k", "1MiB": the number, or false. */
static bool parse_size(const char *s, double *ret)
{
	if (number_parse_float(s, strlen(s), ret) == 0)
		return true;
	size_t sign = *s == '+' || *s == '-', n = sign + strspn(s + sign, "0123456789.");
	if (n == sign || number_parse_float(s, n, ret) < 0)
		return false;
	static const char prefixes[] = "KMGTPEZY";
	const char *p = s + n, *prefix = *p ? strchr(prefixes, *p == 'k' ? 'K' : *p) : NULL;
	int exponent = prefix ? (int)(prefix - prefixes) + 1 : 0;
	p += prefix != NULL;
	bool iec = prefix && *p == 'i';
	p += iec;
	p += *p == 'b' || *p == 'B';
	*ret *= pow(iec ? 1024 : 1000, exponent);
	return *p == '\0';
}

static int compare_numbers(const char *a, const char *b)
{
	double x = 0, y = 0;
	bool has_x = parse_size(a, &x), has_y = parse_size(b, &y);
	if (!has_x || !has_y)
		return (int)has_y - (int)has_x;
	if (isnan(x) || isnan(y))
		return (int)isnan(x) - (int)isnan(y);
	return (x > y) - (x < y);
}

static int place_in(char **texts, uint32_t n, const char *text)
{
	int place = 0;
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(texts[i], text) == 0)
			place = (int)i; /* the last of equals, as in Go's map */
	return place;
}

static int compare_values(
	const struct projection_field *f, const struct projector *p, uint32_t a, uint32_t b)
{
	const char *s = bench_str(p->reader, a), *t = bench_str(p->reader, b);
	const uint32_t *x, *y;
	int c = 0;
	switch (f->order) {
	case ORDER_FIRST:
		x = map_get(&f->first, a);
		y = map_get(&f->first, b);
		c = (x ? (int)*x : 0) - (y ? (int)*y : 0);
		break;
	case ORDER_ALPHA:
		break;
	case ORDER_NUM:
		c = compare_numbers(s, t);
		break;
	case ORDER_FIXED:
		c = place_in(f->fixed, f->fixed_n, s) - place_in(f->fixed, f->fixed_n, t);
		break;
	}
	return c ? c : strcmp(s, t);
}

struct sort {
	const struct projection *proj;
	const struct projector *p;
	const uint32_t *flat;
	uint32_t flat_n;
};

static int compare_keys(const void *a, const void *b, void *ctx)
{
	const struct sort *sort = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	for (uint32_t i = 0; i < sort->flat_n; i++) {
		uint32_t field = sort->flat[i];
		uint32_t u = projection_get(sort->proj, x, field),
			 v = projection_get(sort->proj, y, field);
		if (u != v)
			return compare_values(&sort->proj->fields[field], sort->p, u, v);
	}
	return 0;
}

void projection_sort(
	const struct projection *proj, const struct projector *p, uint32_t *keys, uint32_t n)
{
	uint32_t *flat = mem_array(proj->field_n + 1, sizeof(*flat));
	struct sort sort = {proj, p, flat, projection_flat(proj, flat)};
	qsort_r(keys, n, sizeof(*keys), compare_keys, &sort);
	mem_free(flat);
}

void projection_describe(
	const struct projection *proj, const struct projector *p, uint32_t key, struct buf *out)
{
	uint32_t *flat = mem_array(proj->field_n + 1, sizeof(*flat));
	uint32_t n = projection_flat(proj, flat);
	size_t start = out->len;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t value = projection_get(proj, key, flat[i]);
		if (!value)
			continue;
		if (out->len > start)
			buf_addch(out, ' ');
		buf_addstr(out, bench_str(p->reader, value));
	}
	mem_free(flat);
}
