/*
 * Lexical paths (path.h). Cleaning writes forward into the output and, at "..", takes back what it
 * wrote; nothing before `root` is ever taken back: that is "/" or the leading "../.." of a relative
 * path.
 */
#include "base/base.h"

static bool is_end(char c)
{
	return c == '/' || c == 0;
}

/* Drops the last element written after `root`. */
static void drop_last(struct buf *out, size_t root)
{
	while (out->len > root && out->data[out->len - 1] != '/')
		out->len--;
	if (out->len > root)
		out->len--; /* the slash */
	out->data[out->len] = 0;
}

void path_clean(struct buf *out, const char *path)
{
	size_t from = out->len;
	bool rooted = path[0] == '/';
	if (rooted)
		buf_addch(out, '/');
	size_t root = out->len;
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");
		if (!n || (n == 1 && p[0] == '.')) {
			/* an empty element, or this directory */
		} else if (n == 2 && p[0] == '.' && p[1] == '.' && (rooted || out->len > root)) {
			if (out->len > root)
				drop_last(out, root);
		} else {
			if (out->len > from + rooted)
				buf_addch(out, '/');
			buf_add(out, p, n);
			if (n == 2 && p[0] == '.' && p[1] == '.')
				root = out->len;
		}
		p += n + (p[n] == '/');
	}
	if (out->len == from)
		buf_addch(out, '.');
}

void path_base(struct buf *out, const char *path)
{
	size_t n = strlen(path);
	if (!n) {
		buf_addch(out, '.');
		return;
	}
	while (n && path[n - 1] == '/')
		n--;
	if (!n) {
		buf_addch(out, '/');
		return;
	}
	size_t from = n;
	while (from && !is_end(path[from - 1]))
		from--;
	buf_add(out, path + from, n - from);
}

void path_dir(struct buf *out, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash) {
		buf_addch(out, '.');
		return;
	}
	char *dir = mem_strndup(path, (size_t)(slash - path) + 1);
	path_clean(out, dir);
	mem_free(dir);
}

void path_join(struct buf *out, const char *const *elements, size_t n)
{
	struct buf joined = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		if (!elements[i][0])
			continue;
		if (joined.len)
			buf_addch(&joined, '/');
		buf_addstr(&joined, elements[i]);
	}
	if (joined.len)
		path_clean(out, joined.data);
	buf_release(&joined);
}
