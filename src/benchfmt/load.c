/*
 * Reading inputs into tables on many threads; see load.h.
 *
 * Inputs are cut at newlines into pieces of a few megabytes. A thread reads a piece with a reader
 * of its own: it knows the shapes of lines (shape.h) it met in any piece, and nothing of the
 * configuration, which may have been set far before. The values of results it keeps by shape, a row
 * a result. What is left is short and is done for one piece after the other, in the inputs' order,
 * by whichever thread finished the one that was waited for: the lines that are no results are read
 * by the tables' reader, and between two of them stand, for each shape, rows that all belong to the
 * same cells. They are handed over in the order in which the shapes came, so that everything is
 * found in the order of the input, whoever read it.
 *
 * (Rejected: a thread a file, which leaves CPUs idle where one file is large; looking for the
 * configuration at a cut by reading backwards, which may have to read everything.)
 */
#include "benchfmt/benchfmt.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	ROWS_FIRST = 2,	       /* of a shape lie together, then twice as many, and so on */
	TOGETHER_MAX = 2048,   /* up to so many values */
	AHEAD = 8,	       /* values: a line of the cache, to be there when the shape is next */
	BLOCK_FIRST = 4096,    /* values in a thread's first block, then twice as many, and so on */
	BLOCK_MAX = 512 * 1024 /* up to so many, of which the header takes two */
};

/* One shape of one reader. */
struct column {
	const char *name;
	struct bench_unit_text *units;
	uint32_t name_len, unit_n;
	/* the thread's that reads */
	struct value_block *block; /* held; of it, room for some rows: */
	double *begin, *next, *end;
	uint64_t stretch; /* in which rows were added last */
	uint32_t event;	  /* of the piece: counts them */
	/* the handing over's */
	uint32_t shape; /* of the tables' reader, 0 if not known yet */
};

/* Rows of a column under one configuration, or a line that is no result. */
struct event {
	struct column *column; /* NULL: a line */
	union {
		struct value_block *block; /* held */
		const char *line;
	};
	const double *rows;
	uint32_t n; /* rows; the number of the line in the piece, from 1 */
};

struct piece {
	const struct bench_input *input;
	const char *p;
	size_t n;
	struct event *events;
	uint32_t event_n, event_cap;
	int lines;
	bool done;
};

/* What a thread keeps from piece to piece. */
struct loader {
	struct bench_reader reader;
	struct arena arena;
	struct value_block *block; /* held: the newest, of it what is free */
	double *next, *end;
	size_t block_size;	 /* in values */
	struct column **columns; /* by shape */
	uint32_t column_n, column_cap;
	uint64_t stretch; /* results since something else came: counted up */
};

struct load {
	struct tables *tables;
	void (*report)(void *ctx, const char *msg);
	void *ctx;
	struct loader *loaders; /* by thread */
	struct piece *pieces;
	uint32_t piece_n, piece_cap;
	pthread_mutex_t lock; /* of what follows, and of `done` */
	uint32_t handed_over; /* pieces */
	bool handing_over;    /* a thread is at it: it alone has the tables */
	int lines;	      /* of the input, before the piece that is next */
};

/* --- reading a piece --- */

static struct str text_of(const struct bench_reader *r, uint32_t id)
{
	return r->strings.strs[id];
}

static struct column *column_new(struct loader *l)
{
	const struct bench_result *res = &l->reader.result;
	struct column *c = arena_zalloc(&l->arena, sizeof(*c));
	c->name = arena_strndup(&l->arena, res->name, res->name_len);
	c->name_len = res->name_len;
	c->unit_n = res->value_n;
	c->units = arena_alloc(&l->arena, res->value_n * sizeof(*c->units));
	for (uint32_t i = 0; i < res->value_n; i++)
		c->units[i] = (struct bench_unit_text){text_of(&l->reader, res->units[i].unit),
			text_of(&l->reader, res->units[i].orig_unit)};
	return c;
}

/* Shapes are numbered as they come; a new one is the next. */
static struct column *column_of(struct loader *l)
{
	uint32_t shape = l->reader.result.shape;
	while (l->column_n <= shape)
		vec_push(l->columns, l->column_n, l->column_cap, NULL);
	if (!l->columns[shape])
		l->columns[shape] = column_new(l);
	return l->columns[shape];
}

static double *take_room(struct loader *l, size_t n)
{
	if ((size_t)(l->end - l->next) < n) {
		size_t size = l->block_size ? l->block_size * 2 : BLOCK_FIRST;
		size = size < BLOCK_MAX ? size : BLOCK_MAX;
		l->block_size = size < n + VALUE_BLOCK_HEADER ? n + VALUE_BLOCK_HEADER : size;
		value_block_put(l->block);
		l->block = value_block_new(l->block_size - VALUE_BLOCK_HEADER);
		l->next = l->block->values;
		l->end = l->next + l->block_size - VALUE_BLOCK_HEADER;
	}
	l->next += n;
	return l->next - n;
}

static void add_room(struct loader *l, struct column *c)
{
	size_t before = (size_t)(c->end - c->begin);
	size_t n = before ? before * 2 : (size_t)ROWS_FIRST * c->unit_n;
	size_t most = (size_t)(TOGETHER_MAX / c->unit_n + 1) * c->unit_n;
	n = n > most ? most : n;
	c->begin = c->next = take_room(l, n);
	c->end = c->next + n;
	value_block_get(l->block);
	value_block_put(c->block);
	c->block = l->block;
}

static void begin_rows(struct loader *l, struct piece *piece, struct column *c)
{
	if (c->next == c->end)
		add_room(l, c);
	value_block_get(c->block);
	c->stretch = l->stretch;
	c->event = piece->event_n;
	vec_push(piece->events, piece->event_n, piece->event_cap,
		((struct event){.column = c, .block = c->block, .rows = c->next}));
}

static void add_row(struct loader *l, struct piece *piece)
{
	const struct bench_result *res = &l->reader.result;
	struct column *c = column_of(l);
	if (c->stretch != l->stretch || c->next == c->end)
		begin_rows(l, piece, c);
	if (res->values != c->next)
		memcpy(c->next, res->values, res->value_n * sizeof(*c->next));
	c->next += res->value_n;
	__builtin_prefetch(c->next + AHEAD, 1);
	bench_reader_put_at(&l->reader, res->shape, c->next < c->end ? c->next : NULL);
	piece->events[c->event].n++;
}

static void leave_line(struct loader *l, struct piece *piece)
{
	struct event e = {.line = l->reader.left, .n = (uint32_t)l->reader.result.line};
	vec_push(piece->events, piece->event_n, piece->event_cap, e);
	l->stretch++;
}

/* Within a stretch the order of shapes is lost. That can be seen only of values that are equal and
 * not the same, 0 and -0: so signs stand in stretches of their own. */
static void read_piece(struct loader *l, struct piece *piece)
{
	enum bench_record record;
	bench_reader_open_part(&l->reader, piece->p, piece->n);
	l->stretch++;
	while ((record = bench_reader_next_part(&l->reader)) != BENCH_END) {
		bool plain = l->reader.result.plain;
		if (record == BENCH_LEFT) {
			leave_line(l, piece);
			continue;
		}
		l->stretch += !plain;
		add_row(l, piece);
		l->stretch += !plain;
	}
	piece->lines = l->reader.result.line;
}

/* The pages that lie in the piece as a whole, so that a file's size does not count as our memory.
 * Read again they come back from the file. */
static void give_back(const struct piece *piece)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)piece->p;
	uintptr_t end = (from + piece->n) / page * page;
	from = (from + page - 1) / page * page;
	if (piece->input->mapped && from < end)
		madvise((void *)from, end - from, MADV_DONTNEED);
}

/* --- handing over --- */

static void hand_over_rows(struct load *load, const struct event *e)
{
	struct bench_reader *r = load->tables->projector->reader;
	struct column *c = e->column;
	if (!c->shape)
		c->shape = bench_reader_shape(r, c->name, c->name_len, c->units, c->unit_n);
	bench_reader_assume(r, c->shape);
	tables_add_rows(load->tables, e->block, e->rows, e->n);
	value_block_put(e->block);
}

static void hand_over_line(struct load *load, const struct event *e)
{
	struct bench_reader *r = load->tables->projector->reader;
	bench_reader_goto(r, e->line, load->lines + (int)e->n);
	while (bench_reader_next(r) == BENCH_ERROR)
		load->report(load->ctx, r->error.msg);
}

static void hand_over(struct load *load, struct piece *piece)
{
	const struct bench_input *in = piece->input;
	if (piece->p == in->p) {
		bench_reader_open(
			load->tables->projector->reader, in->p, in->n, in->path, in->label);
		load->lines = 0;
	}
	for (uint32_t i = 0; i < piece->event_n; i++)
		(piece->events[i].column ? hand_over_rows : hand_over_line)(
			load, &piece->events[i]);
	load->lines += piece->lines;
	mem_free(piece->events);
	give_back(piece); /* what the lines brought back */
}

/* A piece is done: hands over what can be, unless a thread is at it, which will see it. */
static void piece_done(struct load *load, struct piece *piece)
{
	pthread_mutex_lock(&load->lock);
	piece->done = true;
	if (!load->handing_over) {
		load->handing_over = true;
		while (load->handed_over < load->piece_n && load->pieces[load->handed_over].done) {
			pthread_mutex_unlock(&load->lock);
			hand_over(load, &load->pieces[load->handed_over]);
			pthread_mutex_lock(&load->lock);
			load->handed_over++;
		}
		load->handing_over = false;
	}
	pthread_mutex_unlock(&load->lock);
}

static void load_piece(void *ctx, unsigned thread, uint32_t i)
{
	struct load *load = ctx;
	read_piece(&load->loaders[thread], &load->pieces[i]);
	give_back(&load->pieces[i]);
	piece_done(load, &load->pieces[i]);
}

/* --- all --- */

/* At least one piece, that an input with nothing in it be opened. */
static void cut(struct load *load, const struct bench_input *in, size_t most)
{
	const char *p = in->p, *end = in->p + in->n;
	do {
		size_t n = (size_t)(end - p);
		if (n > most) {
			const char *newline = memchr(p + most, '\n', n - most);
			n = newline ? (size_t)(newline + 1 - p) : n;
		}
		struct piece piece = {.input = in, .p = p, .n = n};
		vec_push(load->pieces, load->piece_n, load->piece_cap, piece);
		p += n;
	} while (p < end);
}

static void loader_init(struct loader *l, const struct bench_reader *like)
{
	*l = (struct loader){0};
	bench_reader_init(&l->reader);
	l->reader.fix_zero = like->fix_zero;
	arena_init(&l->arena);
}

static void loader_release(struct loader *l)
{
	for (uint32_t i = 0; i < l->column_n; i++)
		if (l->columns[i])
			value_block_put(l->columns[i]->block);
	value_block_put(l->block);
	mem_free(l->columns);
	arena_release(&l->arena);
	bench_reader_release(&l->reader);
}

/* None for less than a piece: many small files are read before a thread has started. */
static unsigned threads_for(const struct load *load, const struct load_options *options)
{
	size_t bytes = 0;
	for (uint32_t i = 0; i < load->piece_n; i++)
		bytes += load->pieces[i].n;
	size_t most = bytes / options->piece + 1;
	return options->threads < most ? options->threads : (unsigned)most;
}

void tables_read(struct tables *t, const struct bench_input *inputs, uint32_t n,
	const struct load_options *options, void (*report)(void *ctx, const char *msg), void *ctx)
{
	struct load load = {.tables = t, .report = report, .ctx = ctx};
	pthread_mutex_init(&load.lock, NULL);
	for (uint32_t i = 0; i < n; i++)
		cut(&load, &inputs[i], options->piece);
	unsigned threads = threads_for(&load, options);
	load.loaders = mem_array(threads, sizeof(*load.loaders));
	for (unsigned i = 0; i < threads; i++)
		loader_init(&load.loaders[i], t->projector->reader);
	parallel_each(threads, load.piece_n, load_piece, &load);
	for (unsigned i = 0; i < threads; i++)
		loader_release(&load.loaders[i]);
	mem_free(load.loaders);
	mem_free(load.pieces);
	pthread_mutex_destroy(&load.lock);
}
