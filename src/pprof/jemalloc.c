/*
 * jemalloc's heap dumps (prof.dump, "heap_v2/RATE"): a stack "@ 0x1 0x2", then who has what of it,
 * "t*: objects: bytes [allocated objects: bytes]" for all threads together and a line for each. The
 * sum is what is read. Then /proc/self/maps. Counts are of sampled allocations, and scaled back as
 * jeprof does.
 */
#include "pprof/legacy.h"
#include "pprof/readers.h"

#define HEADER "heap_v2/"
#define COUNTS "^\\s*t\\*: *(\\d+): *(\\d+) *\\[ *(\\d+): *(\\d+) *\\]"

struct dump {
	struct legacy l;
	struct lines lines;
	struct regex *counts;
	int64_t rate;
	bool has_alloc; /* the dump has totals since the start (prof_accum) */
	bool in_stack;	/* a stack was read, its counts are to come */
};

bool jemalloc_is(const void *data, size_t n)
{
	return text_has_prefix((struct text){data, n}, HEADER);
}

static int read_rate(struct dump *d)
{
	const char *why;
	lines_next(&d->lines);
	if (!text_has_prefix(d->lines.line, HEADER))
		return err_line(d->l.err, ERR_FORMAT, 1,
			"not a jemalloc dump: it does not begin with \"" HEADER "\"");
	struct text rate = d->lines.line;
	rate.s += sizeof(HEADER) - 1;
	rate.n -= sizeof(HEADER) - 1;
	if (!text_i64(text_trim(rate), 10, &d->rate, &why) || d->rate < 1)
		return err_line(d->l.err, ERR_FORMAT, 1,
			"jemalloc dump: the sampling rate \"%.*s\" "
			"is no number",
			TEXT_ARGS(rate));
	return 0;
}

static int read_stack(struct dump *d, struct text line)
{
	struct text bad;
	d->l.stack_n = 0;
	d->in_stack = true;
	if (legacy_addresses(&d->l, line, 1, &bad))
		return 0;
	return legacy_bad_address(&d->l, &d->lines, line, bad);
}

/* The numbers of a "t*:" line: 1, 0 for a single thread's share, or an error. */
static int read_numbers(struct dump *d, struct text line, int64_t *ret)
{
	struct regex_group g[5];
	const char *why;
	int rc = regex_groups(d->counts, line.s, line.n, g, array_len(g));
	for (int i = 0; i < 4 && rc > 0; i++)
		if (!text_i64((struct text){g[i + 1].s, g[i + 1].n}, 10, &ret[i], &why))
			return err_line(d->l.err, ERR_FORMAT, d->lines.number,
				"jemalloc dump: %.*s: %s", TEXT_ARGS(line), why);
	return rc;
}

static int read_counts(struct dump *d, struct text line)
{
	int64_t v[4], values[4];
	int rc = read_numbers(d, line, v);
	if (rc <= 0)
		return rc;
	int64_t block = v[0] ? v[1] / v[0] : v[2] ? v[3] / v[2] : 0;
	legacy_unsample(&v[0], &v[1], d->rate);
	legacy_unsample(&v[2], &v[3], d->rate);
	memcpy(values, v + 2, 2 * sizeof(*v));
	memcpy(values + 2, v, 2 * sizeof(*v));
	struct label bytes = {.key = strtab_addstr(&d->l.p->strings, "bytes"),
		.num = block,
		.num_unit = strtab_addstr(&d->l.p->strings, "bytes"),
		.is_num = true};
	legacy_sample(&d->l, d->has_alloc ? values : v, &bytes, block != 0);
	d->in_stack = false;
	return 0;
}

/* The totals before the first stack say whether anything but the present is counted. */
static int read_totals(struct dump *d)
{
	static const char *const types[][2] = {{"alloc_objects", "count"}, {"alloc_space", "bytes"},
		{"inuse_objects", "count"}, {"inuse_space", "bytes"}};
	const struct lines at = d->lines;
	int64_t v[4] = {0};
	int rc = 0;
	while (rc == 0 && lines_next(&d->lines) && !text_has_prefix(d->lines.line, "@"))
		rc = read_numbers(d, text_trim(d->lines.line), v);
	d->lines = at;
	d->has_alloc = v[2] || v[3];
	if (d->has_alloc)
		legacy_types(&d->l, types, 4);
	else
		legacy_types(&d->l, types + 2, 2);
	return rc < 0 ? rc : 0;
}

static int read_stacks(struct dump *d)
{
	int rc = 0;
	while (rc >= 0 && lines_next(&d->lines) && !legacy_is_sentinel(d->lines.line)) {
		struct text line = text_trim(d->lines.line);
		if (text_has_prefix(line, "@"))
			rc = read_stack(d, line);
		else if (d->in_stack)
			rc = read_counts(d, line);
	}
	return rc;
}

int jemalloc_parse(struct profile *p, const void *data, size_t n, struct err *err)
{
	struct dump d = {.l = {.p = p, .err = err}, .lines = lines_of(data, n)};
	profile_init(p);
	legacy_period_type(&d.l, "space", "bytes");
	int rc = read_rate(&d);
	p->period = d.rate;
	if (rc >= 0)
		rc = regex_compile_bytes(&d.counts, COUNTS, err);
	if (rc >= 0)
		rc = read_totals(&d);
	if (rc >= 0)
		rc = read_stacks(&d);
	d.l.stack_n = 0;
	if (rc >= 0)
		rc = legacy_finish(&d.l, &d.lines);
	if (rc >= 0)
		legacy_frame_info(p);
	regex_free(d.counts);
	legacy_release(&d.l);
	return rc;
}
