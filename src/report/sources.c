/*
 * Source files (sources.h). Names in a profile are those of the machine that built the binary, so
 * they are trimmed, then looked for under the search path and each of its parents.
 *
 * The profile names the file, so it may name anything: only regular files are opened, and never so
 * that opening could block.
 */
#include "report/sources.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/report.h"

#define SOURCE_MAX ((size_t)256 << 20)

struct source_file {
	char *text;
	char *error;
	char **lines;
	size_t n, cap;
};

void sources_init(struct sources *s, const char *search_path, const char *trim_path)
{
	char here[PATH_MAX];
	*s = (struct sources){.trim_path = mem_strdup(trim_path)};
	if (!search_path[0])
		search_path = getcwd(here, sizeof(here)) ? here : ".";
	s->search_path = mem_strdup(search_path);
	strtab_init(&s->names);
}

void sources_release(struct sources *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		mem_free(s->files[i].text);
		mem_free(s->files[i].error);
		mem_free(s->files[i].lines);
	}
	mem_free(s->files);
	mem_free(s->search_path);
	mem_free(s->trim_path);
	strtab_release(&s->names);
}

/* --- finding --- */

static bool is_under(const char *path, const char *dirs)
{
	char real[PATH_MAX], dir[PATH_MAX];
	if (!realpath(path, real))
		return false;
	for (const char *d = dirs; *d;) {
		size_t n = strcspn(d, ":");
		char *copy = mem_strndup(d, n);
		bool ok = n && realpath(copy, dir);
		mem_free(copy);
		size_t len = ok ? strlen(dir) : 0;
		if (ok && !strncmp(real, dir, len) && (real[len] == '/' || len == 1))
			return true;
		d += n + (d[n] == ':');
	}
	return false;
}

static int open_regular(const struct sources *s, const char *path)
{
	struct stat st = {0};
	if (s->confined && !is_under(path, s->search_path)) {
		errno = EACCES;
		return -1;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (size_t)st.st_size > SOURCE_MAX) {
		close(fd);
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	return fd;
}

/* In `dir`, then in its parents up to the root. */
static int open_upwards(const struct sources *s, const char *dir, const char *path)
{
	struct buf name = BUF_INIT, at = BUF_INIT, parent = BUF_INIT;
	int fd = -1;
	buf_addstr(&at, dir);
	for (;;) {
		buf_clear(&name);
		path_join(&name, (const char *const[]){at.data, path}, 2);
		fd = open_regular(s, name.data);
		buf_clear(&parent);
		path_dir(&parent, at.data);
		if (fd >= 0 || !strcmp(parent.data, at.data))
			break;
		buf_clear(&at);
		buf_addstr(&at, parent.data);
	}
	buf_release(&name);
	buf_release(&at);
	buf_release(&parent);
	return fd;
}

static int open_source(const struct sources *s, const char *path, struct buf *error)
{
	path = report_trim_path(path, s->trim_path, s->search_path);
	if (path[0] == '/') {
		int fd = open_regular(s, path);
		const char *why = strerror(errno);
		if (fd < 0)
			buf_printf(error, "open %s: %c%s", path, tolower((unsigned char)why[0]),
				why + 1);
		return fd;
	}
	int fd = -1;
	char *dirs = mem_strdup(s->search_path), *rest = dirs;
	for (char *dir; fd < 0 && (dir = strsep(&rest, ":"));)
		fd = open_upwards(s, dir, path);
	mem_free(dirs);
	if (fd < 0)
		buf_printf(error, "could not find file %s on path %s", path, s->search_path);
	return fd;
}

/* --- reading --- */

static void split_lines(struct source_file *file, size_t len)
{
	char *end = file->text + len;
	for (char *line = file->text; line < end;) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *stop = newline ? newline : end;
		char *next = newline ? newline + 1 : end;
		if (stop > line && stop[-1] == '\r')
			stop--;
		*stop = 0;
		vec_push(file->lines, file->n, file->cap, line);
		line = next;
	}
}

static void read_source(const struct sources *s, struct source_file *file, const char *path)
{
	struct buf error = BUF_INIT, text = BUF_INIT;
	int fd = open_source(s, path, &error);
	if (fd < 0) {
		file->error = buf_detach(&error, NULL);
		return;
	}
	ssize_t n;
	do {
		buf_reserve(&text, 65536);
		n = read(fd, text.data + text.len, 65536);
		if (n > 0)
			text.len += (size_t)n;
	} while (n > 0 && text.len <= SOURCE_MAX);
	close(fd);
	buf_reserve(&text, 1);
	text.data[text.len] = 0;
	size_t len = text.len;
	file->text = buf_detach(&text, NULL);
	split_lines(file, len);
}

static struct source_file *source_of(struct sources *s, const char *path)
{
	uint32_t id = strtab_addstr(&s->names, path);
	/* Id 0 is the empty string's, the path of nothing. */
	while (s->n <= id) {
		struct source_file file = {0};
		if (s->n == id && id)
			read_source(s, &file, path);
		vec_push(s->files, s->n, s->cap, file);
	}
	return &s->files[id];
}

const char *sources_line(struct sources *s, const char *path, int64_t line)
{
	const struct source_file *file = source_of(s, path);
	if (line <= 0 || (uint64_t)line > file->n)
		return NULL;
	return file->lines[line - 1];
}

const char *sources_error(const struct sources *s, const char *path)
{
	uint32_t id = strtab_find(&s->names, path, strlen(path));
	return id < s->n ? s->files[id].error : NULL;
}
