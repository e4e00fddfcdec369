/*
 * Ranges of time: stop-the-world and mark assists of a goroutine, sweeps of a proc, the garbage
 * collection of the whole program. See order.h.
 *
 * A collection may begin and end on different threads, so that its events carry numbers of one
 * sequence; the first seen sets where it stands.
 */
#include "gotrace/order.h"

#include <inttypes.h>
#include <stdio.h>

/* Open at once on one resource: more than any program has, and few enough to look through. */
#define OPEN_MAX 1024

static struct open_range *find_range(const struct open_ranges *r, uint8_t type, uint64_t desc)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->all[i].type == type && r->all[i].desc == desc)
			return &r->all[i];
	return NULL;
}

static int open(struct step *s, struct open_ranges *r, struct open_range range)
{
	if (r->n == OPEN_MAX)
		return err_set(s->err, ERR_LIMIT, "more than %d ranges open at once", OPEN_MAX);
	vec_push(r->all, r->n, r->cap, range);
	return 1;
}

/* The Begin of the event's kind of range; its own type if it is one. */
static uint8_t begin_type(const struct step *s)
{
	const struct gotrace_spec *spec = &gotrace_specs[s->ev->type];
	return spec->begin ? spec->begin : s->ev->type;
}

static int range_begin(struct step *s, struct open_ranges *r, uint64_t desc, uint32_t name)
{
	struct open_range range = {desc, name, begin_type(s)};
	if (find_range(r, range.type, desc))
		return step_error(s,
			"discovered event already in-flight for when starting event %s",
			gotrace_specs[range.type].name);
	return open(s, r, range);
}

static int not_active(struct step *s, const struct open_ranges *r, uint8_t type)
{
	struct buf open = BUF_INIT;
	for (uint32_t i = 0; i < r->n; i++)
		buf_printf(
			&open, "%s{%u %" PRIu64 "}", i ? " " : "", r->all[i].type, r->all[i].desc);
	int rc = step_error(s, "resource is missing active range: %s [%s]",
		gotrace_specs[type].name, open.data);
	buf_release(&open);
	return rc;
}

/* It had begun before the trace, in the first generation; later it must be known. */
static int range_active(struct step *s, struct open_ranges *r)
{
	struct open_range range = {.type = begin_type(s)};
	const struct open_range *known = find_range(r, range.type, 0);
	if (s->gen != s->o->first_gen)
		return known ? 1 : not_active(s, r, range.type);
	if (known)
		return step_error(
			s, "found named active range already in first gen: {%u 0}", range.type);
	return open(s, r, range);
}

static int range_end(struct step *s, struct open_ranges *r, struct open_range *ret)
{
	uint8_t type = begin_type(s);
	for (uint32_t i = 0; i < r->n; i++) {
		if (r->all[i].type != type)
			continue;
		*ret = r->all[i];
		r->all[i] = r->all[--r->n];
		return 1;
	}
	return step_error(s, "tried to end event %s, but not in-flight", gotrace_specs[type].name);
}

/* "stop-the-world (kind)". A kind that is no string of the generation is an error later. */
static uint32_t stw_name(struct step *s, uint64_t desc)
{
	char name[GOTRACE_STRING_MAX + 32];
	uint32_t i = desc ? ids_get(&s->t->string_ids, desc) : IDMAP_NONE;
	struct gotrace_str kind = {"", 0};
	if (i != IDMAP_NONE)
		kind = s->t->strings[i];
	size_t n = (size_t)snprintf(name, sizeof(name), "stop-the-world (");
	memcpy(name + n, kind.s, kind.len);
	name[n + kind.len] = ')';
	return strtab_add(&s->o->names, name, n + kind.len + 1);
}

static int go_range(struct step *s, bool begin)
{
	struct open_range range = {0};
	int rc = step_need(s, MUST_HAVE, MUST_HAVE);
	if (rc < 0)
		return rc;
	if (begin && s->ev->type == GOTRACE_EV_STW_BEGIN) {
		range.desc = s->ev->args[0];
		range.name = stw_name(s, range.desc);
	}
	struct go_state *g = step_go_now(s);
	if (!g)
		return step_error(s,
			"encountered event of type %u without known state for current goroutine "
			"%" PRId64,
			s->ev->type, s->now.g);
	if (begin)
		rc = range_begin(s, &g->ranges, range.desc, range.name);
	else
		rc = range_end(s, &g->ranges, &range);
	if (rc < 0)
		return rc;
	struct gotrace_event *ev = step_emit(s, s->ev->type, 0, 0);
	ev->name = range.name;
	if (s->ev->type == GOTRACE_EV_STW_END)
		ev->args[0] = range.desc;
	return 1;
}

/* Of any goroutine, running or not. */
static int assist_active(struct step *s)
{
	struct go_state *g = order_go(s->o, (int64_t)s->ev->args[0]);
	if (!g)
		return step_error(s, "uninitialized goroutine %" PRId64 " found during %s",
			(int64_t)s->ev->args[0], step_event_name(s));
	int rc = range_active(s, &g->ranges);
	if (rc > 0)
		step_emit(s, s->ev->type, 0, 0);
	return rc;
}

static int sweep(struct step *s)
{
	struct open_range range;
	int rc = step_need(s, MUST_HAVE, MAY_HAVE);
	if (rc < 0)
		return rc;
	struct proc_state *p = step_proc_now(s);
	if (!p)
		return step_error(s, "uninitialized proc %" PRId64 " found during %s", s->now.p,
			step_event_name(s));
	if (s->ev->type == GOTRACE_EV_GC_SWEEP_BEGIN)
		rc = range_begin(s, &p->ranges, 0, 0);
	else
		rc = range_end(s, &p->ranges, &range);
	if (rc > 0)
		step_emit(s, s->ev->type, 0, 0);
	return rc;
}

static int sweep_active(struct step *s)
{
	struct proc_state *p = order_proc(s->o, (int64_t)s->ev->args[0]);
	if (!p)
		return step_error(s, "encountered GCSweepActive for unknown proc %" PRId64,
			(int64_t)s->ev->args[0]);
	int rc = range_active(s, &p->ranges);
	if (rc > 0)
		step_emit(s, s->ev->type, 0, 0);
	return rc;
}

/* The first event of the collection that is seen: nothing to check it against. */
static int gc_first(struct step *s)
{
	s->o->gc_seq = s->ev->args[0];
	s->o->gc = GC_RUNNING;
	step_emit(s, s->ev->type, 0, 0);
	return 1;
}

/* The event's turn has come: the collection is in this state from now on. */
static int gc_next(struct step *s, enum gc_state state)
{
	s->o->gc_seq = s->ev->args[0];
	s->o->gc = state;
	int rc = step_need(s, MUST_HAVE, MUST_HAVE);
	if (rc > 0)
		step_emit(s, s->ev->type, 0, 0);
	return rc;
}

static int gc_active(struct step *s)
{
	bool first = s->gen == s->o->first_gen;
	if (first && s->o->gc != GC_UNDETERMINED)
		return step_error(s, "GCActive in the first generation isn't first GC event");
	if (first)
		return gc_first(s);
	if (s->ev->args[0] != s->o->gc_seq + 1)
		return 0;
	if (s->o->gc != GC_RUNNING)
		return step_error(s, "encountered GCActive while GC was not in progress");
	return gc_next(s, GC_RUNNING);
}

static int gc_begin(struct step *s)
{
	if (s->o->gc == GC_UNDETERMINED)
		return gc_first(s);
	if (s->ev->args[0] != s->o->gc_seq + 1)
		return 0;
	if (s->o->gc == GC_RUNNING)
		return step_error(s, "encountered GCBegin while GC was already in progress");
	return gc_next(s, GC_RUNNING);
}

static int gc_end(struct step *s)
{
	if (s->ev->args[0] != s->o->gc_seq + 1)
		return 0;
	if (s->o->gc == GC_NOT_RUNNING)
		return step_error(s, "encountered GCEnd when GC was not in progress");
	if (s->o->gc == GC_UNDETERMINED)
		return step_error(s, "encountered GCEnd when GC was in an undetermined state");
	return gc_next(s, GC_NOT_RUNNING);
}

int step_range(struct step *s)
{
	switch (s->ev->type) {
	case GOTRACE_EV_STW_BEGIN:
	case GOTRACE_EV_GC_MARK_ASSIST_BEGIN:
		return go_range(s, true);
	case GOTRACE_EV_STW_END:
	case GOTRACE_EV_GC_MARK_ASSIST_END:
		return go_range(s, false);
	case GOTRACE_EV_GC_ACTIVE:
		return gc_active(s);
	case GOTRACE_EV_GC_BEGIN:
		return gc_begin(s);
	case GOTRACE_EV_GC_END:
		return gc_end(s);
	case GOTRACE_EV_GC_SWEEP_ACTIVE:
		return sweep_active(s);
	case GOTRACE_EV_GC_MARK_ASSIST_ACTIVE:
		return assist_active(s);
	default:
		return sweep(s);
	}
}
