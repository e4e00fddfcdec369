/*
 * Profiles that are to be merged brought to common units: the finest of each sample type, so that
 * nothing is lost. It answers to measurement.ScaleProfiles.
 */
#include "report/report.h"

/* Whether values of these types can be added: the same but for a plural, in units of one kind. */
static bool compatible(
	const char *type_a, const char *unit_a, const char *type_b, const char *unit_b)
{
	size_t a = strlen(type_a), b = strlen(type_b);
	a -= a && type_a[a - 1] == 's';
	b -= b && type_b[b - 1] == 's';
	if (a != b || memcmp(type_a, type_b, a) != 0)
		return false;
	return strcmp(unit_a, unit_b) == 0 || unit_same_kind(unit_a, unit_b);
}

static struct value_type *type_of(struct profile *p, int index)
{
	return index < 0 ? &p->period_type : &p->sample_types[index];
}

/* Which profile has the finest unit for a sample type (or, -1, the period). */
static int finest(struct profile *profiles, uint32_t n, int index, uint32_t *ret, struct err *err)
{
	*ret = UINT32_MAX;
	for (uint32_t i = 0; i < n; i++) {
		struct profile *p = &profiles[i];
		const struct value_type *t = type_of(p, index);
		if (index < 0 && !t->type && !t->unit)
			continue; /* no period */
		if (*ret == UINT32_MAX) {
			*ret = i;
			continue;
		}
		struct profile *best = &profiles[*ret];
		const struct value_type *min = type_of(best, index);
		const char *type = profile_str(p, t->type), *unit = profile_str(p, t->unit);
		const char *min_type = profile_str(best, min->type);
		const char *min_unit = profile_str(best, min->unit), *ignored;
		if (!compatible(min_type, min_unit, type, unit))
			return err_set(err, ERR_MISMATCH, "%s: incompatible types: {%s %s} {%s %s}",
				index < 0 ? "period type" : "sample types", min_type, min_unit,
				type, unit);
		if (unit_scale(1, unit, min_unit, &ignored) < 1)
			*ret = i;
	}
	return 0;
}

static void scale_period(struct profile *p, const char *unit)
{
	const char *ignored;
	if (!p->period_type.type && !p->period_type.unit)
		return;
	p->period = unit_truncate(
		unit_scale(p->period, profile_str(p, p->period_type.unit), unit, &ignored));
	p->period_type.unit = strtab_addstr(&p->strings, unit);
}

int report_scale_profiles(struct profile *profiles, uint32_t n, struct err *err)
{
	if (n < 2)
		return 0;
	uint32_t best, types = profiles[0].sample_type_n;
	for (uint32_t i = 1; i < n; i++)
		if (profiles[i].sample_type_n != types)
			return err_set(err, ERR_MISMATCH,
				"inconsistent samples type count: %u != %u", types,
				profiles[i].sample_type_n);
	int rc = finest(profiles, n, -1, &best, err);
	if (rc < 0)
		return rc;
	char *unit = NULL;
	if (best != UINT32_MAX)
		unit = mem_strdup(profile_str(&profiles[best], profiles[best].period_type.unit));
	for (uint32_t i = 0; unit && i < n; i++)
		scale_period(&profiles[i], unit);
	mem_free(unit);

	double *ratios = mem_array((size_t)n * types + 1, sizeof(*ratios));
	for (uint32_t t = 0; t < types && rc >= 0; t++) {
		rc = finest(profiles, n, (int)t, &best, err);
		if (rc < 0)
			break;
		unit = mem_strdup(
			profile_str(&profiles[best], profiles[best].sample_types[t].unit));
		for (uint32_t i = 0; i < n; i++) {
			struct profile *p = &profiles[i];
			const char *ignored, *own = profile_str(p, p->sample_types[t].unit);
			ratios[(size_t)i * types + t] = unit_scale(1, own, unit, &ignored);
			p->sample_types[t].unit = strtab_addstr(&p->strings, unit);
		}
		mem_free(unit);
	}
	for (uint32_t i = 0; i < n && rc >= 0; i++)
		profile_scale_n(&profiles[i], ratios + (size_t)i * types);
	mem_free(ratios);
	return rc;
}
