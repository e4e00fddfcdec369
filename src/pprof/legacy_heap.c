/*
 * Heap profiles as text: gperftools' heap, growth and fragmentation profiles and the debug=1 form
 * of Go's. "heap profile: 1: 2 [3: 4] @ heap_v2/524288", then lines of the same shape with a stack.
 * Four columns where the numbers in brackets say more than those before them, two otherwise.
 */
#include "pprof/legacy.h"

#define COUNTS	      "heap profile: *(\\d+): *(\\d+) *\\[ *(\\d+): *(\\d+) *\\]"
#define HEAP	      COUNTS " *@ *(heap[_a-z0-9]*)/?(\\d*)"
#define GROWTH	      COUNTS " @ growthz?"
#define FRAGMENTATION COUNTS " @ fragmentationz?"
#define SAMPLE	      "(-?\\d+): *(-?\\d+) *\\[ *(\\d+): *(\\d+) *] @([ x0-9a-f]*)"

struct heap {
	struct legacy *l;
	struct lines lines;
	struct regex *sample;
	bool unsample, has_alloc;
};

static struct text group(struct regex_group g)
{
	return (struct text){g.s, g.n};
}

static bool same(struct regex_group a, struct regex_group b)
{
	return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
}

static bool says_more(struct regex_group total, struct regex_group inuse)
{
	return !same(total, inuse) && !text_is(group(total), "0");
}

static int heap_kind(struct heap *h, const struct regex_group *g)
{
	int64_t period = 0;
	const char *why;
	struct text kind = group(g[5]);
	if (g[6].n && !text_i64(group(g[6]), 10, &period, &why))
		return legacy_not_mine();
	h->has_alloc = says_more(g[3], g[1]) || says_more(g[4], g[2]);
	h->unsample = true;
	if (text_is(kind, "heapz_v2") || text_is(kind, "heap_v2")) {
		h->l->p->period = period;
	} else if (text_is(kind, "heap")) {
		h->l->p->period = period / 2; /* twice the rate, by tradition */
	} else if (text_is(kind, "heapprofile")) {
		h->l->p->period = 1;
		h->unsample = false;
	} else {
		return legacy_not_mine();
	}
	return 0;
}

static int match(struct heap *h, const char *pattern, struct regex_group *g, size_t n)
{
	struct regex *re;
	int rc = regex_compile_bytes(&re, pattern, h->l->err);
	if (rc < 0)
		return rc;
	rc = regex_groups(re, h->lines.line.s, h->lines.line.n, g, n);
	regex_free(re);
	return rc;
}

static int read_header(struct heap *h)
{
	struct regex_group g[7];
	if (!lines_next(&h->lines) || !text_contains(h->lines.line, "heap profile:"))
		return legacy_not_mine();
	int rc = match(h, HEAP, g, 7);
	if (rc > 0)
		return heap_kind(h, g);
	h->l->p->period = 1;
	if (rc == 0)
		rc = match(h, GROWTH, g, 1);
	if (rc == 0)
		rc = match(h, FRAGMENTATION, g, 1);
	return rc == 0 ? legacy_not_mine() : rc < 0 ? rc : 0;
}

static int bad_number(struct heap *h, struct text line, struct text number, const char *why)
{
	return err_line(h->l->err, ERR_FORMAT, h->lines.number,
		"malformed sample: %.*s: strconv.ParseInt: parsing \"%.*s\": %s", TEXT_ARGS(line),
		TEXT_ARGS(number), why);
}

/* Count and size into values[0] and [1]; *block_size becomes the mean, if there is one. */
static int read_pair(struct heap *h, struct text line, const struct regex_group *g,
	const char *label, int64_t *values, int64_t *block_size)
{
	int64_t count, size;
	const char *why;
	if (!text_i64(group(g[0]), 10, &count, &why))
		return bad_number(h, line, group(g[0]), why);
	if (!text_i64(group(g[1]), 10, &size, &why))
		return bad_number(h, line, group(g[1]), why);
	if (count == 0 && size != 0)
		return err_line(h->l->err, ERR_FORMAT, h->lines.number,
			"%s count was 0 but %s bytes was %lld", label, label, (long long)size);
	if (count != 0) {
		*block_size = count == -1 ? (int64_t)(0 - (uint64_t)size) : size / count;
		if (h->unsample)
			legacy_unsample(&count, &size, h->l->p->period);
	}
	values[0] = count;
	values[1] = size;
	return 0;
}

static int read_sample(struct heap *h, struct text line)
{
	struct regex_group g[6];
	int rc = regex_groups(h->sample, line.s, line.n, g, array_len(g));
	if (rc <= 0)
		return err_line(h->l->err, rc < 0 ? rc : ERR_FORMAT, h->lines.number,
			"unexpected number of sample values: got 0, want 6");
	int64_t values[4], block_size = 0;
	rc = 0;
	if (h->has_alloc)
		rc = read_pair(h, line, &g[3], "allocation", values, &block_size);
	if (rc >= 0)
		rc = read_pair(
			h, line, &g[1], "inuse", values + (h->has_alloc ? 2 : 0), &block_size);
	if (rc < 0)
		return rc;
	struct text bad;
	if (!legacy_addresses(h->l, group(g[5]), 1, &bad))
		return legacy_bad_address(h->l, &h->lines, line, bad);
	struct label bytes = {.key = strtab_addstr(&h->l->p->strings, "bytes"),
		.num = block_size,
		.is_num = true};
	legacy_sample(h->l, values, &bytes, 1);
	return 0;
}

static int read_samples(struct heap *h)
{
	int rc = regex_compile_bytes(&h->sample, SAMPLE, h->l->err);
	while (rc >= 0 && lines_next(&h->lines)) {
		struct text line = text_trim(h->lines.line);
		if (legacy_is_sentinel(line) && !legacy_skips(line))
			break;
		if (!legacy_skips(line))
			rc = read_sample(h, line);
	}
	regex_free(h->sample);
	return rc;
}

int legacy_heap(struct legacy *l, const uint8_t *data, size_t n)
{
	static const char *const with_alloc[][2] = {{"alloc_objects", "count"},
		{"alloc_space", "bytes"}, {"inuse_objects", "count"}, {"inuse_space", "bytes"}};
	static const char *const plain[][2] = {{"objects", "count"}, {"space", "bytes"}};
	struct heap h = {.l = l, .lines = lines_of(data, n)};
	int rc = read_header(&h);
	if (rc < 0)
		return rc;
	legacy_period_type(l, "space", "bytes");
	if (h.has_alloc)
		legacy_types(l, with_alloc, array_len(with_alloc));
	else
		legacy_types(l, plain, array_len(plain));
	rc = read_samples(&h);
	return rc < 0 ? rc : legacy_finish(l, &h.lines);
}
