/*
 * A flame graph for other programs: folded stacks, and an SVG picture that needs no script.
 */
#include "report/flame_internal.h"

#include <math.h>
#include <stdio.h>

/* --- folded stacks --- */

/* A name cannot hold what ends it, nor what ends the line. */
static void put_folded_name(const char *name, struct buf *out)
{
	for (; *name; name++)
		buf_addch(out, *name == ';' ? ':' : *name == '\n' || *name == '\r' ? ' ' : *name);
}

static void put_folded_row(const struct flame *f, uint32_t row, struct buf *out)
{
	const struct flame_places *places = f->places;
	const uint32_t *keys = f->keys + f->first[row];
	for (uint32_t i = 0; i < f->depth[row]; i++) {
		if (i)
			buf_addch(out, ';');
		put_folded_name(strtab_get(&places->names, places->name[keys[i] >> 1]), out);
	}
}

void flame_folded(const struct flame *f, struct buf *out)
{
	const int64_t *running = f->running[f->places->type];
	for (uint32_t row = 0; row < f->row_n; row++) {
		int64_t value = (int64_t)((uint64_t)running[row + 1] - (uint64_t)running[row]);
		if (!value || !f->depth[row])
			continue;
		put_folded_row(f, row, out);
		buf_printf(out, " %lld\n", (long long)value);
	}
}

/* --- SVG --- */

enum {
	WIDTH = 1200,
	ROW = 17,
	TOP = 30, /* room for the title */
	TEXT_WIDTH_LEAST = 24,
};
#define CHAR_WIDTH  6.7
#define WIDTH_LEAST 0.3 /* pixels */

struct drawing {
	double scale; /* pixels a unit of value */
	double *x;    /* by pick: where it begins */
	double *used; /* and how much of it its children take so far */
	uint32_t depth;
	struct buf *out;
};

/* XML has no way to write most control characters, nor bytes that are no UTF-8. At most `max`
 * characters: more end in "…". */
static void put_xml(struct buf *out, const char *text, size_t max)
{
	size_t n = strlen(text), k;
	for (size_t count = 0; n; text += k, n -= k) {
		char one[8] = {0};
		uint32_t c = utf8_decode(text, n, &k);
		if (++count == max && n > k) {
			buf_addstr(out, "…");
			return;
		}
		memcpy(one, text, k);
		bool is_char = c >= 0x20 && c != 0x7f && c != 0xfffe && c != 0xffff;
		html_escape(out, !is_char || (c == 0xfffd && k == 1) ? "\xef\xbf\xbd" : one);
	}
}

static void put_value(const struct flame *f, int64_t value, struct buf *out)
{
	struct buf text = BUF_INIT;
	int64_t whole = f->running[f->places->type][f->row_n];
	unit_label(value, f->places->types[f->places->type].unit, "auto", &text);
	buf_addstr(&text, ", ");
	unit_percentage(value, whole, &text);
	put_xml(out, text.data, SIZE_MAX);
	buf_release(&text);
}

static void put_box(const struct drawing *d, const struct flame *f, const char *name, int64_t value,
	double x, double width, uint32_t depth)
{
	unsigned hue = (unsigned)(hash_bytes(name, strlen(name), 0) % 55);
	int y = TOP + (int)depth * ROW;
	buf_addstr(d->out, "<g><title>");
	put_xml(d->out, name, SIZE_MAX);
	buf_addstr(d->out, " (");
	put_value(f, value, d->out);
	buf_printf(d->out,
		")</title><rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"hsl(%u "
		"80%% 68%%)\"/>",
		x, y, width, ROW - 1, hue);
	if (width >= TEXT_WIDTH_LEAST) {
		buf_printf(d->out, "<text x=\"%.1f\" y=\"%d\">", x + 3, y + 12);
		put_xml(d->out, name, (size_t)((width - 6) / CHAR_WIDTH));
		buf_addstr(d->out, "</text>");
	}
	buf_addstr(d->out, "</g>\n");
}

static void draw_frame(
	void *ctx, const struct flame_pick *p, uint32_t frame, uint32_t depth, uint32_t more)
{
	struct drawing *d = ctx;
	const struct flame *f = p->f;
	uint32_t key = flame_key(p, frame), type = f->places->type;
	uint32_t id = key == FLAME_NONE ? f->root : f->places->name[key >> 1];
	uint32_t under = more ? frame : p->picks[frame].parent;
	int64_t value = more ? flame_left_out(p, frame, type) : flame_total(p, frame, type);
	double width = fabs((double)value) * d->scale;
	double x = depth ? d->x[under] + d->used[under] : 0;
	if (depth)
		d->used[under] += width;
	if (!more)
		d->x[frame] = x;
	/* A diff's children may be wider together than their caller. */
	width = fmin(width, WIDTH - x);
	if (width < WIDTH_LEAST)
		return;
	if (depth > d->depth)
		d->depth = depth;
	if (more) {
		char name[40];
		snprintf(name, sizeof(name), "… %u more", more);
		put_box(d, f, name, value, x, width, depth);
	} else {
		put_box(d, f, strtab_get(&f->places->names, id), value, x, width, depth);
	}
}

static void put_svg_start(const struct flame *f, uint32_t depth, struct buf *out)
{
	unsigned height = TOP + (depth + 1) * ROW + 4;
	buf_printf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		"viewBox=\"0 0 %d %u\" font-family=\"monospace\" font-size=\"11\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
		"<text x=\"3\" y=\"18\" font-size=\"14\">",
		WIDTH, height, WIDTH, height);
	put_xml(out, f->places->title, 80);
	buf_addstr(out, *f->places->title ? " " : "");
	put_xml(out, f->places->types[f->places->type].name, 40);
	buf_addstr(out, "</text>\n");
}

int flame_svg(const struct flame *f, struct buf *out, struct err *err)
{
	static const struct flame_cut cut = {
		.share = WIDTH_LEAST / WIDTH, .frames = 20000, .name_bytes = 4 << 20};
	struct flame_pick pick;
	struct buf boxes = BUF_INIT;
	int rc = flame_pick(&pick, f, 0, &cut, err);
	if (rc < 0)
		return rc;
	double whole = fabs((double)f->running[f->places->type][f->row_n]);
	struct drawing d = {.scale = whole > 0 ? WIDTH / whole : 0,
		.x = mem_zalloc(pick.n * sizeof(*d.x)),
		.used = mem_zalloc(pick.n * sizeof(*d.used)),
		.out = &boxes};
	flame_walk(&pick, draw_frame, &d);
	put_svg_start(f, d.depth, out);
	buf_add(out, boxes.data, boxes.len);
	buf_addstr(out, "</svg>\n");
	mem_free(d.x);
	mem_free(d.used);
	buf_release(&boxes);
	flame_pick_release(&pick);
	return 0;
}
