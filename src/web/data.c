/*
 * What the flame graph's script asks for: flame.json and sandwich.json. The form of the data is
 * told in report/flame_json.c.
 *
 *	/ui/flame.json?<parameters>              the first look: what a screen can show of the whole
 *	/ui/flame.json?<parameters>&node=N       what is below frame N, or in the "… more" N
 *	/ui/sandwich.json?<parameters>&fn=NAME   who calls a function and what it calls
 *	    &side=callers|callees                one of the two alone,
 *	    &node=N                              and what is below frame N of it
 *
 * Graphs are kept by what made them, so that looking around in one, going back and opening a second
 * page of the same make no report again.
 */
#include "web/internal.h"

#include <errno.h>
#include <stdlib.h>

/* --- graphs --- */

/* The options as text, each with its name: what two requests for one graph have in common. */
static void put_key(const struct config *c, struct buf *out)
{
	for (const struct config_field *f = config_fields; f->name; f++) {
		if (config_is_default(c, f))
			continue;
		buf_printf(out, "%s=", f->name);
		config_get(c, f, out);
		buf_addch(out, '\n');
	}
}

/* A warning, kept until there is a graph it can be said of. */
static void keep_note(struct notes *notes, const char *line)
{
	struct report_labels *kept = notes->ctx;
	vec_push(kept->lines, kept->n, kept->cap, mem_strdup(line));
}

static int make_flame(struct query *q, struct flame **ret, struct err *err)
{
	struct report_labels kept = {0};
	struct notes notes = {.add = keep_note, .ctx = &kept};
	struct lent_profile lent;
	struct report r;
	query_profile(q, &lent);
	int rc = report_init(
		&r, &lent.profile, REPORT_FLAME, "flame", NULL, &q->config, &notes, err);
	if (rc >= 0) {
		rc = flame_new(ret, &r, err);
		report_release(&r);
	}
	for (uint32_t i = 0; i < kept.n && rc >= 0; i++)
		flame_note(*ret, kept.lines[i]);
	report_labels_release(&kept);
	lent_profile_release(&lent);
	return rc;
}

static void flame_key_of(struct query *q, struct buf *ret)
{
	if (!*q->config.granularity)
		config_set_string(&q->config.granularity, "filefunctions");
	put_key(&q->config, ret);
}

int query_flame(struct query *q, const struct flame **ret, struct err *err)
{
	struct buf key = BUF_INIT;
	struct flame *made;
	int rc = 0;
	flame_key_of(q, &key);
	*ret = lru_get(q->server->flames, key.data);
	if (!*ret && (rc = make_flame(q, &made, err)) >= 0) {
		lru_put(q->server->flames, key.data, made, flame_size(made));
		*ret = made;
	}
	buf_release(&key);
	return rc;
}

static int name_error(struct query *q, const char *name, struct err *err)
{
	q->res->status = 404;
	return err_set(err, ERR_NOT_FOUND, "no function of that name in the graph: %s", name);
}

/* One side of a function in the query's graph; kept like it. */
static int query_side(struct query *q, const char *name, enum flame_side side,
	const struct flame **ret, struct err *err)
{
	struct buf key = BUF_INIT;
	const struct flame *whole;
	int rc = 0;
	flame_key_of(q, &key);
	buf_printf(&key, "%s %s", side == FLAME_CALLERS ? "callers of" : "callees of", name);
	*ret = lru_get(q->server->flames, key.data);
	if (!*ret && (rc = query_flame(q, &whole, err)) >= 0) {
		if (flame_has(whole, name)) {
			struct flame *made = flame_around(whole, name, side);
			lru_put(q->server->flames, key.data, made, flame_size(made));
			*ret = made;
		} else {
			rc = name_error(q, name, err);
		}
	}
	buf_release(&key);
	return rc;
}

/* --- answers --- */

static int get_node(const struct query *q, int64_t *ret, struct err *err)
{
	const char *text = http_param(q->req, "node");
	char *end;
	*ret = 0;
	if (!*text)
		return 0;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	if (*end || errno || *text == ' ')
		return err_set(err, ERR_USAGE, "node=%s is not the number of a frame", text);
	return 0;
}

int web_flame_json(struct query *q, struct err *err)
{
	const struct flame *f;
	int64_t node;
	int rc = get_node(q, &node, err);
	if (rc >= 0)
		rc = query_flame(q, &f, err);
	if (rc >= 0)
		rc = flame_json(f, node, &flame_cut_screen, true, &q->res->body, err);
	q->res->type = "application/json";
	return rc;
}

static int put_side(
	struct query *q, const char *name, enum flame_side side, int64_t node, struct err *err)
{
	const struct flame *f;
	int rc = query_side(q, name, side, &f, err);
	return rc < 0 ? rc : flame_json(f, node, &flame_cut_screen, true, &q->res->body, err);
}

static int put_both(struct query *q, const char *name, struct err *err)
{
	struct buf *out = &q->res->body;
	buf_addstr(out, "{\"callers\":");
	int rc = put_side(q, name, FLAME_CALLERS, 0, err);
	buf_addstr(out, ",\n\"callees\":");
	if (rc >= 0)
		rc = put_side(q, name, FLAME_CALLEES, 0, err);
	buf_addch(out, '}');
	return rc;
}

int web_sandwich_json(struct query *q, struct err *err)
{
	const char *name = http_param(q->req, "fn"), *side = http_param(q->req, "side");
	bool callers = strcmp(side, "callers") == 0, callees = strcmp(side, "callees") == 0;
	int64_t node;
	int rc = get_node(q, &node, err);
	if (rc < 0)
		return rc;
	if (!*name)
		return err_set(err, ERR_USAGE, "fn= is to name a function");
	if (!callers && !callees && (*side || node))
		return err_set(err, ERR_USAGE, "side= is to be callers or callees");
	q->res->type = "application/json";
	if (!callers && !callees)
		return put_both(q, name, err);
	return put_side(q, name, callers ? FLAME_CALLERS : FLAME_CALLEES, node, err);
}
