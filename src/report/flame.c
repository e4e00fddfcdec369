/*
 * The flame graph: every sample's stack merged from the root into one tree, written into a page
 * that needs nothing else (ui/flame/).
 *
 * The tree is built by hashing (parent, place) pairs, then cut to what a screen can show: a frame
 * lighter than a small share of the whole, in every sample type, goes with all of its fellows into
 * a "… n more" frame beside the heavy ones, so that sums stay exact and nothing vanishes in
 * silence. (Rejected: google/pprof's way of sending every sample's stack to the browser, 121 MB of
 * HTML for a profile of 100,000 stacks.)
 */
#include "report/report.h"

#include "report/flame_page.h"

#include <stdlib.h>

#define FRAMES_MAX 60000      /* in the page */
#define WEIGHT_ONE 1000000000 /* the weight of the whole */
#define WEIGHT_MIN (WEIGHT_ONE / 50000)
#define NONE	   UINT32_MAX

struct frame {
	uint32_t info; /* of the graph; NONE for the root */
	uint32_t parent, first_child, next_sibling;
	uint32_t weight; /* the largest share of the whole in any type, parts of WEIGHT_ONE */
	uint32_t size;	 /* frames in it, itself included */
	bool inlined;
};

struct tree {
	struct report *r;
	struct graph graph;
	struct frame *frames; /* parents before children */
	uint32_t n, cap;
	int64_t *self, *total;	/* [type * n + frame] */
	struct map children;	/* parent, place, inlined -> frame */
	uint32_t *sample_frame; /* the frame each sample ends in */
	uint32_t least;		/* lighter frames are cut */
};

/* What is written: columns in preorder, grown together. */
struct page {
	struct tree *t;
	struct buf depth, name, file, inlined, more;
	struct buf *self; /* one a type */
	struct strtab names, files;
};

/* --- merging --- */

static uint32_t child(struct tree *t, uint32_t parent, uint32_t info, bool inlined)
{
	bool is_new;
	uint64_t key = (uint64_t)parent << 32 | (uint64_t)info << 1 | inlined;
	uint32_t *slot = map_put(&t->children, key, &is_new);
	if (!is_new)
		return *slot;
	*slot = t->n;
	struct frame frame = {.info = info, .parent = parent, .inlined = inlined};
	vec_push(t->frames, t->n, t->cap, frame);
	return t->n - 1;
}

/* A location's frames lie innermost first: all but the last are inlined into the next. */
static uint32_t descend(struct tree *t, uint32_t at, uint32_t loc)
{
	uint32_t from = t->graph.frame_first[loc], end = t->graph.frame_first[loc + 1];
	for (uint32_t i = end; i > from; i--)
		at = child(t, at, t->graph.frames[i - 1], i != end);
	return at;
}

static void merge_samples(struct tree *t)
{
	const struct profile *p = t->r->profile;
	vec_push(t->frames, t->n, t->cap, ((struct frame){.info = NONE}));
	t->sample_frame = mem_array((size_t)p->sample_n + 1, sizeof(*t->sample_frame));
	for (uint32_t i = 0; i < p->sample_n; i++) {
		uint32_t n, at = 0;
		const uint32_t *stack = profile_stack(p, i, &n);
		for (uint32_t j = n; j > 0; j--)
			at = descend(t, at, stack[j - 1]);
		t->sample_frame[i] = at;
	}
}

/* --- weighing --- */

static void sum_values(struct tree *t)
{
	const struct profile *p = t->r->profile;
	uint32_t types = p->sample_type_n;
	size_t cells = (size_t)types * t->n;
	t->self = mem_zalloc(cells * sizeof(*t->self));
	for (uint32_t i = 0; i < p->sample_n; i++)
		for (uint32_t type = 0; type < types; type++)
			t->self[(size_t)type * t->n + t->sample_frame[i]] +=
				profile_values(p, i)[type];
	t->total = memcpy(mem_array(cells, sizeof(*t->total)), t->self, cells * sizeof(*t->self));
	for (uint32_t type = 0; type < types; type++) {
		int64_t *total = t->total + (size_t)type * t->n;
		for (uint32_t i = t->n; --i > 0;)
			total[t->frames[i].parent] += total[i];
	}
}

static void weigh(struct tree *t)
{
	for (uint32_t type = 0; type < t->r->profile->sample_type_n; type++) {
		const int64_t *self = t->self + (size_t)type * t->n;
		const int64_t *total = t->total + (size_t)type * t->n;
		double whole = 0; /* of absolute values: a diff's sum may be nothing */
		for (uint32_t i = 0; i < t->n; i++)
			whole += (double)graph_abs(self[i]);
		for (uint32_t i = 0; i < t->n && whole > 0; i++) {
			double share = (double)graph_abs(total[i]) / whole * WEIGHT_ONE;
			if (share > t->frames[i].weight)
				t->frames[i].weight = (uint32_t)share;
		}
	}
	for (uint32_t i = t->n; i-- > 0;) {
		t->frames[i].size++;
		if (i)
			t->frames[t->frames[i].parent].size += t->frames[i].size;
	}
}

static int lighter_first(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x > y ? 1 : x < y ? -1 : 0;
}

/* The weight below which frames are cut: a least share, more if there would still be too many. */
static void choose_least(struct tree *t)
{
	t->least = t->n > FRAMES_MAX / 10 ? WEIGHT_MIN : 0;
	if (t->n <= FRAMES_MAX)
		return;
	uint32_t *weights = mem_array(t->n, sizeof(*weights)), n = 0;
	for (uint32_t i = 0; i < t->n; i++)
		if (t->frames[i].weight >= t->least)
			weights[n++] = t->frames[i].weight;
	if (n > FRAMES_MAX) {
		qsort(weights, n, sizeof(*weights), lighter_first);
		t->least = weights[n - FRAMES_MAX];
	}
	mem_free(weights);
}

/* --- ordering: heavy frames to the left --- */

struct sorted {
	uint32_t frame, weight;
	const char *name;
};

static int heavier_first(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	int c = strcmp(x->name, y->name);
	return c ? c : x->frame > y->frame ? 1 : -1;
}

static void link_child(struct tree *t, uint32_t i)
{
	struct frame *f = &t->frames[i];
	f->next_sibling = t->frames[f->parent].first_child;
	t->frames[f->parent].first_child = i;
}

/* Links children to their parents: sorting all frames once sorts every family. The ones to be cut,
 * most of a large tree, come last and in no order: they are only summed. */
static void link_children(struct tree *t)
{
	struct sorted *heavy = mem_array(t->n, sizeof(*heavy));
	uint32_t n = 0;
	for (uint32_t i = 0; i < t->n; i++)
		t->frames[i].first_child = t->frames[i].next_sibling = NONE;
	for (uint32_t i = 1; i < t->n; i++) {
		const struct frame *f = &t->frames[i];
		if (f->weight < t->least)
			link_child(t, i);
		else
			heavy[n++] = (struct sorted){i, f->weight, graph_name(&t->graph, f->info)};
	}
	if (n)
		qsort(heavy, n, sizeof(*heavy), heavier_first);
	while (n-- > 0)
		link_child(t, heavy[n].frame);
	mem_free(heavy);
}

/* --- writing --- */

static void put(struct buf *column, int64_t value)
{
	if (column->len)
		buf_addch(column, ',');
	buf_printf(column, "%lld", (long long)value);
}

/* The function's name by itself: its file stands apart. Addresses and objects are named as in text.
 */
static const char *frame_name(struct tree *t, uint32_t info)
{
	uint32_t name = t->graph.infos[info].name;
	return name ? profile_str(t->r->profile, name) : graph_name(&t->graph, info);
}

static void put_frame(struct page *page, uint32_t i, uint32_t depth)
{
	struct tree *t = page->t;
	const struct frame *f = &t->frames[i];
	int64_t name, file = -1;
	if (f->info == NONE) {
		name = strtab_addstr(&page->names, "all");
	} else {
		const struct node_info *info = &t->graph.infos[f->info];
		uint32_t where = info->file ? info->file : info->objfile;
		name = strtab_addstr(&page->names, frame_name(t, f->info));
		if (where)
			file = strtab_addstr(&page->files, profile_str(t->r->profile, where));
	}
	put(&page->depth, depth);
	put(&page->name, name);
	put(&page->file, file);
	put(&page->inlined, f->inlined);
	put(&page->more, 0);
	for (uint32_t type = 0; type < t->r->profile->sample_type_n; type++)
		put(&page->self[type], t->self[(size_t)type * t->n + i]);
}

/* The light children from `i` on, as one. */
static void put_more(struct page *page, uint32_t i, uint32_t depth)
{
	struct tree *t = page->t;
	uint32_t types = t->r->profile->sample_type_n, frames = 0;
	int64_t *sums = mem_zalloc((types + 1) * sizeof(*sums));
	for (; i != NONE; i = t->frames[i].next_sibling) {
		frames += t->frames[i].size;
		for (uint32_t type = 0; type < types; type++)
			sums[type] += t->total[(size_t)type * t->n + i];
	}
	put(&page->depth, depth);
	put(&page->name, -1);
	put(&page->file, -1);
	put(&page->inlined, 0);
	put(&page->more, frames);
	for (uint32_t type = 0; type < types; type++)
		put(&page->self[type], sums[type]);
	mem_free(sums);
}

/* Preorder without recursion: stacks may be as deep as the profile says. */
static void put_frames(struct page *page)
{
	struct tree *t = page->t;
	uint32_t i = 0, depth = 0;
	for (;;) {
		put_frame(page, i, depth);
		uint32_t next = t->frames[i].first_child;
		depth++;
		while (next == NONE || t->frames[next].weight < t->least) {
			if (next != NONE)
				put_more(page, next, depth);
			if (i == 0)
				return;
			next = t->frames[i].next_sibling;
			i = t->frames[i].parent;
			depth--;
		}
		i = next;
	}
}

static void put_strings(const char *key, const struct strtab *tab, struct buf *out)
{
	buf_printf(out, ",\n\"%s\":[", key);
	for (uint32_t id = 0; id < tab->n; id++) {
		if (id)
			buf_addch(out, ',');
		json_string(out, strtab_get(tab, id), strtab_len(tab, id));
	}
	buf_addch(out, ']');
}

static void put_column(const char *key, const struct buf *column, struct buf *out)
{
	buf_printf(out, ",\n\"%s\":[", key);
	buf_add(out, column->data, column->len);
	buf_addch(out, ']');
}

static void put_header(struct page *page, struct buf *out)
{
	struct report *r = page->t->r;
	struct report_labels labels = {0};
	report_labels_profile(r, &labels);
	buf_addstr(out, "{\"title\":");
	json_string(out, r->title, strlen(r->title));
	buf_addstr(out, ",\"labels\":[");
	for (uint32_t i = 0; i < labels.n; i++) {
		buf_addstr(out, i ? "," : "");
		json_string(out, labels.lines[i], strlen(labels.lines[i]));
	}
	report_labels_release(&labels);
	buf_addstr(out, "],\"types\":[");
	for (uint32_t i = 0; i < r->profile->sample_type_n; i++) {
		const struct value_type *vt = &r->profile->sample_types[i];
		buf_addstr(out, i ? ",{\"name\":" : "{\"name\":");
		json_string(out, profile_str(r->profile, vt->type),
			strtab_len(&r->profile->strings, vt->type));
		buf_addstr(out, ",\"unit\":");
		json_string(out, profile_str(r->profile, vt->unit),
			strtab_len(&r->profile->strings, vt->unit));
		buf_addch(out, '}');
	}
	buf_printf(out, "],\"type\":%u", r->value_index);
}

static void put_data(struct tree *t, struct buf *out)
{
	struct page page = {.t = t,
		.depth = BUF_INIT,
		.name = BUF_INIT,
		.file = BUF_INIT,
		.inlined = BUF_INIT,
		.more = BUF_INIT};
	uint32_t types = t->r->profile->sample_type_n;
	page.self = mem_array(types + 1, sizeof(*page.self));
	for (uint32_t type = 0; type < types; type++)
		buf_init(&page.self[type]);
	strtab_init(&page.names);
	strtab_init(&page.files);
	put_frames(&page);
	put_header(&page, out);
	put_strings("names", &page.names, out);
	put_strings("files", &page.files, out);
	put_column("depth", &page.depth, out);
	put_column("name", &page.name, out);
	put_column("file", &page.file, out);
	put_column("inlined", &page.inlined, out);
	put_column("more", &page.more, out);
	buf_addstr(out, ",\n\"self\":[");
	for (uint32_t type = 0; type < types; type++) {
		buf_addstr(out, type ? ",\n[" : "\n[");
		buf_add(out, page.self[type].data, page.self[type].len);
		buf_addch(out, ']');
		buf_release(&page.self[type]);
	}
	buf_addstr(out, "]}");
	mem_free(page.self);
	buf_release(&page.depth);
	buf_release(&page.name);
	buf_release(&page.file);
	buf_release(&page.inlined);
	buf_release(&page.more);
	strtab_release(&page.names);
	strtab_release(&page.files);
}

int report_flame(struct report *r, struct sink *to, struct err *err)
{
	struct tree t = {.r = r};
	struct graph_options options = {
		.value_index = r->value_index, .mean_index = -1, .keep_objfile = false};
	graph_init(&t.graph, r->profile, &options);
	map_init(&t.children);
	merge_samples(&t);
	sum_values(&t);
	weigh(&t);
	choose_least(&t);
	link_children(&t);
	struct buf data = BUF_INIT;
	put_data(&t, &data);
	int rc = to->write(to, flame_page_head, flame_page_head_len);
	if (rc >= 0)
		rc = to->write(to, data.data, data.len);
	if (rc >= 0)
		rc = to->write(to, flame_page_tail, flame_page_tail_len);
	buf_release(&data);
	map_release(&t.children);
	graph_release(&t.graph);
	mem_free(t.frames);
	mem_free(t.self);
	mem_free(t.total);
	mem_free(t.sample_frame);
	return rc < 0 ? err_set(err, rc, "writing the flame graph failed") : 0;
}

const char *report_flame_policy(void)
{
	return flame_page_policy;
}
