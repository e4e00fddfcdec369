/*
 * export_view: what each kind of profile looks like: its sample types, its period, and how counts
 * become values. The names, types and units are those of runtime/pprof (and, where Go has no such
 * profile, in its manner). export.c does what they have in common.
 */
#ifndef SONDE_AGENT_EXPORT_VIEW_H
#define SONDE_AGENT_EXPORT_VIEW_H

#include "agent/recording.h"
#include "pprof/pprof.h"

#define EXPORT_TYPES_MAX  4
#define EXPORT_LABELS_MAX 4 /* that a view adds by itself */

/* A count as it is read: its values since the profile began. */
struct export_count {
	const struct recording *rec;
	enum recording_kind kind;
	unsigned n;
	uint32_t labels;
	uint64_t key;
	uint64_t values[RECORDING_VALUES_MAX];
};

struct export_type {
	const char *type, *unit;
};

struct export_view {
	const char *name; /* as in /debug/pprof/NAME */
	enum recording_kind kind;
	uint64_t key; /* only counts of this key; 0: all */
	struct export_type types[EXPORT_TYPES_MAX];
	unsigned type_n;
	const char *default_type; /* NULL: the last */
	struct export_type period_type;
	int64_t (*period)(const struct recording *rec);
	/* False: nothing to show. */
	bool (*values)(const struct export_count *c, int64_t *ret);
	/* Labels made of the count's key; how many. NULL: none. */
	unsigned (*labels)(struct profile *p, const struct export_count *c, struct label *ret);
	/* What a reader of the numbers must know besides. NULL: nothing. */
	void (*comments)(struct profile *p, const struct recording *rec);
};

/* NULL if there is none of this name. */
const struct export_view *export_view(const char *name);
/* All of them by number; NULL after the last. */
const struct export_view *export_view_at(size_t i);

/* What a custom profile looks like (export_custom.c); `name` must live as long as the view. */
void export_custom_init(struct export_view *view, const char *name, uint64_t key);

/* Adds a comment to the profile. */
void export_comment(struct profile *p, const char *fmt, ...) attr_printf(2, 3);

/* --- heap and allocs (export_heap.c) --- */
bool export_heap_values(const struct export_count *c, int64_t *ret);
/* Objects and bytes that so many recorded blocks of the count stand for. */
void export_heap_scaled(const struct export_count *c, uint64_t blocks, int64_t *ret);
/* Bytes in use that the values of a count of this key stand for. */
double export_heap_in_use(const struct recording *rec, uint64_t key, const uint64_t *values);
unsigned export_heap_labels(struct profile *p, const struct export_count *c, struct label *ret);
int64_t export_heap_period(const struct recording *rec);
void export_heap_comments(struct profile *p, const struct recording *rec);

#endif
