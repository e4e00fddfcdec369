/*
 * Laying out weblist: the lines that have instructions are cut into stretches of one function, a
 * few lines of source are put around each, and the instructions are indented under their line.
 */
#include "report/weblist_internal.h"

#include <stdlib.h>

#include "report/sources.h"

#define MERGE_LIMIT 20 /* lines of a gap within one stretch of a function */
#define EXPAND	    5  /* lines shown around a stretch */
#define TEXT_WIDTH  80

struct stretch {
	const char *name;
	int64_t begin, end; /* lines, end excluded */
	int64_t flat, cum;
};

/* The showings of one file. */
struct file {
	const char *name;
	const struct showing *showings;
	size_t n;
	int64_t flat, cum;
};

struct layout {
	struct weighed *w;
	struct weblist *list;
	struct sources sources;
	struct buf text;
	struct weblist_line *lines;
	size_t line_n, line_cap;
	struct stretch *stretches;
	size_t stretch_n, stretch_cap;
};

static const struct weighed_inst *inst_of(const struct weighed *w, uint64_t addr)
{
	static const struct weighed_inst none = {.text = "", .file = ""};
	const uint32_t *index = map_get(&w->inst_of, addr);
	return index ? &w->insts[*index] : &none;
}

/* --- text --- */

/* Columns of blanks in front; a tab goes to the next eighth. */
static int indentation(const char *line)
{
	int column = 0;
	for (; *line == ' ' || *line == '\t'; line++) {
		column++;
		while (*line == '\t' && column % 8)
			column++;
	}
	return column;
}

/* `indent` blanks and s, tabs made blanks, filled up to the width. In the arena. */
static const char *padded(struct layout *o, int indent, const char *s, size_t n)
{
	int column = indent;
	buf_clear(&o->text);
	buf_fill(&o->text, ' ', (size_t)indent);
	for (size_t i = 0; i < n; i++) {
		bool continues = ((unsigned char)s[i] & 0xc0) == 0x80; /* within a character */
		column += !continues;
		buf_addch(&o->text, s[i] == '\t' ? ' ' : s[i]);
		for (; s[i] == '\t' && column % 8; column++)
			buf_addch(&o->text, ' ');
	}
	if (column < TEXT_WIDTH)
		buf_fill(&o->text, ' ', (size_t)(TEXT_WIDTH - column));
	return arena_strndup(&o->list->arena, o->text.data, o->text.len);
}

static const char *base_name(struct layout *o, const char *path)
{
	buf_clear(&o->text);
	path_base(&o->text, path);
	return arena_strndup(&o->list->arena, o->text.data, o->text.len);
}

static const char *trimmed(const char *s, size_t *ret_n)
{
	s += strspn(s, " \t\r\n\v\f");
	size_t n = strlen(s);
	while (n && strchr(" \t\r\n\v\f", s[n - 1]))
		n--;
	*ret_n = n;
	return s;
}

/* --- a line --- */

static bool same_call(const struct call_site *a, const struct call_site *b)
{
	return a->line == b->line && !strcmp(a->file, b->file);
}

/* The calls of the showing that the one before it did not have. As in Go, one call that differs
 * makes all that follow it differ. */
static void lay_calls(struct layout *o, int indent, const struct showing *showing,
	const struct showing *before, struct weblist_inst *ret)
{
	struct weblist_call *calls =
		arena_alloc(&o->list->arena, (showing->call_n + 1) * sizeof(*calls));
	uint32_t known = before ? before->call_n : 0;
	for (uint32_t i = 0; i < showing->call_n; i++) {
		const struct call_site *c = &showing->calls[i];
		if (i < known && same_call(&before->calls[i], c))
			continue;
		known = 0;
		const char *source = sources_line(&o->sources, c->file, c->line);
		size_t n;
		source = trimmed(source ? source : "", &n);
		calls[ret->call_n++] = (struct weblist_call){
			.source = padded(o, indent + 4 + 4 * (int)i, source, n),
			.file = base_name(o, c->file),
			.line = c->line};
	}
	ret->calls = calls;
}

static void lay_insts(struct layout *o, const char *source, const struct showing *showings,
	size_t n, struct weblist_line *ret)
{
	struct weblist_inst *insts = arena_zalloc(&o->list->arena, n * sizeof(*insts));
	int indent = indentation(source);
	uint64_t expected = 0;
	for (size_t i = 0; i < n; i++) {
		const struct showing *s = &showings[i];
		const struct weighed_inst *x = inst_of(o->w, s->addr);
		insts[i] = (struct weblist_inst){.new_block = i && s->addr != expected,
			.synthetic = !x->text[0],
			.flat = x->flat,
			.cum = x->cum,
			.address = x->object_addr,
			.text = padded(
				o, indent + 4 + 4 * (int)s->call_n, x->text, strlen(x->text)),
			.file = x->file[0] ? base_name(o, x->file) : "",
			.line = x->line};
		lay_calls(o, indent, s, i ? s - 1 : NULL, &insts[i]);
		expected = s->addr + x->length;
	}
	ret->insts = insts;
	ret->inst_n = (uint32_t)n;
}

static enum weblist_kind kind_of(const struct layout *o, const struct showing *showings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (showings[i].call_n || inst_of(o->w, showings[i].addr)->text[0])
			return WEBLIST_HAS_CODE;
	}
	return n ? WEBLIST_NO_CODE : WEBLIST_NONE;
}

/* What to show for a line that the source does not have; NULL for nothing. */
static const char *missing_source(int64_t line, size_t showing_n)
{
	if (!showing_n)
		return NULL;
	return line ? "???" : "<instructions with unknown line numbers>";
}

static void lay_line(struct layout *o, const struct file *file, int64_t number,
	const struct showing *showings, size_t n)
{
	const char *source = sources_line(&o->sources, file->name, number);
	if (!source)
		source = missing_source(number, n);
	if (!source)
		return;
	struct weblist_line line = {.line = number,
		.source = arena_strdup(&o->list->arena, source),
		.kind = kind_of(o, showings, n)};
	for (size_t i = 0; i < n; i++) {
		line.flat += inst_of(o->w, showings[i].addr)->flat;
		line.cum += inst_of(o->w, showings[i].addr)->cum;
	}
	if (line.kind == WEBLIST_HAS_CODE)
		lay_insts(o, source, showings, n, &line);
	vec_push(o->lines, o->line_n, o->line_cap, line);
}

/* --- a file --- */

static size_t showings_on_line(const struct showing *showings, size_t n)
{
	size_t i = 1;
	while (i < n && showings[i].line == showings[0].line)
		i++;
	return i;
}

static const char *pretty_name(const struct weighed *w, const char *function)
{
	uint32_t id = strtab_find(&w->r->profile->strings, function, strlen(function));
	const uint32_t *name = id == UINT32_MAX ? NULL : map_get(&w->pretty, id);
	return name ? profile_str(w->r->profile, *name) : function;
}

static void add_stretch(struct layout *o, const struct stretch *new)
{
	struct stretch *last = o->stretch_n ? &o->stretches[o->stretch_n - 1] : NULL;
	if (last && new->begin - last->end < MERGE_LIMIT && !strcmp(last->name, new->name)) {
		last->end = new->end;
		last->flat += new->flat;
		last->cum += new->cum;
		return;
	}
	vec_push(o->stretches, o->stretch_n, o->stretch_cap, *new);
}

/* Shows some lines around; the gap between two stretches is shared. Line 0 is no line: it stands
 * for instructions whose line is unknown. */
static void expand_stretches(struct layout *o)
{
	for (size_t i = 0; i < o->stretch_n; i++) {
		struct stretch *s = &o->stretches[i];
		if (i == 0) {
			if (s->begin > EXPAND)
				s->begin -= EXPAND;
			else if (s->begin > 1)
				s->begin = 1;
			continue;
		}
		int64_t half = (s->begin - s[-1].end) / 2;
		half = half < EXPAND ? half : EXPAND;
		s[-1].end += half;
		s->begin -= half;
	}
	if (o->stretch_n)
		o->stretches[o->stretch_n - 1].end += EXPAND;
}

static void make_stretches(struct layout *o, const struct file *file)
{
	o->stretch_n = 0;
	for (size_t i = 0, n; i < file->n; i += n) {
		const struct showing *s = &file->showings[i];
		n = showings_on_line(s, file->n - i);
		/* The first function found on a line has it. */
		struct stretch stretch = {.name = pretty_name(o->w, s->function),
			.begin = s->line,
			.end = (int64_t)s->line + 1};
		for (size_t j = 0; j < n; j++) {
			stretch.flat += inst_of(o->w, s[j].addr)->flat;
			stretch.cum += inst_of(o->w, s[j].addr)->cum;
		}
		add_stretch(o, &stretch);
	}
	expand_stretches(o);
}

static void lay_stretch(struct layout *o, const struct file *file, const struct stretch *stretch)
{
	size_t at = 0, first = o->line_n;
	while (at < file->n && file->showings[at].line < stretch->begin)
		at++;
	for (int64_t line = stretch->begin; line < stretch->end; line++) {
		size_t n = 0;
		if (at < file->n && file->showings[at].line == line)
			n = showings_on_line(file->showings + at, file->n - at);
		lay_line(o, file, line, file->showings + at, n);
		at += n;
	}
	struct weblist *list = o->list;
	const char *error = sources_error(&o->sources, file->name);
	struct weblist_func func = {.name = arena_strdup(&list->arena, stretch->name),
		.file = arena_strdup(&list->arena, file->name),
		.error = error ? arena_strdup(&list->arena, error) : NULL,
		.flat = stretch->flat,
		.cum = stretch->cum,
		.line_n = (uint32_t)(o->line_n - first)};
	struct weblist_line *lines = arena_alloc(&list->arena, (func.line_n + 1) * sizeof(*lines));
	if (func.line_n)
		memcpy(lines, o->lines + first, func.line_n * sizeof(*lines));
	func.lines = lines;
	vec_push(list->funcs, list->func_n, list->func_cap, func);
}

static void lay_file(struct layout *o, const struct file *file)
{
	make_stretches(o, file);
	o->line_n = 0;
	for (size_t i = 0; i < o->stretch_n; i++) {
		if (o->stretches[i].cum)
			lay_stretch(o, file, &o->stretches[i]);
	}
}

/* --- all files --- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static int by_flat(const void *pa, const void *pb)
{
	const struct file *a = pa, *b = pb;
	if (a->flat != b->flat)
		return a->flat > b->flat ? -1 : 1;
	return by_name(a, b);
}

/* An instruction shown on several lines of the file costs once. */
static void sum_file(const struct weighed *w, struct file *file)
{
	struct map seen;
	map_init(&seen);
	for (size_t i = 0; i < file->n; i++) {
		bool is_new;
		map_put(&seen, file->showings[i].addr, &is_new);
		if (!is_new)
			continue;
		file->flat += inst_of(w, file->showings[i].addr)->flat;
		file->cum += inst_of(w, file->showings[i].addr)->cum;
	}
	map_release(&seen);
}

static size_t split_files(const struct weighed *w, struct file **ret)
{
	struct file *files = NULL;
	size_t n = 0, cap = 0;
	for (size_t i = 0; i < w->showing_n; i++) {
		const struct showing *s = &w->showings[i];
		if (i == 0 || s[-1].file != s->file) {
			struct file file = {
				.name = strtab_get(&w->strings, s->file), .showings = s};
			vec_push(files, n, cap, file);
		}
		files[n - 1].n++;
	}
	for (size_t i = 0; i < n; i++)
		sum_file(w, &files[i]);
	*ret = files;
	return n;
}

int weblist_make(
	struct report *r, const struct weblist_opts *opts, struct weblist *ret, struct err *err)
{
	static const struct weblist_opts defaults = {.files_max = -1};
	struct objtool binaries = objtool_binaries();
	struct weighed w;
	struct file *files = NULL;
	if (!opts)
		opts = &defaults;
	*ret = (struct weblist){0};
	arena_init(&ret->arena);
	struct layout o = {.w = &w, .list = ret};
	buf_init(&o.text);
	sources_init(&o.sources, r->config.source_path, r->config.trim_path);
	o.sources.confined = opts->confine_sources;
	int rc = weigh(&w, r, opts->tool ? opts->tool : &binaries, &ret->arena, err);
	if (rc >= 0) {
		size_t n = split_files(&w, &files);
		if (n)
			qsort(files, n, sizeof(*files), opts->files_max < 0 ? by_name : by_flat);
		for (size_t i = 0; i < n && (opts->files_max < 0 || i < opts->files_max); i++)
			lay_file(&o, &files[i]);
	}
	mem_free(files);
	mem_free(o.lines);
	mem_free(o.stretches);
	sources_release(&o.sources);
	buf_release(&o.text);
	weighed_release(&w);
	if (rc < 0)
		weblist_release(ret);
	return rc;
}

void weblist_release(struct weblist *list)
{
	mem_free(list->funcs);
	arena_release(&list->arena);
	*list = (struct weblist){0};
}
