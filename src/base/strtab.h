/*
 * String table: each distinct string once, named by a 32-bit id. Id 0 is always "". Strings may
 * hold any bytes, NUL included; each is followed by a NUL of its own.
 */
#ifndef SONDE_BASE_STRTAB_H
#define SONDE_BASE_STRTAB_H

struct str {
	const char *s;
	uint32_t len;
	uint32_t hash;
};

struct strtab {
	struct arena arena;
	struct str *strs; /* by id */
	uint32_t n;
	uint32_t cap;
	uint32_t *slots; /* id + 1, 0 if free */
	uint32_t mask;
};

void strtab_init(struct strtab *tab); /* holds "" afterwards */
void strtab_release(struct strtab *tab);
/* A table with the same strings under the same ids. `dst` is uninitialised. */
void strtab_copy(struct strtab *dst, const struct strtab *src);
/* Order by bytes, as Go compares strings. */
int strtab_cmp(const struct strtab *tab, uint32_t a, uint32_t b);
/* The id of the string, added if new. */
uint32_t strtab_add(struct strtab *tab, const char *s, size_t len);
uint32_t strtab_addstr(struct strtab *tab, const char *s);
/* As strtab_add, but `s` is not copied: it must live as long as the table and end with a NUL. */
uint32_t strtab_add_static(struct strtab *tab, const char *s, size_t len);
/* The id, or UINT32_MAX if the table does not hold it. */
uint32_t strtab_find(const struct strtab *tab, const char *s, size_t len);

static inline const char *strtab_get(const struct strtab *tab, uint32_t id)
{
	return tab->strs[id].s;
}

static inline uint32_t strtab_len(const struct strtab *tab, uint32_t id)
{
	return tab->strs[id].len;
}

#endif
