/*
 * Unpacking numbers; see unpack.h. Reports look at every frame of every stack two to four times, so
 * this is the innermost loop of all of them.
 *
 * Eight numbers begin at a whole byte, whatever their width. With AVX2 they are taken at once: a
 * shuffle brings the four bytes that hold each number to its place, where they are shifted and
 * masked. That is for up to 25 bits (33 million locations), which lie in four bytes wherever they
 * begin; wider ones, and other CPUs, go one by one.
 */
#include "pprof/internal.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline uint32_t number_at(const uint8_t *run, unsigned bits, uint32_t i)
{
	uint64_t w;
	size_t at = (size_t)i * bits;
	memcpy(&w, run + at / 8, sizeof(w));
	return (uint32_t)(w >> at % 8 & (((uint64_t)1 << bits) - 1));
}

static void one_by_one(const uint8_t *run, unsigned bits, uint32_t from, uint32_t n, uint32_t *to)
{
	for (uint32_t i = from; i < n; i++)
		*to++ = number_at(run, bits, i);
}

#if defined(__x86_64__)

enum { TOGETHER = 8, WIDTH_MAX = 25 };

/* How eight numbers of one width are taken apart. The second four are read from where the first of
 * them begins, that 16 bytes reach. */
struct plan {
	uint8_t bytes[32];
	uint32_t shifts[TOGETHER];
} __attribute__((aligned(32)));

#define BYTE(bits, i)	((i) * (bits) / 8 - (i) / 4 * 4 * (bits) / 8)
#define BYTES(bits, i)	BYTE(bits, i), BYTE(bits, i) + 1, BYTE(bits, i) + 2, BYTE(bits, i) + 3
#define FOUR(bits, i)	BYTES(bits, i), BYTES(bits, i + 1), BYTES(bits, i + 2), BYTES(bits, i + 3)
#define SHIFT(bits, i)	((i) * (bits) % 8)
#define SHIFTS(bits, i) SHIFT(bits, i), SHIFT(bits, i + 1), SHIFT(bits, i + 2), SHIFT(bits, i + 3)
#define PLAN(bits)                                       \
	{                                                \
		{FOUR(bits, 0), FOUR(bits, 4)},          \
		{                                        \
			SHIFTS(bits, 0), SHIFTS(bits, 4) \
		}                                        \
	}
#define FIVE_PLANS(bits) PLAN(bits), PLAN(bits + 1), PLAN(bits + 2), PLAN(bits + 3), PLAN(bits + 4)

static const struct plan plans[WIDTH_MAX + 1] = {
	FIVE_PLANS(0), FIVE_PLANS(5), FIVE_PLANS(10), FIVE_PLANS(15), FIVE_PLANS(20), PLAN(25)};

/* Where each of eight comes from when the first `skip` are left out. */
__attribute__((target("avx2"))) static inline __m256i from_skip(uint32_t skip)
{
	static const uint32_t places[2 * TOGETHER] = {0, 1, 2, 3, 4, 5, 6, 7};
	return _mm256_loadu_si256((const __m256i *)(places + skip));
}

__attribute__((target("avx2"))) static void eight_by_eight(
	const uint8_t *run, unsigned bits, uint32_t from, uint32_t n, uint32_t *to)
{
	const __m256i bytes = _mm256_load_si256((const __m256i *)plans[bits].bytes);
	const __m256i shifts = _mm256_load_si256((const __m256i *)plans[bits].shifts);
	const __m256i mask = _mm256_set1_epi32((int)(((uint32_t)1 << bits) - 1));
	uint32_t skip = from % TOGETHER;
	for (uint32_t i = from - skip; i < n; i += TOGETHER) {
		const uint8_t *p = run + (size_t)i / TOGETHER * bits;
		__m128i low = _mm_loadu_si128((const __m128i *)p);
		__m128i high = _mm_loadu_si128((const __m128i *)(p + bits / 2));
		__m256i words = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
		words = _mm256_srlv_epi32(_mm256_shuffle_epi8(words, bytes), shifts);
		words = _mm256_permutevar8x32_epi32(_mm256_and_si256(words, mask), from_skip(skip));
		_mm256_storeu_si256((__m256i *)to, words);
		to += TOGETHER - skip;
		skip = 0;
	}
}

#endif

void unpack(const uint8_t *run, unsigned bits, uint32_t from, uint32_t n, uint32_t *to)
{
#if defined(__x86_64__)
	if (bits <= WIDTH_MAX && __builtin_cpu_supports("avx2")) {
		eight_by_eight(run, bits, from, n, to);
		return;
	}
#endif
	one_by_one(run, bits, from, n, to);
}
