/*
 * Reading inputs into tables: what comes of it does not depend on how many threads read, nor on
 * where the inputs are cut, and is what stands in the lines.
 */
#include "../unit.h"

#include "benchfmt/benchfmt.h"

struct fixture {
	struct bench_reader reader;
	struct projector projector;
	struct projection table_by, row_by, col_by, residue;
	struct tables tables;
};

static void start(struct fixture *f, const char *filter, const char *row)
{
	struct filter *parsed;
	*f = (struct fixture){0};
	assert_int_equal(filter_parse(filter, &parsed, NULL), 0);
	bench_reader_init(&f->reader);
	projector_init(&f->projector, &f->reader, parsed);
	assert_int_equal(projection_parse(&f->table_by, &f->projector, "note", true, NULL), 0);
	assert_int_equal(projection_parse(&f->row_by, &f->projector, row, false, NULL), 0);
	assert_int_equal(projection_parse(&f->col_by, &f->projector, ".file", false, NULL), 0);
	projection_residue(&f->residue, &f->projector);
	tables_init(&f->tables, &f->projector, &f->table_by, &f->row_by, &f->col_by, &f->residue);
}

static void stop(struct fixture *f)
{
	tables_release(&f->tables);
	projection_release(&f->table_by);
	projection_release(&f->row_by);
	projection_release(&f->col_by);
	projection_release(&f->residue);
	projector_release(&f->projector);
	bench_reader_release(&f->reader);
}

static void add_message(void *ctx, const char *msg)
{
	buf_printf(ctx, "%s\n", msg);
}

/* Errors, then the tables with all their values. */
static void read_all(const struct bench_input *inputs, uint32_t n, const char *filter,
	const char *row, struct load_options options, struct buf *out)
{
	struct fixture f;
	start(&f, filter, row);
	tables_read(&f.tables, inputs, n, &options, add_message, out);
	tables_finish(&f.tables, &(struct table_options){.alpha = 0.05,
					 .confidence = 0.95,
					 .details = true,
					 .threads = options.threads});
	tables_write_text(&f.tables, out);
	tables_write_json(&f.tables, out);
	stop(&f);
}

static const char *one_of(const char *const *words, size_t n)
{
	return words[(size_t)rand() % n];
}

/* Lines of every kind; a name's results come in bunches, mostly. */
static void write_lines(struct buf *out, int lines)
{
	static const char *const others[] = {"note: a\n", "note: b\n", "note:\n", "pkg: x\r\n",
		"PASS\n", "\n", "Unit ns/op better=lower\n", "Unit x a=1 a=2 b\n",
		"BenchmarkAlone\n", "BenchmarkWrong 1\n", "BenchmarkWrong x 1 x\n", "ok: \n"};
	static const char *const numbers[] = {
		"0", "-0", "1.5", "2e3", "-7", "12345678901234567890", "0.1"};
	for (int i = 0; i < lines; i++) {
		if (rand() % 12 == 0) {
			buf_addstr(out, one_of(others, array_len(others)));
			continue;
		}
		int name = rand() % 5;
		for (int times = rand() % 3 ? 1 : 20; times > 0; times--) {
			buf_printf(out, "BenchmarkB%d/k=%d %d %d.%d ns/op", name, name % 2, i,
				rand() % 100, rand() % 10);
			if (rand() % 3)
				buf_printf(out, " %s x",
					rand() % 8 ? "3" : one_of(numbers, array_len(numbers)));
			buf_addstr(out, "\n");
		}
	}
	if (rand() % 2)
		buf_addstr(out, "BenchmarkLast 1 1 x");
}

static void cuts_and_threads_do_not_matter(void **state)
{
	static const struct load_options options[] = {
		{1, 64}, {1, 1000}, {2, 300}, {3, 5000}, {8, 40}, {4, 1}};
	static const char *const queries[][2] = {
		{"*", ".fullname"}, {"*", ".name"}, {".unit:x", "/k"}, {"-.name:B1", ".name"}};
	srand(5);
	for (int round = 0; round < 12; round++) {
		struct buf texts[3] = {BUF_INIT, BUF_INIT, BUF_INIT};
		struct bench_input inputs[3];
		const char *const *query = queries[round % 4];
		struct buf want = BUF_INIT;
		for (int i = 0; i < 3; i++) {
			if (i != 1) /* one is empty */
				write_lines(&texts[i], 150);
			inputs[i] = (struct bench_input){
				i ? "b" : "a", i ? "B" : "A", texts[i].data, texts[i].len, false};
		}
		read_all(inputs, 3, query[0], query[1], (struct load_options){1, SIZE_MAX}, &want);
		for (size_t i = 0; i < array_len(options); i++) {
			struct buf got = BUF_INIT;
			read_all(inputs, 3, query[0], query[1], options[i], &got);
			assert_string_equal(got.data, want.data);
			buf_release(&got);
		}
		for (int i = 0; i < 3; i++)
			buf_release(&texts[i]);
		buf_release(&want);
	}
}

/* The values of the only cell, in the order of their sizes. */
static void expect_values(const char *text, const char *row, const char *want)
{
	struct fixture f;
	struct buf got = BUF_INIT;
	struct bench_input in = {"f", "f", text, strlen(text), false};
	start(&f, "*", row);
	tables_read(&f.tables, &in, 1, &(struct load_options){1, LOAD_PIECE}, add_message, &got);
	tables_finish(&f.tables,
		&(struct table_options){
			.alpha = 0.05, .confidence = 0.95, .details = true, .threads = 1});
	assert_int_equal(f.tables.cell_n, 1);
	for (uint32_t i = 0; i < f.tables.cells[0]->n; i++)
		buf_printf(&got, "%g ", f.tables.cells[0]->values[i]);
	assert_string_equal(got.data, want);
	buf_release(&got);
	stop(&f);
}

static void values_come_from_lines(void **state)
{
	expect_values("BenchmarkA 1 3 x\nBenchmarkA 1 1 x\nPASS\nBenchmarkA 1 2e0 x\n", ".name",
		"1 2 3 ");
	expect_values("BenchmarkA/1 1 3 x\nBenchmarkA/2 1 1 x\npkg: p\nBenchmarkA/1 1 2 x\n",
		".name", "1 2 3 ");
	expect_values("BenchmarkA 1 x x\nBenchmarkA 1 2 x\nBenchmarkA\nBenchmarkA 1\n", ".name",
		"f:1: parsing measurement: invalid syntax\nf:4: missing measurements\n2 ");
	/* Of 0 and -0 the one that came first stays first, among lines of several shapes too. */
	expect_values("BenchmarkA/1 1 0 x\nBenchmarkA/2 1 -0 x\nBenchmarkA/1 1 0 x\n", ".name",
		"0 -0 0 ");
	expect_values("BenchmarkA/1 1 -0 x\nBenchmarkA/2 1 0 x\nBenchmarkA/1 1 -0 x\n", ".name",
		"-0 0 -0 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_and_threads_do_not_matter),
		cmocka_unit_test(values_come_from_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
