/*
 * Symbolizing a profile, mapping by mapping: open the binary, check that it is the one that ran,
 * look every address up. An object keeps its tables between lookups, so the whole costs little more
 * than reading the debug information that is needed once.
 */
#include "symbolize/internal.h"

#include <elf.h>
#include <inttypes.h>
#include <strings.h>
#include <sys/auxv.h>

void say(const struct symbolize_opts *opts, const char *fmt, ...)
{
	va_list ap;
	struct buf text = BUF_INIT;
	if (!opts->message)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	opts->message(opts->message_ctx, text.data);
	buf_release(&text);
}

/* --- options --- */

static bool parse_demangle(struct symbolize_opts *opts, const char *mode)
{
	static const char *const names[] = {
		[DEMANGLE_DEFAULT] = "default",
		[DEMANGLE_TEMPLATES] = "templates",
		[DEMANGLE_FULL] = "full",
		[DEMANGLE_NONE] = "none",
	};
	/* As in Go, the mode alone is understood too. */
	if (!strncmp(mode, "demangle=", 9))
		mode += 9;
	for (size_t i = 0; i < array_len(names); i++) {
		if (strcmp(mode, names[i]))
			continue;
		if (i != DEMANGLE_DEFAULT) {
			opts->demangle = (enum demangle_mode)i;
			opts->force = true;
		}
		return true;
	}
	return false;
}

static bool parse_word(struct symbolize_opts *opts, const char *word)
{
	if (!strcmp(word, "local") || !strcmp(word, "fastlocal")) {
		opts->local = true;
		opts->remote = false;
		opts->fast |= word[0] == 'f';
	} else if (!strcmp(word, "remote")) {
		opts->local = false;
		opts->remote = true;
	} else if (!strcmp(word, "force")) {
		opts->force = true;
	} else if (!strcmp(word, "debuginfod")) {
		opts->object.debuginfod = true;
	} else if (word[0]) {
		return parse_demangle(opts, word);
	}
	return true;
}

bool symbolize_opts_parse(struct symbolize_opts *opts, const char *mode)
{
	opts->local = opts->remote = true;
	opts->fast = opts->force = false;
	opts->demangle = DEMANGLE_DEFAULT;
	char *words = mem_strdup(mode), *save = NULL;
	for (char *c = words; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	bool wanted = true;
	for (char *w = strtok_r(words, ":", &save); w && wanted; w = strtok_r(NULL, ":", &save)) {
		if (!strcmp(w, "none") || !strcmp(w, "no")) {
			wanted = false;
		} else if (!parse_word(opts, w)) {
			say(opts, "ignoring unrecognized symbolization option: %s", mode);
			say(opts, "expecting -symbolize=[local|fastlocal|remote|none][:force]"
				  "[:demangle=[none|full|templates|default]");
		}
	}
	mem_free(words);
	return wanted;
}

/* --- functions, each once --- */

static bool same_function(const struct function *a, const struct function *b)
{
	return a->name == b->name && a->filename == b->filename && a->start_line == b->start_line;
}

static uint32_t add_function(struct symbolizer *s, const struct object_frame *frame)
{
	struct profile *p = s->profile;
	struct function f = {.name = strtab_addstr(&p->strings, frame->function),
		.filename = strtab_addstr(&p->strings, frame->file),
		.start_line = frame->start_line};
	f.system_name = f.name;
	uint64_t key = hash_u64((uint64_t)f.name << 32 | f.filename) + (uint64_t)f.start_line;
	for (;; key++) {
		bool is_new;
		uint32_t *index = map_put(&s->functions, key, &is_new);
		if (is_new)
			return *index = profile_add_function(p, &f);
		if (same_function(&p->functions[*index], &f))
			return *index;
	}
}

/* --- one mapping --- */

static void set_frames(struct symbolizer *s, struct mapping *m, uint32_t loc,
	const struct object_frame *frames, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		m->has_functions |= frames[i].function[0] != 0;
		m->has_filenames |= frames[i].file[0] != 0;
		m->has_line_numbers |= frames[i].line != 0;
		struct line line = {.function = add_function(s, &frames[i]),
			.line = frames[i].line,
			.column = frames[i].column};
		vec_grow(s->lines, i + 1, s->line_cap);
		s->lines[i] = line;
	}
	m->has_inline_frames = true;
	profile_set_lines(s->profile, loc, s->lines, (uint32_t)n);
	s->profile->locations[loc].is_folded = false;
}

static void symbolize_locations(struct symbolizer *s, uint32_t mapping, struct object_image *image)
{
	struct mapping *m = &s->profile->mappings[mapping];
	for (uint32_t i = s->first[mapping]; i < s->first[mapping + 1]; i++) {
		uint32_t loc = s->by_mapping[i];
		const struct object_frame *frames;
		uint64_t addr;
		if (object_image_addr(image, s->profile->locations[loc].address, &addr, NULL) < 0)
			continue;
		size_t n = object_frames(image->obj, addr, &frames);
		if (n)
			set_frames(s, m, loc, frames, n);
	}
}

bool symbolize_is_special(const char *file)
{
	static const char *const paths[] = {"/dev/dri/", "/memfd:"};
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	if (!file[0] || base[0] == '[' || !strncmp(base, "linux-vdso", 10) ||
		!strcmp(file, "//anon"))
		return true;
	for (size_t i = 0; i < array_len(paths); i++) {
		if (!strncmp(file, paths[i], strlen(paths[i])))
			return true;
	}
	return false;
}

static bool is_url(const char *file)
{
	return !strncasecmp(file, "http://", 7) || !strncasecmp(file, "https://", 8) ||
	       !strncasecmp(file, "https+insecure://", 17);
}

/* The vdso is code of the kernel's with symbols of its own, and no file. The running kernel's is
 * the right one only if the build id says so. */
static bool symbolize_vdso(struct symbolizer *s, uint32_t mapping, const char *build_id)
{
	const Elf64_Ehdr *ehdr = (const void *)getauxval(AT_SYSINFO_EHDR); // NOLINT
	struct object *obj;
	if (!ehdr || !build_id[0])
		return false;
	size_t size = ehdr->e_shoff + (size_t)ehdr->e_shnum * ehdr->e_shentsize;
	if (object_open_memory(&obj, "[vdso]", (void *)ehdr, size, &s->opts->object, NULL) < 0)
		return false;
	const struct mapping *m = &s->profile->mappings[mapping];
	struct object_image image = {
		.obj = obj, .map = {.start = m->start, .limit = m->limit, .offset = m->offset}};
	bool is_same = !strcmp(object_build_id(obj), build_id);
	if (is_same)
		symbolize_locations(s, mapping, &image);
	object_free(obj);
	return is_same;
}

/* "libc.so.6 (build ID 12ab)". */
static void describe(struct buf *out, const char *file, const char *build_id)
{
	path_base(out, file);
	if (build_id[0])
		buf_printf(out, " (build ID %s)", build_id);
}

/* One mapping of a file that is open; `obj` NULL: it could not be opened, as `err` says. */
static bool symbolize_opened(
	struct symbolizer *s, uint32_t mapping, struct object *obj, struct err *err)
{
	const struct mapping *m = &s->profile->mappings[mapping];
	const char *build_id = profile_str(s->profile, m->build_id);
	struct object_image image = {.obj = obj,
		.map = {.start = m->start,
			.limit = m->limit,
			.offset = m->offset,
			.kernel_symbol = profile_str(s->profile, m->kernel_relocation_symbol)}};
	struct buf name = BUF_INIT;
	bool found = obj && object_check_mapping(obj, &image.map, err) >= 0;
	describe(&name, profile_str(s->profile, m->file), build_id);
	if (!found) {
		say(s->opts, "Local symbolization failed for %s: %s", name.data, err->msg);
	} else if (build_id[0] && object_build_id(obj)[0] &&
		   strcmp(build_id, object_build_id(obj))) {
		say(s->opts, "Local symbolization failed for %s: build ID mismatch", name.data);
	} else {
		symbolize_locations(s, mapping, &image);
		const char *problem = object_debug_problem(obj);
		if (problem[0] && !object_has_dwarf(obj))
			say(s->opts, "No line numbers for %s: %s", name.data, problem);
	}
	buf_release(&name);
	return found;
}

/* Whether its symbols are wanted, and have not been looked for. */
static bool is_wanted(const struct symbolizer *s, uint32_t mapping)
{
	const struct mapping *m = &s->profile->mappings[mapping];
	bool is_done = m->has_functions || m->has_filenames || m->has_line_numbers;
	return s->first[mapping] != s->first[mapping + 1] && (!is_done || s->opts->force) &&
	       !s->visited[mapping];
}

/* All mappings of one file, which a program that ran many times has many of, at once: its debugging
 * information is read once. False if it is not there. */
static bool symbolize_file(struct symbolizer *s, uint32_t mapping)
{
	const struct mapping *ms = s->profile->mappings;
	const char *file = profile_str(s->profile, ms[mapping].file);
	struct object_opts opts = s->opts->object;
	struct err err = ERR_INIT;
	bool found = true;
	opts.no_dwarf |= s->opts->fast;
	struct object *obj = symbolize_open(s->opts, file, &opts, &err);
	for (uint32_t m = mapping; m < s->profile->mapping_n; m++) {
		if (ms[m].file != ms[mapping].file || ms[m].build_id != ms[mapping].build_id ||
			!is_wanted(s, m))
			continue;
		s->visited[m] = true;
		found &= symbolize_opened(s, m, obj, &err);
	}
	symbolize_close(s->opts, obj);
	return found;
}

/* False if a binary is missing that had been needed. */
static bool symbolize_mapping(struct symbolizer *s, uint32_t mapping)
{
	const struct mapping *m = &s->profile->mappings[mapping];
	const char *file = profile_str(s->profile, m->file);
	const char *build_id = profile_str(s->profile, m->build_id);
	if (!is_wanted(s, mapping))
		return true;
	if (!file[0]) {
		if (mapping == 0)
			say(s->opts, "Main binary filename not available.");
		return mapping == 0;
	}
	if (!strcmp(file, "[vdso]") || !strncmp(file, "linux-vdso", 10))
		return symbolize_vdso(s, mapping, build_id) || true;
	if (symbolize_is_special(file) || (!build_id[0] && is_url(file)))
		return true;
	return symbolize_file(s, mapping);
}

/* --- the profile --- */

/* Locations sorted by mapping, by counting. */
static void group_locations(struct symbolizer *s)
{
	const struct profile *p = s->profile;
	s->first = mem_zalloc(((size_t)p->mapping_n + 2) * sizeof(*s->first));
	s->by_mapping = mem_array((size_t)p->location_n + 1, sizeof(*s->by_mapping));
	for (uint32_t i = 0; i < p->location_n; i++) {
		if (p->locations[i].mapping < p->mapping_n)
			s->first[p->locations[i].mapping + 2]++;
	}
	for (uint32_t m = 2; m < p->mapping_n + 2; m++)
		s->first[m] += s->first[m - 1];
	for (uint32_t i = 0; i < p->location_n; i++) {
		if (p->locations[i].mapping < p->mapping_n)
			s->by_mapping[s->first[p->locations[i].mapping + 1]++] = i;
	}
}

static void symbolize_local(struct profile *p, const struct symbolize_opts *opts)
{
	struct symbolizer s = {.profile = p, .opts = opts};
	bool is_missing = false;
	map_init(&s.functions);
	group_locations(&s);
	s.visited = mem_zalloc(p->mapping_n + 1);
	for (uint32_t m = 0; m < p->mapping_n; m++)
		is_missing |= !symbolize_mapping(&s, m);
	if (is_missing)
		say(opts, "Some binary filenames not available. Symbolization may be incomplete.\n"
			  "Try setting PPROF_BINARY_PATH to the search path for local binaries.");
	map_release(&s.functions);
	mem_free(s.first);
	mem_free(s.visited);
	mem_free(s.by_mapping);
	mem_free(s.lines);
}

int symbolize_profile(struct profile *p, const struct symbolize_opts *opts, struct err *err)
{
	if (opts->local)
		symbolize_local(p, opts);
	if (opts->remote && opts->post) {
		int rc = symbolize_remote(p, opts, err);
		if (rc < 0)
			return rc;
	}
	symbolize_demangle(p, opts->force, opts->demangle);
	return 0;
}
