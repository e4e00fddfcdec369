/*
 * The Mann-Whitney U test; see stats.h.
 *
 * Without ties the exact distribution of U comes from Mann and Whitney's recurrence over the sizes
 * of the samples; with ties from Klotz's, over the groups of equal values, which is Cheung and
 * Klotz's "The Mann Whitney Wilcoxon Distribution Using Linked Lists" (1997) with a hash table in
 * the place of the lists.
 */
#include "benchfmt/benchfmt.h"

#include <math.h>
#include <stdlib.h>

#define EXACT_MAX      50
#define EXACT_TIES_MAX 25
#define WHOLE_MAX      200000 /* the cube of it is less than 2^53 */

/* --- no ties --- */

/* P(U = u) for u in [0, u_max], in ret[u]: p(n, m) from p(n-1, m) and p(n, m-1), in place. */
static void distribution(int n1, int n2, int u_max, double *ret)
{
	int small = n1 < n2 ? n1 : n2, large = n1 < n2 ? n2 : n1;
	size_t width = (size_t)u_max + 1;
	double *memo = mem_zalloc((size_t)(small + 1) * width * sizeof(*memo));
	for (int m = 0; m <= large; m++) {
		memo[0] = 1;
		for (int n = 1; n <= (m < small ? m : small); n++) {
			const double *l = memo + (size_t)(n - 1) * width;
			const double *r = memo + (size_t)(n <= m - 1 ? n : m - 1) * width;
			double *out = memo + (size_t)n * width;
			for (int u = u_max < n * m ? u_max : n * m; u >= 0; u--) {
				double left = u >= m ? n * l[u - m] : 0;
				out[u] = (left + m * r[u]) / (n + m);
			}
		}
	}
	memcpy(ret, memo + (size_t)small * width, width * sizeof(*ret));
	mem_free(memo);
}

/* P(U <= u), summed from the nearer end. */
static double cdf(int n1, int n2, double u_exact)
{
	int all = n1 * n2, u = (int)floor(u_exact);
	if (u_exact < 0 || u_exact >= all)
		return u_exact >= all;
	bool flip = u >= (all + 1) / 2;
	if (flip)
		u = all - u - 1;
	double *p = mem_array((size_t)u + 1, sizeof(*p)), sum = 0;
	distribution(n1, n2, u, p);
	for (int i = 0; i <= u; i++)
		sum += p[i];
	mem_free(p);
	return flip ? 1 - sum : sum;
}

/* --- ties --- */

/* How many ways there are to give n1 of the values of the first k groups to the first sample so
 * that 2U is at most two_u: asked for recursively, remembered by (k, n1, 2U). */
struct ties {
	const int *groups; /* sizes of the groups of equal values, ascending */
	int n;
	int *a;	   /* a[k]: twice the rank sum constant of group k */
	int *sums; /* values in the first k groups */
	struct map known;
	double *ways;
	uint32_t ways_n, ways_cap;
};

static int extreme_two_u(const struct ties *t, int k, int n1, bool least)
{
	int two_u = -n1 * n1, left = n1;
	for (int i = 1; i <= k; i++) {
		int group = least ? i : k + 1 - i;
		int taken = left < t->groups[group - 1] ? left : t->groups[group - 1];
		two_u += taken * t->a[group];
		left -= taken;
	}
	return two_u;
}

static double count(struct ties *t, int k, int n1, int two_u);

static double count_two_groups(const struct ties *t, int n1, int two_u)
{
	int first = t->groups[0], second = t->groups[1];
	double sum = 0;
	int low = n1 - first > 0 ? n1 - first : 0;
	int high = (two_u - n1 * (first - n1)) / (first + second);
	for (int r = low; r <= high; r++)
		sum += stats_choose(first, n1 - r) * stats_choose(second, r);
	return sum;
}

static double count_groups(struct ties *t, int k, int n1, int two_u)
{
	double sum = 0;
	int before = t->sums[k - 1], size = t->groups[k - 1];
	int low = n1 - before > 0 ? n1 - before : 0;
	for (int r = low; r <= (n1 < size ? n1 : size); r++) {
		int rest = n1 - r, rest_u = two_u - r * (t->a[k] - 2 * n1 + r);
		double ways = 0;
		if (rest_u > extreme_two_u(t, k - 1, rest, false))
			ways = stats_choose(before, rest);
		else if (rest_u >= extreme_two_u(t, k - 1, rest, true))
			ways = count(t, k - 1, rest, rest_u);
		sum += ways * stats_choose(size, r);
	}
	return sum;
}

static double count(struct ties *t, int k, int n1, int two_u)
{
	bool is_new;
	uint64_t key = (uint64_t)k << 48 | (uint64_t)n1 << 32 | (uint32_t)two_u;
	uint32_t *slot = map_put(&t->known, key, &is_new);
	if (!is_new)
		return t->ways[*slot];
	uint32_t at = *slot = t->ways_n;
	vec_push(t->ways, t->ways_n, t->ways_cap, 0.0);
	double ways = k == 2 ? count_two_groups(t, n1, two_u) : count_groups(t, k, n1, two_u);
	t->ways[at] = ways;
	return ways;
}

static double cdf_ties(int n1, int n2, double u, const int *groups, int n)
{
	if (u < 0 || u >= n1 * n2)
		return u >= n1 * n2;
	struct ties t = {.groups = groups, .n = n};
	t.a = mem_array((size_t)n + 1, sizeof(*t.a));
	t.sums = mem_array((size_t)n + 1, sizeof(*t.sums));
	t.a[1] = t.sums[1] = groups[0];
	for (int k = 2; k <= n; k++) {
		t.a[k] = t.a[k - 1] + groups[k - 2] + groups[k - 1];
		t.sums[k] = t.sums[k - 1] + groups[k - 1];
	}
	map_init(&t.known);
	double p = count(&t, n, n1, (int)(2 * u)) / stats_choose(n1 + n2, n1);
	map_release(&t.known);
	mem_free(t.ways);
	mem_free(t.a);
	mem_free(t.sums);
	return p;
}

/* --- the test --- */

struct ranks {
	double r1;   /* rank sum of the first sample */
	int *groups; /* sizes of the groups of equal values */
	int group_n;
	bool ties;
};

static struct ranks rank(const struct sample *a, const struct sample *b)
{
	struct ranks ranks = {.groups = mem_array((size_t)a->n + b->n, sizeof(int))};
	uint32_t i = 0, j = 0;
	while (i < a->n || j < b->n) {
		uint32_t first = i + j + 1, from = i;
		double v = j == b->n || (i < a->n && a->values[i] < b->values[j]) ? a->values[i]
										  : b->values[j];
		while (i < a->n && a->values[i] == v)
			i++;
		while (j < b->n && b->values[j] == v)
			j++;
		if (i + j < first) { /* a NaN equals nothing, not even itself */
			i += i < a->n;
			j += i == from && j < b->n;
		}
		ranks.r1 += (double)(i + j + first) / 2 * (i - from);
		ranks.groups[ranks.group_n++] = (int)(i + j + 1 - first);
		ranks.ties |= i + j > first;
	}
	return ranks;
}

/* As rank(), of samples with no NaN and few enough values that all sums are whole and exact. Which
 * sample the next value comes from cannot be guessed, so nothing branches on it: what is chosen
 * between is masked, which a compiler leaves alone. */
struct tally {
	uint64_t twice_u; /* of the first sample */
	uint64_t ties;	  /* a third of the sum of t^3 - t over groups of t equal values */
};

/* The value taken last, and how many of its equals came before: of both samples, of the first. */
struct group {
	double value;
	uint64_t before, first;
};

/* All ones if it holds. */
static inline uint64_t mask(bool holds)
{
	return -(uint64_t)holds;
}

static inline void take(struct group *g, double value, uint64_t of_first, struct tally *tally)
{
	uint64_t same = mask(!(value > g->value));
	g->before = (g->before + 1) & same;
	g->first = (g->first & same) - of_first;
	g->value = value;
	tally->ties += g->before * (g->before + 1);
}

/* Of the first and the second sample, what lies between two values; `before` of the second's lie
 * below. */
struct merge {
	const double *p, *p_end, *q, *q_end, *second;
	struct group group;
	struct tally tally;
};

static struct merge merge_new(const struct sample *a, uint32_t i, uint32_t i_end,
	const struct sample *b, uint32_t j, uint32_t j_end)
{
	return (struct merge){.p = a->values + i,
		.p_end = a->values + i_end,
		.q = b->values + j,
		.q_end = b->values + j_end,
		.second = b->values,
		.group = {.value = -INFINITY, .before = UINT64_MAX}};
}

static inline bool merge_goes_on(const struct merge *m)
{
	return m->p < m->p_end && m->q < m->q_end;
}

static inline void merge_step(struct merge *m)
{
	double x = *m->p, y = *m->q;
	uint64_t first = mask(!(y < x)); /* of equals the first sample's come first */
	take(&m->group, y < x ? y : x, first, &m->tally);
	m->tally.twice_u += ((uint64_t)(m->q - m->second) * 2 & first) | (m->group.first & ~first);
	m->p += first & 1;
	m->q += ~first & 1;
}

static void merge_end(struct merge *m)
{
	while (merge_goes_on(m))
		merge_step(m);
	m->tally.twice_u += (uint64_t)(m->p_end - m->p) * (uint64_t)(m->q_end - m->second) * 2;
	for (; m->p < m->p_end; m->p++)
		take(&m->group, *m->p, UINT64_MAX, &m->tally);
	for (; m->q < m->q_end; m->q++) {
		take(&m->group, *m->q, 0, &m->tally);
		m->tally.twice_u += m->group.first;
	}
}

/* How many values are less. */
static uint32_t count_less(const struct sample *s, double value)
{
	uint32_t from = 0, to = s->n;
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		if (s->values[middle] < value)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* Two merges in turn, below and above a value in the middle: a step has to wait for the one
 * before of its own merge, not for the other's. */
static struct tally tally(const struct sample *a, const struct sample *b)
{
	double middle = a->values[a->n / 2];
	uint32_t i = count_less(a, middle), j = count_less(b, middle);
	struct merge low = merge_new(a, 0, i, b, 0, j), high = merge_new(a, i, a->n, b, j, b->n);
	while (merge_goes_on(&low) && merge_goes_on(&high)) {
		merge_step(&low);
		merge_step(&high);
	}
	merge_end(&low);
	merge_end(&high);
	return (struct tally){
		low.tally.twice_u + high.tally.twice_u, low.tally.ties + high.tally.ties};
}

/* --- by counts --- */

/* Ties among the numbers at [from, to) of one sample, that the other has none of. */
static uint64_t ties_alone(const struct value_counts *c, uint32_t from, uint32_t to)
{
	uint64_t sum = 0;
	for (uint32_t i = from; i < to; i++) {
		uint64_t t = c->below[i + 1] - c->below[i];
		sum += t * t * t - t;
	}
	return sum;
}

/* As tally(), number by number. What both could have is at [i, i + n) of one, at [j, j + n) of the
 * other. */
static struct tally tally_counts(const struct value_counts *a, const struct value_counts *b)
{
	double least = fmax(a->least, b->least);
	double end = fmin(a->least + a->span, b->least + b->span);
	uint32_t n = end > least ? (uint32_t)(end - least) : 0;
	uint32_t i = (uint32_t)fmin(least - a->least, a->span);
	uint32_t j = (uint32_t)fmin(least - b->least, b->span);
	uint64_t ties = ties_alone(a, 0, i) + ties_alone(a, i + n, a->span) + ties_alone(b, 0, j) +
			ties_alone(b, j + n, b->span);
	uint64_t above = a->below[a->span] - a->below[i + n];
	uint64_t twice_u = above * b->below[b->span] * 2;
	for (uint32_t k = 0; k < n; k++) {
		uint64_t of_a = a->below[i + k + 1] - a->below[i + k];
		uint64_t of_b = b->below[j + k + 1] - b->below[j + k], t = of_a + of_b;
		twice_u += of_a * (2 * (uint64_t)b->below[j + k] + of_b);
		ties += t * t * t - t;
	}
	return (struct tally){twice_u, ties / 3};
}

static double tie_sum(const struct ranks *ranks)
{
	double sum = 0;
	for (int i = 0; i < ranks->group_n; i++) {
		double t = ranks->groups[i];
		sum += t * t * t - t;
	}
	return sum;
}

static double normal_p(double n1, double n2, double u1, double ties)
{
	double n = n1 + n2;
	double sigma = sqrt(n1 * n2 * ((n + 1) - ties / (n * (n - 1))) / 12);
	if (sigma == 0)
		return NAN;
	double numerator = u1 - n1 * n2 / 2;
	numerator -= (double)((numerator > 0) - (numerator < 0)) * 0.5;
	double below = stats_normal_cdf(numerator / sigma);
	return 2 * fmin(below, 1 - below);
}

static enum utest_result by_tally(
	const struct sample *a, const struct sample *b, double *ret_u, double *ret_p)
{
	struct tally t = a->counts ? tally_counts(a->counts, b->counts) : tally(a, b);
	*ret_u = (double)t.twice_u / 2;
	*ret_p = normal_p(a->n, b->n, *ret_u, (double)(3 * t.ties));
	return isnan(*ret_p) ? UTEST_EQUAL : UTEST_OK;
}

static enum utest_result by_ranks(
	const struct sample *a, const struct sample *b, double *ret_u, double *ret_p)
{
	int n1 = (int)a->n, n2 = (int)b->n;
	struct ranks ranks = rank(a, b);
	double u1 = ranks.r1 - (double)n1 * (n1 + 1) / 2, u2 = (double)n1 * n2 - u1;
	double least = fmin(u1, u2), p = 1;
	int limit = ranks.ties ? EXACT_TIES_MAX : EXACT_MAX;
	enum utest_result result = UTEST_OK;
	if (n1 > limit || n2 > limit) {
		p = normal_p(n1, n2, u1, tie_sum(&ranks));
		result = isnan(p) ? UTEST_EQUAL : UTEST_OK;
	} else if (ranks.group_n == 1) {
		result = UTEST_EQUAL;
	} else if (u1 != u2) {
		p = 2 * (ranks.ties ? cdf_ties(n1, n2, least, ranks.groups, ranks.group_n)
				    : cdf(n1, n2, least));
	}
	mem_free(ranks.groups);
	*ret_u = u1;
	*ret_p = p;
	return result;
}

static enum utest_result test(
	const struct sample *a, const struct sample *b, double *ret_u, double *ret_p)
{
	bool large = a->n > EXACT_MAX || b->n > EXACT_MAX;
	bool whole = (uint64_t)a->n + b->n <= WHOLE_MAX && !isnan(sample_at(a, 0)) &&
		     !isnan(sample_at(b, 0));
	return (large && whole ? by_tally : by_ranks)(a, b, ret_u, ret_p);
}

static struct sample by_values(const struct sample *s)
{
	const double *values = s->values ? s->values : value_counts_values(s->counts);
	return (struct sample){.values = values, .n = s->n};
}

static void by_values_release(const struct sample *by_values, const struct sample *s)
{
	if (!s->values)
		mem_free((double *)by_values->values);
}

static bool can_be_tallied(const struct sample *a, const struct sample *b)
{
	return a->counts && b->counts && (uint64_t)a->n + b->n <= WHOLE_MAX;
}

enum utest_result stats_utest(
	const struct sample *a, const struct sample *b, double *ret_u, double *ret_p)
{
	double u;
	if (!a->n || !b->n)
		return UTEST_EMPTY;
	if (can_be_tallied(a, b))
		return test(a, b, ret_u ? ret_u : &u, ret_p);
	struct sample x = by_values(a), y = by_values(b);
	enum utest_result result = test(&x, &y, ret_u ? ret_u : &u, ret_p);
	by_values_release(&x, a);
	by_values_release(&y, b);
	return result;
}

int stats_utest_needs(double alpha)
{
	for (int n = 1; n <= 9; n++)
		if (2 * cdf(n, n, 0) <= alpha || alpha >= 1)
			return n;
	return 0;
}

/* --- how much they differ --- */

/* The largest U for which the two-sided test rejects: as many ratios are cut off at either end. */
static int64_t rejected(int n1, int n2, double alpha)
{
	if (n1 > EXACT_MAX || n2 > EXACT_MAX) {
		double mu = (double)n1 * n2 / 2, sigma = sqrt((double)n1 * n2 * (n1 + n2 + 1) / 12);
		return (int64_t)floor(mu + stats_normal_quantile(alpha / 2) * sigma - 0.5);
	}
	int64_t u = -1;
	while (2 * cdf(n1, n2, u + 1) <= alpha)
		u++;
	return u;
}

/* How many of the ratios b/a are at most t: as a grows the boundary among b moves up only. */
static uint64_t count_at_most(const struct sample *a, const struct sample *b, double t)
{
	uint64_t count = 0;
	uint32_t j = 0;
	for (uint32_t i = 0; i < a->n; i++) {
		while (j < b->n && b->values[j] / a->values[i] <= t)
			j++;
		count += j;
	}
	return count;
}

/* The k-th smallest ratio, k from 1, by bisection over the bits of positive doubles: exact, without
 * holding or sorting n1 * n2 of them. */
static double kth_ratio(const struct sample *a, const struct sample *b, uint64_t k)
{
	double least = b->values[0] / a->values[a->n - 1];
	double most = b->values[b->n - 1] / a->values[0], t;
	uint64_t lo, hi;
	memcpy(&lo, &least, sizeof(lo));
	memcpy(&hi, &most, sizeof(hi));
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		memcpy(&t, &mid, sizeof(t));
		if (count_at_most(a, b, t) >= k)
			hi = mid;
		else
			lo = mid + 1;
	}
	memcpy(&t, &lo, sizeof(t));
	return t;
}

bool stats_ratio_interval(const struct sample *a, const struct sample *b, double confidence,
	double *ret_ratio, double *ret_lo, double *ret_hi)
{
	if (!a->n || !b->n || !(a->values[0] > 0) || !(b->values[0] > 0))
		return false;
	uint64_t n = (uint64_t)a->n * b->n;
	int64_t cut = rejected((int)a->n, (int)b->n, 1 - confidence) + 1;
	double middle = kth_ratio(a, b, n / 2 + 1);
	*ret_ratio = (n % 2 ? middle : (kth_ratio(a, b, n / 2) + middle) / 2) - 1;
	bool bounded = cut > 0 && (uint64_t)cut * 2 <= n;
	*ret_lo = bounded ? kth_ratio(a, b, (uint64_t)cut) - 1 : -INFINITY;
	*ret_hi = bounded ? kth_ratio(a, b, n - (uint64_t)cut + 1) - 1 : INFINITY;
	return true;
}
