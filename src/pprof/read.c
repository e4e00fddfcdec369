/*
 * The profile.proto reader: one pass over the message straight into the columns.
 *
 * Samples come before the locations they name, locations before functions, and strings last, so
 * what is read refers to things not seen yet. An id is stored as `id - 1` at once: files number
 * their things 1, 2, 3… and then `id - 1` already is the index, and nothing is left to do but to
 * compare the largest id seen with the number of things. Only files that number otherwise pay for a
 * second pass through a table (dense where ids are small, a map for the rest). Strings likewise:
 * the file's index is the table's id unless the file repeats a string.
 *
 * A compressed message is never in memory whole: it passes by in a window that holds one field of
 * the profile (a sample, a location, a string) at least.
 *
 * Rejected: Go's way, a decoded object a message and then maps from ids to pointers, which takes
 * twelve times the memory; and a first pass that only counts, since walking the varints of all
 * stacks is most of the work.
 */
#include "pprof/internal.h"
#include "pprof/ids.h"

#include <sys/mman.h>
#include <unistd.h>

#define COUNT_MAX    ((size_t)1 << 31)
#define MEMORY_MAX   ((size_t)4 << 30)
#define RELEASE_STEP ((size_t)1 << 20)
#define WINDOW	     ((size_t)256 << 10) /* at first: no field of the profile need fit */

/* Ids of one kind as they stream by. Small ones are stored as id - 1, 0 as PROFILE_NONE, the rest
 * as WIDE plus a place in `wide`. */
#define WIDE ((uint32_t)1 << 31)

struct refs {
	uint32_t max; /* the largest stored small reference, plus 1 */
	bool zero;
	uint64_t *wide;
	uint32_t wide_n, wide_cap;
	struct map wide_at; /* id -> its place */
};

/* From ids to indices, once all things of a kind are read. */
struct ids {
	bool sequential; /* thing i has id i + 1 */
	uint32_t n;
	uint32_t *dense; /* index + 1 for ids up to n, or NULL */
	struct map sparse;
};

struct reader {
	struct profile *p;
	struct wire top;	  /* what is left of the window on the message */
	int64_t base;		  /* where in the message the window begins */
	struct gzip_reader *gzip; /* NULL once all is in the window */
	bool bad_gzip;		  /* the error is of what was compressed */
	uint8_t *window;	  /* NULL: the message lies in memory already */
	size_t window_cap;
	size_t count_max, memory_max, memory;
	bool release;
	const uint8_t *released; /* up to here */

	struct refs locations, mappings, functions;
	uint32_t string_max; /* the largest string index seen, plus 1 */
	uint32_t *strings;   /* file index -> id */
	uint32_t string_n, string_cap;
	bool strings_move; /* `strings` is not the identity */

	uint32_t *stack; /* the sample's */
	size_t stack_n, stack_cap;
	size_t value_n, value_cap;
	uint32_t value_count; /* of every sample so far */
	uint32_t odd_count;   /* of the first sample that differs */
	int64_t odd_at;	      /* and where it is, -1 if none */
	int64_t nil_location_at;
	struct err *err;
};

static int fail(struct reader *r, int code, const uint8_t *at, const char *what)
{
	return err_at(r->err, code, at - r->top.start, "%s", what);
}

static int malformed(struct reader *r, const uint8_t *at, const char *what)
{
	return fail(r, ERR_FORMAT, at, what);
}

/* Counts what a column grows by, before it grows. */
static int charge(struct reader *r, size_t bytes, const uint8_t *at)
{
	r->memory += bytes;
	if (r->memory <= r->memory_max)
		return 0;
	return err_at(r->err, ERR_LIMIT, at - r->top.start,
		"the profile needs more than %zu bytes of memory", r->memory_max);
}

static int bound(struct reader *r, size_t n, size_t bytes, const uint8_t *at)
{
	if (n >= r->count_max)
		return err_at(r->err, ERR_LIMIT, at - r->top.start,
			"more than %zu things of one kind", r->count_max);
	return charge(r, bytes, at);
}

/* --- references --- */

static uint32_t ref_wide(struct refs *refs, uint64_t id)
{
	if (id == 0) {
		refs->zero = true;
		return PROFILE_NONE;
	}
	bool is_new;
	uint32_t *place = map_put(&refs->wide_at, id, &is_new);
	if (is_new) {
		*place = refs->wide_n;
		vec_push(refs->wide, refs->wide_n, refs->wide_cap, id);
	}
	return WIDE + *place;
}

static inline uint32_t ref(struct refs *refs, uint64_t id)
{
	uint64_t stored = id - 1;
	if (stored >= WIDE)
		return ref_wide(refs, id);
	if (stored >= refs->max)
		refs->max = (uint32_t)stored + 1;
	return (uint32_t)stored;
}

static void refs_release(struct refs *refs)
{
	mem_free(refs->wide);
	map_release(&refs->wide_at);
}

static void ids_release(struct ids *ids)
{
	mem_free(ids->dense);
	map_release(&ids->sparse);
}

/* Adds thing `index`; false if the id is taken. */
static bool ids_add(struct ids *ids, uint64_t id, uint32_t index)
{
	if (id <= ids->n) {
		bool taken = ids->dense[id - 1] != PROFILE_NONE;
		ids->dense[id - 1] = index;
		return !taken;
	}
	bool is_new;
	*map_put(&ids->sparse, id, &is_new) = index;
	return is_new;
}

/* The ids lie `stride` bytes apart: struct mapping, location and function begin with theirs. */
static int ids_build(struct reader *r, struct ids *ids, const void *first, uint32_t n,
	size_t stride, const char *reserved, const char *kind)
{
	*ids = (struct ids){.sequential = true, .n = n};
	const char *at = first;
	for (uint32_t i = 0; i < n && ids->sequential; i++)
		ids->sequential = *(const uint64_t *)(at + i * stride) == (uint64_t)i + 1;
	if (ids->sequential)
		return 0;
	ids->dense = mem_array(n, sizeof(*ids->dense));
	memset(ids->dense, 0xff, n * sizeof(*ids->dense));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t id = *(const uint64_t *)(at + i * stride);
		if (id == 0)
			return err_set(r->err, ERR_FORMAT, "malformed profile: %s", reserved);
		if (!ids_add(ids, id, i))
			return err_set(r->err, ERR_FORMAT,
				"malformed profile: multiple %s with same id: %llu", kind,
				(unsigned long long)id);
	}
	return 0;
}

static uint32_t resolve(const struct ids *ids, const struct refs *refs, uint32_t stored)
{
	if (stored == PROFILE_NONE)
		return PROFILE_NONE;
	uint64_t id = stored < WIDE ? (uint64_t)stored + 1 : refs->wide[stored - WIDE];
	if (ids->sequential)
		return id <= ids->n ? (uint32_t)(id - 1) : PROFILE_NONE;
	if (id <= ids->n)
		return ids->dense[id - 1];
	uint32_t *index = map_get(&ids->sparse, id);
	return index ? *index : PROFILE_NONE;
}

/* Whether stored references already are indices. */
static bool resolved(const struct ids *ids, const struct refs *refs)
{
	return ids->sequential && !refs->wide_n && refs->max <= ids->n;
}

/* --- fields --- */

static int want(struct reader *r, const struct wire_field *f, enum wire_type type)
{
	return f->type == type ? 0 : malformed(r, f->from, "field has the wrong wire type");
}

static int read_u64(struct reader *r, const struct wire_field *f, uint64_t *ret)
{
	*ret = f->value;
	return want(r, f, WIRE_VARINT);
}

static int read_i64(struct reader *r, const struct wire_field *f, int64_t *ret)
{
	*ret = (int64_t)f->value;
	return want(r, f, WIRE_VARINT);
}

static int read_column(struct reader *r, const struct wire_field *f, int32_t *ret)
{
	int64_t v = (int64_t)f->value;
	*ret = (int32_t)(v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : v);
	return want(r, f, WIRE_VARINT);
}

static int read_bool(struct reader *r, const struct wire_field *f, bool *ret)
{
	*ret = f->value != 0;
	return want(r, f, WIRE_VARINT);
}

static int read_ref(struct reader *r, const struct wire_field *f, struct refs *refs, uint32_t *ret)
{
	*ret = ref(refs, f->value);
	return want(r, f, WIRE_VARINT);
}

/* A string's index in the file; finish_strings() makes it an id. */
static int read_str(struct reader *r, const struct wire_field *f, uint32_t *ret)
{
	uint32_t index = f->value < UINT32_MAX - 1 ? (uint32_t)f->value : UINT32_MAX - 1;
	if (index >= r->string_max)
		r->string_max = index + 1;
	*ret = index;
	return want(r, f, WIRE_VARINT);
}

static int keep_unknown(struct reader *r, const struct wire_field *f, const uint8_t *end,
	enum profile_message kind, uint32_t owner)
{
	struct profile *p = r->p;
	size_t n = (size_t)(end - f->from);
	if (p->unknown_bytes.len + n > UINT32_MAX)
		return fail(r, ERR_LIMIT, f->from, "more than 4 GiB of unknown fields");
	int rc = charge(r, n + sizeof(struct unknown), f->from);
	if (rc < 0)
		return rc;
	struct unknown u = {kind, owner, (uint32_t)p->unknown_bytes.len, (uint32_t)n};
	vec_push(p->unknowns, p->unknown_n, p->unknown_cap, u);
	buf_add(&p->unknown_bytes, f->from, n);
	return 0;
}

/* Walks the fields of one message: FIELD(num) bodies set rc. */
#define EACH_FIELD(r, w, f, rc) while ((rc) >= 0 && ((rc) = wire_next((w), (f), (r)->err)) > 0)

static int read_value_type(struct reader *r, struct wire w, struct value_type *vt, uint32_t owner)
{
	struct wire_field f;
	int rc = 0;
	EACH_FIELD(r, &w, &f, rc)
	{
		switch (f.num) {
		case 1:
			rc = read_str(r, &f, &vt->type);
			break;
		case 2:
			rc = read_str(r, &f, &vt->unit);
			break;
		default:
			rc = keep_unknown(r, &f, w.p, MSG_VALUE_TYPE, owner);
		}
	}
	return rc;
}

/* A label without string, number and unit says nothing; Go forgets it, and so does this. */
static int read_label(struct reader *r, struct wire w)
{
	struct profile *p = r->p;
	struct wire_field f;
	struct label l = {0};
	uint32_t unknown_from = p->unknown_n;
	int rc = bound(r, p->label_n, sizeof(l), w.p);
	EACH_FIELD(r, &w, &f, rc)
	{
		switch (f.num) {
		case 1:
			rc = read_str(r, &f, &l.key);
			break;
		case 2:
			rc = read_str(r, &f, &l.str);
			break;
		case 3:
			rc = read_i64(r, &f, &l.num);
			break;
		case 4:
			rc = read_str(r, &f, &l.num_unit);
			break;
		default:
			rc = keep_unknown(r, &f, w.p, MSG_LABEL, (uint32_t)p->label_n);
		}
	}
	if (rc < 0)
		return rc;
	l.is_num = l.str == 0;
	if (l.is_num && l.num == 0 && l.num_unit == 0) {
		p->unknown_n = unknown_from;
		return 0;
	}
	if (!l.is_num)
		l.num = l.num_unit = 0;
	vec_push(p->labels, p->label_n, p->label_cap, l);
	return 0;
}

static int bad_varint(struct reader *r, const struct wire *w, int rc)
{
	return fail(r, rc, w->p, "bad varint in a packed field");
}

static int read_stack_packed(struct reader *r, struct wire w)
{
	size_t most = (size_t)(w.end - w.p); /* a byte a varint at least */
	vec_grow(r->stack, r->stack_n + most + IDS_OVER, r->stack_cap);
	for (;;) {
		uint64_t id;
		r->stack_n += ids_take(&w.p, w.end, r->top.end, r->stack + r->stack_n);
		if (w.p == w.end)
			return 0;
		int rc = wire_varint(&w, &id);
		if (rc < 0)
			return bad_varint(r, &w, rc);
		r->stack[r->stack_n++] = ref(&r->locations, id);
	}
}

static int read_stack(struct reader *r, const struct wire_field *f)
{
	if (f->type == WIRE_BYTES)
		return read_stack_packed(r, f->bytes);
	int rc = want(r, f, WIRE_VARINT);
	if (rc < 0)
		return rc;
	vec_push(r->stack, r->stack_n, r->stack_cap, ref(&r->locations, f->value));
	return 0;
}

/* What the stacks take is known only when they are added: nine bytes a frame is the worst. */
static int add_stack(struct reader *r, const uint8_t *at)
{
	struct frames *frames = &r->p->frames;
	if (frames->n + 9 * r->stack_n > UINT32_MAX - 64)
		return fail(r, ERR_LIMIT, at, "more than 4 GiB of stacks");
	size_t before = frames->n;
	r->p->stack_at[r->p->sample_n] = frames_add(frames, r->stack, (uint32_t)r->stack_n);
	return charge(r, frames->n - before, at);
}

static int add_value(struct reader *r, uint64_t v, const uint8_t *at)
{
	vec_push(r->p->values, r->value_n, r->value_cap, (int64_t)v);
	return charge(r, sizeof(int64_t), at);
}

static int read_values(struct reader *r, const struct wire_field *f)
{
	if (f->type != WIRE_BYTES) {
		int rc = want(r, f, WIRE_VARINT);
		return rc < 0 ? rc : add_value(r, f->value, f->from);
	}
	struct wire w = f->bytes;
	while (w.p < w.end) {
		uint64_t v;
		int rc = wire_varint(&w, &v);
		if (rc < 0)
			return bad_varint(r, &w, rc);
		rc = add_value(r, v, w.p);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The numbers of values must agree among samples, or the columns would shift; what they must agree
 * with is not known before the end. */
static void count_values(struct reader *r, size_t from, int64_t at)
{
	uint32_t n = (uint32_t)(r->value_n - from);
	if (r->p->sample_n == 0)
		r->value_count = n;
	if (n != r->value_count && r->odd_at < 0) {
		r->odd_count = n;
		r->odd_at = at;
	}
}

static int read_sample(struct reader *r, struct wire w)
{
	struct profile *p = r->p;
	int64_t at = r->base + (w.p - w.start);
	const uint8_t *from = w.p;
	size_t value_from = r->value_n;
	bool had_zero = r->locations.zero;
	struct wire_field f;
	r->stack_n = 0;
	int rc = bound(r, p->sample_n, 2 * sizeof(uint32_t), w.p);
	EACH_FIELD(r, &w, &f, rc)
	{
		switch (f.num) {
		case 1:
			rc = read_stack(r, &f);
			break;
		case 2:
			rc = read_values(r, &f);
			break;
		case 3:
			rc = want(r, &f, WIRE_BYTES);
			rc = rc < 0 ? rc : read_label(r, f.bytes);
			break;
		default:
			rc = keep_unknown(r, &f, w.p, MSG_SAMPLE, p->sample_n);
		}
	}
	if (rc < 0)
		return rc;
	if (r->locations.zero && !had_zero)
		r->nil_location_at = at;
	count_values(r, value_from, at);
	if (p->sample_n == p->sample_cap) {
		p->sample_cap += p->sample_cap / 2 + 64;
		p->stack_at = mem_rearray(p->stack_at, p->sample_cap, sizeof(*p->stack_at));
		p->label_end = mem_rearray(p->label_end, p->sample_cap, sizeof(*p->label_end));
	}
	rc = add_stack(r, from);
	if (rc < 0)
		return rc;
	p->label_end[p->sample_n] = (uint32_t)p->label_n;
	p->sample_n++;
	return 0;
}

static int read_mapping(struct reader *r, struct wire w)
{
	struct profile *p = r->p;
	struct wire_field f;
	struct mapping m = {0};
	int rc = bound(r, p->mapping_n, sizeof(m), w.p);
	EACH_FIELD(r, &w, &f, rc)
	{
		switch (f.num) {
		case 1:
			rc = read_u64(r, &f, &m.id);
			break;
		case 2:
			rc = read_u64(r, &f, &m.start);
			break;
		case 3:
			rc = read_u64(r, &f, &m.limit);
			break;
		case 4:
			rc = read_u64(r, &f, &m.offset);
			break;
		case 5:
			rc = read_str(r, &f, &m.file);
			break;
		case 6:
			rc = read_str(r, &f, &m.build_id);
			break;
		case 7:
			rc = read_bool(r, &f, &m.has_functions);
			break;
		case 8:
			rc = read_bool(r, &f, &m.has_filenames);
			break;
		case 9:
			rc = read_bool(r, &f, &m.has_line_numbers);
			break;
		case 10:
			rc = read_bool(r, &f, &m.has_inline_frames);
			break;
		default:
			rc = keep_unknown(r, &f, w.p, MSG_MAPPING, p->mapping_n);
		}
	}
	if (rc < 0)
		return rc;
	vec_push(p->mappings, p->mapping_n, p->mapping_cap, m);
	return 0;
}

static int read_line(struct reader *r, struct wire w)
{
	struct profile *p = r->p;
	struct wire_field f;
	struct line line = {.function = PROFILE_NONE};
	int rc = bound(r, p->line_n, sizeof(line), w.p);
	EACH_FIELD(r, &w, &f, rc)
	{
		switch (f.num) {
		case 1:
			rc = read_ref(r, &f, &r->functions, &line.function);
			break;
		case 2:
			rc = read_i64(r, &f, &line.line);
			break;
		case 3:
			rc = read_column(r, &f, &line.column);
			break;
		default:
			rc = keep_unknown(r, &f, w.p, MSG_LINE, p->line_n);
		}
	}
	if (rc < 0)
		return rc;
	vec_push(p->lines, p->line_n, p->line_cap, line);
	return 0;
}

static int read_location(struct reader *r, struct wire w)
{
	struct profile *p = r->p;
	struct wire_field f;
	struct location loc = {.mapping = PROFILE_NONE, .line_first = p->line_n};
	int rc = bound(r, p->location_n, sizeof(loc), w.p);
	EACH_FIELD(r, &w, &f, rc)
	{
		switch (f.num) {
		case 1:
			rc = read_u64(r, &f, &loc.id);
			break;
		case 2:
			rc = read_ref(r, &f, &r->mappings, &loc.mapping);
			break;
		case 3:
			rc = read_u64(r, &f, &loc.address);
			break;
		case 4:
			rc = want(r, &f, WIRE_BYTES);
			rc = rc < 0 ? rc : read_line(r, f.bytes);
			break;
		case 5:
			rc = read_bool(r, &f, &loc.is_folded);
			break;
		default:
			rc = keep_unknown(r, &f, w.p, MSG_LOCATION, p->location_n);
		}
	}
	if (rc < 0)
		return rc;
	loc.line_n = p->line_n - loc.line_first;
	vec_push(p->locations, p->location_n, p->location_cap, loc);
	return 0;
}

static int read_function(struct reader *r, struct wire w)
{
	struct profile *p = r->p;
	struct wire_field f;
	struct function fn = {0};
	int rc = bound(r, p->function_n, sizeof(fn), w.p);
	EACH_FIELD(r, &w, &f, rc)
	{
		switch (f.num) {
		case 1:
			rc = read_u64(r, &f, &fn.id);
			break;
		case 2:
			rc = read_str(r, &f, &fn.name);
			break;
		case 3:
			rc = read_str(r, &f, &fn.system_name);
			break;
		case 4:
			rc = read_str(r, &f, &fn.filename);
			break;
		case 5:
			rc = read_i64(r, &f, &fn.start_line);
			break;
		default:
			rc = keep_unknown(r, &f, w.p, MSG_FUNCTION, p->function_n);
		}
	}
	if (rc < 0)
		return rc;
	vec_push(p->functions, p->function_n, p->function_cap, fn);
	return 0;
}

static int read_string(struct reader *r, const struct wire_field *f)
{
	size_t n = (size_t)(f->bytes.end - f->bytes.p);
	if (r->string_n == 0 && n != 0)
		return malformed(r, f->from, "string_table[0] must be ''");
	int rc = bound(r, r->string_n, n + sizeof(struct str) + 2 * sizeof(uint32_t), f->from);
	if (rc < 0)
		return rc;
	uint32_t id = strtab_add(&r->p->strings, (const char *)f->bytes.p, n);
	r->strings_move |= id != r->string_n;
	vec_push(r->strings, r->string_n, r->string_cap, id);
	return 0;
}

static int read_sample_type(struct reader *r, struct wire w)
{
	struct profile *p = r->p;
	struct value_type vt = {0};
	int rc = bound(r, p->sample_type_n, sizeof(vt), w.p);
	if (rc >= 0)
		rc = read_value_type(r, w, &vt, p->sample_type_n);
	if (rc < 0)
		return rc;
	vec_push(p->sample_types, p->sample_type_n, p->sample_type_cap, vt);
	return 0;
}

static int add_comment(struct reader *r, const struct wire_field *f)
{
	struct profile *p = r->p;
	uint32_t comment;
	int rc = bound(r, p->comment_n, sizeof(comment), f->from);
	if (rc >= 0)
		rc = read_str(r, f, &comment);
	if (rc < 0)
		return rc;
	vec_push(p->comments, p->comment_n, p->comment_cap, comment);
	return 0;
}

static int read_comments(struct reader *r, const struct wire_field *f)
{
	if (f->type != WIRE_BYTES)
		return add_comment(r, f);
	struct wire w = f->bytes;
	int rc = 0;
	while (rc >= 0 && w.p < w.end) {
		struct wire_field one = {.from = w.p, .type = WIRE_VARINT};
		rc = wire_varint(&w, &one.value);
		rc = rc < 0 ? bad_varint(r, &w, rc) : add_comment(r, &one);
	}
	return rc;
}

/* Two profiles one after the other parse as one message, with the ids of both mixed up. */
static int read_time(struct reader *r, const struct wire_field *f)
{
	if (r->p->time_nanos != 0)
		return fail(r, ERR_UNSUPPORTED, f->from,
			"parsing profile: concatenated profiles detected");
	return read_i64(r, f, &r->p->time_nanos);
}

static int read_message(struct reader *r, const struct wire_field *f)
{
	if (f->type != WIRE_BYTES)
		return want(r, f, WIRE_BYTES);
	switch (f->num) {
	case 1:
		return read_sample_type(r, f->bytes);
	case 2:
		return read_sample(r, f->bytes);
	case 3:
		return read_mapping(r, f->bytes);
	case 4:
		return read_location(r, f->bytes);
	case 5:
		return read_function(r, f->bytes);
	case 6:
		return read_string(r, f);
	default:
		r->p->period_type = (struct value_type){0};
		return read_value_type(r, f->bytes, &r->p->period_type, PROFILE_NONE);
	}
}

static int read_top(struct reader *r, const struct wire_field *f)
{
	struct profile *p = r->p;
	switch (f->num) {
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
	case 11:
		return read_message(r, f);
	case 7:
		return read_str(r, f, &p->drop_frames);
	case 8:
		return read_str(r, f, &p->keep_frames);
	case 9:
		return read_time(r, f);
	case 10:
		return read_i64(r, f, &p->duration_nanos);
	case 12:
		return read_i64(r, f, &p->period);
	case 13:
		return read_comments(r, f);
	case 14:
		return read_str(r, f, &p->default_sample_type);
	case 15:
		return read_str(r, f, &p->doc_url);
	default:
		return keep_unknown(r, f, r->top.p, MSG_PROFILE, 0);
	}
}

/* --- the message as it comes --- */

/* Gives back the pages already read, a megabyte at a time. */
static void release_read(struct reader *r)
{
	if (!r->release || (size_t)(r->top.p - r->released) < RELEASE_STEP)
		return;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
	uintptr_t from = ((uintptr_t)r->released + page) & ~page;
	uintptr_t to = (uintptr_t)r->top.p & ~page;
	if (to > from && madvise((void *)from, to - from, MADV_DONTNEED) == 0)
		r->released = (const uint8_t *)to;
}

/* Moves what is left to the beginning of the window, made larger if that fills half of it, and
 * inflates as much as there is room for. */
static int refill(struct reader *r)
{
	size_t left = (size_t)(r->top.end - r->top.p), got;
	r->base += r->top.p - r->top.start;
	if (left)
		memmove(r->window, r->top.p, left);
	if (left > r->window_cap / 2) {
		r->window_cap *= 2;
		r->window = mem_realloc(r->window, r->window_cap);
	}
	size_t room = r->window_cap - left;
	int rc = gzip_read(r->gzip, r->window + left, room, &got, r->err);
	r->top = wire_of(r->window, left + got);
	if (got < room)
		r->gzip = NULL;
	if (rc < 0) {
		r->bad_gzip = true;
		err_prefix(r->err, "decompressing profile");
	}
	return rc;
}

/* The next field of the profile, whole: a window that holds only its beginning is moved on. */
static int next_field(struct reader *r, struct wire_field *f)
{
	for (;;) {
		const uint8_t *from = r->top.p;
		int rc = wire_next(&r->top, f, r->gzip ? NULL : r->err);
		if (rc > 0 || !r->gzip)
			return rc;
		r->top.p = from;
		if (rc < 0 && rc != ERR_TRUNCATED)
			return wire_next(&r->top, f, r->err);
		rc = refill(r);
		if (rc < 0)
			return rc;
	}
}

static int read_fields(struct reader *r)
{
	struct wire_field f;
	int rc;
	while ((rc = next_field(r, &f)) > 0) {
		rc = read_top(r, &f);
		if (rc < 0)
			break;
		release_read(r);
	}
	if (rc < 0 && !r->bad_gzip && r->err && r->err->offset >= 0)
		r->err->offset += r->base;
	return rc;
}

/* --- after the last byte --- */

static uint32_t string_id(const struct reader *r, uint32_t index)
{
	return r->strings[index];
}

static void move_strings(struct reader *r)
{
	struct profile *p = r->p;
	for (uint32_t i = 0; i < p->sample_type_n; i++) {
		p->sample_types[i].type = string_id(r, p->sample_types[i].type);
		p->sample_types[i].unit = string_id(r, p->sample_types[i].unit);
	}
	for (size_t i = 0; i < p->label_n; i++) {
		p->labels[i].key = string_id(r, p->labels[i].key);
		p->labels[i].str = string_id(r, p->labels[i].str);
		p->labels[i].num_unit = string_id(r, p->labels[i].num_unit);
	}
	for (uint32_t i = 0; i < p->mapping_n; i++) {
		p->mappings[i].file = string_id(r, p->mappings[i].file);
		p->mappings[i].build_id = string_id(r, p->mappings[i].build_id);
	}
	for (uint32_t i = 0; i < p->function_n; i++) {
		p->functions[i].name = string_id(r, p->functions[i].name);
		p->functions[i].system_name = string_id(r, p->functions[i].system_name);
		p->functions[i].filename = string_id(r, p->functions[i].filename);
	}
	for (uint32_t i = 0; i < p->comment_n; i++)
		p->comments[i] = string_id(r, p->comments[i]);
	uint32_t *singles[] = {&p->drop_frames, &p->keep_frames, &p->default_sample_type,
		&p->doc_url, &p->period_type.type, &p->period_type.unit};
	for (size_t i = 0; i < array_len(singles); i++)
		*singles[i] = string_id(r, *singles[i]);
}

static int finish_strings(struct reader *r)
{
	if (r->string_n == 0)
		return err_set(r->err, ERR_FORMAT, "the profile has no string table");
	if (r->string_max > r->string_n)
		return err_set(r->err, ERR_FORMAT,
			"a string index (%u) lies outside the string table of %u",
			r->string_max - 1, r->string_n);
	if (r->strings_move)
		move_strings(r);
	for (uint32_t i = 0; i < r->p->mapping_n; i++)
		r->p->mappings[i].kernel_relocation_symbol =
			mapping_relocation_symbol(r->p, r->p->mappings[i].file);
	return 0;
}

/* Sorting moves labels away from under their unknown fields, which follow by a table of where each
 * went. That is rare, and costs a pass only then. */
static void sort_labels_tracked(struct profile *p, struct label *labels, uint32_t n, uint32_t *went)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = 0;
		for (uint32_t j = 0; j < n; j++) {
			int cmp = label_cmp(p, &labels[j], &labels[i]);
			place += cmp < 0 || (cmp == 0 && j < i);
		}
		went[i] = place;
	}
}

static void finish_labels(struct profile *p)
{
	bool tracked = false;
	for (uint32_t i = 0; i < p->unknown_n && !tracked; i++)
		tracked = p->unknowns[i].owner_kind == MSG_LABEL;
	uint32_t *went = tracked ? mem_array(p->label_n + 1, sizeof(*went)) : NULL;
	uint32_t from = 0;
	for (uint32_t i = 0; p->label_n && i < p->sample_n; from = p->label_end[i++]) {
		uint32_t n = p->label_end[i] - from;
		if (tracked) {
			sort_labels_tracked(p, p->labels + from, n, went + from);
			for (uint32_t j = 0; j < n; j++)
				went[from + j] += from;
		}
		if (n > 1)
			labels_sort(p, p->labels + from, n);
	}
	for (uint32_t i = 0; i < p->unknown_n && tracked; i++)
		if (p->unknowns[i].owner_kind == MSG_LABEL)
			p->unknowns[i].owner = went[p->unknowns[i].owner];
	mem_free(went);
}

static int check_values(struct reader *r)
{
	struct profile *p = r->p;
	if (!p->sample_n)
		return 0;
	if (!p->sample_type_n)
		return err_set(
			r->err, ERR_FORMAT, "malformed profile: missing sample type information");
	bool all_odd = r->value_count != p->sample_type_n;
	if (!all_odd && r->odd_at < 0)
		return 0;
	return err_at(r->err, ERR_FORMAT, all_odd ? -1 : r->odd_at,
		"malformed profile: mismatch: sample has %u values vs. %u types",
		all_odd ? r->value_count : r->odd_count, p->sample_type_n);
}

static int resolve_stack(struct reader *r, const struct ids *ids, uint32_t *stack, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		stack[i] = resolve(ids, &r->locations, stack[i]);
		if (stack[i] == PROFILE_NONE)
			return err_set(
				r->err, ERR_FORMAT, "malformed profile: sample has nil location");
	}
	return 0;
}

static int finish_stacks(struct reader *r, const struct ids *ids)
{
	struct profile *p = r->p;
	if (r->locations.zero)
		return err_at(r->err, ERR_FORMAT, r->nil_location_at,
			"malformed profile: sample has nil location");
	r->locations.max = p->frames.top; /* ids_take() does not tell it */
	if (resolved(ids, &r->locations))
		return 0;
	struct edit e;
	int rc = 0;
	edit_begin(&e, p);
	edit_renew(&e);
	while (rc >= 0 && edit_next(&e)) {
		rc = resolve_stack(r, ids, e.stack, e.stack_n);
		edit_keep(&e, e.stack, e.stack_n);
	}
	edit_end(&e);
	return rc;
}

static int finish_lines(struct reader *r, const struct ids *mappings, const struct ids *functions)
{
	struct profile *p = r->p;
	if (!resolved(mappings, &r->mappings))
		for (uint32_t i = 0; i < p->location_n; i++)
			p->locations[i].mapping =
				resolve(mappings, &r->mappings, p->locations[i].mapping);
	bool move = !resolved(functions, &r->functions);
	for (uint32_t i = 0; i < p->location_n; i++) {
		const struct location *l = &p->locations[i];
		for (uint32_t j = l->line_first; j < l->line_first + l->line_n; j++) {
			struct line *line = &p->lines[j];
			if (move)
				line->function = resolve(functions, &r->functions, line->function);
			if (line->function == PROFILE_NONE)
				return err_set(r->err, ERR_FORMAT,
					"malformed profile: location id: %llu has a line with nil "
					"function",
					(unsigned long long)l->id);
		}
	}
	return 0;
}

static int finish_ids(struct reader *r)
{
	struct profile *p = r->p;
	struct ids locations = {0}, mappings = {0}, functions = {0};
	int rc = ids_build(r, &mappings, p->mappings, p->mapping_n, sizeof(*p->mappings),
		"found mapping with reserved ID=0", "mappings");
	if (rc >= 0)
		rc = ids_build(r, &functions, p->functions, p->function_n, sizeof(*p->functions),
			"found function with reserved ID=0", "functions");
	if (rc >= 0)
		rc = ids_build(r, &locations, p->locations, p->location_n, sizeof(*p->locations),
			"found location with reserved id=0", "locations");
	if (rc >= 0)
		rc = finish_stacks(r, &locations);
	if (rc >= 0)
		rc = finish_lines(r, &mappings, &functions);
	ids_release(&locations);
	ids_release(&mappings);
	ids_release(&functions);
	return rc;
}

/* The per-sample columns share one capacity from here on. */
static void finish_columns(struct profile *p)
{
	p->sample_cap = p->sample_n;
	p->stack_at = mem_rearray(p->stack_at, p->sample_cap, sizeof(*p->stack_at));
	if (p->label_n) {
		p->label_end = mem_rearray(p->label_end, p->sample_cap, sizeof(*p->label_end));
	} else {
		mem_free(p->label_end);
		p->label_end = NULL;
	}
	p->values = mem_rearray(
		p->values, (size_t)p->sample_cap * p->sample_type_n, sizeof(*p->values));
	frames_seal(&p->frames);
}

static int finish(struct reader *r)
{
	int rc = check_values(r);
	if (rc >= 0)
		rc = finish_ids(r);
	if (rc < 0)
		return rc;
	finish_labels(r->p);
	finish_columns(r->p);
	return 0;
}

int proto_parse(struct profile *p, const void *data, size_t n, struct gzip_reader *gzip,
	const struct profile_limits *limits, bool *ret_is_proto, struct err *err)
{
	struct reader r = {
		.p = p,
		.top = wire_of(data, n),
		.gzip = gzip,
		.count_max = limits && limits->samples_max ? limits->samples_max : COUNT_MAX,
		.memory_max = limits && limits->memory_max ? limits->memory_max : MEMORY_MAX,
		.release = !gzip && limits && limits->mapped,
		.released = data,
		.odd_at = -1,
		.nil_location_at = -1,
		.err = err,
	};
	profile_init(p);
	if (gzip) {
		r.window_cap = WINDOW;
		r.window = mem_alloc(WINDOW);
		r.top = wire_of(r.window, 0);
	}
	int rc = read_fields(&r);
	mem_free(r.window);
	mem_free(r.stack);
	if (rc >= 0)
		rc = finish_strings(&r);
	*ret_is_proto = rc >= 0 || rc == ERR_UNSUPPORTED || rc == ERR_LIMIT || r.bad_gzip;
	if (rc >= 0)
		rc = finish(&r);
	refs_release(&r.locations);
	refs_release(&r.mappings);
	refs_release(&r.functions);
	mem_free(r.strings);
	if (rc < 0)
		profile_release(p);
	return rc;
}
