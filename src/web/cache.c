/*
 * Flame graphs by what they were made for: the last few that were asked for. A handful, so a list
 * is searched from the front; the one found goes to the front.
 */
#include "web/internal.h"

struct entry {
	char *key;
	struct flame *flame;
};

struct flame_cache {
	struct entry *entries; /* last asked for first */
	unsigned n, count_max;
	size_t size, size_max;
};

struct flame_cache *flame_cache_new(unsigned count_max, size_t size_max)
{
	struct flame_cache *c = mem_zalloc(sizeof(*c));
	c->entries = mem_array((size_t)count_max + 1, sizeof(*c->entries));
	c->count_max = count_max;
	c->size_max = size_max;
	return c;
}

static void drop_last(struct flame_cache *c)
{
	struct entry *last = &c->entries[--c->n];
	c->size -= flame_size(last->flame);
	flame_free(last->flame);
	mem_free(last->key);
}

void flame_cache_free(struct flame_cache *c)
{
	while (c->n)
		drop_last(c);
	mem_free(c->entries);
	mem_free(c);
}

const struct flame *flame_cache_get(struct flame_cache *c, const char *key)
{
	for (unsigned i = 0; i < c->n; i++) {
		struct entry found = c->entries[i];
		if (strcmp(found.key, key) != 0)
			continue;
		memmove(c->entries + 1, c->entries, i * sizeof(found));
		c->entries[0] = found;
		return found.flame;
	}
	return NULL;
}

const struct flame *flame_cache_put(struct flame_cache *c, const char *key, struct flame *f)
{
	memmove(c->entries + 1, c->entries, c->n * sizeof(*c->entries));
	c->entries[0] = (struct entry){.key = mem_strdup(key), .flame = f};
	c->size += flame_size(f);
	c->n++;
	while (c->n > 1 && (c->n > c->count_max || c->size > c->size_max))
		drop_last(c);
	return f;
}
