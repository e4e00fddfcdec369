/*
 * Folded stacks and speedscope's JSON.
 */
#include "pprof/internal.h"

#include <stdlib.h>

#define FLUSH_AT (64u * 1024)

struct out {
	struct sink *sink;
	struct buf buf;
	int rc;
};

static void flush(struct out *o, size_t at_least)
{
	if (o->buf.len < at_least || !o->buf.len)
		return;
	if (o->rc >= 0)
		o->rc = o->sink->write(o->sink, o->buf.data, o->buf.len);
	buf_clear(&o->buf);
}

static int finish(struct out *o)
{
	flush(o, 0);
	buf_release(&o->buf);
	return o->rc < 0 ? o->rc : 0;
}

/* --- folded --- */

static void put_name(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addch(out, s[i] == ';' ? ':' : s[i] == '\n' || s[i] == '\r' ? ' ' : s[i]);
}

static void put_function(const struct profile *p, const struct line *line, struct buf *out)
{
	uint32_t name = line->function == PROFILE_NONE ? 0 : p->functions[line->function].name;
	if (name)
		put_name(out, profile_str(p, name), strtab_len(&p->strings, name));
	else
		buf_addstr(out, "??");
}

static void put_frame(const struct profile *p, const struct location *l, struct buf *out)
{
	if (!l->line_n)
		buf_printf(out, "0x%llx", (unsigned long long)l->address);
	for (uint32_t i = l->line_n; i-- > 0;) {
		put_function(p, &p->lines[l->line_first + i], out);
		if (i)
			buf_addch(out, ';');
	}
}

struct fold {
	struct strtab stacks; /* the texts */
	int64_t *totals;      /* by id */
	uint32_t total_n, total_cap;
	struct stack stack; /* the sample's */
};

static void fold_sample(
	struct fold *f, const struct profile *p, uint32_t sample, int64_t value, struct buf *text)
{
	const uint32_t *stack = profile_stack(p, sample, &f->stack);
	buf_clear(text);
	for (uint32_t i = f->stack.n; i-- > 0;) {
		put_frame(p, &p->locations[stack[i]], text);
		if (i)
			buf_addch(text, ';');
	}
	uint32_t id = strtab_add(&f->stacks, text->data, text->len);
	while (f->total_n <= id)
		vec_push(f->totals, f->total_n, f->total_cap, 0);
	f->totals[id] = (int64_t)((uint64_t)f->totals[id] + (uint64_t)value);
}

static int by_text(const void *a, const void *b, void *ctx)
{
	return strtab_cmp(ctx, *(const uint32_t *)a, *(const uint32_t *)b);
}

static void put_folded(struct fold *f, struct out *o)
{
	uint32_t *order = mem_array((size_t)f->total_n + 1, sizeof(*order));
	for (uint32_t i = 0; i < f->total_n; i++)
		order[i] = i;
	qsort_r(order, f->total_n, sizeof(*order), by_text, &f->stacks);
	for (uint32_t i = 0; i < f->total_n; i++) {
		uint32_t id = order[i];
		if (!f->totals[id])
			continue;
		buf_add(&o->buf, strtab_get(&f->stacks, id), strtab_len(&f->stacks, id));
		buf_printf(&o->buf, " %lld\n", (long long)f->totals[id]);
		flush(o, FLUSH_AT);
	}
	mem_free(order);
}

int profile_write_folded(const struct profile *p, uint32_t value_index, struct sink *sink)
{
	struct fold f = {0};
	struct out o = {.sink = sink, .buf = BUF_INIT};
	struct buf text = BUF_INIT;
	strtab_init(&f.stacks);
	for (uint32_t i = 0; i < p->sample_n; i++)
		fold_sample(&f, p, i, profile_values(p, i)[value_index], &text);
	put_folded(&f, &o);
	strtab_release(&f.stacks);
	stack_release(&f.stack);
	mem_free(f.totals);
	buf_release(&text);
	return finish(&o);
}

/* --- speedscope --- */

static void put_json_str(struct buf *out, const struct profile *p, uint32_t id)
{
	json_string(out, profile_str(p, id), strtab_len(&p->strings, id));
}

static void put_json_line(struct out *o, const struct profile *p, const struct line *line)
{
	if (line->function == PROFILE_NONE) {
		buf_addstr(&o->buf, "{\"name\":\"??\"}");
		return;
	}
	const struct function *f = &p->functions[line->function];
	buf_addstr(&o->buf, "{\"name\":");
	put_json_str(&o->buf, p, f->name);
	if (f->filename) {
		buf_addstr(&o->buf, ",\"file\":");
		put_json_str(&o->buf, p, f->filename);
	}
	if (line->line > 0)
		buf_printf(&o->buf, ",\"line\":%lld", (long long)line->line);
	buf_addch(&o->buf, '}');
}

/* A frame for each line, and one for each location without. Returns the first of each location. */
static uint32_t *put_frames(struct out *o, const struct profile *p)
{
	uint32_t *first = mem_array((size_t)p->location_n + 1, sizeof(*first));
	uint32_t n = 0;
	for (uint32_t i = 0; i < p->location_n; i++) {
		const struct location *l = &p->locations[i];
		first[i] = n;
		for (uint32_t j = 0; j < l->line_n; j++) {
			buf_addstr(&o->buf, n++ ? "," : "");
			put_json_line(o, p, &p->lines[l->line_first + j]);
		}
		if (!l->line_n)
			buf_printf(&o->buf, "%s{\"name\":\"0x%llx\"}", n++ ? "," : "",
				(unsigned long long)l->address);
		flush(o, FLUSH_AT);
	}
	return first;
}

static void put_stack(
	struct out *o, const struct profile *p, const struct stack *stack, const uint32_t *first)
{
	const char *comma = "";
	buf_addch(&o->buf, '[');
	for (uint32_t i = stack->n; i-- > 0;) {
		uint32_t location = stack->at[i], lines = p->locations[location].line_n;
		for (uint32_t j = lines ? lines : 1; j-- > 0; comma = ",")
			buf_printf(&o->buf, "%s%u", comma, first[location] + j);
	}
	buf_addch(&o->buf, ']');
}

static const char *speedscope_unit(const char *unit)
{
	static const char *const known[] = {
		"nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"};
	for (size_t i = 0; i < array_len(known); i++)
		if (strcmp(unit, known[i]) == 0)
			return unit;
	return "none";
}

/* speedscope has no negative widths: only what is positive is shown. */
static void put_profile(
	struct out *o, const struct profile *p, uint32_t type, const uint32_t *first)
{
	const struct value_type *vt = &p->sample_types[type];
	const char *comma = "";
	int64_t total = 0;
	struct stack stack = {0};
	buf_addstr(&o->buf, "{\"type\":\"sampled\",\"name\":");
	put_json_str(&o->buf, p, vt->type);
	buf_printf(&o->buf, ",\"unit\":\"%s\",\"samples\":[",
		speedscope_unit(profile_str(p, vt->unit)));
	for (uint32_t i = 0; i < p->sample_n; i++) {
		int64_t v = profile_values(p, i)[type];
		if (v <= 0 || __builtin_add_overflow(total, v, &total))
			continue;
		buf_addstr(&o->buf, comma);
		comma = ",";
		profile_stack(p, i, &stack);
		put_stack(o, p, &stack, first);
		flush(o, FLUSH_AT);
	}
	stack_release(&stack);
	buf_addstr(&o->buf, "],\"weights\":[");
	comma = "";
	total = 0;
	for (uint32_t i = 0; i < p->sample_n; i++) {
		int64_t v = profile_values(p, i)[type];
		if (v <= 0 || __builtin_add_overflow(total, v, &total))
			continue;
		buf_printf(&o->buf, "%s%lld", comma, (long long)v);
		comma = ",";
		flush(o, FLUSH_AT);
	}
	buf_printf(&o->buf, "],\"startValue\":0,\"endValue\":%lld}", (long long)total);
}

int profile_write_speedscope(
	const struct profile *p, const char *name, uint32_t active, struct sink *sink)
{
	struct out o = {.sink = sink, .buf = BUF_INIT};
	buf_addstr(&o.buf, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\","
			   "\"exporter\":\"sonde\",\"name\":");
	json_string(&o.buf, name, strlen(name));
	buf_printf(&o.buf, ",\"activeProfileIndex\":%u,\"shared\":{\"frames\":[", active);
	uint32_t *first = put_frames(&o, p);
	buf_addstr(&o.buf, "]},\"profiles\":[");
	for (uint32_t i = 0; i < p->sample_type_n; i++) {
		buf_addstr(&o.buf, i ? "," : "");
		put_profile(&o, p, i, first);
	}
	buf_addstr(&o.buf, "]}\n");
	mem_free(first);
	return finish(&o);
}
