/*
 * The memory map at the end of a legacy profile: the lines of /proc/self/maps, or of the brief form
 * "start end file (@offset) build-id", behind a logging prefix or not, with $attributes replaced;
 * then what Go does to make sense of mappings and of locations without one.
 */
#include "pprof/legacy.h"

/* A step is one location compared with one mapping: this many are seconds. */
#define STEPS_MAX   ((uint64_t)1 << 32)
#define ATTRS_MAX   1000
#define REPLACE_MAX ((size_t)1 << 16) /* past this no replacing: it could grow without end */

#define HEX   "(?:0x)?([[:xdigit:]]+)"
#define RANGE "^\\s*" HEX "[\\s-]?\\s*" HEX ":?"
#define PERM  "(?:\\s+([-rwxp]+))?"
#define NAME  "(?:\\s+(\\S+))?"
#define PROC_MAPS \
	RANGE PERM "(?:\\s+([[:xdigit:]]+))?\\s+[[:xdigit:]]+:[[:xdigit:]]+\\s+[[:digit:]]+" NAME
#define BRIEF	 RANGE PERM NAME "(?:\\s+\\(@([[:xdigit:]]+)\\))?(?:\\s+([[:xdigit:]]+))?"
#define LOG_INFO "^[^\\[\\]]+:[0-9]+]\\s"
#define LIBRARY	 "([.]so$|[.]so[._][0-9]+)"

struct attr {
	char *name, *value; /* name with its "$" */
};

struct map_reader {
	struct legacy *l;
	struct regex *proc_maps, *brief, *log_info, *library;
	struct attr *attrs;
	uint32_t attr_n, attr_cap;
	struct mapping *maps;
	uint32_t map_n, map_cap;
};

static int compile(struct map_reader *r)
{
	struct err *err = r->l->err;
	int rc = regex_compile_bytes(&r->proc_maps, PROC_MAPS, err);
	if (rc >= 0)
		rc = regex_compile_bytes(&r->brief, BRIEF, err);
	if (rc >= 0)
		rc = regex_compile_bytes(&r->log_info, LOG_INFO, err);
	if (rc >= 0)
		rc = regex_compile_bytes(&r->library, LIBRARY, err);
	return rc;
}

static void release(struct map_reader *r)
{
	regex_free(r->proc_maps);
	regex_free(r->brief);
	regex_free(r->log_info);
	regex_free(r->library);
	for (uint32_t i = 0; i < r->attr_n; i++) {
		mem_free(r->attrs[i].name);
		mem_free(r->attrs[i].value);
	}
	mem_free(r->attrs);
	mem_free(r->maps);
}

static struct text group(struct regex_group g)
{
	return (struct text){g.s, g.n};
}

/* 1 and a mapping, 0 for one that is not executable, -1 if the line is no mapping. */
static int parse_entry(struct map_reader *r, struct text line, struct mapping *ret)
{
	struct regex_group g[7];
	struct text perm, file, offset, build_id = {0};
	if (regex_groups(r->proc_maps, line.s, line.n, g, 6) > 0) {
		offset = group(g[4]);
		file = group(g[5]);
	} else if (regex_groups(r->brief, line.s, line.n, g, 7) > 0) {
		file = group(g[4]);
		offset = group(g[5]);
		build_id = group(g[6]);
	} else {
		return -1;
	}
	perm = group(g[3]);
	if (perm.n && !memchr(perm.s, 'x', perm.n))
		return 0;
	const char *why;
	struct strtab *strings = &r->l->p->strings;
	*ret = (struct mapping){.file = strtab_add(strings, file.n ? file.s : "", file.n),
		.build_id = strtab_add(strings, build_id.n ? build_id.s : "", build_id.n)};
	if (!text_u64(group(g[1]), 16, &ret->start, &why) ||
		!text_u64(group(g[2]), 16, &ret->limit, &why) ||
		(offset.n && !text_u64(offset, 16, &ret->offset, &why)))
		return -1;
	return 1;
}

/* Replaces the attributes by value, the first that fits at each place, as strings.Replacer does. */
static void replace(const struct map_reader *r, struct text line, struct buf *out)
{
	for (size_t i = 0; i < line.n;) {
		const struct attr *found = NULL;
		for (uint32_t j = 0; j < r->attr_n && line.s[i] == '$' && !found; j++) {
			struct text rest = {line.s + i, line.n - i};
			if (text_has_prefix(rest, r->attrs[j].name))
				found = &r->attrs[j];
		}
		if (found)
			buf_addstr(out, found->value);
		else
			buf_addch(out, line.s[i]);
		i += found ? strlen(found->name) : 1;
	}
}

/* "name = value": $name is to be replaced in what follows. */
static void add_attr(struct map_reader *r, struct text line)
{
	struct text name = text_cut(&line, '=');
	if (name.s + name.n == line.s || r->attr_n == ATTRS_MAX)
		return; /* there was no "=" */
	name = text_trim(name);
	line = text_trim(line);
	struct attr attr = {.name = mem_alloc(name.n + 2), .value = mem_strndup(line.s, line.n)};
	attr.name[0] = '$';
	memcpy(attr.name + 1, name.s, name.n);
	attr.name[name.n + 1] = '\0';
	vec_push(r->attrs, r->attr_n, r->attr_cap, attr);
}

static void read_line(struct map_reader *r, struct text line)
{
	struct buf replaced = BUF_INIT;
	size_t from, to;
	if (regex_find(r->log_info, line.s, line.n, 0, &from, &to) > 0) {
		line.s += to;
		line.n -= to;
	}
	if (r->attr_n && line.n < REPLACE_MAX) {
		replace(r, line, &replaced);
		line = (struct text){replaced.data, replaced.len};
	}
	struct mapping map;
	int rc = parse_entry(r, line, &map);
	if (rc > 0)
		vec_push(r->maps, r->map_n, r->map_cap, map);
	else if (rc < 0 && line.n < REPLACE_MAX)
		add_attr(r, line);
	buf_release(&replaced);
}

/* --- making sense of them --- */

/* Whether b continues a, which the kernel or a tool has split. */
static bool adjacent(const struct mapping *a, const struct mapping *b)
{
	if (a->file && b->file && a->file != b->file)
		return false;
	if (a->build_id && b->build_id && a->build_id != b->build_id)
		return false;
	if (a->limit != b->start)
		return false;
	return !a->offset || !b->offset || a->offset + (a->limit - a->start) == b->offset;
}

static void join_adjacent(struct map_reader *r)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < r->map_n; i++) {
		struct mapping *m = &r->maps[i], *last = kept ? &r->maps[kept - 1] : NULL;
		if (!last || !adjacent(last, m)) {
			r->maps[kept++] = *m;
			continue;
		}
		last->limit = m->limit;
		last->file = m->file ? m->file : last->file;
		last->build_id = m->build_id ? m->build_id : last->build_id;
	}
	r->map_n = kept;
}

static bool looks_like_main(struct map_reader *r, uint32_t file)
{
	const char *name = profile_str(r->l->p, file);
	struct text t = {name, strtab_len(&r->l->p->strings, file)};
	struct buf plain = BUF_INIT;
	static const char deleted[] = "(deleted)";
	const char *at;
	while ((at = memmem(t.s, t.n, deleted, sizeof(deleted) - 1))) {
		size_t before = (size_t)(at - t.s);
		buf_add(&plain, t.s, before);
		t.s = at + sizeof(deleted) - 1;
		t.n -= before + sizeof(deleted) - 1;
	}
	buf_add(&plain, t.s, t.n);
	t = text_trim((struct text){plain.data, plain.len});
	bool is_main = t.n && *t.s != '[' && regex_match(r->library, t.s, t.n) <= 0;
	buf_release(&plain);
	return is_main;
}

static void put_main_first(struct map_reader *r)
{
	for (uint32_t i = 0; i < r->map_n; i++) {
		if (!looks_like_main(r, r->maps[i].file))
			continue;
		struct mapping first = r->maps[0];
		r->maps[0] = r->maps[i];
		r->maps[i] = first;
		return;
	}
}

int legacy_finish_map(struct legacy *l, struct lines *lines)
{
	struct map_reader r = {.l = l};
	int rc = compile(&r);
	while (rc >= 0 && lines_next(lines))
		read_line(&r, lines->line);
	join_adjacent(&r);
	put_main_first(&r);
	for (uint32_t i = 0; i < r.map_n; i++)
		profile_add_mapping(l->p, &r.maps[i]);
	release(&r);
	return rc < 0 ? rc : legacy_remap(l);
}

int legacy_finish(struct legacy *l, struct lines *lines)
{
	while (!legacy_is_sentinel(lines->line) && lines_next(lines))
		continue;
	return legacy_finish_map(l, lines);
}

/* --- numbering --- */

/* Locations in the order samples first use them; those unused are gone. */
static void remap_locations(struct profile *p)
{
	uint32_t *at = mem_zalloc((p->location_n + (size_t)1) * sizeof(*at)); /* index + 1 */
	struct location *used = mem_array(p->location_n + (size_t)1, sizeof(*used));
	uint32_t n = 0;
	struct edit e;
	edit_begin(&e, p);
	edit_renew(&e);
	while (edit_next(&e)) {
		for (uint32_t i = 0; i < e.stack_n; i++) {
			uint32_t old = e.stack[i];
			if (!at[old]) {
				used[n] = p->locations[old];
				used[n].id = (uint64_t)n + 1;
				at[old] = ++n;
			}
			e.stack[i] = at[old] - 1;
		}
		edit_keep(&e, e.stack, e.stack_n);
	}
	edit_end(&e);
	mem_free(at);
	mem_free(p->locations);
	p->locations = used;
	p->location_n = p->location_cap = n;
}

static void remap_functions(struct profile *p)
{
	uint32_t *at = mem_zalloc((p->function_n + (size_t)1) * sizeof(*at));
	struct function *used = mem_array(p->function_n + (size_t)1, sizeof(*used));
	uint32_t n = 0;
	for (uint32_t i = 0; i < p->location_n; i++) {
		const struct location *l = &p->locations[i];
		for (uint32_t j = 0; j < l->line_n; j++) {
			struct line *line = &p->lines[l->line_first + j];
			uint32_t old = line->function;
			if (!at[old]) {
				used[n] = p->functions[old];
				used[n].id = (uint64_t)n + 1;
				at[old] = ++n;
			}
			line->function = at[old] - 1;
		}
	}
	mem_free(at);
	mem_free(p->functions);
	p->functions = used;
	p->function_n = p->function_cap = n;
}

/* Some handlers describe the main executable wrongly when it was remapped. */
static void fix_main_mapping(struct profile *p)
{
	static const char huge[] = "/anon_hugepage";
	const uint64_t usual_start = 0x400000;
	if (p->mapping_n > 1 && p->mappings[0].limit == p->mappings[1].start &&
		strncmp(profile_str(p, p->mappings[0].file), huge, sizeof(huge) - 1) == 0) {
		p->mapping_n--;
		memmove(p->mappings, p->mappings + 1, p->mapping_n * sizeof(*p->mappings));
	}
	struct mapping *m = p->mappings;
	if (p->mapping_n && m->start - m->offset == usual_start) {
		m->start = usual_start;
		m->offset = 0;
	}
}

static uint32_t find_mapping(struct profile *p, uint64_t address)
{
	for (uint32_t i = 0; i < p->mapping_n; i++)
		if (p->mappings[i].start <= address && address < p->mappings[i].limit)
			return i;
	/* Of a mapping split in two, some handlers leave out the first part. */
	for (uint32_t i = 0; i < p->mapping_n; i++) {
		struct mapping *m = &p->mappings[i];
		if (m->offset && m->start - m->offset <= address && address < m->start) {
			m->start -= m->offset;
			m->offset = 0;
			return i;
		}
	}
	return PROFILE_NONE;
}

static int remap_mappings(struct legacy *l)
{
	struct profile *p = l->p;
	uint32_t fake = PROFILE_NONE;
	fix_main_mapping(p);
	if ((uint64_t)p->location_n * p->mapping_n > STEPS_MAX)
		return err_set(l->err, ERR_LIMIT, "%u addresses in %u mappings are too many",
			p->location_n, p->mapping_n);
	for (uint32_t i = 0; i < p->location_n; i++) {
		uint64_t address = p->locations[i].address;
		if (!address)
			continue;
		uint32_t found = find_mapping(p, address);
		if (found == PROFILE_NONE && fake == PROFILE_NONE) {
			struct mapping all = {.limit = UINT64_MAX};
			fake = profile_add_mapping(p, &all);
		}
		p->locations[i].mapping = found == PROFILE_NONE ? fake : found;
	}
	for (uint32_t i = 0; i < p->mapping_n; i++)
		p->mappings[i].id = (uint64_t)i + 1;
	return 0;
}

int legacy_remap(struct legacy *l)
{
	remap_locations(l->p);
	remap_functions(l->p);
	return remap_mappings(l);
}
