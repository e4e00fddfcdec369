/*
 * Three text profiles: Go's counts ("goroutine profile: total 4"), threadz, and contention, C++'s
 * contentionz and the debug=1 form of Go's mutex and block profiles.
 */
#include "pprof/legacy.h"

static struct text group(struct regex_group g)
{
	return (struct text){g.s, g.n};
}

/* To the first line that is not empty or a comment. */
static void skip_comments(struct lines *lines)
{
	while (lines_next(lines) && legacy_skips(lines->line))
		continue;
}

/* --- counts --- */

static bool all_digits(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.s[i] < '0' || t.s[i] > '9')
			return false;
	return t.n != 0;
}

/* "NAME profile: total N" and nothing else. */
static bool count_header(struct text line, struct text *ret_name)
{
	static const char middle[] = " profile: total ";
	*ret_name = (struct text){line.s, 0};
	while (ret_name->n < line.n && !text_is_space(line.s[ret_name->n]))
		ret_name->n++;
	struct text rest = {line.s + ret_name->n, line.n - ret_name->n};
	if (!ret_name->n || !text_has_prefix(rest, middle))
		return false;
	size_t skip = sizeof(middle) - 1;
	return all_digits((struct text){rest.s + skip, rest.n - skip});
}

/* "N @ 0x1 0x2", single spaces, at least one address. */
static int count_sample(struct legacy *l, const struct lines *lines)
{
	struct text rest = lines->line;
	struct text number = text_cut(&rest, ' ');
	int64_t count;
	const char *why;
	if (!all_digits(number) || !text_i64(number, 0, &count, &why))
		return legacy_malformed(l, lines);
	if (!rest.n || !text_is(text_cut(&rest, ' '), "@") || !rest.n)
		return legacy_malformed(l, lines);
	while (rest.n) {
		bool last = !memchr(rest.s, ' ', rest.n);
		struct text hex = text_cut(&rest, ' ');
		uint64_t address;
		for (size_t i = 0; i < hex.n; i++)
			if (hex.s[i] >= 'A' && hex.s[i] <= 'F')
				return legacy_malformed(l, lines);
		if (!text_has_prefix(hex, "0x") || (!last && !rest.n) ||
			!text_u64(hex, 0, &address, &why))
			return legacy_malformed(l, lines);
		legacy_push(l, address - 1);
	}
	legacy_sample(l, &count, NULL, 0);
	return 0;
}

int legacy_count(struct legacy *l, const uint8_t *data, size_t n)
{
	struct lines lines = lines_of(data, n);
	struct text name;
	skip_comments(&lines);
	if (!count_header(lines.line, &name))
		return legacy_not_mine();
	struct value_type type = {
		strtab_add(&l->p->strings, name.s, name.n), strtab_addstr(&l->p->strings, "count")};
	vec_push(l->p->sample_types, l->p->sample_type_n, l->p->sample_type_cap, type);
	l->p->period_type = type;
	l->p->period = 1;
	int rc = 0;
	while (rc >= 0 && lines_next(&lines) && !text_has_prefix(lines.line, "---"))
		if (!legacy_skips(lines.line))
			rc = count_sample(l, &lines);
	return rc < 0 ? rc : legacy_finish(l, &lines);
}

/* --- threadz --- */

#define THREAD "--- Thread ([[:xdigit:]]+) \\(name: (.*)/(\\d+)\\) stack: ---"

static bool is_threadz(struct text line)
{
	static const char start[] = "--- threadz ";
	const char *at = line.n ? memmem(line.s, line.n, start, sizeof(start) - 1) : NULL;
	if (!at)
		return false;
	struct text rest = {at + sizeof(start) - 1, 0};
	rest.n = line.n - (size_t)(rest.s - line.s);
	struct text digits = rest;
	digits.n = 0;
	while (digits.n < rest.n && rest.s[digits.n] >= '0' && rest.s[digits.n] <= '9')
		digits.n++;
	rest.s += digits.n;
	rest.n -= digits.n;
	return digits.n && text_has_prefix(rest, " ---");
}

/* One stack, symbolized or not, up to the next "---": onto the stack, the leaf as it is, the others
 * as the calls they return to. *line becomes that line. */
static int thread_stack(struct legacy *l, struct lines *lines, struct text *line, bool *ret_same)
{
	*ret_same = false;
	uint32_t read = 0;
	*line = (struct text){lines->p, 0};
	while (lines_next(lines)) {
		*line = text_trim(lines->line);
		if (text_has_prefix(*line, "---"))
			break;
		if (text_contains(*line, "same as previous thread")) {
			*ret_same = true;
			continue;
		}
		struct text rest = *line, bad;
		if (read == 0 && rest.n) {
			/* The first address of all is the leaf. */
			if (!legacy_addresses(l, rest, 0, &bad))
				return legacy_bad_address(l, lines, *line, bad);
			read = l->stack_n;
			for (uint32_t i = 1; i < read; i++)
				l->stack[i] = legacy_location(
					l, l->p->locations[l->stack[i]].address - 1);
			continue;
		}
		if (!legacy_addresses(l, rest, 1, &bad))
			return legacy_bad_address(l, lines, *line, bad);
	}
	return 0;
}

static int read_threads(struct legacy *l, struct lines *lines, struct regex *thread)
{
	struct profile *p = l->p;
	struct text line = lines->line;
	while (!legacy_is_sentinel(line)) {
		if (text_has_prefix(line, "---- no stack trace for"))
			break;
		if (regex_match(thread, line.s, line.n) <= 0)
			return legacy_not_mine();
		bool same;
		int rc = thread_stack(l, lines, &line, &same);
		if (rc < 0)
			return rc;
		if (same || !l->stack_n) {
			if (p->sample_n)
				profile_values(p, p->sample_n - 1)[0]++;
			l->stack_n = 0;
			continue;
		}
		legacy_sample(l, (int64_t[]){1}, NULL, 0);
	}
	return 0;
}

/* Past the header and the words before the first thread, which becomes the current line. */
static bool thread_header(struct lines *lines, struct regex *thread)
{
	skip_comments(lines);
	if (!is_threadz(lines->line))
		return regex_match(thread, lines->line.s, lines->line.n) > 0;
	struct text last = lines->line;
	while (lines_next(lines)) {
		last = lines->line;
		if (legacy_is_sentinel(last) || text_has_prefix(last, "-"))
			break;
	}
	lines->line = last;
	return true;
}

int legacy_thread(struct legacy *l, const uint8_t *data, size_t n)
{
	static const char *const types[][2] = {{"thread", "count"}};
	struct lines lines = lines_of(data, n);
	struct regex *thread;
	int rc = regex_compile_bytes(&thread, THREAD, l->err);
	if (rc < 0)
		return rc;
	rc = legacy_not_mine();
	if (thread_header(&lines, thread)) {
		legacy_types(l, types, 1);
		legacy_period_type(l, "thread", "count");
		l->p->period = 1;
		rc = read_threads(l, &lines, thread);
	}
	regex_free(thread);
	if (rc >= 0)
		rc = legacy_finish(l, &lines);
	legacy_drop_duplicate_leaves(l->p);
	return rc;
}

/* --- contention --- */

#define CONTENTION "(\\d+) *(\\d+) @([ x0-9a-f]*)"

static bool is_contention(struct text line)
{
	return text_has_prefix(line, "--- contentionz ") || text_has_prefix(line, "--- mutex:") ||
	       text_has_prefix(line, "--- contention:");
}

static int read_attribute(struct legacy *l, struct text line, int64_t *hz)
{
	const char *why;
	int64_t ms;
	struct text value = line;
	struct text key = text_trim(text_cut(&value, '='));
	value = text_trim(value);
	if (text_is(key, "cycles/second"))
		return text_i64(value, 0, hz, &why) ? 0 : legacy_not_mine();
	if (text_is(key, "sampling period"))
		return text_i64(value, 0, &l->p->period, &why) ? 0 : legacy_not_mine();
	if (text_is(key, "discarded samples"))
		return 0;
	if (!text_is(key, "ms since reset") || !text_i64(value, 0, &ms, &why))
		return legacy_not_mine();
	l->p->duration_nanos = (int64_t)((uint64_t)ms * 1000000);
	return 0;
}

/* "name = value" lines, up to the first sample. */
static int read_attributes(struct legacy *l, struct lines *lines, int64_t *hz)
{
	while (lines_next(lines)) {
		struct text line = text_trim(lines->line);
		if (legacy_skips(line))
			continue;
		if (text_has_prefix(line, "---") || !memchr(line.s, '=', line.n))
			break;
		int rc = read_attribute(l, line, hz);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int bad_number(struct legacy *l, const struct lines *lines, struct text line,
	struct text number, const char *why)
{
	return err_line(l->err, ERR_FORMAT, lines->number,
		"malformed sample: %.*s: strconv.ParseInt: parsing \"%.*s\": %s", TEXT_ARGS(line),
		TEXT_ARGS(number), why);
}

/* "cycles contentions @ stack": cycles become nanoseconds, both are multiplied by the period. */
static int contention_sample(
	struct legacy *l, struct lines *lines, struct regex *sample, struct text line, int64_t hz)
{
	struct regex_group g[4];
	int rc = regex_groups(sample, line.s, line.n, g, array_len(g));
	if (rc <= 0)
		return rc < 0 ? rc : legacy_not_mine();
	int64_t delay, count, period = l->p->period;
	const char *why;
	if (!text_i64(group(g[1]), 10, &delay, &why))
		return bad_number(l, lines, line, group(g[1]), why);
	if (!text_i64(group(g[2]), 10, &count, &why))
		return bad_number(l, lines, line, group(g[2]), why);
	if (period > 0) {
		if (hz > 0)
			delay = int64_of((double)delay * (double)period / ((double)hz / 1e9));
		count = (int64_t)((uint64_t)count * (uint64_t)period);
	}
	struct text bad;
	if (!legacy_addresses(l, group(g[3]), 1, &bad))
		return legacy_bad_address(l, lines, line, bad);
	legacy_sample(l, (int64_t[]){count, delay}, NULL, 0);
	return 0;
}

static int read_contentions(struct legacy *l, struct lines *lines, int64_t hz)
{
	struct regex *sample;
	int rc = regex_compile_bytes(&sample, CONTENTION, l->err);
	if (rc < 0)
		return rc;
	do {
		struct text line = text_trim(lines->line);
		if (text_has_prefix(line, "---"))
			break;
		if (!legacy_skips(line))
			rc = contention_sample(l, lines, sample, line, hz);
	} while (rc >= 0 && lines_next(lines));
	regex_free(sample);
	return rc;
}

int legacy_contention(struct legacy *l, const uint8_t *data, size_t n)
{
	static const char *const types[][2] = {{"contentions", "count"}, {"delay", "nanoseconds"}};
	struct lines lines = lines_of(data, n);
	if (!lines_next(&lines) || !is_contention(lines.line))
		return legacy_not_mine();
	legacy_types(l, types, array_len(types));
	legacy_period_type(l, "contentions", "count");
	l->p->period = 1;
	int64_t hz = 0;
	int rc = read_attributes(l, &lines, &hz);
	if (rc >= 0)
		rc = read_contentions(l, &lines, hz);
	return rc < 0 ? rc : legacy_finish(l, &lines);
}
