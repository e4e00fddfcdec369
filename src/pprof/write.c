/*
 * The profile.proto writer, byte for byte what google/pprof's encoder writes for the same profile:
 * its order of fields, strings numbered by first use, packed from three values on, and
 * default_sample_type always there. So a profile written, read and written again is the same, and
 * -proto output compares with Go's.
 *
 * Strings are numbered in one pass over the profile, and written in a second. Messages are written
 * into room reserved for the worst case, without asking for it again at each byte; what has been
 * gathered goes to the sink between two of them, so that the whole is never in memory.
 */
#include "pprof/internal.h"

#define PACK_FROM  3
#define GZIP_LEVEL 1 /* runtime/pprof's choice */
#define FLUSH_AT   (64u * 1024)

struct writer {
	const struct profile *p;
	struct buf *out;
	struct sink *to;  /* NULL: all stays in `out` */
	int rc;		  /* the first error of `to` */
	uint32_t *number; /* string id -> index in the file + 1, 0 not yet used */
	uint32_t *used;	  /* the strings in that order */
	uint32_t used_n;
	struct stack stack; /* the sample's */
	bool dense;	    /* location i has id i + 1: no need to look */
	uint32_t *unknown;  /* by kind and owner */
	uint32_t unknown_from[MSG_N + 1];
};

/* --- strings --- */

static void use(struct writer *w, uint32_t str)
{
	if (w->number[str])
		return;
	w->used[w->used_n++] = str;
	w->number[str] = w->used_n;
}

static uint64_t num(const struct writer *w, uint32_t str)
{
	return w->number[str] - 1;
}

/* A numeric label's unit counts as used if any label of its key in the sample has one; the empty
 * string is number 0 in any case, so only real ones matter. */
static void use_labels(struct writer *w)
{
	const struct profile *p = w->p;
	for (size_t i = 0; i < p->label_n; i++) {
		const struct label *l = &p->labels[i];
		use(w, l->key);
		use(w, l->is_num ? l->num_unit : l->str);
	}
}

static void use_strings(struct writer *w)
{
	const struct profile *p = w->p;
	use(w, 0);
	for (uint32_t i = 0; i < p->sample_type_n; i++) {
		use(w, p->sample_types[i].type);
		use(w, p->sample_types[i].unit);
	}
	use_labels(w);
	for (uint32_t i = 0; i < p->mapping_n; i++) {
		use(w, p->mappings[i].file);
		use(w, p->mappings[i].build_id);
	}
	for (uint32_t i = 0; i < p->function_n; i++) {
		use(w, p->functions[i].name);
		use(w, p->functions[i].system_name);
		use(w, p->functions[i].filename);
	}
	use(w, p->drop_frames);
	use(w, p->keep_frames);
	use(w, p->period_type.type);
	use(w, p->period_type.unit);
	for (uint32_t i = 0; i < p->comment_n; i++)
		use(w, p->comments[i]);
	use(w, p->default_sample_type);
	use(w, p->doc_url);
}

/* --- unknown fields: sorted by kind, in each kind by owner, kept in order within one owner --- */

static void sort_unknown(struct writer *w)
{
	const struct profile *p = w->p;
	w->unknown = mem_array(p->unknown_n, sizeof(*w->unknown));
	uint32_t n = 0;
	for (uint32_t kind = 0; kind < MSG_N; kind++) {
		w->unknown_from[kind] = n;
		for (uint32_t i = 0; i < p->unknown_n; i++) {
			if (p->unknowns[i].owner_kind != kind)
				continue;
			uint32_t at = n++;
			uint32_t owner = p->unknowns[i].owner;
			for (; at > w->unknown_from[kind] &&
				p->unknowns[w->unknown[at - 1]].owner > owner;
				at--)
				w->unknown[at] = w->unknown[at - 1];
			w->unknown[at] = i;
		}
	}
	w->unknown_from[MSG_N] = n;
}

static void put_unknown(struct writer *w, enum profile_message kind, uint32_t owner)
{
	const struct profile *p = w->p;
	if (!p->unknown_n)
		return;
	uint32_t low = w->unknown_from[kind], end = w->unknown_from[kind + 1], high = end;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (p->unknowns[w->unknown[mid]].owner < owner)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < end && p->unknowns[w->unknown[low]].owner == owner; low++) {
		const struct unknown *u = &p->unknowns[w->unknown[low]];
		buf_add(w->out, p->unknown_bytes.data + u->offset, u->len);
	}
}

/* --- messages --- */

static inline uint8_t *varint(uint8_t *at, uint64_t v)
{
	while (v >= 0x80) {
		*at++ = (uint8_t)v | 0x80;
		v >>= 7;
	}
	*at++ = (uint8_t)v;
	return at;
}

static inline uint8_t *field(uint8_t *at, uint32_t number, uint64_t v)
{
	*at++ = (uint8_t)(number << 3 | WIRE_VARINT); /* all are below 16 */
	return varint(at, v);
}

static inline uint8_t *field_opt(uint8_t *at, uint32_t number, uint64_t v)
{
	return v ? field(at, number, v) : at;
}

#define VARINT_MAX 10
#define FIELD_MAX  11

static uint8_t *room(struct writer *w, size_t n)
{
	buf_reserve(w->out, n);
	return (uint8_t *)w->out->data + w->out->len;
}

static void advance(struct writer *w, const uint8_t *to)
{
	w->out->len = (size_t)(to - (const uint8_t *)w->out->data);
}

static void put_type(struct writer *w, uint32_t number, const struct value_type *vt, uint32_t owner)
{
	size_t mark = wire_begin(w->out, number);
	uint8_t *at = room(w, 2 * FIELD_MAX);
	at = field_opt(at, 1, num(w, vt->type));
	at = field_opt(at, 2, num(w, vt->unit));
	advance(w, at);
	put_unknown(w, MSG_VALUE_TYPE, owner);
	wire_end(w->out, mark);
}

static void put_sample_type(struct writer *w, uint32_t i)
{
	put_type(w, 1, &w->p->sample_types[i], i);
}

/* An id's varint, without a branch a byte. Behind it up to three bytes more are written. */
static inline uint8_t *id_varint(uint8_t *at, uint64_t id)
{
	if (id >= (uint64_t)1 << 28)
		return varint(at, id);
	size_t n = wire_varint_size(id);
	uint32_t word = (uint32_t)((id & 0x7f) | (id & 0x3f80) << 1 | (id & 0x1fc000) << 2 |
				   (id & 0xfe00000) << 3);
	word |= 0x808080u & ((1u << 8 * (n - 1)) - 1);
	memcpy(at, &word, sizeof(word));
	return at + n;
}

static inline uint64_t location_id(const struct writer *w, uint32_t index)
{
	return w->dense ? (uint64_t)index + 1 : w->p->locations[index].id;
}

static void put_stack(struct writer *w, const uint32_t *stack, uint32_t n)
{
	uint8_t *at = room(w, (size_t)n * FIELD_MAX + 2 * VARINT_MAX);
	if (n < PACK_FROM) {
		for (uint32_t i = 0; i < n; i++)
			at = field(at, 1, location_id(w, stack[i]));
		advance(w, at);
		return;
	}
	size_t bytes = 0;
	for (uint32_t i = 0; i < n; i++)
		bytes += wire_varint_size(location_id(w, stack[i]));
	*at++ = 1 << 3 | WIRE_BYTES;
	at = varint(at, bytes);
	for (uint32_t i = 0; i < n; i++)
		at = id_varint(at, location_id(w, stack[i]));
	advance(w, at);
}

static void put_values(struct writer *w, const int64_t *values, uint32_t n)
{
	uint8_t *at = room(w, (size_t)n * FIELD_MAX + 2 * VARINT_MAX);
	if (n < PACK_FROM) {
		for (uint32_t i = 0; i < n; i++)
			at = field(at, 2, (uint64_t)values[i]);
		advance(w, at);
		return;
	}
	size_t bytes = 0;
	for (uint32_t i = 0; i < n; i++)
		bytes += wire_varint_size((uint64_t)values[i]);
	*at++ = 2 << 3 | WIRE_BYTES;
	at = varint(at, bytes);
	for (uint32_t i = 0; i < n; i++)
		at = varint(at, (uint64_t)values[i]);
	advance(w, at);
}

static void put_label(struct writer *w, const struct label *l, uint32_t owner)
{
	size_t mark = wire_begin(w->out, 3);
	uint8_t *at = room(w, 4 * FIELD_MAX);
	at = field_opt(at, 1, num(w, l->key));
	if (l->is_num) {
		at = field_opt(at, 3, (uint64_t)l->num);
		at = field_opt(at, 4, num(w, l->num_unit));
	} else {
		at = field_opt(at, 2, num(w, l->str));
	}
	advance(w, at);
	put_unknown(w, MSG_LABEL, owner);
	wire_end(w->out, mark);
}

static void put_sample(struct writer *w, uint32_t i)
{
	const struct profile *p = w->p;
	size_t mark = wire_begin(w->out, 2);
	uint32_t n;
	profile_stack(p, i, &w->stack);
	put_stack(w, w->stack.at, w->stack.n);
	put_values(w, profile_values(p, i), p->sample_type_n);
	const struct label *labels = profile_labels(p, i, &n);
	for (uint32_t j = 0; j < n; j++)
		put_label(w, &labels[j], (uint32_t)(labels + j - p->labels));
	put_unknown(w, MSG_SAMPLE, i);
	wire_end(w->out, mark);
}

static void put_mapping(struct writer *w, uint32_t i)
{
	const struct mapping *m = &w->p->mappings[i];
	size_t mark = wire_begin(w->out, 3);
	uint8_t *at = room(w, 10 * FIELD_MAX);
	at = field_opt(at, 1, m->id);
	at = field_opt(at, 2, m->start);
	at = field_opt(at, 3, m->limit);
	at = field_opt(at, 4, m->offset);
	at = field_opt(at, 5, num(w, m->file));
	at = field_opt(at, 6, num(w, m->build_id));
	at = field_opt(at, 7, m->has_functions);
	at = field_opt(at, 8, m->has_filenames);
	at = field_opt(at, 9, m->has_line_numbers);
	at = field_opt(at, 10, m->has_inline_frames);
	advance(w, at);
	put_unknown(w, MSG_MAPPING, i);
	wire_end(w->out, mark);
}

static void put_line(struct writer *w, uint32_t i)
{
	const struct line *line = &w->p->lines[i];
	size_t mark = wire_begin(w->out, 4);
	uint8_t *at = room(w, 3 * FIELD_MAX);
	if (line->function != PROFILE_NONE)
		at = field_opt(at, 1, w->p->functions[line->function].id);
	at = field_opt(at, 2, (uint64_t)line->line);
	at = field_opt(at, 3, (uint64_t)(int64_t)line->column);
	advance(w, at);
	put_unknown(w, MSG_LINE, i);
	wire_end(w->out, mark);
}

static void put_location(struct writer *w, uint32_t i)
{
	const struct profile *p = w->p;
	const struct location *l = &p->locations[i];
	size_t mark = wire_begin(w->out, 4);
	uint8_t *at = room(w, 3 * FIELD_MAX);
	at = field_opt(at, 1, l->id);
	if (l->mapping != PROFILE_NONE)
		at = field_opt(at, 2, p->mappings[l->mapping].id);
	at = field_opt(at, 3, l->address);
	advance(w, at);
	for (uint32_t j = 0; j < l->line_n; j++)
		put_line(w, l->line_first + j);
	wire_put_uint_opt(w->out, 5, l->is_folded);
	put_unknown(w, MSG_LOCATION, i);
	wire_end(w->out, mark);
}

static void put_function(struct writer *w, uint32_t i)
{
	const struct function *f = &w->p->functions[i];
	size_t mark = wire_begin(w->out, 5);
	uint8_t *at = room(w, 5 * FIELD_MAX);
	at = field_opt(at, 1, f->id);
	at = field_opt(at, 2, num(w, f->name));
	at = field_opt(at, 3, num(w, f->system_name));
	at = field_opt(at, 4, num(w, f->filename));
	at = field_opt(at, 5, (uint64_t)f->start_line);
	advance(w, at);
	put_unknown(w, MSG_FUNCTION, i);
	wire_end(w->out, mark);
}

static void put_string(struct writer *w, uint32_t i)
{
	const struct strtab *strings = &w->p->strings;
	wire_put_bytes(w->out, 6, strtab_get(strings, w->used[i]), strtab_len(strings, w->used[i]));
}

static void put_comments(struct writer *w)
{
	const struct profile *p = w->p;
	if (p->comment_n < PACK_FROM) {
		for (uint32_t i = 0; i < p->comment_n; i++)
			wire_put_uint(w->out, 13, num(w, p->comments[i]));
		return;
	}
	size_t mark = wire_begin(w->out, 13);
	for (uint32_t i = 0; i < p->comment_n; i++)
		wire_put_varint(w->out, num(w, p->comments[i]));
	wire_end(w->out, mark);
}

static void put_rest(struct writer *w)
{
	const struct profile *p = w->p;
	struct buf *out = w->out;
	wire_put_uint_opt(out, 7, num(w, p->drop_frames));
	wire_put_uint_opt(out, 8, num(w, p->keep_frames));
	wire_put_uint_opt(out, 9, (uint64_t)p->time_nanos);
	wire_put_uint_opt(out, 10, (uint64_t)p->duration_nanos);
	if (p->period_type.type || p->period_type.unit)
		put_type(w, 11, &p->period_type, PROFILE_NONE);
	wire_put_uint_opt(out, 12, (uint64_t)p->period);
	put_comments(w);
	wire_put_uint(out, 14, num(w, p->default_sample_type));
	wire_put_uint_opt(out, 15, num(w, p->doc_url));
	put_unknown(w, MSG_PROFILE, 0);
}

static bool dense_ids(const struct profile *p)
{
	for (uint32_t i = 0; i < p->location_n; i++)
		if (p->locations[i].id != (uint64_t)i + 1)
			return false;
	return true;
}

static void flush(struct writer *w)
{
	if (!w->to)
		return;
	if (w->rc >= 0)
		w->rc = w->to->write(w->to, w->out->data, w->out->len);
	buf_clear(w->out);
}

static void put_all(struct writer *w, void (*put)(struct writer *w, uint32_t i), uint32_t n)
{
	for (uint32_t i = 0; i < n && w->rc >= 0; i++) {
		put(w, i);
		if (w->out->len >= FLUSH_AT)
			flush(w);
	}
}

static int encode(const struct profile *p, struct buf *out, struct sink *to)
{
	struct writer w = {.p = p, .out = out, .to = to, .dense = dense_ids(p)};
	w.number = mem_zalloc(p->strings.n * sizeof(*w.number));
	w.used = mem_array(p->strings.n, sizeof(*w.used));
	use_strings(&w);
	if (p->unknown_n)
		sort_unknown(&w);
	put_all(&w, put_sample_type, p->sample_type_n);
	put_all(&w, put_sample, p->sample_n);
	put_all(&w, put_mapping, p->mapping_n);
	put_all(&w, put_location, p->location_n);
	put_all(&w, put_function, p->function_n);
	put_all(&w, put_string, w.used_n);
	put_rest(&w);
	out->data[out->len] = '\0'; /* put_rest wrote something: out has room */
	flush(&w);
	mem_free(w.number);
	mem_free(w.used);
	mem_free(w.unknown);
	stack_release(&w.stack);
	return w.rc;
}

void profile_encode(const struct profile *p, struct buf *out)
{
	int rc = encode(p, out, NULL);
	(void)rc; /* only a sink fails */
}

int profile_encode_to(const struct profile *p, struct sink *to)
{
	struct buf some = BUF_INIT;
	int rc = encode(p, &some, to);
	buf_release(&some);
	return rc;
}

void profile_write(const struct profile *p, struct buf *out)
{
	struct buf message = BUF_INIT;
	profile_encode(p, &message);
	gzip_deflate(message.data, message.len, GZIP_LEVEL, out);
	buf_release(&message);
}
