/*
 * Preparing a profile for a report: the command's own settings, filters, total, aggregation; and
 * handing it to the format's writer.
 *
 * The order is google/pprof's and matters: percentages are of the total before filtering unless
 * relative ones were asked for, filters see the profile before functions are merged, pseudo frames
 * are there before filters.
 */
#include "report/prepare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void notes_printf(struct notes *notes, const char *fmt, ...)
{
	if (!notes)
		return;
	struct buf line = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&line, fmt, ap);
	va_end(ap);
	notes->add(notes, line.data);
	buf_release(&line);
}

void report_value(const struct report *r, int64_t value, struct buf *out)
{
	if (r->ratio > 0 && r->ratio != 1)
		value = unit_truncate((double)value * r->ratio);
	unit_conv_label(&r->conv, value, out);
}

void report_pad(struct buf *out, size_t from, int width)
{
	int columns = 0;
	for (size_t i = from; i < out->len; i++)
		columns += ((unsigned char)out->data[i] & 0xc0) != 0x80;
	if (columns >= width)
		return;
	size_t pad = (size_t)(width - columns), n = out->len - from;
	buf_fill(out, ' ', pad);
	memmove(out->data + from + pad, out->data + from, n);
	memset(out->data + from, ' ', pad);
}

void report_value_padded(const struct report *r, int64_t value, int width, struct buf *out)
{
	size_t from = out->len;
	report_value(r, value, out);
	report_pad(out, from, width);
}

static int compare_ids(const void *a, const void *b, void *strings)
{
	return strcmp(strtab_get(strings, *(const uint32_t *)a),
		strtab_get(strings, *(const uint32_t *)b));
}

/* The units seen with one key: the first is used, the others are said. */
struct key_units {
	uint32_t key;
	uint32_t used; /* 0: none yet */
	uint32_t *others;
	uint32_t n, cap;
};

static struct key_units *find_key(struct key_units **keys, uint32_t *n, uint32_t *cap, uint32_t key)
{
	for (uint32_t i = 0; i < *n; i++)
		if ((*keys)[i].key == key)
			return &(*keys)[i];
	struct key_units unseen = {.key = key};
	vec_push(*keys, *n, *cap, unseen);
	return &(*keys)[*n - 1];
}

static void see_unit(struct key_units *k, uint32_t unit)
{
	if (!unit || unit == k->used)
		return;
	if (!k->used) {
		k->used = unit;
		return;
	}
	for (uint32_t i = 0; i < k->n; i++)
		if (k->others[i] == unit)
			return;
	vec_push(k->others, k->n, k->cap, unit);
}

static void note_others(struct report *r, struct key_units *k, struct notes *notes)
{
	struct profile *p = r->profile;
	struct buf others = BUF_INIT;
	if (!k->n)
		return;
	qsort_r(k->others, k->n, sizeof(*k->others), compare_ids, &p->strings);
	for (uint32_t i = 0; i < k->n; i++)
		buf_printf(&others, "%s%s", i ? ", " : "", profile_str(p, k->others[i]));
	notes_printf(notes, "For tag %s used unit %s, also encountered unit(s) %s",
		profile_str(p, k->key), profile_str(p, k->used), others.data);
	buf_release(&others);
}

/* A key without any unit is one itself ("bytes"), but for two that are known to count bytes. */
static uint32_t inferred_unit(struct profile *p, uint32_t key)
{
	const char *name = profile_str(p, key);
	if (strcmp(name, "alignment") == 0 || strcmp(name, "request") == 0)
		return strtab_addstr(&p->strings, "bytes");
	return key;
}

static void find_label_units(struct report *r, struct notes *notes)
{
	struct profile *p = r->profile;
	struct key_units *keys = NULL;
	uint32_t n = 0, cap = 0;
	for (size_t i = 0; i < p->label_n; i++)
		if (p->labels[i].is_num)
			see_unit(
				find_key(&keys, &n, &cap, p->labels[i].key), p->labels[i].num_unit);
	r->label_units = mem_array((size_t)n + 1, sizeof(*r->label_units));
	r->label_unit_n = n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t unit = keys[i].used;
		r->label_units[i].key = keys[i].key;
		r->label_units[i].unit = unit ? unit : inferred_unit(p, keys[i].key);
		note_others(r, &keys[i], notes);
		mem_free(keys[i].others);
	}
	mem_free(keys);
}

const char *report_label_unit(const struct report *r, uint32_t key)
{
	for (uint32_t i = 0; i < r->label_unit_n; i++)
		if (r->label_units[i].key == key)
			return profile_str(r->profile, r->label_units[i].unit);
	return "";
}

/* What a command wants whatever the options say. */
static void override_config(struct report *r, const char *command)
{
	struct config *c = &r->config;
	bool trim = c->trim;
	if (r->format == REPORT_DISASM) {
		/* Inlined frames share an address: counting each would count it twice. */
		config_set_string(&c->granularity, "addresses");
		c->noinlines = true;
		trim = false;
	} else if (r->format == REPORT_WEBLIST) {
		config_set_string(&c->granularity, "addresses");
		c->noinlines = false;
		trim = false;
	} else if (r->format == REPORT_LIST) {
		config_set_string(&c->granularity, "lines");
		trim = false;
	} else if (strcmp(command, "peek") == 0) {
		trim = false;
	} else if (c->nodecount == -1) {
		bool is_flat = r->format == REPORT_TEXT || r->format == REPORT_TOPPROTO;
		c->nodecount = is_flat ? 0 : 80;
	}
	if (r->format == REPORT_PROTO || r->format == REPORT_RAW || r->format == REPORT_CALLGRIND) {
		config_set_string(&c->granularity, "addresses");
		trim = false;
	}
	if (!trim)
		c->nodecount = c->nodefraction = c->edgefraction = 0;
}

static bool parse_index(const char *text, long *ret)
{
	char *end;
	errno = 0;
	*ret = strtol(text, &end, 10);
	return *text && *text != ' ' && !*end && errno == 0;
}

static int sample_index_error(const struct profile *p, const char *name, struct err *err)
{
	struct buf types = BUF_INIT;
	for (uint32_t i = 0; i < p->sample_type_n; i++)
		buf_printf(&types, "%s%s", i ? " " : "", profile_str(p, p->sample_types[i].type));
	int rc = err_set(
		err, ERR_USAGE, "sample_index \"%s\" must be one of: [%s]", name, types.data);
	buf_release(&types);
	return rc;
}

int report_sample_index(
	const struct profile *p, const char *name, uint32_t *ret_index, struct err *err)
{
	long index;
	*ret_index = p->sample_type_n - 1;
	if (!*name) {
		for (uint32_t i = 0; i < p->sample_type_n && p->default_sample_type; i++)
			if (p->sample_types[i].type == p->default_sample_type)
				return *ret_index = i, 0;
		return 0;
	}
	if (parse_index(name, &index)) {
		if (index < 0 || index >= (long)p->sample_type_n)
			return err_set(err, ERR_USAGE,
				"sample_index %s is outside the range [0..%d]", name,
				(int)p->sample_type_n - 1);
		*ret_index = (uint32_t)index;
		return 0;
	}
	/* Profiles may call "inuse_space" just "space". */
	const char *plain = strncmp(name, "inuse_", 6) == 0 ? name + 6 : name;
	for (uint32_t i = 0; i < p->sample_type_n; i++) {
		const char *type = profile_str(p, p->sample_types[i].type);
		if (strcmp(type, name) == 0 || strcmp(type, plain) == 0)
			return *ret_index = i, 0;
	}
	return sample_index_error(p, name, err);
}

static int choose_value(struct report *r, struct err *err)
{
	const struct profile *p = r->profile;
	if (!p->sample_type_n)
		return err_set(err, ERR_FORMAT, "profile has no samples");
	int rc = report_sample_index(p, r->config.sample_index, &r->value_index, err);
	if (rc < 0)
		return rc;
	r->mean_index = r->config.mean ? 0 : -1;
	struct buf type = BUF_INIT;
	buf_printf(&type, "%s%s", r->config.mean ? "mean_" : "",
		profile_str(p, p->sample_types[r->value_index].type));
	r->type = buf_detach(&type, NULL);
	r->unit = mem_strdup(profile_str(p, p->sample_types[r->value_index].unit));
	return 0;
}

static void list_filters(struct report *r)
{
	const struct config *c = &r->config;
	const struct {
		const char *name, *value;
	} filters[] = {
		{"focus", c->focus},
		{"ignore", c->ignore},
		{"hide", c->hide},
		{"show", c->show},
		{"show_from", c->show_from},
		{"tagfocus", c->tagfocus},
		{"tagignore", c->tagignore},
		{"tagshow", c->tagshow},
		{"taghide", c->taghide},
	};
	r->filters = mem_array(array_len(filters), sizeof(*r->filters));
	for (size_t i = 0; i < array_len(filters); i++) {
		if (!*filters[i].value)
			continue;
		struct buf text = BUF_INIT;
		buf_printf(&text, "%s=%s", filters[i].name, filters[i].value);
		r->filters[r->filter_n++] = buf_detach(&text, NULL);
	}
}

static void set_title(struct report *r)
{
	const struct profile *p = r->profile;
	struct buf title = BUF_INIT;
	if (p->mapping_n && p->mappings[0].file)
		path_base(&title, profile_str(p, p->mappings[0].file));
	r->title = title.len ? buf_detach(&title, NULL) : mem_strdup("");
}

static int set_options(struct report *r, struct err *err)
{
	int rc = choose_value(r, err);
	if (rc < 0)
		return rc;
	if (r->config.divide_by == 0)
		return err_set(err, ERR_USAGE, "zero divisor specified");
	r->ratio = 1 / r->config.divide_by;
	r->output_unit = mem_strdup(r->config.unit);
	unit_conv_init(&r->conv, r->unit, r->output_unit);
	list_filters(r);
	set_title(r);
	return 0;
}

struct base_mark report_base_mark(const struct profile *p)
{
	return (struct base_mark){
		.key = strtab_find(&p->strings, "pprof::base", 11),
		.yes = strtab_find(&p->strings, "true", 4),
	};
}

bool report_is_base(const struct profile *p, uint32_t sample, struct base_mark mark)
{
	uint32_t n;
	if (mark.key == UINT32_MAX)
		return false;
	const struct label *labels = profile_labels(p, sample, &n);
	for (uint32_t i = 0; i < n; i++)
		if (labels[i].key == mark.key && !labels[i].is_num && labels[i].str == mark.yes)
			return true;
	return false;
}

struct total {
	int64_t sum, div;
};

static int64_t total_mean(const struct total *t)
{
	return t->div ? t->sum / t->div : t->sum;
}

/* The sum of the values' magnitudes; of a diff, of its base only. */
static int64_t sum_samples(const struct report *r)
{
	const struct profile *p = r->profile;
	struct base_mark mark = report_base_mark(p);
	struct total all = {0}, base = {0};
	for (uint32_t s = 0; s < p->sample_n; s++) {
		const int64_t *values = profile_values(p, s);
		int64_t v = graph_abs(values[r->value_index]);
		int64_t d = r->mean_index < 0 ? 0 : values[r->mean_index];
		all.sum += v;
		all.div += d;
		if (report_is_base(p, s, mark)) {
			base.sum += v;
			base.div += d;
		}
	}
	return total_mean(base.sum > 0 ? &base : &all);
}

static int compile_symbol(struct report *r, const char *arg, struct err *err)
{
	if (!arg)
		return 0;
	int rc = regex_compile(&r->symbol, arg, err);
	if (rc < 0)
		err_prefix(err, "parsing argument regexp %s", arg);
	return rc;
}

static int aggregate(struct report *r)
{
	const char *g = r->config.granularity;
	bool inlines = !r->config.noinlines;
	bool addresses = strcmp(g, "addresses") == 0;
	bool lines = addresses || strcmp(g, "lines") == 0;
	bool files = lines || strcmp(g, "files") == 0 || strcmp(g, "filefunctions") == 0;
	bool functions = strcmp(g, "files") != 0;
	if (addresses && inlines)
		return 0;
	unsigned keep = (inlines ? PROFILE_KEEP_INLINES : 0) |
			(functions ? PROFILE_KEEP_FUNCTIONS : 0) |
			(files ? PROFILE_KEEP_FILES : 0) | (lines ? PROFILE_KEEP_LINES : 0) |
			(r->config.showcolumns ? PROFILE_KEEP_COLUMNS : 0) |
			(addresses ? PROFILE_KEEP_ADDRESSES : 0);
	profile_aggregate(r->profile, keep);
	return 0;
}

static int prepare(struct report *r, const char *command, const char *arg, struct notes *notes,
	struct err *err)
{
	find_label_units(r, notes);
	override_config(r, command);
	prepare_label_frames(r, notes);
	bool relative = r->config.relative_percentages;
	int rc = relative ? prepare_filter(r, notes, err) : 0;
	if (rc >= 0)
		rc = set_options(r, err);
	if (rc >= 0)
		rc = compile_symbol(r, arg, err);
	if (rc < 0)
		return rc;
	r->total = sum_samples(r);
	if (!relative)
		rc = prepare_filter(r, notes, err);
	if (rc >= 0)
		rc = aggregate(r);
	return rc;
}

int report_init(struct report *r, struct profile *p, enum report_format format, const char *command,
	const char *arg, const struct config *config, struct notes *notes, struct err *err)
{
	memset(r, 0, sizeof(*r));
	r->profile = p;
	r->format = format;
	r->notes = notes;
	config_copy(&r->config, config);
	int rc = prepare(r, command, arg, notes, err);
	if (rc < 0)
		report_release(r);
	return rc;
}

int report_init_header(struct report *r, struct profile *p, const struct config *config,
	struct notes *notes, struct err *err)
{
	memset(r, 0, sizeof(*r));
	r->profile = p;
	r->format = REPORT_TEXT;
	config_copy(&r->config, config);
	find_label_units(r, notes);
	int rc = set_options(r, err);
	if (rc < 0)
		report_release(r);
	else
		r->total = sum_samples(r);
	return rc;
}

void report_release(struct report *r)
{
	config_release(&r->config);
	mem_free(r->type);
	mem_free(r->unit);
	mem_free(r->output_unit);
	mem_free(r->title);
	mem_free(r->label_units);
	for (uint32_t i = 0; i < r->filter_n; i++)
		mem_free(r->filters[i]);
	mem_free(r->filters);
	regex_free(r->symbol);
}

int report_write(struct report *r, struct sink *to, struct err *err)
{
	static int (*const writers[])(struct report *, struct sink *, struct err *) = {
		[REPORT_CALLGRIND] = report_callgrind,
		[REPORT_COMMENTS] = report_comments,
		[REPORT_DISASM] = report_disasm,
		[REPORT_DOT] = report_dot,
		[REPORT_FLAME] = report_flame,
		[REPORT_LIST] = report_list,
		[REPORT_PROTO] = report_proto,
		[REPORT_RAW] = report_raw,
		[REPORT_TAGS] = report_tags,
		[REPORT_TEXT] = report_text,
		[REPORT_TOPPROTO] = report_topproto,
		[REPORT_TRACES] = report_traces,
		[REPORT_TREE] = report_tree,
		[REPORT_WEBLIST] = report_weblist,
	};
	return writers[r->format](r, to, err);
}
