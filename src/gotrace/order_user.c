/*
 * What the program says about itself, and what needs no more than a place to happen: tasks,
 * regions, logs, labels, metrics, experiments. See order.h.
 */
#include "gotrace/order.h"

#include <inttypes.h>

/* The text of a string of this generation, kept beyond it. */
static int keep_name(struct step *s, uint64_t id, uint32_t *ret)
{
	*ret = 0;
	if (!id)
		return 1;
	uint32_t i = ids_get(&s->t->string_ids, id);
	if (i == IDMAP_NONE)
		return step_error(s, "invalid string ID %" PRIu64 " for %u event", id, s->ev->type);
	*ret = strtab_add(&s->o->names, s->t->strings[i].s, s->t->strings[i].len);
	return 1;
}

static uint32_t add_task(struct order *o)
{
	uint32_t i = o->tasks_free;
	if (i != IDMAP_NONE) {
		o->tasks_free = o->tasks[i].next_free;
		return i;
	}
	struct task_state none = {0};
	vec_push(o->tasks, o->tasks_n, o->tasks_cap, none);
	return (uint32_t)o->tasks_n - 1;
}

static int emit_in_context(struct step *s)
{
	int rc = step_need(s, MUST_HAVE, MUST_HAVE);
	if (rc > 0)
		step_emit(s, s->ev->type, 0, 0);
	return rc;
}

/* A task may begin once at a time. Nothing is asked of its parent: it may have begun before. */
static int task_begin(struct step *s)
{
	struct order *o = s->o;
	uint64_t id = s->ev->args[0];
	uint32_t name;
	if (idmap_get(&o->task_ids, id) != IDMAP_NONE)
		return step_error(s, "task ID conflict: %" PRIu64, id);
	if (!s->ev->args[1])
		s->ev->args[1] = GOTRACE_NO_TASK;
	int rc = keep_name(s, s->ev->args[2], &name);
	if (rc < 0)
		return rc;
	uint32_t i = add_task(o);
	o->tasks[i] = (struct task_state){s->ev->args[1], name, IDMAP_NONE};
	idmap_put(&o->task_ids, id, i);
	return emit_in_context(s);
}

/* The end of a task that is not known is no error; it may also come more than once. */
static int task_end(struct step *s)
{
	struct order *o = s->o;
	uint32_t i = idmap_get(&o->task_ids, s->ev->args[0]), name = 0;
	s->ev->args[2] = GOTRACE_NO_TASK;
	if (i != IDMAP_NONE) {
		s->ev->args[2] = o->tasks[i].parent;
		name = o->tasks[i].name;
		idmap_remove(&o->task_ids, s->ev->args[0]);
		o->tasks[i].next_free = o->tasks_free;
		o->tasks_free = i;
	}
	int rc = step_need(s, MUST_HAVE, MUST_HAVE);
	if (rc > 0)
		step_emit(s, s->ev->type, 0, 0)->name = name;
	return rc;
}

static int end_region(struct step *s, struct go_state *g, struct open_region end)
{
	if (!g->regions_n)
		return 1; /* it began before the trace */
	struct open_region inner = g->regions[g->regions_n - 1];
	if (inner.task != end.task || inner.name != end.name)
		return step_error(s,
			"misuse of region in goroutine %" PRId64 ": region end {%" PRIu64
			" %s} when the inner-most active region start event is {%" PRIu64 " %s}",
			g->id, end.task, strtab_get(&s->o->names, end.name), inner.task,
			strtab_get(&s->o->names, inner.name));
	g->regions_n--;
	return 1;
}

static int region(struct step *s)
{
	struct open_region r = {.task = s->ev->args[0]};
	bool begin = s->ev->type == GOTRACE_EV_USER_REGION_BEGIN;
	int rc = step_need(s, MUST_HAVE, MUST_HAVE);
	if (rc > 0)
		rc = keep_name(s, s->ev->args[1], &r.name);
	if (rc < 0)
		return rc;
	struct go_state *g = step_go_now(s);
	if (!g)
		return step_error(s,
			"encountered Ev%s without known state for current goroutine %" PRId64,
			step_event_name(s), s->now.g);
	if (begin)
		vec_push(g->regions, g->regions_n, g->regions_cap, r);
	else
		rc = end_region(s, g, r);
	if (rc > 0)
		step_emit(s, s->ev->type, 0, 0);
	return rc;
}

int step_annotation(struct step *s)
{
	int rc;
	switch (s->ev->type) {
	case GOTRACE_EV_USER_TASK_BEGIN:
		return task_begin(s);
	case GOTRACE_EV_USER_TASK_END:
		return task_end(s);
	case GOTRACE_EV_USER_REGION_BEGIN:
	case GOTRACE_EV_USER_REGION_END:
		return region(s);
	case GOTRACE_EV_PROCS_CHANGE:
	case GOTRACE_EV_GO_LABEL:
	case GOTRACE_EV_USER_LOG:
		return emit_in_context(s);
	case GOTRACE_EV_HEAP_ALLOC:
	case GOTRACE_EV_HEAP_GOAL:
		rc = step_need(s, MUST_HAVE, MAY_HAVE);
		break;
	default: /* experiments */
		rc = step_need(s, MAY_HAVE, MAY_HAVE);
	}
	if (rc > 0)
		step_emit(s, s->ev->type, 0, 0);
	return rc;
}
