/*
 * The expressions of benchstat's flags: filters ("goos:linux -(/size:1k OR .name:/^Sort/)") and
 * projections (".fullname,/size@num"), parsed as golang.org/x/perf/benchproc/internal/parse does,
 * with its error texts.
 */
#ifndef SONDE_BENCHFMT_QUERY_H
#define SONDE_BENCHFMT_QUERY_H

enum filter_kind {
	FILTER_AND, /* without operands: everything */
	FILTER_OR,
	FILTER_NOT,
	FILTER_TEXT,   /* the key's value is `text` */
	FILTER_REGEX,  /* the key's value matches `regex` */
	FILTER_ONE_OF, /* the key's value is one of `texts` (a projection's fixed order) */
};

struct extractor;

struct filter {
	enum filter_kind kind;
	struct filter **operands;
	uint32_t operand_n, operand_cap;
	char *key, *text;
	char **texts; /* borrowed */
	uint32_t text_n;
	struct regex *regex;
	struct extractor *extractor; /* NULL: the key is .unit */
};

/* What a projection lists: one key, and how its values are ordered. */
struct query_field {
	char *key;
	char *order;  /* "first", "alpha", "num", or "fixed" */
	char **fixed; /* of a fixed order */
	uint32_t fixed_n, fixed_cap;
	size_t key_at, order_at; /* byte offsets, for errors */
};

struct query_fields {
	struct query_field *fields;
	uint32_t n, cap;
};

/* On error the message has three lines: what is wrong, the query, and a caret below the place. */
must_check int filter_parse(const char *query, struct filter **ret, struct err *err);
void filter_free(struct filter *filter);
must_check int query_fields_parse(const char *query, struct query_fields *ret, struct err *err);
void query_fields_release(struct query_fields *fields);
/* "syntax error: WHAT", the query and the caret. Returns ERR_USAGE. */
int query_error(struct err *err, const char *query, size_t at, const char *what);

/* strconv.Quote. Appended. */
void query_quote(const char *s, struct buf *out);

#endif
