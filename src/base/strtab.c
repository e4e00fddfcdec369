/*
 * String table: an id-ordered array over an arena, and an open-addressing table of ids, at most
 * half full, that compares the stored 32-bit hash before it touches a string.
 */
#include "base/base.h"

void strtab_init(struct strtab *tab)
{
	*tab = (struct strtab){0};
	arena_init(&tab->arena);
	strtab_add_static(tab, "", 0);
}

void strtab_release(struct strtab *tab)
{
	arena_release(&tab->arena);
	mem_free(tab->strs);
	mem_free(tab->slots);
	*tab = (struct strtab){0};
}

void strtab_copy(struct strtab *dst, const struct strtab *src)
{
	*dst = *src;
	arena_init(&dst->arena);
	dst->cap = src->n;
	dst->strs = mem_array(src->n, sizeof(*dst->strs));
	for (uint32_t id = 0; id < src->n; id++) {
		dst->strs[id] = src->strs[id];
		dst->strs[id].s = arena_strndup(&dst->arena, src->strs[id].s, src->strs[id].len);
	}
	size_t slots = ((size_t)src->mask + 1) * sizeof(*dst->slots);
	dst->slots = memcpy(mem_alloc(slots), src->slots, slots);
}

int strtab_cmp(const struct strtab *tab, uint32_t a, uint32_t b)
{
	if (a == b)
		return 0;
	const struct str *x = &tab->strs[a], *y = &tab->strs[b];
	int cmp = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);
	return cmp ? cmp : x->len < y->len ? -1 : x->len > y->len;
}

static void grow(struct strtab *tab)
{
	uint32_t slots = tab->slots ? (tab->mask + 1) * 2 : 64;
	mem_free(tab->slots);
	tab->slots = mem_zalloc((size_t)slots * sizeof(*tab->slots));
	tab->mask = slots - 1;
	for (uint32_t id = 0; id < tab->n; id++) {
		uint32_t i = tab->strs[id].hash & tab->mask;
		while (tab->slots[i])
			i = (i + 1) & tab->mask;
		tab->slots[i] = id + 1;
	}
}

/* The slot that holds the string, or the free one where it belongs. */
static uint32_t *lookup(const struct strtab *tab, const char *s, size_t len, uint32_t hash)
{
	uint32_t i = hash & tab->mask;
	for (; tab->slots[i]; i = (i + 1) & tab->mask) {
		const struct str *str = &tab->strs[tab->slots[i] - 1];
		if (str->hash == hash && str->len == len && !memcmp(str->s, s, len))
			break;
	}
	return &tab->slots[i];
}

static uint32_t add(struct strtab *tab, const char *s, size_t len, bool copy)
{
	if (len >= UINT32_MAX)
		len = UINT32_MAX - 1; /* no format here has such a string; never wrap a length */
	if (!tab->slots || tab->n >= (tab->mask + 1) / 2)
		grow(tab);
	uint32_t hash = (uint32_t)hash_bytes(s, len, 0);
	uint32_t *slot = lookup(tab, s, len, hash);
	if (*slot)
		return *slot - 1;
	struct str str = {.s = s, .len = (uint32_t)len, .hash = hash};
	if (copy)
		str.s = arena_strndup(&tab->arena, s, len);
	vec_push(tab->strs, tab->n, tab->cap, str);
	*slot = tab->n;
	return tab->n - 1;
}

uint32_t strtab_add(struct strtab *tab, const char *s, size_t len)
{
	return add(tab, s, len, true);
}

uint32_t strtab_addstr(struct strtab *tab, const char *s)
{
	return add(tab, s, strlen(s), true);
}

uint32_t strtab_add_static(struct strtab *tab, const char *s, size_t len)
{
	return add(tab, s, len, false);
}

uint32_t strtab_find(const struct strtab *tab, const char *s, size_t len)
{
	if (!tab->slots)
		return UINT32_MAX;
	uint32_t slot = *lookup(tab, s, len, (uint32_t)hash_bytes(s, len, 0));
	return slot ? slot - 1 : UINT32_MAX;
}
