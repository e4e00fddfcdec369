/*
 * Change points; see changes.h.
 *
 * Binary segmentation with arcs (Olshen and Venkatraman's circular one, 2004), on ranks: of all
 * stretches of a series, find the one whose medians differ most from the rest by the Mann-Whitney
 * statistic; if chance alone would do so in no more than `alpha` of shuffled series, cut it out,
 * and go on in the pieces. A stretch need not reach an end, so a bump is found that a single cut
 * would miss. What is shuffled is whole samples, not measurements: measurements of one run have
 * their machine, layout and temperature in common, and ten of them are no ten witnesses.
 *
 * By ranks, what chance does depends on the length of the series alone, so it is drawn once a
 * length and shared by all benchmarks. Ties only make the test more careful. (Rejected: E-divisive,
 * whose energy statistic has to be shuffled anew for each series, and for which one wild run weighs
 * as much as it is wild.)
 *
 * Fewer than SHORT samples cannot be shuffled in enough ways to show anything. There the
 * measurements themselves are compared, left of a cut with right of it, p by Bonferroni for the
 * choice of the cut.
 */
#include "benchfmt/benchfmt.h"

#include <math.h>
#include <stdlib.h>

enum {
	SHORT = 8,
	LEAST = 2,	/* samples of a level */
	ARCS_MAX = 200, /* longer ones are cut in two only: stretches are too many */
	SHUFFLES = 999,
};

struct stretch {
	uint32_t from, to;
	double p;
};

void change_finder_init(struct change_finder *f, double alpha)
{
	*f = (struct change_finder){.alpha = alpha};
	map_init(&f->known);
}

void change_finder_release(struct change_finder *f)
{
	for (uint32_t i = 0; i < f->chance_n; i++)
		mem_free(f->chances[i]);
	mem_free(f->chances);
	map_release(&f->known);
}

void changes_release(struct changes *c)
{
	mem_free(c->all);
	*c = (struct changes){0};
}

/* --- the stretch that differs most --- */

static bool is_level(uint32_t n)
{
	return n == 0 || n >= LEAST;
}

/* The statistic of the stretch of the ranks that differs most, `sums` being room for n + 1 numbers.
 * Without arcs only stretches from the start are looked at. */
static double most_different(
	const double *ranks, uint32_t n, bool arcs, double *sums, struct stretch *ret)
{
	double best = 0;
	*ret = (struct stretch){0};
	sums[0] = 0;
	for (uint32_t i = 0; i < n; i++)
		sums[i + 1] = sums[i] + ranks[i] - (n + 1) / 2.0;
	for (uint32_t length = LEAST; length + LEAST <= n; length++) {
		double sigma = sqrt((double)length * (n - length) * (n + 1) / 12);
		for (uint32_t from = 0; from + length <= (arcs ? n : length); from++) {
			if (!is_level(from) || !is_level(n - from - length))
				continue;
			double z = fabs(sums[from + length] - sums[from]) / sigma;
			if (z > best) {
				best = z;
				*ret = (struct stretch){from, from + length, 1};
			}
		}
	}
	return best;
}

static uint64_t random_next(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	return hash_u64(*state);
}

static void shuffle(double *ranks, uint32_t n, uint64_t *state)
{
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j = (uint32_t)((random_next(state) >> 32) * (i + 1) >> 32);
		double swap = ranks[i];
		ranks[i] = ranks[j];
		ranks[j] = swap;
	}
}

/* The statistics of SHUFFLES shuffled series of n, sorted. */
static double *draw_chances(uint32_t n, bool arcs)
{
	double *ranks = mem_array(n, sizeof(*ranks)), *sums = mem_array(n + 1, sizeof(*sums));
	double *chances = mem_array(SHUFFLES, sizeof(*chances));
	uint64_t state = n;
	struct stretch ignored;
	for (uint32_t i = 0; i < n; i++)
		ranks[i] = i + 1;
	for (uint32_t i = 0; i < SHUFFLES; i++) {
		shuffle(ranks, n, &state);
		chances[i] = most_different(ranks, n, arcs, sums, &ignored);
	}
	sample_sort(chances, SHUFFLES);
	mem_free(ranks);
	mem_free(sums);
	return chances;
}

static double chance_of(struct change_finder *f, uint32_t n, bool arcs, double statistic)
{
	bool is_new;
	uint32_t *slot = map_put(&f->known, (uint64_t)n << 1 | arcs, &is_new);
	if (is_new) {
		*slot = f->chance_n;
		vec_push(f->chances, f->chance_n, f->chance_cap, draw_chances(n, arcs));
	}
	const double *chances = f->chances[*slot];
	uint32_t below = 0;
	while (below < SHUFFLES && chances[below] < statistic - 1e-9)
		below++;
	return (1.0 + SHUFFLES - below) / (SHUFFLES + 1);
}

struct ranked {
	double value;
	uint32_t at;
};

static int by_value(const void *a, const void *b)
{
	double x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;
	return (x > y) - (x < y);
}

/* Equal values share the middle of their ranks. */
static void rank(const double *values, uint32_t n, double *ret)
{
	struct ranked *order = mem_array(n, sizeof(*order));
	for (uint32_t i = 0; i < n; i++)
		order[i] = (struct ranked){values[i], i};
	qsort(order, n, sizeof(*order), by_value);
	for (uint32_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && order[end].value == order[i].value;)
			end++;
		for (uint32_t j = i; j < end; j++)
			ret[order[j].at] = (i + 1 + end) / 2.0;
	}
	mem_free(order);
}

static struct stretch find_stretch(
	struct change_finder *f, const double *medians, uint32_t n, bool arcs)
{
	struct stretch found = {.p = 1};
	if (n < 2 * LEAST)
		return found;
	double *ranks = mem_array(n, sizeof(*ranks)), *sums = mem_array(n + 1, sizeof(*sums));
	rank(medians, n, ranks);
	double statistic = most_different(ranks, n, arcs, sums, &found);
	found.p = statistic > 0 ? chance_of(f, n, arcs, statistic) : 1;
	mem_free(ranks);
	mem_free(sums);
	return found;
}

/* --- long series --- */

static void add(struct changes *c, uint32_t at, double p)
{
	vec_push(c->all, c->n, c->cap, ((struct change){at, p}));
}

/* Cuts at both ends of a stretch, or at the one that by itself is a change: the other may only be
 * where noise made the stretch look its best. */
static void cut(struct change_finder *f, const double *medians, uint32_t from, uint32_t to,
	const struct stretch *s, struct changes *ret)
{
	uint32_t left = from + s->from, right = from + s->to;
	bool at_left = left > from, at_right = right < to;
	if (at_left && at_right) {
		bool first = find_stretch(f, medians + from, right - from, false).p <= f->alpha;
		bool second = find_stretch(f, medians + left, to - left, false).p <= f->alpha;
		at_left = first || !second;
		at_right = second || !first;
	}
	if (at_left)
		add(ret, left, s->p);
	if (at_right)
		add(ret, right, s->p);
}

static int by_place(const void *a, const void *b)
{
	uint32_t x = ((const struct change *)a)->at, y = ((const struct change *)b)->at;
	return (x > y) - (x < y);
}

/* Pieces are put behind those that wait: a series has at most n / LEAST of them. */
static void find_long(
	struct change_finder *f, const double *medians, uint32_t n, struct changes *ret)
{
	struct stretch *pieces = mem_array(2 * (size_t)n, sizeof(*pieces));
	uint32_t piece_n = 1;
	pieces[0] = (struct stretch){0, n, 1};
	while (piece_n) {
		struct stretch piece = pieces[--piece_n];
		uint32_t length = piece.to - piece.from, before = ret->n, from = piece.from;
		struct stretch s =
			find_stretch(f, medians + piece.from, length, length <= ARCS_MAX);
		if (!s.to || s.p > f->alpha)
			continue;
		cut(f, medians, piece.from, piece.to, &s, ret);
		for (uint32_t i = before; i < ret->n; i++) {
			pieces[piece_n++] = (struct stretch){from, ret->all[i].at, 1};
			from = ret->all[i].at;
		}
		pieces[piece_n++] = (struct stretch){from, piece.to, 1};
	}
	mem_free(pieces);
}

/* --- where exactly --- */

/* How far the values are from their median, together. */
static double spread(const double *values, uint32_t n, double *scratch)
{
	memcpy(scratch, values, n * sizeof(*values));
	sample_sort(scratch, n);
	double median = sample_quantile(&(struct sample){scratch, n}, 0.5), sum = 0;
	for (uint32_t i = 0; i < n; i++)
		sum += fabs(scratch[i] - median);
	return sum;
}

/* Ranks say that there is a change, but lean to the middle of the series when saying where. So each
 * cut is moved, between its neighbours, to where the levels it parts fit best. */
static void place_cuts(const double *medians, uint32_t n, struct changes *c)
{
	double *scratch = mem_array(n, sizeof(*scratch));
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t at = c->all[i].at, from = i ? c->all[i - 1].at : 0;
		uint32_t to = i + 1 < c->n ? c->all[i + 1].at : n;
		from = at - from > ARCS_MAX / 2 ? at - ARCS_MAX / 2 : from;
		to = to - at > ARCS_MAX / 2 ? at + ARCS_MAX / 2 : to;
		double least = INFINITY;
		for (uint32_t k = from + LEAST; k + LEAST <= to; k++) {
			double fit = spread(medians + from, k - from, scratch) +
				     spread(medians + k, to - k, scratch);
			if (fit < least) {
				least = fit;
				c->all[i].at = k;
			}
		}
	}
	mem_free(scratch);
}

/* --- short series --- */

static struct sample pool(const struct sample *series, uint32_t n)
{
	uint32_t total = 0;
	for (uint32_t i = 0; i < n; i++)
		total += series[i].n;
	double *values = mem_array(total + 1, sizeof(*values));
	struct sample pooled = {values, total};
	for (uint32_t i = 0; i < n; values += series[i++].n)
		memcpy(values, series[i].values, series[i].n * sizeof(*values));
	sample_sort((double *)pooled.values, total);
	return pooled;
}

static void find_short(struct change_finder *f, const struct sample *series, uint32_t from,
	uint32_t n, struct changes *ret)
{
	uint32_t at = 0;
	double least = 1;
	for (uint32_t i = 1; i < n; i++) {
		double p;
		struct sample a = pool(series, i), b = pool(series + i, n - i);
		if (stats_utest(&a, &b, NULL, &p) == UTEST_OK && p < least) {
			least = p;
			at = i;
		}
		mem_free((double *)a.values);
		mem_free((double *)b.values);
	}
	least *= n - 1;
	if (!at || least > f->alpha)
		return;
	find_short(f, series, from, at, ret);
	add(ret, from + at, least);
	find_short(f, series + at, from + at, n - at, ret);
}

void changes_find(
	struct change_finder *f, const struct sample *series, uint32_t n, struct changes *ret)
{
	if (n < SHORT) {
		find_short(f, series, 0, n, ret);
		return;
	}
	double *medians = mem_array(n, sizeof(*medians));
	for (uint32_t i = 0; i < n; i++)
		medians[i] = sample_quantile(&series[i], 0.5);
	find_long(f, medians, n, ret);
	if (ret->n)
		qsort(ret->all, ret->n, sizeof(*ret->all), by_place);
	place_cuts(medians, n, ret);
	mem_free(medians);
}
