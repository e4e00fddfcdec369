/*
 * Rewriting samples in place, and matching strings once each: what the filters stand on.
 */
#include "pprof/internal.h"

void edit_begin(struct edit *e, struct profile *p)
{
	*e = (struct edit){.p = p};
}

void edit_renew(struct edit *e)
{
	e->renew = true;
	e->old = e->p->frames;
	e->p->frames = (struct frames){0};
}

bool edit_next(struct edit *e)
{
	struct profile *p = e->p;
	if (e->next == p->sample_n)
		return false;
	e->i = e->next++;
	frames_get(e->renew ? &e->old : &p->frames, p->stack_at[e->i], &e->shown);
	e->stack = e->shown.at;
	e->stack_n = e->shown.n;
	e->label_from = e->label_to;
	e->label_to = p->label_end ? p->label_end[e->i] : 0;
	return true;
}

void edit_keep(struct edit *e, const uint32_t *stack, uint32_t n)
{
	struct profile *p = e->p;
	bool same = !e->renew && stack == e->stack && n == e->stack_n;
	p->stack_at[e->kept] = same ? p->stack_at[e->i] : frames_add(&p->frames, stack, n);
	uint32_t label_n = e->label_to - e->label_from;
	if (e->label_kept != e->label_from)
		memmove(p->labels + e->label_kept, p->labels + e->label_from,
			label_n * sizeof(*p->labels));
	e->label_kept += label_n;
	if (e->kept != e->i && p->sample_type_n)
		memcpy(profile_values(p, e->kept), profile_values(p, e->i),
			p->sample_type_n * sizeof(*p->values));
	if (p->label_end)
		p->label_end[e->kept] = (uint32_t)e->label_kept;
	e->kept++;
}

void edit_end(struct edit *e)
{
	struct profile *p = e->p;
	if (e->kept != p->sample_n)
		profile_drop_unknown(p, 1 << MSG_SAMPLE | 1 << MSG_LABEL);
	p->sample_n = e->kept;
	p->label_n = e->label_kept;
	frames_seal(&p->frames);
	frames_release(&e->old);
	stack_release(&e->shown);
}

void matcher_init(struct matcher *m, const struct profile *p, struct regex *re)
{
	*m = (struct matcher){.p = p, .re = re};
	if (re)
		m->memo = mem_zalloc(p->strings.n);
}

void matcher_release(struct matcher *m)
{
	mem_free(m->memo);
}

enum { UNKNOWN, NO, YES };

bool matcher_match(struct matcher *m, uint32_t str)
{
	if (!m->re || m->rc < 0)
		return false;
	if (m->memo[str] == UNKNOWN) {
		int rc =
			regex_match(m->re, profile_str(m->p, str), strtab_len(&m->p->strings, str));
		if (rc < 0)
			m->rc = rc;
		m->memo[str] = rc > 0 ? YES : NO;
	}
	return m->memo[str] == YES;
}

int matcher_result(const struct matcher *m, struct err *err)
{
	if (m->rc >= 0)
		return 0;
	return err_set(err, m->rc, "regexp `%s` takes too long to match; make it simpler",
		regex_pattern(m->re));
}
