/*
 * What is shown of a flame graph: frames are opened heaviest first until there are enough.
 */
#include "report/flame_internal.h"

#include <stdlib.h>

/* --- numbers --- */

/* The row that brought frame `number` in: the last one with fewer frames before it. */
static uint32_t row_of(const struct flame *f, uint32_t number)
{
	uint32_t lo = 0, hi = f->row_n;
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (f->before[mid] < number)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t number_of(const struct flame *f, uint32_t row, uint32_t depth)
{
	return depth ? f->before[row] + depth - f->shared[row] : 0;
}

/* One past the rows that begin as `row` does down to the depth. */
static uint32_t run_end(const struct flame *f, uint32_t row, uint32_t depth, uint32_t limit)
{
	for (row++; row < limit && f->shared[row] >= depth; row++)
		;
	return row;
}

static struct picked find_frame(const struct flame *f, uint32_t number)
{
	struct picked frame = {.lo = 0, .hi = f->row_n, .depth = 0};
	if (number) {
		frame.lo = row_of(f, number);
		frame.depth = number - f->before[frame.lo] + f->shared[frame.lo];
		frame.hi = run_end(f, frame.lo, frame.depth, f->row_n);
	}
	frame.weight = f->weight[frame.hi] - f->weight[frame.lo];
	return frame;
}

static struct picked find_parent(const struct flame *f, const struct picked *child)
{
	struct picked parent = {.lo = child->lo, .depth = child->depth - 1};
	while (parent.lo && f->shared[parent.lo] >= parent.depth)
		parent.lo--;
	parent.hi = run_end(f, parent.lo, parent.depth, f->row_n);
	return parent;
}

/* The frames in a run, the one it begins with included. */
static uint32_t count_frames(const struct picked *frame, const struct flame *f)
{
	uint32_t first = number_of(f, frame->lo, frame->depth);
	return f->before[frame->hi] + 1 - first;
}

/* A group has been opened whole when it is asked for: all that is in it is in its children. */
static bool is_group_root(const struct flame_pick *p, uint32_t frame)
{
	return p->is_group && frame == 0;
}

static uint32_t count_children(
	const struct flame_pick *p, const struct picked *frame, uint32_t child_n)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < child_n; i++)
		n += count_frames(&p->picks[frame->first_child + i], p->f);
	return n;
}

static uint32_t count_below(const struct flame_pick *p, uint32_t frame)
{
	const struct picked *at = &p->picks[frame];
	if (is_group_root(p, frame))
		return count_children(p, at, at->child_n);
	return count_frames(at, p->f) - 1;
}

/* --- opening a frame --- */

static const char *name_of(const struct flame *f, const struct picked *frame)
{
	uint32_t key = f->keys[f->first[frame->lo] + frame->depth - 1];
	return strtab_get(&f->places->names, f->places->name[key >> 1]);
}

static int in_order(const void *a, const void *b, void *ctx)
{
	const struct picked *x = a, *y = b;
	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	int c = strcmp(name_of(ctx, x), name_of(ctx, y));
	return c ? c : x->lo > y->lo ? 1 : -1;
}

struct opening {
	struct flame_pick *to;
	const struct picked *frame;
	uint32_t parent;
	double least;
	struct picked light; /* the first in order of those left out */
};

static void take_child(struct opening *o, struct picked child)
{
	struct flame_pick *p = o->to;
	if (child.weight >= o->least)
		vec_push(p->picks, p->n, p->cap, child);
	else if (o->light.lo == FLAME_NONE || in_order(&child, &o->light, (void *)p->f) < 0)
		o->light = child;
}

/* Appends the children in [from, hi) of a frame that are heavy enough, in order; remembers the
 * first of the others. */
static void collect_children(
	struct flame_pick *p, const struct picked *frame, uint32_t parent, double least)
{
	const struct flame *f = p->f;
	uint32_t depth = frame->depth + 1, lo = frame->lo, first = p->n;
	struct opening o = {.to = p, .least = least, .light = {.lo = FLAME_NONE}};
	if (lo < frame->hi && f->depth[lo] == frame->depth)
		lo++; /* the frame by itself */
	while (lo < frame->hi) {
		uint32_t hi = run_end(f, lo, depth, frame->hi);
		take_child(&o, (struct picked){
				       .lo = lo,
				       .hi = hi,
				       .depth = depth,
				       .parent = parent,
				       .light_row = FLAME_NONE,
				       .weight = f->weight[hi] - f->weight[lo],
			       });
		lo = hi;
	}
	if (p->n > first)
		qsort_r(p->picks + first, p->n - first, sizeof(*p->picks), in_order, (void *)f);
	p->picks[parent].first_child = first;
	p->picks[parent].child_n = p->n - first;
	p->picks[parent].light_row = o.light.lo;
}

/* --- choosing what to open: a heap of picks, the heaviest on top --- */

struct heap {
	const struct flame_pick *p;
	uint32_t *at;
	uint32_t n, cap;
};

/* Picks of one parent lie in order, so that of equals the first is the first in order. */
static bool is_before(const struct heap *h, uint32_t a, uint32_t b)
{
	double x = h->p->picks[a].weight, y = h->p->picks[b].weight;
	return x != y ? x > y : a < b;
}

static void heap_push(struct heap *h, uint32_t pick)
{
	vec_push(h->at, h->n, h->cap, pick);
	uint32_t i = h->n - 1;
	for (; i && is_before(h, pick, h->at[(i - 1) / 2]); i = (i - 1) / 2)
		h->at[i] = h->at[(i - 1) / 2];
	h->at[i] = pick;
}

static uint32_t heap_pop(struct heap *h)
{
	uint32_t top = h->at[0], last = h->at[--h->n], i = 0;
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= h->n)
			break;
		if (child + 1 < h->n && is_before(h, h->at[child + 1], h->at[child]))
			child++;
		if (!is_before(h, h->at[child], last))
			break;
		h->at[i] = h->at[child];
		i = child;
	}
	h->at[i] = last;
	return top;
}

static void push_children(struct heap *h, uint32_t frame)
{
	const struct picked *f = &h->p->picks[frame];
	for (uint32_t i = 0; i < f->child_n; i++)
		heap_push(h, f->first_child + i);
}

/* Bytes its name adds to what is written. */
static uint32_t new_name_bytes(
	const struct flame_pick *p, const struct picked *frame, bool *seen_names)
{
	const struct flame_places *places = p->f->places;
	uint32_t key = p->f->keys[p->f->first[frame->lo] + frame->depth - 1];
	uint32_t name = places->name[key >> 1];
	if (seen_names[name])
		return 0;
	seen_names[name] = true;
	return strtab_len(&places->names, name);
}

static void pick_below(struct flame_pick *p, const struct flame_cut *cut, double least)
{
	struct heap heap = {.p = p};
	bool *seen_names = mem_zalloc(p->f->places->names.n);
	size_t bytes = 0;
	push_children(&heap, 0);
	while (heap.n && p->shown < cut->frames && bytes < cut->name_bytes) {
		uint32_t i = heap_pop(&heap);
		struct picked frame = p->picks[i];
		bytes += new_name_bytes(p, &frame, seen_names);
		p->picks[frame.parent].shown_n++;
		p->shown++;
		collect_children(p, &frame, i, least);
		push_children(&heap, i);
	}
	mem_free(heap.at);
	mem_free(seen_names);
}

/* Of the children collected, drops those in front of the one that begins at `row`. */
static int drop_before(struct flame_pick *p, uint32_t row, struct err *err)
{
	struct picked *group = &p->picks[0];
	while (group->child_n && p->picks[group->first_child].lo != row) {
		group->first_child++;
		group->child_n--;
	}
	return group->child_n ? 0 : err_set(err, ERR_NOT_FOUND, "no such group of frames");
}

static int start(struct flame_pick *p, int64_t number, struct err *err)
{
	const struct flame *f = p->f;
	int64_t asked = number < 0 ? -number : number;
	if (number == INT64_MIN || asked > f->before[f->row_n])
		return err_set(
			err, ERR_NOT_FOUND, "the flame graph has no frame %lld", (long long)number);
	struct picked frame = find_frame(f, (uint32_t)asked), child = frame;
	p->number = number;
	p->is_group = number < 0;
	if (p->is_group)
		frame = find_parent(f, &child);
	vec_push(p->picks, p->n, p->cap, frame);
	/* All of its children: whoever asks for a frame wants to see what is in it. */
	collect_children(p, &frame, 0, 0);
	return p->is_group ? drop_before(p, child.lo, err) : 0;
}

static double weight_of_root(const struct flame_pick *p)
{
	const struct picked *root = &p->picks[0];
	double weight = 0;
	if (!p->is_group)
		return root->weight;
	for (uint32_t i = 0; i < root->child_n; i++)
		weight += p->picks[root->first_child + i].weight;
	return weight;
}

int flame_pick(struct flame_pick *ret, const struct flame *f, int64_t number,
	const struct flame_cut *cut, struct err *err)
{
	*ret = (struct flame_pick){.f = f, .shown = 1};
	int rc = start(ret, number, err);
	if (rc < 0) {
		flame_pick_release(ret);
		return rc;
	}
	bool is_large = count_below(ret, 0) > cut->frames;
	pick_below(ret, cut, is_large ? weight_of_root(ret) * cut->share : 0);
	return 0;
}

void flame_pick_release(struct flame_pick *p)
{
	mem_free(p->picks);
	p->picks = NULL;
}

/* --- what is said of frames --- */

static int64_t run_value(const struct flame *f, const struct picked *frame, uint32_t type)
{
	return (int64_t)((uint64_t)f->running[type][frame->hi] -
			 (uint64_t)f->running[type][frame->lo]);
}

static int64_t children_value(
	const struct flame_pick *p, const struct picked *frame, uint32_t type, uint32_t child_n)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < child_n; i++)
		sum += (uint64_t)run_value(p->f, &p->picks[frame->first_child + i], type);
	return (int64_t)sum;
}

int64_t flame_self(const struct flame_pick *p, uint32_t frame, uint32_t type)
{
	const struct picked *at = &p->picks[frame];
	struct picked own = {.lo = at->lo, .hi = at->lo + 1};
	if (is_group_root(p, frame) || at->lo == at->hi || p->f->depth[at->lo] != at->depth)
		return 0;
	return run_value(p->f, &own, type);
}

int64_t flame_total(const struct flame_pick *p, uint32_t frame, uint32_t type)
{
	const struct picked *at = &p->picks[frame];
	if (is_group_root(p, frame))
		return children_value(p, at, type, at->child_n);
	return run_value(p->f, at, type);
}

int64_t flame_left_out(const struct flame_pick *p, uint32_t frame, uint32_t type)
{
	uint64_t rest = (uint64_t)flame_total(p, frame, type);
	rest -= (uint64_t)flame_self(p, frame, type);
	rest -= (uint64_t)children_value(p, &p->picks[frame], type, p->picks[frame].shown_n);
	return (int64_t)rest;
}

int64_t flame_number(const struct flame_pick *p, uint32_t frame)
{
	const struct picked *at = &p->picks[frame];
	return frame ? number_of(p->f, at->lo, at->depth) : p->number;
}

int64_t flame_group_number(const struct flame_pick *p, uint32_t frame)
{
	const struct picked *at = &p->picks[frame];
	uint32_t row = at->light_row;
	if (at->shown_n < at->child_n)
		row = p->picks[at->first_child + at->shown_n].lo;
	return -(int64_t)number_of(p->f, row, at->depth + 1);
}

uint32_t flame_frames_below(const struct flame_pick *p)
{
	return count_below(p, 0);
}

uint32_t flame_key(const struct flame_pick *p, uint32_t frame)
{
	const struct picked *at = &p->picks[frame];
	if (is_group_root(p, frame) || !at->depth)
		return FLAME_NONE;
	return p->f->keys[p->f->first[at->lo] + at->depth - 1];
}

void flame_walk(const struct flame_pick *p, flame_visit_fn *visit, void *ctx)
{
	uint32_t at = 0, depth = 0, next = 0;
	visit(ctx, p, 0, 0, 0);
	for (;;) {
		const struct picked *frame = &p->picks[at];
		if (next < frame->shown_n) {
			at = frame->first_child + next;
			next = 0;
			visit(ctx, p, at, ++depth, 0);
			continue;
		}
		uint32_t more = count_below(p, at) - count_children(p, frame, frame->shown_n);
		if (more)
			visit(ctx, p, at, depth + 1, more);
		if (at == 0)
			return;
		next = at - p->picks[frame->parent].first_child + 1;
		at = frame->parent;
		depth--;
	}
}
