/*
 * Reading lines by their shape; see shape.h.
 *
 * What makes this quick is what it leaves out: no field is looked for, no name hashed, no unit
 * looked up; what should stand there is compared, and the digits between are read eight at a time.
 * Where numbers begin and end is told by a bit mask of the blanks of the next 64 bytes: were each
 * looked for behind the one before, the CPU would wait for every number's length before the next.
 * Whatever is unusual (an exponent, a sign, more digits than a double holds, other white space)
 * is left to the general way, so that there is one place that knows the format.
 *
 * No scan needs a bound: each stops at a newline at the latest, and the line is only tried if a
 * newline stands 64 bytes or more before the end of the input.
 */
#include "benchfmt/benchfmt.h"

#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define PREFIX_LEN (sizeof(BENCH_PREFIX) - 1)
#define DIGITS_MAX 15 /* a double holds them exactly, and their tenths down to 1e-15 round once */

#define ZEROS 0x3030303030303030u
#define POINT ((uint64_t)('.' ^ '0') << 56)
#define SEEN  64 /* bytes looked at together */

static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

void shapes_init(struct shapes *s)
{
	*s = (struct shapes){0};
	map_init(&s->index);
	map_init(&s->by_name);
	vec_push(s->all, s->n, s->cap, ((struct shape){0}));
}

void shapes_release(struct shapes *s)
{
	mem_free(s->all);
	mem_free(s->units);
	mem_free(s->ids);
	map_release(&s->index);
	map_release(&s->by_name);
}

void shapes_open(struct shapes *s, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);
	const char *newline = n > SEEN ? memrchr(p, '\n', n - SEEN) : NULL;
	s->safe_end = newline ? newline : p;
}

/* --- reading --- */

static uint64_t load(const char *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

#ifdef __SSE2__
static inline uint64_t blanks_of_16(const char *p)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)p);
	__m128i blank = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')),
		_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')));
	return (uint64_t)_mm_movemask_epi8(blank);
}
#else
static inline uint64_t blanks_of_16(const char *p)
{
	uint64_t bits = 0;
	for (unsigned i = 0; i < 16; i++)
		bits |= (uint64_t)is_blank(p[i]) << i;
	return bits;
}
#endif

/* A bit a byte. */
static inline uint64_t blanks_of_64(const char *p)
{
	return blanks_of_16(p) | blanks_of_16(p + 16) << 16 | blanks_of_16(p + 32) << 32 |
	       blanks_of_16(p + 48) << 48;
}

static const char *skip_blank(const char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

/* Equal over n bytes; the common lengths without a call. */
static inline bool same_bytes(const char *p, const char *q, size_t n)
{
	if (n < 8)
		return memcmp(p, q, n) == 0;
	for (size_t i = 0; i + 8 <= n; i += 8)
		if (load(p + i) != load(q + i))
			return false;
	return load(p + n - 8) == load(q + n - 8);
}

/* Of eight bytes less '0', the high bit of each over 9; right up to the lowest one set, behind
 * which carries may run. */
static inline uint64_t not_digits(uint64_t word)
{
	return ((word + 0x7676767676767676u) | word) & 0x8080808080808080u;
}

/* Of eight digits, the first in the lowest byte. */
static inline uint64_t number_of(uint64_t word)
{
	word = word * 10 + (word >> 8);
	return ((word & 0xff000000ffu) * 0xf424000000064u +
		       ((word >> 16) & 0xff000000ffu) * 0x271000000001u) >>
	       32;
}

struct digits {
	uint64_t number;
	unsigned n;
};

/* Up to eight digits. */
static inline struct digits eight_digits(const char *p)
{
	uint64_t word = load(p) ^ ZEROS, others = not_digits(word);
	unsigned n = others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
	if (!n)
		return (struct digits){0};
	return (struct digits){number_of(word << (64 - 8 * n)), n}; /* zeros in front */
}

/* Up to sixteen: enough to see that there are more than DIGITS_MAX. */
static inline struct digits read_digits(const char *p)
{
	struct digits d = eight_digits(p);
	if (d.n < 8)
		return d;
	struct digits more = eight_digits(p + 8);
	return (struct digits){d.number * tens[more.n] + more.number, 8 + more.n};
}

/* digits[.digits], NULL if there is anything else before the end. */
static bool read_long_decimal(const char *p, const char *end, double *ret)
{
	struct digits whole = read_digits(p);
	p += whole.n;
	*ret = (double)whole.number;
	if (!whole.n || whole.n > DIGITS_MAX)
		return false;
	if (*p == '.') {
		struct digits fraction = eight_digits(p + 1);
		p += 1 + fraction.n;
		if (whole.n + fraction.n > DIGITS_MAX)
			return false;
		*ret = (double)(whole.number * tens[fraction.n] + fraction.number) /
		       number_tens[fraction.n];
	}
	return p == end;
}

/* A field of up to eight bytes, with zeros in front. */
static inline uint64_t right_aligned(const char *p, size_t n)
{
	return (load(p) ^ ZEROS) << (64 - 8 * n);
}

/* digits[.digits]. In a word the digits before the point are moved up to close its gap. */
static inline bool read_decimal(const char *p, const char *end, double *ret)
{
	size_t n = (size_t)(end - p);
	if (n > 8)
		return read_long_decimal(p, end, ret);
	uint64_t word = right_aligned(p, n), others = not_digits(word);
	if (!others) {
		*ret = (double)number_of(word);
		return true;
	}
	unsigned at = (unsigned)__builtin_ctzll(others) & ~7u; /* a multiple of 8: its byte */
	if (word >> at << 56 != POINT || at <= 64 - 8 * n)
		return false;
	uint64_t behind = word & -((uint64_t)2 << (at + 7)),
		 before = word & (((uint64_t)1 << at) - 1);
	word = behind | before << 8;
	*ret = (double)number_of(word) / number_tens[7 - at / 8];
	return !not_digits(word);
}

static inline bool read_count(const char *p, const char *end, int64_t *ret)
{
	size_t n = (size_t)(end - p);
	if (n > 8) {
		struct digits d = read_digits(p);
		*ret = (int64_t)d.number;
		return d.n <= DIGITS_MAX && p + d.n == end;
	}
	uint64_t word = right_aligned(p, n);
	*ret = (int64_t)number_of(word);
	return !not_digits(word);
}

/* Behind it is white space or the end of the line. */
static inline const char *read_unit(const struct shape_unit *u, const char *p, const char *safe_end)
{
	if ((load(p) & u->mask) != u->word)
		return NULL;
	if (u->len > 8 && (safe_end - p < (ptrdiff_t)u->len || !same_bytes(p, u->text, u->len)))
		return NULL;
	return p + u->len;
}

static inline const char *read_line_end(const char *p)
{
	p = skip_blank(p);
	p += *p == '\r';
	return *p == '\n' ? p + 1 : NULL;
}

/* Where the fields behind a blank begin and end, in turn: by bits, of the next 64 bytes. */
struct edges {
	const char *p;
	uint64_t bits;
};

static inline struct edges edges_behind(const char *p)
{
	uint64_t blanks = blanks_of_64(p);
	return (struct edges){p, (blanks ^ blanks << 1) & ~(uint64_t)1};
}

static inline const char *next_edge(struct edges *e)
{
	const char *p = e->p + __builtin_ctzll(e->bits);
	e->bits &= e->bits - 1;
	return p;
}

/* At least three more edges, those of a number and the begin of its unit: false if there are
 * not. */
static inline bool have_edges(struct edges *e, const char *at)
{
	uint64_t two = e->bits & (e->bits - 1);
	if (two & (two - 1))
		return true;
	*e = edges_behind(at);
	two = e->bits & (e->bits - 1);
	return two & (two - 1);
}

/* Behind the name: where the next line begins, NULL if the line is of another shape. */
static inline const char *read_fields(
	struct bench_reader *r, const struct shape *shape, const char *p, double *ret)
{
	const struct shape_unit *u = r->shapes.units + shape->unit_at, *end = u + shape->unit_n;
	const char *safe_end = r->shapes.safe_end;
	struct edges edges = edges_behind(p);
	if (!have_edges(&edges, p))
		return NULL;
	p = next_edge(&edges);
	const char *count_end = next_edge(&edges);
	if (!read_count(p, count_end, &r->result.iters))
		return NULL;
	for (p = count_end; u < end; u++, ret++) {
		double value;
		if (!is_blank(*p) || !have_edges(&edges, p))
			return NULL;
		const char *number = next_edge(&edges), *number_end = next_edge(&edges);
		if (!read_decimal(number, number_end, &value))
			return NULL;
		*ret = value * u->factor;
		if (!(*ret == value ? u->same : u->other))
			return NULL;
		p = read_unit(u, next_edge(&edges), safe_end);
		if (!p)
			return NULL;
		edges.bits &= edges.bits - 1; /* the unit's end, if it is in sight */
	}
	return read_line_end(p);
}

/* A line that begins as those of the shape do. */
static inline bool begins_line(const struct shapes *s, const struct shape *shape, const char *p)
{
	size_t n = PREFIX_LEN + shape->name_len;
	return s->safe_end - p > (ptrdiff_t)n && is_blank(p[n]) &&
	       same_bytes(p, shape->name - PREFIX_LEN, n);
}

/* The shape of the name in the line at p, or 0. */
static uint32_t find_name(const struct shapes *s, const char *p)
{
	const char *name = p + PREFIX_LEN, *end = name;
	if (s->safe_end <= name || memcmp(p, BENCH_PREFIX, PREFIX_LEN) != 0)
		return 0;
	while (!is_blank(*end) && *end != '\n')
		end++;
	const uint32_t *found = map_get(&s->by_name, hash_bytes(name, (size_t)(end - name), 0));
	return found && begins_line(s, &s->all[*found], p) ? *found : 0;
}

static inline void assume(struct bench_reader *r, uint32_t id)
{
	const struct shape *shape = &r->shapes.all[id];
	r->result.name = shape->name;
	r->result.name_len = shape->name_len;
	r->result.units = r->shapes.ids + shape->unit_at;
	r->result.value_n = shape->unit_n;
	r->result.shape = r->shapes.last = id;
}

void shapes_assume(struct bench_reader *r, uint32_t shape)
{
	assume(r, shape);
}

bool shapes_read(struct bench_reader *r)
{
	struct shapes *s = &r->shapes;
	uint32_t id = s->all[s->last].next;
	if (!id || !begins_line(s, &s->all[id], r->p)) {
		id = find_name(s, r->p);
		if (!id)
			return false;
		s->all[s->last].next = id;
	}
	const struct shape *shape = &s->all[id];
	double *values = shape->values ? shape->values : r->values;
	const char *next = read_fields(r, shape, r->p + PREFIX_LEN + shape->name_len, values);
	if (!next)
		return false;
	r->p = next;
	r->result.values = values;
	r->result.plain = true;
	assume(r, id);
	return true;
}

/* --- learning --- */

static bool same_units(
	const struct shapes *s, const struct shape *shape, const struct bench_result *res)
{
	if (shape->unit_n != res->value_n)
		return false;
	const struct bench_unit *ids = s->ids + shape->unit_at;
	for (uint32_t i = 0; i < shape->unit_n; i++)
		if (ids[i].unit != res->units[i].unit ||
			ids[i].orig_unit != res->units[i].orig_unit)
			return false;
	return true;
}

static bool same_shape(
	const struct shapes *s, const struct shape *shape, const struct bench_result *res)
{
	return shape->name_len == res->name_len &&
	       memcmp(shape->name, res->name, res->name_len) == 0 && same_units(s, shape, res);
}

static void add_unit(struct shapes *s, struct bench_reader *r, const struct bench_unit *id)
{
	uint32_t written = id->orig_unit ? id->orig_unit : id->unit;
	struct shape_unit u = {.text = bench_str(r, written),
		.len = strtab_len(&r->strings, written),
		.same = !id->orig_unit || (r->fix_zero && id->unit != id->orig_unit),
		.other = id->orig_unit,
		.factor = bench_reader_factor(r, written)};
	char first[8] = {0};
	memcpy(first, u.text, u.len < 8 ? u.len : 8);
	u.word = load(first);
	u.mask = u.len < 8 ? ((uint64_t)1 << 8 * u.len) - 1 : UINT64_MAX;
	vec_grow(s->ids, (size_t)s->unit_n + 1, s->id_cap);
	s->ids[s->unit_n] = *id;
	vec_push(s->units, s->unit_n, s->unit_cap, u);
}

static uint32_t add_shape(struct shapes *s, struct bench_reader *r)
{
	const struct bench_result *res = &r->result;
	struct buf begin = BUF_INIT;
	buf_addstr(&begin, BENCH_PREFIX);
	buf_add(&begin, res->name, res->name_len);
	struct shape shape = {
		.name = bench_str(r, strtab_add(&r->strings, begin.data, begin.len)) + PREFIX_LEN,
		.name_len = res->name_len,
		.unit_at = s->unit_n,
		.unit_n = res->value_n};
	buf_release(&begin);
	/* Benchmarks of one run have their units in common; so they stay near. */
	if (same_units(s, &s->all[s->n - 1], res))
		shape.unit_at = s->all[s->n - 1].unit_at;
	else
		for (uint32_t i = 0; i < res->value_n; i++)
			add_unit(s, r, &res->units[i]);
	vec_push(s->all, s->n, s->cap, shape);
	return s->n - 1;
}

void shapes_learn(struct bench_reader *r)
{
	struct shapes *s = &r->shapes;
	struct bench_result *res = &r->result;
	uint64_t name_hash = hash_bytes(res->name, res->name_len, 0), hash = name_hash;
	bool is_new;
	for (uint32_t i = 0; i < res->value_n; i++)
		hash = hash_u64(
			hash ^ ((uint64_t)res->units[i].unit << 32 | res->units[i].orig_unit));
	uint32_t *slot = map_put(&s->index, hash, &is_new);
	while (!is_new && !same_shape(s, &s->all[*slot], res))
		slot = map_put(&s->index, ++hash, &is_new);
	if (is_new)
		*slot = add_shape(s, r);
	res->shape = *slot;
	*map_put(&s->by_name, name_hash, &is_new) = res->shape;
	s->all[s->last].next = res->shape;
	s->last = res->shape;
}
