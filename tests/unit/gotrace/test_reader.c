/*
 * The reader as a library: what its functions say of events, how bytes may come in, and what it
 * says of traces that are cut off, of sequence numbers and of clocks. The traces as such are
 * tests/golden/trace's.
 */
#include "../unit.h"

#include "gotrace/gotrace.h"

#include <errno.h>

/* ---- making traces ---- */

struct maker {
	struct buf out;
	uint64_t gen;
	int version;
};

static void put(struct buf *out, uint64_t v)
{
	wire_put_varint(out, v);
}

static void batch(struct maker *mk, int64_t m, uint64_t time, const struct buf *data)
{
	buf_addch(&mk->out, GOTRACE_EV_EVENT_BATCH);
	put(&mk->out, mk->gen);
	put(&mk->out, (uint64_t)m);
	put(&mk->out, time);
	put(&mk->out, data->len);
	buf_add(&mk->out, data->data, data->len);
}

/* Bytes, each a number below 128. */
#define EVENTS(mk, m, time, ...)                         \
	do {                                             \
		const char bytes_[] = {__VA_ARGS__};     \
		struct buf data_ = BUF_INIT;             \
		buf_add(&data_, bytes_, sizeof(bytes_)); \
		batch(mk, m, time, &data_);              \
		buf_release(&data_);                     \
	} while (0)

static void generation(struct maker *mk, uint64_t time)
{
	struct buf data = BUF_INIT;
	mk->gen++;
	if (mk->version >= GOTRACE_V25)
		buf_addch(&data, GOTRACE_EV_SYNC);
	buf_addch(&data, GOTRACE_EV_FREQUENCY);
	put(&data, 15625000); /* 64 ns a unit */
	if (mk->version >= GOTRACE_V25) {
		buf_addch(&data, GOTRACE_EV_CLOCK_SNAPSHOT);
		put(&data, 3);
		put(&data, 777);
		put(&data, 1000);
		put(&data, 5);
	}
	batch(mk, GOTRACE_NO_ID, time, &data);
	buf_release(&data);
}

static void begin(struct maker *mk, int version)
{
	*mk = (struct maker){.out = BUF_INIT, .version = version};
	buf_printf(&mk->out, GOTRACE_HEADER_FORMAT, version);
	buf_add(&mk->out, "\0\0\0", 3);
	assert_int_equal(mk->out.len, GOTRACE_HEADER_SIZE);
	generation(mk, 100);
	EVENTS(mk, 7, 100, GOTRACE_EV_PROC_STATUS, 1, 0, GOTRACE_PROC_RUNNING, GOTRACE_EV_GO_STATUS,
		1, 1, 7, GOTRACE_GO_RUNNING);
}

static void end(struct maker *mk)
{
	buf_addch(&mk->out, GOTRACE_EV_END_OF_GENERATION);
}

/* ---- reading them ---- */

/* Reads all, text to `out`; the last return code. */
static int read_from(struct gotrace_source *source, struct buf *out, struct err *err)
{
	struct gotrace_reader *r;
	struct gotrace_event ev;
	int rc = gotrace_reader_new(source, &r, err);
	if (rc < 0)
		return rc;
	while ((rc = gotrace_reader_next(r, &ev, err)) > 0) {
		gotrace_event_text(r, &ev, out);
		buf_addch(out, '\n');
	}
	if (rc < 0) /* it stays with that */
		assert_int_equal(gotrace_reader_next(r, &ev, NULL), rc);
	gotrace_reader_free(r);
	return rc;
}

static int read_all(const struct maker *mk, struct buf *out, struct err *err)
{
	struct gotrace_bytes bytes;
	gotrace_bytes_init(&bytes, mk->out.data, mk->out.len);
	return read_from(&bytes.source, out, err);
}

struct slow {
	struct gotrace_bytes bytes;
	size_t fails_after; /* bytes; then EIO */
};

/* A byte at a time. */
static int64_t read_slowly(struct gotrace_source *source, void *p, size_t n)
{
	struct slow *s = source->ctx;
	if (!s->fails_after)
		return -EIO;
	s->fails_after--;
	return s->bytes.source.read(&s->bytes.source, p, n ? 1 : 0);
}

static void a_byte_at_a_time(void **state)
{
	struct maker mk;
	struct buf whole = BUF_INIT, slow = BUF_INIT;
	begin(&mk, GOTRACE_V25);
	generation(&mk, 200);
	EVENTS(&mk, 7, 200, GOTRACE_EV_GO_STOP, 1, 0, 0);
	assert_int_equal(read_all(&mk, &whole, NULL), 0);
	struct slow s = {.fails_after = SIZE_MAX};
	gotrace_bytes_init(&s.bytes, mk.out.data, mk.out.len);
	struct gotrace_source source = {read_slowly, &s};
	assert_int_equal(read_from(&source, &slow, NULL), 0);
	assert_string_equal(slow.data, whole.data);
	buf_release(&whole);
	buf_release(&slow);
	buf_release(&mk.out);
}

/* Wherever the source fails, its code comes out, and no end. */
static void a_failing_source(void **state)
{
	struct maker mk;
	begin(&mk, GOTRACE_V26);
	end(&mk);
	for (size_t i = 0; i < mk.out.len; i++) {
		struct buf out = BUF_INIT;
		struct err err = ERR_INIT;
		struct slow s = {.fails_after = i};
		gotrace_bytes_init(&s.bytes, mk.out.data, mk.out.len);
		struct gotrace_source source = {read_slowly, &s};
		assert_int_equal(read_from(&source, &out, &err), -EIO);
		assert_non_null(strstr(err.msg, "reading"));
		buf_release(&out);
	}
	buf_release(&mk.out);
}

/* Of a generation without its mark 1.26 delivers nothing; 1.25 cannot know, and delivers it. */
static void cut_off(void **state)
{
	for (int version = GOTRACE_V25; version <= GOTRACE_V26; version++) {
		struct maker mk;
		struct buf out = BUF_INIT;
		struct err err = ERR_INIT;
		begin(&mk, version);
		if (version == GOTRACE_V26)
			end(&mk);
		generation(&mk, 200);
		EVENTS(&mk, 7, 200, GOTRACE_EV_GO_STOP, 1, 0, 0);
		int rc = read_all(&mk, &out, &err);
		assert_int_equal(rc, version == GOTRACE_V26 ? ERR_TRUNCATED : 0);
		if (rc < 0)
			assert_int_equal(err.offset, mk.out.len);
		assert_int_equal(strstr(out.data, "Runnable") != NULL, rc == 0);
		assert_non_null(strstr(out.data, "N=2"));
		buf_release(&out);
		buf_release(&mk.out);
	}
}

/* Thread 8's event is the earlier one, and names the second start: it waits for thread 7's. */
static void sequence_numbers(void **state)
{
	struct maker mk;
	struct buf out = BUF_INIT;
	begin(&mk, GOTRACE_V26);
	EVENTS(&mk, 7, 120, GOTRACE_EV_GO_STOP, 1, 0, 0, GOTRACE_EV_GO_START, 1, 1, 1,
		GOTRACE_EV_GO_STOP, 1, 0, 0);
	EVENTS(&mk, 8, 100, GOTRACE_EV_PROC_STATUS, 1, 1, GOTRACE_PROC_RUNNING, GOTRACE_EV_GO_START,
		1, 1, 2);
	end(&mk);
	assert_int_equal(read_all(&mk, &out, NULL), 0);
	const char *first = strstr(out.data, "M=7 P=0 G=-1 StateTransition Time=7808 GoID=1");
	const char *second = strstr(out.data, "M=8 P=1 G=-1 StateTransition Time=7873 GoID=1");
	assert_non_null(first);
	assert_non_null(second);
	assert_true(first < second);
	buf_release(&out);
	buf_release(&mk.out);
}

static void out_of_sequence(void **state)
{
	struct maker mk;
	struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	begin(&mk, GOTRACE_V26);
	size_t before = mk.out.len;
	EVENTS(&mk, 7, 120, GOTRACE_EV_GO_STOP, 1, 0, 0, GOTRACE_EV_GO_START, 1, 1, 2);
	end(&mk);
	assert_int_equal(read_all(&mk, &out, &err), ERR_FORMAT);
	assert_non_null(strstr(err.msg, "failed to advance"));
	assert_non_null(strstr(err.msg, "GoStart time=7808 g=1 g_seq=2"));
	assert_true(err.offset > (int64_t)before);
	buf_release(&out);
	buf_release(&mk.out);
}

static void clocks(void **state)
{
	struct maker mk;
	struct gotrace_bytes bytes;
	struct gotrace_reader *r;
	struct gotrace_event ev;
	struct gotrace_clock c;
	begin(&mk, GOTRACE_V26);
	end(&mk);
	gotrace_bytes_init(&bytes, mk.out.data, mk.out.len);
	assert_int_equal(gotrace_reader_new(&bytes.source, &r, NULL), 0);
	assert_int_equal(gotrace_reader_version(r), GOTRACE_V26);
	assert_int_equal(gotrace_reader_next(r, &ev, NULL), 1);
	assert_int_equal(ev.kind, GOTRACE_KIND_SYNC);
	assert_int_equal(ev.time, 6400);
	assert_true(gotrace_event_clock(r, &ev, &c));
	assert_int_equal(c.trace, 103 * 64);
	assert_int_equal(c.mono, 777);
	assert_int_equal(c.sec, 1000);
	assert_int_equal(c.nsec, 5);
	int n = 1;
	while (gotrace_reader_next(r, &ev, NULL) > 0)
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(ev.args[0], 2);
	assert_false(gotrace_event_clock(r, &ev, &c));
	gotrace_reader_free(r);
	buf_release(&mk.out);
}

/* What an event says, by the functions a program uses. */
static void transitions(void **state)
{
	struct maker mk;
	struct gotrace_bytes bytes;
	struct gotrace_reader *r;
	struct gotrace_event ev;
	struct gotrace_transition t = {0};
	begin(&mk, GOTRACE_V26);
	EVENTS(&mk, GOTRACE_NO_ID, 1, GOTRACE_EV_STRINGS, GOTRACE_EV_STRING, 5, 4, 's', 'y', 'n',
		'c');
	EVENTS(&mk, GOTRACE_NO_ID, 1, GOTRACE_EV_STACKS, GOTRACE_EV_STACK, 3, 1, 9, 5, 0, 77);
	EVENTS(&mk, 7, 120, GOTRACE_EV_GO_BLOCK, 1, 5, 3);
	end(&mk);
	gotrace_bytes_init(&bytes, mk.out.data, mk.out.len);
	assert_int_equal(gotrace_reader_new(&bytes.source, &r, NULL), 0);
	while (gotrace_reader_next(r, &ev, NULL) > 0 && ev.type != GOTRACE_EV_GO_BLOCK)
		;
	t = gotrace_event_transition(r, &ev);
	assert_int_equal(t.resource.kind, GOTRACE_RESOURCE_GOROUTINE);
	assert_int_equal(t.resource.id, 1);
	assert_int_equal(t.from, GOTRACE_GO_IS_RUNNING);
	assert_int_equal(t.to, GOTRACE_GO_IS_WAITING);
	assert_memory_equal(t.reason.s, "sync", 4);
	assert_true(t.has_stack);
	assert_int_equal(gotrace_stack_len(r, t.stack), 1);
	struct gotrace_frame f = gotrace_stack_frame(r, t.stack, 0);
	assert_int_equal(f.pc, 9);
	assert_int_equal(f.line, 77);
	assert_int_equal(f.func.len, 4);
	assert_int_equal(f.file.len, 0);
	assert_int_equal(gotrace_stack_len(r, 99), 0);
	assert_int_equal(gotrace_stack_frame(r, t.stack, 1).pc, 0);
	gotrace_reader_free(r);
	buf_release(&mk.out);
}

static int nothing(struct maker *mk)
{
	struct buf out = BUF_INIT;
	int rc = read_all(mk, &out, NULL);
	buf_release(&out);
	return rc;
}

/* Many batches and many threads of no events are no matter. */
static void empty_batches(void **state)
{
	struct maker mk;
	struct buf none = BUF_INIT;
	begin(&mk, GOTRACE_V26);
	for (int i = 0; i < 20000; i++)
		batch(&mk, i % 5000, 1, &none);
	end(&mk);
	assert_int_equal(nothing(&mk), 0);
	buf_release(&mk.out);
}

/* Each thread waits for the next one, whose clock is ahead: the order is found all the same. */
static void all_wait(void **state)
{
	enum { THREADS = 1000 };
	struct maker mk;
	begin(&mk, GOTRACE_V26);
	for (unsigned i = 0; i < THREADS; i++) {
		struct buf data = BUF_INIT;
		if (i < THREADS - 1) {
			buf_addch(&data, GOTRACE_EV_GO_UNBLOCK);
			put(&data, 0);
			put(&data, 10 + i); /* whose status thread i + 1 has */
			put(&data, 1);
			put(&data, 0);
		}
		buf_addch(&data, GOTRACE_EV_GO_STATUS);
		put(&data, 0);
		put(&data, 10 + i - 1);
		put(&data, 0);
		put(&data, GOTRACE_GO_WAITING);
		batch(&mk, 1000 + i, 200 + i, &data);
		buf_release(&data);
	}
	end(&mk);
	assert_int_equal(nothing(&mk), 0);
	buf_release(&mk.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_byte_at_a_time),
		cmocka_unit_test(a_failing_source),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(sequence_numbers),
		cmocka_unit_test(out_of_sequence),
		cmocka_unit_test(clocks),
		cmocka_unit_test(transitions),
		cmocka_unit_test(empty_batches),
		cmocka_unit_test(all_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
