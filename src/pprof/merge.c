/*
 * Merging profiles, with google/pprof's idea of what is the same.
 *
 * Functions are the same by their four fields, mappings by build id (or file), offset and size
 * rounded to pages, locations by mapping, address relative to the mapping's start, and lines;
 * samples by locations and labels. Each kind has a table of indices into the merged profile, hashed
 * by these keys; candidates are compared with the merged things themselves, so no key is ever built
 * (Go builds a string a sample). Things are numbered in the order samples first reach them, as Go
 * does, so that what is written is the same.
 */
#include "pprof/internal.h"

/* Indices into an array, found by hash. A slot holds index + 1 and half the hash. */
struct table {
	struct table_slot {
		uint32_t index, hash;
	} * slots;
	uint32_t mask, n;
};

struct source {
	const struct profile *p;
	uint32_t *strings;			    /* id here -> id merged + 1 */
	uint32_t *functions, *locations, *mappings; /* index here -> index merged + 1 */
};

struct merger {
	struct profile *to;
	struct source from;
	struct table functions, mappings, locations, samples;
	struct stack stack;   /* the sample's locations, merged */
	struct stack other;   /* one of those it may equal */
	struct label *labels; /* the sample's, merged */
	uint32_t label_cap;
	struct line *lines; /* a location's */
	uint32_t line_cap;
};

static void table_grow(struct table *t)
{
	struct table_slot *old = t->slots;
	size_t old_n = old ? (size_t)t->mask + 1 : 0, n = old_n ? old_n * 2 : 64;
	t->slots = mem_zalloc(n * sizeof(*t->slots));
	t->mask = (uint32_t)(n - 1);
	for (size_t i = 0; i < old_n; i++) {
		if (!old[i].index)
			continue;
		uint32_t at = old[i].hash & t->mask;
		while (t->slots[at].index)
			at = (at + 1) & t->mask;
		t->slots[at] = old[i];
	}
	mem_free(old);
}

/* The next slot that may hold the key, from *at on: one of its hash, or the free one. */
static struct table_slot *table_probe(const struct table *t, uint32_t hash, uint32_t *at)
{
	while (t->slots[*at & t->mask].index && t->slots[*at & t->mask].hash != hash)
		++*at;
	return &t->slots[(*at)++ & t->mask];
}

static void table_start(struct table *t)
{
	if (!t->slots || t->n >= t->mask / 4 * 3)
		table_grow(t);
}

static void table_fill(struct table *t, struct table_slot *slot, uint32_t hash, uint32_t index)
{
	*slot = (struct table_slot){.index = index + 1, .hash = hash};
	t->n++;
}

/* One call a probe of `found(…)` on the merged index `i`. */
#define TABLE_FIND(t, hash, slot, i, found)                                \
	do {                                                               \
		uint32_t at_ = (hash);                                     \
		table_start(t);                                            \
		while (((slot) = table_probe((t), (hash), &at_))->index) { \
			uint32_t i = (slot)->index - 1;                    \
			if (found)                                         \
				break;                                     \
		}                                                          \
	} while (0)

static uint64_t mix(uint64_t h, uint64_t v)
{
	return hash_u64(h ^ v) + v;
}

/* --- from a source to the merged profile --- */

static uint32_t map_string(struct merger *m, uint32_t id)
{
	if (!m->from.strings[id])
		m->from.strings[id] = strtab_add(&m->to->strings, profile_str(m->from.p, id),
					      strtab_len(&m->from.p->strings, id)) +
				      1;
	return m->from.strings[id] - 1;
}

static bool same_function(const struct function *a, const struct function *b)
{
	return a->name == b->name && a->system_name == b->system_name &&
	       a->filename == b->filename && a->start_line == b->start_line;
}

static uint32_t hash_function(const struct function *f)
{
	uint64_t names = mix((uint64_t)f->name << 32 | f->system_name, f->filename);
	return (uint32_t)mix(names, (uint64_t)f->start_line);
}

static uint32_t map_function(struct merger *m, uint32_t index)
{
	if (index == PROFILE_NONE)
		return PROFILE_NONE;
	if (m->from.functions[index])
		return m->from.functions[index] - 1;
	struct function f = m->from.p->functions[index];
	f.name = map_string(m, f.name);
	f.system_name = map_string(m, f.system_name);
	f.filename = map_string(m, f.filename);
	uint32_t hash = hash_function(&f);
	struct table_slot *slot;
	TABLE_FIND(&m->functions, hash, slot, i, same_function(&m->to->functions[i], &f));
	if (!slot->index)
		table_fill(&m->functions, slot, hash, profile_add_function(m->to, &f));
	m->from.functions[index] = slot->index;
	return slot->index - 1;
}

#define PAGE 0x1000u

static uint64_t rounded_size(const struct mapping *m)
{
	uint64_t size = m->limit - m->start + PAGE - 1;
	return size - size % PAGE;
}

/* A mapping without either is a made-up one; all of those are alike. */
static uint32_t build_id_or_file(const struct mapping *m)
{
	return m->build_id ? m->build_id : m->file;
}

static bool same_mapping(const struct mapping *a, const struct mapping *b)
{
	return rounded_size(a) == rounded_size(b) && a->offset == b->offset &&
	       build_id_or_file(a) == build_id_or_file(b);
}

static uint32_t hash_mapping(const struct mapping *m)
{
	return (uint32_t)mix(mix(rounded_size(m), m->offset), build_id_or_file(m));
}

static uint32_t map_mapping(struct merger *m, uint32_t index)
{
	if (index == PROFILE_NONE)
		return PROFILE_NONE;
	if (m->from.mappings[index])
		return m->from.mappings[index] - 1;
	struct mapping map = m->from.p->mappings[index];
	map.file = map_string(m, map.file);
	map.build_id = map_string(m, map.build_id);
	uint32_t hash = hash_mapping(&map);
	struct table_slot *slot;
	TABLE_FIND(&m->mappings, hash, slot, i, same_mapping(&m->to->mappings[i], &map));
	if (!slot->index)
		table_fill(&m->mappings, slot, hash, profile_add_mapping(m->to, &map));
	m->from.mappings[index] = slot->index;
	return slot->index - 1;
}

static bool same_lines(const struct line *a, const struct line *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (a[i].function != b[i].function || a[i].line != b[i].line ||
			a[i].column != b[i].column)
			return false;
	return true;
}

static bool same_location(const struct profile *p, const struct location *a,
	const struct location *b, const struct line *b_lines)
{
	return a->address == b->address && a->mapping == b->mapping &&
	       a->is_folded == b->is_folded && a->line_n == b->line_n &&
	       same_lines(p->lines + a->line_first, b_lines, a->line_n);
}

static uint32_t hash_location(const struct location *l, const struct line *lines)
{
	uint64_t h = mix(l->address, (uint64_t)l->mapping << 1 | l->is_folded);
	for (uint32_t i = 0; i < l->line_n; i++)
		h = mix(h, (uint64_t)lines[i].function << 32 ^ (uint64_t)lines[i].line ^
				   (uint64_t)(uint32_t)lines[i].column << 20);
	return (uint32_t)h;
}

static uint32_t new_location(struct merger *m, uint32_t index)
{
	const struct profile *p = m->from.p;
	struct location l = p->locations[index];
	uint32_t map = map_mapping(m, l.mapping);
	if (map != PROFILE_NONE)
		l.address += m->to->mappings[map].start - p->mappings[l.mapping].start;
	l.mapping = map;
	vec_grow(m->lines, l.line_n, m->line_cap);
	for (uint32_t i = 0; i < l.line_n; i++) {
		m->lines[i] = p->lines[l.line_first + i];
		m->lines[i].function = map_function(m, m->lines[i].function);
	}
	uint32_t hash = hash_location(&l, m->lines);
	struct table_slot *slot;
	TABLE_FIND(&m->locations, hash, slot, i,
		same_location(m->to, &m->to->locations[i], &l, m->lines));
	if (!slot->index) {
		uint32_t added = profile_add_location(m->to, map, l.address, m->lines, l.line_n);
		m->to->locations[added].is_folded = l.is_folded;
		table_fill(&m->locations, slot, hash, added);
	}
	m->from.locations[index] = slot->index;
	return slot->index - 1;
}

static uint32_t map_location(struct merger *m, uint32_t index)
{
	uint32_t known = m->from.locations[index];
	return known ? known - 1 : new_location(m, index);
}

static bool is_zero(const struct profile *p, uint32_t sample)
{
	const int64_t *values = profile_values(p, sample);
	for (uint32_t i = 0; i < p->sample_type_n; i++)
		if (values[i])
			return false;
	return true;
}

static bool same_labels(const struct label *a, const struct label *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (a[i].key != b[i].key || a[i].str != b[i].str || a[i].num != b[i].num ||
			a[i].num_unit != b[i].num_unit || a[i].is_num != b[i].is_num)
			return false;
	return true;
}

static bool same_sample(struct merger *m, uint32_t sample, const uint32_t *stack, uint32_t stack_n,
	const struct label *labels, uint32_t label_n)
{
	const struct profile *p = m->to;
	const uint32_t *own = profile_stack(p, sample, &m->other);
	if (m->other.n != stack_n || memcmp(own, stack, stack_n * sizeof(*own)) != 0)
		return false;
	uint32_t n;
	const struct label *own_labels = profile_labels(p, sample, &n);
	return n == label_n && same_labels(own_labels, labels, n);
}

static uint32_t hash_sample(
	const uint32_t *stack, uint32_t stack_n, const struct label *labels, uint32_t label_n)
{
	uint64_t h = hash_bytes(stack, stack_n * sizeof(*stack), 0);
	for (uint32_t i = 0; i < label_n; i++)
		h = mix(h, ((uint64_t)labels[i].key << 32 | labels[i].str) ^
				   (uint64_t)labels[i].num << 1 ^ labels[i].num_unit);
	return (uint32_t)h;
}

static void add_values(struct profile *to, uint32_t sample, const int64_t *values)
{
	int64_t *sums = profile_values(to, sample);
	for (uint32_t i = 0; i < to->sample_type_n; i++)
		sums[i] = (int64_t)((uint64_t)sums[i] + (uint64_t)values[i]);
}

static uint32_t map_labels(struct merger *m, uint32_t sample)
{
	uint32_t n;
	const struct label *labels = profile_labels(m->from.p, sample, &n);
	vec_grow(m->labels, n, m->label_cap);
	for (uint32_t i = 0; i < n; i++) {
		m->labels[i] = labels[i];
		m->labels[i].key = map_string(m, labels[i].key);
		m->labels[i].str = map_string(m, labels[i].str);
		m->labels[i].num_unit = map_string(m, labels[i].num_unit);
	}
	return n;
}

static void merge_sample(struct merger *m, uint32_t sample)
{
	profile_stack(m->from.p, sample, &m->stack);
	uint32_t *mapped = m->stack.at, n = m->stack.n;
	for (uint32_t i = 0; i < n; i++)
		mapped[i] = map_location(m, mapped[i]);
	uint32_t label_n = map_labels(m, sample);
	const int64_t *values = profile_values(m->from.p, sample);
	uint32_t hash = hash_sample(mapped, n, m->labels, label_n);
	struct table_slot *slot;
	TABLE_FIND(&m->samples, hash, slot, i, same_sample(m, i, mapped, n, m->labels, label_n));
	if (slot->index)
		add_values(m->to, slot->index - 1, values);
	else
		table_fill(&m->samples, slot, hash,
			profile_add_sample(m->to, mapped, n, values, m->labels, label_n));
}

static void merge_source(struct merger *m, const struct profile *p)
{
	m->from = (struct source){
		.p = p,
		.strings = mem_zalloc(p->strings.n * sizeof(uint32_t)),
		.functions = mem_zalloc((p->function_n + (size_t)1) * sizeof(uint32_t)),
		.locations = mem_zalloc((p->location_n + (size_t)1) * sizeof(uint32_t)),
		.mappings = mem_zalloc((p->mapping_n + (size_t)1) * sizeof(uint32_t)),
	};
	/* The first mapping is the main binary, and stays first. */
	if (!m->to->mapping_n && p->mapping_n)
		map_mapping(m, 0);
	for (uint32_t i = 0; i < p->sample_n; i++)
		if (!is_zero(p, i))
			merge_sample(m, i);
	mem_free(m->from.strings);
	mem_free(m->from.functions);
	mem_free(m->from.locations);
	mem_free(m->from.mappings);
}

/* --- the first source, as it is ---
 *
 * A profile with its locations in the order in which samples reach them, each once, becomes the
 * merged one as it is, and is only entered in the tables: profilers write such. What else merging
 * would change is cheap to change in place. The enter_ functions return false where it is not. */

static bool reaches_in_order(const uint32_t *stack, uint32_t n, uint32_t *reached)
{
	for (uint32_t i = 0; i < n; i++) {
		if (stack[i] > *reached)
			return false;
		*reached += stack[i] == *reached;
	}
	return true;
}

/* A sample that is there already is added to that one. */
static void enter_sample(struct merger *m, struct edit *e)
{
	struct profile *p = m->to;
	const struct label *labels = p->labels + e->label_from;
	uint32_t label_n = e->label_to - e->label_from;
	uint32_t hash = hash_sample(e->stack, e->stack_n, labels, label_n);
	struct table_slot *slot;
	TABLE_FIND(&m->samples, hash, slot, i,
		same_sample(m, i, e->stack, e->stack_n, labels, label_n));
	if (slot->index) {
		add_values(p, slot->index - 1, profile_values(p, e->i));
		return;
	}
	table_fill(&m->samples, slot, hash, e->kept);
	edit_keep(e, e->stack, e->stack_n);
}

static bool enter_samples(struct merger *m)
{
	struct edit e;
	uint32_t reached = 0;
	bool in_order = true;
	edit_begin(&e, m->to);
	while (edit_next(&e)) {
		if (is_zero(m->to, e.i))
			continue;
		in_order = in_order && reaches_in_order(e.stack, e.stack_n, &reached);
		if (in_order)
			enter_sample(m, &e);
		else
			edit_keep(&e, e.stack, e.stack_n);
	}
	edit_end(&e);
	return in_order && reached == m->to->location_n;
}

static bool enter_locations(struct merger *m)
{
	struct profile *p = m->to;
	for (uint32_t index = 0; index < p->location_n; index++) {
		struct location *l = &p->locations[index];
		const struct line *lines = p->lines + l->line_first;
		uint32_t hash = hash_location(l, lines);
		struct table_slot *slot;
		TABLE_FIND(
			&m->locations, hash, slot, i, same_location(p, &p->locations[i], l, lines));
		if (slot->index)
			return false;
		table_fill(&m->locations, slot, hash, index);
		l->id = (uint64_t)index + 1;
	}
	return true;
}

static bool enter_functions(struct merger *m)
{
	struct profile *p = m->to;
	for (uint32_t index = 0; index < p->function_n; index++) {
		struct function *f = &p->functions[index];
		uint32_t hash = hash_function(f);
		struct table_slot *slot;
		TABLE_FIND(&m->functions, hash, slot, i, same_function(&p->functions[i], f));
		if (slot->index)
			return false;
		table_fill(&m->functions, slot, hash, index);
		f->id = (uint64_t)index + 1;
	}
	return true;
}

static bool enter_mappings(struct merger *m)
{
	struct profile *p = m->to;
	for (uint32_t index = 0; index < p->mapping_n; index++) {
		struct mapping *map = &p->mappings[index];
		uint32_t hash = hash_mapping(map);
		struct table_slot *slot;
		TABLE_FIND(&m->mappings, hash, slot, i, same_mapping(&p->mappings[i], map));
		if (slot->index)
			return false;
		table_fill(&m->mappings, slot, hash, index);
		map->id = (uint64_t)index + 1;
	}
	return true;
}

/* The new number of what is reached, the next one if it had none: `numbers` are the new ones plus
 * 1. */
static uint32_t number(uint32_t *numbers, uint32_t index, uint32_t *next)
{
	if (index == PROFILE_NONE)
		return PROFILE_NONE;
	if (!numbers[index])
		numbers[index] = ++*next;
	return numbers[index] - 1;
}

static void order_functions(struct profile *p)
{
	uint32_t *numbers = mem_zalloc(((size_t)p->function_n + 1) * sizeof(*numbers)), n = 0;
	for (uint32_t i = 0; i < p->location_n; i++) {
		const struct location *l = &p->locations[i];
		for (uint32_t k = l->line_first; k < l->line_first + l->line_n; k++)
			p->lines[k].function = number(numbers, p->lines[k].function, &n);
	}
	struct function *ordered = mem_array((size_t)n + 1, sizeof(*ordered));
	for (uint32_t i = 0; i < p->function_n; i++)
		if (numbers[i])
			ordered[numbers[i] - 1] = p->functions[i];
	mem_free(numbers);
	mem_free(p->functions);
	p->functions = ordered;
	p->function_n = n;
	p->function_cap = n + 1;
}

/* The first one is the main binary, and stays first. */
static void order_mappings(struct profile *p)
{
	uint32_t *numbers = mem_zalloc(((size_t)p->mapping_n + 1) * sizeof(*numbers)), n = 0;
	if (p->mapping_n)
		number(numbers, 0, &n);
	for (uint32_t i = 0; i < p->location_n; i++)
		p->locations[i].mapping = number(numbers, p->locations[i].mapping, &n);
	struct mapping *ordered = mem_array((size_t)n + 1, sizeof(*ordered));
	for (uint32_t i = 0; i < p->mapping_n; i++)
		if (numbers[i])
			ordered[numbers[i] - 1] = p->mappings[i];
	mem_free(numbers);
	mem_free(p->mappings);
	p->mappings = ordered;
	p->mapping_n = n;
	p->mapping_cap = n + 1;
}

static bool enter_all(struct merger *m)
{
	if (!enter_samples(m))
		return false;
	order_functions(m->to);
	order_mappings(m->to);
	return enter_locations(m) && enter_functions(m) && enter_mappings(m);
}

static void tables_release(struct merger *m)
{
	struct table *tables[] = {&m->functions, &m->mappings, &m->locations, &m->samples};
	for (size_t i = 0; i < array_len(tables); i++) {
		mem_free(tables[i]->slots);
		*tables[i] = (struct table){0};
	}
}

/* Whether the profile could become the merged one. If not it is one that merges to the same. */
static bool adopt(struct merger *m, struct profile *p)
{
	*m->to = *p;
	if (!enter_all(m)) {
		tables_release(m);
		*p = *m->to;
		return false;
	}
	profile_init(p);
	profile_drop_unknown(m->to, ~0u);
	return true;
}

/* --- headers --- */

static uint32_t copy_string(struct profile *to, const struct profile *from, uint32_t id)
{
	return strtab_add(&to->strings, profile_str(from, id), strtab_len(&from->strings, id));
}

static struct value_type copy_type(
	struct profile *to, const struct profile *from, const struct value_type *vt)
{
	return (struct value_type){
		copy_string(to, from, vt->type), copy_string(to, from, vt->unit)};
}

static void add_comment(struct profile *to, uint32_t comment)
{
	for (uint32_t i = 0; i < to->comment_n; i++)
		if (to->comments[i] == comment)
			return;
	vec_push(to->comments, to->comment_n, to->comment_cap, comment);
}

static void combine_header(struct profile *to, const struct profile *p)
{
	if (to->time_nanos == 0 || p->time_nanos < to->time_nanos)
		to->time_nanos = p->time_nanos;
	to->duration_nanos = (int64_t)((uint64_t)to->duration_nanos + (uint64_t)p->duration_nanos);
	if (to->period == 0 || to->period < p->period)
		to->period = p->period;
	for (uint32_t i = 0; i < p->comment_n; i++)
		add_comment(to, copy_string(to, p, p->comments[i]));
	if (!to->default_sample_type)
		to->default_sample_type = copy_string(to, p, p->default_sample_type);
	if (!to->doc_url)
		to->doc_url = copy_string(to, p, p->doc_url);
}

/* What is the first profile's, and not combined. */
static void copy_header(struct profile *to, const struct profile *first)
{
	for (uint32_t i = 0; i < first->sample_type_n; i++) {
		struct value_type vt = copy_type(to, first, &first->sample_types[i]);
		vec_push(to->sample_types, to->sample_type_n, to->sample_type_cap, vt);
	}
	to->period_type = copy_type(to, first, &first->period_type);
	to->drop_frames = copy_string(to, first, first->drop_frames);
	to->keep_frames = copy_string(to, first, first->keep_frames);
	combine_header(to, first);
}

/* Comments that are there twice are one. */
static void unite_comments(struct profile *p)
{
	uint32_t n = p->comment_n;
	p->comment_n = 0;
	for (uint32_t i = 0; i < n; i++)
		add_comment(p, p->comments[i]);
}

static bool same_type(const struct profile *a, const struct value_type *x, const struct profile *b,
	const struct value_type *y)
{
	return strcmp(profile_str(a, x->type), profile_str(b, y->type)) == 0 &&
	       strcmp(profile_str(a, x->unit), profile_str(b, y->unit)) == 0;
}

static void put_types(struct buf *out, const struct profile *p)
{
	buf_addch(out, '[');
	for (uint32_t i = 0; i < p->sample_type_n; i++)
		buf_printf(out, "%s%s/%s", i ? " " : "", profile_str(p, p->sample_types[i].type),
			profile_str(p, p->sample_types[i].unit));
	buf_addch(out, ']');
}

static int types_error(const struct profile *a, const struct profile *b, struct err *err)
{
	struct buf text = BUF_INIT;
	put_types(&text, a);
	buf_addstr(&text, " and ");
	put_types(&text, b);
	int rc = err_set(err, ERR_MISMATCH, "incompatible sample types %s", text.data);
	buf_release(&text);
	return rc;
}

int profile_compatible(const struct profile *a, const struct profile *b, struct err *err)
{
	if (!same_type(a, &a->period_type, b, &b->period_type))
		return err_set(err, ERR_MISMATCH,
			"incompatible period types &{%s %s 0 0} and &{%s %s 0 0}",
			profile_str(a, a->period_type.type), profile_str(a, a->period_type.unit),
			profile_str(b, b->period_type.type), profile_str(b, b->period_type.unit));
	if (a->sample_type_n != b->sample_type_n)
		return types_error(a, b, err);
	for (uint32_t i = 0; i < a->sample_type_n; i++)
		if (!same_type(a, &a->sample_types[i], b, &b->sample_types[i]))
			return types_error(a, b, err);
	return 0;
}

/* --- the front --- */

static void merge_first(struct merger *m, const struct profile *p)
{
	profile_init(m->to);
	copy_header(m->to, p);
	merge_source(m, p);
}

static void merge_next(struct merger *m, const struct profile *p)
{
	combine_header(m->to, p);
	merge_source(m, p);
}

/* `taken` are the profiles once more, to be released as soon as each is merged; NULL: they stay. */
static void merge_all(
	struct profile *to, const struct profile *profiles, uint32_t n, struct profile *taken)
{
	struct merger m = {.to = to};
	if (taken && adopt(&m, &taken[0]))
		unite_comments(to);
	else
		merge_first(&m, &profiles[0]);
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			merge_next(&m, &profiles[i]);
		if (taken)
			profile_release(&taken[i]);
	}
	tables_release(&m);
	mem_free(m.labels);
	mem_free(m.lines);
	stack_release(&m.stack);
	stack_release(&m.other);
	frames_seal(&to->frames);
}

static bool any_zero(const struct profile *p)
{
	for (uint32_t i = 0; i < p->sample_n; i++)
		if (is_zero(p, i))
			return true;
	return false;
}

static int merge(struct profile *ret, const struct profile *profiles, uint32_t n,
	struct profile *taken, struct err *err)
{
	if (n == 0)
		return err_set(err, ERR_USAGE, "no profiles to merge");
	for (uint32_t i = 1; i < n; i++) {
		int rc = profile_compatible(&profiles[0], &profiles[i], err);
		if (rc < 0)
			return rc;
	}
	merge_all(ret, profiles, n, taken);
	if (any_zero(ret))
		profile_compact(ret);
	return 0;
}

int profile_merge(struct profile *ret, const struct profile *profiles, uint32_t n, struct err *err)
{
	return merge(ret, profiles, n, NULL, err);
}

int profile_merge_take(struct profile *ret, struct profile *profiles, uint32_t n, struct err *err)
{
	return merge(ret, profiles, n, profiles, err);
}

void profile_compact(struct profile *p)
{
	struct profile compact;
	merge_all(&compact, p, 1, p);
	*p = compact;
}
