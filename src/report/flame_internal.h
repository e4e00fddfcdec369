/*
 * Inside the flame graph (flame.h): its rows, and what is picked of them to be shown.
 */
#ifndef SONDE_REPORT_FLAME_INTERNAL_H
#define SONDE_REPORT_FLAME_INTERNAL_H

#include "report/report.h"

#define FLAME_NONE UINT32_MAX

struct value_unit {
	char *name, *unit;
};

/* What keys of rows mean, and what is said of the whole: shared by a graph and those made of it
 * with flame_around(). A key is place << 1 | inlined. */
struct flame_places {
	unsigned refs;
	struct strtab names, files;
	uint32_t *name;	  /* string of each place */
	uint32_t *file;	  /* 0: none */
	uint32_t *module; /* file of the mapping it was first seen in; 0: none */
	uint32_t n;
	struct value_unit *types;
	uint32_t type_n;
	uint32_t column_n; /* of values: a type each, and in a diff as many again, of the base */
	uint32_t type;	   /* the one shown first */
	char *title;
	struct report_labels labels, notes;
};

/* Rows are distinct stacks in order. A frame at depth d (1: below the root) of the rows [lo, hi) is
 * what keys[first[lo] .. first[lo] + d) leads to; rows [lo, hi) are all that begin so. */
struct flame {
	struct flame_places *places;
	uint32_t root; /* string: the name of frame 0 */
	uint32_t row_n;
	size_t key_n;
	uint32_t *keys;	   /* of all rows, each from the root, in no order of rows */
	uint32_t *first;   /* of a row's keys */
	uint32_t *depth;   /* how many */
	uint32_t *shared;  /* how many keys a row has in common with the one before */
	uint32_t *before;  /* [row_n + 1]: frames that rows before it brought in */
	double *weight;	   /* [row_n + 1]: running sum of shares of the whole, over all types */
	int64_t **running; /* by column: [row_n + 1], running sums */
};

/* Rows not yet in order. */
struct flame_rows {
	uint32_t n, cap;
	uint32_t *keys;
	size_t key_n, key_cap;
	uint32_t *end;	 /* of each row in keys */
	int64_t *values; /* column_n a row */
};

/* Takes the keys over, and leaves `rows` without. */
struct flame *flame_sort(struct flame_places *places, uint32_t root, struct flame_rows *rows);

/* --- what is shown --- */

struct picked {
	uint32_t lo, hi, depth;
	uint32_t parent;
	uint32_t first_child, child_n; /* in picks, heaviest first: those that may be shown */
	uint32_t shown_n;	       /* of the children: the first so many are */
	uint32_t light_row;	       /* of the heaviest child that is not in picks */
	double weight;
};

/* Frames are opened heaviest first until the cut says no more: picks[0] is the frame asked for. */
struct flame_pick {
	const struct flame *f;
	struct picked *picks;
	uint32_t n, cap;
	bool is_group; /* picks[0] is no frame: a frame's light children from one on */
	int64_t number;
	uint32_t shown; /* frames in all */
};

must_check int flame_pick(struct flame_pick *ret, const struct flame *f, int64_t number,
	const struct flame_cut *cut, struct err *err);
void flame_pick_release(struct flame_pick *p);

/* Goes over what is shown, parents before children, heavy before light. `frame` is an index in
 * picks; for the children left out of it together `more` is how many frames they are, else 0. */
typedef void flame_visit_fn(
	void *ctx, const struct flame_pick *p, uint32_t frame, uint32_t depth, uint32_t more);
void flame_walk(const struct flame_pick *p, flame_visit_fn *visit, void *ctx);

/* Of a frame shown: by itself, with what it calls. Of its children left out: all together. `type`
 * is a column of values. */
int64_t flame_self(const struct flame_pick *p, uint32_t frame, uint32_t type);
int64_t flame_total(const struct flame_pick *p, uint32_t frame, uint32_t type);
int64_t flame_left_out(const struct flame_pick *p, uint32_t frame, uint32_t type);
/* The number of a frame, and of its children left out. */
int64_t flame_number(const struct flame_pick *p, uint32_t frame);
int64_t flame_group_number(const struct flame_pick *p, uint32_t frame);
/* The frames below the one asked for. */
uint32_t flame_frames_below(const struct flame_pick *p);
/* The key of a frame; FLAME_NONE for the root and a group. */
uint32_t flame_key(const struct flame_pick *p, uint32_t frame);

#endif
