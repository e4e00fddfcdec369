/*
 * Every sample with its stack (traces).
 *
 * The report is long, 3.6 million lines for 100,000 stacks, so a location's lines are put together
 * once and then copied.
 */
#include "report/labels.h"
#include "report/out.h"

#include <stdlib.h>

/* The lines of each location, without the value that goes before a sample's first. */
struct rendered {
	struct buf text;
	size_t *first; /* location -> its text; [location_n] is the end */
};

enum {
	VALUE_WIDTH = 10,
	CHUNK = 32, /* what is copied at once; there is room for one more after every text */
};

static void render(struct graph *g, struct rendered *ret)
{
	uint32_t n = g->profile->location_n;
	buf_init(&ret->text);
	ret->first = mem_array((size_t)n + 1, sizeof(*ret->first));
	for (uint32_t i = 0; i < n; i++) {
		ret->first[i] = ret->text.len;
		for (uint32_t k = g->frame_first[i]; k < g->frame_first[i + 1]; k++) {
			bool inlined = k != g->frame_first[i + 1] - 1;
			buf_fill(&ret->text, ' ', VALUE_WIDTH + 3);
			buf_addstr(&ret->text, graph_name(g, g->frames[k]));
			buf_addstr(&ret->text, inlined ? " (inline)\n" : "\n");
		}
	}
	ret->first[n] = ret->text.len;
	buf_reserve(&ret->text, CHUNK);
}

/* The distinct keys of a sample's labels of one kind. */
static uint32_t label_keys(const struct label *labels, uint32_t n, bool numbers, uint32_t *keys)
{
	uint32_t key_n = 0;
	for (uint32_t i = 0; i < n; i++) {
		bool is_new = labels[i].is_num == numbers;
		for (uint32_t k = 0; k < key_n && is_new; k++)
			is_new = keys[k] != labels[i].key;
		if (is_new)
			keys[key_n++] = labels[i].key;
	}
	return key_n;
}

static void put_label(struct report *r, const struct label *label, struct buf *out)
{
	buf_addch(out, ' ');
	if (label->is_num)
		unit_label(label->num, report_label_unit(r, label->key), "auto", out);
	else
		buf_addstr(out, profile_str(r->profile, label->str));
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A line for each key, "key:  value value", in the order of the lines. */
static void put_labels(
	struct report *r, const struct label *labels, uint32_t n, bool numbers, struct buf *out)
{
	uint32_t *keys = mem_array(n, sizeof(*keys));
	uint32_t key_n = label_keys(labels, n, numbers, keys);
	char **lines = mem_array((size_t)key_n + 1, sizeof(*lines));
	for (uint32_t k = 0; k < key_n; k++) {
		struct buf line = BUF_INIT;
		buf_addstr(&line, profile_str(r->profile, keys[k]));
		report_pad(&line, 0, VALUE_WIDTH);
		buf_addstr(&line, ": ");
		for (uint32_t i = 0; i < n; i++)
			if (labels[i].key == keys[k] && labels[i].is_num == numbers)
				put_label(r, &labels[i], &line);
		buf_addch(&line, '\n');
		lines[k] = buf_detach(&line, NULL);
	}
	qsort(lines, key_n, sizeof(*lines), compare_strings);
	for (uint32_t k = 0; k < key_n; k++) {
		buf_addstr(out, lines[k]);
		mem_free(lines[k]);
	}
	mem_free(lines);
	mem_free(keys);
}

static int64_t sample_mean(const struct report *r, uint32_t sample)
{
	const int64_t *values = profile_values(r->profile, sample);
	int64_t v = values[r->value_index];
	int64_t d = r->mean_index < 0 ? 0 : values[r->mean_index];
	return d ? v / d : v;
}

/* In whole chunks, past the end: lines are short, and memcpy() would spend its time choosing how to
 * copy each. */
static char *copy_text(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i += CHUNK)
		memcpy(to + i, from + i, CHUNK);
	return to + n;
}

static void put_stack(struct report *r, const struct rendered *lines, const uint32_t *stack,
	uint32_t n, int64_t value, struct buf *out)
{
	size_t size = CHUNK;
	for (uint32_t i = 0; i < n; i++)
		size += lines->first[stack[i] + 1] - lines->first[stack[i]];
	report_value_padded(r, value, VALUE_WIDTH, out);
	buf_reserve(out, size);
	char *to = out->data + out->len;
	size_t skip = VALUE_WIDTH; /* the value stands where the first line has spaces */
	for (uint32_t i = 0; i < n; i++, skip = 0) {
		size_t from = lines->first[stack[i]] + skip;
		to = copy_text(to, lines->text.data + from, lines->first[stack[i] + 1] - from);
	}
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

int report_traces(struct report *r, struct sink *to, struct err *err)
{
	static const char separator[] =
		"-----------+-------------------------------------------------------\n";
	struct profile *p = r->profile;
	struct report_labels labels;
	struct rendered lines;
	struct graph g;
	struct out out;
	report_labels_profile(r, &labels);
	graph_init(&g, p, &(struct graph_options){.mean_index = -1});
	render(&g, &lines);
	out_init(&out, to);
	report_labels_join(&labels, &out.buf);
	for (uint32_t s = 0; s < p->sample_n; s++) {
		uint32_t label_n;
		const uint32_t *stack = profile_stack(p, s, &g.stack);
		const struct label *sample_labels = profile_labels(p, s, &label_n);
		if (!g.stack.n)
			continue;
		buf_add(&out.buf, separator, sizeof(separator) - 1);
		if (label_n) {
			put_labels(r, sample_labels, label_n, false, &out.buf);
			put_labels(r, sample_labels, label_n, true, &out.buf);
		}
		put_stack(r, &lines, stack, g.stack.n, sample_mean(r, s), &out.buf);
		out_step(&out);
	}
	buf_add(&out.buf, separator, sizeof(separator) - 1);
	buf_release(&lines.text);
	mem_free(lines.first);
	graph_release(&g);
	report_labels_release(&labels);
	return out_finish(&out, err);
}
