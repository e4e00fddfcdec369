/*
 * The life of a profile and how one is built by hand: the agent's export, the legacy readers and
 * the tests all come through here; the profile.proto reader fills the same columns itself.
 *
 * Labels are kept in the one order that Go's encoder gives them (string labels before numeric ones,
 * each sorted by key, equal keys in the order they came), so that writing, printing and comparing
 * need not sort again. profile_add_sample() and the reader both see to it.
 */
#include "pprof/internal.h"

void profile_init(struct profile *p)
{
	*p = (struct profile){0};
	strtab_init(&p->strings);
	buf_init(&p->unknown_bytes);
	/* Never NULL, so that empty spans of them are valid pointers. */
	vec_grow(p->labels, 1, p->label_cap);
	vec_grow(p->lines, 1, p->line_cap);
}

void profile_release(struct profile *p)
{
	strtab_release(&p->strings);
	buf_release(&p->unknown_bytes);
	mem_free(p->sample_types);
	mem_free(p->stack_at);
	mem_free(p->label_end);
	mem_free(p->values);
	frames_release(&p->frames);
	mem_free(p->labels);
	mem_free(p->mappings);
	mem_free(p->locations);
	mem_free(p->lines);
	mem_free(p->functions);
	mem_free(p->comments);
	mem_free(p->unknowns);
	*p = (struct profile){0};
}

static void *dup(const void *src, size_t n, size_t size)
{
	void *copy = mem_array(n ? n : 1, size);
	if (n)
		memcpy(copy, src, n * size);
	return copy;
}

#define COPY(ptr, n) (dst->ptr = dup(src->ptr, (n), sizeof(*src->ptr)))

void profile_copy(struct profile *dst, const struct profile *src)
{
	*dst = *src;
	strtab_copy(&dst->strings, &src->strings);
	COPY(sample_types, dst->sample_type_cap = src->sample_type_n);
	COPY(stack_at, dst->sample_cap = src->sample_n);
	if (src->label_end)
		COPY(label_end, src->sample_n);
	COPY(values, (size_t)src->sample_n * src->sample_type_n);
	frames_copy(&dst->frames, &src->frames);
	COPY(labels, dst->label_cap = src->label_n);
	COPY(mappings, dst->mapping_cap = src->mapping_n);
	COPY(locations, dst->location_cap = src->location_n);
	COPY(lines, dst->line_cap = src->line_n);
	COPY(functions, dst->function_cap = src->function_n);
	COPY(comments, dst->comment_cap = src->comment_n);
	COPY(unknowns, dst->unknown_cap = src->unknown_n);
	buf_init(&dst->unknown_bytes);
	buf_add(&dst->unknown_bytes, src->unknown_bytes.data, src->unknown_bytes.len);
}

void profile_share(struct profile *dst, const struct profile *src)
{
	*dst = *src;
	strtab_copy(&dst->strings, &src->strings);
	COPY(mappings, dst->mapping_cap = src->mapping_n);
	COPY(locations, dst->location_cap = src->location_n);
	COPY(lines, dst->line_cap = src->line_n);
	COPY(functions, dst->function_cap = src->function_n);
}

void profile_release_shared(struct profile *p)
{
	strtab_release(&p->strings);
	mem_free(p->mappings);
	mem_free(p->locations);
	mem_free(p->lines);
	mem_free(p->functions);
	*p = (struct profile){0};
}

uint32_t profile_add_sample_type(struct profile *p, const char *type, const char *unit)
{
	struct value_type vt = {strtab_addstr(&p->strings, type), strtab_addstr(&p->strings, unit)};
	vec_push(p->sample_types, p->sample_type_n, p->sample_type_cap, vt);
	return p->sample_type_n - 1;
}

uint32_t profile_add_mapping(struct profile *p, const struct mapping *m)
{
	vec_push(p->mappings, p->mapping_n, p->mapping_cap, *m);
	struct mapping *added = &p->mappings[p->mapping_n - 1];
	added->id = p->mapping_n;
	added->kernel_relocation_symbol = mapping_relocation_symbol(p, m->file);
	return p->mapping_n - 1;
}

uint32_t profile_add_function(struct profile *p, const struct function *f)
{
	vec_push(p->functions, p->function_n, p->function_cap, *f);
	p->functions[p->function_n - 1].id = p->function_n;
	return p->function_n - 1;
}

static uint32_t add_lines(struct profile *p, const struct line *lines, uint32_t n)
{
	uint32_t first = p->line_n;
	vec_grow(p->lines, (size_t)p->line_n + n, p->line_cap);
	for (uint32_t i = 0; i < n; i++)
		p->lines[p->line_n++] = lines[i];
	return first;
}

uint32_t profile_add_location(struct profile *p, uint32_t mapping, uint64_t address,
	const struct line *lines, uint32_t line_n)
{
	struct location loc = {
		.id = (uint64_t)p->location_n + 1,
		.mapping = mapping,
		.address = address,
		.line_first = add_lines(p, lines, line_n),
		.line_n = line_n,
	};
	vec_push(p->locations, p->location_n, p->location_cap, loc);
	return p->location_n - 1;
}

void profile_set_lines(struct profile *p, uint32_t loc, const struct line *lines, uint32_t line_n)
{
	struct location *l = &p->locations[loc];
	if (line_n <= l->line_n) {
		if (line_n)
			memmove(p->lines + l->line_first, lines, line_n * sizeof(*lines));
	} else {
		l->line_first = add_lines(p, lines, line_n);
	}
	l->line_n = line_n;
}

void profile_reserve_samples(struct profile *p, uint32_t n)
{
	if (n <= p->sample_cap)
		return;
	uint32_t cap = p->sample_cap + p->sample_cap / 2 + 8;
	p->sample_cap = cap < n ? n : cap;
	p->stack_at = mem_rearray(p->stack_at, p->sample_cap, sizeof(*p->stack_at));
	p->label_end = mem_rearray(p->label_end, p->sample_cap, sizeof(*p->label_end));
	p->values = mem_rearray(
		p->values, (size_t)p->sample_cap * p->sample_type_n, sizeof(*p->values));
}

void profile_need_label_ends(struct profile *p)
{
	if (!p->label_end)
		p->label_end = mem_zalloc((p->sample_cap + (size_t)1) * sizeof(*p->label_end));
}

uint32_t profile_add_sample(struct profile *p, const uint32_t *stack, uint32_t stack_n,
	const int64_t *values, const struct label *labels, uint32_t label_n)
{
	profile_need_label_ends(p);
	profile_reserve_samples(p, p->sample_n + 1);
	vec_grow(p->labels, p->label_n + label_n, p->label_cap);
	for (uint32_t i = 0; i < label_n; i++)
		p->labels[p->label_n + i] = labels[i];
	labels_sort(p, p->labels + p->label_n, label_n);
	p->label_n += label_n;
	uint32_t i = p->sample_n++;
	p->stack_at[i] = frames_add(&p->frames, stack, stack_n);
	p->label_end[i] = (uint32_t)p->label_n;
	if (p->sample_type_n)
		memcpy(profile_values(p, i), values, p->sample_type_n * sizeof(*values));
	return i;
}

int label_cmp(const struct profile *p, const struct label *a, const struct label *b)
{
	if (a->is_num != b->is_num)
		return a->is_num - b->is_num;
	if (a->key == b->key)
		return 0;
	return strtab_cmp(&p->strings, a->key, b->key);
}

/* Insertion: a sample has a handful of labels, nearly always in order already. */
void labels_sort(const struct profile *p, struct label *labels, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		struct label moving = labels[i];
		uint32_t at = i;
		for (; at > 0 && label_cmp(p, &labels[at - 1], &moving) > 0; at--)
			labels[at] = labels[at - 1];
		labels[at] = moving;
	}
}

#define KERNEL "[kernel.kallsyms]"

uint32_t mapping_relocation_symbol(struct profile *p, uint32_t file)
{
	const char *name = profile_str(p, file);
	size_t n = strtab_len(&p->strings, file), skip = sizeof(KERNEL) - 1;
	if (n <= skip || memcmp(name, KERNEL, skip) != 0)
		return 0;
	return strtab_add(&p->strings, name + skip, n - skip);
}

void profile_drop_unknown(struct profile *p, uint32_t kinds)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < p->unknown_n; i++)
		if (!(kinds >> p->unknowns[i].owner_kind & 1))
			p->unknowns[kept++] = p->unknowns[i];
	p->unknown_n = kept;
}
