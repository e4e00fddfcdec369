/*
 * A flame graph as the page's script takes it (ui/flame/model.js): columns, in the order of a walk
 * in which each frame comes before what it calls, heavier callees first.
 *
 *	{"title": "prog", "labels": ["File: prog", ...],        header lines
 *	 "notes": ["Focus expression matched no samples"],      warnings
 *	 "types": [{"name": "cpu", "unit": "nanoseconds"}],     sample types
 *	 "type": 0,                                             the one shown first
 *	 "frames": 1234,       frames in the whole graph, shown or not, the root included
 *	 "whole": [98],        its total by type: what 100 % is, whatever part was asked for
 *	 "names": [...], "files": [...],        names end in ":line" if lines are told apart
 *(g=lines) "depth": [0, 1, ...],     below the first, which is 0 "name": [...], "file": [...],
 *indexes; -1: none (a name of -1: "… more", see there) "inlined": [...],         1: inlined into
 *the frame above "more": [...],            how many frames were left out, of which this stands for
 *all "self": [[...], ...],     by type. Of a "… more": all that is in it "id": [...]} served pages
 *only: the frame's number, for node=
 *
 * The number of a "… more" is negative. Asked for by it, the first frame of the answer is that
 * "… more" again, with nothing by itself, and below it are the frames it stood for.
 *
 * flame.json is one such object; sandwich.json is {"callers": {...}, "callees": {...}}. Columns,
 * because they are a third of the bytes of an object a frame and are read by one loop each.
 */
#include "report/flame_internal.h"

#include "report/flame_page.h"

/* The columns as they grow. */
struct writing {
	const struct flame_places *places;
	bool live;
	struct buf depth, name, file, module, inlined, more, id;
	struct buf *self; /* one a column of values */
	struct strtab names, files;
};

static void put(struct buf *column, int64_t value)
{
	if (column->len)
		buf_addch(column, ',');
	buf_printf(column, "%lld", (long long)value);
}

/* The string's index among those written. */
static int64_t written(struct strtab *to, const struct strtab *from, uint32_t id)
{
	return strtab_add(to, strtab_get(from, id), strtab_len(from, id));
}

/* -1 for none. */
static int64_t written_file(struct writing *w, uint32_t file)
{
	return file ? written(&w->files, &w->places->files, file) : -1;
}

static void put_place(struct writing *w, const struct flame_pick *p, uint32_t frame)
{
	const struct flame_places *places = w->places;
	uint32_t key = flame_key(p, frame), name = p->f->root, file = 0, module = 0;
	if (key != FLAME_NONE) {
		name = places->name[key >> 1];
		file = places->file[key >> 1];
		module = places->module[key >> 1];
	}
	put(&w->name, written(&w->names, &places->names, name));
	put(&w->file, written_file(w, file));
	put(&w->module, written_file(w, module));
	put(&w->inlined, key != FLAME_NONE && (key & 1));
}

static void put_no_place(struct writing *w)
{
	put(&w->name, -1);
	put(&w->file, -1);
	put(&w->module, -1);
	put(&w->inlined, 0);
}

static void put_frame(
	void *ctx, const struct flame_pick *p, uint32_t frame, uint32_t depth, uint32_t more)
{
	struct writing *w = ctx;
	bool is_group = p->is_group && depth == 0;
	put(&w->depth, depth);
	if (more || is_group)
		put_no_place(w);
	else
		put_place(w, p, frame);
	put(&w->more, is_group ? flame_frames_below(p) : more);
	if (w->live)
		put(&w->id, more ? flame_group_number(p, frame) : flame_number(p, frame));
	for (uint32_t type = 0; type < w->places->column_n; type++)
		put(&w->self[type],
			more ? flame_left_out(p, frame, type) : flame_self(p, frame, type));
}

static void put_text(struct buf *out, const char *text)
{
	json_string(out, text, strlen(text));
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

static void put_lines(const struct report_labels *lines, struct buf *out)
{
	for (uint32_t i = 0; i < lines->n; i++) {
		buf_addstr(out, i ? "," : "");
		put_text(out, lines->lines[i]);
	}
}

static void put_header(const struct flame *f, struct buf *out)
{
	const struct flame_places *places = f->places;
	buf_addstr(out, "{\"title\":");
	put_text(out, places->title);
	buf_addstr(out, ",\"labels\":[");
	put_lines(&places->labels, out);
	buf_addstr(out, "],\"notes\":[");
	put_lines(&places->notes, out);
	buf_addstr(out, "],\"types\":[");
	for (uint32_t i = 0; i < places->type_n; i++) {
		buf_addstr(out, i ? ",{\"name\":" : "{\"name\":");
		put_text(out, places->types[i].name);
		buf_addstr(out, ",\"unit\":");
		put_text(out, places->types[i].unit);
		buf_addch(out, '}');
	}
	buf_printf(out, "],\"type\":%u,\"frames\":%u,\"whole\":[", places->type,
		f->before[f->row_n] + 1);
	for (uint32_t i = 0; i < places->type_n; i++)
		buf_printf(out, "%s%lld", i ? "," : "", (long long)f->running[i][f->row_n]);
	buf_addch(out, ']');
}

static void put_values(const struct writing *w, const char *key, uint32_t from, struct buf *out)
{
	buf_printf(out, ",\n\"%s\":[", key);
	for (uint32_t type = 0; type < w->places->type_n; type++) {
		buf_addstr(out, type ? ",\n[" : "\n[");
		buf_add(out, w->self[from + type].data, w->self[from + type].len);
		buf_addch(out, ']');
	}
	buf_addch(out, ']');
}

static void put_columns(struct writing *w, struct buf *out)
{
	put_strings("names", &w->names, out);
	put_strings("files", &w->files, out);
	put_column("depth", &w->depth, out);
	put_column("name", &w->name, out);
	put_column("file", &w->file, out);
	put_column("module", &w->module, out);
	put_column("inlined", &w->inlined, out);
	put_column("more", &w->more, out);
	if (w->live)
		put_column("id", &w->id, out);
	put_values(w, "self", 0, out);
	if (w->places->column_n > w->places->type_n)
		put_values(w, "base", w->places->type_n, out);
	buf_addch(out, '}');
}

static void init_writing(struct writing *w, const struct flame *f, bool live)
{
	*w = (struct writing){.places = f->places,
		.live = live,
		.depth = BUF_INIT,
		.name = BUF_INIT,
		.file = BUF_INIT,
		.module = BUF_INIT,
		.inlined = BUF_INIT,
		.more = BUF_INIT,
		.id = BUF_INIT};
	w->self = mem_array((size_t)f->places->column_n + 1, sizeof(*w->self));
	for (uint32_t type = 0; type < f->places->column_n; type++)
		buf_init(&w->self[type]);
	strtab_init(&w->names);
	strtab_init(&w->files);
}

static void release_writing(struct writing *w)
{
	struct buf *columns[] = {
		&w->depth, &w->name, &w->file, &w->module, &w->inlined, &w->more, &w->id};
	for (size_t i = 0; i < array_len(columns); i++)
		buf_release(columns[i]);
	for (uint32_t type = 0; type < w->places->column_n; type++)
		buf_release(&w->self[type]);
	mem_free(w->self);
	strtab_release(&w->names);
	strtab_release(&w->files);
}

int flame_json(const struct flame *f, int64_t number, const struct flame_cut *cut, bool live,
	struct buf *out, struct err *err)
{
	struct flame_pick pick;
	struct writing w;
	int rc = flame_pick(&pick, f, number, cut, err);
	if (rc < 0)
		return rc;
	init_writing(&w, f, live);
	flame_walk(&pick, put_frame, &w);
	put_header(f, out);
	put_columns(&w, out);
	release_writing(&w);
	flame_pick_release(&pick);
	return 0;
}

int flame_page(const struct flame *f, const struct flame_cut *cut, bool live, struct buf *out,
	struct err *err)
{
	buf_add(out, flame_page_head, flame_page_head_len);
	int rc = flame_json(f, 0, cut, live, out, err);
	buf_add(out, flame_page_tail, flame_page_tail_len);
	return rc;
}

const struct flame_cut flame_cut_screen = {
	.share = 1.0 / 2000, .frames = 20000, .name_bytes = 768 * 1024};
const struct flame_cut flame_cut_page = {
	.share = 1.0 / 50000, .frames = 60000, .name_bytes = 4 << 20};

int report_flame(struct report *r, struct sink *to, struct err *err)
{
	struct flame *f;
	struct buf page = BUF_INIT;
	int rc = flame_new(&f, r, err);
	if (rc < 0)
		return rc;
	rc = flame_page(f, &flame_cut_page, false, &page, err);
	flame_free(f);
	if (rc >= 0 && (rc = to->write(to, page.data, page.len)) < 0)
		err_set(err, rc, "writing the flame graph failed");
	buf_release(&page);
	return rc < 0 ? rc : 0;
}

const char *report_flame_policy(void)
{
	return flame_page_policy;
}
