/*
 * The table of options, and setting and reading them as text. See config.h.
 */
#include "report/report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char *const sort_choices[] = {"cum", "flat", NULL};
static const char *const granularity_choices[] = {
	"functions", "filefunctions", "files", "lines", "addresses", NULL};

#define FIELD(field_, url, saved_, kind_, choices_, help_)                                     \
	{                                                                                      \
		.name = #field_, .urlparam = url, .saved = saved_, .kind = CONFIG_##kind_,     \
		.offset = offsetof(struct config, field_), .choices = choices_, .help = help_, \
	}

#define TAG_FILTER_HELP                                                    \
	"Use name=value syntax to limit the matching to a specific tag.\n" \
	"Numeric tag filter examples: 1kb, 1kb:10kb, memory=32mb:\n"       \
	"String tag filter examples: foo, foo.*bar, mytag=foo.*bar\n"
#define MATCHING_HELP "Matching includes the function name, filename or object name.\n"

/* The texts are google/pprof's: its users know them, and its documentation quotes them. */
const struct config_field config_fields[] = {
	FIELD(output, NULL, false, STRING, NULL, "Output filename for file-based outputs\n"),
	FIELD(call_tree, "calltree", true, BOOL, NULL,
		"Create a context-sensitive call tree\n"
		"Treat locations reached through different paths as separate.\n"),
	FIELD(relative_percentages, "rel", true, BOOL, NULL,
		"Show percentages relative to focused subgraph\n"
		"If unset, percentages are relative to full graph before focusing\n"
		"to facilitate comparison with original graph.\n"),
	FIELD(unit, "unit", true, STRING, NULL,
		"Measurement units to display\n"
		"Scale the sample values to this unit.\n"
		"For time-based profiles, use seconds, milliseconds, nanoseconds, etc.\n"
		"For memory profiles, use megabytes, kilobytes, bytes, etc.\n"
		"Using auto will scale each value independently to the most natural unit.\n"),
	FIELD(compact_labels, "compact", true, BOOL, NULL, "Show minimal headers"),
	FIELD(source_path, NULL, false, STRING, NULL, "Search path for source files"),
	FIELD(trim_path, NULL, false, STRING, NULL, "Path to trim from source paths before search"),
	FIELD(intel_syntax, "intel", true, BOOL, NULL,
		"Show assembly in Intel syntax\n"
		"Only applicable to commands `disasm` and `weblist`\n"),
	FIELD(mean, "mean", true, BOOL, NULL,
		"Average sample value over first value (count)\n"
		"For memory profiles, report average memory per allocation.\n"
		"For time-based profiles, report average time per event.\n"),
	FIELD(sample_index, "si", false, STRING, NULL,
		"Sample value to report (0-based index or name)\n"
		"Profiles contain multiple values per sample.\n"
		"Use sample_index=i to select the ith value (starting at 0).\n"),
	FIELD(divide_by, NULL, false, FLOAT, NULL,
		"Ratio to divide all samples before visualization\n"
		"Divide all samples values by a constant, eg the number of processors or jobs.\n"),
	FIELD(normalize, "norm", true, BOOL, NULL, "Scales profile based on the base profile.\n"),
	FIELD(sort, "sort", true, STRING, sort_choices, NULL),
	FIELD(tagroot, NULL, true, STRING, NULL,
		"Adds pseudo stack frames for labels key/value pairs at the callstack root.\n"
		"A comma-separated list of label keys.\n"
		"The first key creates frames at the new root.\n"),
	FIELD(tagleaf, NULL, true, STRING, NULL,
		"Adds pseudo stack frames for labels key/value pairs at the callstack leaf.\n"
		"A comma-separated list of label keys.\n"
		"The last key creates frames at the new leaf.\n"),
	FIELD(drop_negative, "dropneg", true, BOOL, NULL,
		"Ignore negative differences\n"
		"Do not show any locations with values <0.\n"),
	FIELD(nodecount, "n", true, INT, NULL,
		"Max number of nodes to show\n"
		"Uses heuristics to limit the number of locations to be displayed.\n"
		"On graphs, dotted edges represent paths through nodes that have been removed.\n"),
	FIELD(nodefraction, "nf", true, FLOAT, NULL, "Hide nodes below <f>*total"),
	FIELD(edgefraction, "ef", true, FLOAT, NULL, "Hide edges below <f>*total"),
	FIELD(trim, "trim", true, BOOL, NULL,
		"Honor nodefraction/edgefraction/nodecount defaults\n"
		"Set to false to get the full profile, without any trimming.\n"),
	FIELD(focus, "f", true, STRING, NULL,
		"Restricts to samples going through a node matching regexp\n"
		"Discard samples that do not include a node matching this regexp.\n" MATCHING_HELP),
	FIELD(ignore, "i", true, STRING, NULL,
		"Skips paths going through any nodes matching regexp\n"
		"If set, discard samples that include a node matching this "
		"regexp.\n" MATCHING_HELP),
	FIELD(prune_from, "prunefrom", true, STRING, NULL,
		"Drops any functions below the matched frame.\n"
		"If set, any frames matching the specified regexp and any frames\n"
		"below it will be dropped from each sample.\n"),
	FIELD(hide, "h", true, STRING, NULL,
		"Skips nodes matching regexp\n"
		"Discard nodes that match this location.\n"
		"Other nodes from samples that include this location will be "
		"shown.\n" MATCHING_HELP),
	FIELD(show, "s", true, STRING, NULL,
		"Only show nodes matching regexp\n"
		"If set, only show nodes that match this location.\n" MATCHING_HELP),
	FIELD(show_from, "sf", true, STRING, NULL,
		"Drops functions above the highest matched frame.\n"
		"If set, all frames above the highest match are dropped from every "
		"sample.\n" MATCHING_HELP),
	FIELD(tagfocus, "tf", true, STRING, NULL,
		"Restricts to samples with tags in range or matched by regexp\n" TAG_FILTER_HELP),
	FIELD(tagignore, "ti", true, STRING, NULL,
		"Discard samples with tags in range or matched by regexp\n" TAG_FILTER_HELP),
	FIELD(tagshow, "ts", true, STRING, NULL,
		"Only consider tags matching this regexp\n"
		"Discard tags that do not match this regexp\n"),
	FIELD(taghide, "th", true, STRING, NULL,
		"Skip tags matching this regexp\n"
		"Discard tags that match this regexp\n"),
	FIELD(noinlines, "noinlines", true, BOOL, NULL,
		"Ignore inlines.\n"
		"Attributes inlined functions to their first out-of-line caller.\n"),
	FIELD(showcolumns, "showcolumns", true, BOOL, NULL,
		"Show column numbers at the source code line level.\n"),
	FIELD(granularity, "g", true, STRING, granularity_choices, NULL),
	{0},
};

static const struct {
	const char *name, *help;
} choice_help[] = {
	{"flat", "Sort entries based on own weight\n"},
	{"cum", "Sort entries based on cumulative weight\n"},
	{"functions", "Aggregate at the function level.\n"
		      "Ignores the filename where the function was defined.\n"},
	{"filefunctions", "Aggregate at the function level.\n"
			  "Takes into account the filename where the function was defined.\n"},
	{"files", "Aggregate at the file level."},
	{"lines", "Aggregate at the source code line level."},
	{"addresses", "Aggregate at the address level.\n"
		      "Includes functions' addresses in the output.\n"},
};

static void *field_ptr(const struct config *c, const struct config_field *f)
{
	return (char *)c + f->offset;
}

static const struct config *defaults(void)
{
	static char empty[] = "", minimum[] = "minimum", flat[] = "flat";
	static const struct config c = {
		.output = empty,
		.unit = minimum,
		.source_path = empty,
		.trim_path = empty,
		.sample_index = empty,
		.divide_by = 1,
		.sort = flat,
		.tagroot = empty,
		.tagleaf = empty,
		.nodecount = -1,
		.nodefraction = 0.005,
		.edgefraction = 0.001,
		.trim = true,
		.focus = empty,
		.ignore = empty,
		.prune_from = empty,
		.hide = empty,
		.show = empty,
		.show_from = empty,
		.tagfocus = empty,
		.tagignore = empty,
		.tagshow = empty,
		.taghide = empty,
		.granularity = empty,
	};
	return &c;
}

void config_init(struct config *c)
{
	config_copy(c, defaults());
}

void config_copy(struct config *dst, const struct config *src)
{
	*dst = *src;
	for (const struct config_field *f = config_fields; f->name; f++) {
		if (f->kind != CONFIG_STRING)
			continue;
		char **s = field_ptr(dst, f);
		*s = mem_strdup(*s);
	}
}

void config_release(struct config *c)
{
	for (const struct config_field *f = config_fields; f->name; f++)
		if (f->kind == CONFIG_STRING)
			mem_free(*(char **)field_ptr(c, f));
}

void config_set_string(char **field, const char *value)
{
	char *copy = mem_strdup(value);
	mem_free(*field);
	*field = copy;
}

char **config_string(struct config *c, const struct config_field *f)
{
	return field_ptr(c, f);
}

void config_clear(struct config *c, const struct config_field *f)
{
	void *p = field_ptr(c, f);
	switch (f->kind) {
	case CONFIG_BOOL:
		*(bool *)p = false;
		break;
	case CONFIG_INT:
		*(int *)p = 0;
		break;
	case CONFIG_FLOAT:
		*(double *)p = 0;
		break;
	case CONFIG_STRING:
		config_set_string(p, "");
		break;
	}
}

static bool is_choice(const struct config_field *f, const char *value)
{
	for (const char *const *choice = f->choices; choice && *choice; choice++)
		if (strcmp(*choice, value) == 0)
			return true;
	return false;
}

const struct config_field *config_find(const char *name)
{
	for (const struct config_field *f = config_fields; f->name; f++)
		if (strcmp(f->name, name) == 0 || is_choice(f, name))
			return f;
	return NULL;
}

const char *config_help(const char *name)
{
	for (size_t i = 0; i < array_len(choice_help); i++)
		if (strcmp(choice_help[i].name, name) == 0)
			return choice_help[i].help;
	const struct config_field *f = config_find(name);
	return f ? f->help : NULL;
}

/* fmt.Sprint of a float64: the fewest digits that read back, %e outside 1e-4 .. 1e21. */
static void put_float(double v, struct buf *out)
{
	char text[40];
	int digits = 1;
	if (!isfinite(v)) {
		buf_addstr(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
		return;
	}
	do
		snprintf(text, sizeof(text), "%.*e", digits - 1, v);
	while (strtod(text, NULL) != v && digits++ < 17);
	int exponent = atoi(strchr(text, 'e') + 1);
	if (exponent < -4 || exponent >= 21)
		buf_addstr(out, text);
	else
		buf_printf(out, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, v);
}

void config_get(const struct config *c, const struct config_field *f, struct buf *out)
{
	const void *p = field_ptr(c, f);
	switch (f->kind) {
	case CONFIG_BOOL:
		buf_addstr(out, *(const bool *)p ? "true" : "false");
		break;
	case CONFIG_INT:
		buf_printf(out, "%d", *(const int *)p);
		break;
	case CONFIG_FLOAT:
		put_float(*(const double *)p, out);
		break;
	case CONFIG_STRING:
		buf_addstr(out, *(char *const *)p);
		break;
	}
}

bool config_is_default(const struct config *c, const struct config_field *f)
{
	struct buf now = BUF_INIT, then = BUF_INIT;
	config_get(c, f, &now);
	config_get(defaults(), f, &then);
	bool same = strcmp(now.data, then.data) == 0;
	buf_release(&now);
	buf_release(&then);
	return same;
}

bool config_changes_samples(const struct config *c)
{
	const char *const changes[] = {c->tagroot, c->tagleaf, c->focus, c->ignore, c->prune_from,
		c->hide, c->show, c->show_from, c->tagfocus, c->tagignore, c->tagshow, c->taghide};
	for (size_t i = 0; i < array_len(changes); i++)
		if (*changes[i])
			return true;
	return false;
}

static int set_bool(bool *ret, const char *value, struct err *err)
{
	static const char *const yes[] = {"true", "t", "yes", "y", "1", ""};
	static const char *const no[] = {"false", "f", "no", "n", "0"};
	for (size_t i = 0; i < array_len(yes); i++)
		if (strcasecmp(value, yes[i]) == 0)
			return *ret = true, 0;
	for (size_t i = 0; i < array_len(no); i++)
		if (strcasecmp(value, no[i]) == 0)
			return *ret = false, 0;
	return err_set(err, ERR_USAGE, "illegal value \"%s\" for bool variable", value);
}

static int set_int(int *ret, const char *value, struct err *err)
{
	char *end;
	errno = 0;
	long v = strtol(value, &end, 10);
	bool starts_well = *value == '-' || *value == '+' || (*value >= '0' && *value <= '9');
	if (!starts_well || *end || end == value)
		return err_set(
			err, ERR_USAGE, "strconv.Atoi: parsing \"%s\": invalid syntax", value);
	if (errno == ERANGE || v != (int)v)
		return err_set(
			err, ERR_USAGE, "strconv.Atoi: parsing \"%s\": value out of range", value);
	*ret = (int)v;
	return 0;
}

static int set_float(double *ret, const char *value, struct err *err)
{
	char *end;
	double v = strtod(value, &end);
	if (end == value || *end || *value == ' ')
		return err_set(err, ERR_USAGE, "strconv.ParseFloat: parsing \"%s\": invalid syntax",
			value);
	*ret = v;
	return 0;
}

int config_set(struct config *c, const struct config_field *f, const char *value, struct err *err)
{
	void *p = field_ptr(c, f);
	switch (f->kind) {
	case CONFIG_BOOL:
		return set_bool(p, value, err);
	case CONFIG_INT:
		return set_int(p, value, err);
	case CONFIG_FLOAT:
		return set_float(p, value, err);
	case CONFIG_STRING:
		break;
	}
	if (f->choices && !is_choice(f, value))
		return err_set(err, ERR_USAGE, "invalid \"%s\" value \"%s\"", f->name, value);
	config_set_string(p, value);
	return 0;
}

int config_assign(struct config *c, const char *name, const char *value, struct err *err)
{
	const struct config_field *f = config_find(name);
	if (f && strcmp(f->name, name) == 0)
		return config_set(c, f, value, err);
	/* A choice is switched on only by what Go's strconv.ParseBool takes for true. */
	static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
	for (size_t i = 0; f && i < array_len(yes); i++)
		if (strcmp(value, yes[i]) == 0)
			return config_set(c, f, name, err);
	return err_set(err, ERR_USAGE, "unknown config field \"%s\"", name);
}

int config_set_url(struct config *c, const char *param, const char *value, struct err *err)
{
	if (!*value)
		return 0;
	for (const struct config_field *f = config_fields; f->name; f++) {
		if (!f->urlparam || strcmp(f->urlparam, param) != 0)
			continue;
		int rc = config_set(c, f, value, err);
		if (rc < 0)
			err_prefix(err, "error setting config field %s", f->name);
		return rc;
	}
	return 0;
}
