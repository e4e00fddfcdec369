/*
 * Writing Go execution traces; see writer.h.
 *
 * An event is appended to its M's open batch, which goes to the sink when it is full and at the
 * generation's end. (Rejected: batches opened and closed in turn, M by M, which the events of a
 * program with many threads would make a few bytes each, behind headers of twenty.)
 */
#include "gotrace/writer.h"

#include <stdio.h>

enum {
	EVENT_MAX = 10 * 8 + 1,
	NS_PER_SECOND = 1000000000,
};

struct batch {
	uint64_t m;
	uint64_t begin_ns, last_ns;
	struct buf data; /* "": none is open */
};

/* A table is a batch of its own kind, which may have to be continued in another. */
struct table {
	unsigned kind;
	struct buf data;
};

struct gotrace_writer {
	struct sink *sink;
	unsigned version;
	uint64_t generation;
	struct map by_m; /* m -> batches[] */
	struct batch *batches;
	uint32_t batch_n, batch_cap;
	struct strtab strings;
	uint64_t string_n; /* of them, written */
	uint64_t stack_n;
	struct table table_strings, table_stacks, table_samples;
	uint64_t begin_ns;
	int rc; /* the sink's first complaint */
};

static void emit(struct gotrace_writer *w, const void *p, size_t n)
{
	if (!w->rc && n)
		w->rc = w->sink->write(w->sink, p, n);
}

static void emit_batch(struct gotrace_writer *w, uint64_t m, uint64_t time_ns, struct buf *data)
{
	struct buf head = BUF_INIT;
	if (!data->len)
		return;
	wire_put_varint(&head, GOTRACE_EV_EVENT_BATCH);
	wire_put_varint(&head, w->generation);
	wire_put_varint(&head, m);
	wire_put_varint(&head, time_ns);
	wire_put_varint(&head, data->len);
	emit(w, head.data, head.len);
	emit(w, data->data, data->len);
	buf_release(&head);
	buf_clear(data);
}

/* --- tables --- */

static void emit_table(struct gotrace_writer *w, struct table *t)
{
	emit_batch(w, (uint64_t)GOTRACE_NO_ID, w->begin_ns, &t->data);
}

/* Where an entry of at most `n` bytes is to be put. */
static struct buf *table_room(struct gotrace_writer *w, struct table *t, size_t n)
{
	if (t->data.len + n > GOTRACE_BATCH_MAX)
		emit_table(w, t);
	if (!t->data.len)
		wire_put_varint(&t->data, t->kind);
	return &t->data;
}

uint64_t gotrace_write_string(struct gotrace_writer *w, const char *s, size_t n)
{
	if (n > GOTRACE_STRING_MAX) {
		s += n - GOTRACE_STRING_MAX;
		n = GOTRACE_STRING_MAX;
	}
	uint64_t id = strtab_add(&w->strings, s, n);
	if (id <= w->string_n)
		return id;
	w->string_n = id;
	struct buf *out = table_room(w, &w->table_strings, n + EVENT_MAX);
	wire_put_varint(out, GOTRACE_EV_STRING);
	wire_put_varint(out, id);
	wire_put_varint(out, n);
	buf_add(out, s, n);
	return id;
}

uint64_t gotrace_write_stack(
	struct gotrace_writer *w, const struct gotrace_write_frame *frames, uint32_t n)
{
	if (!n)
		return 0;
	if (n > GOTRACE_FRAMES_MAX)
		n = GOTRACE_FRAMES_MAX;
	struct buf *out = table_room(w, &w->table_stacks, (n + 1) * EVENT_MAX);
	wire_put_varint(out, GOTRACE_EV_STACK);
	wire_put_varint(out, ++w->stack_n);
	wire_put_varint(out, n);
	for (uint32_t i = 0; i < n; i++) {
		wire_put_varint(out, frames[i].pc);
		wire_put_varint(out, frames[i].function);
		wire_put_varint(out, frames[i].file);
		wire_put_varint(out, frames[i].line);
	}
	return w->stack_n;
}

void gotrace_write_cpu_sample(struct gotrace_writer *w, uint64_t time_ns, uint64_t m, uint64_t p,
	uint64_t g, uint64_t stack)
{
	struct buf *out = table_room(w, &w->table_samples, EVENT_MAX);
	wire_put_varint(out, GOTRACE_EV_CPU_SAMPLE);
	wire_put_varint(out, time_ns);
	wire_put_varint(out, m);
	wire_put_varint(out, p);
	wire_put_varint(out, g);
	wire_put_varint(out, stack);
}

/* --- events --- */

static struct batch *batch_of(struct gotrace_writer *w, uint64_t m)
{
	bool is_new;
	uint32_t *slot = map_put(&w->by_m, m, &is_new);
	if (is_new) {
		struct batch b = {.m = m, .data = BUF_INIT};
		*slot = w->batch_n;
		vec_push(w->batches, w->batch_n, w->batch_cap, b);
	}
	return &w->batches[*slot];
}

void gotrace_write_event(struct gotrace_writer *w, uint64_t m, uint64_t time_ns, unsigned kind,
	const uint64_t *args, unsigned n)
{
	struct batch *b = batch_of(w, m);
	if (b->data.len + EVENT_MAX > GOTRACE_BATCH_MAX)
		emit_batch(w, m, b->begin_ns, &b->data);
	if (time_ns <= b->last_ns)
		time_ns = b->last_ns + 1;
	if (!b->data.len)
		b->begin_ns = b->last_ns = time_ns;
	if (!w->begin_ns || time_ns < w->begin_ns)
		w->begin_ns = time_ns;
	wire_put_varint(&b->data, kind);
	wire_put_varint(&b->data, time_ns - b->last_ns);
	for (unsigned i = 0; i < n; i++)
		wire_put_varint(&b->data, args[i]);
	b->last_ns = time_ns;
}

/* --- generations --- */

static void begin_generation(struct gotrace_writer *w)
{
	w->generation++;
	w->begin_ns = 0;
	w->string_n = w->stack_n = 0;
	strtab_init(&w->strings);
}

static bool is_version(unsigned version)
{
	return version == GOTRACE_V22 || version == GOTRACE_V23 || version == GOTRACE_V25 ||
	       version == GOTRACE_V26;
}

unsigned gotrace_version_parse(const char *text)
{
	unsigned version;
	char behind;
	return sscanf(text, "1.%2u%c", &version, &behind) == 1 && is_version(version) ? version : 0;
}

struct gotrace_writer *gotrace_writer_new(unsigned version, struct sink *sink)
{
	char header[GOTRACE_HEADER_SIZE] = {0};
	if (!is_version(version))
		return NULL;
	struct gotrace_writer *w = mem_zalloc(sizeof(*w));
	w->sink = sink;
	w->version = version;
	w->table_strings = (struct table){GOTRACE_EV_STRINGS, BUF_INIT};
	w->table_stacks = (struct table){GOTRACE_EV_STACKS, BUF_INIT};
	w->table_samples = (struct table){GOTRACE_EV_CPU_SAMPLES, BUF_INIT};
	map_init(&w->by_m);
	snprintf(header, sizeof(header), GOTRACE_HEADER_FORMAT, (int)version);
	emit(w, header, sizeof(header));
	begin_generation(w);
	return w;
}

void gotrace_writer_free(struct gotrace_writer *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < w->batch_n; i++)
		buf_release(&w->batches[i].data);
	mem_free(w->batches);
	map_release(&w->by_m);
	strtab_release(&w->strings);
	buf_release(&w->table_strings.data);
	buf_release(&w->table_stacks.data);
	buf_release(&w->table_samples.data);
	mem_free(w);
}

/* Before Go 1.25 the clock's frequency is alone in its batch. */
static void emit_clock(
	struct gotrace_writer *w, uint64_t time_ns, uint64_t monotonic_ns, uint64_t realtime_ns)
{
	struct buf data = BUF_INIT;
	if (w->version >= GOTRACE_V25)
		wire_put_varint(&data, GOTRACE_EV_SYNC);
	wire_put_varint(&data, GOTRACE_EV_FREQUENCY);
	wire_put_varint(&data, NS_PER_SECOND);
	if (w->version >= GOTRACE_V25) {
		wire_put_varint(&data, GOTRACE_EV_CLOCK_SNAPSHOT);
		wire_put_varint(&data, 0);
		wire_put_varint(&data, monotonic_ns);
		wire_put_varint(&data, realtime_ns / NS_PER_SECOND);
		wire_put_varint(&data, realtime_ns % NS_PER_SECOND);
	}
	emit_batch(w, (uint64_t)GOTRACE_NO_ID, time_ns, &data);
	buf_release(&data);
}

int gotrace_write_generation_end(
	struct gotrace_writer *w, uint64_t time_ns, uint64_t monotonic_ns, uint64_t realtime_ns)
{
	static const char end = GOTRACE_EV_END_OF_GENERATION;
	if (!w->begin_ns)
		w->begin_ns = time_ns;
	emit_clock(w, time_ns, monotonic_ns, realtime_ns);
	for (uint32_t i = 0; i < w->batch_n; i++)
		emit_batch(w, w->batches[i].m, w->batches[i].begin_ns, &w->batches[i].data);
	emit_table(w, &w->table_stacks);
	emit_table(w, &w->table_strings);
	emit_table(w, &w->table_samples);
	if (w->version >= GOTRACE_V26)
		emit(w, &end, 1);
	strtab_release(&w->strings);
	begin_generation(w);
	return w->rc;
}
