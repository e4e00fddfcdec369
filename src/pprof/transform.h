/*
 * What is done to profiles between reading and reporting: google/pprof's operations of package
 * profile, under like names. All change the profile in place but profile_merge(). Removing samples
 * or labels forgets the unknown fields of the messages concerned.
 *
 * Functions that match regular expressions return ERR_LIMIT when one would run away; the profile is
 * then half done, and good for releasing only.
 */
#ifndef SONDE_PPROF_TRANSFORM_H
#define SONDE_PPROF_TRANSFORM_H

/* --- merging (Go: Merge, Compact, CompatibilizeSampleTypes) --- */

/* One profile that is the sum of n: equal stacks with equal labels are one sample, samples without
 * values are gone, and so is what no sample refers to. Mappings that differ only by address space
 * randomisation are one. `ret` is uninitialised, and stays so on error. ERR_MISMATCH if the sample
 * types or the period types differ. */
must_check int profile_merge(
	struct profile *ret, const struct profile *profiles, uint32_t n, struct err *err);
/* The same, but each profile is released as soon as it has been merged; none is on error. */
must_check int profile_merge_take(
	struct profile *ret, struct profile *profiles, uint32_t n, struct err *err);
/* Removes what no sample refers to, and samples without values: merging with nothing. */
void profile_compact(struct profile *p);
/* Leaves the sample types that all have, in the order of the first. */
must_check int profile_compatibilize(struct profile *profiles, uint32_t n, struct err *err);

/* --- values (Go: Scale, ScaleN, Normalize) --- */

/* Multiplies, rounding half away from zero, and drops samples left without a value. */
void profile_scale(struct profile *p, double ratio);
void profile_scale_n(struct profile *p, const double *ratios); /* one a sample type */
/* Scales each sample type so that its total is that of `base`. */
must_check int profile_normalize(struct profile *p, const struct profile *base, struct err *err);

/* --- labels (Go: SetLabel, RemoveLabel, RemoveNumLabel, FilterTagsByName) --- */

/* Gives every sample the string label, instead of what it had under that key. */
void profile_set_label(struct profile *p, const char *key, const char *value);
void profile_remove_label(struct profile *p, const char *key);
void profile_remove_num_label(struct profile *p, const char *key);
/* Keeps labels whose key matches show and not hide. NULL: no such condition. The results say
 * whether each matched any. */
must_check int profile_filter_labels(struct profile *p, struct regex *show, struct regex *hide,
	bool *ret_show, bool *ret_hide, struct err *err);

/* --- samples and frames (Go: FilterSamplesByName, ShowFrom, FilterSamplesByTag) --- */

struct profile_name_filter {
	struct regex *focus, *ignore, *hide, *show; /* NULL: no such condition */
};

struct profile_name_matches {
	bool focus, ignore, hide, show; /* each matched something; true for a NULL focus */
};

/* A frame's function, file or object name is what is matched. */
must_check int profile_filter_by_name(struct profile *p, const struct profile_name_filter *f,
	struct profile_name_matches *ret, struct err *err);
/* Drops the frames above the highest that matches, and samples without one. 1 if any matched. */
must_check int profile_show_from(struct profile *p, struct regex *re, struct err *err);

typedef bool profile_match_fn(void *ctx, const struct profile *p, uint32_t sample);

/* Keeps samples for which focus is true and ignore is not. NULL: no such condition. */
void profile_filter_samples(struct profile *p, profile_match_fn *focus, void *focus_ctx,
	profile_match_fn *ignore, void *ignore_ctx, bool *ret_focus, bool *ret_ignore);

/* --- pruning (Go: Prune, PruneFrom, RemoveUninteresting) --- */

/* Drops the frames at and below the first, from the root, that matches drop and not keep (NULL:
 * nothing). Names are matched without parameter lists. */
must_check int profile_prune(
	struct profile *p, struct regex *drop, struct regex *keep, struct err *err);
/* Drops the frames below the lowest that matches. */
must_check int profile_prune_from(struct profile *p, struct regex *re, struct err *err);
/* Prunes by the profile's own drop_frames and keep_frames. */
must_check int profile_remove_uninteresting(struct profile *p, struct err *err);

/* --- granularity (Go: Aggregate) --- */

enum profile_keep {
	PROFILE_KEEP_INLINES = 1 << 0,
	PROFILE_KEEP_FUNCTIONS = 1 << 1,
	PROFILE_KEEP_FILES = 1 << 2,
	PROFILE_KEEP_LINES = 1 << 3,
	PROFILE_KEEP_COLUMNS = 1 << 4,
	PROFILE_KEEP_ADDRESSES = 1 << 5,
};

/* Blanks what is not kept (a bit set of enum profile_keep). */
void profile_aggregate(struct profile *p, unsigned keep);

/* --- questions (Go: HasFunctions, HasFileLines, Unsymbolizable) --- */

bool profile_has_functions(const struct profile *p);
bool profile_has_file_lines(const struct profile *p);
/* "[vdso]", "//anon", graphics drivers, …: nothing a symbolizer could open. */
bool mapping_unsymbolizable(const struct profile *p, const struct mapping *m);

#endif
