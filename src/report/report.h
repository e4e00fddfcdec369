/*
 * report: a profile and a configuration in, a report out. Front header of the layer; it answers to
 * google/pprof's internal/report, internal/graph, internal/measurement and the part of
 * internal/driver that prepares a profile for a report.
 *
 *	report_init(&r, &profile, REPORT_TEXT, "top", NULL, &config, &notes, &err)
 *	report_write(&r, &sink, &err)
 *	report_release(&r)
 *
 * report_init() changes the profile (filters, aggregation): who wants another report of the same
 * profile gives it a copy. Nothing here prints; warnings go to the caller's `notes`.
 */
#ifndef SONDE_REPORT_H
#define SONDE_REPORT_H

#include "base/base.h"
#include "pprof/pprof.h"

#include "report/config.h"
#include "report/flame.h"
#include "report/graph.h"
#include "report/units.h"
#include "report/weblist.h"

enum report_format {
	REPORT_CALLGRIND,
	REPORT_COMMENTS,
	REPORT_DISASM,
	REPORT_DOT,
	REPORT_FLAME,
	REPORT_LIST,
	REPORT_PROTO,
	REPORT_RAW,
	REPORT_TAGS,
	REPORT_TEXT,
	REPORT_TOPPROTO,
	REPORT_TRACES,
	REPORT_TREE,
	REPORT_WEBLIST,
};

/* Where warnings go ("Focus expression matched no samples"): one line, without its newline. */
struct notes {
	void (*add)(struct notes *notes, const char *line);
	void *ctx;
};
void notes_printf(struct notes *notes, const char *fmt, ...) attr_printf(2, 3);

/* The unit of the numbers of one label key. */
struct label_unit {
	uint32_t key;  /* string */
	uint32_t unit; /* string */
};

struct report {
	struct profile *profile; /* borrowed, changed */
	struct config config;	 /* a copy, with the command's own settings applied */
	enum report_format format;

	uint32_t value_index;
	int mean_index;	   /* -1: none */
	char *type;	   /* sample type as shown: "cpu", "mean_delay" */
	char *unit;	   /* of the values in the profile */
	char *output_unit; /* what they are shown in: a unit, "minimum" or "auto" */
	double ratio;
	int64_t total;	      /* what 100 % is */
	char *title;	      /* base name of the main binary, or "" */
	struct regex *symbol; /* argument of peek, list, weblist, disasm; or NULL */
	struct label_unit *label_units;
	uint32_t label_unit_n;
	char **filters; /* "focus=main": shown as active */
	uint32_t filter_n;

	struct unit_conv conv; /* unit -> output_unit */
	struct notes *notes;   /* of report_init(): must live as long as the report */
};

/* `command` names the command ("top", "peek": some have settings of their own); `arg` is its
 * regular expression, or NULL. The report keeps a copy of the configuration. */
must_check int report_init(struct report *r, struct profile *p, enum report_format format,
	const char *command, const char *arg, const struct config *config, struct notes *notes,
	struct err *err);
/* For what a report says of the profile as a whole (report_labels_profile()): the profile stays as
 * it is. */
must_check int report_init_header(struct report *r, struct profile *p, const struct config *config,
	struct notes *notes, struct err *err);
void report_release(struct report *r);

/* Writes it. On error nothing was written, unless the sink itself failed. */
must_check int report_write(struct report *r, struct sink *to, struct err *err);

/* --- parts, for the web page and for the formats in files of their own --- */

/* The header lines of a report: file, type, time, duration (report.ProfileLabels). */
struct report_labels {
	char **lines;
	uint32_t n, cap;
};
void report_labels_profile(struct report *r, struct report_labels *ret);
void report_labels_release(struct report_labels *labels);

/* A value as shown: scaled to the output unit, divided by divide_by. Appended. */
void report_value(const struct report *r, int64_t value, struct buf *out);
/* The same, padded on the left to `width` columns (fmt's %10s: characters, not bytes). */
void report_value_padded(const struct report *r, int64_t value, int width, struct buf *out);

/* Pads what was appended since `from`. */
void report_pad(struct buf *out, size_t from, int width);

/* The graph cut down to what the options ask for. Chooses the output unit too. */
struct report_graph {
	struct graph graph;
	uint32_t orig_count; /* nodes before nodecount was applied */
	uint32_t dropped_nodes, dropped_edges;
};
void report_graph_init(struct report *r, struct report_graph *ret);
void report_graph_release(struct report_graph *rg);
/* A graph with all nodes, nothing left out, without edges (what list and disasm start from). */
void report_graph_full(struct report *r, struct graph *ret);

/* The rows of top. */
struct report_item {
	const char *name;	  /* lives as long as the items */
	const char *inline_label; /* "", "(inline)", "(partial-inline)" */
	int64_t flat, cum;
};
struct report_items {
	struct report_graph rg;
	struct report_item *items;
	uint32_t n;
	struct report_labels labels;
};
void report_items_init(struct report *r, struct report_items *ret);
void report_items_release(struct report_items *items);

/* A name without packages, namespaces and arguments (graph.ShortenFunctionName). Appended. */
void report_shorten_name(const char *name, struct buf *out);
/* Strips configured and guessed prefixes off the path of a source file; points into `path`. */
const char *report_trim_path(const char *path, const char *trim_path, const char *search_path);

/* The unit of the numbers of a label key; "" if the key has none. */
const char *report_label_unit(const struct report *r, uint32_t key);

/* Which of the profile's values `name` means: a number, a type, or "" for the default. */
must_check int report_sample_index(
	const struct profile *p, const char *name, uint32_t *ret_index, struct err *err);

/* Scales profiles that are to be merged to the finest unit of each sample type. */
must_check int report_scale_profiles(struct profile *profiles, uint32_t n, struct err *err);

/* One function a format. */
must_check int report_text(struct report *r, struct sink *to, struct err *err);
must_check int report_tree(struct report *r, struct sink *to, struct err *err);
must_check int report_traces(struct report *r, struct sink *to, struct err *err);
must_check int report_tags(struct report *r, struct sink *to, struct err *err);
must_check int report_comments(struct report *r, struct sink *to, struct err *err);
must_check int report_dot(struct report *r, struct sink *to, struct err *err);
must_check int report_flame(struct report *r, struct sink *to, struct err *err);
/* The Content-Security-Policy under which a server may hand out what report_flame() writes: only
 * its own style and script, by their hashes. */
const char *report_flame_policy(void);
must_check int report_callgrind(struct report *r, struct sink *to, struct err *err);
must_check int report_raw(struct report *r, struct sink *to, struct err *err);
must_check int report_proto(struct report *r, struct sink *to, struct err *err);
must_check int report_topproto(struct report *r, struct sink *to, struct err *err);
must_check int report_list(struct report *r, struct sink *to, struct err *err);
must_check int report_weblist(struct report *r, struct sink *to, struct err *err);
must_check int report_disasm(struct report *r, struct sink *to, struct err *err);

#endif
