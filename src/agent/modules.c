/*
 * The module log; see modules.h.
 */
#include "agent/modules.h"

#include "unwind/unwind.h"

#include <errno.h>
#include <string.h>

enum fit { FIT_FREE, FIT_THERE, FIT_CONFLICT };

static bool is_same(const struct recording_module *m, const struct unwind_module *u)
{
	return m->start == u->start && m->end == u->end && m->bias == u->bias &&
	       m->build_id_len == u->build_id_len &&
	       memcmp(m->build_id, u->build_id, u->build_id_len) == 0 &&
	       strncmp(m->path, u->path, RECORDING_TEXT_MAX * 16) == 0;
}

static enum fit fit(
	struct recording *rec, struct recording_layout *layout, const struct unwind_module *u)
{
	for (rec_ref ref = atomic_load(&layout->modules); ref;) {
		struct recording_module *m = recording_at(rec, ref);
		if (is_same(m, u))
			return FIT_THERE;
		if (m->start < u->end && u->start < m->end)
			return FIT_CONFLICT;
		ref = m->next;
	}
	return FIT_FREE;
}

static int add(
	struct recording *rec, struct recording_layout *layout, const struct unwind_module *u)
{
	size_t len = strnlen(u->path, RECORDING_TEXT_MAX * 16 - 1);
	struct recording_module *m = recording_alloc(rec, sizeof(*m) + len + 1);
	if (!m)
		return -ENOMEM;
	m->start = u->start;
	m->end = u->end;
	m->bias = u->bias;
	m->file_offset = u->file_offset;
	m->build_id_len = u->build_id_len;
	memcpy(m->build_id, u->build_id, u->build_id_len);
	m->path_len = (uint16_t)len;
	memcpy(m->path, u->path, len);
	m->next = atomic_load(&layout->modules);
	atomic_store(&layout->modules, recording_ref(rec, m));
	return 0;
}

struct visit {
	struct recording *rec;
	struct recording_layout *layout;
	int failed;
};

static int check_one(const struct unwind_module *u, void *ctx)
{
	struct visit *v = ctx;
	return !u->gone && fit(v->rec, v->layout, u) == FIT_CONFLICT;
}

static int add_one(const struct unwind_module *u, void *ctx)
{
	struct visit *v = ctx;
	if (!u->gone && fit(v->rec, v->layout, u) == FIT_FREE && add(v->rec, v->layout, u))
		v->failed = -ENOMEM;
	return 0;
}

static struct recording_layout *find_layout(struct recording *rec)
{
	struct visit v = {.rec = rec};
	for (rec_ref ref = atomic_load(&rec->layouts); ref; ref = v.layout->next) {
		v.layout = recording_at(rec, ref);
		if (!unwind_each_module(check_one, &v))
			return v.layout;
	}
	return NULL;
}

static struct recording_layout *new_layout(struct recording *rec)
{
	struct recording_layout *layout = recording_alloc(rec, sizeof(*layout));
	if (!layout)
		return NULL;
	rec_ref newest = atomic_load(&rec->layouts);
	struct recording_layout *before = newest ? recording_at(rec, newest) : NULL;
	layout->next = newest;
	layout->id = before ? before->id + 1 : 1;
	atomic_store(&rec->layouts, recording_ref(rec, layout));
	return layout;
}

int modules_update(struct recording *rec)
{
	struct recording_layout *layout = find_layout(rec);
	if (!layout)
		layout = new_layout(rec);
	if (!layout)
		return -ENOMEM;
	struct visit v = {.rec = rec, .layout = layout};
	unwind_each_module(add_one, &v);
	atomic_store(&rec->layout, layout->id);
	return v.failed;
}
