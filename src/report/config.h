/*
 * How a report is to be made: every option of google/pprof in one struct, and one table that says
 * of each its name, type, default, place in a URL and whether it is saved. Command-line flags,
 * variables of the shell, parameters of the web page and settings.json all come from the table.
 */
#ifndef SONDE_REPORT_CONFIG_H
#define SONDE_REPORT_CONFIG_H

/* Strings are owned, never NULL. */
struct config {
	char *output; /* file for the result, "" for stdout */

	bool call_tree;
	bool relative_percentages;
	char *unit;
	bool compact_labels;
	char *source_path;
	char *trim_path;
	bool intel_syntax;
	bool mean;
	char *sample_index;
	double divide_by;
	bool normalize;
	char *sort; /* flat, cum */

	char *tagroot, *tagleaf;

	bool drop_negative;
	int nodecount; /* -1: the command's default */
	double nodefraction, edgefraction;
	bool trim;
	char *focus, *ignore, *prune_from, *hide, *show, *show_from;
	char *tagfocus, *tagignore, *tagshow, *taghide;
	bool noinlines;
	bool showcolumns;

	char *granularity; /* "" functions filefunctions files lines addresses */
};

enum config_kind {
	CONFIG_BOOL,
	CONFIG_INT,
	CONFIG_FLOAT,
	CONFIG_STRING,
};

struct config_field {
	const char *name;
	const char *urlparam; /* NULL: not in URLs */
	bool saved;	      /* in settings.json and in the URLs of saved configurations */
	enum config_kind kind;
	size_t offset;		    /* in struct config */
	const char *const *choices; /* the values it may have, NULL-terminated; NULL: any */
	const char *help;	    /* first line: what; the rest: details. NULL for choices */
};

extern const struct config_field config_fields[]; /* in Go's order; ends with a NULL name */

void config_init(struct config *c); /* the defaults */
void config_release(struct config *c);
void config_copy(struct config *dst, const struct config *src); /* dst uninitialised */

/* The field of that name, or the field that has it as a choice ("cum", "lines"). NULL if none. */
const struct config_field *config_find(const char *name);
/* What `help NAME` says of a field or a choice; NULL if neither. */
const char *config_help(const char *name);
/* The field as text ("true", "0.005"), appended. */
void config_get(const struct config *c, const struct config_field *f, struct buf *out);
/* Sets it from text, with Go's messages. */
must_check int config_set(
	struct config *c, const struct config_field *f, const char *value, struct err *err);
/* name=value as in the shell: `name` may be a choice, then value must be true. */
must_check int config_assign(
	struct config *c, const char *name, const char *value, struct err *err);
/* One parameter of a URL; parameters that are none of ours, and empty ones, change nothing. */
must_check int config_set_url(
	struct config *c, const char *param, const char *value, struct err *err);
/* Whether reports made with it leave samples or frames of the profile out, or put some in. */
bool config_changes_samples(const struct config *c);
bool config_is_default(const struct config *c, const struct config_field *f);
void config_set_string(char **field, const char *value);
/* The text of a field of kind CONFIG_STRING. */
char **config_string(struct config *c, const struct config_field *f);
/* false, 0, "". */
void config_clear(struct config *c, const struct config_field *f);

#endif
