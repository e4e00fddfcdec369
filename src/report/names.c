/*
 * Names as reports show them: shortened functions, trimmed paths.
 *
 * google/pprof shortens names with four regular expressions; here each is a small matcher, because
 * a graph asks for thousands of names and the expressions are simple enough to be walked by hand.
 */
#include "report/report.h"

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_word(const char *s)
{
	while (is_word(*s))
		s++;
	return s;
}

/* "/v2" of a module path, from its slash: the character after the version, or NULL. */
static const char *version_end(const char *s)
{
	if (s[0] != '/' || s[1] != 'v' || !is_digit(s[2]) || s[2] == '0')
		return NULL;
	const char *end = s + 2;
	while (is_digit(*end))
		end++;
	if (end == s + 3 && s[2] == '1')
		return NULL;
	return *end == '.' || *end == '/' ? end : NULL;
}

/* "example.com/mod/v3/pkg.F" -> "example.com/mod/pkg.F". */
static char *without_version(const char *name)
{
	if (strchr(name, '\n'))
		return NULL;
	for (const char *s = strstr(name, "/v"); s; s = strstr(s + 1, "/v")) {
		const char *end = version_end(s);
		if (!end)
			continue;
		struct buf out = BUF_INIT;
		buf_add(&out, name, (size_t)(s - name));
		buf_addstr(&out, end);
		return buf_detach(&out, NULL);
	}
	return NULL;
}

/* Go: what follows the directories of the package path, if it reads "package.Function". */
static bool go_name(const char *name, const char **ret, size_t *ret_n)
{
	const char *last = NULL;
	for (const char *s = name;;) {
		const char *from = s;
		while (is_word(*s) || *s == '-' || *s == '.')
			s++;
		if (s == from || *s != '/')
			break;
		s++;
		const char *dot = strchr(s, '.');
		if (dot && dot != s && dot[1] && dot[1] != '\n')
			last = s;
	}
	if (!last)
		return false;
	const char *dot = strchr(last, '.');
	*ret = last;
	*ret_n = (size_t)(dot - last) + strcspn(dot, "\n");
	return true;
}

/* Java: "com.example.Class.method(args)" -> "Class.method". */
static bool java_name(const char *name, const char **ret, size_t *ret_n)
{
	const char *s = name;
	while (is_lower(*s)) {
		s = skip_word(s);
		if (*s++ != '.')
			return false;
	}
	*ret = s;
	if (!is_upper(*s))
		return false;
	while (is_word(*s) || *s == '$')
		s++;
	if (*s++ != '.')
		return false;
	if (strncmp(s, "<init>", 6) == 0) {
		s += 6;
	} else if (is_lower(*s)) {
		while (is_word(*s) || *s == '$')
			s++;
	} else {
		return false;
	}
	*ret_n = (size_t)(s - *ret);
	return *s == '(' || *s == '\0';
}

static bool is_cpp_class(const char *s, const char *end)
{
	while (s < end && *s == '_')
		s++;
	return s < end && is_upper(*s);
}

/* Where the method name at s ends, with its template arguments; NULL if there is none. */
static const char *cpp_method_end(const char *s)
{
	if (*s == '~')
		s++;
	if (!is_word(*s) || is_digit(*s))
		return NULL;
	s = skip_word(s);
	if (*s != '<')
		return s;
	const char *end = s;
	for (const char *p = s; *p && *p != '\n'; p++)
		if (*p == '>')
			end = p + 1;
	return end;
}

/* C++: "ns::Class::method<T>(args)" -> "Class::method<T>"; the class starts with a capital. */
static bool cpp_name(const char *name, const char **ret, size_t *ret_n)
{
	bool found = false;
	for (const char *s = name; is_word(*s) && !is_digit(*s);) {
		const char *end = skip_word(s);
		if (end[0] != ':' || end[1] != ':')
			break;
		const char *method = cpp_method_end(end + 2);
		if (s != name && is_cpp_class(s, end) && method) {
			found = true;
			*ret = s;
			*ret_n = (size_t)(method - s);
		}
		s = end + 2;
	}
	return found;
}

void report_shorten_name(const char *name, struct buf *out)
{
	static const char anonymous[] = "(anonymous namespace)::";
	if (strncmp(name, anonymous, sizeof(anonymous) - 1) == 0)
		name += sizeof(anonymous) - 1;
	char *plain = without_version(name);
	if (plain)
		name = plain;
	const char *part = name;
	size_t n = strlen(name);
	if (go_name(name, &part, &n) || java_name(name, &part, &n) || cpp_name(name, &part, &n)) {
		buf_add(out, part, n);
	} else {
		buf_addstr(out, name);
	}
	mem_free(plain);
}

/* What follows "/BASE/" in the path, BASE being the last element of the search directory. */
static const char *after_base(const char *path, const char *dir, size_t n)
{
	char *copy = mem_strndup(dir, n);
	struct buf want = BUF_INIT;
	buf_addch(&want, '/');
	path_base(&want, copy);
	buf_addch(&want, '/');
	const char *found = strstr(path, want.data);
	const char *rest = found ? found + want.len : NULL;
	buf_release(&want);
	mem_free(copy);
	return rest;
}

static const char *after_prefix(const char *path, const char *prefix, size_t n)
{
	if (strncmp(path, prefix, n) != 0)
		return NULL;
	if (n && prefix[n - 1] == '/')
		return path + n;
	return path[n] == '/' ? path + n + 1 : NULL;
}

const char *report_trim_path(const char *path, const char *trim_path, const char *search_path)
{
	if (!*trim_path) {
		for (const char *s = search_path; *s;) {
			size_t n = strcspn(s, ":");
			const char *rest = after_base(path, s, n);
			if (rest)
				return rest;
			s += n + (s[n] == ':');
		}
	}
	for (const char *s = trim_path; *s;) {
		size_t n = strcspn(s, ":");
		const char *rest = after_prefix(path, s, n);
		if (rest)
			return rest;
		s += n + (s[n] == ':');
	}
	static const char *const always[] = {"/proc/self/cwd/./", "/proc/self/cwd/"};
	for (size_t i = 0; i < array_len(always); i++)
		if (strncmp(path, always[i], strlen(always[i])) == 0)
			return path + strlen(always[i]);
	return path;
}
