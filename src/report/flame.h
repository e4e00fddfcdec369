/*
 * The stacks of a report, sorted, as the flame graph that every view of it is cut from.
 *
 * With the stacks in order of their frames from the root, each frame of the graph is a run of rows
 * that begin alike: its children are the runs within its run, its value is a difference of two
 * running sums. So nothing is built for the frames nobody looks at, which in a profile of 500,000
 * stacks are ten million. (Rejected: a tree made by hashing (parent, place) pairs, 60 bytes and a
 * cache miss a frame; and google/pprof's way of sending every stack to the browser.)
 *
 * A frame has a number: its place in a walk over the whole graph in which each frame comes before
 * what it calls, the root being 0. Light children of a frame that are left out together have the
 * number of the first of them, negated: it means that child and all its lighter fellows. Numbers
 * hold for one profile under one configuration.
 *
 * A flame owns all it needs: the report and its profile may go once it is made. Single-threaded.
 */
#ifndef SONDE_REPORT_FLAME_H
#define SONDE_REPORT_FLAME_H

struct report;
struct report_labels;
struct flame;

/* From a report that was made with report_init(). ERR_LIMIT if its stacks are too many. */
must_check int flame_new(struct flame **ret, struct report *r, struct err *err);
/* What happens around a function in any place: what it calls, from its outermost occurrence in
 * each stack on; or who calls it, nearest first. The root stands for the function. Names are those
 * that flame_json() writes. */
enum flame_side {
	FLAME_CALLEES,
	FLAME_CALLERS,
};
struct flame *flame_around(const struct flame *f, const char *name, enum flame_side side);
void flame_free(struct flame *f); /* NULL is fine */

/* What is to be said of it beside the picture, a filter that matched nothing say. */
void flame_note(struct flame *f, const char *line);
const struct report_labels *flame_notes(const struct flame *f);
/* The sample type it was asked for. */
uint32_t flame_type(const struct flame *f);

/* Bytes it occupies, nearly. */
size_t flame_size(const struct flame *f);
/* Whether any frame has the name. */
bool flame_has(const struct flame *f, const char *name);

/* How much of it is shown: no frame lighter than `share` of the frame asked for, counted in all
 * sample types together, and no more than `frames`. A graph of fewer frames is shown whole, and so
 * are the children of the frame asked for, as far as `frames` goes. */
struct flame_cut {
	double share;
	uint32_t frames;
	uint32_t name_bytes; /* of distinct names: bounds what is written where names are long */
};

/* What is sent for a screen, and what a page that cannot ask for more holds. */
extern const struct flame_cut flame_cut_screen, flame_cut_page;

/* Writes the graph below frame `number` as JSON (format: flame_json.c). `live`: with the numbers by
 * which more can be asked for. ERR_NOT_FOUND if there is no such frame. */
must_check int flame_json(const struct flame *f, int64_t number, const struct flame_cut *cut,
	bool live, struct buf *out, struct err *err);
/* The page of `sonde pprof -flame`, with the first look at the graph in it. */
must_check int flame_page(const struct flame *f, const struct flame_cut *cut, bool live,
	struct buf *out, struct err *err);
/* One line a stack, root first: "main;work 12\n", in the report's sample type. */
void flame_folded(const struct flame *f, struct buf *out);
/* A picture that needs no script. */
must_check int flame_svg(const struct flame *f, struct buf *out, struct err *err);

#endif
