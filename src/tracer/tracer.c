/*
 * Writing a recording's events as a Go execution trace; see tracer.h.
 *
 * Threads are walked in the order of their next step, by a heap: a wait is two steps, its beginning
 * and its end, and what woke it a step of the waker's. Each step is written to the batch of the
 * thread that takes it, with the sequence numbers by which readers restore the order between
 * batches. The trace is cut into generations of a second, each of which states anew where every
 * thread is, so that it can be read by itself.
 */
#include "tracer/internal.h"

#define GENERATION_NS 1000000000u
#define BEGINNING_NS  1000000u /* of the trace, on its own clock: 0 is no time to readers */

enum state {
	STATE_ABSENT, /* not yet there */
	STATE_CREATED,
	STATE_RUNNING,
	STATE_WAITING,
	STATE_SYSCALL,
	STATE_WOKEN, /* by another thread, and not running yet */
	STATE_GONE,
};

/* One that the program has begun. */
struct region {
	uint64_t task;
	uint32_t name; /* of trace.texts */
};

struct track {
	enum state state;
	uint32_t next; /* event */
	bool ending;   /* of events[next], the second step: its end */
	uint64_t now_ns;
	uint64_t seq;		/* of the goroutine, in this generation */
	uint32_t p;		/* its processor; PROFILE_NONE: none */
	uint32_t waits;		/* the event that it waits in */
	uint32_t root;		/* a sample whose root is where it began; PROFILE_NONE: not known */
	struct region *regions; /* that it is in, the innermost last */
	uint32_t region_n, region_cap;
};

struct processor {
	uint64_t seq;	     /* in this generation */
	uint64_t generation; /* that has stated it */
};

struct heap_item {
	uint64_t time_ns;
	uint32_t thread;
};

struct tracer {
	const struct profile *p;
	struct export_trace *trace;
	struct gotrace_writer *writer;
	unsigned version;
	struct wakers wakers;
	struct tracer_stacks stacks;
	struct track *tracks; /* by thread */
	struct processor *processors;
	uint32_t processor_n, processor_cap;
	struct map on_m; /* M -> thread + 1 that is there, or was the last */
	uint32_t *idle;	 /* processors nobody has */
	uint32_t idle_n, idle_cap;
	struct heap_item *heap;
	uint32_t heap_n;
	uint64_t generation, generation_ns; /* when it began */
	uint64_t string_of[WAIT_KINDS];	    /* reasons, in this generation */
};

/* --- time and names --- */

static uint64_t on_its_clock(const struct tracer *t, uint64_t monotonic_ns)
{
	uint64_t begin = t->trace->begin_ns;
	return (monotonic_ns > begin ? monotonic_ns - begin : 0) + BEGINNING_NS;
}

static uint64_t m_of(const struct tracer *t, uint32_t thread)
{
	return (uint64_t)t->trace->threads[thread].tid;
}

static uint64_t g_of(const struct tracer *t, uint32_t thread)
{
	return t->trace->threads[thread].number;
}

/* What Go calls it; tools go by these words. */
static const char *reason_of(unsigned wait)
{
	switch (wait) {
	case WAIT_COND:
		return "sync.(*Cond).Wait";
	case WAIT_SLEEP:
		return "sleep";
	case WAIT_POLL:
	case WAIT_RECV:
	case WAIT_SEND:
	case WAIT_ACCEPT:
	case WAIT_CONNECT:
		return "network";
	default:
		return "sync";
	}
}

static bool is_syscall(unsigned wait)
{
	return wait == WAIT_READ || wait == WAIT_WRITE || wait == WAIT_FLOCK ||
	       wait == WAIT_CHILD || wait == WAIT_SIGNAL || wait == WAIT_SYSCALL;
}

static uint64_t reason_id(struct tracer *t, unsigned wait)
{
	const char *reason = reason_of(wait);
	if (!t->string_of[wait])
		t->string_of[wait] = gotrace_write_string(t->writer, reason, strlen(reason));
	return t->string_of[wait];
}

/* --- events --- */

static void emit(struct tracer *t, uint32_t thread, unsigned kind, const uint64_t *args, unsigned n)
{
	gotrace_write_event(t->writer, m_of(t, thread), on_its_clock(t, t->tracks[thread].now_ns),
		kind, args, n);
}
#define EMIT(t, thread, kind, ...)                             \
	emit(t, thread, kind, (const uint64_t[]){__VA_ARGS__}, \
		sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static uint64_t p_of(const struct tracer *t, uint32_t thread)
{
	return t->tracks[thread].p;
}

/* --- processors: numbers as small as can be, from 1, as 0 loses its arrows in Go's viewer --- */

static uint32_t take_processor(struct tracer *t)
{
	if (t->idle_n)
		return t->idle[--t->idle_n];
	if (!t->processor_n)
		vec_push(t->processors, t->processor_n, t->processor_cap, ((struct processor){0}));
	vec_push(t->processors, t->processor_n, t->processor_cap, ((struct processor){0}));
	return t->processor_n - 1;
}

static void give_processor(struct tracer *t, uint32_t p)
{
	vec_push(t->idle, t->idle_n, t->idle_cap, p);
}

static void state_processor(struct tracer *t, uint32_t thread, unsigned status)
{
	struct processor *p = &t->processors[p_of(t, thread)];
	if (p->generation == t->generation)
		return;
	p->generation = t->generation;
	p->seq = 0;
	EMIT(t, thread, GOTRACE_EV_PROC_STATUS, p_of(t, thread), status);
}

static void start_processor(struct tracer *t, uint32_t thread)
{
	t->tracks[thread].p = take_processor(t);
	state_processor(t, thread, GOTRACE_PROC_IDLE);
	EMIT(t, thread, GOTRACE_EV_PROC_START, p_of(t, thread),
		++t->processors[p_of(t, thread)].seq);
}

/* --- what threads do --- */

static void run(struct tracer *t, uint32_t thread)
{
	EMIT(t, thread, GOTRACE_EV_GO_START, g_of(t, thread), ++t->tracks[thread].seq);
	t->tracks[thread].state = STATE_RUNNING;
}

static void end(struct tracer *t, uint32_t thread);
static void go_on(struct tracer *t, uint32_t thread, uint32_t event);

/* A thread that ended without a word, as the kernel gave its number to another. */
static void retire(struct tracer *t, uint32_t thread, uint64_t now_ns)
{
	struct track *track = &t->tracks[thread];
	if (now_ns > track->now_ns)
		track->now_ns = now_ns;
	if (track->waits != PROFILE_NONE)
		go_on(t, thread, track->waits);
	end(t, thread);
	track->state = STATE_GONE;
}

static void take_m(struct tracer *t, uint32_t thread)
{
	bool is_new;
	uint32_t *slot = map_put(&t->on_m, m_of(t, thread), &is_new);
	uint32_t before = *slot;
	*slot = thread + 1;
	if (before && before != thread + 1)
		retire(t, before - 1, t->tracks[thread].now_ns);
}

/* It was made by something that did not say so: it comes from a system call, as threads that C
 * makes do in Go. */
static void appear(struct tracer *t, uint32_t thread)
{
	EMIT(t, thread, GOTRACE_EV_GO_CREATE_SYSCALL, g_of(t, thread));
	emit(t, thread, GOTRACE_EV_GO_SYSCALL_END_BLOCKED, NULL, 0);
	t->tracks[thread].seq = 0;
	start_processor(t, thread);
	run(t, thread);
}

/* With its first step, whatever that is. */
static void begin(struct tracer *t, uint32_t thread)
{
	enum state state = t->tracks[thread].state;
	if (state != STATE_CREATED && state != STATE_ABSENT)
		return;
	take_m(t, thread);
	if (state == STATE_ABSENT) {
		appear(t, thread);
		return;
	}
	start_processor(t, thread);
	run(t, thread);
}

static void end(struct tracer *t, uint32_t thread)
{
	struct track *track = &t->tracks[thread];
	if (track->state != STATE_RUNNING)
		return;
	emit(t, thread, GOTRACE_EV_GO_DESTROY, NULL, 0);
	emit(t, thread, GOTRACE_EV_PROC_STOP, NULL, 0);
	give_processor(t, track->p);
	track->p = PROFILE_NONE;
	track->state = STATE_GONE;
}

static void create(struct tracer *t, uint32_t thread, const struct export_trace_event *e)
{
	struct track *child = e->object < t->trace->thread_n ? &t->tracks[e->object] : NULL;
	if (!child || child->state != STATE_ABSENT || t->tracks[thread].state != STATE_RUNNING)
		return;
	EMIT(t, thread, GOTRACE_EV_GO_CREATE, g_of(t, (uint32_t)e->object),
		tracer_root_id(&t->stacks, child->root), tracer_stack_id(&t->stacks, e->stack));
	child->state = STATE_CREATED;
	child->seq = 0;
}

static void block(struct tracer *t, uint32_t thread, uint32_t event)
{
	const struct export_trace_event *e = &t->trace->events[event];
	struct track *track = &t->tracks[thread];
	uint64_t stack = tracer_stack_id(&t->stacks, e->stack);
	if (track->state != STATE_RUNNING)
		return;
	track->waits = event;
	if (is_syscall(e->wait)) {
		EMIT(t, thread, GOTRACE_EV_GO_SYSCALL_BEGIN, ++t->processors[track->p].seq, stack);
		track->state = STATE_SYSCALL;
	} else {
		EMIT(t, thread, GOTRACE_EV_GO_BLOCK, reason_id(t, e->wait), stack);
		track->state = STATE_WAITING;
	}
}

/* On the thread that wakes it, which may be itself. Tools leave out waits without a stack at both
 * ends, so one that nobody in particular ended has its own there. */
static void unblock(struct tracer *t, uint32_t thread, uint32_t by, uint32_t stack)
{
	struct track *track = &t->tracks[thread];
	if (track->state != STATE_WAITING)
		return;
	EMIT(t, by, GOTRACE_EV_GO_UNBLOCK, g_of(t, thread), ++track->seq,
		tracer_stack_id(&t->stacks, stack));
	track->state = STATE_WOKEN;
}

static void wake(struct tracer *t, uint32_t thread, uint32_t event)
{
	const struct export_trace_event *events = t->trace->events;
	for (uint32_t i = t->wakers.next[event]; i != PROFILE_NONE; i = t->wakers.next[i])
		if (t->tracks[events[i].thread].waits == i)
			unblock(t, events[i].thread, thread, events[event].stack);
}

static void go_on(struct tracer *t, uint32_t thread, uint32_t event)
{
	struct track *track = &t->tracks[thread];
	if (track->waits != event)
		return;
	track->waits = PROFILE_NONE;
	if (track->state == STATE_SYSCALL) {
		emit(t, thread, GOTRACE_EV_GO_SYSCALL_END, NULL, 0);
		track->state = STATE_RUNNING;
		return;
	}
	unblock(t, thread, thread, t->trace->events[event].stack);
	if (track->state == STATE_WOKEN)
		run(t, thread);
}

static void sample(struct tracer *t, uint32_t thread, const struct export_trace_event *e)
{
	uint64_t stack = tracer_stack_id(&t->stacks, e->stack);
	uint32_t p = t->tracks[thread].p;
	if (stack)
		gotrace_write_cpu_sample(t->writer, on_its_clock(t, e->time_ns), m_of(t, thread),
			p == PROFILE_NONE ? (uint64_t)GOTRACE_NO_ID : p, g_of(t, thread), stack);
}

/* --- what the program says --- */

static uint64_t text_id(struct tracer *t, uint32_t text)
{
	const struct strtab *texts = &t->trace->texts;
	return gotrace_write_string(t->writer, strtab_get(texts, text), strtab_len(texts, text));
}

static void begin_region(struct tracer *t, uint32_t thread, const struct export_trace_event *e)
{
	struct track *track = &t->tracks[thread];
	struct region region = {e->object, e->name};
	vec_push(track->regions, track->region_n, track->region_cap, region);
	EMIT(t, thread, GOTRACE_EV_USER_REGION_BEGIN, e->object, text_id(t, e->name),
		tracer_stack_id(&t->stacks, e->stack));
}

#define REGION_LOOKS 1000 /* deeper than regions nest, but for a program that never ends them */

/* How many regions end with this one; 0: the thread is not in it. */
static uint32_t regions_ended(const struct track *track, const struct export_trace_event *e)
{
	for (uint32_t n = 1; n <= track->region_n && n <= REGION_LOOKS; n++) {
		const struct region *region = &track->regions[track->region_n - n];
		if (region->task == e->object && region->name == e->name)
			return n;
	}
	return 0;
}

/* Readers refuse a trace in which regions do not nest, as a program's may: those inside the one
 * that ends end with it, and the end of one that the thread is not in is left out. */
static void end_region(struct tracer *t, uint32_t thread, const struct export_trace_event *e)
{
	struct track *track = &t->tracks[thread];
	for (uint32_t n = regions_ended(track, e); n > 0; n--) {
		struct region region = track->regions[--track->region_n];
		EMIT(t, thread, GOTRACE_EV_USER_REGION_END, region.task, text_id(t, region.name),
			tracer_stack_id(&t->stacks, e->stack));
	}
}

/* Only what runs can say something: a handler that interrupts a wait cannot in such a trace. */
static void note(struct tracer *t, uint32_t thread, const struct export_trace_event *e)
{
	uint64_t stack = tracer_stack_id(&t->stacks, e->stack);
	if (t->tracks[thread].state != STATE_RUNNING)
		return;
	switch (e->what) {
	case RECORDING_TRACE_TASK_BEGUN:
		EMIT(t, thread, GOTRACE_EV_USER_TASK_BEGIN, e->object, e->until_ns,
			text_id(t, e->name), stack);
		break;
	case RECORDING_TRACE_TASK_ENDED:
		EMIT(t, thread, GOTRACE_EV_USER_TASK_END, e->object, stack);
		break;
	case RECORDING_TRACE_REGION_BEGUN:
		begin_region(t, thread, e);
		break;
	case RECORDING_TRACE_REGION_ENDED:
		end_region(t, thread, e);
		break;
	default:
		EMIT(t, thread, GOTRACE_EV_USER_LOG, e->object, text_id(t, e->name),
			text_id(t, e->message), stack);
	}
}

/* --- a thread's steps in turn --- */

/* A wait inside another one, by a handler, is shown behind it, without length. */
static uint64_t step_time(const struct tracer *t, const struct track *track)
{
	const struct export_trace_event *e = &t->trace->events[track->next];
	uint64_t time = track->ending ? e->until_ns : e->time_ns;
	return time > track->now_ns ? time : track->now_ns;
}

static void step_event(struct tracer *t, uint32_t thread, uint32_t event)
{
	const struct export_trace_event *e = &t->trace->events[event];
	switch (e->what) {
	case RECORDING_TRACE_CREATED:
		create(t, thread, e);
		break;
	case RECORDING_TRACE_WAITED:
	case RECORDING_TRACE_WAITS:
		block(t, thread, event);
		break;
	case RECORDING_TRACE_SAMPLED:
		sample(t, thread, e);
		break;
	case RECORDING_TRACE_WOKE:
		wake(t, thread, event);
		break;
	case RECORDING_TRACE_ENDED:
		wake(t, thread, event);
		end(t, thread);
		break;
	case RECORDING_TRACE_TASK_BEGUN:
	case RECORDING_TRACE_TASK_ENDED:
	case RECORDING_TRACE_REGION_BEGUN:
	case RECORDING_TRACE_REGION_ENDED:
	case RECORDING_TRACE_LOGGED:
		note(t, thread, e);
		break;
	}
}

/* False: that was its last. */
static bool step(struct tracer *t, uint32_t thread)
{
	struct track *track = &t->tracks[thread];
	uint32_t event = track->next;
	bool waited = t->trace->events[event].what == RECORDING_TRACE_WAITED;
	track->now_ns = step_time(t, track);
	begin(t, thread);
	if (track->ending)
		go_on(t, thread, event);
	else
		step_event(t, thread, event);
	track->ending = waited && !track->ending && track->waits == event;
	track->next += !track->ending;
	return track->next < t->trace->threads[thread].last;
}

/* --- the heap --- */

static bool is_before(const struct heap_item *a, const struct heap_item *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->thread < b->thread;
}

static void sift_down(struct heap_item *heap, uint32_t n, uint32_t i)
{
	struct heap_item item = heap[i];
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child + 1 < n && is_before(&heap[child + 1], &heap[child]))
			child++;
		if (child >= n || is_before(&item, &heap[child]))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = item;
}

static void fill_heap(struct tracer *t)
{
	t->heap = mem_array(t->trace->thread_n + 1, sizeof(*t->heap));
	for (uint32_t i = 0; i < t->trace->thread_n; i++) {
		if (t->tracks[i].next < t->trace->threads[i].last)
			t->heap[t->heap_n++] = (struct heap_item){step_time(t, &t->tracks[i]), i};
	}
	for (uint32_t i = t->heap_n / 2; i-- > 0;)
		sift_down(t->heap, t->heap_n, i);
}

/* --- generations --- */

static const struct export_trace_event *open_wait(const struct tracer *t, const struct track *track)
{
	return track->waits == PROFILE_NONE ? NULL : &t->trace->events[track->waits];
}

/* The stack of a wait; of one that runs the function that it began in. */
static uint64_t status_stack(struct tracer *t, const struct track *track)
{
	const struct export_trace_event *wait = open_wait(t, track);
	return wait ? tracer_stack_id(&t->stacks, wait->stack)
		    : tracer_root_id(&t->stacks, track->root);
}

static void state_goroutine(struct tracer *t, uint32_t thread)
{
	static const unsigned statuses[] = {[STATE_CREATED] = GOTRACE_GO_RUNNABLE,
		[STATE_RUNNING] = GOTRACE_GO_RUNNING,
		[STATE_WAITING] = GOTRACE_GO_WAITING,
		[STATE_SYSCALL] = GOTRACE_GO_SYSCALL,
		[STATE_WOKEN] = GOTRACE_GO_RUNNABLE};
	struct track *track = &t->tracks[thread];
	unsigned status = statuses[track->state];
	bool on_m = status == GOTRACE_GO_RUNNING || status == GOTRACE_GO_SYSCALL;
	track->seq = 0;
	uint64_t m = on_m ? m_of(t, thread) : (uint64_t)GOTRACE_NO_ID;
	if (t->version == GOTRACE_V22)
		EMIT(t, thread, GOTRACE_EV_GO_STATUS, g_of(t, thread), m, status);
	else
		EMIT(t, thread, GOTRACE_EV_GO_STATUS_STACK, g_of(t, thread), m, status,
			status_stack(t, track));
}

static void state_thread(struct tracer *t, uint32_t thread)
{
	struct track *track = &t->tracks[thread];
	if (track->state == STATE_ABSENT || track->state == STATE_GONE)
		return;
	if (t->generation_ns > track->now_ns)
		track->now_ns = t->generation_ns;
	if (track->p != PROFILE_NONE)
		state_processor(t, thread,
			track->state == STATE_SYSCALL ? GOTRACE_PROC_SYSCALL
						      : GOTRACE_PROC_RUNNING);
	state_goroutine(t, thread);
}

static void begin_generation(struct tracer *t, uint64_t time_ns)
{
	t->generation++;
	t->generation_ns = time_ns;
	memset(t->string_of, 0, sizeof(t->string_of));
	tracer_stacks_forget(&t->stacks);
	for (uint32_t i = 0; i < t->trace->thread_n; i++)
		state_thread(t, i);
}

static int end_generation(struct tracer *t)
{
	const struct export_trace *trace = t->trace;
	return gotrace_write_generation_end(t->writer, on_its_clock(t, t->generation_ns),
		t->generation_ns, trace->begin_realtime_ns + (t->generation_ns - trace->begin_ns));
}

/* --- at the beginning --- */

static bool was_there(const struct export_trace *trace, const struct export_trace_thread *thread)
{
	for (uint32_t i = thread->first; i < thread->last; i++)
		if (trace->events[i].what == RECORDING_TRACE_BEGAN)
			return false;
	return thread->born_ns <= trace->begin_ns;
}

/* How well an event's stack says where the thread began; 0: not at all. Early samples are of the
 * loader. */
static int rank_of(const struct tracer *t, const struct export_trace_event *e)
{
	if (e->stack == PROFILE_NONE)
		return 0;
	if (e->what == RECORDING_TRACE_BEGAN)
		return 5;
	if (tracer_is_of_main(t->p, e->stack))
		return 4;
	if (e->what == RECORDING_TRACE_LIVES)
		return 2;
	return e->what == RECORDING_TRACE_SAMPLED || e->what == RECORDING_TRACE_FOUND ? 1 : 3;
}

#define RANK_SURE  4
#define ROOT_LOOKS 1000 /* events, until the best so far will do */

static uint32_t root_of(const struct tracer *t, const struct export_trace_thread *thread)
{
	uint32_t root = PROFILE_NONE, last = thread->last;
	int best = 0;
	if (last - thread->first > ROOT_LOOKS)
		last = thread->first + ROOT_LOOKS;
	for (uint32_t i = thread->first; i < last && best < RANK_SURE; i++) {
		const struct export_trace_event *e = &t->trace->events[i];
		int rank = rank_of(t, e);
		if (rank > best)
			root = e->stack;
		best = rank > best ? rank : best;
	}
	return root;
}

/* One that waits already does so before the first step. */
static void place(struct tracer *t, uint32_t thread)
{
	const struct export_trace *trace = t->trace;
	const struct export_trace_thread *of = &trace->threads[thread];
	struct track *track = &t->tracks[thread];
	*track = (struct track){.next = of->first,
		.now_ns = trace->begin_ns,
		.p = PROFILE_NONE,
		.waits = PROFILE_NONE,
		.root = root_of(t, of)};
	if (!was_there(trace, of) || map_get(&t->on_m, m_of(t, thread)))
		return;
	take_m(t, thread);
	track->p = take_processor(t);
	track->state = STATE_RUNNING;
	const struct export_trace_event *e =
		of->first < of->last ? &trace->events[of->first] : NULL;
	if (!e || e->time_ns > trace->begin_ns ||
		(e->what != RECORDING_TRACE_WAITED && e->what != RECORDING_TRACE_WAITS))
		return;
	track->state = is_syscall(e->wait) ? STATE_SYSCALL : STATE_WAITING;
	track->waits = of->first;
	track->ending = e->what == RECORDING_TRACE_WAITED;
	track->next += !track->ending;
}

/* One that the trace's end found waiting, and that told of the same wait itself, is done with it.
 */
static void drop_told_twice(struct export_trace *trace)
{
	for (uint32_t i = 1; i < trace->event_n; i++) {
		struct export_trace_event *e = &trace->events[i];
		const struct export_trace_event *before = &trace->events[i - 1];
		if (e->what == RECORDING_TRACE_WAITS && before->thread == e->thread &&
			before->what == RECORDING_TRACE_WAITED && before->time_ns == e->time_ns)
			e->what = RECORDING_TRACE_LIVES;
	}
}

/* A thread that the beginning found in a system call has been in it, as far as is known, until it
 * did something else. */
static void extend_caught(struct export_trace *trace)
{
	for (uint32_t i = 0; i < trace->thread_n; i++) {
		uint32_t first = trace->threads[i].first, next = first + 1;
		if (first == trace->threads[i].last ||
			trace->events[first].what != RECORDING_TRACE_CAUGHT)
			continue;
		struct export_trace_event *e = &trace->events[first];
		bool ended = next < trace->threads[i].last &&
			     trace->events[next].what != RECORDING_TRACE_LIVES;
		e->what = ended ? RECORDING_TRACE_WAITED : RECORDING_TRACE_WAITS;
		e->time_ns = trace->begin_ns;
		e->until_ns = ended ? trace->events[next].time_ns : trace->end_ns;
	}
}

/* Readers take the first generation that has events for the first: it is not to be an empty one. */
static uint64_t first_time(const struct tracer *t)
{
	for (uint32_t i = 0; i < t->trace->thread_n; i++)
		if (t->tracks[i].state != STATE_ABSENT)
			return t->trace->begin_ns;
	return t->heap_n ? t->heap[0].time_ns : t->trace->begin_ns;
}

static int write_steps(struct tracer *t)
{
	int rc = 0;
	begin_generation(t, first_time(t));
	while (t->heap_n && !rc) {
		struct heap_item *first = t->heap;
		uint32_t thread = first->thread;
		if (first->time_ns >= t->generation_ns + GENERATION_NS) {
			rc = end_generation(t);
			begin_generation(t, first->time_ns);
		}
		if (step(t, thread))
			first->time_ns = step_time(t, &t->tracks[thread]);
		else
			*first = t->heap[--t->heap_n];
		if (t->heap_n)
			sift_down(t->heap, t->heap_n, 0);
	}
	return rc ? rc : end_generation(t);
}

static void release(struct tracer *t)
{
	gotrace_writer_free(t->writer);
	wakers_release(&t->wakers);
	tracer_stacks_release(&t->stacks);
	map_release(&t->on_m);
	for (uint32_t i = 0; i < t->trace->thread_n; i++)
		mem_free(t->tracks[i].regions);
	mem_free(t->tracks);
	mem_free(t->processors);
	mem_free(t->idle);
	mem_free(t->heap);
}

bool tracer_is_format(const char *format)
{
	return gotrace_version_parse(format) != 0;
}

int tracer_write(const struct profile *p, struct export_trace *trace, const char *format,
	struct sink *sink, struct tracer_summary *ret, struct err *err)
{
	struct tracer t = {.p = p, .trace = trace, .version = gotrace_version_parse(format)};
	t.writer = gotrace_writer_new(t.version, sink);
	if (!t.writer)
		return err_set(err, ERR_UNSUPPORTED,
			"%s: execution traces are written as of Go 1.22, 1.23, 1.25 or 1.26",
			format);
	drop_told_twice(trace);
	extend_caught(trace);
	wakers_find(&t.wakers, trace);
	tracer_stacks_init(&t.stacks, p, t.writer);
	t.tracks = mem_array(trace->thread_n + 1, sizeof(*t.tracks));
	map_init(&t.on_m);
	for (uint32_t i = 0; i < trace->thread_n; i++)
		place(&t, i);
	fill_heap(&t);
	int rc = write_steps(&t);
	*ret = (struct tracer_summary){.events = trace->event_n,
		.threads = trace->thread_n,
		.wakers = t.wakers.n,
		.lost = trace->lost,
		.duration_ns = trace->end_ns - trace->begin_ns};
	release(&t);
	return rc ? err_set(err, rc, "writing the execution trace failed") : 0;
}

int tracer_export(const struct export_source *source, const struct symbolize_opts *symbolize,
	const char *format, struct sink *sink, struct tracer_summary *ret, struct err *err)
{
	struct export_trace trace = EXPORT_TRACE_INIT;
	struct export_opts opts = {.view = export_trace_view(), .live = true, .trace = &trace};
	struct export_summary sum;
	struct profile p;
	int rc = export_profile(source, 1, &opts, &p, &sum, err);
	if (rc)
		return rc;
	if (sum.declined[0])
		rc = err_set(err, ERR_UNSUPPORTED, "%s was not traced: %s",
			sum.exe[0] ? sum.exe : "the program", sum.declined);
	if (!rc)
		rc = symbolize_profile(&p, symbolize, err);
	if (!rc)
		rc = tracer_write(&p, &trace, format, sink, ret, err);
	profile_release(&p);
	export_trace_release(&trace);
	return rc;
}
