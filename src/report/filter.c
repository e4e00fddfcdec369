/*
 * focus, ignore, hide, show, show_from, the tag filters, prune_from: in google/pprof's order, with
 * its warnings for what matched nothing.
 */
#include "report/prepare.h"

struct filters {
	struct regex *focus, *ignore, *hide, *show, *show_from, *prune_from, *tagshow, *taghide;
	struct tag_filter *tagfocus, *tagignore;
};

static int compile(struct regex **ret, const char *name, const char *pattern, struct err *err)
{
	*ret = NULL;
	if (!*pattern)
		return 0;
	int rc = regex_compile(ret, pattern, err);
	if (rc < 0)
		err_prefix(err, "parsing %s regexp", name);
	return rc;
}

static int compile_all(struct filters *f, struct report *r, struct notes *notes, struct err *err)
{
	const struct config *c = &r->config;
	const struct {
		struct regex **regex;
		const char *name, *pattern;
	} regexes[] = {
		{&f->focus, "focus", c->focus},
		{&f->ignore, "ignore", c->ignore},
		{&f->hide, "hide", c->hide},
		{&f->show, "show", c->show},
		{&f->show_from, "show_from", c->show_from},
		{&f->prune_from, "prune_from", c->prune_from},
		{&f->tagshow, "tagshow", c->tagshow},
		{&f->taghide, "taghide", c->taghide},
	};
	int rc = 0;
	for (size_t i = 0; i < array_len(regexes) && rc >= 0; i++)
		rc = compile(regexes[i].regex, regexes[i].name, regexes[i].pattern, err);
	if (rc >= 0)
		rc = tag_filter_compile(&f->tagfocus, "tagfocus", c->tagfocus, r, notes, err);
	if (rc >= 0)
		rc = tag_filter_compile(&f->tagignore, "tagignore", c->tagignore, r, notes, err);
	return rc;
}

static void release(struct filters *f)
{
	struct regex *regexes[] = {f->focus, f->ignore, f->hide, f->show, f->show_from,
		f->prune_from, f->tagshow, f->taghide};
	for (size_t i = 0; i < array_len(regexes); i++)
		regex_free(regexes[i]);
	tag_filter_free(f->tagfocus);
	tag_filter_free(f->tagignore);
}

static void warn(bool unmatched, const char *name, struct notes *notes)
{
	if (unmatched)
		notes_printf(notes, "%s expression matched no samples", name);
}

static int filter_names(struct filters *f, struct profile *p, struct notes *notes, struct err *err)
{
	struct profile_name_filter names = {f->focus, f->ignore, f->hide, f->show};
	struct profile_name_matches matches = {0};
	bool any = f->focus || f->ignore || f->hide || f->show;
	int rc = any ? profile_filter_by_name(p, &names, &matches, err) : 0;
	if (rc < 0)
		return rc;
	warn(f->focus && !matches.focus, "Focus", notes);
	warn(f->ignore && !matches.ignore, "Ignore", notes);
	warn(f->hide && !matches.hide, "Hide", notes);
	warn(f->show && !matches.show, "Show", notes);
	if (!f->show_from)
		return 0;
	rc = profile_show_from(p, f->show_from, err);
	warn(rc == 0, "ShowFrom", notes);
	return rc;
}

static bool match_tags(void *ctx, const struct profile *p, uint32_t sample)
{
	return tag_filter_match(ctx, p, sample);
}

static int filter_tags(struct filters *f, struct profile *p, struct notes *notes, struct err *err)
{
	bool focused = true, ignored = true, shown = true, hidden = true;
	if (f->tagfocus || f->tagignore)
		profile_filter_samples(p, f->tagfocus ? match_tags : NULL, f->tagfocus,
			f->tagignore ? match_tags : NULL, f->tagignore, &focused, &ignored);
	warn(f->tagfocus && !focused, "TagFocus", notes);
	warn(f->tagignore && !ignored, "TagIgnore", notes);
	if (!f->tagshow && !f->taghide)
		return 0;
	int rc = profile_filter_labels(p, f->tagshow, f->taghide, &shown, &hidden, err);
	warn(rc >= 0 && f->tagshow && !shown, "TagShow", notes);
	warn(rc >= 0 && f->taghide && !hidden, "TagHide", notes);
	return rc;
}

int prepare_filter(struct report *r, struct notes *notes, struct err *err)
{
	struct filters f = {0};
	int rc = compile_all(&f, r, notes, err);
	if (rc >= 0)
		rc = filter_names(&f, r->profile, notes, err);
	if (rc >= 0)
		rc = filter_tags(&f, r->profile, notes, err);
	if (rc >= 0 && f.prune_from)
		rc = profile_prune_from(r->profile, f.prune_from, err);
	release(&f);
	return rc;
}
