/*
 * Procs: started, stopped, stolen, and their status at the begin of a generation. See order.h.
 */
#include "gotrace/order.h"

#include <inttypes.h>

static const uint8_t states[5] = {
	[GOTRACE_PROC_RUNNING] = GOTRACE_PROC_IS_RUNNING,
	[GOTRACE_PROC_IDLE] = GOTRACE_PROC_IS_IDLE,
	[GOTRACE_PROC_SYSCALL] = GOTRACE_PROC_IS_RUNNING,
	[GOTRACE_PROC_SYSCALL_ABANDONED] = GOTRACE_PROC_IS_IDLE,
};

/* From the next event of the thread on. */
static void bind(struct step *s, struct proc_state *p)
{
	s->next.p = p->id;
	p->bound_to = s->state;
}

/* The thread that holds the proc: the one it was bound to last, if that has not lost it. */
static uint32_t holder(const struct order *o, const struct proc_state *p)
{
	if (p->bound_to != IDMAP_NONE && o->ms[p->bound_to].p == p->id)
		return p->bound_to;
	for (size_t i = 0; i < o->ms_n; i++)
		if (o->ms[i].p == p->id)
			return (uint32_t)i;
	return IDMAP_NONE;
}

/* A proc in a syscall is about to be stolen, and its status was written by the thief: the event is
 * of the thread that holds the proc. */
static int find_holder(struct step *s, struct proc_state *p)
{
	p->bound_to = holder(s->o, p);
	if (p->bound_to == IDMAP_NONE)
		return step_error(s,
			"failed to find sched context for proc %" PRId64
			" that's about to be stolen",
			p->id);
	const struct thread_state *t = &s->o->ms[p->bound_to];
	s->now = (struct context){t->m, t->p, t->g};
	return 1;
}

/* A status of a proc that is known already must agree with what is known. */
static int status_again(
	struct step *s, struct proc_state *p, uint8_t *status, uint8_t *from, bool *ret_promoted)
{
	bool abandoned = *status == GOTRACE_PROC_SYSCALL_ABANDONED;
	if (abandoned && p->status == GOTRACE_PROC_SYSCALL) {
		/* Nothing is lost: the thread in the syscall is known. */
		*from = GOTRACE_PROC_IS_RUNNING;
		*status = GOTRACE_PROC_SYSCALL;
		*ret_promoted = true;
	} else if (abandoned && p->status == GOTRACE_PROC_SYSCALL_ABANDONED) {
		*from = GOTRACE_PROC_IS_IDLE;
	} else if (p->status != *status) {
		return step_error(s, "inconsistent status for proc %" PRId64 ": old %s vs. new %s",
			p->id, proc_status_names[p->status], proc_status_names[*status]);
	}
	p->seq = (struct sequence){s->gen, 0};
	return 1;
}

static int proc_status(struct step *s)
{
	int64_t id = (int64_t)s->ev->args[0];
	/* Go's reader looks at the low byte alone, and panics over the whole if that is good. */
	uint8_t status = (uint8_t)s->ev->args[1], shown = status;
	if (s->ev->args[1] >= array_len(states))
		return step_error(s, "invalid status for proc %" PRId64 ": %" PRIu64, id,
			status < array_len(states) ? s->ev->args[1] : status);
	uint8_t from = states[status];
	bool promoted = false;
	struct proc_state *p = order_proc(s->o, id);
	int rc = 1;
	if (p) {
		rc = status_again(s, p, &shown, &from, &promoted);
	} else {
		p = order_add_proc(s->o, id, status, s->gen);
		from = s->gen == s->o->first_gen ? GOTRACE_PROC_UNDETERMINED
						 : GOTRACE_PROC_NOT_EXIST;
	}
	if (rc > 0 && promoted)
		rc = find_holder(s, p);
	if (rc < 0)
		return rc;
	if (status == GOTRACE_PROC_RUNNING || status == GOTRACE_PROC_SYSCALL)
		bind(s, p);
	step_emit(s, s->ev->type, from, states[shown]);
	return 1;
}

static int proc_start(struct step *s)
{
	struct proc_state *p = order_proc(s->o, (int64_t)s->ev->args[0]);
	/* With a proc in a syscall still bound, it has yet to be stolen. */
	if (!p || p->status != GOTRACE_PROC_IDLE || !follows(s, s->ev->args[1], &p->seq) ||
		s->now.p != GOTRACE_NO_ID)
		return 0;
	int rc = step_need(s, NOT_HAVE, MAY_HAVE);
	if (rc < 0)
		return rc;
	p->status = GOTRACE_PROC_RUNNING;
	p->seq.seq++;
	bind(s, p);
	step_emit(s, s->ev->type, GOTRACE_PROC_IS_IDLE, GOTRACE_PROC_IS_RUNNING);
	return 1;
}

static int proc_stop(struct step *s)
{
	struct proc_state *p = step_proc_now(s);
	if (!p)
		return step_error(s, "event %s for proc (%" PRId64 ") that doesn't exist",
			step_event_name(s), s->now.p);
	if (p->status != GOTRACE_PROC_RUNNING && p->status != GOTRACE_PROC_SYSCALL)
		return step_error(
			s, "%s event for proc that's not Running or Syscall", step_event_name(s));
	int rc = step_need(s, MUST_HAVE, MAY_HAVE);
	if (rc < 0)
		return rc;
	p->status = GOTRACE_PROC_IDLE;
	s->next.p = GOTRACE_NO_ID;
	step_emit(s, s->ev->type, GOTRACE_PROC_IS_RUNNING, GOTRACE_PROC_IS_IDLE);
	return 1;
}

/* Takes the proc from thread m, which must hold it. */
static int steal_from(struct step *s, int64_t id, int64_t m)
{
	if (m == s->now.m) {
		if (s->now.p != id)
			return step_error(s,
				"tried to self-steal proc %" PRId64 " (thread %" PRId64
				"), but got proc %" PRId64 " instead",
				id, m, s->now.p);
		s->next.p = GOTRACE_NO_ID;
		return 1;
	}
	uint32_t i = order_thread(s->o, m);
	if (i == IDMAP_NONE)
		return step_error(s, "stole proc from non-existent thread %" PRId64, m);
	if (s->o->ms[i].p != id)
		return step_error(s,
			"tried to steal proc %" PRId64 " from thread %" PRId64
			", but got proc %" PRId64 " instead",
			id, m, s->o->ms[i].p);
	s->o->ms[i].p = GOTRACE_NO_ID;
	return 1;
}

static int proc_steal(struct step *s)
{
	struct proc_state *p = order_proc(s->o, (int64_t)s->ev->args[0]);
	if (!p ||
		(p->status != GOTRACE_PROC_SYSCALL &&
			p->status != GOTRACE_PROC_SYSCALL_ABANDONED) ||
		!follows(s, s->ev->args[1], &p->seq))
		return 0;
	int rc = step_need(s, MAY_HAVE, MAY_HAVE);
	if (rc < 0)
		return rc;
	/* Of an abandoned one the thread is not known; it may have moved on. */
	bool abandoned = p->status == GOTRACE_PROC_SYSCALL_ABANDONED;
	p->status = GOTRACE_PROC_IDLE;
	p->seq.seq++;
	if (!abandoned)
		rc = steal_from(s, p->id, (int64_t)s->ev->args[2]);
	if (rc < 0)
		return rc;
	step_emit(s, s->ev->type, abandoned ? GOTRACE_PROC_IS_IDLE : GOTRACE_PROC_IS_RUNNING,
		GOTRACE_PROC_IS_IDLE);
	return 1;
}

int step_proc(struct step *s)
{
	switch (s->ev->type) {
	case GOTRACE_EV_PROC_START:
		return proc_start(s);
	case GOTRACE_EV_PROC_STOP:
		return proc_stop(s);
	case GOTRACE_EV_PROC_STEAL:
		return proc_steal(s);
	default:
		return proc_status(s);
	}
}
