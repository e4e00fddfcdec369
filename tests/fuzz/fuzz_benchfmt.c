/*
 * Any bytes as a results file, in columns by a line of it: read, summarized, printed in every
 * format.
 */
#include "benchfmt/benchfmt.h"

struct all {
	struct bench_reader reader;
	struct projector projector;
	struct projection table_by, row_by, col_by, residue;
	struct tables tables;
};

static void print_all(const struct tables *t)
{
	struct buf out = BUF_INIT, warnings = BUF_INIT;
	tables_write_text(t, &out);
	tables_write_csv(t, &out, &warnings);
	tables_write_json(t, &out);
	tables_write_markdown(t, &out);
	tables_write_html(t, true, 0.5, &out);
	buf_release(&out);
	buf_release(&warnings);
}

static void ignore(void *ctx, const char *msg)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct all a = {0};
	struct filter *filter;
	if (filter_parse("*", &filter, NULL) < 0)
		__builtin_trap();
	bench_reader_init(&a.reader);
	projector_init(&a.projector, &a.reader, filter);
	if (projection_parse(&a.table_by, &a.projector, ".config", true, NULL) < 0 ||
		projection_parse(&a.row_by, &a.projector, ".fullname", false, NULL) < 0 ||
		projection_parse(&a.col_by, &a.projector, "note", false, NULL) < 0)
		__builtin_trap();
	projection_residue(&a.residue, &a.projector);
	tables_init(&a.tables, &a.projector, &a.table_by, &a.row_by, &a.col_by, &a.residue);
	struct bench_input input = {"fuzz", "fuzz", (const char *)data, n, false};
	tables_read(&a.tables, &input, 1, &(struct load_options){1, 100}, ignore, NULL);
	tables_finish(&a.tables, &(struct table_options){.alpha = 0.05,
					 .confidence = 0.95,
					 .holm = true,
					 .details = true,
					 .threads = 1});
	print_all(&a.tables);
	tables_release(&a.tables);
	projection_release(&a.table_by);
	projection_release(&a.row_by);
	projection_release(&a.col_by);
	projection_release(&a.residue);
	projector_release(&a.projector);
	bench_reader_release(&a.reader);
	return 0;
}
