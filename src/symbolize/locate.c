/*
 * Finding binaries on a search path ($PPROF_BINARY_PATH), in pprof's order: by build id in the
 * layouts of pprof, perf and LLVM, then by name, then where gdb would look.
 */
#include "symbolize/internal.h"

#include <glob.h>

struct search {
	struct profile *p;
	uint32_t mapping;
	const struct symbolize_opts *opts;
};

/* The file becomes the mapping's if it is an object and of the right build. */
static bool try_file(struct search *s, const char *name)
{
	struct mapping *m = &s->p->mappings[s->mapping];
	const char *want = profile_str(s->p, m->build_id);
	struct object_mapping map = {.start = m->start,
		.limit = m->limit,
		.offset = m->offset,
		.kernel_symbol = profile_str(s->p, m->kernel_relocation_symbol)};
	struct object *obj;
	if (object_open(&obj, name, &s->opts->object, NULL) < 0)
		return false;
	/* Debug files lie in the same folders; pprof takes them, and then has no names at all. */
	bool ok = object_has_code(obj) && object_check_mapping(obj, &map, NULL) >= 0;
	if (ok && want[0] && strcmp(want, object_build_id(obj))) {
		say(s->opts, "Ignoring local file %s: build-id mismatch (%s != %s)", name, want,
			object_build_id(obj));
		ok = false;
	}
	object_free(obj);
	if (ok)
		m->file = strtab_addstr(&s->p->strings, name);
	return ok;
}

static bool try_join(struct search *s, const char *const *elements, size_t n)
{
	struct buf path = BUF_INIT;
	path_join(&path, elements, n);
	bool found = try_file(s, path.data);
	buf_release(&path);
	return found;
}
#define try_path(s, ...)                                \
	try_join(s, (const char *const[]){__VA_ARGS__}, \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static bool try_glob(struct search *s, const char *dir, const char *build_id)
{
	struct buf pattern = BUF_INIT;
	glob_t found;
	bool ok = false;
	path_join(&pattern, (const char *const[]){dir, build_id, "*"}, 3);
	if (!glob(pattern.data, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc && !ok; i++)
			ok = try_file(s, found.gl_pathv[i]);
		globfree(&found);
	}
	buf_release(&pattern);
	return ok;
}

static bool try_build_id(
	struct search *s, const char *dir, const char *build_id, const char *file, const char *base)
{
	char first[3] = {0};
	struct buf rest = BUF_INIT;
	bool found = try_path(s, dir, build_id, base) || try_glob(s, dir, build_id) ||
		     try_path(s, dir, file, build_id);
	if (!found && strlen(build_id) >= 2) {
		memcpy(first, build_id, 2);
		buf_printf(&rest, "%s.debug", build_id + 2);
		found = try_path(s, dir, first, rest.data);
	}
	buf_release(&rest);
	return found;
}

static bool try_name(struct search *s, const char *dir, const char *file, const char *base)
{
	struct buf file_debug = BUF_INIT, base_debug = BUF_INIT, parent = BUF_INIT;
	buf_printf(&file_debug, "%s.debug", file);
	buf_printf(&base_debug, "%s.debug", base);
	path_dir(&parent, file);
	bool found = try_path(s, dir, base) || try_path(s, dir, file) ||
		     try_path(s, dir, file_debug.data) ||
		     try_path(s, dir, parent.data, ".debug", base_debug.data) ||
		     try_path(s, dir, "usr", "lib", "debug", parent.data, base_debug.data);
	buf_release(&file_debug);
	buf_release(&base_debug);
	buf_release(&parent);
	return found;
}

static void locate_mapping(struct search *s, const char *search_path)
{
	/* Copies: the profile's strings may move when one is added. */
	const struct mapping *m = &s->p->mappings[s->mapping];
	char *file = mem_strdup(profile_str(s->p, m->file));
	char *build_id = mem_strdup(profile_str(s->p, m->build_id));
	char *dirs = mem_strdup(search_path), *rest = dirs;
	struct buf base = BUF_INIT;
	bool found = false;
	if (file[0])
		path_base(&base, file);
	/* Not strtok: Go keeps the empty elements of a list, they mean the current directory. */
	for (char *dir; !found && search_path[0] && (dir = strsep(&rest, ":"));) {
		found = build_id[0] && try_build_id(s, dir, build_id, file, base.data);
		found = found || (file[0] && try_name(s, dir, file, base.data));
	}
	buf_release(&base);
	mem_free(dirs);
	mem_free(build_id);
	mem_free(file);
}

void symbolize_locate(
	struct profile *p, const struct symbolize_locate *locate, const struct symbolize_opts *opts)
{
	for (uint32_t i = 0; locate->search_path && i < p->mapping_n; i++) {
		struct search s = {.p = p, .mapping = i, .opts = opts};
		locate_mapping(&s, locate->search_path);
	}
	if (!p->mapping_n) {
		profile_add_mapping(p, &(struct mapping){0});
		for (uint32_t i = 0; i < p->location_n; i++)
			p->locations[i].mapping = 0;
	}
	struct mapping *main = &p->mappings[0];
	if (locate->exec_name && locate->exec_name[0])
		main->file = strtab_addstr(&p->strings, locate->exec_name);
	if (locate->build_id && locate->build_id[0] && !main->build_id)
		main->build_id = strtab_addstr(&p->strings, locate->build_id);
}
