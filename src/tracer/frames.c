/*
 * Stacks as Go's tools want them. They name a goroutine by its root frame, so what libc and
 * libsonde do to start a thread is cut; and they keep functions and lines by pc, so each inlined
 * frame gets a pc of its own. Every frame has a file and a line, as Go's validator wants it: where
 * the line is not known, the module's first.
 */
#include "tracer/internal.h"

#define INLINE_SHIFT 48 /* user addresses are below */
#define START_FRAMES 4	/* that start a program or thread, at most */

void tracer_stacks_init(
	struct tracer_stacks *s, const struct profile *p, struct gotrace_writer *writer)
{
	*s = (struct tracer_stacks){.p = p, .writer = writer};
	s->ids = mem_zalloc((p->sample_n + 1) * sizeof(*s->ids));
	s->roots = mem_zalloc((p->sample_n + 1) * sizeof(*s->roots));
}

void tracer_stacks_release(struct tracer_stacks *s)
{
	mem_free(s->ids);
	mem_free(s->roots);
}

void tracer_stacks_forget(struct tracer_stacks *s)
{
	memset(s->ids, 0, s->p->sample_n * sizeof(*s->ids));
	memset(s->roots, 0, s->p->sample_n * sizeof(*s->roots));
}

static const char *outermost(const struct profile *p, const struct location *l)
{
	uint32_t f = l->line_n ? p->lines[l->line_first + l->line_n - 1].function : PROFILE_NONE;
	return f == PROFILE_NONE ? "" : profile_str(p, p->functions[f].system_name);
}

static bool is_of_file(const struct profile *p, const struct location *l, const char *prefix)
{
	const char *file =
		l->mapping == PROFILE_NONE ? "" : profile_str(p, p->mappings[l->mapping].file);
	const char *slash = strrchr(file, '/');
	return strncmp(slash ? slash + 1 : file, prefix, strlen(prefix)) == 0;
}

static bool is_start(const struct profile *p, const struct location *l)
{
	static const char *const names[] = {"_start", "__libc_start_main", "__libc_start_main_impl",
		"__libc_start_call_main", "start_thread", "clone", "clone3", "__clone", "__clone3",
		"thread_start"};
	const char *name = outermost(p, l);
	for (size_t i = 0; i < array_len(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* What is left of a start once its named functions are cut: a stripped libc's own have no names. */
static bool is_of_start(const struct profile *p, const struct location *l)
{
	return is_of_file(p, l, "libsonde.so") ||
	       (!*outermost(p, l) && is_of_file(p, l, "libc.so"));
}

/* Never all of them. A stripped program's _start has no name either, but calls one that has. */
static uint32_t without_start(const struct profile *p, const uint32_t *locations, uint32_t n)
{
	uint32_t left = n;
	for (uint32_t out = 1; out <= START_FRAMES && out <= n; out++)
		if (is_start(p, &p->locations[locations[n - out]]))
			left = n - out;
	while (left && is_of_start(p, &p->locations[locations[left - 1]]))
		left--;
	return left ? left : n;
}

bool tracer_is_of_main(const struct profile *p, uint32_t sample)
{
	struct stack room = {0};
	const uint32_t *at = profile_stack(p, sample, &room);
	uint32_t n = without_start(p, at, room.n);
	bool is = n && strcmp(outermost(p, &p->locations[at[n - 1]]), "main") == 0;
	stack_release(&room);
	return is;
}

/* --- frames --- */

struct frames_out {
	struct gotrace_write_frame of[GOTRACE_FRAMES_MAX];
	uint32_t n;
};

static uint64_t string(struct tracer_stacks *s, uint32_t id)
{
	return gotrace_write_string(
		s->writer, profile_str(s->p, id), strtab_len(&s->p->strings, id));
}

static uint64_t module(struct tracer_stacks *s, const struct location *l)
{
	const char *unknown = "?";
	return l->mapping == PROFILE_NONE
		       ? gotrace_write_string(s->writer, unknown, strlen(unknown))
		       : string(s, s->p->mappings[l->mapping].file);
}

static struct gotrace_write_frame nameless(struct tracer_stacks *s, const struct location *l)
{
	char name[32];
	int n = snprintf(name, sizeof(name), "%#llx", (unsigned long long)l->address);
	return (struct gotrace_write_frame){.pc = l->address,
		.function = gotrace_write_string(s->writer, name, (size_t)n),
		.file = module(s, l),
		.line = 1};
}

/* The i-th of a location's lines, innermost first. A function may be known and have no name: what a
 * signal handler returns to has none. */
static struct gotrace_write_frame frame_of(
	struct tracer_stacks *s, const struct location *l, uint32_t i)
{
	const struct line *line = l->line_n ? &s->p->lines[l->line_first + i] : NULL;
	const struct function *f =
		line && line->function != PROFILE_NONE ? &s->p->functions[line->function] : NULL;
	if (!f || !f->name)
		return nameless(s, l);
	bool known = f->filename && line->line > 0;
	return (struct gotrace_write_frame){.pc = l->address | (uint64_t)i << INLINE_SHIFT,
		.function = string(s, f->name),
		.file = known ? string(s, f->filename) : module(s, l),
		.line = known ? (uint64_t)line->line : 1};
}

static uint32_t lines_of(const struct location *l)
{
	return l->line_n ? l->line_n : 1;
}

/* Of too deep a stack the innermost, and the root. */
static void add(struct frames_out *out, struct gotrace_write_frame frame)
{
	if (out->n < GOTRACE_FRAMES_MAX)
		out->of[out->n++] = frame;
	else
		out->of[GOTRACE_FRAMES_MAX - 1] = frame;
}

static uint32_t locations_of(
	const struct tracer_stacks *s, uint32_t sample, struct stack *room, const uint32_t **ret)
{
	*ret = profile_stack(s->p, sample, room);
	return without_start(s->p, *ret, (uint32_t)room->n);
}

uint64_t tracer_stack_id(struct tracer_stacks *s, uint32_t sample)
{
	const uint32_t *at;
	struct stack room = {0};
	struct frames_out out = {.n = 0};
	if (sample == PROFILE_NONE || s->ids[sample])
		return sample == PROFILE_NONE ? 0 : s->ids[sample];
	uint32_t n = locations_of(s, sample, &room, &at);
	for (uint32_t i = 0; i < n; i++) {
		const struct location *l = &s->p->locations[at[i]];
		for (uint32_t line = 0; line < lines_of(l); line++)
			add(&out, frame_of(s, l, line));
	}
	stack_release(&room);
	return s->ids[sample] = gotrace_write_stack(s->writer, out.of, out.n);
}

uint64_t tracer_root_id(struct tracer_stacks *s, uint32_t sample)
{
	const uint32_t *at;
	struct stack room = {0};
	if (sample == PROFILE_NONE || s->roots[sample])
		return sample == PROFILE_NONE ? 0 : s->roots[sample];
	uint32_t n = locations_of(s, sample, &room, &at);
	if (n) {
		const struct location *l = &s->p->locations[at[n - 1]];
		struct gotrace_write_frame root = frame_of(s, l, lines_of(l) - 1);
		s->roots[sample] = gotrace_write_stack(s->writer, &root, 1);
	}
	stack_release(&room);
	return s->roots[sample];
}
