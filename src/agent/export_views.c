/*
 * The kinds of profiles; see export_view.h.
 */
#include "agent/export_view.h"

#include "agent/wait_kinds.h"

#include <string.h>

/* --- cpu: runtime/pprof/proto.go --- */

static int64_t cpu_period(const struct recording *rec)
{
	return (int64_t)rec->period_ns;
}

static bool cpu_values(const struct export_count *c, int64_t *ret)
{
	ret[0] = (int64_t)c->values[0];
	ret[1] = (int64_t)(c->values[0] * c->key);
	return ret[0] != 0;
}

/* --- threadcreate: runtime/pprof/pprof.go, printCountProfile --- */

static int64_t period_one(const struct recording *rec)
{
	return 1;
}

static bool count_values(const struct export_count *c, int64_t *ret)
{
	ret[0] = (int64_t)c->values[0];
	return ret[0] != 0;
}

/* --- block and mutex: runtime/pprof/pprof.go, printCountCycleProfile --- */

/* Weights are no whole numbers: contentions come in 65536ths. */
static bool contention_values(const struct export_count *c, int64_t *ret)
{
	ret[0] = (int64_t)((c->values[0] + 32768) >> 16);
	ret[1] = (int64_t)c->values[1];
	return c->values[0] || c->values[1];
}
#define HEAP_TYPES                                                                                \
	{                                                                                         \
		{"alloc_objects", "count"}, {"alloc_space", "bytes"}, {"inuse_objects", "count"}, \
		{                                                                                 \
			"inuse_space", "bytes"                                                    \
		}                                                                                 \
	}

/* --- goroutine: runtime/pprof/pprof.go, printCountProfile --- */

/* Counts of older snapshots are left as they were. */
static bool goroutine_values(const struct export_count *c, int64_t *ret)
{
	ret[0] = (int64_t)(c->values[0] & UINT32_MAX);
	return c->values[0] >> 32 == atomic_load(&c->rec->snapshot);
}

static struct label export_label(struct profile *p, const char *key, const char *value)
{
	return (struct label){
		.key = strtab_addstr(&p->strings, key), .str = strtab_addstr(&p->strings, value)};
}

/* What they wait for; those that run, or wait unseen, have none. */
static unsigned goroutine_labels(struct profile *p, const struct export_count *c, struct label *ret)
{
	const char *name = wait_kind_name((unsigned)c->key);
	if (!*name)
		return 0;
	ret[0] = export_label(p, "wait", name);
	return 1;
}

static void goroutine_comments(struct profile *p, const struct recording *rec)
{
	unsigned silent = recording_called(rec, RECORDING_GOROUTINE);
	if (silent)
		export_comment(
			p, "%u threads did not answer: they block SIGPROF, or do not run", silent);
}

/* --- wall: Go has none; in the manner of its cpu --- */

static int64_t wall_period(const struct recording *rec)
{
	uint64_t hz = atomic_load(&rec->rates.of[RECORDING_WALL]);
	return hz ? (int64_t)(1000000000u / hz) : 0;
}

static bool wall_values(const struct export_count *c, int64_t *ret)
{
	ret[0] = (int64_t)c->values[0];
	ret[1] = (int64_t)c->values[1];
	return c->values[0] || c->values[1];
}

static unsigned wall_labels(struct profile *p, const struct export_count *c, struct label *ret)
{
	const char *state = c->key == WAIT_NONE	   ? "running"
			    : c->key == WALL_OTHER ? "other"
						   : "waiting";
	const char *wait = wait_kind_name((unsigned)c->key);
	ret[0] = export_label(p, "state", state);
	if (*wait)
		ret[1] = export_label(p, "wait", wait);
	return *wait ? 2 : 1;
}

static const struct export_view views[] = {
	{"wall", RECORDING_WALL, 0, {{"samples", "count"}, {"wall", "nanoseconds"}}, 2, NULL,
		{"wall", "nanoseconds"}, wall_period, wall_values, wall_labels, NULL},
	{"goroutine", RECORDING_GOROUTINE, 0, {{"goroutine", "count"}}, 1, NULL,
		{"goroutine", "count"}, period_one, goroutine_values, goroutine_labels,
		goroutine_comments},
	{"block", RECORDING_BLOCK, 0, {{"contentions", "count"}, {"delay", "nanoseconds"}}, 2, NULL,
		{"contentions", "count"}, period_one, contention_values, NULL},
	{"mutex", RECORDING_MUTEX, 0, {{"contentions", "count"}, {"delay", "nanoseconds"}}, 2, NULL,
		{"contentions", "count"}, period_one, contention_values, NULL},
	{"cpu", RECORDING_CPU, 0, {{"samples", "count"}, {"cpu", "nanoseconds"}}, 2, NULL,
		{"cpu", "nanoseconds"}, cpu_period, cpu_values, NULL},
	{"threadcreate", RECORDING_THREADCREATE, 0, {{"threadcreate", "count"}}, 1, NULL,
		{"threadcreate", "count"}, period_one, count_values, NULL},
	{"heap", RECORDING_HEAP, 0, HEAP_TYPES, 4, NULL, {"space", "bytes"}, export_heap_period,
		export_heap_values, export_heap_labels, export_heap_comments},
	{"allocs", RECORDING_HEAP, 0, HEAP_TYPES, 4, "alloc_space", {"space", "bytes"},
		export_heap_period, export_heap_values, export_heap_labels, export_heap_comments},
};

const struct export_view *export_view_at(size_t i)
{
	return i < array_len(views) ? &views[i] : NULL;
}

const struct export_view *export_view(const char *name)
{
	for (size_t i = 0; i < array_len(views); i++)
		if (strcmp(views[i].name, name) == 0)
			return &views[i];
	return NULL;
}
