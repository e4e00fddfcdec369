/*
 * The rows of a flame graph: stacks flattened to keys, sorted, equal ones made one. See flame.h.
 *
 * Sorted by multikey quicksort (Bentley and Sedgewick): a pass splits rows by one key of theirs,
 * and only rows that are alike so far look at the next. (Rejected: comparing whole stacks, which
 * reads the frames near the root, the same in nearly all, at every comparison.)
 */
#include "report/flame_internal.h"
#include "report/prepare.h"

#include <math.h>

#define KEYS_MAX ((size_t)1 << 29) /* 2 GB */

/* --- sorting --- */

struct sorting {
	const uint32_t *keys;
	const uint32_t *end; /* of each row */
};

static uint32_t row_start(const uint32_t *end, uint32_t row)
{
	return row ? end[row - 1] : 0;
}

/* 0 where a row has ended: shorter rows come first. */
static uint32_t key_at(const struct sorting *s, uint32_t row, size_t depth)
{
	size_t at = row_start(s->end, row) + depth;
	return at < s->end[row] ? s->keys[at] + 1 : 0;
}

static bool row_less(const struct sorting *s, uint32_t a, uint32_t b, size_t depth)
{
	for (;; depth++) {
		uint32_t x = key_at(s, a, depth), y = key_at(s, b, depth);
		if (x != y || !x)
			return x < y;
	}
}

static void insertion_sort(const struct sorting *s, uint32_t *rows, size_t n, size_t depth)
{
	for (size_t i = 1; i < n; i++) {
		uint32_t row = rows[i];
		size_t at = i;
		for (; at > 0 && row_less(s, row, rows[at - 1], depth); at--)
			rows[at] = rows[at - 1];
		rows[at] = row;
	}
}

static void swap_rows(uint32_t *a, uint32_t *b)
{
	uint32_t t = *a;
	*a = *b;
	*b = t;
}

/* Rows before *ret_equal have a smaller key at the depth, those from *ret_greater on a greater. */
static uint32_t split(const struct sorting *s, uint32_t *rows, size_t n, size_t depth,
	size_t *ret_equal, size_t *ret_greater)
{
	/* From anywhere: an order made to be slow is not worth making. */
	uint32_t pivot = key_at(s, rows[hash_u64(n ^ (uint64_t)rows[0] << 32) % n], depth);
	size_t equal = 0, at = 0, greater = n;
	while (at < greater) {
		uint32_t key = key_at(s, rows[at], depth);
		if (key < pivot)
			swap_rows(&rows[equal++], &rows[at++]);
		else if (key > pivot)
			swap_rows(&rows[at], &rows[--greater]);
		else
			at++;
	}
	*ret_equal = equal;
	*ret_greater = greater;
	return pivot;
}

struct span {
	uint32_t *rows;
	size_t n, depth;
};

/* Recurses into all but the largest part, so never deeper than a logarithm of n. */
static void sort_rows(const struct sorting *s, uint32_t *rows, size_t n, size_t depth)
{
	while (n > 1) {
		if (n < 12) {
			insertion_sort(s, rows, n, depth);
			return;
		}
		size_t equal, greater;
		uint32_t pivot = split(s, rows, n, depth, &equal, &greater);
		struct span parts[] = {
			{rows, equal, depth},
			{rows + equal, pivot ? greater - equal : 0, depth + 1},
			{rows + greater, n - greater, depth},
		};
		size_t largest = 0;
		for (size_t i = 1; i < array_len(parts); i++)
			if (parts[i].n > parts[largest].n)
				largest = i;
		for (size_t i = 0; i < array_len(parts); i++)
			if (i != largest)
				sort_rows(s, parts[i].rows, parts[i].n, parts[i].depth);
		rows = parts[largest].rows;
		n = parts[largest].n;
		depth = parts[largest].depth;
	}
}

static uint32_t *sorted_order(const struct flame_rows *rows)
{
	struct sorting s = {rows->keys, rows->end};
	uint32_t *order = mem_array((size_t)rows->n + 1, sizeof(*order));
	for (uint32_t i = 0; i < rows->n; i++)
		order[i] = i;
	sort_rows(&s, order, rows->n, 0);
	return order;
}

/* --- rows in order --- */

/* Running sums may wrap around, as the profile's own may: a difference of two is right again. */
static int64_t wrapping_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* What a row is worth: in a diff with what was before, which may be all it is. */
static double magnitude(const struct flame *f, uint32_t type, uint32_t row)
{
	const int64_t *running = f->running[type];
	double value = (double)(running[row + 1] - running[row]);
	if (f->places->column_n == f->places->type_n)
		return fabs(value);
	const int64_t *base = f->running[f->places->type_n + type];
	double before = (double)(base[row + 1] - base[row]);
	return fabs(before) + fabs(value + before);
}

static void weigh_rows(struct flame *f)
{
	double *weight = f->weight = mem_zalloc(((size_t)f->row_n + 1) * sizeof(*weight));
	for (uint32_t type = 0; type < f->places->type_n; type++) {
		double whole = 0; /* of magnitudes: a diff's sum may be nothing */
		for (uint32_t i = 0; i < f->row_n; i++)
			whole += magnitude(f, type, i);
		for (uint32_t i = 0; i < f->row_n && whole > 0; i++)
			weight[i + 1] += magnitude(f, type, i) / whole;
	}
	for (uint32_t i = 0; i < f->row_n; i++)
		weight[i + 1] += weight[i];
}

static uint32_t count_shared(const uint32_t *a, uint32_t a_n, const uint32_t *b, uint32_t b_n)
{
	uint32_t n = a_n < b_n ? a_n : b_n, i = 0;
	while (i < n && a[i] == b[i])
		i++;
	return i;
}

static void add_values(struct flame *f, uint32_t row, const int64_t *values)
{
	for (uint32_t column = 0; column < f->places->column_n; column++)
		f->running[column][row + 1] =
			wrapping_add(f->running[column][row + 1], values[column]);
}

static void add_row(struct flame *f, uint32_t first, uint32_t depth, uint32_t shared)
{
	uint32_t row = f->row_n++;
	f->first[row] = first;
	f->depth[row] = depth;
	f->shared[row] = shared;
	f->before[row + 1] = f->before[row] + depth - shared;
	for (uint32_t column = 0; column < f->places->column_n; column++)
		f->running[column][row + 1] = f->running[column][row];
}

/* The keys stay where they are: what is asked of a graph later is in the other columns. */
static void take_rows(struct flame *f, const struct flame_rows *rows)
{
	uint32_t *order = sorted_order(rows), last = 0, last_n = 0;
	f->keys = rows->keys;
	for (uint32_t i = 0; i < rows->n; i++) {
		uint32_t row = order[i], first = row_start(rows->end, row);
		uint32_t n = rows->end[row] - first;
		uint32_t shared = count_shared(f->keys + last, last_n, f->keys + first, n);
		if (!f->row_n || shared != n || shared != last_n)
			add_row(f, first, n, shared);
		add_values(f, f->row_n - 1, rows->values + (size_t)row * f->places->column_n);
		last = first;
		last_n = n;
	}
	mem_free(order);
}

struct flame *flame_sort(struct flame_places *places, uint32_t root, struct flame_rows *rows)
{
	struct flame *f = mem_zalloc(sizeof(*f));
	size_t cells = (size_t)rows->n + 1;
	f->places = places;
	places->refs++;
	f->root = root;
	rows->keys = mem_rearray(rows->keys, rows->key_n + 1, sizeof(*rows->keys));
	f->key_n = rows->key_n;
	f->first = mem_array(cells, sizeof(*f->first));
	f->depth = mem_array(cells, sizeof(*f->depth));
	f->shared = mem_array(cells, sizeof(*f->shared));
	f->before = mem_zalloc(cells * sizeof(*f->before));
	f->running = mem_array((size_t)places->column_n + 1, sizeof(*f->running));
	for (uint32_t column = 0; column < places->column_n; column++)
		f->running[column] = mem_zalloc(cells * sizeof(int64_t));
	take_rows(f, rows);
	rows->keys = NULL;
	weigh_rows(f);
	return f;
}

static void release_rows(struct flame_rows *rows)
{
	mem_free(rows->keys);
	mem_free(rows->end);
	mem_free(rows->values);
}

/* --- from a report --- */

/* The function's name by itself, its file stands apart; its line where lines are told apart.
 * Addresses and objects are named as in text. */
static uint32_t add_name(struct flame_places *places, struct graph *g, uint32_t info)
{
	const struct node_info *i = &g->infos[info];
	const char *name = i->name ? profile_str(g->profile, i->name) : graph_name(g, info);
	if (!i->name || !i->line)
		return strtab_addstr(&places->names, name);
	struct buf text = BUF_INIT;
	buf_printf(&text, "%s:%lld", name, (long long)i->line);
	if (i->column)
		buf_printf(&text, ":%lld", (long long)i->column);
	uint32_t id = strtab_add(&places->names, text.data, text.len);
	buf_release(&text);
	return id;
}

static void add_place(struct flame_places *places, struct graph *g, uint32_t info)
{
	const struct node_info *i = &g->infos[info];
	uint32_t where = i->file ? i->file : i->objfile;
	places->name[info] = add_name(places, g, info);
	places->file[info] = strtab_addstr(&places->files, profile_str(g->profile, where));
}

static void add_modules(struct flame_places *places, const struct graph *g)
{
	const struct profile *p = g->profile;
	for (uint32_t loc = 0; loc < p->location_n; loc++) {
		uint32_t mapping = p->locations[loc].mapping;
		if (mapping == PROFILE_NONE)
			continue;
		const char *file = profile_str(p, p->mappings[mapping].file);
		for (uint32_t i = g->frame_first[loc]; i < g->frame_first[loc + 1]; i++)
			if (!places->module[g->frames[i]])
				places->module[g->frames[i]] = strtab_addstr(&places->files, file);
	}
}

static struct flame_places *make_places(struct report *r, struct graph *g, uint32_t column_n)
{
	const struct profile *p = r->profile;
	struct flame_places *places = mem_zalloc(sizeof(*places));
	strtab_init(&places->names);
	strtab_init(&places->files);
	places->n = g->info_n;
	places->name = mem_array((size_t)g->info_n + 1, sizeof(*places->name));
	places->file = mem_array((size_t)g->info_n + 1, sizeof(*places->file));
	for (uint32_t i = 0; i < g->info_n; i++)
		add_place(places, g, i);
	places->module = mem_zalloc(((size_t)g->info_n + 1) * sizeof(*places->module));
	add_modules(places, g);
	places->type_n = p->sample_type_n;
	places->column_n = column_n;
	places->type = r->value_index;
	places->types = mem_array((size_t)p->sample_type_n + 1, sizeof(*places->types));
	for (uint32_t i = 0; i < p->sample_type_n; i++) {
		const struct value_type *vt = &p->sample_types[i];
		places->types[i].name = mem_strdup(profile_str(p, vt->type));
		places->types[i].unit = mem_strdup(profile_str(p, vt->unit));
	}
	places->title = mem_strdup(r->title);
	report_labels_profile(r, &places->labels);
	return places;
}

static void free_places(struct flame_places *places)
{
	if (--places->refs)
		return;
	for (uint32_t i = 0; i < places->type_n; i++) {
		mem_free(places->types[i].name);
		mem_free(places->types[i].unit);
	}
	strtab_release(&places->names);
	strtab_release(&places->files);
	report_labels_release(&places->labels);
	report_labels_release(&places->notes);
	mem_free(places->title);
	mem_free(places->types);
	mem_free(places->name);
	mem_free(places->file);
	mem_free(places->module);
	mem_free(places);
}

/* A location's frames lie innermost first: all but the last are inlined into the next. */
static void push_location(struct flame_rows *rows, const struct graph *g, uint32_t loc)
{
	uint32_t from = g->frame_first[loc], end = g->frame_first[loc + 1];
	vec_grow(rows->keys, rows->key_n + end - from, rows->key_cap);
	for (uint32_t i = end; i > from; i--)
		rows->keys[rows->key_n++] = g->frames[i - 1] << 1 | (i != end);
}

static int push_stack(struct flame_rows *rows, const struct graph *g, const uint32_t *stack,
	uint32_t n, struct err *err)
{
	/* Room for a key a location; inlined frames may use it up. */
	vec_grow(rows->keys, rows->key_n + n, rows->key_cap);
	for (uint32_t i = n; i > 0; i--) {
		uint32_t sole = g->sole[stack[i - 1]];
		if (sole != GRAPH_MANY && rows->key_n < rows->key_cap)
			rows->keys[rows->key_n++] = sole << 1;
		else
			push_location(rows, g, stack[i - 1]);
		if (rows->key_n > KEYS_MAX)
			return err_set(err, ERR_LIMIT,
				"the stacks have more than %zu frames together: focus on some",
				KEYS_MAX);
	}
	return 0;
}

/* Finds rows by their stacks, for samples that differ in labels only: such may be many. Equal
 * stacks that it misses become one when they are sorted. */
struct finder {
	struct map rows;  /* hash of a stack -> its row */
	uint32_t *sample; /* of each row */
	uint32_t cap;
	struct stack other; /* a sample with the same hash */
	bool used;
};

/* The row of a sample with the same stack, or that for a new one: rows->n. */
static uint32_t find_row(struct finder *f, const struct flame_rows *rows, const struct profile *p,
	uint32_t sample, const uint32_t *stack, uint32_t n)
{
	bool is_new;
	if (!f->used)
		return rows->n;
	uint32_t *row = map_put(&f->rows, hash_bytes(stack, n * sizeof(*stack), n), &is_new);
	const uint32_t *other = is_new ? NULL : profile_stack(p, f->sample[*row], &f->other);
	if (other && f->other.n == n && memcmp(stack, other, n * sizeof(*stack)) == 0)
		return *row;
	*row = rows->n;
	vec_grow(f->sample, (size_t)rows->n + 1, f->cap);
	f->sample[rows->n] = sample;
	return rows->n;
}

/* Of a diff's base, whose values are negative, both what it takes away and what it was. */
static void add_sample(int64_t *row, const struct profile *p, uint32_t sample, bool is_base)
{
	const int64_t *values = profile_values(p, sample);
	for (uint32_t type = 0; type < p->sample_type_n; type++) {
		row[type] = wrapping_add(row[type], values[type]);
		if (is_base)
			row[p->sample_type_n + type] =
				(int64_t)((uint64_t)row[p->sample_type_n + type] -
					  (uint64_t)values[type]);
	}
}

static bool is_diff(const struct profile *p, struct base_mark mark)
{
	for (uint32_t i = 0; i < p->sample_n && mark.key != UINT32_MAX; i++)
		if (report_is_base(p, i, mark))
			return true;
	return false;
}

static int flatten(struct flame_rows *rows, const struct profile *p, const struct graph *g,
	uint32_t column_n, struct err *err)
{
	struct finder finder = {.used = p->label_n > 0};
	struct base_mark mark = report_base_mark(p);
	bool diff = column_n > p->sample_type_n;
	uint32_t end_cap = 0;
	struct stack own = {0};
	int rc = 0;
	map_init(&finder.rows);
	rows->values = mem_zalloc(((size_t)p->sample_n * column_n + 1) * sizeof(*rows->values));
	for (uint32_t i = 0; i < p->sample_n && rc >= 0; i++) {
		const uint32_t *stack = profile_stack(p, i, &own);
		uint32_t n = own.n;
		uint32_t row = find_row(&finder, rows, p, i, stack, n);
		if (row == rows->n) {
			rc = push_stack(rows, g, stack, n, err);
			vec_push(rows->end, rows->n, end_cap, (uint32_t)rows->key_n);
		}
		add_sample(rows->values + (size_t)row * column_n, p, i,
			diff && report_is_base(p, i, mark));
	}
	mem_free(finder.sample);
	stack_release(&finder.other);
	stack_release(&own);
	map_release(&finder.rows);
	return rc;
}

int flame_new(struct flame **ret, struct report *r, struct err *err)
{
	struct graph g;
	struct flame_rows rows = {0};
	struct graph_options options = {
		.value_index = r->value_index, .mean_index = -1, .keep_objfile = false};
	graph_init(&g, r->profile, &options);
	uint32_t column_n = r->profile->sample_type_n;
	if (is_diff(r->profile, report_base_mark(r->profile)))
		column_n *= 2;
	int rc = flatten(&rows, r->profile, &g, column_n, err);
	if (rc >= 0) {
		struct flame_places *places = make_places(r, &g, column_n);
		*ret = flame_sort(places, strtab_addstr(&places->names, "all"), &rows);
	}
	release_rows(&rows);
	graph_release(&g);
	return rc;
}

void flame_free(struct flame *f)
{
	if (!f)
		return;
	for (uint32_t column = 0; column < f->places->column_n; column++)
		mem_free(f->running[column]);
	free_places(f->places);
	mem_free(f->keys);
	mem_free(f->first);
	mem_free(f->depth);
	mem_free(f->shared);
	mem_free(f->before);
	mem_free(f->weight);
	mem_free(f->running);
	mem_free(f);
}

void flame_note(struct flame *f, const char *line)
{
	struct report_labels *notes = &f->places->notes;
	vec_push(notes->lines, notes->n, notes->cap, mem_strdup(line));
}

const struct report_labels *flame_notes(const struct flame *f)
{
	return &f->places->notes;
}

uint32_t flame_type(const struct flame *f)
{
	return f->places->type;
}

size_t flame_size(const struct flame *f)
{
	size_t row = 4 * sizeof(uint32_t) + sizeof(double) + f->places->column_n * sizeof(int64_t);
	return f->key_n * sizeof(*f->keys) + f->row_n * row;
}

/* --- around a function --- */

bool flame_has(const struct flame *f, const char *name)
{
	uint32_t id = strtab_find(&f->places->names, name, strlen(name));
	for (uint32_t i = 0; i < f->places->n && id != UINT32_MAX; i++)
		if (f->places->name[i] == id)
			return true;
	return false;
}

/* Where the function first stands in the row, from the root; the row's length if it does not. */
static size_t outermost(const struct flame *f, const uint32_t *keys, size_t n, uint32_t name)
{
	size_t i = 0;
	while (i < n && f->places->name[keys[i] >> 1] != name)
		i++;
	return i;
}

static void push_keys(struct flame_rows *to, const uint32_t *keys, size_t n, bool reversed)
{
	vec_grow(to->keys, to->key_n + n, to->key_cap);
	for (size_t i = 0; i < n; i++)
		to->keys[to->key_n++] = keys[reversed ? n - 1 - i : i];
}

struct flame *flame_around(const struct flame *f, const char *name, enum flame_side side)
{
	struct flame_rows rows = {0};
	uint32_t id = strtab_addstr(&f->places->names, name), columns = f->places->column_n;
	uint32_t end_cap = 0;
	rows.values = mem_array((size_t)f->row_n * columns + 1, sizeof(*rows.values));
	for (uint32_t row = 0; row < f->row_n; row++) {
		const uint32_t *keys = f->keys + f->first[row];
		size_t n = f->depth[row], at = outermost(f, keys, n, id);
		if (at == n)
			continue;
		if (side == FLAME_CALLERS)
			push_keys(&rows, keys, at, true);
		else
			push_keys(&rows, keys + at + 1, n - at - 1, false);
		for (uint32_t column = 0; column < columns; column++)
			rows.values[(size_t)rows.n * columns + column] =
				f->running[column][row + 1] - f->running[column][row];
		vec_push(rows.end, rows.n, end_cap, (uint32_t)rows.key_n);
	}
	struct flame *around = flame_sort(f->places, id, &rows);
	release_rows(&rows);
	return around;
}
