/*
 * What an event means: its kind, and the details of each kind.
 */
#include "gotrace/reader.h"

const uint8_t gotrace_kinds[256] = {
	[GOTRACE_EV_CPU_SAMPLE] = GOTRACE_KIND_STACK_SAMPLE,
	[GOTRACE_EV_PROCS_CHANGE] = GOTRACE_KIND_METRIC,
	[GOTRACE_EV_PROC_START... GOTRACE_EV_GO_STATUS] = GOTRACE_KIND_STATE_TRANSITION,
	[GOTRACE_EV_STW_BEGIN] = GOTRACE_KIND_RANGE_BEGIN,
	[GOTRACE_EV_STW_END] = GOTRACE_KIND_RANGE_END,
	[GOTRACE_EV_GC_ACTIVE] = GOTRACE_KIND_RANGE_ACTIVE,
	[GOTRACE_EV_GC_BEGIN] = GOTRACE_KIND_RANGE_BEGIN,
	[GOTRACE_EV_GC_END] = GOTRACE_KIND_RANGE_END,
	[GOTRACE_EV_GC_SWEEP_ACTIVE] = GOTRACE_KIND_RANGE_ACTIVE,
	[GOTRACE_EV_GC_SWEEP_BEGIN] = GOTRACE_KIND_RANGE_BEGIN,
	[GOTRACE_EV_GC_SWEEP_END] = GOTRACE_KIND_RANGE_END,
	[GOTRACE_EV_GC_MARK_ASSIST_ACTIVE] = GOTRACE_KIND_RANGE_ACTIVE,
	[GOTRACE_EV_GC_MARK_ASSIST_BEGIN] = GOTRACE_KIND_RANGE_BEGIN,
	[GOTRACE_EV_GC_MARK_ASSIST_END] = GOTRACE_KIND_RANGE_END,
	[GOTRACE_EV_HEAP_ALLOC] = GOTRACE_KIND_METRIC,
	[GOTRACE_EV_HEAP_GOAL] = GOTRACE_KIND_METRIC,
	[GOTRACE_EV_GO_LABEL] = GOTRACE_KIND_LABEL,
	[GOTRACE_EV_USER_TASK_BEGIN] = GOTRACE_KIND_TASK_BEGIN,
	[GOTRACE_EV_USER_TASK_END] = GOTRACE_KIND_TASK_END,
	[GOTRACE_EV_USER_REGION_BEGIN] = GOTRACE_KIND_REGION_BEGIN,
	[GOTRACE_EV_USER_REGION_END] = GOTRACE_KIND_REGION_END,
	[GOTRACE_EV_USER_LOG] = GOTRACE_KIND_LOG,
	[GOTRACE_EV_GO_SWITCH... GOTRACE_EV_GO_STATUS_STACK] = GOTRACE_KIND_STATE_TRANSITION,
	[GOTRACE_EV_SPAN... GOTRACE_EV_GOROUTINE_STACK_FREE] = GOTRACE_KIND_EXPERIMENTAL,
	[GOTRACE_EV_SYNC_POINT] = GOTRACE_KIND_SYNC,
};

const char *gotrace_kind_name(enum gotrace_kind kind)
{
	static const char *const names[] = {
		[GOTRACE_KIND_BAD] = "Bad",
		[GOTRACE_KIND_SYNC] = "Sync",
		[GOTRACE_KIND_METRIC] = "Metric",
		[GOTRACE_KIND_LABEL] = "Label",
		[GOTRACE_KIND_STACK_SAMPLE] = "StackSample",
		[GOTRACE_KIND_RANGE_BEGIN] = "RangeBegin",
		[GOTRACE_KIND_RANGE_ACTIVE] = "RangeActive",
		[GOTRACE_KIND_RANGE_END] = "RangeEnd",
		[GOTRACE_KIND_TASK_BEGIN] = "TaskBegin",
		[GOTRACE_KIND_TASK_END] = "TaskEnd",
		[GOTRACE_KIND_REGION_BEGIN] = "RegionBegin",
		[GOTRACE_KIND_REGION_END] = "RegionEnd",
		[GOTRACE_KIND_LOG] = "Log",
		[GOTRACE_KIND_STATE_TRANSITION] = "StateTransition",
		[GOTRACE_KIND_EXPERIMENTAL] = "Experimental",
	};
	return names[kind];
}

const char *gotrace_go_state_name(uint8_t state)
{
	static const char *const names[] = {
		[GOTRACE_GO_UNDETERMINED] = "Undetermined",
		[GOTRACE_GO_NOT_EXIST] = "NotExist",
		[GOTRACE_GO_IS_RUNNABLE] = "Runnable",
		[GOTRACE_GO_IS_RUNNING] = "Running",
		[GOTRACE_GO_IS_WAITING] = "Waiting",
		[GOTRACE_GO_IS_IN_SYSCALL] = "Syscall",
	};
	return state < array_len(names) ? names[state] : "Bad";
}

const char *gotrace_proc_state_name(uint8_t state)
{
	static const char *const names[] = {
		[GOTRACE_PROC_UNDETERMINED] = "Undetermined",
		[GOTRACE_PROC_NOT_EXIST] = "NotExist",
		[GOTRACE_PROC_IS_RUNNING] = "Running",
		[GOTRACE_PROC_IS_IDLE] = "Idle",
	};
	return state < array_len(names) ? names[state] : "Bad";
}

/* ---- tables ---- */

struct gotrace_str gotrace_string(const struct gotrace_reader *r, uint64_t id)
{
	uint32_t i = id ? ids_get(&r->gen.tables.string_ids, id) : IDMAP_NONE;
	return i == IDMAP_NONE ? (struct gotrace_str){"", 0} : r->gen.tables.strings[i];
}

static const struct stack *find_stack(const struct gotrace_reader *r, uint64_t id)
{
	uint32_t i = id ? ids_get(&r->gen.tables.stack_ids, id) : IDMAP_NONE;
	return i == IDMAP_NONE ? NULL : &r->gen.tables.stacks[i];
}

size_t gotrace_stack_len(const struct gotrace_reader *r, uint64_t stack)
{
	const struct stack *s = find_stack(r, stack);
	return s ? s->n : 0;
}

struct gotrace_frame gotrace_stack_frame(const struct gotrace_reader *r, uint64_t stack, size_t i)
{
	const struct trace_tables *t = &r->gen.tables;
	const struct stack *s = find_stack(r, stack);
	if (!s || i >= s->n)
		return (struct gotrace_frame){.func = {"", 0}, .file = {"", 0}};
	const struct pc_frame *f = &t->frames[t->stack_frames[s->frames + i]];
	return (struct gotrace_frame){
		f->pc, f->line, gotrace_string(r, f->func), gotrace_string(r, f->file)};
}

static struct gotrace_str kept_name(const struct gotrace_reader *r, uint32_t id)
{
	return (struct gotrace_str){
		strtab_get(&r->order.names, id), strtab_len(&r->order.names, id)};
}

/* ---- details ---- */

bool gotrace_event_stack(const struct gotrace_event *ev, uint64_t *ret_id)
{
	if (ev->kind == GOTRACE_KIND_SYNC)
		return false;
	if (ev->kind == GOTRACE_KIND_STACK_SAMPLE) {
		*ret_id = ev->args[0];
		return true;
	}
	const struct gotrace_spec *spec = &gotrace_specs[ev->type];
	*ret_id = spec->stacks[0] ? ev->args[spec->stacks[0] - 1] : 0;
	return *ret_id != 0;
}

/* Of a transition: whether it is of a proc, and whether the event's first argument names what
 * changes. Else it is what the thread holds. */
static bool of_proc(const struct gotrace_event *ev)
{
	return ev->type >= GOTRACE_EV_PROC_START && ev->type <= GOTRACE_EV_PROC_STATUS;
}

static bool is_named(const struct gotrace_event *ev)
{
	switch (ev->type) {
	case GOTRACE_EV_PROC_STOP:
	case GOTRACE_EV_GO_DESTROY:
	case GOTRACE_EV_GO_DESTROY_SYSCALL:
	case GOTRACE_EV_GO_STOP:
	case GOTRACE_EV_GO_BLOCK:
	case GOTRACE_EV_GO_SYSCALL_BEGIN:
	case GOTRACE_EV_GO_SYSCALL_END:
	case GOTRACE_EV_GO_SYSCALL_END_BLOCKED:
		return false;
	default:
		return true;
	}
}

/* The stack of what changes: where a created goroutine begins (also if it is not known), or the
 * event's own if that is the goroutine's. */
static bool transition_stack(const struct gotrace_event *ev, uint64_t *ret)
{
	switch (ev->type) {
	case GOTRACE_EV_GO_CREATE:
	case GOTRACE_EV_GO_CREATE_BLOCKED:
		*ret = ev->args[1];
		return true;
	case GOTRACE_EV_GO_STOP:
	case GOTRACE_EV_GO_BLOCK:
	case GOTRACE_EV_GO_SYSCALL_BEGIN:
	case GOTRACE_EV_GO_STATUS_STACK:
		return gotrace_event_stack(ev, ret);
	default:
		return false;
	}
}

struct gotrace_transition gotrace_event_transition(
	const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	bool proc = of_proc(ev);
	struct gotrace_transition t = {
		.resource = {proc ? GOTRACE_RESOURCE_PROC : GOTRACE_RESOURCE_GOROUTINE,
			is_named(ev) ? (int64_t)ev->args[0]
			: proc	     ? ev->p
				     : ev->g},
		.from = ev->from,
		.to = ev->to,
		.reason = {"", 0}};
	if (ev->type == GOTRACE_EV_GO_STOP || ev->type == GOTRACE_EV_GO_BLOCK)
		t.reason = gotrace_string(r, ev->args[0]);
	t.has_stack = transition_stack(ev, &t.stack);
	return t;
}

struct gotrace_metric gotrace_event_metric(const struct gotrace_event *ev)
{
	switch (ev->type) {
	case GOTRACE_EV_PROCS_CHANGE:
		return (struct gotrace_metric){"/sched/gomaxprocs:threads", ev->args[0]};
	case GOTRACE_EV_HEAP_ALLOC:
		return (struct gotrace_metric){"/memory/classes/heap/objects:bytes", ev->args[0]};
	default:
		return (struct gotrace_metric){"/gc/heap/goal:bytes", ev->args[0]};
	}
}

struct gotrace_str gotrace_event_label(
	const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	return gotrace_string(r, ev->args[0]);
}

static struct gotrace_str words(const char *s)
{
	return (struct gotrace_str){s, (uint32_t)strlen(s)};
}

struct gotrace_range gotrace_event_range(
	const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	bool named = ev->kind == GOTRACE_KIND_RANGE_ACTIVE;
	struct gotrace_resource proc = {
		GOTRACE_RESOURCE_PROC, named ? (int64_t)ev->args[0] : ev->p};
	struct gotrace_resource go = {
		GOTRACE_RESOURCE_GOROUTINE, named ? (int64_t)ev->args[0] : ev->g};
	switch (ev->type) {
	case GOTRACE_EV_STW_BEGIN:
	case GOTRACE_EV_STW_END:
		return (struct gotrace_range){kept_name(r, ev->name), go};
	case GOTRACE_EV_GC_ACTIVE:
	case GOTRACE_EV_GC_BEGIN:
	case GOTRACE_EV_GC_END:
		return (struct gotrace_range){
			words("GC concurrent mark phase"), {GOTRACE_RESOURCE_NONE, 0}};
	case GOTRACE_EV_GC_SWEEP_ACTIVE:
	case GOTRACE_EV_GC_SWEEP_BEGIN:
	case GOTRACE_EV_GC_SWEEP_END:
		return (struct gotrace_range){words("GC incremental sweep"), proc};
	default:
		return (struct gotrace_range){words("GC mark assist"), go};
	}
}

struct gotrace_task gotrace_event_task(
	const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	if (ev->kind == GOTRACE_KIND_TASK_END)
		return (struct gotrace_task){ev->args[0], ev->args[2], kept_name(r, ev->name)};
	return (struct gotrace_task){ev->args[0], ev->args[1], gotrace_string(r, ev->args[2])};
}

struct gotrace_region gotrace_event_region(
	const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	return (struct gotrace_region){ev->args[0], gotrace_string(r, ev->args[1])};
}

struct gotrace_log gotrace_event_log(const struct gotrace_reader *r, const struct gotrace_event *ev)
{
	return (struct gotrace_log){
		ev->args[0], gotrace_string(r, ev->args[1]), gotrace_string(r, ev->args[2])};
}

#define NS ((int64_t)1000000000)

bool gotrace_event_clock(
	const struct gotrace_reader *r, const struct gotrace_event *ev, struct gotrace_clock *ret)
{
	const struct clocks *c = &r->gen.tables.clocks;
	if (!r->has_gen || !c->has_snapshot || ev->args[0] != r->syncs)
		return false;
	/* As time.Unix(): nanoseconds beyond a second are carried over. */
	int64_t nsec = (int64_t)c->nsec, carry = nsec / NS - (nsec % NS < 0);
	*ret = (struct gotrace_clock){clocks_ns(c, c->snapshot), c->mono,
		(int64_t)(c->sec + (uint64_t)carry), (uint32_t)(nsec - carry * NS)};
	return true;
}

const struct gotrace_exp_batch *gotrace_event_exp_batches(
	const struct gotrace_reader *r, const struct gotrace_event *ev, size_t *ret_n)
{
	*ret_n = r->has_gen && ev->args[0] == r->syncs ? r->gen.exp_n : 0;
	return r->gen.exp;
}
