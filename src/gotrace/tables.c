/*
 * Reading the tables of a generation. See tables.h.
 *
 * The rules, and their words, are those of Go's reader: an id is defined once, a stack has at most
 * 128 frames, a string at most 1024 bytes. What a frame says besides its pc is taken from the first
 * frame with that pc.
 */
#include "gotrace/tables.h"

#include <inttypes.h>
#include <stdlib.h>

#define WHOLE_MAX (1 << 20) /* times 32 bits, exact in a double */

/* Where in a batch the reading is. */
struct place {
	const struct batch *b;
	const uint8_t *p, *end;
};

static struct place start(const struct batch *b, bool skip_type)
{
	return (struct place){b, b->data + skip_type, b->data + b->len};
}

static int64_t offset(const struct place *c)
{
	return c->b->offset + (c->p - c->b->data);
}

static int number_error(const struct place *c, enum varint status, struct err *err)
{
	if (status == VARINT_EOF)
		return TABLES_ENDED;
	return err_at(err, ERR_FORMAT, offset(c), "%s", varint_words(status));
}

/* n numbers: 0, TABLES_ENDED or an error. */
static int numbers(struct place *c, uint64_t *ret, int n, struct err *err)
{
	for (int i = 0; i < n; i++) {
		enum varint status = varint_read(&c->p, c->end, &ret[i]);
		if (status != VARINT_OK)
			return number_error(c, status, err);
	}
	return 0;
}

/* The type of the next entry, which must be `want`. */
static int entry(struct place *c, enum gotrace_ev want, const char *what, struct err *err)
{
	if (*c->p != want)
		return err_at(err, ERR_FORMAT, offset(c), "expected %s event, got %u", what, *c->p);
	c->p++;
	return 0;
}

static int add_string(struct trace_tables *t, struct place *c, struct err *err)
{
	uint64_t v[2];
	int rc = numbers(c, v, 2, err);
	if (rc)
		return rc;
	size_t left = (size_t)(c->end - c->p);
	if (v[1] > GOTRACE_STRING_MAX)
		return err_at(err, ERR_LIMIT, offset(c),
			"invalid string size %" PRIu64 ", maximum is %d", v[1], GOTRACE_STRING_MAX);
	if (v[1] > left)
		return err_at(err, ERR_TRUNCATED, offset(c),
			"failed to read full string: read %zu but wanted %" PRIu64, left, v[1]);
	struct gotrace_str s = {(const char *)c->p, (uint32_t)v[1]}, old = {"", 0};
	uint32_t known = v[0] ? ids_get(&t->string_ids, v[0]) : 0;
	if (v[0] && known != IDMAP_NONE)
		old = t->strings[known];
	if (known != IDMAP_NONE)
		return err_at(err, ERR_FORMAT, offset(c),
			"multiple strings with the same ID: id=%" PRIu64
			", new=%.*s, existing=%.*s",
			v[0], (int)s.len, s.s, (int)old.len, old.s);
	ids_add(&t->string_ids, v[0], (uint32_t)t->strings_n);
	vec_push(t->strings, t->strings_n, t->strings_cap, s);
	c->p += s.len;
	return 0;
}

int trace_tables_add_strings(struct trace_tables *t, const struct batch *b, struct err *err)
{
	struct place c = start(b, true);
	while (c.p < c.end) {
		int rc = entry(&c, GOTRACE_EV_STRING, "string", err);
		if (!rc)
			rc = add_string(t, &c, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int add_frame(
	struct trace_tables *t, struct place *c, uint64_t id, unsigned nth, struct err *err)
{
	static const char *const fields[] = {"PC", "funcID", "fileID", "line"};
	uint64_t v[4];
	for (unsigned i = 0; i < 4; i++) {
		enum varint status = varint_read(&c->p, c->end, &v[i]);
		if (status != VARINT_OK)
			return err_at(err, status == VARINT_OVERFLOW ? ERR_FORMAT : ERR_TRUNCATED,
				offset(c), "reading frame %u's %s for stack %" PRIu64 ": %s",
				nth + 1, fields[i], id, varint_words(status));
	}
	uint32_t frame = idmap_get(&t->pcs, v[0]);
	if (frame == IDMAP_NONE) {
		frame = (uint32_t)t->frames_n;
		struct pc_frame f = {v[0], v[1], v[2], v[3]};
		vec_push(t->frames, t->frames_n, t->frames_cap, f);
		idmap_put(&t->pcs, v[0], frame);
	}
	vec_push(t->stack_frames, t->stack_frames_n, t->stack_frames_cap, frame);
	return 0;
}

static void print_stack(const struct trace_tables *t, const struct stack *s, struct buf *out)
{
	for (uint32_t i = 0; i < s->n; i++)
		buf_printf(out, "\t0x%" PRIx64 "\n", t->frames[t->stack_frames[s->frames + i]].pc);
}

static int stack_twice(const struct trace_tables *t, const struct stack *s, uint32_t known,
	const struct place *c, struct err *err)
{
	struct buf new = BUF_INIT, old = BUF_INIT;
	print_stack(t, s, &new);
	if (s->id)
		print_stack(t, &t->stacks[known], &old);
	int rc = err_at(err, ERR_FORMAT, offset(c),
		"multiple trace.stacks with the same ID: id=%" PRIu64 ", new=%s, existing=%s",
		s->id, new.data, old.data);
	buf_release(&new);
	buf_release(&old);
	return rc;
}

static int add_stack(struct trace_tables *t, struct place *c, struct err *err)
{
	uint64_t v[2];
	int rc = numbers(c, v, 2, err);
	if (rc)
		return rc;
	if (v[1] > GOTRACE_FRAMES_MAX)
		return err_at(err, ERR_LIMIT, offset(c),
			"invalid stack size %" PRIu64 ", maximum is %d", v[1], GOTRACE_FRAMES_MAX);
	struct stack s = {v[0], (uint32_t)t->stack_frames_n, (uint32_t)v[1]};
	for (unsigned i = 0; i < s.n && !rc; i++)
		rc = add_frame(t, c, s.id, i, err);
	if (rc)
		return rc;
	uint32_t known = s.id ? ids_get(&t->stack_ids, s.id) : 0;
	if (known != IDMAP_NONE)
		return stack_twice(t, &s, known, c, err);
	ids_add(&t->stack_ids, s.id, (uint32_t)t->stacks_n);
	vec_push(t->stacks, t->stacks_n, t->stacks_cap, s);
	return 0;
}

int trace_tables_add_stacks(struct trace_tables *t, const struct batch *b, struct err *err)
{
	struct place c = start(b, true);
	while (c.p < c.end) {
		int rc = entry(&c, GOTRACE_EV_STACK, "stack", err);
		if (!rc)
			rc = add_stack(t, &c, err);
		if (rc)
			return rc;
	}
	return 0;
}

int trace_tables_add_samples(struct trace_tables *t, const struct batch *b, struct err *err)
{
	struct place c = start(b, true);
	while (c.p < c.end) {
		uint64_t v[5];
		int64_t at = offset(&c);
		int rc = entry(&c, GOTRACE_EV_CPU_SAMPLE, "CPU sample", err);
		if (!rc)
			rc = numbers(&c, v, 5, err);
		if (rc)
			return rc;
		struct cpu_sample s = {(int64_t)v[0], (int64_t)v[1], (int64_t)v[2],
			v[3] ? (int64_t)v[3] : GOTRACE_NO_ID, v[4], at};
		vec_push(t->samples, t->samples_n, t->samples_cap, s);
	}
	return 0;
}

static int add_frequency(struct clocks *clocks, struct place *c, struct err *err)
{
	uint64_t f;
	if (clocks->ns_per_unit != 0)
		return err_at(err, ERR_FORMAT, offset(c), "found multiple frequency events");
	int rc = numbers(c, &f, 1, err);
	if (rc)
		return rc;
	clocks->ns_per_unit = 1.0 / ((double)f / 1e9);
	if (clocks->ns_per_unit < WHOLE_MAX)
		clocks->whole = (uint32_t)clocks->ns_per_unit;
	if (clocks->whole != clocks->ns_per_unit)
		clocks->whole = 0;
	return 0;
}

static int add_snapshot(struct clocks *clocks, struct place *c, uint64_t *time, struct err *err)
{
	uint64_t v[4];
	if (clocks->has_snapshot)
		return err_at(err, ERR_FORMAT, offset(c), "found multiple clock snapshot events");
	clocks->has_snapshot = true;
	int rc = numbers(c, v, 4, err);
	if (rc)
		return rc;
	*time += v[0];
	clocks->snapshot = *time;
	clocks->mono = v[1];
	clocks->sec = v[2];
	clocks->nsec = v[3];
	return 0;
}

int trace_tables_add_sync(
	struct trace_tables *t, const struct batch *b, int version, struct err *err)
{
	struct place c = start(b, version >= GOTRACE_V25);
	uint64_t time = b->time;
	while (c.p < c.end) {
		uint8_t type = *c.p++;
		int rc;
		if (type == GOTRACE_EV_FREQUENCY)
			rc = add_frequency(&t->clocks, &c, err);
		else if (type == GOTRACE_EV_CLOCK_SNAPSHOT && version >= GOTRACE_V25)
			rc = add_snapshot(&t->clocks, &c, &time, err);
		else
			rc = err_at(err, ERR_FORMAT, offset(&c) - 1,
				"expected frequency or clock snapshot event, got %u", type);
		if (rc)
			return rc;
	}
	return 0;
}

static bool string_exists(const struct trace_tables *t, uint64_t id)
{
	return !id || ids_get(&t->string_ids, id) != IDMAP_NONE;
}

static int check_stack(const struct trace_tables *t, const struct stack *s, struct err *err)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct pc_frame *f = &t->frames[t->stack_frames[s->frames + i]];
		if (!string_exists(t, f->func))
			return err_set(err, ERR_FORMAT,
				"found invalid func string ID %" PRIu64 " for stack %" PRIu64,
				f->func, s->id);
		if (!string_exists(t, f->file))
			return err_set(err, ERR_FORMAT,
				"found invalid file string ID %" PRIu64 " for stack %" PRIu64,
				f->file, s->id);
	}
	return 0;
}

/* In the order of the ids, as Go has them when they are dense. */
static int check_stacks(const struct trace_tables *t, struct err *err)
{
	const struct ids *ids = &t->stack_ids;
	size_t n = ids->dense ? ids->dense_n : t->stacks_n;
	for (size_t i = 0; i < n; i++) {
		uint32_t at = ids->dense ? ids->dense[i] : (uint32_t)i;
		if (at == IDMAP_NONE)
			continue;
		int rc = check_stack(t, &t->stacks[at], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct cpu_sample *x = a, *y = b;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

int trace_tables_finish(struct trace_tables *t, struct err *err)
{
	ids_finish(&t->string_ids);
	ids_finish(&t->stack_ids);
	int rc = check_stacks(t, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < t->samples_n; i++)
		t->samples[i].time = clocks_ns(&t->clocks, (uint64_t)t->samples[i].time);
	if (t->samples_n)
		qsort(t->samples, t->samples_n, sizeof(*t->samples), by_time);
	return 0;
}

void trace_tables_release(struct trace_tables *t)
{
	ids_release(&t->string_ids);
	ids_release(&t->stack_ids);
	idmap_release(&t->pcs);
	mem_free(t->strings);
	mem_free(t->stacks);
	mem_free(t->stack_frames);
	mem_free(t->frames);
	mem_free(t->samples);
	*t = (struct trace_tables){0};
}
