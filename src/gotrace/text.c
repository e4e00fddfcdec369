/*
 * Events in words, as Go's Event.String() has them: for people, and for comparing with Go.
 */
#include "gotrace/quote.h"
#include "gotrace/reader.h"
#include "gotrace/wall.h"

#include <inttypes.h>

static void add_quoted(struct buf *out, const char *label, struct gotrace_str s)
{
	buf_addstr(out, label);
	go_quote(s.s, s.len, out);
}

static void add_resource(struct buf *out, struct gotrace_resource res)
{
	static const char *const names[] = {"None", "Goroutine", "Proc", "Thread"};
	buf_addstr(out, names[res.kind]);
	if (res.kind != GOTRACE_RESOURCE_NONE)
		buf_printf(out, "(%" PRId64 ")", res.id);
}

static void add_stack(
	const struct gotrace_reader *r, const char *title, uint64_t id, struct buf *out)
{
	size_t n = gotrace_stack_len(r, id);
	buf_printf(out, "\n%s=\n", title);
	for (size_t i = 0; i < n; i++) {
		struct gotrace_frame f = gotrace_stack_frame(r, id, i);
		buf_addch(out, '\t');
		buf_add(out, f.func.s, f.func.len);
		buf_printf(out, " @ 0x%" PRIx64 "\n\t\t", f.pc);
		buf_add(out, f.file.s, f.file.len);
		buf_printf(out, ":%" PRIu64 "\n", f.line);
	}
}

static void add_metric(const struct gotrace_event *ev, struct buf *out)
{
	struct gotrace_metric m = gotrace_event_metric(ev);
	buf_printf(out, " Name=\"%s\" Value=Value{Uint64(%" PRIu64 ")}", m.name, m.value);
}

static void add_range(
	const struct gotrace_reader *r, const struct gotrace_event *ev, struct buf *out)
{
	struct gotrace_range range = gotrace_event_range(r, ev);
	add_quoted(out, " Name=", range.name);
	buf_addstr(out, " Scope=");
	add_resource(out, range.scope);
	if (ev->kind != GOTRACE_KIND_RANGE_END)
		return;
	buf_addstr(out, " Attributes=[");
	if (ev->type == GOTRACE_EV_GC_SWEEP_END)
		buf_printf(out,
			"\"bytes swept\"=Value{Uint64(%" PRIu64
			")} \"bytes reclaimed\"=Value{Uint64(%" PRIu64 ")}",
			ev->args[0], ev->args[1]);
	buf_addch(out, ']');
}

static void add_task(
	const struct gotrace_reader *r, const struct gotrace_event *ev, struct buf *out)
{
	struct gotrace_task t = gotrace_event_task(r, ev);
	buf_printf(out, " ID=%" PRIu64 " Parent=%" PRIu64, t.id, t.parent);
	add_quoted(out, " Type=", t.type);
}

static void add_log(const struct gotrace_reader *r, const struct gotrace_event *ev, struct buf *out)
{
	struct gotrace_log log = gotrace_event_log(r, ev);
	buf_printf(out, " Task=%" PRIu64, log.task);
	add_quoted(out, " Category=", log.category);
	add_quoted(out, " Message=", log.message);
}

static void add_transition(
	const struct gotrace_reader *r, const struct gotrace_event *ev, struct buf *out)
{
	struct gotrace_transition t = gotrace_event_transition(r, ev);
	if (t.resource.kind == GOTRACE_RESOURCE_GOROUTINE)
		buf_printf(out, " GoID=%" PRId64 " %s->%s", t.resource.id,
			gotrace_go_state_name(t.from), gotrace_go_state_name(t.to));
	else
		buf_printf(out, " ProcID=%" PRId64 " %s->%s", t.resource.id,
			gotrace_proc_state_name(t.from), gotrace_proc_state_name(t.to));
	add_quoted(out, " Reason=", t.reason);
	if (t.has_stack)
		add_stack(r, "TransitionStack", t.stack, out);
}

static void add_experimental(const struct gotrace_event *ev, struct buf *out)
{
	const struct gotrace_spec *spec = &gotrace_specs[ev->type];
	buf_printf(out, " Name=%s Args=[", spec->name);
	for (unsigned i = 1; i < spec->args_n; i++)
		buf_printf(out, "%s%s=Value{Uint64(%" PRIu64 ")}", i > 1 ? ", " : "", spec->args[i],
			ev->args[i - 1]);
	buf_addch(out, ']');
}

static void add_sync(
	const struct gotrace_reader *r, const struct gotrace_event *ev, struct buf *out)
{
	struct gotrace_clock c;
	buf_printf(out, " N=%" PRIu64, ev->args[0]);
	if (!gotrace_event_clock(r, ev, &c))
		return;
	buf_printf(out, " Trace=%" PRId64 " Mono=%" PRIu64 " Wall=", c.trace, c.mono);
	wall_text(c.sec, c.nsec, "T", "Z", out);
}

static void add_details(
	const struct gotrace_reader *r, const struct gotrace_event *ev, struct buf *out)
{
	switch ((enum gotrace_kind)ev->kind) {
	case GOTRACE_KIND_METRIC:
		add_metric(ev, out);
		break;
	case GOTRACE_KIND_LABEL:
		add_quoted(out, " Label=", gotrace_event_label(r, ev));
		buf_printf(out, " Resource=Goroutine(%" PRId64 ")", ev->g);
		break;
	case GOTRACE_KIND_RANGE_BEGIN:
	case GOTRACE_KIND_RANGE_ACTIVE:
	case GOTRACE_KIND_RANGE_END:
		add_range(r, ev, out);
		break;
	case GOTRACE_KIND_TASK_BEGIN:
	case GOTRACE_KIND_TASK_END:
		add_task(r, ev, out);
		break;
	case GOTRACE_KIND_REGION_BEGIN:
	case GOTRACE_KIND_REGION_END:
		buf_printf(out, " Task=%" PRIu64, ev->args[0]);
		add_quoted(out, " Type=", gotrace_event_region(r, ev).type);
		break;
	case GOTRACE_KIND_LOG:
		add_log(r, ev, out);
		break;
	case GOTRACE_KIND_STATE_TRANSITION:
		add_transition(r, ev, out);
		break;
	case GOTRACE_KIND_EXPERIMENTAL:
		add_experimental(ev, out);
		break;
	case GOTRACE_KIND_SYNC:
		add_sync(r, ev, out);
		break;
	case GOTRACE_KIND_STACK_SAMPLE:
	case GOTRACE_KIND_BAD:
		break;
	}
}

void gotrace_event_text(
	const struct gotrace_reader *r, const struct gotrace_event *ev, struct buf *out)
{
	uint64_t stack;
	buf_printf(out, "M=%" PRId64 " P=%" PRId64 " G=%" PRId64 " %s Time=%" PRId64, ev->m, ev->p,
		ev->g, gotrace_kind_name((enum gotrace_kind)ev->kind), ev->time);
	add_details(r, ev, out);
	if (gotrace_event_stack(ev, &stack))
		add_stack(r, "Stack", stack, out);
}
