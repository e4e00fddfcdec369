/*
 * Collecting results into tables and summarizing them; see table.h.
 *
 * What table, row and column a value belongs to follows from the name and units of its result (the
 * shape) and from the configuration it stands under: filters and projections know nothing else. So
 * they are asked once for each such pair, and the cells found are remembered as its route.
 */
#include "benchfmt/benchfmt.h"

#include <math.h>
#include <stdlib.h>

void tables_init(struct tables *t, struct projector *projector, struct projection *table_by,
	struct projection *row_by, struct projection *col_by, struct projection *residue)
{
	*t = (struct tables){.projector = projector,
		.table_by = table_by,
		.row_by = row_by,
		.col_by = col_by,
		.residue = residue};
	arena_init(&t->arena);
	map_init(&t->known_routes);
}

static void warnings_release(struct warnings *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		mem_free(w->lines[i]);
	mem_free(w->lines);
}

static void warn(struct warnings *w, const char *fmt, ...) attr_printf(2, 3);
static void warn(struct warnings *w, const char *fmt, ...)
{
	struct buf line = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&line, fmt, ap);
	va_end(ap);
	vec_push(w->lines, w->n, w->cap, buf_detach(&line, NULL));
}

static void table_release(struct table *table)
{
	for (uint32_t i = 0; i < table->cell_n; i++) {
		struct cell *c = table->cells[i];
		rows_release(&c->rows);
		mem_free(c->values);
		mem_free(c->sample.counts);
		mem_free(c->residues);
		warnings_release(&c->warnings);
		warnings_release(&c->summary.warnings);
		warnings_release(&c->comparison.warnings);
	}
	for (uint32_t i = 0; table->summaries && i < table->col_n; i++)
		warnings_release(&table->summaries[i].warnings);
	mem_free(table->cells);
	mem_free(table->summaries);
	mem_free(table->rows);
	mem_free(table->cols);
	map_release(&table->index);
}

void tables_release(struct tables *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		table_release(&t->tables[i]);
	mem_free(t->tables);
	mem_free(t->order);
	mem_free(t->of_key);
	mem_free(t->cells);
	mem_free(t->routes);
	mem_free(t->targets);
	map_release(&t->known_routes);
	arena_release(&t->arena);
	*t = (struct tables){0};
}

/* --- collecting --- */

static struct table *table_of(struct tables *t, uint32_t key, uint32_t unit)
{
	if (key >= t->of_key_cap) {
		uint32_t cap = t->of_key_cap;
		vec_grow(t->of_key, (size_t)key + 1, t->of_key_cap);
		memset(t->of_key + cap, 0, (t->of_key_cap - cap) * sizeof(*t->of_key));
	}
	if (!t->of_key[key]) {
		vec_push(t->tables, t->n, t->cap, ((struct table){.key = key, .unit = unit}));
		t->of_key[key] = t->n;
	}
	return &t->tables[t->of_key[key] - 1];
}

static struct cell *cell_of(struct tables *t, struct table *table, uint32_t row, uint32_t col)
{
	bool is_new;
	uint32_t *slot = map_put(&table->index, (uint64_t)row << 32 | col, &is_new);
	if (is_new) {
		*slot = table->cell_n;
		struct cell *c = arena_zalloc(&t->arena, sizeof(*c));
		c->table = (uint32_t)(table - t->tables);
		c->row = row;
		c->col = col;
		vec_push(table->cells, table->cell_n, table->cell_cap, c);
		vec_push(t->cells, t->cell_n, t->cell_cap, c);
	}
	return table->cells[*slot];
}

const struct cell *table_cell(const struct table *table, uint32_t row, uint32_t col)
{
	const uint32_t *slot = map_get(&table->index, (uint64_t)row << 32 | col);
	return slot ? table->cells[*slot] : NULL;
}

/* Asks the filter and the projections: appends the cell of each value to the targets. */
static void find_targets(struct tables *t)
{
	struct projector *p = t->projector;
	const struct bench_result *res = &p->reader->result;
	uint32_t row = BENCH_NO_KEY, col = 0, residue = 0;
	for (uint32_t i = 0; i < res->value_n; i++) {
		struct cell *c = NULL;
		if (projector_passes(p, i)) {
			if (row == BENCH_NO_KEY) {
				row = projection_project(t->row_by, p, 0);
				col = projection_project(t->col_by, p, 0);
				residue = projection_project(t->residue, p, 0);
			}
			uint32_t key = projection_project(t->table_by, p, res->units[i].unit);
			c = cell_of(t, table_of(t, key, res->units[i].unit), row, col);
			if (!c->residue_n || c->residues[c->residue_n - 1] != residue)
				vec_push(c->residues, c->residue_n, c->residue_cap, residue);
		}
		vec_push(t->targets, t->target_n, t->target_cap, c);
	}
}

static struct route *route_of(struct tables *t, const struct bench_result *res)
{
	if (res->shape >= t->route_n) {
		uint32_t n = t->route_n;
		vec_grow(t->routes, (size_t)res->shape + 1, t->route_n);
		memset(t->routes + n, 0, (t->route_n - n) * sizeof(*t->routes));
	}
	struct route *route = &t->routes[res->shape];
	if (route->config_id != res->config_id) {
		bool is_new;
		uint32_t *targets = map_put(
			&t->known_routes, (uint64_t)res->shape << 32 | res->config_id, &is_new);
		if (is_new) {
			*targets = t->target_n;
			find_targets(t);
		}
		*route = (struct route){res->config_id, *targets};
	}
	return route;
}

void tables_add_rows(struct tables *t, struct value_block *block, const double *first, uint32_t n)
{
	const struct bench_result *res = &t->projector->reader->result;
	uint32_t at = route_of(t, res)->targets;
	struct cell *const *targets = t->targets + at; /* route_of() may move them */
	for (uint32_t i = 0; i < res->value_n; i++)
		if (targets[i])
			rows_add(&targets[i]->rows, block, first + i, res->value_n, n);
}

/* --- summarizing --- */

static void summarize_median(struct cell *c, double confidence)
{
	struct summary *s = &c->summary;
	struct order_interval ci = stats_median_ci((int)c->n, confidence);
	s->center = sample_quantile(&c->sample, 0.5);
	s->lo = ci.lo < 1 ? -INFINITY : sample_at(&c->sample, (uint32_t)ci.lo - 1);
	s->hi = ci.hi - 1 >= (int)c->n ? INFINITY : sample_at(&c->sample, (uint32_t)ci.hi - 1);
	if (!isinf(s->lo) && !isinf(s->hi))
		return;
	struct buf level = BUF_INIT;
	int need = stats_median_needs(confidence);
	number_print(confidence, &level);
	warn(&s->warnings, "need %s %d samples for confidence interval at level %s",
		need ? ">=" : ">", need ? need : 50, level.data);
	buf_release(&level);
}

/* The commonest value. */
static void summarize_exact(struct cell *c)
{
	struct summary *s = &c->summary;
	uint32_t run = 1, most = 1;
	s->center = s->lo = c->values[0];
	s->hi = c->values[c->n - 1];
	for (uint32_t i = 1; i < c->n; i++) {
		run = c->values[i] == c->values[i - 1] ? run + 1 : 1;
		if (run > most) {
			most = run;
			s->center = c->values[i];
		}
	}
	if (most == c->n)
		return;
	struct buf lo = BUF_INIT, hi = BUF_INIT;
	number_print(s->lo, &lo);
	number_print(s->hi, &hi);
	warn(&s->warnings, "exact distribution expected, but values range from %s to %s", lo.data,
		hi.data);
	buf_release(&lo);
	buf_release(&hi);
}

static void compare(struct cell *c, enum assumption assumption, const struct table_options *options)
{
	struct comparison *cmp = &c->comparison;
	cmp->n1 = c->baseline->n;
	cmp->n2 = c->n;
	if (assumption == ASSUME_EXACT)
		return;
	cmp->alpha = options->alpha;
	enum utest_result result = stats_utest(&c->baseline->sample, &c->sample, NULL, &cmp->p);
	cmp->has_effect =
		options->details && stats_ratio_interval(&c->baseline->sample, &c->sample,
					    options->confidence, &cmp->effect, &cmp->lo, &cmp->hi);
	if (result != UTEST_OK) {
		cmp->p = 1;
		warn(&cmp->warnings, "%s",
			result == UTEST_EQUAL ? "all samples are equal" : "sample is too small");
		return;
	}
	if (!(cmp->p > cmp->alpha))
		return;
	int need = stats_utest_needs(cmp->alpha);
	if (cmp->n1 >= (uint32_t)(need ? need : 10) || cmp->n2 >= (uint32_t)(need ? need : 10))
		return;
	struct buf level = BUF_INIT;
	number_print(cmp->alpha, &level);
	warn(&cmp->warnings, "need %s %d samples to detect a difference at alpha level %s",
		need ? ">=" : ">", need ? need : 10, level.data);
	buf_release(&level);
}

/* Fields that no projection shows and that differ within the cell. */
static void warn_of_residue(const struct tables *t, struct cell *c)
{
	const struct projection *proj = t->residue;
	struct buf names = BUF_INIT;
	uint32_t *flat = mem_array(proj->field_n + 1, sizeof(*flat));
	uint32_t n = projection_flat(proj, flat);
	for (uint32_t i = 0; i < n && c->residue_n > 1; i++) {
		uint32_t value = projection_get(proj, c->residues[0], flat[i]);
		bool varies = false;
		for (uint32_t j = 1; j < c->residue_n && !varies; j++)
			varies = projection_get(proj, c->residues[j], flat[i]) != value;
		if (varies)
			buf_printf(
				&names, "%s%s", names.len ? ", " : "", proj->fields[flat[i]].name);
	}
	if (names.len)
		warn(&c->warnings, "benchmarks vary in %s", names.data);
	buf_release(&names);
	mem_free(flat);
}

static uint32_t *keys_of(
	const struct tables *t, const struct table *table, bool rows, uint32_t *ret_n)
{
	struct map seen;
	map_init(&seen);
	uint32_t *keys = mem_array(table->cell_n, sizeof(*keys)), n = 0;
	for (uint32_t i = 0; i < table->cell_n; i++) {
		bool is_new;
		uint32_t key = rows ? table->cells[i]->row : table->cells[i]->col;
		map_put(&seen, key, &is_new);
		if (is_new)
			keys[n++] = key;
	}
	map_release(&seen);
	projection_sort(rows ? t->row_by : t->col_by, t->projector, keys, n);
	*ret_n = n;
	return keys;
}

/* False: they are not of that sort. */
static bool count_values(struct cell *c)
{
	struct value_counts *counts = value_counts_new(c->values, c->n);
	if (!counts)
		return false;
	c->sample = (struct sample){.n = c->n, .counts = counts};
	mem_free(c->values);
	c->values = NULL;
	return true;
}

static void summarize_cell(
	const struct tables *t, struct cell *c, const struct table_options *options)
{
	bool exact = t->tables[c->table].assumption == ASSUME_EXACT;
	c->values = rows_take(&c->rows, &c->n);
	if (exact || options->details || !count_values(c)) {
		sample_sort(c->values, c->n);
		c->sample = (struct sample){.values = c->values, .n = c->n};
	}
	if (exact)
		summarize_exact(c);
	else
		summarize_median(c, options->confidence);
	warn_of_residue(t, c);
}

static void summarize_column(struct table *table, uint32_t i, uint32_t baselines)
{
	struct column_summary *s = &table->summaries[i];
	double *centers = mem_array(table->row_n, sizeof(*centers));
	double *ratios = mem_array(table->row_n, sizeof(*ratios));
	uint32_t n = 0, ratio_n = 0;
	bool by_zero = false;
	for (uint32_t row = 0; row < table->row_n; row++) {
		const struct cell *c = table_cell(table, table->rows[row], table->cols[i]);
		if (!c)
			continue;
		double now = c->summary.center,
		       before = c->baseline ? c->baseline->summary.center : 0;
		centers[n++] = now;
		if (!c->baseline)
			continue;
		by_zero |= now != before && before == 0;
		ratios[ratio_n++] = now == before ? 1 : before == 0 ? 0 : now / before;
	}
	if (i > 0 && baselines != ratio_n)
		warn(&s->warnings,
			"benchmark set differs from baseline; geomeans may not be comparable");
	s->summary = stats_geomean(centers, n);
	s->has_summary = !isnan(s->summary);
	if (!s->has_summary)
		warn(&s->warnings, "summaries must be >0 to compute geomean");
	if (i > 0 && !by_zero) {
		s->ratio = stats_geomean(ratios, ratio_n);
		s->has_ratio = !isnan(s->ratio);
		if (!s->has_ratio)
			warn(&s->warnings, "ratios must be >0 to compute geomean");
	}
	mem_free(centers);
	mem_free(ratios);
}

static void place_cells(struct tables *t, struct table *table)
{
	const char *assume = bench_reader_metadata(t->projector->reader, table->unit, "assume");
	table->assumption = assume && strcmp(assume, "exact") == 0 ? ASSUME_EXACT : ASSUME_NOTHING;
	table->rows = keys_of(t, table, true, &table->row_n);
	table->cols = keys_of(t, table, false, &table->col_n);
	for (uint32_t i = 0; i < table->cell_n; i++) {
		struct cell *c = table->cells[i];
		if (c->col != table->cols[0])
			c->baseline = table_cell(table, c->row, table->cols[0]);
	}
}

static void summarize_columns(struct table *table)
{
	uint32_t baselines = 0;
	for (uint32_t row = 0; row < table->row_n; row++)
		baselines += table_cell(table, table->rows[row], table->cols[0]) != NULL;
	table->summaries = mem_zalloc(table->col_n * sizeof(*table->summaries));
	for (uint32_t i = 0; i < table->col_n; i++)
		summarize_column(table, i, baselines);
}

/* All comparisons of one run are one family of tests. */
static void correct_for_number(struct tables *t)
{
	struct comparison **all = NULL;
	uint32_t n = 0, cap = 0;
	for (uint32_t i = 0; i < t->n; i++)
		for (uint32_t j = 0; j < t->tables[i].cell_n; j++)
			if (t->tables[i].cells[j]->baseline &&
				t->tables[i].assumption == ASSUME_NOTHING)
				vec_push(all, n, cap, &t->tables[i].cells[j]->comparison);
	double *p = mem_array(n + 1, sizeof(*p));
	for (uint32_t i = 0; i < n; i++)
		p[i] = all[i]->p;
	stats_holm(p, n);
	for (uint32_t i = 0; i < n; i++)
		all[i]->p = p[i];
	mem_free(p);
	mem_free(all);
}

/* Cells are summarized on many threads, a row of a table at a time, since that is what is compared;
 * so its values need not be kept. */
struct finish {
	struct tables *tables;
	const struct table_options *options;
	struct cell **cells; /* by row */
	uint32_t *rows;	     /* where each begins in `cells`, and the end */
};

static void drop_values(struct cell *c)
{
	mem_free(c->values);
	mem_free(c->sample.counts);
	c->values = NULL;
	c->sample = (struct sample){0};
}

static void finish_row(void *ctx, unsigned thread, uint32_t row)
{
	const struct finish *f = ctx;
	struct tables *t = f->tables;
	struct cell **cells = f->cells + f->rows[row];
	uint32_t n = f->rows[row + 1] - f->rows[row];
	for (uint32_t i = 0; i < n; i++)
		summarize_cell(t, cells[i], f->options);
	for (uint32_t i = 0; i < n; i++)
		if (cells[i]->baseline)
			compare(cells[i], t->tables[cells[i]->table].assumption, f->options);
	for (uint32_t i = 0; i < n && !f->options->details; i++)
		drop_values(cells[i]);
}

static bool same_row(const struct cell *a, const struct cell *b)
{
	return a->table == b->table && a->row == b->row;
}

/* The same row of all tables in turn: their values are the same results', side by side in memory. */
static int by_row(const void *a, const void *b)
{
	const struct cell *x = *(const struct cell *const *)a, *y = *(const struct cell *const *)b;
	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return (x->table > y->table) - (x->table < y->table);
}

static void finish_cells(struct tables *t, const struct table_options *options)
{
	struct finish f = {t, options};
	uint32_t rows = 0;
	f.cells = mem_array((size_t)t->cell_n + 1, sizeof(struct cell *));
	f.rows = mem_array((size_t)t->cell_n + 1, sizeof(*f.rows));
	if (t->cell_n)
		memcpy(f.cells, t->cells, t->cell_n * sizeof(struct cell *));
	qsort(f.cells, t->cell_n, sizeof(struct cell *), by_row);
	for (uint32_t i = 0; i < t->cell_n; i++)
		if (i == 0 || !same_row(f.cells[i - 1], f.cells[i]))
			f.rows[rows++] = i;
	f.rows[rows] = t->cell_n;
	parallel_each(options->threads, rows, finish_row, &f);
	mem_free(f.cells);
	mem_free(f.rows);
}

static void order_tables(struct tables *t)
{
	uint32_t *keys = mem_array(t->n + 1, sizeof(*keys));
	t->order = mem_array(t->n + 1, sizeof(*t->order));
	for (uint32_t i = 0; i < t->n; i++)
		keys[i] = t->tables[i].key;
	projection_sort(t->table_by, t->projector, keys, t->n);
	for (uint32_t i = 0; i < t->n; i++)
		t->order[i] = t->of_key[keys[i]] - 1;
	mem_free(keys);
}

void tables_finish(struct tables *t, const struct table_options *options)
{
	for (uint32_t i = 0; i < t->n; i++)
		place_cells(t, &t->tables[i]);
	finish_cells(t, options);
	for (uint32_t i = 0; i < t->n; i++)
		summarize_columns(&t->tables[i]);
	order_tables(t);
	if (options->holm)
		correct_for_number(t);
}

/* --- words --- */

static int sign(double v)
{
	return (v > 0) - (v < 0);
}

void summary_range(const struct summary *s, struct buf *out)
{
	if (isinf(s->lo) || isinf(s->hi))
		buf_addstr(out, "\xe2\x88\x9e");
	else if (sign(s->center) != sign(s->lo) || sign(s->center) != sign(s->hi))
		buf_addstr(out, "?");
	else if (s->center == 0)
		buf_addstr(out, "0%");
	else
		buf_printf(out, "%.0f%%", 100 * fmax(s->hi / s->center - 1, 1 - s->lo / s->center));
}

void comparison_describe(const struct comparison *c, struct buf *out)
{
	if (c->p != 0)
		buf_printf(out, "p=%0.3f ", c->p);
	if (c->n1 == c->n2)
		buf_printf(out, "n=%u", c->n1);
	else
		buf_printf(out, "n=%u+%u", c->n1, c->n2);
}

void comparison_delta(
	const struct comparison *c, double old_center, double new_center, struct buf *out)
{
	if (c->p > c->alpha)
		buf_addstr(out, "~");
	else if (old_center == new_center)
		buf_addstr(out, "0.00%");
	else if (old_center == 0)
		buf_addstr(out, "?");
	else
		buf_printf(out, "%+.2f%%", (new_center / old_center - 1.0) * 100.0);
}

int table_better(const struct tables *t, const struct table *table)
{
	const char *said = bench_reader_metadata(t->projector->reader, table->unit, "better");
	if (said)
		return strcmp(said, "higher") == 0 ? 1 : strcmp(said, "lower") == 0 ? -1 : 0;
	return unit_better(bench_str(t->projector->reader, table->unit));
}

int comparison_verdict(const struct tables *t, const struct table *table, const struct cell *cell)
{
	if (!cell->baseline || cell->comparison.p > cell->comparison.alpha)
		return 0;
	return sign(cell->summary.center - cell->baseline->summary.center) * table_better(t, table);
}

void tables_each_header(
	const struct tables *t, uint32_t i, void (*line)(void *ctx, const char *line), void *ctx)
{
	const struct projection *proj = t->table_by;
	const struct table *table = &t->tables[t->order[i]];
	uint32_t *flat = mem_array(proj->field_n + 1, sizeof(*flat));
	uint32_t n = projection_flat(proj, flat);
	if (i > 0)
		line(ctx, "");
	for (uint32_t j = 0; j < n; j++) {
		const struct projection_field *f = &proj->fields[flat[j]];
		uint32_t value = projection_get(proj, table->key, flat[j]);
		bool same = i > 0 &&
			    projection_get(proj, t->tables[t->order[i - 1]].key, flat[j]) == value;
		if (f->is_unit || same)
			continue;
		struct buf text = BUF_INIT;
		buf_printf(&text, "%s: %s", f->name, bench_str(t->projector->reader, value));
		line(ctx, text.data);
		buf_release(&text);
	}
	mem_free(flat);
}
