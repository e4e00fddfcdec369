/*
 * Making the sample types of several profiles the same: those that all of them have, in the order
 * of the first one (google/pprof's CompatibilizeSampleTypes).
 */
#include "pprof/internal.h"

static uint32_t find_type(const struct profile *p, const char *type)
{
	for (uint32_t i = 0; i < p->sample_type_n; i++)
		if (strcmp(profile_str(p, p->sample_types[i].type), type) == 0)
			return i;
	return PROFILE_NONE;
}

static uint32_t count_type(const struct profile *profiles, uint32_t n, const char *type)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < profiles[i].sample_type_n; j++)
			count += strcmp(profile_str(&profiles[i], profiles[i].sample_types[j].type),
					 type) == 0;
	return count;
}

/* New column i is the old column from[i]. There are no more new ones than old ones. */
static void select_types(struct profile *p, const uint32_t *from, uint32_t n)
{
	uint32_t old_n = p->sample_type_n;
	struct value_type *types = mem_array(n, sizeof(*types));
	int64_t *row = mem_array(n, sizeof(*row));
	for (uint32_t i = 0; i < n; i++)
		types[i] = p->sample_types[from[i]];
	for (uint32_t s = 0; s < p->sample_n; s++) {
		for (uint32_t i = 0; i < n; i++)
			row[i] = p->values[(size_t)s * old_n + from[i]];
		memcpy(p->values + (size_t)s * n, row, n * sizeof(*row));
	}
	mem_free(row);
	mem_free(p->sample_types);
	p->sample_types = types;
	p->sample_type_n = p->sample_type_cap = n;
	profile_drop_unknown(p, 1 << MSG_VALUE_TYPE);
}

static int compatibilize(struct profile *p, char *const *types, uint32_t n, struct err *err)
{
	uint32_t *from = mem_array(n, sizeof(*from));
	bool modify = n != p->sample_type_n, has_default = false;
	int rc = 0;
	for (uint32_t i = 0; i < n; i++) {
		from[i] = find_type(p, types[i]);
		modify |= from[i] != i;
		has_default |= strcmp(types[i], profile_str(p, p->default_sample_type)) == 0;
		if (from[i] == PROFILE_NONE)
			rc = err_set(err, ERR_MISMATCH,
				"\"%s\" sample type is not found in profile", types[i]);
	}
	if (rc >= 0 && modify) {
		select_types(p, from, n);
		if (!has_default)
			p->default_sample_type = strtab_addstr(&p->strings, types[0]);
	}
	mem_free(from);
	return rc;
}

int profile_compatibilize(struct profile *profiles, uint32_t n, struct err *err)
{
	char **types = NULL;
	uint32_t type_n = 0, type_cap = 0;
	for (uint32_t i = 0; n && i < profiles[0].sample_type_n; i++) {
		const char *type = profile_str(&profiles[0], profiles[0].sample_types[i].type);
		if (count_type(profiles, n, type) == n)
			vec_push(types, type_n, type_cap, mem_strdup(type));
	}
	int rc = 0;
	if (!type_n)
		rc = err_set(err, ERR_MISMATCH, "profiles have empty common sample type list");
	for (uint32_t i = 0; i < n && rc >= 0; i++)
		rc = compatibilize(&profiles[i], types, type_n, err);
	for (uint32_t i = 0; i < type_n; i++)
		mem_free(types[i]);
	mem_free(types);
	return rc;
}
