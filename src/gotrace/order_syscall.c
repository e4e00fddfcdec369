/*
 * System calls, and threads that the runtime did not make: they are born and die in one. See
 * order.h.
 */
#include "gotrace/order.h"

#include <inttypes.h>

static int no_proc(struct step *s)
{
	return step_error(
		s, "uninitialized proc %" PRId64 " found during %s", s->now.p, step_event_name(s));
}

static int syscall_begin(struct step *s)
{
	struct go_state *g;
	int rc = step_go_in(s, MUST_HAVE, GOTRACE_GO_RUNNING, "Running", &g);
	if (rc < 0)
		return rc;
	g->status = GOTRACE_GO_SYSCALL;
	struct proc_state *p = step_proc_now(s);
	if (!p)
		return no_proc(s);
	p->status = GOTRACE_PROC_SYSCALL;
	/* The number tells a thief's event from which syscall it steals. The proc runs here, so
	 * that there is nothing to wait for. */
	if (!follows(s, s->ev->args[0], &p->seq))
		return step_error(s,
			"failed to advance %s: can't make sequence: %" PRIu64 " (gen=%" PRIu64
			") -> %" PRIu64 " (gen=%" PRIu64 ")",
			step_event_name(s), p->seq.seq, p->seq.gen, s->ev->args[0], s->gen);
	p->seq.seq++;
	step_emit(s, s->ev->type, GOTRACE_GO_IS_RUNNING, GOTRACE_GO_IS_IN_SYSCALL);
	return 1;
}

static int syscall_end(struct step *s)
{
	struct go_state *g;
	int rc = step_go_in(s, MUST_HAVE, GOTRACE_GO_SYSCALL, "Running", &g);
	if (rc < 0)
		return rc;
	g->status = GOTRACE_GO_RUNNING;
	struct proc_state *p = step_proc_now(s);
	if (!p)
		return no_proc(s);
	if (p->status != GOTRACE_PROC_SYSCALL)
		return step_error(s,
			"expected proc %" PRId64 " in state Syscall, but got %s instead", s->now.p,
			proc_status_names[p->status]);
	p->status = GOTRACE_PROC_RUNNING;
	step_emit(s, s->ev->type, GOTRACE_GO_IS_IN_SYSCALL, GOTRACE_GO_IS_RUNNING);
	return 1;
}

/* The proc was lost meanwhile: not before it is gone, stopped or stolen. A proc that was acquired
 * since is in no syscall. */
static int syscall_end_blocked(struct step *s)
{
	struct go_state *g;
	if (s->now.p != GOTRACE_NO_ID) {
		const struct proc_state *p = step_proc_now(s);
		if (!p)
			return no_proc(s);
		if (p->status == GOTRACE_PROC_SYSCALL)
			return 0;
	}
	int rc = step_go_in(s, MAY_HAVE, GOTRACE_GO_SYSCALL, "Running", &g);
	if (rc < 0)
		return rc;
	g->status = GOTRACE_GO_RUNNABLE;
	s->next.g = GOTRACE_NO_ID;
	step_emit(s, s->ev->type, GOTRACE_GO_IS_IN_SYSCALL, GOTRACE_GO_IS_RUNNABLE);
	return 1;
}

static int create_syscall(struct step *s)
{
	int64_t id = (int64_t)s->ev->args[0];
	int rc = step_need(s, MAY_HAVE, NOT_HAVE);
	if (rc < 0)
		return rc;
	if (order_go(s->o, id))
		return step_error(s,
			"tried to create goroutine (%" PRId64 ") in syscall that already exists",
			id);
	order_add_go(s->o, id, GOTRACE_GO_SYSCALL, s->gen);
	s->next.g = id;
	step_emit(s, s->ev->type, GOTRACE_GO_NOT_EXIST, GOTRACE_GO_IS_IN_SYSCALL);
	return 1;
}

/* The thread's number may be used again, so that the proc leaves with the goroutine: it steals from
 * itself. */
static int lose_proc(struct step *s)
{
	struct proc_state *p = step_proc_now(s);
	if (!p)
		return step_error(s, "found invalid proc %" PRId64 " during %s", s->now.p,
			step_event_name(s));
	if (p->status != GOTRACE_PROC_SYSCALL)
		return step_error(s, "proc %" PRId64 " in unexpected state %s during %s", s->now.p,
			proc_status_names[p->status], step_event_name(s));
	p->status = GOTRACE_PROC_SYSCALL_ABANDONED;
	s->next.p = GOTRACE_NO_ID;
	struct gotrace_event *ev =
		step_emit(s, GOTRACE_EV_PROC_STEAL, GOTRACE_PROC_IS_RUNNING, GOTRACE_PROC_IS_IDLE);
	memset(ev->args, 0, sizeof(ev->args));
	ev->args[0] = (uint64_t)p->id;
	return 1;
}

static int destroy_syscall(struct step *s)
{
	struct go_state *g;
	int rc = step_go_in(s, MAY_HAVE, GOTRACE_GO_SYSCALL, "Syscall", &g);
	if (rc < 0)
		return rc;
	order_remove_go(s->o, g);
	s->next.g = GOTRACE_NO_ID;
	if (s->now.p != GOTRACE_NO_ID)
		rc = lose_proc(s);
	if (rc > 0)
		step_emit(s, s->ev->type, GOTRACE_GO_IS_IN_SYSCALL, GOTRACE_GO_NOT_EXIST);
	return rc;
}

int step_syscall(struct step *s)
{
	switch (s->ev->type) {
	case GOTRACE_EV_GO_SYSCALL_BEGIN:
		return syscall_begin(s);
	case GOTRACE_EV_GO_SYSCALL_END:
		return syscall_end(s);
	case GOTRACE_EV_GO_SYSCALL_END_BLOCKED:
		return syscall_end_blocked(s);
	case GOTRACE_EV_GO_CREATE_SYSCALL:
		return create_syscall(s);
	default:
		return destroy_syscall(s);
	}
}
