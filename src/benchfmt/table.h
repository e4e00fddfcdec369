/*
 * Tables of summaries and comparisons, made from results (benchstat's internal/benchtab).
 *
 *	tables_init(&t, &projector, &tableBy, &rowBy, &colBy, &residue)
 *	tables_read(&t, inputs, ...)
 *	tables_finish(&t, &options)
 *	tables_write_text(&t, out)
 */
#ifndef SONDE_BENCHFMT_TABLE_H
#define SONDE_BENCHFMT_TABLE_H

enum assumption {
	ASSUME_NOTHING, /* median, order statistics, U test */
	ASSUME_EXACT,	/* all values are the same, or a warning says they are not */
};

struct warnings {
	char **lines;
	uint32_t n, cap;
};

struct summary {
	double center, lo, hi;
	struct warnings warnings;
};

struct comparison {
	double p, alpha; /* p by Holm, if asked for */
	uint32_t n1, n2;
	struct warnings warnings;
	/* beyond Go's */
	bool has_effect; /* new / old - 1, with its interval */
	double effect, lo, hi;
};

struct cell {
	uint32_t row, col; /* keys */
	uint32_t table;	   /* place in tables.tables */
	struct rows rows;  /* before tables_finish(): of it the values */
	double *values;	   /* after, with table_options.details; sorted */
	uint32_t n;
	uint32_t *residues; /* keys; equals may repeat */
	uint32_t residue_n, residue_cap;
	/* after tables_finish() */
	struct sample sample;	  /* of the values */
	struct warnings warnings; /* of the sample */
	struct summary summary;
	const struct cell *baseline; /* NULL: it is the baseline, or there is none */
	struct comparison comparison;
};

struct column_summary {
	bool has_summary, has_ratio;
	double summary, ratio; /* geometric means; of center / baseline */
	struct warnings warnings;
};

struct table {
	uint32_t key;  /* of tableBy */
	uint32_t unit; /* string */
	enum assumption assumption;
	uint32_t *rows, *cols; /* keys, sorted */
	uint32_t row_n, col_n;
	struct column_summary *summaries; /* by column */
	/* private */
	struct cell **cells; /* in the arena of the tables */
	uint32_t cell_n, cell_cap;
	struct map index; /* row << 32 | col -> cell */
};

struct tables {
	struct projector *projector;
	struct projection *table_by, *row_by, *col_by, *residue;
	struct table *tables; /* in the order they came; order[] is sorted */
	uint32_t n, cap;
	uint32_t *order;
	uint32_t *of_key; /* table_by key -> table + 1 */
	uint32_t of_key_cap;
	/* private */
	struct arena arena;
	struct cell **cells; /* of all tables, as they came */
	uint32_t cell_n, cell_cap;
	struct route *routes; /* by shape: the last one */
	uint32_t route_n;
	struct map known_routes; /* shape << 32 | config id -> place in targets */
	struct cell **targets;	 /* the cells of a result's values; NULL: filtered out */
	uint32_t target_n, target_cap;
};

/* Where the values of results of a shape go. */
struct route {
	uint32_t config_id; /* 0: nowhere yet */
	uint32_t targets;   /* place in tables.targets */
};

struct table_options {
	double alpha, confidence;
	bool holm;    /* correct for the number of comparisons in all tables */
	bool details; /* keep values, compute intervals of effects: only some formats show them */
	unsigned threads; /* to use at most */
};

void tables_init(struct tables *t, struct projector *projector, struct projection *table_by,
	struct projection *row_by, struct projection *col_by, struct projection *residue);
void tables_release(struct tables *t);
/* Adds those values that pass the filter of `n` results like the reader's, which lie row after
 * row in the block. */
void tables_add_rows(struct tables *t, struct value_block *block, const double *first, uint32_t n);
void tables_finish(struct tables *t, const struct table_options *options);

/* NULL if the table has no such cell. */
const struct cell *table_cell(const struct table *t, uint32_t row, uint32_t col);

/* "5%", "0%", "?" where signs differ, "∞" where there is no bound. Appended. */
void summary_range(const struct summary *s, struct buf *out);
/* "p=0.016 n=5", and "+3.14%", "~" or "?". Appended. */
void comparison_describe(const struct comparison *c, struct buf *out);
void comparison_delta(
	const struct comparison *c, double old_center, double new_center, struct buf *out);
/* 1 if higher is better, -1 if lower is, 0 unknown. */
int table_better(const struct tables *t, const struct table *table);
/* 1 better, -1 worse, 0 no significant difference or unknown which is better. */
int comparison_verdict(const struct tables *t, const struct table *table, const struct cell *cell);

/* The lines before a table: what of its key changed since the table before. `line` gets no newline.
 */
void tables_each_header(
	const struct tables *t, uint32_t i, void (*line)(void *ctx, const char *line), void *ctx);

void tables_write_text(const struct tables *t, struct buf *out);
/* Warnings go to `warnings`, named by spreadsheet cell. */
void tables_write_csv(const struct tables *t, struct buf *out, struct buf *warnings);
void tables_write_json(const struct tables *t, struct buf *out);
void tables_write_markdown(const struct tables *t, struct buf *out);
/* One page; with the trends below if `trends`, their changes found at `alpha`. */
void tables_write_html(const struct tables *t, bool trends, double alpha, struct buf *out);

/* Parts of pages, without <html>, <head> and <body>, styled by tables_style. */
extern const char tables_style[];
void tables_html_comparison(const struct tables *t, struct buf *out);
/* A section for each row of each table: its columns as a series. */
void tables_html_trends(const struct tables *t, double alpha, bool changed_only, struct buf *out);
void tables_html_heading(const struct tables *t, uint32_t i, struct buf *out);
/* Of the table that has the most. */
uint32_t tables_columns(const struct tables *t);

#endif
