/*
 * Writing traces: bounds of the format, and that what goes in comes out of the reader.
 */
#include "gotrace/gotrace.h"

#include "../unit.h"

static const unsigned versions[] = {GOTRACE_V22, GOTRACE_V23, GOTRACE_V25, GOTRACE_V26};

#define ARGS(...) \
	(const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

/* A goroutine that runs on M 7. */
static void begin(struct gotrace_writer *w, uint64_t time)
{
	gotrace_write_event(w, 7, time, GOTRACE_EV_PROC_STATUS, ARGS(1, GOTRACE_PROC_RUNNING));
	gotrace_write_event(w, 7, time, GOTRACE_EV_GO_STATUS, ARGS(1, 7, GOTRACE_GO_RUNNING));
}

struct file {
	struct buf data;
	struct sink sink;
	struct gotrace_writer *w;
	struct gotrace_bytes bytes;
	struct gotrace_reader *r;
	struct err err;
};

static void new_file(struct file *f, unsigned version)
{
	*f = (struct file){.data = BUF_INIT, .err = ERR_INIT};
	f->sink = buf_sink(&f->data);
	f->w = gotrace_writer_new(version, &f->sink);
	assert_non_null(f->w);
}

static void read_file(struct file *f)
{
	gotrace_writer_free(f->w);
	gotrace_bytes_init(&f->bytes, f->data.data, f->data.len);
	assert_int_equal(gotrace_reader_new(&f->bytes.source, &f->r, &f->err), 0);
}

/* The next event of that type. */
static struct gotrace_event next(struct file *f, unsigned type)
{
	struct gotrace_event ev;
	int rc;
	while ((rc = gotrace_reader_next(f->r, &ev, &f->err)) > 0)
		if (ev.type == type)
			return ev;
	fail_msg("no event of type %u: %s", type, f->err.msg);
	return ev;
}

static unsigned count(struct file *f)
{
	struct gotrace_event ev;
	unsigned n = 0;
	int rc;
	while ((rc = gotrace_reader_next(f->r, &ev, &f->err)) > 0)
		n++;
	assert_int_equal(rc, 0);
	return n;
}

static void end_file(struct file *f)
{
	gotrace_reader_free(f->r);
	buf_release(&f->data);
}

static void test_versions(void **state)
{
	assert_int_equal(gotrace_version_parse("1.22"), GOTRACE_V22);
	assert_int_equal(gotrace_version_parse("1.26"), GOTRACE_V26);
	assert_int_equal(gotrace_version_parse("1.24"), 0);
	assert_int_equal(gotrace_version_parse("1.260"), 0);
	assert_int_equal(gotrace_version_parse("1.26 "), 0);
	assert_int_equal(gotrace_version_parse(""), 0);
	assert_null(gotrace_writer_new(24, NULL));
	for (size_t i = 0; i < array_len(versions); i++) {
		struct file f;
		new_file(&f, versions[i]);
		begin(f.w, 1000);
		assert_int_equal(gotrace_write_generation_end(f.w, 1000, 5, 6), 0);
		read_file(&f);
		assert_int_equal(gotrace_reader_version(f.r), versions[i]);
		assert_int_equal(count(&f), 4); /* and a sync before and after */
		end_file(&f);
	}
}

static void test_clock(void **state)
{
	struct file f;
	struct gotrace_clock clock;
	new_file(&f, GOTRACE_V26);
	begin(f.w, 1000);
	assert_int_equal(gotrace_write_generation_end(f.w, 1000, 42, 1234567890123456789), 0);
	read_file(&f);
	struct gotrace_event ev = next(&f, GOTRACE_EV_SYNC_POINT);
	assert_true(gotrace_event_clock(f.r, &ev, &clock));
	assert_int_equal(clock.mono, 42);
	assert_int_equal(clock.sec, 1234567890);
	assert_int_equal(clock.nsec, 123456789);
	end_file(&f);
}

/* The end of a name says more than its beginning; a stack's root is the caller's to keep. */
static void test_too_long(void **state)
{
	struct file f;
	char name[3000];
	struct gotrace_write_frame frames[500] = {{0}};
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = 'z';
	new_file(&f, GOTRACE_V26);
	begin(f.w, 1000);
	uint64_t id = gotrace_write_string(f.w, name, sizeof(name));
	assert_int_equal(gotrace_write_string(f.w, name + 1, sizeof(name) - 1), id);
	for (uint64_t i = 0; i < array_len(frames); i++)
		frames[i] = (struct gotrace_write_frame){i + 1, id, id, i + 1};
	uint64_t stack = gotrace_write_stack(f.w, frames, array_len(frames));
	assert_int_equal(gotrace_write_stack(f.w, frames, 0), 0);
	gotrace_write_event(f.w, 7, 2000, GOTRACE_EV_GO_BLOCK, ARGS(id, stack));
	assert_int_equal(gotrace_write_generation_end(f.w, 1000, 5, 6), 0);
	read_file(&f);
	struct gotrace_event ev = next(&f, GOTRACE_EV_GO_BLOCK);
	struct gotrace_str reason = gotrace_event_transition(f.r, &ev).reason;
	assert_int_equal(reason.len, GOTRACE_STRING_MAX);
	assert_int_equal(reason.s[reason.len - 1], 'z');
	assert_true(gotrace_event_stack(&ev, &stack));
	assert_int_equal(gotrace_stack_len(f.r, stack), GOTRACE_FRAMES_MAX);
	end_file(&f);
}

/* Events and tables that take many batches, and what is in a generation only. */
static void test_batches(void **state)
{
	struct file f;
	enum { N = 30000 };
	new_file(&f, GOTRACE_V25);
	for (uint64_t g = 0; g < 3; g++) {
		uint64_t from = 1000 + g * 1000000;
		begin(f.w, from);
		for (uint64_t i = 0; i < N; i++) {
			char name[32];
			int n = snprintf(
				name, sizeof(name), "function %u %u", (unsigned)i, (unsigned)g);
			struct gotrace_write_frame frame = {
				i + 1, gotrace_write_string(f.w, name, (size_t)n), 1, i + 1};
			uint64_t stack = gotrace_write_stack(f.w, &frame, 1);
			gotrace_write_event(
				f.w, 7, from + 10 * i, GOTRACE_EV_GO_BLOCK, ARGS(1, stack));
			gotrace_write_event(f.w, (uint64_t)GOTRACE_NO_ID, from + 10 * i + 3,
				GOTRACE_EV_GO_UNBLOCK, ARGS(1, 2 * i + 1, stack));
			gotrace_write_event(
				f.w, 7, from + 10 * i + 6, GOTRACE_EV_GO_START, ARGS(1, 2 * i + 2));
			gotrace_write_cpu_sample(f.w, from + 10 * i, 7, 1, 1, stack);
		}
		assert_int_equal(gotrace_write_generation_end(f.w, from, from, from), 0);
	}
	read_file(&f);
	struct gotrace_event ev = next(&f, GOTRACE_EV_GO_BLOCK);
	struct gotrace_str name = gotrace_stack_frame(f.r, ev.args[1], 0).func;
	assert_memory_equal(name.s, "function 0 0", name.len);
	/* Before it were a sync, two statuses and a sample. */
	assert_int_equal(count(&f), 3 * (4 * N + 2) + 4 - 5);
	end_file(&f);
}

/* Times of an M increase, however close the caller's are; across generations too. */
static void test_times(void **state)
{
	struct file f;
	new_file(&f, GOTRACE_V26);
	begin(f.w, 5000);
	for (int i = 0; i < 10; i++)
		gotrace_write_event(
			f.w, 7, 4000, GOTRACE_EV_GO_LABEL, ARGS(gotrace_write_string(f.w, "l", 1)));
	assert_int_equal(gotrace_write_generation_end(f.w, 5000, 5, 6), 0);
	begin(f.w, 4000);
	assert_int_equal(gotrace_write_generation_end(f.w, 5010, 7, 8), 0);
	read_file(&f);
	struct gotrace_event ev;
	int64_t last = 0;
	int rc;
	while ((rc = gotrace_reader_next(f.r, &ev, &f.err)) > 0) {
		assert_true(ev.time > last);
		last = ev.time;
	}
	assert_int_equal(rc, 0);
	assert_true(last >= 5012);
	end_file(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
