/*
 * Projections: a result's coordinates in the tables that are made of it, and filters applied to
 * results (golang.org/x/perf/benchproc).
 *
 * A projection has fields; a key is one distinct tuple of their values. Fields of ".config" are
 * found as results bring them, so keys made earlier are shorter: a value that is not there is "".
 */
#ifndef SONDE_BENCHFMT_PROJECTION_H
#define SONDE_BENCHFMT_PROJECTION_H

#define BENCH_NO_KEY UINT32_MAX

enum field_order {
	ORDER_FIRST, /* as values came */
	ORDER_ALPHA,
	ORDER_NUM,
	ORDER_FIXED,
};

struct projection_field {
	const char *name;
	enum field_order order;
	bool in_config; /* of the group that .config stands for */
	bool is_unit;
	struct extractor *extractor;
	char **fixed; /* ORDER_FIXED: borrowed */
	uint32_t fixed_n;
	struct map first; /* ORDER_FIRST: value -> place */
};

struct projection_key {
	uint32_t *values; /* strings of the reader, by field; trailing "" cut off */
	uint32_t n;
};

struct projection {
	struct projection_field *fields;
	uint32_t field_n, field_cap;
	bool has_config; /* .config stands behind the first `config_at` fields */
	uint32_t config_at;
	enum field_order config_order;
	struct projection_key *keys;
	uint32_t key_n, key_cap;
	/* private */
	struct map index;	  /* hash of values -> key, chained by probing the hash */
	struct map config_fields; /* key of the file -> its field, UINT32_MAX: shown by itself */
	uint32_t *row;
	uint32_t row_cap;
	uint32_t config_id; /* for which `row` holds the configuration's values */
	struct arena arena;
};

/* Shared by the projections of one set of flags: what one shows, the groups of others leave out. */
struct projector {
	struct bench_reader *reader; /* borrowed: the strings */
	char **config_keys;	     /* shown by themselves: not part of .config */
	uint32_t config_key_n, config_key_cap;
	struct extractor *full_name;
	bool have_config, have_full_name;
	struct filter *filter;	     /* owned; grows by what fixed orders leave out */
	struct query_fields *parsed; /* kept: filters and orders borrow from them */
	uint32_t parsed_n, parsed_cap;
	struct buf scratch;
};

void projector_init(struct projector *p, struct bench_reader *reader, struct filter *filter);
void projector_release(struct projector *p);
/* `with_unit` adds a last field, the unit of each value. */
must_check int projection_parse(struct projection *proj, struct projector *p, const char *query,
	bool with_unit, struct err *err);
/* What no projection shows. After all others were parsed. */
void projection_residue(struct projection *proj, struct projector *p);
void projection_release(struct projection *proj);

/* The key of the reader's result; `unit` (a string) fills the unit field. */
uint32_t projection_project(struct projection *proj, struct projector *p, uint32_t unit);
/* Whether value `i` of the reader's result passes the filter. */
bool projector_passes(struct projector *p, uint32_t i);

/* A key's value of a field: a string. */
uint32_t projection_get(const struct projection *proj, uint32_t key, uint32_t field);
/* The fields in the order they are shown; returns how many. `ret` has room for field_n. */
uint32_t projection_flat(const struct projection *proj, uint32_t *ret);
/* Sorts keys by the fields' orders. */
void projection_sort(
	const struct projection *proj, const struct projector *p, uint32_t *keys, uint32_t n);
/* "a b": the values that are not "". Appended. */
void projection_describe(
	const struct projection *proj, const struct projector *p, uint32_t key, struct buf *out);

#endif
