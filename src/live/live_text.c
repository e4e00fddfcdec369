/*
 * Profiles as text, the forms of runtime/pprof with debug=1.
 *
 * Heap profiles carry estimates here, not the samples that Go prints; the rate in their first line
 * is therefore 1 ("heap/2": legacy readers halve it), at which nobody scales them again.
 */
#include "live/live.h"

#include <string.h>

static void add_frames(const struct profile *p, uint32_t location, struct buf *out)
{
	const struct location *l = &p->locations[location];
	const struct line *lines = p->lines + l->line_first;
	if (!l->line_n)
		buf_printf(out, "#\t%#llx\n", (unsigned long long)l->address);
	for (uint32_t i = 0; i < l->line_n; i++) {
		if (lines[i].function == PROFILE_NONE)
			continue;
		const struct function *f = &p->functions[lines[i].function];
		buf_printf(out, "#\t%#llx\t%s", (unsigned long long)l->address,
			profile_str(p, f->name));
		if (*profile_str(p, f->filename))
			buf_printf(out, "\t%s:%lld", profile_str(p, f->filename),
				(long long)lines[i].line);
		buf_addch(out, '\n');
	}
}

void live_labels(const struct profile *p, uint32_t sample, struct buf *out)
{
	uint32_t n;
	const struct label *labels = profile_labels(p, sample, &n);
	buf_addch(out, '{');
	for (uint32_t i = 0; i < n; i++) {
		const char *key = profile_str(p, labels[i].key);
		const char *value = profile_str(p, labels[i].str);
		buf_addstr(out, i ? ", " : "");
		json_string(out, key, strlen(key));
		buf_addstr(out, ": ");
		json_string(out, value, strlen(value));
	}
	buf_addch(out, '}');
}

/* Go shows those of goroutines, in a line of their own; heap profiles have numbers (of bytes)
 * for labels, which the line of values says already. */
static void add_labels(
	const struct profile *p, const struct export_view *view, uint32_t sample, struct buf *out)
{
	uint32_t n;
	profile_labels(p, sample, &n);
	if (!n || view->kind == RECORDING_HEAP)
		return;
	buf_addstr(out, "# labels: ");
	live_labels(p, sample, out);
	buf_addch(out, '\n');
}

static void add_sample(const struct profile *p, const struct export_view *view, uint32_t i,
	struct stack *room, struct buf *out)
{
	const uint32_t *stack = profile_stack(p, i, room);
	buf_addstr(out, " @");
	for (uint32_t at = 0; at < room->n; at++)
		buf_printf(out, " %#llx", (unsigned long long)p->locations[stack[at]].address + 1);
	buf_addch(out, '\n');
	add_labels(p, view, i, out);
	for (uint32_t at = 0; at < room->n; at++)
		add_frames(p, stack[at], out);
	buf_addch(out, '\n');
}

static void add_up(const struct profile *p, int64_t *sums)
{
	for (uint32_t i = 0; i < p->sample_n; i++)
		for (uint32_t v = 0; v < p->sample_type_n && v < EXPORT_TYPES_MAX; v++)
			sums[v] += profile_values(p, i)[v];
}

/* Values: alloc objects, alloc bytes, in use objects, in use bytes. Of leaks there are only the
 * two that are in use. */
static void heap_line(const struct export_view *view, const int64_t *all, struct buf *out)
{
	const int64_t v[4] = {all[0], all[1], all[view->type_n - 2], all[view->type_n - 1]};
	buf_printf(out, "%lld: %lld [%lld: %lld]", (long long)v[2], (long long)v[3],
		(long long)v[0], (long long)v[1]);
}

static void add_value(const struct export_view *view, const int64_t *v, struct buf *out)
{
	if (view->kind == RECORDING_HEAP)
		heap_line(view, v, out);
	else if (view->kind == RECORDING_BLOCK || view->kind == RECORDING_MUTEX)
		buf_printf(out, "%lld %lld", (long long)v[1], (long long)v[0]);
	else
		buf_printf(out, "%lld", (long long)v[0]);
}

static void add_heading(const struct profile *p, const struct export_view *view, struct buf *out)
{
	int64_t sums[EXPORT_TYPES_MAX] = {0};
	add_up(p, sums);
	if (view->kind == RECORDING_HEAP) {
		buf_addstr(out, "heap profile: ");
		heap_line(view, sums, out);
		buf_addstr(out, " @ heap/2\n");
	} else if (view->kind == RECORDING_BLOCK || view->kind == RECORDING_MUTEX) {
		buf_printf(out, "--- %s:\ncycles/second=1000000000\n",
			view->kind == RECORDING_BLOCK ? "contention" : "mutex");
	} else {
		buf_printf(out, "%s profile: total %lld\n", view->name, (long long)sums[0]);
	}
}

/* What a reader of the text must not miss. */
static void add_deadlocks(const struct profile *p, struct buf *out)
{
	for (uint32_t i = 0; i < p->comment_n; i++) {
		const char *comment = profile_str(p, p->comments[i]);
		if (strncmp(comment, "deadlock: ", 10) == 0)
			buf_printf(out, "# %s\n", comment);
	}
}

void live_text(const struct profile *p, const struct export_view *view, struct buf *out)
{
	struct stack room = {0};
	add_heading(p, view, out);
	add_deadlocks(p, out);
	for (uint32_t i = 0; i < p->sample_n; i++) {
		add_value(view, profile_values(p, i), out);
		add_sample(p, view, i, &room, out);
	}
	stack_release(&room);
}
