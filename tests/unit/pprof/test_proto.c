/*
 * profile.proto: what is built is read back, in every encoding the format allows; what is not
 * understood is kept; what is wrong is refused with Go's words.
 */
#include "pprof/pprof.h"
#include "../unit.h"

static uint32_t str(struct profile *p, const char *s)
{
	return strtab_addstr(&p->strings, s);
}

static void build(struct profile *p)
{
	profile_init(p);
	profile_add_sample_type(p, "samples", "count");
	profile_add_sample_type(p, "cpu", "nanoseconds");
	p->period_type = (struct value_type){str(p, "cpu"), str(p, "nanoseconds")};
	p->period = 10000000;
	p->time_nanos = 1700000000123456789;
	p->duration_nanos = 1500000000;
	struct mapping m = {.start = 0x1000,
		.limit = 0x5000,
		.file = str(p, "/bin/x"),
		.build_id = str(p, "abc"),
		.has_functions = true};
	uint32_t map = profile_add_mapping(p, &m);
	struct function f = {.name = str(p, "main"),
		.system_name = str(p, "main"),
		.filename = str(p, "main.c"),
		.start_line = 3};
	struct function g = {
		.name = str(p, "f"), .system_name = str(p, "_f"), .filename = str(p, "f.c")};
	struct line inl[] = {{.function = profile_add_function(p, &g), .line = 10, .column = 2},
		{.function = profile_add_function(p, &f), .line = 7}};
	uint32_t leaf = profile_add_location(p, map, 0x1234, inl, 2);
	uint32_t root = profile_add_location(p, map, 0x2000, inl + 1, 1);
	struct label labels[] = {
		{.key = str(p, "bytes"), .num = 64, .num_unit = str(p, "bytes"), .is_num = true},
		{.key = str(p, "user"), .str = str(p, "bob")},
		{.key = str(p, "id"), .str = str(p, "7")},
	};
	uint32_t stack[] = {leaf, root, root, root};
	profile_add_sample(p, stack, 4, (int64_t[]){1, 10000000}, labels, 3);
	profile_add_sample(p, stack + 1, 1, (int64_t[]){-2, 0}, NULL, 0);
	profile_add_sample(p, NULL, 0, (int64_t[]){3, 4}, NULL, 0);
}

static const char expected_text[] = "PeriodType: cpu nanoseconds\n"
				    "Period: 10000000\n"
				    "Time: 2023-11-14 22:13:20.123456789 +0000 UTC\n"
				    "Duration: 1.5s\n"
				    "Samples:\n"
				    "samples/count cpu/nanoseconds\n"
				    "          1   10000000: 1 2 2 2 \n"
				    "                id:[7] user:[bob]\n"
				    "                bytes:[64 bytes]\n"
				    "         -2          0: 2 \n"
				    "          3          4: \n"
				    "Locations\n"
				    "     1: 0x1234 M=1 f f.c:10:2 s=0(_f)\n"
				    "             main main.c:7:0 s=3\n"
				    "     2: 0x2000 M=1 main main.c:7:0 s=3\n"
				    "Mappings\n"
				    "1: 0x1000/0x5000/0x0 /bin/x abc [FN]\n";

static struct buf text_of(const struct profile *p)
{
	struct buf text = BUF_INIT;
	struct sink sink = buf_sink(&text);
	assert_int_equal(profile_string(p, &sink), 0);
	return text;
}

static void what_is_built_is_read_back(void **state)
{
	struct profile p, q, copy;
	struct buf once = BUF_INIT, twice = BUF_INIT;
	build(&p);
	assert_int_equal(profile_check(&p, NULL), 0);
	profile_write(&p, &once);
	assert_int_equal(profile_parse(&q, once.data, once.len, NULL, NULL), 0);
	profile_write(&q, &twice);
	assert_int_equal(once.len, twice.len);
	assert_memory_equal(once.data, twice.data, once.len);
	profile_copy(&copy, &q);
	profile_release(&q);
	profile_release(&p);
	struct buf text = text_of(&copy);
	assert_string_equal(text.data, expected_text);
	buf_release(&text);
	buf_release(&once);
	buf_release(&twice);
	profile_release(&copy);
}

/* A message by hand: one sample type and a string table, then what the test adds. */
static void begin(struct buf *m)
{
	size_t mark = wire_begin(m, 1);
	wire_put_uint(m, 1, 1);
	wire_put_uint(m, 2, 2);
	wire_end(m, mark);
	wire_put_bytes(m, 6, "", 0);
	wire_put_bytes(m, 6, "cpu", 3);
	wire_put_bytes(m, 6, "ns", 2);
}

static void put_sample(struct buf *m, uint64_t location, uint64_t value)
{
	size_t mark = wire_begin(m, 2);
	wire_put_uint(m, 1, location);
	wire_put_uint(m, 2, value);
	wire_end(m, mark);
}

static void put_location(struct buf *m, uint64_t id)
{
	size_t mark = wire_begin(m, 4);
	wire_put_uint(m, 1, id);
	wire_put_uint(m, 3, id * 16);
	wire_end(m, mark);
}

static void ids_need_not_be_dense_nor_in_order(void **state)
{
	const uint64_t ids[] = {3, 1, 0x80000000u, 0x7fffffff, UINT64_MAX, 0x100000000u};
	struct buf m = BUF_INIT;
	struct profile p;
	begin(&m);
	for (size_t i = 0; i < array_len(ids); i++)
		put_sample(&m, ids[i], i);
	for (size_t i = array_len(ids); i-- > 0;)
		put_location(&m, ids[i]);
	assert_int_equal(profile_parse(&p, m.data, m.len, NULL, NULL), 0);
	struct stack stack = {0};
	for (uint32_t i = 0; i < array_len(ids); i++) {
		profile_stack(&p, i, &stack);
		assert_int_equal(stack.n, 1);
		assert_true(p.locations[stack.at[0]].id == ids[i]);
		assert_true(p.locations[stack.at[0]].address == ids[i] * 16);
	}
	stack_release(&stack);
	profile_release(&p);
	buf_release(&m);
}

static void refused(struct buf *m, const char *message)
{
	struct profile p;
	struct err err = ERR_INIT;
	assert_true(profile_parse(&p, m->data, m->len, NULL, &err) < 0);
	assert_string_equal(err.msg, message);
	buf_release(m);
	begin(m);
}

static void broken_rules_are_named_as_go_names_them(void **state)
{
	struct buf m = BUF_INIT;
	refused(&m, "parsing profile: empty input file");
	put_sample(&m, 1, 1);
	refused(&m, "malformed profile: sample has nil location");
	put_sample(&m, 0, 1);
	refused(&m, "malformed profile: sample has nil location");
	put_location(&m, 5);
	put_location(&m, 5);
	refused(&m, "malformed profile: multiple locations with same id: 5");
	put_location(&m, 0);
	refused(&m, "malformed profile: found location with reserved id=0");
	wire_put_bytes(&m, 2, "\x10\x01\x10\x02", 4);
	refused(&m, "malformed profile: mismatch: sample has 2 values vs. 1 types");
	wire_put_bytes(&m, 4, "\x08\x07\x22\x02\x08\x01", 6);
	refused(&m, "malformed profile: location id: 7 has a line with nil function");
	wire_put_uint(&m, 9, 5);
	wire_put_uint(&m, 9, 6);
	refused(&m, "parsing profile: concatenated profiles detected");
	wire_put_uint(&m, 7, 3); /* drop_frames: no such string */
	refused(&m, "parsing profile: unrecognized profile format");
	buf_release(&m);
	wire_put_bytes(&m, 6, "not empty", 9);
	refused(&m, "parsing profile: unrecognized profile format");
	buf_release(&m);
}

static void errors_say_where(void **state)
{
	struct buf m = BUF_INIT;
	struct profile p;
	struct err err = ERR_INIT;
	begin(&m);
	size_t at = m.len;
	wire_put_bytes(&m, 2, "\x0a\x7f", 2); /* a packed stack that is longer than its sample */
	assert_true(profile_parse(&p, m.data, m.len, NULL, &err) < 0);
	assert_int_equal(err.offset, at + 2);
	buf_release(&m);
}

/* More samples than the reader's window holds, and a string that is larger than it. */
static void compressed_is_read_as_plain_is(void **state)
{
	enum { SAMPLES = 60000, LONG = 700000 };
	struct buf m = BUF_INIT, zip = BUF_INIT, once = BUF_INIT, twice = BUF_INIT, text = BUF_INIT;
	struct profile plain, packed;
	struct err why = ERR_INIT, why_packed = ERR_INIT;
	begin(&m);
	for (uint64_t i = 0; i < SAMPLES; i++)
		put_sample(&m, 1 + i % 3, i);
	for (uint64_t id = 1; id <= 3; id++)
		put_location(&m, id);
	buf_fill(&text, 'x', LONG);
	wire_put_bytes(&m, 6, text.data, text.len);
	wire_put_uint(&m, 13, 3);
	gzip_deflate(m.data, m.len, 1, &zip);
	assert_int_equal(profile_parse(&plain, m.data, m.len, NULL, NULL), 0);
	assert_int_equal(profile_parse(&packed, zip.data, zip.len, NULL, NULL), 0);
	assert_int_equal(strtab_len(&packed.strings, packed.comments[0]), LONG);
	profile_encode(&plain, &once);
	profile_encode(&packed, &twice);
	assert_int_equal(once.len, twice.len);
	assert_memory_equal(once.data, twice.data, once.len);
	wire_put_bytes(&m, 2, "\x0a\x7f", 2);
	buf_clear(&zip);
	gzip_deflate(m.data, m.len, 1, &zip);
	profile_release(&plain);
	profile_release(&packed);
	assert_true(profile_parse(&plain, m.data, m.len, NULL, &why) < 0);
	assert_true(profile_parse(&packed, zip.data, zip.len, NULL, &why_packed) < 0);
	assert_int_equal(why.offset, m.len - 2);
	assert_int_equal(why_packed.offset, m.len - 2);
	struct buf *all[] = {&m, &zip, &once, &twice, &text};
	for (size_t i = 0; i < array_len(all); i++)
		buf_release(all[i]);
}

static void limits_hold(void **state)
{
	struct buf m = BUF_INIT;
	struct profile p;
	struct err err = ERR_INIT;
	begin(&m);
	for (int i = 0; i < 100; i++)
		put_location(&m, (uint64_t)i + 1);
	struct profile_limits count = {.samples_max = 99}, memory = {.memory_max = 1000};
	assert_int_equal(profile_parse(&p, m.data, m.len, &count, &err), ERR_LIMIT);
	assert_int_equal(profile_parse(&p, m.data, m.len, &memory, &err), ERR_LIMIT);
	assert_int_equal(profile_parse(&p, m.data, m.len, NULL, &err), 0);
	profile_release(&p);
	buf_release(&m);
}

static void put_with_unknown(struct buf *m, uint32_t num, const char *known, size_t n, char tag)
{
	size_t mark = wire_begin(m, num);
	buf_add(m, known, n);
	wire_put_bytes(m, 100, &tag, 1);
	wire_end(m, mark);
}

/* Everything in Go's order but for the unknown fields, which follow the known ones: then writing
 * must give back the very bytes. */
static void unknown_fields_are_kept_at_every_level(void **state)
{
	struct buf m = BUF_INIT, line = BUF_INIT, label = BUF_INIT, back = BUF_INIT;
	put_with_unknown(&m, 1, "\x08\x01\x10\x02", 4, 'v');
	buf_add(&label, "\x08\x01\x10\x01", 4); /* a stack and a value of a sample */
	put_with_unknown(&label, 3, "\x08\x01\x10\x02", 4, 'l');
	put_with_unknown(&label, 3, "\x08\x02\x10\x01", 4, 'k');
	put_with_unknown(&m, 2, label.data, label.len, 's');
	put_with_unknown(&m, 3, "\x08\x01", 2, 'm');
	buf_add(&line, "\x08\x01", 2);
	put_with_unknown(&line, 4, "\x08\x01\x10\x05", 4, 'i');
	put_with_unknown(&m, 4, line.data, line.len, 'o');
	put_with_unknown(&m, 5, "\x08\x01\x10\x01", 4, 'f');
	wire_put_bytes(&m, 6, "", 0);
	wire_put_bytes(&m, 6, "a", 1);
	wire_put_bytes(&m, 6, "b", 1);
	put_with_unknown(&m, 11, "\x08\x01", 2, 'p');
	wire_put_uint(&m, 14, 0);
	wire_put_bytes(&m, 200, "top", 3);
	struct profile p;
	assert_int_equal(profile_parse(&p, m.data, m.len, NULL, NULL), 0);
	assert_int_equal(p.unknown_n, 10);
	profile_encode(&p, &back);
	assert_int_equal(back.len, m.len);
	assert_memory_equal(back.data, m.data, m.len);
	profile_release(&p);
	buf_release(&m);
	buf_release(&line);
	buf_release(&label);
	buf_release(&back);
}

static void repeated_strings_are_one(void **state)
{
	struct buf m = BUF_INIT;
	struct profile p;
	begin(&m);
	wire_put_bytes(&m, 6, "cpu", 3);
	wire_put_uint(&m, 14, 3);
	assert_int_equal(profile_parse(&p, m.data, m.len, NULL, NULL), 0);
	assert_int_equal(p.default_sample_type, p.sample_types[0].type);
	profile_release(&p);
	buf_release(&m);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read_back),
		cmocka_unit_test(ids_need_not_be_dense_nor_in_order),
		cmocka_unit_test(broken_rules_are_named_as_go_names_them),
		cmocka_unit_test(errors_say_where),
		cmocka_unit_test(compressed_is_read_as_plain_is),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(unknown_fields_are_kept_at_every_level),
		cmocka_unit_test(repeated_strings_are_one),
	};
	return cmocka_run_group_tests_name("proto", tests, NULL, NULL);
}
