/*
 * Folded stacks: a line a stack, "root;caller;leaf 12", as stackcollapse-*.pl, bpftrace's and
 * async-profiler's collapsed output have it. Empty lines and lines that begin with "#" are skipped.
 */
#include "pprof/readers.h"
#include "pprof/stacks.h"

#define SNIFF_LINES 20

/* "stack count"; the count is after the last space, so names may have spaces. */
static bool split(struct text line, struct text *ret_stack, int64_t *ret_count)
{
	const char *why;
	line = text_trim(line);
	const char *space = line.n ? memrchr(line.s, ' ', line.n) : NULL;
	if (!space)
		return false;
	struct text number = {space + 1, (size_t)(line.s + line.n - space - 1)};
	*ret_stack = text_trim((struct text){line.s, (size_t)(space - line.s)});
	return ret_stack->n && text_i64(number, 10, ret_count, &why);
}

static bool skips(struct text line)
{
	line = text_trim(line);
	return !line.n || *line.s == '#';
}

bool folded_is(const void *data, size_t n)
{
	struct lines lines = lines_of(data, n);
	int seen = 0;
	while (seen < SNIFF_LINES && lines_next(&lines)) {
		struct text stack;
		int64_t count;
		if (skips(lines.line))
			continue;
		if (memchr(lines.line.s, '\0', lines.line.n) || !split(lines.line, &stack, &count))
			return false;
		seen++;
	}
	return seen > 0;
}

static void push_frames(struct stacks *s, struct text stack)
{
	while (stack.n) {
		struct text name = text_cut(&stack, ';');
		if (!name.n)
			continue;
		struct line line = {.function = stacks_function(s, name, (struct text){0})};
		stacks_push(s, PROFILE_NONE, 0, &line, 1);
	}
}

int folded_parse(struct profile *p, const void *data, size_t n, struct err *err)
{
	struct stacks s;
	struct lines lines = lines_of(data, n);
	int rc = 0;
	stacks_init(&s, p);
	profile_add_sample_type(p, "samples", "count");
	p->period_type = p->sample_types[0];
	p->period = 1;
	while (rc >= 0 && lines_next(&lines)) {
		struct text stack;
		int64_t count;
		if (skips(lines.line))
			continue;
		if (!split(lines.line, &stack, &count)) {
			rc = err_line(err, ERR_FORMAT, lines.number,
				"folded stacks: no \"stack count\": %.*s", TEXT_ARGS(lines.line));
			break;
		}
		push_frames(&s, stack);
		stacks_sample(&s, true, &count, NULL, 0);
	}
	stacks_release(&s);
	return rc;
}
