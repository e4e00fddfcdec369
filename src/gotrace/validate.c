/*
 * The validator. See validate.h.
 *
 * Goroutines and procs are handled alike, as resources of two kinds: a state each, and a place on
 * the thread that executes them. A stack that was found good is not looked at again in its
 * generation.
 */
#include "gotrace/reader.h"
#include "gotrace/wall.h"
#include "gotrace/quote.h"

#include <inttypes.h>

/* Of the two kinds of resources, as they index the arrays below. */
enum {
	GO,
	PROC,
	RESOURCES,
};

static const struct {
	const char *word;
	uint8_t undetermined, not_exist, running, in_syscall;
	const char *(*state)(uint8_t);
} resources[RESOURCES] = {
	[GO] = {"goroutine", GOTRACE_GO_UNDETERMINED, GOTRACE_GO_NOT_EXIST, GOTRACE_GO_IS_RUNNING,
		GOTRACE_GO_IS_IN_SYSCALL, gotrace_go_state_name},
	[PROC] = {"proc", GOTRACE_PROC_UNDETERMINED, GOTRACE_PROC_NOT_EXIST,
		GOTRACE_PROC_IS_RUNNING, GOTRACE_PROC_IS_RUNNING, gotrace_proc_state_name},
};

/* A goroutine or a proc; or, in scopes, what ranges are open on: one more, the whole program. */
struct subject {
	uint8_t state;
	uint32_t thread;  /* that executes it, or IDMAP_NONE */
	uint32_t *ranges; /* names */
	uint32_t ranges_n, ranges_cap;
	bool known; /* a transition was seen, not only a range */
};

struct subjects {
	struct idmap ids;
	struct subject *all;
	size_t n, cap;
};

struct holder {
	int64_t m;
	int64_t holds[RESOURCES];
};

struct gotrace_validator {
	int64_t last; /* ns; 0: no event yet */
	struct subjects subjects[RESOURCES];
	struct subject program;
	struct idmap thread_ids, task_ids; /* tasks: to names */
	struct holder *threads;
	size_t threads_n, threads_cap;
	struct strtab names;
	uint64_t syncs;
	bool has_clock;
	struct gotrace_clock clock; /* of the last sync event that had one */
	struct idmap good_stacks;   /* of this generation */
	struct buf problems;
};

struct gotrace_validator *gotrace_validator_new(void)
{
	struct gotrace_validator *v = mem_zalloc(sizeof(*v));
	strtab_init(&v->names);
	buf_init(&v->problems);
	return v;
}

static void subjects_release(struct subjects *s)
{
	for (size_t i = 0; i < s->n; i++)
		mem_free(s->all[i].ranges);
	mem_free(s->all);
	idmap_release(&s->ids);
}

void gotrace_validator_free(struct gotrace_validator *v)
{
	if (!v)
		return;
	for (int kind = 0; kind < RESOURCES; kind++)
		subjects_release(&v->subjects[kind]);
	mem_free(v->program.ranges);
	mem_free(v->threads);
	idmap_release(&v->thread_ids);
	idmap_release(&v->task_ids);
	idmap_release(&v->good_stacks);
	strtab_release(&v->names);
	buf_release(&v->problems);
	mem_free(v);
}

static void attr_printf(2, 3) complain(struct gotrace_validator *v, const char *fmt, ...)
{
	va_list ap;
	if (v->problems.len)
		buf_addch(&v->problems, '\n');
	va_start(ap, fmt);
	buf_vprintf(&v->problems, fmt, ap);
	va_end(ap);
}

static struct subject *subject(struct subjects *s, int64_t id)
{
	uint32_t i = idmap_get(&s->ids, (uint64_t)id);
	if (i == IDMAP_NONE) {
		struct subject new = {.thread = IDMAP_NONE};
		i = (uint32_t)s->n;
		vec_push(s->all, s->n, s->cap, new);
		idmap_put(&s->ids, (uint64_t)id, i);
	}
	return &s->all[i];
}

/* ---- stacks ---- */

static void complain_frame(struct gotrace_validator *v, const struct gotrace_frame *f)
{
	struct buf func = BUF_INIT, file = BUF_INIT;
	go_quote(f->func.s, f->func.len, &func);
	go_quote(f->file.s, f->file.len, &file);
	complain(v,
		"invalid stack frame trace.StackFrame{PC:0x%" PRIx64 ", Func:%s, File:%s, "
		"Line:0x%" PRIx64 "}: missing information",
		f->pc, func.data, file.data, f->line);
	buf_release(&func);
	buf_release(&file);
}

/* Of the leaf nothing is asked. */
static void check_stack(struct gotrace_validator *v, const struct gotrace_reader *r, uint64_t id)
{
	if (!id || idmap_get(&v->good_stacks, id) != IDMAP_NONE)
		return;
	bool good = true;
	size_t n = gotrace_stack_len(r, id);
	for (size_t i = 1; i < n; i++) {
		struct gotrace_frame f = gotrace_stack_frame(r, id, i);
		if (f.func.len && f.file.len && f.pc && f.line)
			continue;
		complain_frame(v, &f);
		good = false;
	}
	if (good)
		idmap_put(&v->good_stacks, id, 1);
}

/* ---- clocks ---- */

static void check_wall(struct gotrace_validator *v, uint64_t n, const struct gotrace_clock *c)
{
	struct buf now = BUF_INIT, before = BUF_INIT;
	bool after = c->sec > v->clock.sec || (c->sec == v->clock.sec && c->nsec > v->clock.nsec);
	if (after)
		return;
	wall_text(c->sec, c->nsec, " ", " +0000 UTC", &now);
	wall_text(v->clock.sec, v->clock.nsec, " ", " +0000 UTC", &before);
	complain(v, "sync %" PRIu64 " has non-increasing wall time: %s vs %s", n, now.data,
		before.data);
	buf_release(&now);
	buf_release(&before);
}

#define YEAR_1 (-62135596800) /* Go's zero time */

static void check_clock(struct gotrace_validator *v, uint64_t n, const struct gotrace_clock *c)
{
	if (c->sec == YEAR_1 && !c->nsec)
		complain(v, "sync %" PRIu64 " has zero wall time", n);
	if (!c->mono)
		complain(v, "sync %" PRIu64 " has zero mono time", n);
	if (!c->trace)
		complain(v, "sync %" PRIu64 " has zero trace time", n);
	if (n < 2 || !v->has_clock)
		return;
	check_wall(v, n, c);
	if (c->mono <= v->clock.mono)
		complain(v,
			"sync %" PRIu64 " has non-increasing mono time: %" PRIu64 " vs %" PRIu64, n,
			c->mono, v->clock.mono);
	if (c->trace <= v->clock.trace)
		complain(v,
			"sync %" PRIu64 " has non-increasing trace time: %" PRId64 " vs %" PRId64,
			n, c->trace, v->clock.trace);
}

/* The sync event at the end has no clocks. */
static void check_sync(
	struct gotrace_validator *v, const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	uint64_t n = ev->args[0];
	struct gotrace_clock c;
	bool has_clock = gotrace_event_clock(r, ev, &c);
	idmap_release(&v->good_stacks);
	if (n != v->syncs + 1)
		complain(v, "sync count is not sequential: expected %" PRIu64 ", got %" PRIu64,
			v->syncs + 1, n);
	if (gotrace_reader_version(r) >= GOTRACE_V25) {
		if (has_clock)
			check_clock(v, n, &c);
		else if (n <= 1)
			complain(v, "sync %" PRIu64 " has no clock snapshot", n);
	}
	v->syncs = n;
	v->has_clock = has_clock;
	if (has_clock)
		v->clock = c;
}

/* ---- transitions ---- */

static uint32_t holder(struct gotrace_validator *v, int64_t m)
{
	if (m == GOTRACE_NO_ID) {
		complain(v, "must have thread, but thread ID is none");
		return IDMAP_NONE;
	}
	uint32_t i = idmap_get(&v->thread_ids, (uint64_t)m);
	if (i != IDMAP_NONE)
		return i;
	struct holder t = {m, {GOTRACE_NO_ID, GOTRACE_NO_ID}};
	i = (uint32_t)v->threads_n;
	vec_push(v->threads, v->threads_n, v->threads_cap, t);
	idmap_put(&v->thread_ids, (uint64_t)m, i);
	return i;
}

static void run(struct gotrace_validator *v, int kind, int64_t id, struct subject *s, int64_t m)
{
	uint32_t i = holder(v, m);
	if (i == IDMAP_NONE)
		return;
	int64_t *holds = &v->threads[i].holds[kind];
	if (*holds != GOTRACE_NO_ID && *holds != id)
		complain(v,
			"tried to run %s %" PRId64 " when one was already executing (%" PRId64
			") on thread %" PRId64,
			resources[kind].word, id, *holds, m);
	*holds = id;
	s->thread = i;
}

static void stop(struct gotrace_validator *v, int kind, int64_t id, struct subject *s, int64_t m)
{
	if (s->thread == IDMAP_NONE) {
		complain(v, "stopping %s %" PRId64 " not bound to any active context",
			resources[kind].word, id);
		return;
	}
	struct holder *t = &v->threads[s->thread];
	if (t->holds[kind] != id)
		complain(v,
			"tried to stop %s %" PRId64
			" when it wasn't currently executing (currently executing %" PRId64
			") on thread %" PRId64,
			resources[kind].word, id, t->holds[kind], kind == GO ? m : t->m);
	t->holds[kind] = GOTRACE_NO_ID;
	s->thread = IDMAP_NONE;
}

static bool executes(int kind, uint8_t state)
{
	return state == resources[kind].running || state == resources[kind].in_syscall;
}

/* States that contradict themselves or what was known. */
static void check_states(struct gotrace_validator *v, int kind, const struct gotrace_transition *t,
	const struct subject *s)
{
	const char *word = resources[kind].word;
	int64_t id = t->resource.id;
	bool undetermined = t->from == resources[kind].undetermined;
	if (t->to == resources[kind].undetermined)
		complain(v, "transition to undetermined state for %s %" PRId64, word, id);
	if (v->syncs > 1 && undetermined)
		complain(v, "undetermined %s %" PRId64 " after first global sync", word, id);
	if (t->to == resources[kind].not_exist && s->ranges_n)
		complain(v, "%s %" PRId64 " died with active ranges", word, id);
	if (s->known && t->from != s->state)
		complain(v, "bad old state for %s %" PRId64 ": got %s, want %s", word, id,
			resources[kind].state(t->from), resources[kind].state(s->state));
	if (!s->known && !undetermined && t->from != resources[kind].not_exist)
		complain(v, "bad old state for unregistered %s %" PRId64 ": %s", word, id,
			resources[kind].state(t->from));
}

/* A goroutine that stops is the one the event happened on: one stack. */
static void check_same_stack(struct gotrace_validator *v, const struct gotrace_event *ev,
	const struct gotrace_transition *t)
{
	uint64_t stack;
	bool has = gotrace_event_stack(ev, &stack);
	if (has != t->has_stack || (has && stack != t->stack))
		complain(v, "StateTransition.Stack doesn't match Event.Stack");
}

static void check_transition(
	struct gotrace_validator *v, const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	struct gotrace_transition t = gotrace_event_transition(r, ev);
	int kind = t.resource.kind == GOTRACE_RESOURCE_PROC ? PROC : GO;
	struct subject *s = subject(&v->subjects[kind], t.resource.id);
	if (t.has_stack)
		check_stack(v, r, t.stack);
	check_states(v, kind, &t, s);
	s->known = true;
	s->state = t.to;
	if (executes(kind, t.to)) {
		run(v, kind, t.resource.id, s, ev->m);
	} else if (executes(kind, t.from)) {
		if (kind == GO)
			check_same_stack(v, ev, &t);
		stop(v, kind, t.resource.id, s, ev->m);
	}
}

/* ---- the rest ---- */

static struct subject *scope(struct gotrace_validator *v, struct gotrace_resource res)
{
	if (res.kind == GOTRACE_RESOURCE_NONE)
		return &v->program;
	int kind = res.kind == GOTRACE_RESOURCE_PROC ? PROC : GO;
	return subject(&v->subjects[kind], res.id);
}

static void complain_range(struct gotrace_validator *v, const char *fmt_before,
	const struct gotrace_range *range, const char *after)
{
	static const char *const scopes[] = {"None", "Goroutine", "Proc", "Thread"};
	struct buf name = BUF_INIT;
	go_quote(range->name.s, range->name.len, &name);
	if (range->scope.kind == GOTRACE_RESOURCE_NONE)
		complain(v, "%s range %s on None %s", fmt_before, name.data, after);
	else
		complain(v, "%s range %s on %s(%" PRId64 ") %s", fmt_before, name.data,
			scopes[range->scope.kind], range->scope.id, after);
	buf_release(&name);
}

static void check_range(
	struct gotrace_validator *v, const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	struct gotrace_range range = gotrace_event_range(r, ev);
	struct subject *s = scope(v, range.scope);
	uint32_t name = strtab_add(&v->names, range.name.s, range.name.len), i = 0;
	while (i < s->ranges_n && s->ranges[i] != name)
		i++;
	bool open = i < s->ranges_n;
	if (ev->kind == GOTRACE_KIND_RANGE_END) {
		if (!open)
			complain_range(v, "inactive", &range, "ended");
		else
			memmove(s->ranges + i, s->ranges + i + 1,
				(--s->ranges_n - i) * sizeof(*s->ranges));
		return;
	}
	if (open && ev->kind == GOTRACE_KIND_RANGE_BEGIN)
		complain_range(v, "already active", &range, "begun again");
	if (!open || ev->kind == GOTRACE_KIND_RANGE_BEGIN)
		vec_push(s->ranges, s->ranges_n, s->ranges_cap, name);
}

static void check_label(
	struct gotrace_validator *v, const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	if (!gotrace_event_label(r, ev).len)
		complain(v, "invalid label \"\"");
	if (!subject(&v->subjects[GO], ev->g)->known)
		complain(v, "label for invalid goroutine %" PRId64, ev->g);
}

static void check_task_begin(
	struct gotrace_validator *v, const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	struct gotrace_task t = gotrace_event_task(r, ev);
	if (!t.id || t.id == GOTRACE_NO_TASK)
		complain(v, "found invalid task ID for task of type %.*s", (int)t.type.len,
			t.type.s);
	idmap_remove(&v->task_ids, t.id);
	idmap_put(&v->task_ids, t.id, strtab_add(&v->names, t.type.s, t.type.len));
}

static void check_task_end(
	struct gotrace_validator *v, const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	struct gotrace_task t = gotrace_event_task(r, ev);
	uint32_t name = idmap_get(&v->task_ids, t.id);
	if (name == IDMAP_NONE)
		return;
	if (strtab_add(&v->names, t.type.s, t.type.len) != name) {
		struct buf now = BUF_INIT, before = BUF_INIT;
		go_quote(t.type.s, t.type.len, &now);
		go_quote(strtab_get(&v->names, name), strtab_len(&v->names, name), &before);
		complain(v, "task end type %s doesn't match task start type %s for task %" PRIu64,
			now.data, before.data, t.id);
		buf_release(&now);
		buf_release(&before);
	}
	idmap_remove(&v->task_ids, t.id);
}

static void check_kind(
	struct gotrace_validator *v, const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	switch ((enum gotrace_kind)ev->kind) {
	case GOTRACE_KIND_SYNC:
		check_sync(v, r, ev);
		break;
	case GOTRACE_KIND_STATE_TRANSITION:
		check_transition(v, r, ev);
		break;
	case GOTRACE_KIND_RANGE_BEGIN:
	case GOTRACE_KIND_RANGE_ACTIVE:
	case GOTRACE_KIND_RANGE_END:
		check_range(v, r, ev);
		break;
	case GOTRACE_KIND_LABEL:
		check_label(v, r, ev);
		break;
	case GOTRACE_KIND_TASK_BEGIN:
		check_task_begin(v, r, ev);
		break;
	case GOTRACE_KIND_TASK_END:
		check_task_end(v, r, ev);
		break;
	default: /* anything goes */
		break;
	}
}

int gotrace_validator_event(struct gotrace_validator *v, const struct gotrace_reader *r,
	const struct gotrace_event *ev, struct err *err)
{
	uint64_t stack;
	buf_clear(&v->problems);
	if (v->last && ev->time <= v->last)
		complain(v, "timestamp out-of-order (want > %" PRId64 "): %" PRId64, v->last,
			ev->time);
	else
		v->last = ev->time;
	if (gotrace_event_stack(ev, &stack))
		check_stack(v, r, stack);
	check_kind(v, r, ev);
	if (!v->problems.len)
		return 0;
	return err_set(err, ERR_FORMAT, "%s", v->problems.data);
}
