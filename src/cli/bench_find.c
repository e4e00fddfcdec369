/*
 * Finding benchmarks: a package is a directory that holds *_bench.c or *_bench.cc files, which are
 * linked into one program as the _test.go files of a Go package are.
 */
#include "cli/bench.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- words ---- */

void words_add(struct words *w, const char *s)
{
	vec_push(w->v, w->n, w->cap, mem_strdup(s));
}

void words_addf(struct words *w, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	vec_push(w->v, w->n, w->cap, buf_detach(&text, NULL));
}

void words_split(struct words *w, const char *s)
{
	while (*(s += strspn(s, " \t\r\n"))) {
		struct buf word = BUF_INIT;
		for (char quote = 0; *s && (quote || !strchr(" \t\r\n", *s)); s++) {
			if (*s == '\\' && s[1] && quote != '\'')
				buf_addch(&word, *++s);
			else if (quote ? *s == quote : *s == '\'' || *s == '"')
				quote = quote ? 0 : *s;
			else
				buf_addch(&word, *s);
		}
		words_add(w, word.data);
		buf_release(&word);
	}
}

char **words_end(struct words *w)
{
	vec_grow(w->v, w->n + 1, w->cap);
	w->v[w->n] = NULL;
	return w->v;
}

void words_release(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		mem_free(w->v[i]);
	mem_free(w->v);
	*w = (struct words){0};
}

/* ---- packages ---- */

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n > m && strcmp(s + n - m, end) == 0;
}

static bool is_benchmark_source(const char *name)
{
	return ends_with(name, "_bench.c") || ends_with(name, "_bench.cc") ||
	       ends_with(name, "_bench.cpp");
}

static char *package_name(const char *dir)
{
	if (strcmp(dir, ".") != 0)
		return mem_strdup(dir);
	char here[PATH_MAX];
	const char *slash = getcwd(here, sizeof(here)) ? strrchr(here, '/') : NULL;
	return mem_strdup(slash && slash[1] ? slash + 1 : ".");
}

static struct bench_package *package(struct bench_packages *all, const char *dir)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].dir && strcmp(all->v[i].dir, dir) == 0 && !all->v[i].program)
			return &all->v[i];
	vec_push(all->v, all->n, all->cap, (struct bench_package){0});
	struct bench_package *p = &all->v[all->n - 1];
	p->dir = mem_strdup(dir);
	p->name = package_name(dir);
	return p;
}

static void add_file(struct bench_packages *all, const char *dir, const char *path)
{
	struct bench_package *p = package(all, dir);
	for (size_t i = 0; i < p->files.n; i++)
		if (strcmp(p->files.v[i], path) == 0)
			return;
	words_add(&p->files, path);
}

/* Go's rule for ./...: what starts with '.' or '_', and testdata, is nobody's package. */
static bool is_skipped(const char *name)
{
	return name[0] == '.' || name[0] == '_' || strcmp(name, "testdata") == 0;
}

static void join(struct buf *out, const char *dir, const char *name)
{
	const char *parts[] = {dir, name};
	path_join(out, parts, 2);
}

static int walk(struct bench_packages *all, const char *dir, struct err *err)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort), rc = 0;
	if (n < 0)
		return err_errno(err, "%s", dir);
	for (int i = 0; i < n; i++) {
		struct buf path = BUF_INIT;
		struct stat st;
		join(&path, dir, entries[i]->d_name);
		bool exists = !is_skipped(entries[i]->d_name) && lstat(path.data, &st) == 0;
		if (exists && S_ISDIR(st.st_mode) && rc == 0)
			rc = walk(all, path.data, err);
		else if (exists && S_ISREG(st.st_mode) && is_benchmark_source(path.data))
			add_file(all, dir, path.data);
		buf_release(&path);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int add_source(struct bench_packages *all, const char *path)
{
	struct buf dir = BUF_INIT, clean = BUF_INIT;
	path_dir(&dir, path);
	path_clean(&clean, path);
	add_file(all, dir.data, clean.data);
	buf_release(&dir);
	buf_release(&clean);
	return 0;
}

static int add_program(struct bench_packages *all, const char *path, struct err *err)
{
	char real[PATH_MAX];
	if (!realpath(path, real))
		return err_errno(err, "%s", path);
	vec_push(all->v, all->n, all->cap, (struct bench_package){0});
	struct bench_package *p = &all->v[all->n - 1];
	p->dir = mem_strdup(".");
	p->name = mem_strdup(path);
	p->program = mem_strdup(real);
	return 0;
}

int bench_find(struct bench_packages *all, const char *arg, struct err *err)
{
	struct buf path = BUF_INIT;
	size_t n = strlen(arg);
	bool dots = (n >= 4 && strcmp(arg + n - 4, "/...") == 0) || strcmp(arg, "...") == 0;
	char *head = mem_strndup(arg, dots ? n - 3 : n);
	path_clean(&path, head);
	mem_free(head);
	struct stat st;
	int rc;
	if (stat(path.data, &st) < 0)
		rc = err_errno(err, "%s", path.data);
	else if (S_ISDIR(st.st_mode))
		rc = walk(all, path.data, err);
	else if (ends_with(arg, ".c") || ends_with(arg, ".cc") || ends_with(arg, ".cpp"))
		rc = add_source(all, path.data);
	else if (access(path.data, X_OK) == 0)
		rc = add_program(all, path.data, err);
	else
		rc = err_set(err, ERR_USAGE,
			"%s: neither a directory, a C or C++ source, nor a benchmark program", arg);
	buf_release(&path);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct bench_package *)a)->name, ((const struct bench_package *)b)->name);
}

void bench_packages_sort(struct bench_packages *all)
{
	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), by_name);
}

void bench_packages_release(struct bench_packages *all)
{
	for (size_t i = 0; i < all->n; i++) {
		mem_free(all->v[i].dir);
		mem_free(all->v[i].name);
		mem_free(all->v[i].program);
		words_release(&all->v[i].files);
	}
	mem_free(all->v);
	*all = (struct bench_packages){0};
}
