/*
 * The states of goroutines, procs and threads, and the dispatch of events to the rules about them.
 * See order.h; the rules are in order_proc.c, order_go.c, order_syscall.c, order_range.c and
 * order_user.c.
 *
 * States lie in arrays, found by id through a map. A thread remembers where those of its proc and
 * its goroutine were, so that the usual event looks nothing up.
 */
#include "gotrace/order.h"

#include <inttypes.h>
#include <stdio.h>

const char *const go_status_names[5] = {"Bad", "Runnable", "Running", "Syscall", "Waiting"};
const char *const proc_status_names[5] = {"Bad", "Running", "Idle", "Syscall", "Bad"};

void order_init(struct order *o, int version)
{
	*o = (struct order){.version = version, .gs_free = IDMAP_NONE, .tasks_free = IDMAP_NONE};
	strtab_init(&o->names);
}

void order_release(struct order *o)
{
	for (size_t i = 0; i < o->gs_n; i++) {
		mem_free(o->gs[i].regions);
		mem_free(o->gs[i].ranges.all);
	}
	for (size_t i = 0; i < o->ps_n; i++)
		mem_free(o->ps[i].ranges.all);
	mem_free(o->gs);
	mem_free(o->ps);
	mem_free(o->ms);
	mem_free(o->tasks);
	idmap_release(&o->g_ids);
	idmap_release(&o->p_ids);
	idmap_release(&o->m_ids);
	idmap_release(&o->task_ids);
	strtab_release(&o->names);
}

/* ---- states ---- */

struct go_state *order_go(const struct order *o, int64_t id)
{
	uint32_t i = idmap_get(&o->g_ids, (uint64_t)id);
	return i == IDMAP_NONE ? NULL : &o->gs[i];
}

struct proc_state *order_proc(const struct order *o, int64_t id)
{
	uint32_t i = idmap_get(&o->p_ids, (uint64_t)id);
	return i == IDMAP_NONE ? NULL : &o->ps[i];
}

uint32_t order_thread(const struct order *o, int64_t m)
{
	return idmap_get(&o->m_ids, (uint64_t)m);
}

uint32_t order_add_thread(struct order *o, int64_t m)
{
	struct thread_state t = {m, GOTRACE_NO_ID, GOTRACE_NO_ID, 0, 0};
	uint32_t i = (uint32_t)o->ms_n;
	vec_push(o->ms, o->ms_n, o->ms_cap, t);
	idmap_put(&o->m_ids, (uint64_t)m, i);
	return i;
}

struct go_state *order_add_go(struct order *o, int64_t id, uint8_t status, uint64_t gen)
{
	struct go_state g = {.id = id, .status = status, .seq = {gen, 0}, .live = true};
	uint32_t i = o->gs_free;
	if (i == IDMAP_NONE) {
		i = (uint32_t)o->gs_n;
		vec_push(o->gs, o->gs_n, o->gs_cap, g);
	} else {
		o->gs_free = o->gs[i].next_free;
		o->gs[i] = g;
	}
	idmap_put(&o->g_ids, (uint64_t)id, i);
	return &o->gs[i];
}

void order_remove_go(struct order *o, struct go_state *g)
{
	mem_free(g->regions);
	mem_free(g->ranges.all);
	idmap_remove(&o->g_ids, (uint64_t)g->id);
	*g = (struct go_state){.next_free = o->gs_free};
	o->gs_free = (uint32_t)(g - o->gs);
}

struct proc_state *order_add_proc(struct order *o, int64_t id, uint8_t status, uint64_t gen)
{
	struct proc_state p = {.id = id, .status = status, .bound_to = IDMAP_NONE, .seq = {gen, 0}};
	idmap_put(&o->p_ids, (uint64_t)id, (uint32_t)o->ps_n);
	vec_push(o->ps, o->ps_n, o->ps_cap, p);
	return &o->ps[o->ps_n - 1];
}

struct go_state *step_go_now(struct step *s)
{
	struct order *o = s->o;
	if (s->state == IDMAP_NONE)
		return order_go(o, s->now.g);
	uint32_t *at = &o->ms[s->state].g_at;
	if (*at < o->gs_n && o->gs[*at].live && o->gs[*at].id == s->now.g)
		return &o->gs[*at];
	struct go_state *g = order_go(o, s->now.g);
	if (g)
		*at = (uint32_t)(g - o->gs);
	return g;
}

struct proc_state *step_proc_now(struct step *s)
{
	struct order *o = s->o;
	if (s->state == IDMAP_NONE)
		return order_proc(o, s->now.p);
	uint32_t *at = &o->ms[s->state].p_at;
	if (*at < o->ps_n && o->ps[*at].id == s->now.p)
		return &o->ps[*at];
	struct proc_state *p = order_proc(o, s->now.p);
	if (p)
		*at = (uint32_t)(p - o->ps);
	return p;
}

/* ---- a step ---- */

int step_error(struct step *s, const char *fmt, ...)
{
	va_list ap;
	struct buf msg = BUF_INIT;
	va_start(ap, fmt);
	buf_vprintf(&msg, fmt, ap);
	va_end(ap);
	int rc = err_set(s->err, ERR_FORMAT, "%s", msg.data);
	buf_release(&msg);
	return rc;
}

static int need_one(struct step *s, bool has, enum need need, const char *what)
{
	if (need == MUST_HAVE && !has)
		return step_error(s, "expected a %s but didn't have one", what);
	if (need == NOT_HAVE && has)
		return step_error(s, "expected no %s but had one", what);
	return 1;
}

int step_need(struct step *s, enum need p, enum need g)
{
	int rc = need_one(s, s->now.m != GOTRACE_NO_ID, MUST_HAVE, "thread");
	if (rc > 0)
		rc = need_one(s, s->now.p != GOTRACE_NO_ID, p, "proc");
	if (rc > 0)
		rc = need_one(s, s->now.g != GOTRACE_NO_ID, g, "goroutine");
	return rc;
}

int step_go_in(
	struct step *s, enum need p, uint8_t status, const char *wanted, struct go_state **ret)
{
	int rc = step_need(s, p, MUST_HAVE);
	if (rc < 0)
		return rc;
	struct go_state *g = step_go_now(s);
	if (!g)
		return step_error(s, "event %s for goroutine (%" PRId64 ") that doesn't exist",
			step_event_name(s), s->now.g);
	if (g->status != status)
		return step_error(
			s, "%s event for goroutine that's not %s", step_event_name(s), wanted);
	*ret = g;
	return 1;
}

struct gotrace_event *step_emit(struct step *s, uint8_t type, uint8_t from, uint8_t to)
{
	struct gotrace_event *ev = s->ret ? s->ret : &s->o->queue[s->o->queue_n++];
	s->ret = NULL;
	ev->time = s->ev->time;
	ev->m = s->now.m;
	ev->p = s->now.p;
	ev->g = s->now.g;
	memcpy(ev->args, s->ev->args, sizeof(ev->args));
	ev->name = 0;
	ev->type = type;
	ev->kind = gotrace_kinds[type];
	ev->from = from;
	ev->to = to;
	return ev;
}

const char *step_event_name(struct step *s)
{
	if (s->ev->type < gotrace_ev_limit(s->o->version))
		return gotrace_specs[s->ev->type].name;
	snprintf(s->invalid, sizeof(s->invalid), "Invalid(%u)", s->ev->type);
	return s->invalid;
}

static int dispatch(struct step *s)
{
	switch (s->ev->type) {
	case GOTRACE_EV_PROC_START:
	case GOTRACE_EV_PROC_STOP:
	case GOTRACE_EV_PROC_STEAL:
	case GOTRACE_EV_PROC_STATUS:
		return step_proc(s);
	case GOTRACE_EV_GO_CREATE:
	case GOTRACE_EV_GO_CREATE_BLOCKED:
	case GOTRACE_EV_GO_START:
	case GOTRACE_EV_GO_DESTROY:
	case GOTRACE_EV_GO_STOP:
	case GOTRACE_EV_GO_BLOCK:
	case GOTRACE_EV_GO_UNBLOCK:
	case GOTRACE_EV_GO_SWITCH:
	case GOTRACE_EV_GO_SWITCH_DESTROY:
	case GOTRACE_EV_GO_STATUS:
	case GOTRACE_EV_GO_STATUS_STACK:
		return step_go(s);
	case GOTRACE_EV_GO_SYSCALL_BEGIN:
	case GOTRACE_EV_GO_SYSCALL_END:
	case GOTRACE_EV_GO_SYSCALL_END_BLOCKED:
	case GOTRACE_EV_GO_CREATE_SYSCALL:
	case GOTRACE_EV_GO_DESTROY_SYSCALL:
		return step_syscall(s);
	case GOTRACE_EV_STW_BEGIN ... GOTRACE_EV_GC_MARK_ASSIST_END:
		return step_range(s);
	case GOTRACE_EV_CLOCK_SNAPSHOT:
		return step_error(s, "bad event type found while ordering: %u", s->ev->type);
	default:
		return step_annotation(s);
	}
}

/* The thread's index; a thread is known from its first event on. */
static uint32_t thread_of(struct order *o, struct cursor *c)
{
	if (c->state == IDMAP_NONE && c->m != GOTRACE_NO_ID) {
		c->state = order_thread(o, c->m);
		if (c->state == IDMAP_NONE)
			c->state = order_add_thread(o, c->m);
	}
	return c->state;
}

int order_advance(struct order *o, struct cursor *c, const struct trace_tables *t, uint64_t gen,
	struct gotrace_event *ret, struct err *err)
{
	uint32_t state = thread_of(o, c);
	struct thread_state *thread = state == IDMAP_NONE ? NULL : &o->ms[state];
	int64_t p = thread ? thread->p : GOTRACE_NO_ID, g = thread ? thread->g : GOTRACE_NO_ID;
	struct step s;
	s.o = o;
	s.t = t;
	s.ev = &c->ev;
	s.gen = gen;
	s.state = state;
	s.now = (struct context){c->m, p, g};
	s.next = (struct context){c->m, p, g};
	s.ret = ret;
	s.err = err;
	if (!o->first_gen)
		o->first_gen = gen;
	o->queue_at = o->queue_n = 0;
	int rc = dispatch(&s);
	if (rc > 0 && state != IDMAP_NONE) {
		o->ms[state].p = s.next.p;
		o->ms[state].g = s.next.g;
	}
	return rc;
}
