/*
 * Custom profiles as views; see export_view.h. They are in no table: a program makes them, and a
 * recording names them.
 */
#include "agent/export_view.h"

#include "agent/export.h"

#include <string.h>

static int64_t period_one(const struct recording *rec)
{
	return 1;
}

static bool values(const struct export_count *c, int64_t *ret)
{
	ret[0] = (int64_t)(c->values[0] - c->values[1]);
	return ret[0] != 0;
}

void export_custom_init(struct export_view *view, const char *name, uint64_t key)
{
	*view = (struct export_view){.name = name,
		.kind = RECORDING_CUSTOM,
		.key = key,
		.types = {{name, "count"}},
		.type_n = 1,
		.period_type = {name, "count"},
		.period = period_one,
		.values = values};
}

/* The name is copied: the program may write over its recording. */
static bool read_custom(const struct recording_custom *c, struct export_custom *ret)
{
	size_t n = c->name_n;
	if (!c->key || !n || n >= sizeof(ret->name))
		return false;
	memcpy(ret->name, c->name, n);
	ret->name[n] = '\0';
	export_custom_init(&ret->view, ret->name, c->key);
	return strlen(ret->name) == n;
}

/* Newest first, so references go down: a list whose do not was written over. */
void export_each_custom(const struct export_source *source, export_custom_fn *each, void *ctx)
{
	const struct recording *rec = source->data;
	struct export_custom custom;
	if (source->n < RECORDING_ARENA || rec->version != RECORDING_VERSION)
		return;
	for (rec_ref ref = atomic_load(&rec->customs); ref;) {
		const struct recording_custom *c = export_at(source, ref, sizeof(*c));
		if (!c || !export_at(source, ref, sizeof(*c) + c->name_n))
			return;
		if (read_custom(c, &custom) && !each(ctx, &custom))
			return;
		ref = c->next < ref ? c->next : 0;
	}
}

struct search {
	const char *name;
	struct export_custom *ret;
	bool found;
};

static bool compare(void *ctx, const struct export_custom *custom)
{
	struct search *s = ctx;
	s->found = strcmp(custom->name, s->name) == 0;
	if (s->found)
		export_custom_init(
			&s->ret->view, strcpy(s->ret->name, custom->name), custom->view.key);
	return !s->found;
}

bool export_custom_find(
	const struct export_source *source, const char *name, struct export_custom *ret)
{
	struct search search = {.name = name, .ret = ret};
	export_each_custom(source, compare, &search);
	return search.found;
}
