/*
 * Reading packed ids; see ids.h. Most bytes of a profile are the stacks of its samples, so this is
 * the innermost loop of reading.
 *
 * With AVX2 (which no CPU has without the rest that is used here) ids are taken four at a time.
 * Where each of them ends is known for 64 bytes at once, from their top bits; the next twelve of
 * those bits, enough for four ids of up to three bytes (two million locations), are looked up in a
 * table that says how to shuffle the bytes into four words and how many there were. What the next
 * four wait for is only that look-up, not the numbers. Elsewhere, and for what is left over, two ids
 * are taken from a word of eight bytes, without a branch a byte.
 *
 * Rejected: a loop over bytes, whose branches on the lengths cannot be foreseen: three times the
 * time; and iterating over the end bits one by one, twice the time.
 */
#include "pprof/internal.h"
#include "pprof/ids.h"

#include <pthread.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* The number in the first `bits` of w, at most 32 of them: a varint's bytes. */
static inline uint64_t squeeze(uint64_t w, unsigned bits)
{
	w &= ((uint64_t)1 << bits) - 1;
	return (w & 0x7f) | (w >> 1 & 0x3f80) | (w >> 2 & 0x1fc000) | (w >> 3 & 0xfe00000);
}

/* The two ids at p, which has eight readable bytes: what the second waits for is not the first but
 * the one load. Returns their end, or NULL if they do not fit eight bytes, or one of them four. */
static inline const uint8_t *take_pair(const uint8_t *p, uint64_t *ret_a, uint64_t *ret_b)
{
	uint64_t w;
	memcpy(&w, p, sizeof(w));
	uint64_t stop = ~w & 0x8080808080808080u, second = stop & (stop - 1);
	if (__builtin_expect(!second, 0))
		return NULL;
	unsigned a = (unsigned)__builtin_ctzll(stop) + 1;
	unsigned b = (unsigned)__builtin_ctzll(second) + 1 - a;
	if (__builtin_expect(a > 32 || b > 32, 0))
		return NULL;
	*ret_a = squeeze(w, a);
	*ret_b = squeeze(w >> a, b);
	return p + (a + b) / 8;
}

static size_t pair_by_pair(
	const uint8_t **p, const uint8_t *end, const uint8_t *readable_end, uint32_t *to)
{
	uint32_t *out = to;
	while (readable_end - *p >= 8) {
		uint64_t a, b;
		const uint8_t *next = take_pair(*p, &a, &b);
		if (!next || next > end || !a || !b)
			break;
		*p = next;
		*out++ = (uint32_t)a - 1;
		*out++ = (uint32_t)b - 1;
	}
	return (size_t)(out - to);
}

#if defined(__x86_64__)

enum {
	TOGETHER = 4,
	ID_MAX = 3,		      /* bytes */
	KEY_BITS = TOGETHER * ID_MAX, /* the end bits of four ids */
	SHAPES = 3 * 3 * 3 * 3,	      /* lengths of four ids */
	BLOCK = 64,		      /* bytes whose end bits are known at once */
	READ = BLOCK + 16,	      /* bytes from a block's first on that are looked at */
};

#define TARGET __attribute__((target("avx2")))

/* Which bytes the four ids of a shape consist of; and of which shape they are that end so, and how
 * many bytes they take: 0 if one of them is longer or not all of them end. */
static uint8_t shuffles[SHAPES][16] __attribute__((aligned(16)));
static struct {
	uint8_t shape, bytes;
} groups[1 << KEY_BITS];

static void make_shuffle(uint32_t shape)
{
	uint8_t from = 0, *to = shuffles[shape];
	for (uint32_t i = 0; i < TOGETHER; i++, shape /= 3) {
		uint8_t length = (uint8_t)(shape % 3 + 1);
		for (uint8_t b = 0; b < 4; b++)
			*to++ = b < length ? from + b : 0xff; /* 0xff gives 0 */
		from += length;
	}
}

static void make_group(uint32_t key)
{
	uint32_t shape = 0, bytes = 0;
	for (uint32_t i = 0, digit = 1; i < TOGETHER; i++, digit *= 3) {
		uint32_t ends = key >> bytes & ((1 << ID_MAX) - 1);
		if (!ends)
			return;
		uint32_t more = (uint32_t)__builtin_ctz(ends);
		shape += more * digit;
		bytes += more + 1;
	}
	groups[key].shape = (uint8_t)shape;
	groups[key].bytes = (uint8_t)bytes;
}

static void make_tables(void)
{
	for (uint32_t i = 0; i < SHAPES; i++)
		make_shuffle(i);
	for (uint32_t i = 0; i < 1 << KEY_BITS; i++)
		make_group(i);
}

/* Bit i: a varint ends at p[i]. */
TARGET static inline uint64_t ends_at(const uint8_t *p)
{
	__m256i low = _mm256_loadu_si256((const __m256i *)p);
	__m256i high = _mm256_loadu_si256((const __m256i *)(p + 32));
	uint64_t more = (uint32_t)_mm256_movemask_epi8(low);
	return ~(more | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32);
}

TARGET static inline __m128i take_group(const uint8_t *p, uint8_t shape)
{
	__m128i w = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p),
		_mm_load_si128((const __m128i *)shuffles[shape]));
	__m128i second = _mm_and_si128(_mm_srli_epi32(w, 1), _mm_set1_epi32(0x3f80));
	__m128i third = _mm_and_si128(_mm_srli_epi32(w, 2), _mm_set1_epi32(0x1fc000));
	w = _mm_and_si128(w, _mm_set1_epi32(0x7f));
	return _mm_or_si128(_mm_or_si128(w, second), third);
}

/* The ids of one block, of which n are known to end in it before `end`. Behind the last id of all
 * some more are made up, to have four of them. */
TARGET static const uint8_t *take_block(
	const uint8_t *p, uint64_t ends, uint32_t n, bool last, uint32_t **to)
{
	static const uint32_t made_up[2 * TOGETHER] = {0, 0, 0, 0, 1, 1, 1, 1};
	while (n >= TOGETHER || (n && last)) {
		uint32_t key = ends & ((1 << KEY_BITS) - 1), wanted = n < TOGETHER ? n : TOGETHER;
		if (!groups[key].bytes)
			break;
		__m128i ids = take_group(p, groups[key].shape);
		__m128i nonzero = _mm_or_si128(
			ids, _mm_loadu_si128((const __m128i *)(made_up + TOGETHER - wanted)));
		if (_mm_movemask_epi8(_mm_cmpeq_epi32(nonzero, _mm_setzero_si128())))
			break;
		_mm_storeu_si128((__m128i *)*to, _mm_sub_epi32(ids, _mm_set1_epi32(1)));
		*to += wanted;
		p += groups[key].bytes;
		ends >>= groups[key].bytes;
		n -= wanted;
	}
	return p;
}

TARGET static size_t four_by_four(
	const uint8_t **p, const uint8_t *end, const uint8_t *readable_end, uint32_t *to)
{
	uint32_t *out = to;
	if (*p < end && end[-1] >= 0x80)
		return 0; /* the last one does not end */
	while (*p < end && readable_end - *p >= READ) {
		uint64_t ends = ends_at(*p), inside = UINT64_MAX;
		bool last = end - *p <= BLOCK;
		if (end - *p < BLOCK)
			inside = ((uint64_t)1 << (end - *p)) - 1;
		uint32_t n = (uint32_t)__builtin_popcountll(ends & inside);
		const uint8_t *next = take_block(*p, ends | ~inside, n, last, &out);
		if (next == *p)
			break;
		*p = next < end ? next : end;
	}
	return (size_t)(out - to);
}

#endif

size_t ids_take(const uint8_t **p, const uint8_t *end, const uint8_t *readable_end, uint32_t *to)
{
	size_t taken = 0;
#if defined(__x86_64__)
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	if (__builtin_cpu_supports("avx2")) {
		pthread_once(&once, make_tables);
		taken = four_by_four(p, end, readable_end, to);
	}
#endif
	return taken + pair_by_pair(p, end, readable_end, to + taken);
}
