/*
 * Values by what they were made for: the last few that were asked for. A handful, so a list is
 * searched from the front; the one found goes to the front.
 */
#include "web/internal.h"

struct entry {
	char *key;
	void *value;
	size_t size;
};

struct lru {
	struct entry *entries; /* last asked for first */
	unsigned n, count_max;
	size_t size, size_max;
	lru_free_fn *free_value;
};

struct lru *lru_new(unsigned count_max, size_t size_max, lru_free_fn *free_value)
{
	struct lru *c = mem_zalloc(sizeof(*c));
	c->entries = mem_array((size_t)count_max + 1, sizeof(*c->entries));
	c->count_max = count_max;
	c->size_max = size_max;
	c->free_value = free_value;
	return c;
}

static void drop_last(struct lru *c)
{
	struct entry *last = &c->entries[--c->n];
	c->size -= last->size;
	c->free_value(last->value);
	mem_free(last->key);
}

void lru_free(struct lru *c)
{
	if (!c)
		return;
	while (c->n)
		drop_last(c);
	mem_free(c->entries);
	mem_free(c);
}

void *lru_get(struct lru *c, const char *key)
{
	for (unsigned i = 0; i < c->n; i++) {
		struct entry found = c->entries[i];
		if (strcmp(found.key, key) != 0)
			continue;
		memmove(c->entries + 1, c->entries, i * sizeof(found));
		c->entries[0] = found;
		return found.value;
	}
	return NULL;
}

void lru_put(struct lru *c, const char *key, void *value, size_t size)
{
	memmove(c->entries + 1, c->entries, c->n * sizeof(*c->entries));
	c->entries[0] = (struct entry){.key = mem_strdup(key), .value = value, .size = size};
	c->size += size;
	c->n++;
	while (c->n > 1 && (c->n > c->count_max || c->size > c->size_max))
		drop_last(c);
}
