/*
 * tagroot and tagleaf: a sample's labels as frames of its stack, so that every report can group by
 * them. A label key becomes the frame's file, its values the function's name.
 */
#include "report/prepare.h"

struct label_frames {
	struct report *r;
	uint32_t *keys; /* strings; UINT32_MAX: in no sample */
	char **names;
	uint32_t key_n, key_cap;
	bool matched;
};

struct framing {
	struct map locations;		   /* file, name -> location + 1 */
	uint64_t function_id, location_id; /* the next */
	struct buf text;
};

static void split_keys(struct label_frames *f, const char *list)
{
	uint32_t name_cap = 0, n = 0;
	for (const char *s = list; *s;) {
		size_t len = strcspn(s, ",");
		if (len) {
			const struct strtab *strings = &f->r->profile->strings;
			vec_push(f->keys, f->key_n, f->key_cap, strtab_find(strings, s, len));
			vec_push(f->names, n, name_cap, mem_strndup(s, len));
		}
		s += len + (s[len] == ',');
	}
}

static void release_keys(struct label_frames *f)
{
	for (uint32_t i = 0; i < f->key_n; i++)
		mem_free(f->names[i]);
	mem_free(f->names);
	mem_free(f->keys);
}

/* Whether any number of the key has a unit: then each is shown in its own. */
static bool has_units(const struct label *labels, uint32_t n, uint32_t key)
{
	for (uint32_t i = 0; i < n; i++)
		if (labels[i].is_num && labels[i].key == key && labels[i].num_unit)
			return true;
	return false;
}

/* The values of a key, "a,b,12kB"; whether there are any. */
static bool put_values(const struct report *r, const struct label *labels, uint32_t n, uint32_t key,
	struct buf *out)
{
	const struct profile *p = r->profile;
	const char *separator = "";
	for (uint32_t i = 0; i < n; i++) {
		if (labels[i].is_num || labels[i].key != key)
			continue;
		buf_addstr(out, separator);
		buf_addstr(out, profile_str(p, labels[i].str));
		separator = ",";
	}
	bool units = has_units(labels, n, key);
	for (uint32_t i = 0; i < n; i++) {
		if (!labels[i].is_num || labels[i].key != key)
			continue;
		buf_addstr(out, separator);
		unit_label(labels[i].num, units ? profile_str(p, labels[i].num_unit) : "",
			units ? r->config.unit : "", out);
		separator = ",";
	}
	return *separator;
}

static uint32_t frame_location(struct framing *fr, struct profile *p, uint32_t name, uint32_t file)
{
	bool is_new;
	uint32_t *slot = map_put(&fr->locations, (uint64_t)file << 32 | name, &is_new);
	if (!is_new)
		return *slot;
	struct function function = {.name = name, .filename = file};
	uint32_t f = profile_add_function(p, &function);
	p->functions[f].id = fr->function_id++;
	struct line line = {.function = f};
	uint32_t l = profile_add_location(p, PROFILE_NONE, 0, &line, 1);
	p->locations[l].id = fr->location_id++;
	*slot = l;
	return l;
}

/* The frames of one sample, the last key first: it is nearest to the leaf. */
static void add_frames(struct framing *fr, struct label_frames *f, const struct label *labels,
	uint32_t n, uint32_t *to)
{
	struct profile *p = f->r->profile;
	for (uint32_t i = f->key_n; i-- > 0;) {
		buf_clear(&fr->text);
		if (f->keys[i] != UINT32_MAX)
			f->matched |= put_values(f->r, labels, n, f->keys[i], &fr->text);
		uint32_t name = strtab_add(&p->strings, fr->text.data, fr->text.len);
		uint32_t file = strtab_addstr(&p->strings, f->names[i]);
		*to++ = frame_location(fr, p, name, file);
	}
}

static void rebuild_stacks(
	struct framing *fr, struct label_frames *roots, struct label_frames *leaves)
{
	struct profile *p = roots->r->profile;
	struct frames longer = {0};
	struct stack old = {0}, new = {0};
	for (uint32_t s = 0; s < p->sample_n; s++) {
		uint32_t label_n;
		const struct label *labels = profile_labels(p, s, &label_n);
		const uint32_t *stack = profile_stack(p, s, &old);
		uint32_t above = leaves->key_n + old.n, n = above + roots->key_n;
		uint32_t *to = stack_room(&new, n);
		add_frames(fr, roots, labels, label_n, to + above);
		add_frames(fr, leaves, labels, label_n, to);
		memcpy(to + leaves->key_n, stack, old.n * sizeof(*stack));
		p->stack_at[s] = frames_add(&longer, to, n);
	}
	stack_release(&old);
	stack_release(&new);
	frames_release(&p->frames);
	p->frames = longer;
	frames_seal(&p->frames);
}

void prepare_label_frames(struct report *r, struct notes *notes)
{
	struct profile *p = r->profile;
	if (!*r->config.tagroot && !*r->config.tagleaf)
		return;
	struct label_frames roots = {.r = r}, leaves = {.r = r};
	split_keys(&roots, r->config.tagroot);
	split_keys(&leaves, r->config.tagleaf);
	struct framing fr = {.text = BUF_INIT};
	map_init(&fr.locations);
	for (uint32_t i = 0; i < p->function_n; i++)
		if (p->functions[i].id > fr.function_id)
			fr.function_id = p->functions[i].id;
	for (uint32_t i = 0; i < p->location_n; i++)
		if (p->locations[i].id > fr.location_id)
			fr.location_id = p->locations[i].id;
	fr.function_id++;
	fr.location_id++;
	rebuild_stacks(&fr, &roots, &leaves);
	if (*r->config.tagroot && !roots.matched)
		notes_printf(notes, "TagRoot expression matched no samples");
	if (*r->config.tagleaf && !leaves.matched)
		notes_printf(notes, "TagLeaf expression matched no samples");
	map_release(&fr.locations);
	buf_release(&fr.text);
	release_keys(&roots);
	release_keys(&leaves);
}
