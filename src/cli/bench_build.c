/*
 * Building one package: compile each file, link, keep the program in a cache.
 *
 * What a file needs it says itself, in lines anywhere in it (the cgo idiom):
 *
 *	// bench: cflags -I../include -DFAST     // bench: pkg-config zlib
 *	// bench: libs -lz ../libfoo.a           // bench: sources ../src/foo.c
 *
 * Relative paths in them start at the file's directory. CC, CXX, CPPFLAGS, CFLAGS, CXXFLAGS,
 * LDFLAGS and LDLIBS are honoured as make has them.
 *
 * The cache is by content: an entry's key hashes the commands, and its list of the files read (the
 * compiler's own -MD) holds a hash of each. One that still fits is used; so a touched file costs
 * nothing and a changed header is seen. (Rejected: time stamps, which git checkouts scramble.)
 */
#include "cli/bench.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCE_MAX (64 << 20)

struct recipe {
	struct words cflags, libs, sources;
};

static void recipe_release(struct recipe *r)
{
	words_release(&r->cflags);
	words_release(&r->libs);
	words_release(&r->sources);
}

static const char *env_or(const char *name, const char *otherwise)
{
	const char *v = getenv(name);
	return v && *v ? v : otherwise;
}

static bool is_cxx(const char *path)
{
	const char *dot = strrchr(path, '.');
	return dot &&
	       (strcmp(dot, ".cc") == 0 || strcmp(dot, ".cpp") == 0 || strcmp(dot, ".cxx") == 0);
}

/* ---- "// bench:" lines ---- */

static char *rebase(const char *dir, const char *path)
{
	const char *parts[] = {dir, path};
	struct buf out = BUF_INIT;
	if (*path == '/')
		buf_addstr(&out, path);
	else
		path_join(&out, parts, 2);
	return buf_detach(&out, NULL);
}

/* Makes the path in -Ipath, -Lpath, or a bare path, relative to here instead of to dir. */
static void add_rebased(struct words *to, const char *dir, const char *word)
{
	size_t head = strncmp(word, "-I", 2) == 0 || strncmp(word, "-L", 2) == 0 ? 2 : 0;
	if (*word == '-' && (!head || !word[head])) {
		words_add(to, word);
		return;
	}
	char *path = rebase(dir, word + head);
	words_addf(to, "%.*s%s", (int)head, word, path);
	mem_free(path);
}

static int append(struct sink *sink, const void *p, size_t n)
{
	buf_add(sink->ctx, p, n);
	return 0;
}

static int pkg_config(const char *mode, const char *names, struct words *to, struct err *err)
{
	struct words argv = {0};
	struct buf text = BUF_INIT;
	struct sink sink = {append, &text};
	words_split(&argv, env_or("PKG_CONFIG", "pkg-config"));
	words_add(&argv, mode);
	words_split(&argv, names);
	int rc = bench_spawn(words_end(&argv), NULL, &sink);
	if (rc == 0)
		words_split(to, text.data);
	else
		rc = err_set(err, ERR_NOT_FOUND, "pkg-config %s %s failed", mode, names);
	words_release(&argv);
	buf_release(&text);
	return rc;
}

static int take_directive(struct recipe *r, const char *dir, const char *key, const char *value,
	const char *path, int line, struct err *err)
{
	struct words words = {0};
	int rc = 0;
	words_split(&words, value);
	struct words *to = strcmp(key, "cflags") == 0	 ? &r->cflags
			   : strcmp(key, "libs") == 0	 ? &r->libs
			   : strcmp(key, "sources") == 0 ? &r->sources
							 : NULL;
	for (size_t i = 0; to && i < words.n; i++)
		add_rebased(to, dir, words.v[i]);
	words_release(&words);
	if (to)
		return 0;
	if (strcmp(key, "pkg-config") != 0)
		return err_line(err, ERR_FORMAT, line,
			"%s:%d: \"// bench: %s\": there are cflags, libs, pkg-config and sources",
			path, line, key);
	rc = pkg_config("--cflags", value, &r->cflags, err);
	return rc < 0 ? rc : pkg_config("--libs", value, &r->libs, err);
}

static int read_directives(struct recipe *r, const char *dir, const char *path, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc = cli_read_file(path, SOURCE_MAX, &text, err), number = 1;
	for (char *s = text.data, *next; rc == 0 && s && *s; s = next, number++) {
		size_t n = strcspn(s, "\n");
		next = s + n + (s[n] == '\n');
		s[n] = '\0';
		s += strspn(s, " \t");
		if (strncmp(s, "// bench:", 9) != 0)
			continue;
		s += 9 + strspn(s + 9, " \t");
		size_t key = strcspn(s, " \t:");
		char *value = s + key + (s[key] != '\0');
		s[key] = '\0';
		rc = take_directive(r, dir, s, value, path, number, err);
	}
	buf_release(&text);
	return rc;
}

/* ---- where the library is ---- */

static bool exists(const char *path)
{
	return access(path, R_OK) == 0;
}

struct library {
	char archive[PATH_MAX], include[PATH_MAX];
};

/* Beside the sonde command: in a build tree, or installed under one prefix. */
static int find_library(struct library *lib, struct err *err)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return err_errno(err, "/proc/self/exe");
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(lib->archive, sizeof(lib->archive), "%s/src/bench/libsonde-bench.a", self);
	snprintf(lib->include, sizeof(lib->include), "%s", SONDE_SOURCE_INCLUDE);
	if (exists(lib->archive) && exists(lib->include))
		return 0;
	snprintf(lib->archive, sizeof(lib->archive), "%s/../%s/libsonde-bench.a", self,
		SONDE_LIBDIR);
	snprintf(lib->include, sizeof(lib->include), "%s/../include", self);
	if (exists(lib->archive))
		return 0;
	return err_set(
		err, ERR_NOT_FOUND, "%s: not there; is sonde installed completely?", lib->archive);
}

/* ---- the commands ---- */

struct job {
	struct bench_package *p;
	const struct bench_build *how;
	struct recipe recipe;
	struct library lib;
	char dir[PATH_MAX]; /* the cache entry's */
	struct words inputs;
};

static void compile_command(const struct job *j, const char *source, size_t i, struct words *argv)
{
	bool cxx = is_cxx(source);
	words_split(argv, cxx ? env_or("CXX", "c++") : env_or("CC", "cc"));
	words_split(argv, env_or("CPPFLAGS", ""));
	words_split(argv, env_or(cxx ? "CXXFLAGS" : "CFLAGS", "-O2 -g"));
	for (size_t k = 0; k < j->recipe.cflags.n; k++)
		words_add(argv, j->recipe.cflags.v[k]);
	words_addf(argv, "-I%s", j->lib.include);
	words_add(argv, "-MD");
	words_add(argv, "-MF");
	words_addf(argv, "%s/%zu.d", j->dir, i);
	words_add(argv, "-c");
	words_add(argv, source);
	words_add(argv, "-o");
	words_addf(argv, "%s/%zu.o", j->dir, i);
}

static void link_command(const struct job *j, struct words *argv)
{
	bool cxx = false;
	for (size_t i = 0; i < j->inputs.n; i++)
		cxx |= is_cxx(j->inputs.v[i]);
	words_split(argv, cxx ? env_or("CXX", "c++") : env_or("CC", "cc"));
	words_split(argv, env_or(cxx ? "CXXFLAGS" : "CFLAGS", "-O2 -g"));
	words_split(argv, env_or("LDFLAGS", ""));
	for (size_t i = 0; i < j->inputs.n; i++)
		words_addf(argv, "%s/%zu.o", j->dir, i);
	for (size_t i = 0; i < j->recipe.libs.n; i++)
		words_add(argv, j->recipe.libs.v[i]);
	words_split(argv, env_or("LDLIBS", ""));
	words_add(argv, j->lib.archive);
	words_split(argv, "-lpcre2-8 -lm -pthread -ldl -o");
	words_addf(argv, "%s/program", j->dir);
}

static int forward(struct sink *sink, const void *p, size_t n)
{
	return fwrite(p, 1, n, stderr) == n ? 0 : -EIO;
}

static int execute(const struct job *j, struct words *argv, struct err *err)
{
	struct sink sink = {forward, NULL};
	if (j->how->show) {
		for (size_t i = 0; i < argv->n; i++)
			fprintf(stderr, "%s%s", i ? " " : "", argv->v[i]);
		fputc('\n', stderr);
	}
	int status = bench_spawn(words_end(argv), NULL, &sink);
	if (status < 0)
		return err_set(err, -ECHILD, "%s: %s", argv->v[0], strerror(-status));
	return status == 0 ? 0 : err_set(err, -ECHILD, "%s failed", argv->v[0]);
}

/* ---- the cache ---- */

static uint64_t hash_file(const char *path)
{
	struct buf text = BUF_INIT;
	uint64_t h = 0;
	if (cli_read_file(path, (size_t)1 << 30, &text, NULL) == 0)
		h = hash_bytes(text.data, text.len, 1);
	buf_release(&text);
	return h;
}

static uint64_t hash_words(const struct words *w, uint64_t h)
{
	for (size_t i = 0; i < w->n; i++)
		h = hash_bytes(w->v[i], strlen(w->v[i]) + 1, h);
	return h;
}

static int make_dirs(char *path, struct err *err)
{
	for (char *s = path + 1;; s++) {
		if (*s && *s != '/')
			continue;
		char c = *s;
		*s = '\0';
		int rc = mkdir(path, 0777) < 0 && errno != EEXIST ? err_errno(err, "%s", path) : 0;
		*s = c;
		if (rc < 0 || !c)
			return rc;
	}
}

/* The entry's directory is named for the commands, which do not know it yet: they are hashed with
 * an empty one. */
static int open_entry(struct job *j, struct err *err)
{
	char here[PATH_MAX];
	uint64_t h = hash_bytes(j->lib.archive, strlen(j->lib.archive), 2);
	for (size_t i = 0; i < j->inputs.n; i++) {
		struct words argv = {0};
		compile_command(j, j->inputs.v[i], i, &argv);
		h = hash_words(&argv, h);
		words_release(&argv);
	}
	struct words argv = {0};
	link_command(j, &argv);
	h = hash_words(&argv, h);
	words_release(&argv);
	if (getcwd(here, sizeof(here)))
		h = hash_bytes(here, strlen(here), h);
	const char *root = getenv("XDG_CACHE_HOME");
	snprintf(j->dir, sizeof(j->dir), "%s%s/sonde/bench/%016llx",
		root && *root ? root : env_or("HOME", "/tmp"), root && *root ? "" : "/.cache",
		(unsigned long long)h);
	return make_dirs(j->dir, err);
}

static bool entry_fits(const struct job *j)
{
	char path[PATH_MAX + 16], name[PATH_MAX];
	snprintf(path, sizeof(path), "%s/program", j->dir);
	if (access(path, X_OK) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/inputs", j->dir);
	FILE *f = fopen(path, "re");
	unsigned long long hash;
	bool fits = f != NULL;
	while (fits && fscanf(f, "%llx %4095[^\n]", &hash, name) == 2)
		fits = hash_file(name) == hash;
	fits = fits && feof(f);
	if (f)
		fclose(f);
	return fits;
}

/* The prerequisites in a file of make rules, as the compiler's -MD writes it. */
static void read_prerequisites(const char *path, struct words *to)
{
	struct buf text = BUF_INIT;
	struct words all = {0};
	if (cli_read_file(path, SOURCE_MAX, &text, NULL) == 0) {
		for (char *s = text.data; *s; s++)
			if (s[0] == '\\' && s[1] == '\n')
				s[0] = s[1] = ' ';
		words_split(&all, text.data);
	}
	for (size_t i = 1; i < all.n; i++) /* the first is "target:" */
		words_add(to, all.v[i]);
	words_release(&all);
	buf_release(&text);
}

static int write_inputs(const struct job *j, struct err *err)
{
	struct words names = {0};
	char path[PATH_MAX + 32];
	for (size_t i = 0; i < j->inputs.n; i++) {
		snprintf(path, sizeof(path), "%s/%zu.d", j->dir, i);
		read_prerequisites(path, &names);
	}
	for (size_t i = 0; i < j->recipe.libs.n; i++)
		if (j->recipe.libs.v[i][0] != '-')
			words_add(&names, j->recipe.libs.v[i]);
	words_add(&names, j->lib.archive);
	snprintf(path, sizeof(path), "%s/inputs", j->dir);
	FILE *f = fopen(path, "we");
	for (size_t i = 0; f && i < names.n; i++)
		fprintf(f, "%016llx %s\n", (unsigned long long)hash_file(names.v[i]), names.v[i]);
	words_release(&names);
	return f && fclose(f) == 0 ? 0 : err_errno(err, "%s", path);
}

/* ---- all of it ---- */

static int make(struct job *j, struct err *err)
{
	char path[PATH_MAX + 16];
	int rc = 0;
	snprintf(path, sizeof(path), "%s/inputs", j->dir);
	unlink(path); /* half an entry must not pass for one */
	for (size_t i = 0; rc == 0 && i < j->inputs.n; i++) {
		struct words argv = {0};
		compile_command(j, j->inputs.v[i], i, &argv);
		rc = execute(j, &argv, err);
		words_release(&argv);
	}
	struct words argv = {0};
	link_command(j, &argv);
	if (rc == 0)
		rc = execute(j, &argv, err);
	words_release(&argv);
	return rc == 0 ? write_inputs(j, err) : rc;
}

static int prepare(struct job *j, struct err *err)
{
	int rc = find_library(&j->lib, err);
	for (size_t i = 0; rc == 0 && i < j->p->files.n; i++)
		rc = read_directives(&j->recipe, j->p->dir, j->p->files.v[i], err);
	for (size_t i = 0; i < j->p->files.n; i++)
		words_add(&j->inputs, j->p->files.v[i]);
	for (size_t i = 0; i < j->recipe.sources.n; i++)
		words_add(&j->inputs, j->recipe.sources.v[i]);
	return rc == 0 ? open_entry(j, err) : rc;
}

int bench_build(struct bench_package *p, const struct bench_build *how, struct err *err)
{
	if (p->program)
		return 0;
	struct job j = {.p = p, .how = how};
	int rc = prepare(&j, err);
	if (rc == 0 && (how->force || !entry_fits(&j)))
		rc = make(&j, err);
	if (rc == 0) {
		struct buf program = BUF_INIT;
		buf_printf(&program, "%s/program", j.dir);
		p->program = buf_detach(&program, NULL);
	}
	recipe_release(&j.recipe);
	words_release(&j.inputs);
	return rc;
}
