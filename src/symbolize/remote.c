/*
 * Remote symbolization: asks the server a profile came from for the names of its addresses, by the
 * symbolz protocol of gperftools and net/http/pprof: POST "0x1+0x2", and lines "0x1<blank>name"
 * come back. It gives names only, no files and no lines.
 */
#include "symbolize/internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

static bool ends_with(const char *s, size_t n, const char *end)
{
	size_t e = strlen(end);
	return n >= e && !memcmp(s + n - e, end, e);
}

static bool is_pprof_path(const char *path, size_t n)
{
	static const char *const gperftools[] = {"/pprof/heap", "/pprof/growth", "/pprof/profile",
		"/pprof/pmuprofile", "/pprof/contention"};
	if (memmem(path, n, "/debug/pprof/", 13))
		return true;
	for (size_t i = 0; i < array_len(gperftools); i++) {
		if (ends_with(path, n, gperftools[i]))
			return true;
	}
	return false;
}

/* The server's symbol service, beside the profile's path. False if the source is no URL. */
static bool service_url(struct buf *out, const char *source)
{
	const char *host = strstr(source, "://");
	if (!host || !host[3] || host[3] == '/')
		return false;
	host += 3;
	size_t host_n = strcspn(host, "/?#");
	const char *path = host + host_n;
	size_t path_n = strcspn(path, "?#");
	char *service = mem_alloc(path_n + sizeof("/../symbolz"));
	memcpy(service, path, path_n);
	strcpy(service + path_n, is_pprof_path(path, path_n) ? "/../symbol" : "/../symbolz");
	buf_add(out, source, (size_t)(path - source));
	path_clean(out, service);
	mem_free(service);
	return true;
}

static bool adjust(uint64_t addr, int64_t by, uint64_t *ret)
{
	return by < 0 ? !__builtin_sub_overflow(addr, (uint64_t)0 - (uint64_t)by, ret)
		      : !__builtin_add_overflow(addr, (uint64_t)by, ret);
}

static bool is_wanted(const struct profile *p, const struct location *l, uint32_t mapping)
{
	return l->mapping == mapping && l->address && !l->line_n;
}

/* "0x1+0x2": the addresses as the server knows them. */
static int build_query(
	struct buf *out, const struct profile *p, uint32_t mapping, int64_t offset, struct err *err)
{
	for (uint32_t i = 0; i < p->location_n; i++) {
		const struct location *l = &p->locations[i];
		uint64_t addr;
		if (!is_wanted(p, l, mapping))
			continue;
		if (!adjust(l->address, offset, &addr))
			return err_set(err, ERR_FORMAT,
				"cannot adjust address %" PRIu64 " by %" PRId64
				", it would overflow",
				l->address, offset);
		buf_printf(out, "%s0x%" PRIx64, out->len ? "+" : "", addr);
	}
	return 0;
}

struct answer {
	uint64_t addr;
	uint32_t function;
};

struct answers {
	struct answer *all;
	size_t n, cap;
};

static int by_addr(const void *a, const void *b)
{
	uint64_t x = ((const struct answer *)a)->addr, y = ((const struct answer *)b)->addr;
	return x < y ? -1 : x > y;
}

/* One line of the reply: "0x", digits, blanks, the name to the line's end. */
static bool parse_line(const char *line, uint64_t *ret_addr, const char **ret_name)
{
	const char *hex = line;
	while ((hex = strstr(hex, "0x"))) {
		char *end;
		uint64_t addr = strtoull(hex + 2, &end, 16);
		if (end > hex + 2 && isxdigit((unsigned char)hex[2]) &&
			isspace((unsigned char)*end)) {
			*ret_addr = addr;
			*ret_name = end + strspn(end, " \t\r\f\v");
			return true;
		}
		hex += 2;
	}
	return false;
}

static uint32_t add_function(struct profile *p, struct map *functions, const char *name)
{
	uint32_t id = strtab_addstr(&p->strings, name);
	bool is_new;
	uint32_t *index = map_put(functions, id, &is_new);
	if (is_new)
		*index = profile_add_function(p, &(struct function){.name = id, .system_name = id});
	return *index;
}

static int parse_reply(
	struct profile *p, char *reply, int64_t offset, struct answers *ret, struct err *err)
{
	struct map functions;
	char *save = NULL;
	int rc = 0;
	map_init(&functions);
	for (char *line = strtok_r(reply, "\n", &save); line && rc >= 0;
		line = strtok_r(NULL, "\n", &save)) {
		struct answer answer;
		const char *name;
		uint64_t addr;
		if (!parse_line(line, &addr, &name))
			continue;
		if (!adjust(addr, -offset, &answer.addr)) {
			rc = err_set(err, ERR_FORMAT,
				"cannot adjust symbolz address %" PRIu64 " by %" PRId64
				", it would overflow",
				addr, -offset);
			break;
		}
		answer.function = add_function(p, &functions, name);
		vec_push(ret->all, ret->n, ret->cap, answer);
	}
	map_release(&functions);
	return rc;
}

static void set_answers(struct profile *p, uint32_t mapping, struct answers *answers)
{
	if (!answers->n)
		return;
	qsort(answers->all, answers->n, sizeof(*answers->all), by_addr);
	for (uint32_t i = 0; i < p->location_n; i++) {
		struct answer key = {.addr = p->locations[i].address};
		if (p->locations[i].mapping != mapping)
			continue;
		const struct answer *found =
			bsearch(&key, answers->all, answers->n, sizeof(*answers->all), by_addr);
		if (found)
			profile_set_lines(p, i, &(struct line){.function = found->function}, 1);
	}
}

static int ask(struct profile *p, uint32_t mapping, const char *url, int64_t offset,
	const struct symbolize_opts *opts, struct err *err)
{
	struct buf query = BUF_INIT, reply = BUF_INIT;
	struct answers answers = {0};
	int rc = build_query(&query, p, mapping, offset, err);
	if (rc >= 0 && query.len) {
		rc = opts->post(opts->post_ctx, url, query.data, &reply, err);
		if (rc >= 0)
			rc = parse_reply(p, reply.data, offset, &answers, err);
		if (rc >= 0)
			set_answers(p, mapping, &answers);
	}
	mem_free(answers.all);
	buf_release(&query);
	buf_release(&reply);
	return rc;
}

static bool is_source_of(
	const struct profile *p, const struct mapping *m, const struct symbolize_source *source)
{
	const char *build_id = profile_str(p, m->build_id);
	return !strcmp(source->key, profile_str(p, m->file)) ||
	       (build_id[0] && !strcmp(source->key, build_id));
}

static int symbolize_mapping(
	struct profile *p, uint32_t mapping, const struct symbolize_opts *opts, struct err *err)
{
	struct mapping *m = &p->mappings[mapping];
	struct buf url = BUF_INIT;
	int rc = 0;
	for (size_t i = 0; i < opts->source_n; i++) {
		const struct symbolize_source *source = &opts->sources[i];
		if (!is_source_of(p, m, source) || !service_url(&url, source->url))
			continue;
		rc = ask(p, mapping, url.data, (int64_t)(source->start - m->start), opts, err);
		m->has_functions |= rc >= 0;
		break;
	}
	buf_release(&url);
	return rc;
}

int symbolize_remote(struct profile *p, const struct symbolize_opts *opts, struct err *err)
{
	for (uint32_t i = 0; i < p->mapping_n; i++) {
		/* The service gives names only, so names alone say that it was asked. */
		if (p->mappings[i].has_functions && !opts->force)
			continue;
		int rc = symbolize_mapping(p, i, opts, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
