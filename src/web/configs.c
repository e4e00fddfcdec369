/*
 * Saved configurations over HTTP, under google/pprof's paths:
 * /ui/saveconfig?config=NAME&<parameters> and /ui/deleteconfig?config=NAME (also without /ui), and
 * /ui/configs.json?<parameters> for the menu:
 *
 *	[{"name": "Default", "url": "?", "current": true, "user": false},
 *	 {"name": "mine", "url": "?f=main&n=40", "current": false, "user": true}]
 *
 * A URL has the parameters of the request, those that are saved replaced by the configuration's.
 * `current` is the last one that replaces none; `user`: it can be deleted.
 *
 * The file is read anew each time: Go's pages, and other servers of ours, may have changed it.
 */
#include "web/internal.h"

#include "web/settings.h"

#include <stdlib.h>

static int refuse_strangers(struct query *q, struct err *err)
{
	if (http_is_own(q->req))
		return 0;
	q->res->status = 403;
	return err_set(err, ERR_USAGE,
		"settings are changed by this server's own pages only, not from another site");
}

static int load(struct query *q, struct settings *ret, struct err *err)
{
	const struct web_profile *web = q->server->web;
	if (!web->settings)
		return err_set(err, ERR_NOT_FOUND,
			"there is no place for settings: set $HOME or $XDG_CONFIG_HOME");
	return settings_load(ret, web->settings, web->config, err);
}

/* --- changing --- */

typedef int edit_fn(struct settings *s, struct query *q, const char *name, struct err *err);

static int edit(struct query *q, edit_fn *change, struct err *err)
{
	struct settings s;
	int rc = refuse_strangers(q, err);
	if (rc >= 0)
		rc = load(q, &s, err);
	if (rc < 0)
		return rc;
	rc = change(&s, q, http_param(q->req, "config"), err);
	if (rc >= 0)
		rc = settings_save(&s, q->server->web->settings, err);
	settings_release(&s);
	return rc;
}

static int save(struct settings *s, struct query *q, const char *name, struct err *err)
{
	if (!*name)
		return err_set(err, ERR_USAGE, "invalid config name");
	return settings_set(s, name, &q->config, err);
}

static int delete (struct settings *s, struct query *q, const char *name, struct err *err)
{
	return settings_remove(s, name, err);
}

int web_save_config(struct query *q, struct err *err)
{
	return edit(q, save, err);
}

int web_delete_config(struct query *q, struct err *err)
{
	return edit(q, delete, err);
}

/* --- the menu --- */

struct param {
	const char *name;
	char *value;
};

struct params {
	struct param *params;
	uint32_t n, cap;
};

static struct param *find_param(const struct params *p, const char *name)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (strcmp(p->params[i].name, name) == 0)
			return &p->params[i];
	return NULL;
}

/* The first of a name counts, as in Go's url.Values.Get. */
static void add_param(void *ctx, const char *name, const char *value)
{
	struct params *p = ctx;
	struct param added = {.name = name};
	if (!*value || find_param(p, name))
		return;
	added.value = mem_strdup(value);
	vec_push(p->params, p->n, p->cap, added);
}

/* Whether that changed anything. */
static bool set_param(struct params *p, const char *name, const char *value)
{
	struct param *at = find_param(p, name);
	if (strcmp(at ? at->value : "", value) == 0)
		return false;
	if (at)
		config_set_string(&at->value, value);
	else
		add_param(p, name, value);
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct param *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static void put_url(struct params *p, struct buf *out)
{
	char separator = '?';
	buf_addch(out, '?');
	if (p->n)
		qsort(p->params, p->n, sizeof(*p->params), by_name);
	for (uint32_t i = 0; i < p->n; i++) {
		if (!*p->params[i].value)
			continue;
		if (separator == '&')
			buf_addch(out, separator);
		separator = '&';
		http_escape_query(out, p->params[i].name);
		buf_addch(out, '=');
		http_escape_query(out, p->params[i].value);
	}
}

/* The address that shows the configuration; whether it is another than the request's. */
static bool config_url(const struct config *c, const struct http_request *req, struct buf *out)
{
	struct params p = {0};
	bool changed = false;
	http_each_param(req, add_param, &p);
	for (const struct config_field *f = config_fields; f->name; f++) {
		struct buf value = BUF_INIT;
		if (!f->urlparam || !f->saved)
			continue;
		if (!config_is_default(c, f))
			config_get(c, f, &value);
		if (f->kind == CONFIG_BOOL && value.len)
			value.data[value.len = 1] = '\0';
		changed |= set_param(&p, f->urlparam, value.data);
		buf_release(&value);
	}
	put_url(&p, out);
	for (uint32_t i = 0; i < p.n; i++)
		mem_free(p.params[i].value);
	mem_free(p.params);
	return changed;
}

struct menu_entry {
	const char *name;
	struct buf url;
};

static void put_menu(
	const struct menu_entry *entries, uint32_t n, uint32_t current, struct buf *out)
{
	for (uint32_t i = 0; i < n; i++) {
		buf_addstr(out, i ? ",\n{\"name\":" : "[{\"name\":");
		json_string(out, entries[i].name, strlen(entries[i].name));
		buf_addstr(out, ",\"url\":");
		json_string(out, entries[i].url.data, entries[i].url.len);
		buf_printf(out, ",\"current\":%s,\"user\":%s}", i == current ? "true" : "false",
			i ? "true" : "false");
	}
	buf_addstr(out, "]\n");
}

static void make_menu(struct query *q, const struct settings *s)
{
	struct menu_entry *entries = mem_array((size_t)s->n + 1, sizeof(*entries));
	struct config defaults;
	uint32_t current = UINT32_MAX;
	config_init(&defaults);
	for (uint32_t i = 0; i <= s->n; i++) {
		const struct config *c = i ? &s->configs[i - 1].config : &defaults;
		entries[i].name = i ? s->configs[i - 1].name : "Default";
		buf_init(&entries[i].url);
		if (!config_url(c, q->req, &entries[i].url))
			current = i;
	}
	put_menu(entries, s->n + 1, current, &q->res->body);
	for (uint32_t i = 0; i <= s->n; i++)
		buf_release(&entries[i].url);
	mem_free(entries);
	config_release(&defaults);
}

int web_configs_json(struct query *q, struct err *err)
{
	struct settings s;
	int rc = load(q, &s, err);
	if (rc < 0)
		return rc;
	q->res->type = "application/json";
	make_menu(q, &s);
	settings_release(&s);
	return 0;
}
