/*
 * Operations on values, labels and granularity.
 */
#include "pprof/internal.h"

#include <math.h>

void profile_scale(struct profile *p, double ratio)
{
	double *ratios = mem_array(p->sample_type_n + (size_t)1, sizeof(*ratios));
	for (uint32_t i = 0; i < p->sample_type_n; i++)
		ratios[i] = ratio;
	profile_scale_n(p, ratios);
	mem_free(ratios);
}

/* True if a scaled value is left; Go does not count those whose ratio is 1. */
static bool scale_values(int64_t *values, const double *ratios, uint32_t n)
{
	bool keep = false;
	for (uint32_t i = 0; i < n; i++) {
		if (ratios[i] == 1)
			continue;
		values[i] = int64_of(round((double)values[i] * ratios[i]));
		keep |= values[i] != 0;
	}
	return keep;
}

void profile_scale_n(struct profile *p, const double *ratios)
{
	bool all_ones = true;
	for (uint32_t i = 0; i < p->sample_type_n; i++)
		all_ones &= ratios[i] == 1;
	if (all_ones)
		return;
	struct edit e;
	edit_begin(&e, p);
	while (edit_next(&e))
		if (scale_values(profile_values(p, e.i), ratios, p->sample_type_n))
			edit_keep(&e, e.stack, e.stack_n);
	edit_end(&e);
}

static int64_t *totals(const struct profile *p)
{
	uint32_t n = p->sample_type_n;
	int64_t *sums = mem_zalloc((n + (size_t)1) * sizeof(*sums));
	for (uint32_t i = 0; i < p->sample_n; i++)
		for (uint32_t j = 0; j < n; j++)
			sums[j] = (int64_t)((uint64_t)sums[j] + (uint64_t)profile_values(p, i)[j]);
	return sums;
}

int profile_normalize(struct profile *p, const struct profile *base, struct err *err)
{
	int rc = profile_compatible(p, base, err);
	if (rc < 0)
		return rc;
	int64_t *of_base = totals(base), *own = totals(p);
	double *ratios = mem_array(p->sample_type_n + (size_t)1, sizeof(*ratios));
	for (uint32_t i = 0; i < p->sample_type_n; i++)
		ratios[i] = own[i] ? (double)of_base[i] / (double)own[i] : 0;
	profile_scale_n(p, ratios);
	mem_free(of_base);
	mem_free(own);
	mem_free(ratios);
	return 0;
}

/* Rewrites the labels: those of one key and kind go, and `added`, if any, comes to each sample. */
static void replace_label(struct profile *p, uint32_t key, bool is_num, const struct label *added)
{
	struct label *old = p->labels;
	size_t from = 0, old_n = p->label_n;
	profile_need_label_ends(p);
	p->labels = NULL;
	p->label_n = p->label_cap = 0;
	vec_grow(p->labels, old_n + (added ? p->sample_n : 0) + 1, p->label_cap);
	for (uint32_t i = 0; i < p->sample_n; i++) {
		size_t first = p->label_n;
		for (; from < p->label_end[i]; from++)
			if (old[from].key != key || old[from].is_num != is_num)
				p->labels[p->label_n++] = old[from];
		if (added) {
			p->labels[p->label_n++] = *added;
			labels_sort(p, p->labels + first, (uint32_t)(p->label_n - first));
		}
		p->label_end[i] = (uint32_t)p->label_n;
	}
	mem_free(old);
	profile_drop_unknown(p, 1 << MSG_LABEL);
}

void profile_set_label(struct profile *p, const char *key, const char *value)
{
	struct label label = {
		.key = strtab_addstr(&p->strings, key),
		.str = strtab_addstr(&p->strings, value),
	};
	replace_label(p, label.key, false, &label);
}

void profile_remove_label(struct profile *p, const char *key)
{
	replace_label(p, strtab_addstr(&p->strings, key), false, NULL);
}

void profile_remove_num_label(struct profile *p, const char *key)
{
	replace_label(p, strtab_addstr(&p->strings, key), true, NULL);
}

static void aggregate_location(struct profile *p, struct location *l, unsigned keep)
{
	if (!(keep & PROFILE_KEEP_INLINES) && l->line_n > 1) {
		l->line_first += l->line_n - 1;
		l->line_n = 1;
	}
	for (uint32_t i = 0; i < l->line_n; i++) {
		struct line *line = &p->lines[l->line_first + i];
		if (!(keep & PROFILE_KEEP_LINES))
			line->line = line->column = 0;
		if (!(keep & PROFILE_KEEP_COLUMNS))
			line->column = 0;
	}
	if (!(keep & PROFILE_KEEP_ADDRESSES))
		l->address = 0;
}

void profile_aggregate(struct profile *p, unsigned keep)
{
	for (uint32_t i = 0; i < p->mapping_n; i++) {
		struct mapping *m = &p->mappings[i];
		m->has_inline_frames &= (keep & PROFILE_KEEP_INLINES) != 0;
		m->has_functions &= (keep & PROFILE_KEEP_FUNCTIONS) != 0;
		m->has_filenames &= (keep & PROFILE_KEEP_FILES) != 0;
		m->has_line_numbers &= (keep & PROFILE_KEEP_LINES) != 0;
	}
	for (uint32_t i = 0; i < p->function_n; i++) {
		struct function *f = &p->functions[i];
		if (!(keep & PROFILE_KEEP_FUNCTIONS))
			f->name = f->system_name = 0;
		if (!(keep & PROFILE_KEEP_FILES))
			f->filename = 0;
	}
	for (uint32_t i = 0; i < p->location_n; i++)
		aggregate_location(p, &p->locations[i], keep);
}

bool profile_has_functions(const struct profile *p)
{
	for (uint32_t i = 0; i < p->location_n; i++) {
		uint32_t m = p->locations[i].mapping;
		if (m != PROFILE_NONE && !p->mappings[m].has_functions)
			return false;
	}
	return true;
}

bool profile_has_file_lines(const struct profile *p)
{
	for (uint32_t i = 0; i < p->location_n; i++) {
		uint32_t m = p->locations[i].mapping;
		if (m != PROFILE_NONE &&
			!(p->mappings[m].has_filenames && p->mappings[m].has_line_numbers))
			return false;
	}
	return true;
}

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool mapping_unsymbolizable(const struct profile *p, const struct mapping *m)
{
	const char *file = profile_str(p, m->file);
	const char *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;
	return !*file || *base == '[' || has_prefix(base, "linux-vdso") ||
	       has_prefix(file, "/dev/dri/") || has_prefix(file, "/memfd:") ||
	       strcmp(file, "//anon") == 0;
}
