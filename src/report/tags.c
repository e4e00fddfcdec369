/*
 * What the labels of all samples add up to: a table for each key (tags).
 */
#include "report/align.h"
#include "report/out.h"
#include "report/report.h"

#include <stdlib.h>

/* A sum: of a key (value 0), or of one value of a key. Both are ids of `strings`. */
struct tag_sum {
	uint32_t key, value;
	int64_t sum;
};

struct tag_table {
	struct strtab strings;
	struct map index; /* key, value -> sum */
	struct tag_sum *sums;
	uint32_t n, cap;
	struct map shown; /* label key, label string -> id in strings, + 1 */
};

static void add_sum(struct tag_table *t, uint32_t key, uint32_t value, int64_t v)
{
	bool is_new;
	uint32_t *slot = map_put(&t->index, (uint64_t)key << 32 | value, &is_new);
	if (is_new) {
		struct tag_sum sum = {.key = key, .value = value};
		*slot = t->n;
		vec_push(t->sums, t->n, t->cap, sum);
	}
	t->sums[*slot].sum += v;
}

static uint32_t intern_value(struct report *r, struct tag_table *t, const struct label *label)
{
	struct buf text = BUF_INIT;
	if (label->is_num)
		unit_label(label->num, report_label_unit(r, label->key), r->output_unit, &text);
	else
		buf_addstr(&text, profile_str(r->profile, label->str));
	uint32_t id = strtab_add(&t->strings, text.data, text.len);
	buf_release(&text);
	return id;
}

/* Values count from 1, so that 0 stands for the whole key. */
static void sum_label(struct report *r, struct tag_table *t, const struct label *label, int64_t v)
{
	uint32_t key = strtab_addstr(&t->strings, profile_str(r->profile, label->key));
	uint32_t value;
	if (label->is_num) {
		value = intern_value(r, t, label);
	} else {
		bool is_new;
		uint32_t *slot =
			map_put(&t->shown, (uint64_t)label->key << 32 | label->str, &is_new);
		if (is_new)
			*slot = intern_value(r, t, label);
		value = *slot;
	}
	add_sum(t, key, 0, v);
	add_sum(t, key, value + 1, v);
}

static int compare_sums(const void *pa, const void *pb, void *ctx)
{
	const struct tag_sum *a = pa, *b = pb;
	const struct strtab *strings = ctx;
	if (a->key != b->key)
		return strcmp(strtab_get(strings, a->key), strtab_get(strings, b->key));
	if (!a->value || !b->value)
		return a->value ? 1 : b->value ? -1 : 0;
	int64_t x = graph_abs(a->sum), y = graph_abs(b->sum);
	if (x != y)
		return x > y ? -1 : 1;
	return strcmp(strtab_get(strings, a->value - 1), strtab_get(strings, b->value - 1));
}

static void put_key(struct report *r, const char *key, int64_t sum, struct buf *out)
{
	buf_printf(out, "%s:\t Total ", key);
	report_value(r, sum, out);
	buf_addstr(out, " of ");
	report_value(r, r->total, out);
	if (r->total > 0) {
		buf_addstr(out, " (");
		unit_percentage(sum, r->total, out);
		buf_addch(out, ')');
	}
	buf_addch(out, '\n');
}

static void put_value(struct report *r, const char *value, int64_t sum, struct buf *out)
{
	buf_addstr(out, " \t");
	report_value(r, sum, out);
	if (r->total > 0) {
		buf_addstr(out, " (");
		unit_percentage(sum, r->total, out);
		buf_addch(out, ')');
	}
	buf_printf(out, ":\t %s\n", value);
}

static void put_sums(struct report *r, const struct tag_table *t, struct buf *out)
{
	struct buf text = BUF_INIT;
	for (uint32_t i = 0; i < t->n; i++) {
		const struct tag_sum *s = &t->sums[i];
		if (s->value) {
			put_value(r, strtab_get(&t->strings, s->value - 1), s->sum, &text);
		} else {
			if (i)
				buf_addch(&text, '\n');
			put_key(r, strtab_get(&t->strings, s->key), s->sum, &text);
		}
	}
	if (t->n)
		buf_addch(&text, '\n');
	report_align(text.data, text.len, out);
	buf_release(&text);
}

int report_tags(struct report *r, struct sink *to, struct err *err)
{
	struct profile *p = r->profile;
	struct tag_table t = {0};
	strtab_init(&t.strings);
	map_init(&t.index);
	map_init(&t.shown);
	for (uint32_t s = 0; s < p->sample_n; s++) {
		uint32_t n;
		const struct label *labels = profile_labels(p, s, &n);
		int64_t v = profile_values(p, s)[r->value_index];
		for (uint32_t i = 0; i < n; i++)
			sum_label(r, &t, &labels[i], v);
	}
	if (t.n)
		qsort_r(t.sums, t.n, sizeof(*t.sums), compare_sums, &t.strings);

	struct out out;
	out_init(&out, to);
	put_sums(r, &t, &out.buf);
	strtab_release(&t.strings);
	map_release(&t.index);
	map_release(&t.shown);
	mem_free(t.sums);
	return out_finish(&out, err);
}
