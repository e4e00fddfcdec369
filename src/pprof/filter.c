/*
 * Choosing samples and frames by name, samples by a caller's test, and labels by key.
 *
 * Locations are judged first, once each, then the stacks are walked with the verdicts: a regular
 * expression never sees a string twice.
 */
#include "pprof/internal.h"

enum {
	FOCUSED = 1,
	IGNORED = 2,
	HIDDEN = 4,
};

static bool line_matches(const struct profile *p, struct matcher *m, const struct line *line)
{
	if (line->function == PROFILE_NONE)
		return false;
	const struct function *f = &p->functions[line->function];
	return matcher_match(m, f->name) || matcher_match(m, f->filename);
}

static bool object_matches(const struct profile *p, struct matcher *m, const struct location *l)
{
	return l->mapping != PROFILE_NONE && matcher_match(m, p->mappings[l->mapping].file);
}

static bool location_matches(const struct profile *p, struct matcher *m, const struct location *l)
{
	for (uint32_t i = 0; i < l->line_n; i++)
		if (line_matches(p, m, &p->lines[l->line_first + i]))
			return true;
	return object_matches(p, m, l);
}

/* Leaves the lines that match, or those that do not; one without a function is left in any case. */
static void keep_lines(struct profile *p, struct matcher *m, struct location *l, bool matching)
{
	struct line *lines = p->lines + l->line_first;
	uint32_t kept = 0;
	if (object_matches(p, m, l)) {
		l->line_n = matching ? l->line_n : 0;
		return;
	}
	for (uint32_t i = 0; i < l->line_n; i++)
		if (lines[i].function == PROFILE_NONE || line_matches(p, m, &lines[i]) == matching)
			lines[kept++] = lines[i];
	if (kept != l->line_n)
		profile_drop_unknown(p, 1 << MSG_LINE);
	l->line_n = kept;
}

struct name_matchers {
	struct matcher focus, ignore, hide, show;
};

static uint8_t judge(struct profile *p, struct name_matchers *m, struct location *l,
	struct profile_name_matches *ret)
{
	uint8_t verdict = 0;
	if (location_matches(p, &m->ignore, l)) {
		ret->ignore = true;
		verdict |= IGNORED;
	} else if (!m->focus.re || location_matches(p, &m->focus, l)) {
		ret->focus = true;
		verdict |= FOCUSED;
	}
	if (location_matches(p, &m->hide, l)) {
		ret->hide = true;
		keep_lines(p, &m->hide, l, false);
		verdict |= l->line_n ? 0 : HIDDEN;
	}
	if (m->show.re) {
		keep_lines(p, &m->show, l, true);
		ret->show |= l->line_n != 0;
		verdict |= l->line_n ? 0 : HIDDEN;
	}
	return verdict;
}

static void filter_stacks(struct profile *p, const uint8_t *verdicts)
{
	struct edit e;
	edit_begin(&e, p);
	while (edit_next(&e)) {
		uint8_t all = 0;
		for (uint32_t i = 0; i < e.stack_n; i++)
			all |= verdicts[e.stack[i]];
		if (!(all & FOCUSED) || all & IGNORED)
			continue;
		uint32_t n = e.stack_n;
		if (all & HIDDEN) {
			n = 0;
			for (uint32_t i = 0; i < e.stack_n; i++)
				if (!(verdicts[e.stack[i]] & HIDDEN))
					e.stack[n++] = e.stack[i];
			if (n == 0)
				continue;
		}
		edit_keep(&e, e.stack, n);
	}
	edit_end(&e);
}

static int name_result(const struct name_matchers *m, struct err *err)
{
	const struct matcher *all[] = {&m->focus, &m->ignore, &m->hide, &m->show};
	int rc = 0;
	for (size_t i = 0; i < array_len(all) && rc >= 0; i++)
		rc = matcher_result(all[i], err);
	return rc;
}

int profile_filter_by_name(struct profile *p, const struct profile_name_filter *f,
	struct profile_name_matches *ret, struct err *err)
{
	*ret = (struct profile_name_matches){0};
	if (!f->focus && !f->ignore && !f->hide && !f->show) {
		ret->focus = true;
		return 0;
	}
	struct name_matchers m;
	matcher_init(&m.focus, p, f->focus);
	matcher_init(&m.ignore, p, f->ignore);
	matcher_init(&m.hide, p, f->hide);
	matcher_init(&m.show, p, f->show);
	uint8_t *verdicts = mem_zalloc(p->location_n + (size_t)1);
	for (uint32_t i = 0; i < p->location_n; i++)
		verdicts[i] = judge(p, &m, &p->locations[i], ret);
	int rc = name_result(&m, err);
	if (rc >= 0)
		filter_stacks(p, verdicts);
	mem_free(verdicts);
	matcher_release(&m.focus);
	matcher_release(&m.ignore);
	matcher_release(&m.hide);
	matcher_release(&m.show);
	return rc;
}

/* Cuts the location's lines after (above) the last that matches. */
static bool show_from_here(struct profile *p, struct matcher *m, struct location *l)
{
	if (object_matches(p, m, l))
		return true;
	for (uint32_t i = l->line_n; i-- > 0;) {
		if (line_matches(p, m, &p->lines[l->line_first + i])) {
			l->line_n = i + 1;
			return true;
		}
	}
	return false;
}

int profile_show_from(struct profile *p, struct regex *re, struct err *err)
{
	struct matcher m;
	matcher_init(&m, p, re);
	uint8_t *shown = mem_zalloc(p->location_n + (size_t)1);
	int matched = 0;
	for (uint32_t i = 0; i < p->location_n; i++) {
		shown[i] = show_from_here(p, &m, &p->locations[i]);
		matched |= shown[i];
	}
	int rc = matcher_result(&m, err);
	struct edit e;
	edit_begin(&e, p);
	while (edit_next(&e)) {
		uint32_t n = e.stack_n;
		while (n > 0 && !shown[e.stack[n - 1]])
			n--;
		if (n)
			edit_keep(&e, e.stack, n);
	}
	edit_end(&e);
	mem_free(shown);
	matcher_release(&m);
	return rc < 0 ? rc : matched;
}

void profile_filter_samples(struct profile *p, profile_match_fn *focus, void *focus_ctx,
	profile_match_fn *ignore, void *ignore_ctx, bool *ret_focus, bool *ret_ignore)
{
	*ret_focus = *ret_ignore = false;
	/* The tests see the whole profile, so nothing may move before all are done. */
	uint8_t *keep = mem_alloc(p->sample_n + (size_t)1);
	for (uint32_t i = 0; i < p->sample_n; i++) {
		bool focused = !focus || focus(focus_ctx, p, i);
		bool ignored = ignore && ignore(ignore_ctx, p, i);
		*ret_focus |= focused;
		*ret_ignore |= ignored;
		keep[i] = focused && !ignored;
	}
	struct edit e;
	edit_begin(&e, p);
	while (edit_next(&e))
		if (keep[e.i])
			edit_keep(&e, e.stack, e.stack_n);
	edit_end(&e);
	mem_free(keep);
}

int profile_filter_labels(struct profile *p, struct regex *show, struct regex *hide, bool *ret_show,
	bool *ret_hide, struct err *err)
{
	struct matcher shown, hidden;
	matcher_init(&shown, p, show);
	matcher_init(&hidden, p, hide);
	*ret_show = *ret_hide = false;
	size_t from = 0, kept = 0;
	for (uint32_t i = 0; p->label_n && i < p->sample_n; i++) {
		for (; from < p->label_end[i]; from++) {
			bool is_shown = !show || matcher_match(&shown, p->labels[from].key);
			bool is_hidden = matcher_match(&hidden, p->labels[from].key);
			*ret_show |= is_shown;
			*ret_hide |= is_hidden;
			if (is_shown && !is_hidden)
				p->labels[kept++] = p->labels[from];
		}
		p->label_end[i] = (uint32_t)kept;
	}
	if (kept != p->label_n)
		profile_drop_unknown(p, 1 << MSG_LABEL);
	p->label_n = kept;
	int rc = matcher_result(&shown, err);
	if (rc >= 0)
		rc = matcher_result(&hidden, err);
	matcher_release(&shown);
	matcher_release(&hidden);
	return rc;
}
