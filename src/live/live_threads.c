/*
 * The threads of a snapshot one by one.
 *
 * As text they have the form of a Go program's dump (runtime/traceback.go, debug=2), so that what
 * parses those parses these: a thread is a goroutine by the number of the thread, and what it waits
 * for is said in Go's words where Go has one. C's frames come without arguments, as Go's inlined
 * ones do. What Go's form has no place for stands in lines that begin with "#", before all threads:
 * parsers skip what comes before the first, and stop at what they do not know behind it. JSON has
 * all of it; docs/http.md has its members.
 */
#include "live/live.h"

#include <inttypes.h>
#include <string.h>

#define MINUTE_NS 60000000000u

/* Go's reasons (runtime/runtime2.go, waitReasonStrings), or ours. */
static const char *reason(unsigned wait)
{
	static const char *const reasons[WAIT_KINDS] = {
		[WAIT_NONE] = "running",
		[WAIT_MUTEX] = "sync.Mutex.Lock",
		[WAIT_RWLOCK_READ] = "sync.RWMutex.RLock",
		[WAIT_RWLOCK_WRITE] = "sync.RWMutex.Lock",
		[WAIT_COND] = "sync.Cond.Wait",
		[WAIT_SEM] = "semacquire",
		[WAIT_SLEEP] = "sleep",
		[WAIT_POLL] = "select",
		[WAIT_READ] = "IO wait",
		[WAIT_WRITE] = "IO wait",
		[WAIT_RECV] = "IO wait",
		[WAIT_SEND] = "IO wait",
		[WAIT_ACCEPT] = "IO wait",
		[WAIT_CONNECT] = "IO wait",
	};
	return wait < WAIT_KINDS && reasons[wait] ? reasons[wait] : wait_kind_name(wait);
}

/* --- frames, one a line of a location --- */

struct frame {
	const char *function, *file, *module; /* "" where not known */
	int64_t line;
	uint64_t address;
};

typedef void frame_fn(void *ctx, const struct frame *f);

static void each_line(const struct profile *p, const struct location *l, frame_fn *each, void *ctx)
{
	struct frame f = {.function = "", .file = "", .module = "", .address = l->address};
	if (l->mapping != PROFILE_NONE)
		f.module = profile_str(p, p->mappings[l->mapping].file);
	if (!l->line_n)
		each(ctx, &f);
	for (uint32_t i = 0; i < l->line_n; i++) {
		const struct line *line = &p->lines[l->line_first + i];
		const struct function *fn =
			line->function == PROFILE_NONE ? NULL : &p->functions[line->function];
		f.function = fn ? profile_str(p, fn->name) : "";
		f.file = fn ? profile_str(p, fn->filename) : "";
		f.line = line->line;
		each(ctx, &f);
	}
}

static void each_frame(const struct profile *p, uint32_t sample, frame_fn *each, void *ctx)
{
	struct stack room = {0};
	const uint32_t *stack = profile_stack(p, sample, &room);
	for (uint32_t i = 0; i < room.n; i++)
		each_line(p, &p->locations[stack[i]], each, ctx);
	stack_release(&room);
}

/* --- who waits for whom --- */

static void add_thread(const struct export_thread *t, struct buf *out)
{
	buf_printf(out, "thread %d", t->tid);
	if (*t->name) {
		buf_addstr(out, " ");
		json_string(out, t->name, strlen(t->name));
	}
}

static uint32_t first_of(const struct export_threads *threads, uint32_t cycle)
{
	uint32_t i = 0;
	while (threads->of[i].cycle != cycle)
		i++;
	return i;
}

static void add_cycle(const struct export_threads *threads, uint32_t first, struct buf *out)
{
	const struct export_thread *t = &threads->of[first];
	buf_addstr(out, "# deadlock: ");
	add_thread(t, out);
	do {
		buf_printf(out, "%s waits for %s %#" PRIx64 " of ",
			t == &threads->of[first] ? "" : ", which", wait_kind_name(t->wait),
			t->object);
		t = &threads->of[t->next];
		add_thread(t, out);
	} while (t != &threads->of[first]);
	buf_addch(out, '\n');
}

static void add_cycles(const struct export_threads *threads, struct buf *out)
{
	for (uint32_t cycle = 1; cycle <= threads->cycles; cycle++)
		add_cycle(threads, first_of(threads, cycle), out);
}

static void comment_cycles(const struct export_threads *threads, struct profile *p)
{
	struct buf text = BUF_INIT;
	for (uint32_t cycle = 1; cycle <= threads->cycles; cycle++) {
		buf_clear(&text);
		add_cycle(threads, first_of(threads, cycle), &text);
		export_comment(p, "%.*s", (int)(text.len - sizeof("# \n") + 1), text.data + 2);
	}
	buf_release(&text);
}

void live_threads_comment(const struct export_source *source, struct profile *p)
{
	struct export_threads threads = EXPORT_THREADS_INIT;
	const struct export_opts opts = {
		.view = export_view("goroutine"), .live = true, .threads = &threads};
	struct err err = ERR_INIT;
	struct profile each;
	if (export_profile(source, 1, &opts, &each, NULL, &err) == 0) {
		if (threads.cycles)
			export_threads_name(
				&threads, (int)((const struct recording *)source->data)->pid);
		comment_cycles(&threads, p);
		profile_release(&each);
	}
	export_threads_release(&threads);
}

/* --- text --- */

static bool has_labels(const struct profile *p, uint32_t sample)
{
	uint32_t n;
	return profile_labels(p, sample, &n) && n;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static void add_name(const struct frame *f, struct buf *out)
{
	if (*f->function)
		buf_addstr(out, f->function);
	else if (*f->module)
		buf_printf(out, "%s:%#" PRIx64, base_of(f->module), f->address);
	else
		buf_printf(out, "%#" PRIx64, f->address);
}

static void add_place(const struct frame *f, struct buf *out)
{
	buf_printf(out, "\n\t%s:%" PRId64 "\n", *f->file ? f->file : "??", f->line);
}

static void add_text_frame(void *ctx, const struct frame *f)
{
	struct buf *out = ctx;
	add_name(f, out);
	buf_addstr(out, "(...)");
	add_place(f, out);
}

struct creation {
	struct buf *out;
	int creator;
	bool done;
};

/* The innermost one called pthread_create. */
static void add_creation(void *ctx, const struct frame *f)
{
	struct creation *c = ctx;
	if (c->done)
		return;
	c->done = true;
	buf_addstr(c->out, "created by ");
	add_name(f, c->out);
	if (c->creator)
		buf_printf(c->out, " in goroutine %d", c->creator);
	add_place(f, c->out);
}

/* What Go's heading has no place for. */
static void add_facts(const struct profile *p, const struct export_thread *t, struct buf *out)
{
	buf_addstr(out, "# ");
	add_thread(t, out);
	if (t->age_ns)
		buf_printf(out, ", %.3fs old", (double)t->age_ns / 1e9);
	if (*wait_kind_name(t->wait))
		buf_printf(out, ": %s", wait_kind_name(t->wait));
	if (t->waited_ns)
		buf_printf(out, " for %.3fs", (double)t->waited_ns / 1e9);
	if (t->fd >= 0)
		buf_printf(out, ", fd %d", t->fd);
	if (t->object)
		buf_printf(out, ", object %#" PRIx64, t->object);
	if (t->owner)
		buf_printf(out, t->wait == WAIT_JOIN ? ", thread %d" : ", held by thread %d",
			t->owner);
	if (has_labels(p, t->sample)) {
		buf_addstr(out, "; labels ");
		live_labels(p, t->sample, out);
	}
	buf_addch(out, '\n');
}

void live_threads_text(
	const struct profile *p, const struct export_threads *threads, struct buf *out)
{
	add_cycles(threads, out);
	for (uint32_t i = 0; i < threads->n; i++)
		add_facts(p, &threads->of[i], out);
	for (uint32_t i = 0; i < threads->n; i++) {
		const struct export_thread *t = &threads->of[i];
		struct creation creation = {out, t->creator, false};
		buf_printf(out, "\ngoroutine %d [%s", t->tid, reason(t->wait));
		if (t->waited_ns >= MINUTE_NS)
			buf_printf(out, ", %" PRIu64 " minutes", t->waited_ns / MINUTE_NS);
		buf_addstr(out, "]:\n");
		each_frame(p, t->sample, add_text_frame, out);
		if (t->created != PROFILE_NONE)
			each_frame(p, t->created, add_creation, &creation);
	}
}

/* --- JSON --- */

static void add_string(const char *key, const char *value, struct buf *out)
{
	buf_printf(out, ",\"%s\":", key);
	json_string(out, value, strlen(value));
}

struct json_frames {
	struct buf *out;
	bool any;
};

static void add_json_frame(void *ctx, const struct frame *f)
{
	struct json_frames *frames = ctx;
	buf_printf(
		frames->out, "%s{\"address\":\"%#" PRIx64 "\"", frames->any ? "," : "", f->address);
	frames->any = true;
	if (*f->function)
		add_string("function", f->function, frames->out);
	if (*f->file) {
		add_string("file", f->file, frames->out);
		buf_printf(frames->out, ",\"line\":%" PRId64, f->line);
	}
	if (*f->module)
		add_string("module", f->module, frames->out);
	buf_addch(frames->out, '}');
}

static void add_json_frames(const struct profile *p, uint32_t sample, struct buf *out)
{
	struct json_frames frames = {out, false};
	buf_addstr(out, ",\"frames\":[");
	each_frame(p, sample, add_json_frame, &frames);
	buf_addch(out, ']');
}

static void add_wait(const struct export_thread *t, struct buf *out)
{
	buf_addstr(out, ",\"wait\":{\"for\":");
	json_string(out, wait_kind_name(t->wait), strlen(wait_kind_name(t->wait)));
	if (t->waited_ns)
		buf_printf(out, ",\"seconds\":%.9f", (double)t->waited_ns / 1e9);
	if (t->fd >= 0)
		buf_printf(out, ",\"fd\":%d", t->fd);
	if (t->object)
		buf_printf(out, ",\"object\":\"%#" PRIx64 "\"", t->object);
	if (t->owner)
		buf_printf(out, ",\"owner\":%d", t->owner);
	buf_addch(out, '}');
}

static void add_json_thread(const struct profile *p, const struct export_thread *t, struct buf *out)
{
	buf_printf(out, "{\"id\":%d", t->tid);
	add_string("name", t->name, out);
	add_string("state",
		t->wait == WAIT_NONE	  ? "running"
		: t->wait == WAIT_SYSCALL ? "syscall"
					  : "waiting",
		out);
	if (t->age_ns)
		buf_printf(out, ",\"age_seconds\":%.9f", (double)t->age_ns / 1e9);
	if (t->wait != WAIT_NONE && t->wait != WAIT_SYSCALL)
		add_wait(t, out);
	if (t->cycle)
		buf_printf(out, ",\"deadlock\":%u", t->cycle);
	buf_addstr(out, ",\"labels\":");
	live_labels(p, t->sample, out);
	add_json_frames(p, t->sample, out);
	if (t->created != PROFILE_NONE) {
		buf_printf(out, ",\"created_by\":{\"id\":%d", t->creator);
		add_json_frames(p, t->created, out);
		buf_addch(out, '}');
	}
	buf_addch(out, '}');
}

/* The threads of a cycle in the order in which each waits for the next. */
static void add_json_cycle(const struct export_threads *threads, uint32_t first, struct buf *out)
{
	uint32_t at = first;
	buf_addch(out, '[');
	do {
		buf_printf(out, "%s%d", at == first ? "" : ",", threads->of[at].tid);
		at = threads->of[at].next;
	} while (at != first);
	buf_addch(out, ']');
}

static void add_json_cycles(const struct export_threads *threads, struct buf *out)
{
	for (uint32_t cycle = 1; cycle <= threads->cycles; cycle++) {
		buf_addstr(out, cycle > 1 ? "," : "");
		add_json_cycle(threads, first_of(threads, cycle), out);
	}
}

void live_threads_json(const struct profile *p, const struct export_threads *threads,
	const struct recording *rec, struct buf *out)
{
	buf_printf(out, "{\"pid\":%u", rec->pid);
	add_string("program", rec->exe, out);
	buf_printf(
		out, ",\"silent\":%u,\"deadlocks\":[", recording_called(rec, RECORDING_GOROUTINE));
	add_json_cycles(threads, out);
	buf_addstr(out, "],\"threads\":[\n");
	for (uint32_t i = 0; i < threads->n; i++) {
		buf_addstr(out, i ? ",\n" : "");
		add_json_thread(p, &threads->of[i], out);
	}
	buf_addstr(out, "\n]}\n");
}
