/*
 * Hashing and the 64-bit-key map: see hash.h. hash_bytes reads eight bytes a step through one
 * 64×64→128 multiplication (wyhash's construction), which beats a byte loop tenfold on the path and
 * symbol names it is used for.
 */
#include "base/base.h"

static uint64_t fold(uint64_t a, uint64_t b)
{
	__uint128_t r = (__uint128_t)a * b;
	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
	const unsigned char *s = p;
	uint64_t h = seed ^ 0x9e3779b97f4a7c15u ^ n;
	uint64_t w;
	for (; n >= 8; n -= 8, s += 8) {
		memcpy(&w, s, 8);
		h = fold(h ^ w, 0xa0761d6478bd642fu);
	}
	w = 0;
	if (n)
		memcpy(&w, s, n);
	return fold(h ^ w, 0xe7037ed1a0b428dbu);
}

void map_init(struct map *map)
{
	*map = (struct map){0};
}

void map_release(struct map *map)
{
	mem_free(map->slots);
	map_init(map);
}

static struct map_slot *find(const struct map *map, uint64_t key)
{
	size_t i = hash_u64(key) & map->mask;
	while (map->slots[i].used && map->slots[i].key != key)
		i = (i + 1) & map->mask;
	return &map->slots[i];
}

static void resize(struct map *map, size_t slots)
{
	struct map old = *map;
	map->slots = mem_zalloc(slots * sizeof(*map->slots));
	map->mask = slots - 1;
	for (size_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i].used)
			*find(map, old.slots[i].key) = old.slots[i];
	mem_free(old.slots);
}

void map_reserve(struct map *map, size_t n)
{
	size_t slots = map->slots ? map->mask + 1 : 16;
	while (slots / 4 * 3 < n)
		slots *= 2;
	if (!map->slots || slots > map->mask + 1)
		resize(map, slots);
}

uint32_t *map_put(struct map *map, uint64_t key, bool *ret_new)
{
	map_reserve(map, map->n + 1);
	struct map_slot *slot = find(map, key);
	*ret_new = !slot->used;
	if (!slot->used) {
		*slot = (struct map_slot){.key = key, .used = 1};
		map->n++;
	}
	return &slot->value;
}

uint32_t *map_get(const struct map *map, uint64_t key)
{
	if (!map->slots)
		return NULL;
	struct map_slot *slot = find(map, key);
	return slot->used ? &slot->value : NULL;
}
