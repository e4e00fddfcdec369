/*
 * Stacks that share their outer parts.
 *
 * A stack is written as the number of its frames, the number of those that are its own, those, leaf
 * first, in as many bits each as the largest needs, and where the rest, its tail, is to be found:
 * at some frame of a stack written before, among that one's own. Half of the frames of a big
 * profile are such, the main loops and the handlers below them. Reading copies a run of equally
 * wide numbers, then goes on with the next run: nothing in it waits for the frame before.
 *
 * Tails are found by a hash of the locations in them, kept for every fourth frame written, in a
 * table of bounded size where the newer takes the older's slot: what is shared much is soon there
 * again. What the table says is compared before it is believed.
 *
 * Rejected: varints, which are hardly shorter and cost five times as long to read; a tree of
 * (parent, location) nodes, which takes eight bytes for every frame that is not shared; the
 * difference to the stack before, which is small only in sorted profiles; and four bytes a frame
 * without sharing, three times as much in all.
 */
#include "pprof/internal.h"
#include "pprof/unpack.h"

enum {
	VARINT_MAX = 5, /* of 32 bits */
	HEAD_MAX = 2 * VARINT_MAX + 1,
	TAIL_MAX = 2 * VARINT_MAX,
	SLACK = UNPACK_BEHIND, /* readable after the last byte */
	PAIRED_MAX = 28,       /* bits of a frame: two, and seven bits before them, fit 64 */
	COMPARED = 64,	       /* frames at once */
	LINE = 64,	       /* of the cache, bytes */
	STRIDE = 4, /* frames hashed at once: tails of a length divisible by this are remembered */
	SLOTS_MIN = 64,
	SLOTS_MAX = 16 * 1024,
};

struct frames_tail {
	uint32_t hash;
	uint32_t place; /* of a stack with this tail among its own frames, plus 1; 0: none */
};

static void release_tails(struct frames *f)
{
	mem_free(f->tails);
	mem_free(f->hashes);
	f->tails = NULL;
	f->hashes = NULL;
	f->tail_slots = f->tail_n = 0;
	f->hash_cap = 0;
}

void frames_release(struct frames *f)
{
	release_tails(f);
	mem_free(f->bytes);
	*f = (struct frames){0};
}

uint32_t *stack_room(struct stack *s, size_t n)
{
	if (n >= s->cap) {
		mem_free(s->at);
		s->cap = n + n / 2 + 64;
		s->at = mem_array(s->cap, sizeof(*s->at));
	}
	return s->at;
}

void stack_release(struct stack *s)
{
	mem_free(s->at);
	*s = (struct stack){0};
}

/* --- the form --- */

static inline uint8_t *put(uint8_t *to, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		*to++ = (uint8_t)v | 0x80;
	*to++ = (uint8_t)v;
	return to;
}

static inline const uint8_t *get(const uint8_t *p, uint32_t *ret)
{
	uint32_t v = *p & 0x7f;
	for (unsigned shift = 7; *p++ >= 0x80; shift += 7)
		v |= (uint32_t)(*p & 0x7f) << shift;
	*ret = v;
	return p;
}

struct head {
	uint32_t n, own;
	unsigned bits;	    /* of each own frame */
	const uint8_t *run; /* the own frames */
};

static inline struct head get_head(const struct frames *f, uint32_t place)
{
	struct head h;
	const uint8_t *p = get(get(f->bytes + place, &h.n), &h.own);
	h.bits = *p;
	h.run = p + 1;
	return h;
}

static inline size_t run_bytes(const struct head *h)
{
	return ((size_t)h->own * h->bits + 7) / 8;
}

/* --- reading --- */

/* From the stack that ends in its own frames, or whose tail was read up to here, to where it goes
 * on: *skip is the first of those frames wanted. */
static inline struct head follow(const struct frames *f, const struct head *h, uint32_t *skip)
{
	uint32_t place;
	get(get(h->run + run_bytes(h), &place), skip);
	return get_head(f, place);
}

const uint32_t *frames_get(const struct frames *f, uint32_t place, struct stack *ret)
{
	struct head h = get_head(f, place);
	uint32_t *to = stack_room(ret, (size_t)h.n + UNPACK_OVER), *end = to + h.n, skip = 0;
	ret->n = h.n;
	for (;;) {
		unpack(h.run, h.bits, skip, h.own, to);
		to += h.own - skip;
		if (to == end)
			return ret->at;
		h = follow(f, &h, &skip);
	}
}

void frames_expect(const struct frames *f, uint32_t place)
{
	uint32_t tail;
	struct head h = get_head(f, place);
	if (h.own == h.n)
		return;
	get(h.run + run_bytes(&h), &tail);
	__builtin_prefetch(f->bytes + tail);
	__builtin_prefetch(f->bytes + tail + LINE);
}

/* Whether the frames from `skip` on, own and others', are the n of `stack`. */
static bool same_tail(const struct frames *f, struct head h, uint32_t skip, const uint32_t *stack)
{
	uint32_t own[COMPARED + UNPACK_OVER];
	for (const uint32_t *end = stack + h.n - skip;;) {
		for (uint32_t i = skip, n; i < h.own; i += n, stack += n) {
			n = h.own - i < COMPARED ? h.own - i : COMPARED;
			unpack(h.run, h.bits, i, i + n, own);
			if (memcmp(own, stack, n * sizeof(*own)) != 0)
				return false;
		}
		if (stack == end)
			return true;
		h = follow(f, &h, &skip);
	}
}

/* --- adding --- */

/* The first frame from which on tails are remembered. */
static inline uint32_t first_tail(uint32_t n)
{
	return n % STRIDE;
}

/* hashes[i] becomes that of the tail that begins at stack[i], for every STRIDE-th: what the next
 * one waits for is one multiplication. */
static void hash_tails(struct frames *f, const uint32_t *stack, uint32_t n)
{
	uint64_t hash = 0x2545f4914f6cdd1du, inner, outer;
	vec_grow(f->hashes, n, f->hash_cap);
	for (uint32_t i = n; i >= STRIDE;) {
		i -= STRIDE;
		memcpy(&inner, &stack[i], sizeof(inner));
		memcpy(&outer, &stack[i + 2], sizeof(outer));
		inner *= 0xd6e8feb86659fd93u;
		hash = (hash ^ outer ^ inner ^ inner >> 32) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
		f->hashes[i] = (uint32_t)hash;
	}
}

static inline struct frames_tail *slot_of(const struct frames *f, uint32_t hash)
{
	return &f->tails[(hash ^ hash >> 16) & (f->tail_slots - 1)];
}

/* The longest tail of the stack that is there already: where it begins in the stack. */
static uint32_t find_tail(const struct frames *f, const uint32_t *stack, uint32_t n,
	uint32_t *ret_place, uint32_t *ret_skip)
{
	for (uint32_t i = first_tail(n); i < n; i += STRIDE) {
		const struct frames_tail *t = slot_of(f, f->hashes[i]);
		if (t->hash != f->hashes[i] || !t->place)
			continue;
		struct head h = get_head(f, t->place - 1);
		uint32_t skip = h.n - (n - i);
		if (h.n >= n - i && skip < h.own && same_tail(f, h, skip, stack + i)) {
			*ret_place = t->place - 1;
			*ret_skip = skip;
			return i;
		}
	}
	return n;
}

static void remember_tails(struct frames *f, uint32_t n, uint32_t own, uint32_t place)
{
	for (uint32_t i = first_tail(n); i < own; i += STRIDE)
		*slot_of(f, f->hashes[i]) = (struct frames_tail){f->hashes[i], place + 1};
	if (f->tail_slots < SLOTS_MAX)
		f->tail_n += own / STRIDE;
}

static void grow_tails(struct frames *f)
{
	struct frames_tail *old = f->tails;
	uint32_t old_n = f->tail_slots;
	f->tail_slots = old_n ? old_n * 4 : SLOTS_MIN;
	f->tails = mem_zalloc(f->tail_slots * sizeof(*f->tails));
	for (uint32_t i = 0; i < old_n; i++)
		if (old[i].place)
			*slot_of(f, old[i].hash) = old[i];
	mem_free(old);
}

/* Room for a stack: places are 32 bits, and a profile that needs more cannot be had. */
static uint8_t *room(struct frames *f, uint32_t own)
{
	size_t most = f->n + HEAD_MAX + (size_t)own * sizeof(uint32_t) + TAIL_MAX + SLACK;
	if (most > UINT32_MAX)
		most = SIZE_MAX / 2; /* mem_rearray reports it */
	vec_grow(f->bytes, most, f->cap);
	return f->bytes + f->n;
}

/* What is whole bytes is done with after each step; the rest is written again with the next. Of
 * numbers that are not wide two are put at once. */
static uint8_t *put_run(uint8_t *to, const uint32_t *stack, uint32_t own, unsigned bits)
{
	uint64_t pending = 0;
	unsigned held = 0;
	for (uint32_t i = 0, n; i < own; i += n) {
		n = bits <= PAIRED_MAX && i + 1 < own ? 2 : 1;
		uint64_t v = n == 2 ? stack[i] | (uint64_t)stack[i + 1] << bits : stack[i];
		pending |= v << held;
		memcpy(to, &pending, sizeof(pending));
		held += n * bits;
		to += held / 8;
		pending >>= held & ~7u;
		held %= 8;
	}
	return to + (held + 7) / 8;
}

static uint32_t largest_of(const uint32_t *stack, uint32_t own)
{
	uint32_t largest = 0;
	for (uint32_t i = 0; i < own; i++)
		largest = largest < stack[i] ? stack[i] : largest;
	return largest;
}

uint32_t frames_add(struct frames *f, const uint32_t *stack, uint32_t n)
{
	if (f->tail_n >= f->tail_slots && f->tail_slots < SLOTS_MAX)
		grow_tails(f);
	hash_tails(f, stack, n);
	uint32_t place = (uint32_t)f->n, tail = 0, skip = 0;
	uint32_t own = find_tail(f, stack, n, &tail, &skip);
	uint32_t largest = largest_of(stack, own);
	unsigned bits = largest ? 32 - (unsigned)__builtin_clz(largest) : 0;
	uint8_t *to = put(put(room(f, own), n), own);
	*to++ = (uint8_t)bits;
	to = put_run(to, stack, own, bits);
	if (own < n)
		to = put(put(to, tail), skip);
	memset(to, 0, SLACK);
	f->n = (size_t)(to - f->bytes);
	if (own && largest >= f->top)
		f->top = largest + 1;
	remember_tails(f, n, own, place);
	return place;
}

void frames_seal(struct frames *f)
{
	release_tails(f);
	f->cap = f->n + SLACK;
	f->bytes = mem_rearray(f->bytes, f->cap, 1);
	memset(f->bytes + f->n, 0, SLACK);
}

void frames_copy(struct frames *dst, const struct frames *src)
{
	*dst = (struct frames){.n = src->n, .cap = src->n + SLACK, .top = src->top};
	dst->bytes = mem_zalloc(dst->cap);
	if (src->n)
		memcpy(dst->bytes, src->bytes, src->n);
}
