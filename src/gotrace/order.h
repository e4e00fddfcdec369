/*
 * The order of events: a model of Go's scheduler, which says whether an event can come next.
 * Private to gotrace.
 *
 * Clocks of different processors may disagree, so that times alone do not order events. What
 * happens to a goroutine or a proc from a distance carries a sequence number instead; everything
 * else happens on the thread that holds the resource, whose events are in order. An event whose
 * turn has not come yet waits; one that contradicts the state is an error.
 */
#ifndef SONDE_GOTRACE_ORDER_H
#define SONDE_GOTRACE_ORDER_H

#include "gotrace/frontier.h"

/* An open range: the Begin, and for stop-the-world its kind. Kinds are compared by the id of their
 * string, as Go does, even across generations. */
struct open_range {
	uint64_t desc;
	uint32_t name; /* in order.names */
	uint8_t type;
};

struct open_ranges {
	struct open_range *all;
	uint32_t n, cap;
};

struct open_region {
	uint64_t task;
	uint32_t name; /* in order.names */
};

struct sequence {
	uint64_t gen, seq;
};

struct go_state {
	int64_t id;
	struct sequence seq;
	uint8_t status; /* enum gotrace_go_status */
	bool live;	/* else it is on the free list */
	uint32_t next_free;
	uint32_t regions_n, regions_cap;
	struct open_region *regions; /* the innermost last */
	struct open_ranges ranges;
};

struct proc_state {
	int64_t id;
	struct sequence seq;
	uint8_t status;	   /* enum gotrace_proc_status */
	uint32_t bound_to; /* index of the thread it was bound to last, or IDMAP_NONE */
	struct open_ranges ranges;
};

struct thread_state {
	int64_t m, p, g;
	uint32_t p_at, g_at; /* where p's and g's states were found last */
};

struct task_state {
	uint64_t parent;
	uint32_t name; /* in order.names */
	uint32_t next_free;
};

enum gc_state {
	GC_UNDETERMINED,
	GC_NOT_RUNNING,
	GC_RUNNING,
};

#define ORDER_QUEUE 2 /* a switch of goroutines is three events, the first not queued */

struct order {
	int version;
	uint64_t first_gen; /* 0: nothing seen */
	struct go_state *gs;
	size_t gs_n, gs_cap;
	uint32_t gs_free; /* IDMAP_NONE: none */
	struct proc_state *ps;
	size_t ps_n, ps_cap;
	struct thread_state *ms;
	size_t ms_n, ms_cap;
	struct task_state *tasks;
	size_t tasks_n, tasks_cap;
	uint32_t tasks_free;
	struct idmap g_ids, p_ids, m_ids, task_ids;
	uint64_t gc_seq;
	enum gc_state gc;
	/* Of tasks, regions and stop-the-world ranges, which outlive their generation's strings. */
	struct strtab names;
	struct gotrace_event queue[ORDER_QUEUE];
	unsigned queue_at, queue_n;
};

void order_init(struct order *o, int version);
void order_release(struct order *o);
/* Lets the cursor's event come next: 1, with *ret the event, or the first of those it stands for,
 * the others to be had from order_next(); 0 if it has to wait; or an error. */
must_check int order_advance(struct order *o, struct cursor *c, const struct trace_tables *t,
	uint64_t gen, struct gotrace_event *ret, struct err *err);

static inline bool order_next(struct order *o, struct gotrace_event *ret)
{
	if (o->queue_at == o->queue_n)
		return false;
	*ret = o->queue[o->queue_at++];
	return true;
}

/* What the parts of the model share. */

struct context {
	int64_t m, p, g;
};

/* One event being tried. */
struct step {
	struct order *o;
	const struct trace_tables *t;
	struct wire_event *ev;
	uint64_t gen;
	uint32_t state;		   /* of the thread, IDMAP_NONE for none */
	struct context now;	   /* as the event is delivered with */
	struct context next;	   /* of the thread, if the event comes */
	struct gotrace_event *ret; /* for the first event that comes of it; then NULL */
	struct err *err;
	char invalid[16]; /* room for step_event_name() */
};

enum need {
	NOT_HAVE,
	MAY_HAVE,
	MUST_HAVE,
};

/* Each 1, 0 to wait, or an error. */
must_check int step_proc(struct step *s);	/* order_proc.c */
must_check int step_go(struct step *s);		/* order_go.c */
must_check int step_syscall(struct step *s);	/* order_syscall.c */
must_check int step_range(struct step *s);	/* order_range.c */
must_check int step_annotation(struct step *s); /* order_user.c */

/* order.c */
must_check int step_error(struct step *s, const char *fmt, ...) attr_printf(2, 3);
must_check int step_need(struct step *s, enum need p, enum need g); /* a thread in any case */
/* The event as it is, delivered or queued; the caller may change what is returned. */
struct gotrace_event *step_emit(struct step *s, uint8_t type, uint8_t from, uint8_t to);
const char *step_event_name(struct step *s); /* "Invalid(45)" where the version has it not */

struct go_state *order_go(const struct order *o, int64_t id); /* NULL: none */
struct proc_state *order_proc(const struct order *o, int64_t id);
uint32_t order_thread(const struct order *o, int64_t m); /* index or IDMAP_NONE */
uint32_t order_add_thread(struct order *o, int64_t m);
struct go_state *order_add_go(struct order *o, int64_t id, uint8_t status, uint64_t gen);
void order_remove_go(struct order *o, struct go_state *g);
struct proc_state *order_add_proc(struct order *o, int64_t id, uint8_t status, uint64_t gen);
/* Those of the context, from where they were found last. */
struct go_state *step_go_now(struct step *s);
struct proc_state *step_proc_now(struct step *s);
/* The same goroutine, which must be there and in this status, with a thread and as much of a proc as
 * `p` says; `wanted` is the status's word in the error. */
must_check int step_go_in(
	struct step *s, enum need p, uint8_t status, const char *wanted, struct go_state **ret);

static inline bool follows(const struct step *s, uint64_t seq, const struct sequence *before)
{
	return before->gen == s->gen && seq == before->seq + 1;
}

/* enum gotrace_kind by type of event. */
extern const uint8_t gotrace_kinds[256];
extern const char *const go_status_names[5], *const proc_status_names[5];

#endif
