/*
 * The text of `perf script`: an event a paragraph. Its first line is "comm pid/tid [cpu] time:
 * period event:", of which pid/tid, cpu, time and period may be missing; the stack follows, leaf
 * first, "address symbol+0xoffset (object)", or stands on the same line where none was recorded. A
 * symbol with "(inlined)" belongs to the frame after it.
 */
#include "pprof/perf.h"
#include "pprof/readers.h"
#include "pprof/stacks.h"

#define EVENT                                                                     \
	"^(\\S.*?)\\s+(\\d+)(?:/(\\d+))?\\s+(?:\\[\\d+\\]\\s+)?(?:[\\d.]+:\\s+)?" \
	"(?:(\\d+)\\s+)?(\\S+):(?:\\s+([0-9a-f]+\\s.*))?\\s*$"
#define FRAME	    "^\\s*([0-9a-f]+)\\s+(.+?)\\s+\\((.*)\\)\\s*$"
#define OFFSET	    "\\+0x[0-9a-f]+$"
#define SNIFF_LINES 20
#define EVENTS_MAX  PERF_EVENTS_MAX
#define INLINED_MAX 128

struct script {
	struct stacks s;
	struct lines lines;
	struct regex *event, *frame, *offset;
	char *events[EVENTS_MAX];
	uint32_t event_n;
	struct line inlined[INLINED_MAX]; /* waiting for their frame */
	uint32_t inlined_n;
	struct err *err;
};

static struct text group(struct regex_group g)
{
	return (struct text){g.s, g.n};
}

static int compile(struct script *s)
{
	int rc = regex_compile_bytes(&s->event, EVENT, s->err);
	if (rc >= 0)
		rc = regex_compile_bytes(&s->frame, FRAME, s->err);
	if (rc >= 0)
		rc = regex_compile_bytes(&s->offset, OFFSET, s->err);
	return rc;
}

static void release(struct script *s)
{
	regex_free(s->event);
	regex_free(s->frame);
	regex_free(s->offset);
	for (uint32_t i = 0; i < s->event_n; i++)
		mem_free(s->events[i]);
}

static bool skips(struct text line)
{
	return !line.n || *line.s == '#';
}

bool perf_script_is(const void *data, size_t n)
{
	struct script s = {.lines = lines_of(data, n)};
	bool found = false;
	if (compile(&s) >= 0)
		for (int i = 0; i < SNIFF_LINES && !found && lines_next(&s.lines);) {
			if (skips(s.lines.line))
				continue;
			i++;
			/* Folded stacks never end in a colon; the first line decides. */
			found = regex_match(s.event, s.lines.line.s, s.lines.line.n) > 0;
			break;
		}
	release(&s);
	return found;
}

static bool is_event(struct script *s, struct regex_group *g)
{
	struct text line = s->lines.line;
	return !skips(line) && !text_is_space(*line.s) &&
	       regex_groups(s->event, line.s, line.n, g, 7) > 0;
}

static uint32_t find_event(const struct script *s, struct text name)
{
	uint32_t i = 0;
	while (i < s->event_n && !text_is(name, s->events[i]))
		i++;
	return i;
}

/* The sample types are the events, which must be known before the first sample. */
static int find_events(struct script *s)
{
	const struct lines from = s->lines;
	struct regex_group g[7];
	while (lines_next(&s->lines)) {
		if (!is_event(s, g))
			continue;
		struct text name = perf_event_name(group(g[5]));
		uint32_t i = find_event(s, name);
		if (i == EVENTS_MAX)
			return err_line(s->err, ERR_LIMIT, s->lines.number,
				"perf script: more than %d kinds of events", EVENTS_MAX);
		if (i == s->event_n)
			s->events[s->event_n++] = mem_strndup(name.s, name.n);
	}
	s->lines = from;
	return 0;
}

static struct text without_offset(struct script *s, struct text symbol)
{
	size_t from, to;
	if (regex_find(s->offset, symbol.s, symbol.n, 0, &from, &to) > 0)
		symbol.n = from;
	return symbol;
}

static void read_frame(struct script *s, struct text line)
{
	struct regex_group g[4];
	uint64_t address;
	const char *why;
	if (regex_groups(s->frame, line.s, line.n, g, 4) <= 0 ||
		!text_u64(group(g[1]), 16, &address, &why))
		return; /* a source line, or whatever -F was asked for */
	struct text symbol = without_offset(s, group(g[2])), object = group(g[3]);
	bool known = !text_is(symbol, "[unknown]");
	if (s->inlined_n == INLINED_MAX)
		s->inlined_n--;
	if (known)
		s->inlined[s->inlined_n++] =
			(struct line){.function = stacks_function(&s->s, symbol, (struct text){0})};
	if (text_is(object, "inlined"))
		return;
	if (text_is(object, "[unknown]"))
		object.n = 0;
	stacks_push(&s->s, stacks_mapping(&s->s, object), address, s->inlined, s->inlined_n);
	s->inlined_n = 0;
}

static struct label num_label(struct profile *p, const char *key, struct text value)
{
	struct label l = {.key = strtab_addstr(&p->strings, key), .is_num = true};
	const char *why;
	if (!text_i64(value, 10, &l.num, &why))
		l.num = 0;
	return l;
}

static void read_event(struct script *s, const struct regex_group *g)
{
	struct profile *p = s->s.p;
	struct text comm = group(g[1]), name = perf_event_name(group(g[5]));
	uint32_t event = find_event(s, name);
	int64_t values[2 * EVENTS_MAX] = {0}, period = 1;
	const char *why;
	if (g[4].n && !text_i64(group(g[4]), 10, &period, &why))
		period = 1;
	values[2 * event] = 1;
	values[2 * event + 1] = period;
	struct label labels[3] = {{.key = strtab_addstr(&p->strings, "comm"),
					  .str = strtab_add(&p->strings, comm.s, comm.n)},
		num_label(p, "pid", group(g[2])), num_label(p, "tid", group(g[g[3].n ? 3 : 2]))};
	if (g[6].n)
		read_frame(s, group(g[6]));
	else
		while (lines_next(&s->lines) && text_trim(s->lines.line).n)
			read_frame(s, s->lines.line);
	s->inlined_n = 0;
	stacks_sample(&s->s, false, values, labels, array_len(labels));
}

int perf_script_parse(struct profile *p, const void *data, size_t n, struct err *err)
{
	struct script s = {.lines = lines_of(data, n), .err = err};
	struct regex_group g[7];
	stacks_init(&s.s, p);
	int rc = compile(&s);
	if (rc >= 0)
		rc = find_events(&s);
	if (rc >= 0 && !s.event_n)
		rc = err_set(err, ERR_FORMAT, "perf script: no events");
	if (rc >= 0) {
		perf_event_types(p, s.events, s.event_n);
		while (lines_next(&s.lines))
			if (is_event(&s, g))
				read_event(&s, g);
	}
	release(&s);
	stacks_release(&s.s);
	return rc;
}
