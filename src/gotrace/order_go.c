/*
 * Goroutines: created, started, stopped, unblocked, switched, and their status at the begin of a
 * generation. See order.h.
 */
#include "gotrace/order.h"

#include <inttypes.h>

static const uint8_t states[5] = {
	[GOTRACE_GO_RUNNABLE] = GOTRACE_GO_IS_RUNNABLE,
	[GOTRACE_GO_RUNNING] = GOTRACE_GO_IS_RUNNING,
	[GOTRACE_GO_SYSCALL] = GOTRACE_GO_IS_IN_SYSCALL,
	[GOTRACE_GO_WAITING] = GOTRACE_GO_IS_WAITING,
};

static int wrong_thread(struct step *s, int64_t id, int64_t has)
{
	return step_error(s,
		"inconsistent thread for syscalling goroutine %" PRId64
		": thread has goroutine %" PRId64,
		id, has);
}

/* A goroutine in a syscall sits on a thread: this one, or another that may write nothing in the
 * whole generation. */
static int status_in_syscall(struct step *s, int64_t id, int64_t m)
{
	if (m == GOTRACE_NO_ID)
		return step_error(s, "found goroutine %" PRId64 " in syscall without a thread", id);
	if (m == s->now.m) {
		if (s->gen != s->o->first_gen && s->now.g != id)
			return wrong_thread(s, id, s->now.g);
		s->next.g = id;
		return 1;
	}
	uint32_t i = order_thread(s->o, m);
	if (i != IDMAP_NONE && s->o->ms[i].g != id)
		return wrong_thread(s, id, s->o->ms[i].g);
	if (i != IDMAP_NONE) {
		s->now.g = id;
	} else {
		i = order_add_thread(s->o, m);
		s->o->ms[i].g = id;
	}
	s->now.m = m;
	return 1;
}

static int go_status(struct step *s)
{
	int64_t id = (int64_t)s->ev->args[0];
	uint8_t status = (uint8_t)s->ev->args[2]; /* the low byte, as in Go */
	if (status >= array_len(states))
		return step_error(s, "invalid status for goroutine %" PRId64 ": %u", id, status);
	uint8_t from = states[status];
	struct go_state *g = order_go(s->o, id);
	if (g && g->status != status)
		return step_error(s,
			"inconsistent status for goroutine %" PRId64 ": old %s vs. new %s", id,
			go_status_names[g->status], go_status_names[status]);
	if (!g && s->gen != s->o->first_gen)
		return step_error(s,
			"found goroutine status for new goroutine after the first generation: "
			"id=%" PRId64 " status=%s",
			id, go_status_names[status]);
	if (g) {
		g->seq = (struct sequence){s->gen, 0};
	} else {
		order_add_go(s->o, id, status, s->gen);
		from = GOTRACE_GO_UNDETERMINED;
	}
	int rc = 1;
	if (status == GOTRACE_GO_RUNNING)
		s->next.g = id;
	if (status == GOTRACE_GO_SYSCALL)
		rc = status_in_syscall(s, id, (int64_t)s->ev->args[1]);
	if (rc > 0)
		step_emit(s, s->ev->type, from, states[status]);
	return rc;
}

static int go_create(struct step *s)
{
	int64_t id = (int64_t)s->ev->args[0];
	bool blocked = s->ev->type == GOTRACE_EV_GO_CREATE_BLOCKED;
	int rc = step_need(s, MUST_HAVE, MAY_HAVE);
	if (rc < 0)
		return rc;
	const struct go_state *creator = step_go_now(s);
	if (creator && creator->status != GOTRACE_GO_RUNNING)
		return step_error(
			s, "%s event for goroutine that's not Running", step_event_name(s));
	if (order_go(s->o, id))
		return step_error(
			s, "tried to create goroutine (%" PRId64 ") that already exists", id);
	order_add_go(s->o, id, blocked ? GOTRACE_GO_WAITING : GOTRACE_GO_RUNNABLE, s->gen);
	step_emit(s, s->ev->type, GOTRACE_GO_NOT_EXIST,
		blocked ? GOTRACE_GO_IS_WAITING : GOTRACE_GO_IS_RUNNABLE);
	return 1;
}

/* The goroutine that runs ends, yields or blocks. */
static int go_leave(struct step *s)
{
	struct go_state *g;
	int rc = step_go_in(s, MUST_HAVE, GOTRACE_GO_RUNNING, "Running", &g);
	if (rc < 0)
		return rc;
	uint8_t to = GOTRACE_GO_NOT_EXIST;
	if (s->ev->type == GOTRACE_EV_GO_DESTROY) {
		order_remove_go(s->o, g);
	} else {
		bool stop = s->ev->type == GOTRACE_EV_GO_STOP;
		g->status = stop ? GOTRACE_GO_RUNNABLE : GOTRACE_GO_WAITING;
		to = stop ? GOTRACE_GO_IS_RUNNABLE : GOTRACE_GO_IS_WAITING;
	}
	s->next.g = GOTRACE_NO_ID;
	step_emit(s, s->ev->type, GOTRACE_GO_IS_RUNNING, to);
	return 1;
}

/* The goroutine the event names, if it is in this status and the event's turn has come. */
static struct go_state *named_go(struct step *s, uint8_t status)
{
	struct go_state *g = order_go(s->o, (int64_t)s->ev->args[0]);
	bool turn = g && g->status == status && follows(s, s->ev->args[1], &g->seq);
	return turn ? g : NULL;
}

static int go_start(struct step *s)
{
	struct go_state *g = named_go(s, GOTRACE_GO_RUNNABLE);
	if (!g)
		return 0;
	int rc = step_need(s, MUST_HAVE, NOT_HAVE);
	if (rc < 0)
		return rc;
	g->status = GOTRACE_GO_RUNNING;
	g->seq.seq++;
	s->next.g = g->id;
	s->o->ms[s->state].g_at = (uint32_t)(g - s->o->gs);
	step_emit(s, s->ev->type, GOTRACE_GO_IS_RUNNABLE, GOTRACE_GO_IS_RUNNING);
	return 1;
}

/* Anything may unblock a goroutine: there is no context to check. */
static int go_unblock(struct step *s)
{
	struct go_state *g = named_go(s, GOTRACE_GO_WAITING);
	if (!g)
		return 0;
	g->status = GOTRACE_GO_RUNNABLE;
	g->seq.seq++;
	step_emit(s, s->ev->type, GOTRACE_GO_IS_WAITING, GOTRACE_GO_IS_RUNNABLE);
	return 1;
}

/* The first half of a switch: what the goroutine that runs does. No reason, no stack. */
static void switch_away(struct step *s, struct go_state *g)
{
	struct gotrace_event *ev;
	if (s->ev->type == GOTRACE_EV_GO_SWITCH_DESTROY) {
		order_remove_go(s->o, g);
		ev = step_emit(
			s, GOTRACE_EV_GO_DESTROY, GOTRACE_GO_IS_RUNNING, GOTRACE_GO_NOT_EXIST);
	} else {
		g->status = GOTRACE_GO_WAITING;
		ev = step_emit(
			s, GOTRACE_EV_GO_BLOCK, GOTRACE_GO_IS_RUNNING, GOTRACE_GO_IS_WAITING);
	}
	memset(ev->args, 0, sizeof(ev->args));
}

/* Three events in one: the next goroutine is unblocked, the one that runs blocks or ends, the next
 * one starts. */
static int go_switch(struct step *s)
{
	struct go_state *g;
	int rc = step_go_in(s, MUST_HAVE, GOTRACE_GO_RUNNING, "Running", &g);
	if (rc < 0)
		return rc;
	struct go_state *next = named_go(s, GOTRACE_GO_WAITING);
	if (!next)
		return 0;
	step_emit(s, s->ev->type, GOTRACE_GO_IS_WAITING, GOTRACE_GO_IS_RUNNABLE);
	switch_away(s, g);
	next->status = GOTRACE_GO_RUNNING;
	next->seq.seq++;
	s->next.g = next->id;
	s->now.g = GOTRACE_NO_ID;
	step_emit(s, GOTRACE_EV_GO_START, GOTRACE_GO_IS_RUNNABLE, GOTRACE_GO_IS_RUNNING);
	return 1;
}

int step_go(struct step *s)
{
	switch (s->ev->type) {
	case GOTRACE_EV_GO_CREATE:
	case GOTRACE_EV_GO_CREATE_BLOCKED:
		return go_create(s);
	case GOTRACE_EV_GO_START:
		return go_start(s);
	case GOTRACE_EV_GO_UNBLOCK:
		return go_unblock(s);
	case GOTRACE_EV_GO_SWITCH:
	case GOTRACE_EV_GO_SWITCH_DESTROY:
		return go_switch(s);
	case GOTRACE_EV_GO_STATUS:
	case GOTRACE_EV_GO_STATUS_STACK:
		return go_status(s);
	default:
		return go_leave(s);
	}
}
