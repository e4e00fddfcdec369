/*
 * Pruning: dropping the frames of an allocator or of the profiler itself from under the code that
 * called them.
 */
#include "pprof/internal.h"

/* What becomes of a location. */
enum {
	PRUNE_ALL = 1,	   /* it goes, with all below it */
	PRUNE_BENEATH = 2, /* it stays, cut; all below it goes */
};

/* Length of the name without its parameter list: up to the first "(" that is not part of
 * "(anonymous namespace)" or "operator()". */
static size_t without_parameters(const char *s, size_t n)
{
	static const char *const reserved[] = {"(anonymous namespace)", "operator()"};
	for (size_t i = 0; i < n;) {
		size_t skip = 0;
		for (size_t j = 0; j < array_len(reserved) && !skip; j++) {
			size_t len = strlen(reserved[j]);
			if (n - i >= len && memcmp(s + i, reserved[j], len) == 0)
				skip = len;
		}
		if (!skip && s[i] == '(')
			return i;
		i += skip ? skip : 1;
	}
	return n;
}

struct pruner {
	struct profile *p;
	struct regex *drop, *keep;
	uint8_t *memo; /* by string id: 0 unknown, 1 stays, 2 goes */
	int rc;
	struct regex *culprit;
};

static bool matches(struct pruner *pr, struct regex *re, const char *s, size_t n)
{
	int rc = re && pr->rc >= 0 ? regex_match(re, s, n) : 0;
	if (rc < 0) {
		pr->rc = rc;
		pr->culprit = re;
	}
	return rc > 0;
}

static bool goes(struct pruner *pr, const struct line *line)
{
	if (line->function == PROFILE_NONE)
		return false;
	uint32_t name = pr->p->functions[line->function].name;
	if (pr->memo[name])
		return pr->memo[name] == 2;
	const char *s = profile_str(pr->p, name);
	size_t n = strtab_len(&pr->p->strings, name);
	bool gone = false;
	if (n) {
		bool dot = *s == '.'; /* of the PowerPC ELF v1 ABI */
		s += dot;
		n = without_parameters(s, n - dot);
		gone = matches(pr, pr->drop, s, n) && !matches(pr, pr->keep, s, n);
	}
	pr->memo[name] = gone ? 2 : 1;
	return gone;
}

static void pruner_init(
	struct pruner *pr, struct profile *p, struct regex *drop, struct regex *keep)
{
	*pr = (struct pruner){.p = p, .drop = drop, .keep = keep};
	pr->memo = mem_zalloc(p->strings.n);
}

static int pruner_release(struct pruner *pr, struct err *err)
{
	mem_free(pr->memo);
	if (pr->rc >= 0)
		return 0;
	return err_set(err, pr->rc, "regexp `%s` takes too long to match; make it simpler",
		regex_pattern(pr->culprit));
}

static void cut_below(struct location *l, uint32_t n)
{
	l->line_first += n;
	l->line_n -= n;
}

static uint8_t prune_location(struct pruner *pr, struct location *l)
{
	for (uint32_t i = l->line_n; i-- > 0;) {
		if (!goes(pr, &pr->p->lines[l->line_first + i]))
			continue;
		if (i == l->line_n - 1)
			return PRUNE_ALL;
		cut_below(l, i + 1);
		return PRUNE_BENEATH;
	}
	return 0;
}

/* How many leaf frames go. From the root down: not before a frame that stays, or all might go. */
static uint32_t pruned_frames(const uint8_t *verdicts, const uint32_t *stack, uint32_t n)
{
	bool found_user = false;
	for (uint32_t i = n; i-- > 0;) {
		uint8_t verdict = verdicts[stack[i]];
		if (!verdict)
			found_user = true;
		else if (found_user)
			return verdict == PRUNE_ALL ? i + 1 : i;
	}
	return 0;
}

int profile_prune(struct profile *p, struct regex *drop, struct regex *keep, struct err *err)
{
	struct pruner pr;
	pruner_init(&pr, p, drop, keep);
	uint8_t *verdicts = mem_zalloc(p->location_n + (size_t)1);
	bool any = false;
	for (uint32_t i = 0; i < p->location_n; i++) {
		verdicts[i] = prune_location(&pr, &p->locations[i]);
		any |= verdicts[i] != 0;
	}
	struct edit e;
	edit_begin(&e, p);
	while (any && edit_next(&e)) {
		uint32_t gone = pruned_frames(verdicts, e.stack, e.stack_n);
		edit_keep(&e, e.stack + gone, e.stack_n - gone);
	}
	if (any)
		edit_end(&e);
	mem_free(verdicts);
	return pruner_release(&pr, err);
}

int profile_prune_from(struct profile *p, struct regex *re, struct err *err)
{
	struct pruner pr;
	pruner_init(&pr, p, re, NULL);
	uint8_t *beneath = mem_zalloc(p->location_n + (size_t)1);
	for (uint32_t i = 0; i < p->location_n; i++) {
		struct location *l = &p->locations[i];
		for (uint32_t j = 0; j < l->line_n && !beneath[i]; j++) {
			if (goes(&pr, &p->lines[l->line_first + j])) {
				beneath[i] = true;
				cut_below(l, j);
			}
		}
	}
	struct edit e;
	edit_begin(&e, p);
	while (edit_next(&e)) {
		uint32_t from = 0;
		while (from < e.stack_n && !beneath[e.stack[from]])
			from++;
		from = from < e.stack_n ? from : 0;
		edit_keep(&e, e.stack + from, e.stack_n - from);
	}
	edit_end(&e);
	mem_free(beneath);
	return pruner_release(&pr, err);
}

static int compile(struct profile *p, uint32_t pattern, struct regex **ret, struct err *err)
{
	struct buf whole = BUF_INIT;
	buf_printf(&whole, "^(%s)$", profile_str(p, pattern));
	int rc = regex_compile(ret, whole.data, err);
	buf_release(&whole);
	if (rc < 0)
		err_prefix(err, "failed to compile regexp %s", profile_str(p, pattern));
	return rc;
}

int profile_remove_uninteresting(struct profile *p, struct err *err)
{
	struct regex *drop = NULL, *keep = NULL;
	if (!strtab_len(&p->strings, p->drop_frames))
		return 0;
	int rc = compile(p, p->drop_frames, &drop, err);
	if (rc >= 0 && strtab_len(&p->strings, p->keep_frames))
		rc = compile(p, p->keep_frames, &keep, err);
	if (rc >= 0)
		rc = profile_prune(p, drop, keep, err);
	regex_free(drop);
	regex_free(keep);
	return rc;
}
