/*
 * Getting the profile that is to be reported: every source fetched and read, merged with the
 * others, the bases subtracted, symbolized.
 *
 * A source that cannot be had is said and left out; only if none is left the work has failed. Files
 * are read one after the other, hosts asked all at once.
 */
#include "cli/cli.h"
#include "cli/pprof_tool.h"
#include "symbolize/symbolize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_MAX \
	((size_t)1 << 30) /* bytes an input may take, unless -max_memory says otherwise */

struct fetch {
	const struct pprof_args *args;
	struct notes *notes;
	struct symbolize_opts symbolize;
	bool wants_symbols;
	bool any_remote;
	/* Where mappings came from, for remote symbolization. */
	struct symbolize_source *sources;
	size_t source_n, source_cap;
	struct arena arena; /* of the strings in them */
};

/* The profiles of one list of sources. */
struct fetched {
	struct profile *profiles;
	uint32_t n;
};

static void symbolize_note(void *ctx, const char *text)
{
	notes_printf(ctx, "%s", text);
}

static int post(void *ctx, const char *url, const char *body, struct buf *ret, struct err *err)
{
	return pprof_http_post(url, body, strlen(body), ctx, ret, err);
}

bool pprof_is_object_file(const char *path)
{
	struct object *object;
	if (object_open(&object, path, NULL, NULL) < 0)
		return false;
	object_free(object);
	return true;
}

/* The mappings of a profile from a server are found again by their build id, their file, or, if
 * they have neither, by the server's URL, put in the place of the file for the time being. */
static void remember_mappings(struct fetch *f, struct profile *p, const char *url)
{
	url = arena_strdup(&f->arena, url);
	for (uint32_t i = 0; i < p->mapping_n; i++) {
		struct mapping *m = &p->mappings[i];
		if (!m->build_id && !m->file)
			m->file = strtab_addstr(&p->strings, url);
		const char *key = profile_str(p, m->build_id ? m->build_id : m->file);
		struct symbolize_source source = {arena_strdup(&f->arena, key), url, m->start};
		vec_push(f->sources, f->source_n, f->source_cap, source);
	}
	f->any_remote = true;
}

static void forget_urls(struct profile *p)
{
	for (uint32_t i = 0; i < p->mapping_n; i++) {
		struct mapping *m = &p->mappings[i];
		const char *file = profile_str(p, m->file);
		if (!m->build_id && (strstr(file, "://") || strncmp(file, "unix:", 5) == 0))
			m->file = 0;
	}
}

static void locate(struct fetch *f, struct profile *p)
{
	const char *path = getenv("PPROF_BINARY_PATH"), *home = getenv("HOME");
	struct buf own = BUF_INIT;
	if (!path || !*path) {
		buf_printf(&own, "%s/pprof/binaries", home ? home : "");
		path = own.data;
	}
	struct symbolize_locate where = {
		.search_path = path,
		.exec_name = f->args->exec_name,
		.build_id = f->args->build_id,
	};
	symbolize_locate(p, &where, &f->symbolize);
	buf_release(&own);
}

static size_t max_memory(const struct fetch *f)
{
	return f->args->max_memory > 0 ? (size_t)f->args->max_memory : MEMORY_MAX;
}

static int name_limit(struct err *err)
{
	char what[sizeof(err->msg)];
	memcpy(what, err->msg, sizeof(what));
	return err_set(
		err, ERR_LIMIT, "%.*s (-max_memory allows more)", (int)sizeof(what) - 40, what);
}

/* Reads what was fetched. `url` is NULL for a file. */
static int read_profile(struct fetch *f, struct profile *ret, const void *data, size_t n,
	bool mapped, const char *url, struct err *err)
{
	struct profile_limits limits = {
		.inflated_max = max_memory(f),
		.memory_max = max_memory(f),
		.mapped = mapped,
	};
	int rc = profile_read(ret, data, n, FORMAT_ANY, &limits, err);
	if (rc < 0)
		return rc == ERR_LIMIT ? name_limit(err) : rc;
	rc = profile_check(ret, err);
	if (rc < 0) {
		profile_release(ret);
		return rc;
	}
	locate(f, ret);
	if (url)
		remember_mappings(f, ret, url);
	return 0;
}

/* A file is mapped, so that what was inflated need not stay in memory beside the result. */
static int read_mapped(
	struct fetch *f, struct profile *ret, const char *path, size_t size, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return pprof_os_error(err, "open", path);
	void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return err_errno(err, "%s", path);
	int rc = read_profile(f, ret, data, size, true, NULL, err);
	munmap(data, size);
	return rc;
}

static int read_stream(struct fetch *f, struct profile *ret, const char *path, struct err *err)
{
	struct buf data = BUF_INIT;
	int rc = cli_read_file(path, max_memory(f), &data, err);
	if (rc == ERR_LIMIT)
		rc = name_limit(err);
	if (rc >= 0)
		rc = read_profile(f, ret, data.data, data.len, false, NULL, err);
	buf_release(&data);
	return rc;
}

static int read_file(struct fetch *f, struct profile *ret, const char *path, struct err *err)
{
	struct stat st;
	if (strcmp(path, "-") == 0)
		return read_stream(f, ret, path, err);
	if (stat(path, &st) < 0)
		return pprof_os_error(err, "stat", path);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return pprof_os_error(err, "read", path);
	}
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		return read_mapped(f, ret, path, (size_t)st.st_size, err);
	return read_stream(f, ret, path, err);
}

/* Whether the source is to be had over HTTP; then *ret is how. */
static bool is_remote(struct fetch *f, const char *source, struct http_get *ret)
{
	if (strcmp(source, "-") == 0 || access(source, F_OK) == 0)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->name = source;
	buf_init(&ret->body);
	ret->err.offset = -1;
	ret->url = pprof_source_url(
		source, f->args->seconds, f->args->timeout, &ret->timeout, &ret->duration);
	return ret->url != NULL;
}

static int take(struct fetch *f, struct profile *ret, const char *source, struct http_get *get,
	struct err *err)
{
	if (!get)
		return read_file(f, ret, source, err);
	if (get->rc >= 0)
		return read_profile(f, ret, get->body.data, get->body.len, false, get->url, err);
	*err = get->err;
	return get->rc;
}

static void take_all(struct fetch *f, struct fetched *to, const char *const *sources, uint32_t n,
	struct http_get *gets)
{
	uint32_t next = 0;
	to->profiles = mem_array((size_t)n + 1, sizeof(*to->profiles));
	for (uint32_t i = 0; i < n; i++) {
		struct err err = ERR_INIT;
		struct http_get *get = gets[next].name == sources[i] ? &gets[next++] : NULL;
		if (take(f, &to->profiles[to->n], sources[i], get, &err) >= 0)
			to->n++;
		else
			notes_printf(f->notes, "%s: %s", sources[i], err.msg);
	}
}

/* Fetches a list of sources; `what` is "source" or "base". */
static int fetch_list(struct fetch *f, struct fetched *ret, const char *const *sources, uint32_t n,
	const char *what, struct err *err)
{
	struct http_get *gets = mem_zalloc(((size_t)n + 1) * sizeof(*gets));
	uint32_t remote = 0;
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < n; i++)
		remote += is_remote(f, sources[i], &gets[remote]);
	gets[remote].name = NULL;
	if (remote)
		pprof_http_get(gets, remote, f->args, f->notes);
	take_all(f, ret, sources, n, gets);
	for (uint32_t i = 0; i < remote; i++) {
		mem_free(gets[i].url);
		buf_release(&gets[i].body);
	}
	mem_free(gets);
	if (n && !ret->n)
		return err_set(err, ERR_NOT_FOUND, "failed to fetch any %s profiles", what);
	if (ret->n != n)
		notes_printf(f->notes, "Fetched %u %s profiles out of %u", ret->n, what, n);
	return 0;
}

static void fetched_release(struct fetched *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		profile_release(&f->profiles[i]);
	mem_free(f->profiles);
}

/* All of them as one. They are released in any case. */
static int combine(struct fetched *f, struct profile *ret, struct err *err)
{
	int rc = profile_compatibilize(f->profiles, f->n, err);
	if (rc >= 0)
		rc = report_scale_profiles(f->profiles, f->n, err);
	if (rc >= 0 && f->n == 1) {
		*ret = f->profiles[0];
		f->n = 0;
	} else if (rc >= 0) {
		rc = profile_merge_take(ret, f->profiles, f->n, err);
	}
	fetched_release(f);
	return rc;
}

/* `p` less the base; of a diff the base's samples are marked, so that percentages are of it. */
static int subtract(struct fetch *f, struct profile *p, struct profile *base, struct err *err)
{
	if (f->args->is_diff)
		profile_set_label(base, "pprof::base", "true");
	if (f->args->normalize) {
		int rc = profile_normalize(p, base, err);
		if (rc < 0)
			return rc;
	}
	profile_scale(base, -1);
	struct fetched both = {.profiles = mem_array(2, sizeof(struct profile)), .n = 2};
	both.profiles[0] = *p;
	both.profiles[1] = *base;
	profile_init(base);
	profile_init(p);
	struct profile result;
	int rc = combine(&both, &result, err);
	if (rc < 0)
		return rc;
	profile_release(p);
	*p = result;
	return 0;
}

static int fetch_merged(struct fetch *f, struct profile *ret, struct err *err)
{
	const struct pprof_args *args = f->args;
	struct fetched sources, bases;
	int rc = fetch_list(f, &sources, (const char *const *)args->sources,
		(uint32_t)args->source_n, "source", err);
	if (rc < 0)
		return fetched_release(&sources), rc;
	rc = fetch_list(f, &bases, args->bases, args->base_n, "base", err);
	if (rc < 0)
		return fetched_release(&sources), fetched_release(&bases), rc;
	rc = combine(&sources, ret, err);
	if (rc < 0) {
		err_prefix(err, "problem fetching source profiles");
		return fetched_release(&bases), rc;
	}
	if (!args->base_n)
		return fetched_release(&bases), 0;
	struct profile base;
	rc = combine(&bases, &base, err);
	if (rc < 0) {
		err_prefix(err, "problem fetching base profiles");
		return profile_release(ret), rc;
	}
	rc = subtract(f, ret, &base, err);
	profile_release(&base);
	if (rc < 0)
		profile_release(ret);
	return rc;
}

static int save_dir(struct fetch *f, struct buf *ret)
{
	const char *own = getenv("PPROF_TMPDIR"), *home = getenv("HOME");
	struct buf in_home = BUF_INIT;
	if (home && *home)
		buf_printf(&in_home, "%s/pprof", home);
	const char *const dirs[] = {own ? own : "", in_home.data, "/tmp"};
	int rc = ERR_NOT_FOUND;
	for (size_t i = 0; i < array_len(dirs) && rc < 0; i++) {
		if (!*dirs[i])
			continue;
		rc = mkdir(dirs[i], 0755) < 0 && errno != EEXIST ? -errno : 0;
		if (rc < 0)
			notes_printf(
				f->notes, "Could not use temp dir %s: %s", dirs[i], strerror(-rc));
		else
			buf_addstr(ret, dirs[i]);
	}
	buf_release(&in_home);
	return rc;
}

static int write_file(int fd, const struct buf *data, const char *path, struct err *err)
{
	size_t done = 0;
	while (done < data->len) {
		ssize_t n = write(fd, data->data + done, data->len - done);
		if (n < 0 && errno != EINTR)
			return err_errno(err, "%s", path);
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Keeps a copy of what came from a server: pprof.BINARY.TYPE.TYPE.001.pb.gz. */
static void save(struct fetch *f, const struct profile *p)
{
	struct buf dir = BUF_INIT, prefix = BUF_INIT, data = BUF_INIT;
	struct err err = ERR_INIT;
	char *path = NULL;
	buf_addstr(&prefix, "pprof.");
	if (p->mapping_n && p->mappings[0].file) {
		path_base(&prefix, profile_str(p, p->mappings[0].file));
		buf_addch(&prefix, '.');
	}
	for (uint32_t i = 0; i < p->sample_type_n; i++)
		buf_printf(&prefix, "%s.", profile_str(p, p->sample_types[i].type));
	int fd = save_dir(f, &dir);
	if (fd < 0)
		err_set(&err, fd, "failed to identify temp dir");
	else
		fd = pprof_temp_file(dir.data, prefix.data, ".pb.gz", &path, &err);
	int rc = fd;
	if (fd >= 0) {
		profile_write(p, &data);
		rc = write_file(fd, &data, path, &err);
		close(fd);
	}
	if (rc < 0)
		notes_printf(f->notes, "Could not save profile: %s", err.msg);
	else
		notes_printf(f->notes, "Saved profile in %s", path);
	mem_free(path);
	buf_release(&data);
	buf_release(&prefix);
	buf_release(&dir);
}

static int finish(struct fetch *f, struct profile *p, struct err *err)
{
	const struct pprof_args *args = f->args;
	if (args->all_frames)
		p->drop_frames = p->keep_frames = 0;
	if (f->wants_symbols) {
		f->symbolize.sources = f->sources;
		f->symbolize.source_n = f->source_n;
		int rc = symbolize_profile(p, &f->symbolize, err);
		if (rc < 0)
			return rc;
	}
	int rc = profile_remove_uninteresting(p, err);
	if (rc < 0)
		return rc;
	forget_urls(p);
	if (*args->comment)
		vec_push(p->comments, p->comment_n, p->comment_cap,
			strtab_addstr(&p->strings, args->comment));
	if (f->any_remote)
		save(f, p);
	return profile_check(p, err);
}

int pprof_fetch(
	struct profile *ret, const struct pprof_args *args, struct notes *notes, struct err *err)
{
	struct fetch f = {
		.args = args,
		.notes = notes,
		.symbolize =
			{
				.message = symbolize_note,
				.message_ctx = notes,
				.post = post,
				.post_ctx = (void *)args,
			},
	};
	arena_init(&f.arena);
	const char *servers = getenv("DEBUGINFOD_URLS");
	f.symbolize.object.debuginfod = servers && *servers;
	f.wants_symbols = symbolize_opts_parse(&f.symbolize, args->symbolize);
	int rc = fetch_merged(&f, ret, err);
	if (rc >= 0) {
		rc = finish(&f, ret, err);
		if (rc < 0)
			profile_release(ret);
	}
	mem_free(f.sources);
	arena_release(&f.arena);
	return rc;
}
