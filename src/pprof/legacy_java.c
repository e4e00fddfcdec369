/*
 * Java's heapz, contentionz and (behind legacy_cpu.c's samples) CPU profiles: their locations are
 * numbered places, described at the end with function, file and line.
 */
#include "pprof/legacy.h"

#define SAMPLING_RATE 524288
#define SAMPLE	      " *(\\d+) +(\\d+) +@ +([ x0-9a-f]*)"
#define ATTRIBUTE     "([\\w ]+)=([\\w ]+)"
#define LOCATION      "^\\s*0x([[:xdigit:]]+)\\s+(.*)\\s*$"
#define FILE_LINE     "^(.*)\\s+\\((.+):(-?[[:digit:]]+)\\)$"
#define PATH	      "^(.*)\\s+\\((.*)\\)$"

struct java {
	struct legacy *l;
	struct lines lines;
	bool heap;
	struct regex *sample, *attribute, *location, *file_line, *path;
	struct map functions; /* name -> index + 1 */
};

static struct text group(struct regex_group g)
{
	return (struct text){g.s, g.n};
}

static int compile(struct java *j)
{
	const struct {
		struct regex **re;
		const char *pattern;
	} all[] = {{&j->sample, SAMPLE}, {&j->attribute, ATTRIBUTE}, {&j->location, LOCATION},
		{&j->file_line, FILE_LINE}, {&j->path, PATH}};
	int rc = 0;
	for (size_t i = 0; i < array_len(all) && rc >= 0; i++)
		rc = regex_compile_bytes(all[i].re, all[i].pattern, j->l->err);
	return rc;
}

static void release(struct java *j)
{
	regex_free(j->sample);
	regex_free(j->attribute);
	regex_free(j->location);
	regex_free(j->file_line);
	regex_free(j->path);
	map_release(&j->functions);
}

/* --- locations --- */

static struct text base_name(struct text path)
{
	while (path.n > 1 && path.s[path.n - 1] == '/')
		path.n--;
	if (!path.n)
		return (struct text){".", 1};
	const char *slash = path.n > 1 ? memrchr(path.s, '/', path.n) : NULL;
	if (!slash)
		return path;
	return (struct text){slash + 1, path.n - (size_t)(slash + 1 - path.s)};
}

/* The function of that name; the first to name it says where it is. */
static uint32_t function_of(struct java *j, struct text name, struct text file)
{
	struct strtab *strings = &j->l->p->strings;
	struct function f = {.name = strtab_add(strings, name.n ? name.s : "", name.n),
		.filename = strtab_add(strings, file.n ? file.s : "", file.n)};
	f.system_name = f.name;
	bool is_new;
	uint32_t *index = map_put(&j->functions, f.name, &is_new);
	if (is_new)
		*index = profile_add_function(j->l->p, &f);
	return *index;
}

/* "function (file:line)", "function (library)", or just words such as "GC". */
static struct line describe(struct java *j, struct text what)
{
	struct regex_group g[4];
	struct line line = {0};
	struct text name = what, file = {0};
	const char *why;
	if (regex_groups(j->file_line, what.s, what.n, g, 4) > 0) {
		name = group(g[1]);
		file = group(g[2]);
		if (!text_i64(group(g[3]), 10, &line.line, &why) || line.line < 0)
			line.line = 0;
	} else if (regex_groups(j->path, what.s, what.n, g, 3) > 0) {
		name = group(g[1]);
		file = base_name(group(g[2]));
	} else if (text_contains(what, "generated stub/JIT")) {
		name = (struct text){"STUB", 4};
	}
	line.function = function_of(j, name, file);
	return line;
}

static int read_location(struct java *j, struct text line)
{
	struct regex_group g[3];
	uint64_t address;
	const char *why;
	if (regex_groups(j->location, line.s, line.n, g, 3) <= 0)
		return 0;
	if (!text_u64(group(g[1]), 16, &address, &why))
		return err_line(j->l->err, ERR_FORMAT, j->lines.number,
			"parsing sample %.*s: strconv.ParseUint: parsing \"%.*s\": %s",
			TEXT_ARGS(line), TEXT_ARGS(group(g[1])), why);
	uint32_t *index = map_get(&j->l->locations, address);
	if (!index)
		return 0; /* no sample has it */
	struct line described = describe(j, group(g[2]));
	profile_set_lines(j->l->p, *index, &described, 1);
	j->l->p->locations[*index].address = 0;
	return 0;
}

/* From the current line on. Addresses say nothing once they are described, and would keep equal
 * stacks of two runs apart. */
static int read_locations(struct java *j)
{
	int rc = 0;
	do {
		struct text line = text_trim(j->lines.line);
		if (line.n)
			rc = read_location(j, line);
	} while (rc >= 0 && lines_next(&j->lines));
	if (rc >= 0)
		rc = legacy_remap(j->l);
	profile_aggregate(j->l->p, PROFILE_KEEP_INLINES | PROFILE_KEEP_FUNCTIONS |
					   PROFILE_KEEP_FILES | PROFILE_KEEP_LINES);
	return rc;
}

int legacy_java_locations(struct legacy *l, const uint8_t *data, size_t n)
{
	struct java j = {.l = l, .lines = lines_of(data, n)};
	int rc = compile(&j);
	if (rc >= 0)
		rc = read_locations(&j);
	release(&j);
	return rc;
}

/* --- heapz and contentionz --- */

static void set_types(struct java *j, const char *count, const char *sum, struct text unit)
{
	struct profile *p = j->l->p;
	p->sample_type_n = 0;
	profile_add_sample_type(p, count, "count");
	profile_add_sample_type(p, sum, "");
	p->sample_types[1].unit = strtab_add(&p->strings, unit.s, unit.n);
}

static int read_number(struct java *j, struct text line, struct text value, int64_t *ret)
{
	const char *why;
	if (text_i64(value, 0, ret, &why))
		return 0;
	return err_line(j->l->err, ERR_FORMAT, j->lines.number,
		"failed to parse attribute %.*s: strconv.ParseInt: parsing \"%.*s\": %s",
		TEXT_ARGS(line), TEXT_ARGS(value), why);
}

static int read_attribute(struct java *j, struct text line, struct text key, struct text value)
{
	struct profile *p = j->l->p;
	int64_t ms;
	if (text_is(key, "format"))
		return text_is(value, "java") ? 0 : legacy_not_mine();
	if (text_is(key, "resolution")) {
		if (j->heap)
			set_types(j, "inuse_objects", "inuse_space", value);
		else
			set_types(j, "contentions", "delay", value);
		return 0;
	}
	if (!j->heap && text_is(key, "sampling period")) {
		legacy_period_type(j->l, "contentions", "count");
		return read_number(j, line, value, &p->period);
	}
	if (j->heap || !text_is(key, "ms since reset"))
		return legacy_not_mine();
	int rc = read_number(j, line, value, &ms);
	if (rc >= 0)
		p->duration_nanos = (int64_t)((uint64_t)ms * 1000000);
	return rc;
}

/* Whether the current line ended: Go's reader does not see a last line without its end. */
static bool complete(const struct lines *lines)
{
	return lines->p > lines->start && lines->p[-1] == '\n';
}

/* Up to the first line that is no attribute, which stays the current one. */
static int read_header(struct java *j)
{
	struct regex_group g[3];
	while (lines_next(&j->lines) && complete(&j->lines)) {
		struct text line = text_trim(j->lines.line);
		if (!line.n)
			continue;
		if (regex_groups(j->attribute, line.s, line.n, g, 3) <= 0)
			break;
		int rc = read_attribute(j, line, text_trim(group(g[1])), text_trim(group(g[2])));
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int bad_value(struct java *j, struct text line, struct text number, const char *why)
{
	return err_line(j->l->err, ERR_FORMAT, j->lines.number,
		"parsing sample %.*s: strconv.ParseInt: parsing \"%.*s\": %s", TEXT_ARGS(line),
		TEXT_ARGS(number), why);
}

/* The two columns are the other way round than in every other profile. */
static int add_sample(struct java *j, struct text line, const struct regex_group *g)
{
	struct profile *p = j->l->p;
	struct text bad;
	const char *why;
	int64_t values[2];
	if (!legacy_addresses(j->l, group(g[3]), 0, &bad))
		return legacy_bad_address(j->l, &j->lines, line, bad);
	if (!text_i64(group(g[2]), 0, &values[0], &why))
		return bad_value(j, line, group(g[2]), why);
	if (!text_i64(group(g[1]), 0, &values[1], &why))
		return bad_value(j, line, group(g[1]), why);
	struct label bytes = {.key = strtab_addstr(&p->strings, "bytes"), .is_num = true};
	if (j->heap) {
		if (values[0] == 0)
			return err_line(j->l->err, ERR_FORMAT, j->lines.number,
				"parsing sample %.*s: second value must be non-zero",
				TEXT_ARGS(line));
		bytes.num = values[1] / values[0];
		legacy_unsample(&values[0], &values[1], SAMPLING_RATE);
	} else if (p->period) {
		for (int i = 0; i < 2; i++)
			values[i] = (int64_t)((uint64_t)values[i] * (uint64_t)p->period);
	}
	if (p->sample_type_n != 2)
		return err_line(
			j->l->err, ERR_FORMAT, j->lines.number, "missing sample type information");
	legacy_sample(j->l, values, &bytes, j->heap);
	return 0;
}

/* From the current line up to the first that is no sample, which stays the current one. */
static int read_samples(struct java *j)
{
	struct regex_group g[4];
	do {
		struct text line = text_trim(j->lines.line);
		if (!complete(&j->lines))
			break;
		if (!line.n)
			continue;
		if (regex_groups(j->sample, line.s, line.n, g, 4) <= 0)
			break;
		int rc = add_sample(j, line, g);
		if (rc < 0)
			return rc;
	} while (lines_next(&j->lines));
	return 0;
}

int legacy_java(struct legacy *l, const uint8_t *data, size_t n)
{
	struct java j = {.l = l, .lines = lines_of(data, n)};
	if (!lines_next(&j.lines) || !complete(&j.lines))
		return legacy_not_mine();
	struct text header = text_trim(j.lines.line);
	j.heap = text_is(header, "--- heapz 1 ---");
	if (!j.heap && !text_is(header, "--- contentionz 1 ---"))
		return legacy_not_mine();
	int rc = compile(&j);
	if (rc >= 0)
		rc = read_header(&j);
	if (rc >= 0)
		rc = read_samples(&j);
	if (rc >= 0)
		rc = read_locations(&j);
	release(&j);
	return rc;
}
