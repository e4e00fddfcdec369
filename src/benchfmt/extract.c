/*
 * Extracting values of keys from results; see extract.h.
 */
#include "benchfmt/benchfmt.h"

#include "benchfmt/extract.h"

struct extractor *extractor_new(const char *key)
{
	struct extractor *e = mem_zalloc(sizeof(*e));
	e->key = mem_strdup(key);
	if (strcmp(key, ".name") == 0) {
		e->kind = EXTRACT_NAME;
	} else if (strcmp(key, ".fullname") == 0) {
		e->kind = EXTRACT_FULLNAME;
	} else if (key[0] == '/') {
		struct buf prefix = BUF_INIT;
		buf_printf(&prefix, "%s=", key);
		e->kind = EXTRACT_PART;
		e->prefix = buf_detach(&prefix, NULL);
		e->is_procs = strcmp(key, "/gomaxprocs") == 0;
	} else {
		e->kind = EXTRACT_CONFIG;
	}
	return e;
}

void extractor_free(struct extractor *e)
{
	if (!e)
		return;
	for (uint32_t i = 0; i < e->without_n; i++)
		mem_free(e->without[i]);
	mem_free(e->without);
	mem_free(e->key);
	mem_free(e->prefix);
	mem_free(e);
}

void extractor_leave_out(struct extractor *e, const char *key)
{
	e->without_name |= strcmp(key, ".name") == 0;
	e->without_procs |= strcmp(key, "/gomaxprocs") == 0;
	if (key[0] != '/')
		return;
	struct buf prefix = BUF_INIT;
	buf_printf(&prefix, "%s=", key);
	vec_push(e->without, e->without_n, e->without_cap, buf_detach(&prefix, NULL));
}

/* Where the "-8" of the processors begins, or n. */
static size_t procs_at(const char *name, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		if (name[i] == '-' && i + 1 < n)
			return i;
		if (name[i] < '0' || name[i] > '9')
			break;
	}
	return n;
}

/* The next "/part" of the name from *at on, or its "-8"; false at the end. */
static bool next_part(const char *name, size_t n, size_t procs, size_t *at, size_t *ret_from)
{
	if (*at >= n)
		return false;
	*ret_from = *at;
	if (*at == procs) {
		*at = n;
		return true;
	}
	const char *slash = memchr(name + *at + 1, '/', procs - *at - 1);
	*at = slash ? (size_t)(slash - name) : procs;
	return true;
}

static size_t base_end(const char *name, size_t procs)
{
	const char *slash = memchr(name, '/', procs);
	return slash ? (size_t)(slash - name) : procs;
}

static const char *part(const struct extractor *e, const char *name, size_t n, size_t *ret_n)
{
	size_t procs = procs_at(name, n), at = base_end(name, procs), from, len = strlen(e->prefix);
	if (e->is_procs && procs < n) {
		*ret_n = n - procs - 1;
		return name + procs + 1;
	}
	while (next_part(name, n, procs, &at, &from)) {
		if (at - from >= len && memcmp(name + from, e->prefix, len) == 0) {
			*ret_n = at - from - len;
			return name + from + len;
		}
	}
	*ret_n = 0;
	return "";
}

static bool is_left_out(const struct extractor *e, const char *part, size_t n)
{
	for (uint32_t i = 0; i < e->without_n; i++) {
		size_t len = strlen(e->without[i]);
		if (n >= len && memcmp(part, e->without[i], len) == 0)
			return true;
	}
	return e->without_procs && part[0] == '-';
}

static const char *full_name(
	const struct extractor *e, const char *name, size_t n, struct buf *scratch, size_t *ret_n)
{
	*ret_n = n;
	if (!e->without_n && !e->without_name && !e->without_procs)
		return name;
	size_t procs = procs_at(name, n), at = base_end(name, procs), from;
	buf_clear(scratch);
	if (e->without_name)
		buf_addch(scratch, '*');
	else
		buf_add(scratch, name, at);
	while (next_part(name, n, procs, &at, &from))
		if (!is_left_out(e, name + from, at - from))
			buf_add(scratch, name + from, at - from);
	*ret_n = scratch->len;
	return scratch->data;
}

static const char *config(const struct extractor *e, const struct bench_reader *r, size_t *ret_n)
{
	const struct bench_result *res = &r->result;
	for (uint32_t i = 0; i < res->config_n; i++) {
		if (strcmp(bench_str(r, res->config[i].key), e->key) != 0)
			continue;
		*ret_n = strtab_len(&r->strings, res->config[i].value);
		return bench_str(r, res->config[i].value);
	}
	*ret_n = 0;
	return "";
}

/* The name up to the first slash, or without the processors if it has none. */
static size_t base_length(const char *name, size_t n)
{
	const char *slash = memchr(name, '/', n);
	return slash ? (size_t)(slash - name) : procs_at(name, n);
}

const char *extract(
	const struct extractor *e, const struct bench_reader *r, struct buf *scratch, size_t *ret_n)
{
	const char *name = r->result.name;
	size_t n = r->result.name_len;
	switch (e->kind) {
	case EXTRACT_NAME:
		*ret_n = base_length(name, n);
		return name;
	case EXTRACT_FULLNAME:
		return full_name(e, name, n, scratch, ret_n);
	case EXTRACT_PART:
		return part(e, name, n, ret_n);
	case EXTRACT_CONFIG:
		break;
	}
	return config(e, r, ret_n);
}
