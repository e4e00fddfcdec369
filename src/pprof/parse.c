/*
 * profile_parse(): what google/pprof's Parse reads, in its order: gzip off, profile.proto, then the
 * legacy formats; and profile_check(), its CheckValid, for profiles built by hand.
 */
#include "pprof/internal.h"

static size_t inflated_max(const struct profile_limits *limits)
{
	return limits && limits->inflated_max ? limits->inflated_max : INFLATED_MAX;
}

static int empty_input(struct err *err)
{
	return err_set(err, ERR_TRUNCATED, "parsing profile: empty input file");
}

static int parse_legacy(
	struct profile *p, const void *data, size_t n, int64_t proto_offset, struct err *err)
{
	struct err why = ERR_INIT;
	int rc = legacy_parse(p, data, n, &why);
	if (rc >= 0)
		return rc;
	if (why.offset < 0 && !why.line)
		why.offset = proto_offset;
	err_prefix(&why, "parsing profile");
	if (err)
		*err = why;
	return rc;
}

/* The message as it is inflated. */
static int parse_message(struct profile *p, const void *data, size_t n,
	const struct profile_limits *limits, bool *ret_is_proto, struct err *err)
{
	bool mapped = limits && limits->mapped;
	struct gzip_reader *gzip = gzip_reader_new(data, n, inflated_max(limits), mapped);
	int rc = proto_parse(p, NULL, 0, gzip, limits, ret_is_proto, err);
	gzip_reader_free(gzip);
	return rc;
}

/* A message is read without ever being in memory whole; should it prove to be none, inflating it
 * again is the price. */
static int parse_gzip(struct profile *p, const void *data, size_t n,
	const struct profile_limits *limits, struct err *err)
{
	struct buf plain = BUF_INIT;
	struct err why = ERR_INIT;
	bool is_proto;
	int rc = parse_message(p, data, n, limits, &is_proto, &why);
	if (rc >= 0)
		return rc;
	if (is_proto) {
		if (err)
			*err = why;
		return rc;
	}
	rc = gzip_inflate(data, n, inflated_max(limits), &plain, err);
	if (rc < 0)
		err_prefix(err, "decompressing profile");
	else if (plain.len == 0)
		rc = empty_input(err);
	else
		rc = parse_legacy(p, plain.data, plain.len, why.offset, err);
	buf_release(&plain);
	return rc;
}

int profile_parse(struct profile *p, const void *data, size_t n,
	const struct profile_limits *limits, struct err *err)
{
	if (gzip_is(data, n))
		return parse_gzip(p, data, n, limits, err);
	if (n == 0)
		return empty_input(err);
	struct err why = ERR_INIT;
	bool is_proto;
	int rc = proto_parse(p, data, n, NULL, limits, &is_proto, &why);
	if (rc < 0 && !is_proto)
		return parse_legacy(p, data, n, why.offset, err);
	if (rc < 0 && err)
		*err = why;
	return rc;
}

/* --- profile_check --- */

static int check_id(
	uint64_t id, struct map *seen, const char *reserved, const char *kind, struct err *err)
{
	bool is_new;
	if (id == 0)
		return err_set(err, ERR_FORMAT, "%s", reserved);
	map_put(seen, id, &is_new);
	if (!is_new)
		return err_set(err, ERR_FORMAT, "multiple %s with same id: %llu", kind,
			(unsigned long long)id);
	return 0;
}

/* The things lie `stride` bytes apart, each beginning with its id. */
static bool are_numbered(const void *first, uint32_t n, size_t stride)
{
	uint32_t i = 0;
	while (i < n && *(const uint64_t *)((const char *)first + i * stride) == (uint64_t)i + 1)
		i++;
	return i == n;
}

static int check_ids(const void *first, uint32_t n, size_t stride, const char *reserved,
	const char *kind, struct err *err)
{
	struct map seen;
	if (are_numbered(first, n, stride))
		return 0;
	map_init(&seen);
	map_reserve(&seen, n);
	int rc = 0;
	for (uint32_t i = 0; i < n && rc >= 0; i++)
		rc = check_id(*(const uint64_t *)((const char *)first + i * stride), &seen,
			reserved, kind, err);
	map_release(&seen);
	return rc;
}

static int check_samples(const struct profile *p, struct err *err)
{
	if (!p->sample_type_n && p->sample_n)
		return err_set(err, ERR_FORMAT, "missing sample type information");
	if (p->frames.top > p->location_n)
		return err_set(err, ERR_FORMAT, "sample has nil location");
	return 0;
}

static int check_locations(const struct profile *p, struct err *err)
{
	for (uint32_t i = 0; i < p->location_n; i++) {
		const struct location *l = &p->locations[i];
		if (l->mapping != PROFILE_NONE && l->mapping >= p->mapping_n)
			return err_set(err, ERR_FORMAT, "inconsistent mapping: %u", l->mapping);
		for (uint32_t j = 0; j < l->line_n; j++)
			if (p->lines[l->line_first + j].function >= p->function_n)
				return err_set(err, ERR_FORMAT,
					"location id: %llu has a line with nil function",
					(unsigned long long)l->id);
	}
	return 0;
}

int profile_check(const struct profile *p, struct err *err)
{
	int rc = check_samples(p, err);
	if (rc >= 0)
		rc = check_ids(p->mappings, p->mapping_n, sizeof(*p->mappings),
			"found mapping with reserved ID=0", "mappings", err);
	if (rc >= 0)
		rc = check_ids(p->functions, p->function_n, sizeof(*p->functions),
			"found function with reserved ID=0", "functions", err);
	if (rc >= 0)
		rc = check_ids(p->locations, p->location_n, sizeof(*p->locations),
			"found location with reserved id=0", "locations", err);
	return rc < 0 ? rc : check_locations(p, err);
}
