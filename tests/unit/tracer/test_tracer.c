/*
 * The execution tracer's writing half: whatever a recording holds, what is made of it is a trace
 * that Go's reader and validator accept. Events at random, and those that are told twice, late, in
 * the wrong order or not at all.
 */
#include "gotrace/gotrace.h"
#include "tracer/tracer.h"
#include "../unit.h"

#include <stdlib.h>

enum { STACKS = 5, TEXTS = 4 };

static void make_profile(struct profile *p)
{
	profile_init(p);
	profile_add_sample_type(p, "stacks", "count");
	const int64_t one = 1;
	uint32_t locations[STACKS];
	for (uint32_t i = 0; i < STACKS; i++) {
		char name[16] = "main";
		if (i)
			snprintf(name, sizeof(name), "f%u", i);
		if (i == 4)
			name[0] = '\0';
		struct function f = {.name = strtab_addstr(&p->strings, name),
			.filename = strtab_addstr(&p->strings, i % 2 ? "a.c" : "")};
		f.system_name = f.name;
		struct line lines[2] = {{.function = profile_add_function(p, &f), .line = i}};
		lines[1] = lines[0];
		locations[i] = profile_add_location(p, PROFILE_NONE, 0x1000 + i, lines, i % 3);
	}
	for (uint32_t i = 0; i < STACKS; i++)
		profile_add_sample(p, locations + i, STACKS - i, &one, NULL, 0);
}

/* --- traces --- */

static uint32_t add_thread(struct export_trace *trace, int tid, uint64_t born_ns)
{
	struct export_trace_thread t = {.number = trace->thread_n + 1,
		.tid = tid,
		.born_ns = born_ns,
		.first = trace->event_n,
		.last = trace->event_n};
	vec_push(trace->threads, trace->thread_n, trace->thread_cap, t);
	return trace->thread_n - 1;
}

/* To the thread that was added last. */
static void add_event(struct export_trace *trace, struct export_trace_event e)
{
	e.thread = trace->thread_n - 1;
	vec_push(trace->events, trace->event_n, trace->event_cap, e);
	trace->threads[e.thread].last = trace->event_n;
}

static struct export_trace empty_trace(void)
{
	struct export_trace trace = {
		.begin_ns = 1000000000000, .end_ns = 1010000000000, .begin_realtime_ns = 1e18};
	strtab_init(&trace.texts);
	for (uint32_t i = 1; i < TEXTS; i++)
		strtab_addstr(&trace.texts, (const char[]){(char)('a' + i), '\0'});
	return trace;
}

/* What was written, read back and validated: the number of events, which fails the test if
 * there is anything wrong. */
static unsigned check(const struct buf *file)
{
	struct gotrace_bytes bytes;
	struct gotrace_reader *r;
	struct gotrace_event ev;
	struct gotrace_validator *v = gotrace_validator_new();
	struct err err = ERR_INIT;
	unsigned n = 0;
	int rc;
	gotrace_bytes_init(&bytes, file->data, file->len);
	assert_int_equal(gotrace_reader_new(&bytes.source, &r, &err), 0);
	for (; (rc = gotrace_reader_next(r, &ev, &err)) > 0; n++)
		if (gotrace_validator_event(v, r, &ev, &err))
			fail_msg("event %u: %s", n, err.msg);
	if (rc < 0)
		fail_msg("after %u events: %s", n, err.msg);
	gotrace_reader_free(r);
	gotrace_validator_free(v);
	return n;
}

static unsigned write_and_check(struct export_trace *trace, const char *format)
{
	struct profile p;
	struct buf file = BUF_INIT;
	struct sink sink = buf_sink(&file);
	struct tracer_summary sum;
	struct err err = ERR_INIT;
	make_profile(&p);
	if (tracer_write(&p, trace, format, &sink, &sum, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(sum.events, trace->event_n);
	unsigned n = check(&file);
	buf_release(&file);
	profile_release(&p);
	export_trace_release(trace);
	return n;
}

/* --- by hand --- */

#define EVENT(what_, at, ...)                                         \
	((struct export_trace_event){.what = RECORDING_TRACE_##what_, \
		.time_ns = 1000000000000 + (at),                      \
		.stack = PROFILE_NONE,                                \
		__VA_ARGS__})
#define UNTIL(at) .until_ns = 1000000000000 + (at)

static void test_nothing(void **state)
{
	struct export_trace trace = empty_trace();
	assert_int_equal(write_and_check(&trace, TRACER_FORMAT), 2);
}

/* The kernel gave an ended thread's number to another, and nobody had told of the end. */
static void test_one_number_twice(void **state)
{
	struct export_trace trace = empty_trace();
	add_thread(&trace, 7, 0);
	add_event(&trace, EVENT(WAITED, 1000, UNTIL(5000), .wait = WAIT_SLEEP));
	add_event(&trace, EVENT(WAITS, 6000, UNTIL(90000), .wait = WAIT_MUTEX));
	add_thread(&trace, 7, 0);
	add_event(&trace, EVENT(BEGAN, 8000));
	add_event(&trace, EVENT(ENDED, 9000));
	add_thread(&trace, 7, 0);
	add_event(&trace, EVENT(LIVES, 10000));
	assert_true(write_and_check(&trace, TRACER_FORMAT) > 10);
}

static void test_a_wait_inside_another(void **state)
{
	struct export_trace trace = empty_trace();
	add_thread(&trace, 7, 0);
	add_event(&trace, EVENT(WAITED, 1000, UNTIL(5000), .wait = WAIT_POLL));
	add_event(&trace, EVENT(WAITED, 2000, UNTIL(3000), .wait = WAIT_READ));
	add_event(&trace, EVENT(CREATED, 2500, .object = 1));
	add_event(&trace, EVENT(ENDED, 4000));
	add_thread(&trace, 8, 0);
	add_event(&trace, EVENT(BEGAN, 2600));
	write_and_check(&trace, TRACER_FORMAT);
}

/* The second of two wakings is what ended the wait; the thread's own is not. */
static void test_the_last_waker(void **state)
{
	struct export_trace trace = empty_trace();
	struct profile p;
	struct buf file = BUF_INIT;
	struct sink sink = buf_sink(&file);
	struct tracer_summary sum;
	struct err err = ERR_INIT;
	add_thread(&trace, 1, 0);
	add_event(&trace, EVENT(WAITED, 1000, UNTIL(9000), .wait = WAIT_SEM, .object = 5));
	add_event(&trace, EVENT(WOKE, 20000, .object = 6));
	add_event(&trace, EVENT(WAITED, 21000, UNTIL(22000), .wait = WAIT_SEM, .object = 6));
	add_thread(&trace, 2, 0);
	add_event(&trace, EVENT(WOKE, 500, .object = 5));
	add_event(&trace, EVENT(WOKE, 2000, .object = 5));
	add_event(&trace, EVENT(WOKE, 9500, .object = 5));
	add_thread(&trace, 3, 0);
	add_event(&trace, EVENT(WOKE, 3000, .object = 5));
	make_profile(&p);
	assert_int_equal(tracer_write(&p, &trace, TRACER_FORMAT, &sink, &sum, &err), 0);
	assert_int_equal(sum.wakers, 1);
	struct gotrace_bytes bytes;
	struct gotrace_reader *r;
	struct gotrace_event ev;
	int64_t by = 0;
	gotrace_bytes_init(&bytes, file.data, file.len);
	assert_int_equal(gotrace_reader_new(&bytes.source, &r, &err), 0);
	while (gotrace_reader_next(r, &ev, &err) > 0)
		if (ev.type == GOTRACE_EV_GO_UNBLOCK && ev.g == 3)
			by = ev.m;
	assert_int_equal(by, 3);
	gotrace_reader_free(r);
	buf_release(&file);
	profile_release(&p);
	export_trace_release(&trace);
}

/* A thread in and out of regions that do not nest; what a reader is told does. */
static void test_regions(void **state)
{
	struct export_trace trace = empty_trace(), without = empty_trace();
	add_thread(&without, 10, 0);
	unsigned n = write_and_check(&without, TRACER_FORMAT);
	add_thread(&trace, 10, 0);
	add_event(&trace, EVENT(REGION_ENDED, 1, .name = 1)); /* of one that was not begun */
	add_event(&trace, EVENT(REGION_BEGUN, 2, .name = 1));
	add_event(&trace, EVENT(REGION_BEGUN, 3, .name = 2, .object = 7));
	add_event(&trace, EVENT(REGION_ENDED, 4, .name = 2)); /* of another task */
	add_event(&trace, EVENT(REGION_BEGUN, 5, .name = 3));
	add_event(&trace, EVENT(REGION_ENDED, 6, .name = 1)); /* and the two inside it */
	add_event(&trace, EVENT(REGION_ENDED, 7, .name = 3));
	add_event(&trace, EVENT(REGION_BEGUN, 8, .name = 3)); /* for good */
	assert_int_equal(write_and_check(&trace, TRACER_FORMAT), n + 3 + 3 + 1);
}

static void test_no_such_format(void **state)
{
	struct export_trace trace = empty_trace();
	struct profile p;
	struct buf file = BUF_INIT;
	struct sink sink = buf_sink(&file);
	struct tracer_summary sum;
	struct err err = ERR_INIT;
	make_profile(&p);
	const char *const formats[] = {"", "1.24", "1.2", "1.26x", "1.126", "26", "go1.22"};
	for (size_t i = 0; i < array_len(formats); i++) {
		assert_false(tracer_is_format(formats[i]));
		assert_int_equal(
			tracer_write(&p, &trace, formats[i], &sink, &sum, &err), ERR_UNSUPPORTED);
	}
	assert_int_equal(file.len, 0);
	profile_release(&p);
}

static int no_room(struct sink *sink, const void *bytes, size_t n)
{
	return --*(int *)sink->ctx < 0 ? -28 : 0;
}

static void test_a_sink_that_fails(void **state)
{
	for (int room = 0; room < 6; room++) {
		struct export_trace trace = empty_trace();
		struct profile p;
		int left = room;
		struct sink sink = {no_room, &left};
		struct tracer_summary sum;
		struct err err = ERR_INIT;
		add_thread(&trace, 1, 0);
		for (uint64_t i = 0; i < 10; i++)
			add_event(&trace, EVENT(WAITED, i * 900000000, UNTIL(i * 900000000 + 1000),
						  .wait = WAIT_SEM));
		make_profile(&p);
		assert_int_equal(tracer_write(&p, &trace, TRACER_FORMAT, &sink, &sum, &err), -28);
		profile_release(&p);
		export_trace_release(&trace);
	}
}

/* --- at random --- */

static uint64_t below(unsigned *seed, uint64_t n)
{
	return (uint64_t)rand_r(seed) % n;
}

static struct export_trace_event random_event(
	unsigned *seed, const struct export_trace *trace, uint64_t at, uint32_t threads)
{
	struct export_trace_event e = {
		.what = (uint8_t)(1 + below(seed, RECORDING_TRACE_WHATS - 1)),
		.wait = (uint8_t)below(seed, WAIT_KINDS),
		.stack = below(seed, 4) ? (uint32_t)below(seed, STACKS) : PROFILE_NONE,
		.time_ns = trace->begin_ns + at,
		.object = below(seed, 4)};
	e.until_ns = e.time_ns + (below(seed, 3) ? below(seed, 1000000) : below(seed, 1u << 31));
	if (e.what == RECORDING_TRACE_CREATED)
		e.object = below(seed, 5) ? below(seed, threads) : PROFILE_NONE;
	e.name = (uint32_t)below(seed, TEXTS);
	e.message = (uint32_t)below(seed, TEXTS);
	if (e.what == RECORDING_TRACE_TASK_BEGUN) {
		e.object = trace->event_n + 1; /* nobody else's */
		e.until_ns = below(seed, 100);
	}
	return e;
}

static struct export_trace random_trace(unsigned *seed)
{
	struct export_trace trace = empty_trace();
	uint32_t threads = 1 + (uint32_t)below(seed, 8);
	for (uint32_t i = 0; i < threads; i++) {
		uint64_t at = below(seed, 2) ? 0 : below(seed, 3000000000);
		add_thread(&trace, 1 + (int)below(seed, 5), below(seed, 2) * (trace.begin_ns + at));
		for (uint64_t n = below(seed, 40); n; n--) {
			at += below(seed, 4) ? below(seed, 100000) : below(seed, 1u << 29);
			add_event(&trace, random_event(seed, &trace, at, threads));
		}
	}
	return trace;
}

static void test_anything(void **state)
{
	static const char *const formats[] = {"1.22", "1.23", "1.25", "1.26"};
	for (unsigned i = 0; i < 3000; i++) {
		unsigned seed = i;
		struct export_trace trace = random_trace(&seed);
		write_and_check(&trace, formats[i % 4]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_one_number_twice),
		cmocka_unit_test(test_a_wait_inside_another),
		cmocka_unit_test(test_the_last_waker),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_no_such_format),
		cmocka_unit_test(test_a_sink_that_fails),
		cmocka_unit_test(test_anything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
