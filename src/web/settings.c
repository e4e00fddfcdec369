/*
 * settings.json; see settings.h. The order of members, the indentation and the numbers are those of
 * Go's encoding/json, so that a file both tools write changes no more than what was changed in it.
 */
#include "web/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_READ ((size_t)16 << 20)

/* --- reading --- */

static bool is_named(const struct json_value *name, const char *field)
{
	struct buf text = BUF_INIT;
	json_text(name, &text);
	bool same = strcasecmp(text.data, field) == 0; /* as encoding/json matches */
	buf_release(&text);
	return same;
}

static const struct config_field *find_field(const struct json_value *name)
{
	for (const struct config_field *f = config_fields; f->name; f++)
		if (f->saved && is_named(name, f->name))
			return f;
	return NULL;
}

static enum json_kind kind_of(const struct config_field *f)
{
	static const enum json_kind kinds[] = {
		[CONFIG_BOOL] = JSON_BOOL,
		[CONFIG_INT] = JSON_NUMBER,
		[CONFIG_FLOAT] = JSON_NUMBER,
		[CONFIG_STRING] = JSON_STRING,
	};
	return kinds[f->kind];
}

static int wrong_value(const char *name, const struct json_value *v, struct err *err)
{
	return err_set(
		err, ERR_FORMAT, "\"%s\" cannot be %.*s", name, v->n < 60 ? (int)v->n : 60, v->s);
}

/* JSON has no other numbers. */
static bool is_finite(const struct config *c, const struct config_field *f)
{
	struct buf value = BUF_INIT;
	if (f->kind != CONFIG_FLOAT)
		return true;
	config_get(c, f, &value);
	bool finite = isfinite(strtod(value.data, NULL));
	buf_release(&value);
	return finite;
}

/* Any text may be in a file, also one that is no choice: it is refused when it is used. */
static int set_field(
	struct config *c, const struct config_field *f, const struct json_value *v, struct err *err)
{
	if (v->kind == JSON_NULL)
		return 0;
	if (v->kind != kind_of(f))
		return wrong_value(f->name, v, err);
	struct buf text = BUF_INIT;
	int rc = 0;
	if (f->kind == CONFIG_STRING) {
		json_text(v, &text);
		config_set_string(config_string(c, f), text.data);
	} else {
		buf_add(&text, v->s, v->n);
		bool fits = config_set(c, f, text.data, NULL) >= 0 && is_finite(c, f);
		rc = fits ? 0 : wrong_value(f->name, v, err);
	}
	buf_release(&text);
	return rc;
}

static void keep(struct buf *out, const char *indent, const struct json_value *name,
	const struct json_value *v)
{
	buf_printf(out, ",\n%s", indent);
	buf_add(out, name->s, name->n);
	buf_addstr(out, ": ");
	buf_add(out, v->s, v->n);
}

static int parse_config(struct named_config *c, const struct json_value *object, struct err *err)
{
	struct json_value name, v;
	int rc = 0;
	if (object->kind != JSON_OBJECT)
		return wrong_value("configs", object, err);
	for (const char *at = NULL; rc >= 0 && json_each(object, &at, &name, &v);) {
		const struct config_field *f = find_field(&name);
		if (f) {
			rc = set_field(&c->config, f, &v, err);
		} else if (!is_named(&name, "name")) {
			keep(&c->unknown, "      ", &name, &v);
		} else if (v.kind == JSON_STRING) {
			struct buf text = BUF_INIT;
			json_text(&v, &text);
			config_set_string(&c->name, text.data);
			buf_release(&text);
		} else {
			rc = wrong_value("name", &v, err);
		}
	}
	return rc;
}

/* Nothing but what is not saved. */
static void init_config(struct named_config *c, const struct config *base)
{
	c->name = mem_strdup("");
	buf_init(&c->unknown);
	config_copy(&c->config, base);
	for (const struct config_field *f = config_fields; f->name; f++)
		if (f->saved)
			config_clear(&c->config, f);
}

static int parse_configs(struct settings *s, const struct json_value *list,
	const struct config *base, struct err *err)
{
	struct json_value name, v;
	int rc = 0;
	if (list->kind == JSON_NULL)
		return 0;
	if (list->kind != JSON_ARRAY)
		return wrong_value("configs", list, err);
	for (const char *at = NULL; rc >= 0 && json_each(list, &at, &name, &v);) {
		vec_grow(s->configs, (size_t)s->n + 1, s->cap);
		init_config(&s->configs[s->n++], base);
		rc = parse_config(&s->configs[s->n - 1], &v, err);
	}
	return rc;
}

int settings_parse(struct settings *ret, const char *text, size_t n, const struct config *base,
	struct err *err)
{
	struct json_value whole, name, v;
	*ret = (struct settings){.unknown = BUF_INIT};
	int rc = json_parse(text, n, &whole, err);
	if (rc >= 0 && whole.kind != JSON_OBJECT)
		rc = err_set(err, ERR_FORMAT, "it is not an object");
	for (const char *at = NULL; rc >= 0 && json_each(&whole, &at, &name, &v);) {
		if (is_named(&name, "configs"))
			rc = parse_configs(ret, &v, base, err);
		else
			keep(&ret->unknown, "  ", &name, &v);
	}
	if (rc < 0)
		settings_release(ret);
	return rc < 0 ? err_prefix(err, "could not parse settings"), rc : 0;
}

void settings_release(struct settings *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		mem_free(s->configs[i].name);
		buf_release(&s->configs[i].unknown);
		config_release(&s->configs[i].config);
	}
	mem_free(s->configs);
	buf_release(&s->unknown);
	*s = (struct settings){.unknown = BUF_INIT};
}

/* --- writing --- */

/* What "omitempty" leaves out. */
static bool is_empty(const struct config *c, const struct config_field *f)
{
	struct buf value = BUF_INIT;
	config_get(c, f, &value);
	bool is_zero = strcmp(value.data, "0") == 0 || strcmp(value.data, "false") == 0;
	bool empty = f->kind == CONFIG_STRING ? !*value.data : is_zero;
	buf_release(&value);
	return empty;
}

/* A number as config_get() writes it, which is fmt's way: encoding/json goes on without an exponent
 * to 1e-6, and has none of two digits that begin with 0. */
static void put_number(const char *text, struct buf *out)
{
	const char *e = strchr(text, 'e');
	int exponent = e ? atoi(e + 1) : 0;
	if (!e) {
		buf_addstr(out, text);
	} else if (exponent == -5 || exponent == -6) {
		size_t digits = strspn(text + (*text == '-'), "0123456789.");
		int decimals = (int)(digits > 1 ? digits - 2 : 0) - exponent;
		buf_printf(out, "%.*f", decimals, strtod(text, NULL));
	} else {
		buf_add(out, text, (size_t)(e - text));
		buf_printf(out, "e%+d", exponent);
	}
}

static void put_config(const struct named_config *c, struct buf *out)
{
	buf_addstr(out, "    {\n      \"name\": ");
	json_string(out, c->name, strlen(c->name));
	for (const struct config_field *f = config_fields; f->name; f++) {
		if (!f->saved || is_empty(&c->config, f))
			continue;
		struct buf value = BUF_INIT;
		config_get(&c->config, f, &value);
		buf_printf(out, ",\n      \"%s\": ", f->name);
		if (f->kind == CONFIG_STRING)
			json_string(out, value.data, value.len);
		else if (f->kind == CONFIG_FLOAT)
			put_number(value.data, out);
		else
			buf_add(out, value.data, value.len);
		buf_release(&value);
	}
	buf_add(out, c->unknown.data, c->unknown.len);
	buf_addstr(out, "\n    }");
}

void settings_write(const struct settings *s, struct buf *out)
{
	buf_addstr(out, "{\n  \"configs\": [");
	for (uint32_t i = 0; i < s->n; i++) {
		buf_addstr(out, i ? ",\n" : "\n");
		put_config(&s->configs[i], out);
	}
	buf_addstr(out, s->n ? "\n  ]" : "]");
	buf_add(out, s->unknown.data, s->unknown.len);
	buf_addstr(out, "\n}");
}

/* --- changing --- */

static struct named_config *find_config(const struct settings *s, const char *name)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (strcmp(s->configs[i].name, name) == 0)
			return &s->configs[i];
	return NULL;
}

int settings_set(struct settings *s, const char *name, const struct config *config, struct err *err)
{
	struct named_config *c = find_config(s, name);
	for (const struct config_field *f = config_fields; f->name; f++)
		if (f->saved && !is_finite(config, f))
			return err_set(err, ERR_USAGE,
				"could not encode settings: %s is no number of JSON", f->name);
	if (!c) {
		struct named_config added = {.name = mem_strdup(name), .unknown = BUF_INIT};
		vec_push(s->configs, s->n, s->cap, added);
		c = &s->configs[s->n - 1];
		config_init(&c->config);
	}
	config_release(&c->config);
	config_copy(&c->config, config);
	return 0;
}

int settings_remove(struct settings *s, const char *name, struct err *err)
{
	struct named_config *c = find_config(s, name);
	if (!c)
		return err_set(err, ERR_NOT_FOUND, "config %s not found", name);
	mem_free(c->name);
	buf_release(&c->unknown);
	config_release(&c->config);
	uint32_t after = s->n - (uint32_t)(c - s->configs) - 1;
	memmove(c, c + 1, after * sizeof(*c));
	s->n--;
	return 0;
}

/* --- the file --- */

static int read_all(int fd, struct buf *out)
{
	for (;;) {
		buf_reserve(out, 4096);
		ssize_t n = read(fd, out->data + out->len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len > SIZE_MAX_READ)
			return -EFBIG;
	}
}

int settings_load(
	struct settings *ret, const char *path, const struct config *base, struct err *err)
{
	struct buf text = BUF_INIT;
	*ret = (struct settings){.unknown = BUF_INIT};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, "could not read settings: %s", path);
	int rc = read_all(fd, &text);
	close(fd);
	if (rc < 0)
		err_set(err, rc, "could not read settings: %s: %s", path, strerror(-rc));
	else if ((rc = settings_parse(ret, text.data, text.len, base, err)) < 0)
		err_prefix(err, "%s", path);
	buf_release(&text);
	return rc;
}

/* All folders above the file, for its owner only. */
static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int rc = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
		*slash = '/';
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int write_all(int fd, const struct buf *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->data + done, text->len - done);
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n < 0 ? 0 : (size_t)n;
	}
	return 0;
}

/* A write that fails in the middle leaves the old file. */
static int replace(const char *path, const struct buf *text)
{
	struct buf beside = BUF_INIT;
	buf_printf(&beside, "%s.XXXXXX", path);
	int fd = mkostemp(beside.data, O_CLOEXEC); /* mode 0600 */
	int rc = fd < 0 ? -errno : write_all(fd, text);
	if (fd >= 0 && close(fd) < 0 && rc >= 0)
		rc = -errno;
	if (rc >= 0 && rename(beside.data, path) < 0)
		rc = -errno;
	if (rc < 0 && fd >= 0)
		unlink(beside.data);
	buf_release(&beside);
	return rc;
}

int settings_save(const struct settings *s, const char *path, struct err *err)
{
	struct buf text = BUF_INIT;
	char *folders = mem_strdup(path);
	/* A link, to where somebody keeps such files, stays one. */
	char *real = realpath(path, NULL);
	int rc = make_folders(folders);
	if (rc < 0) {
		err_set(err, rc, "failed to create settings directory: %s: %s", folders,
			strerror(-rc));
	} else {
		settings_write(s, &text);
		rc = replace(real ? real : path, &text);
		if (rc < 0)
			err_set(err, rc, "failed to write settings: %s: %s", path, strerror(-rc));
	}
	free(real);
	mem_free(folders);
	buf_release(&text);
	return rc;
}
