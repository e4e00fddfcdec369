/*
 * Growing, and closing the gap of a removed entry. See idmap.h.
 */
#include "gotrace/idmap.h"

#define SLOTS_MIN 16

static size_t home(const struct idmap *map, uint64_t key)
{
	return hash_u64(key) & map->mask;
}

static void insert(struct idmap *map, uint64_t key, uint32_t value)
{
	size_t i = home(map, key);
	while (map->slots[i].used)
		i = (i + 1) & map->mask;
	map->slots[i] = (struct idmap_slot){key, value, true};
}

static void grow(struct idmap *map)
{
	struct idmap old = *map;
	size_t slots = old.slots ? (old.mask + 1) * 2 : SLOTS_MIN;
	map->slots = mem_array(slots, sizeof(*map->slots));
	memset(map->slots, 0, slots * sizeof(*map->slots));
	map->mask = slots - 1;
	for (size_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i].used)
			insert(map, old.slots[i].key, old.slots[i].value);
	mem_free(old.slots);
}

void idmap_release(struct idmap *map)
{
	mem_free(map->slots);
	*map = (struct idmap){0};
}

void idmap_put(struct idmap *map, uint64_t key, uint32_t value)
{
	if (!map->slots || map->n >= (map->mask + 1) / 4 * 3)
		grow(map);
	insert(map, key, value);
	map->n++;
}

void idmap_remove(struct idmap *map, uint64_t key)
{
	if (idmap_get(map, key) == IDMAP_NONE)
		return;
	size_t gap = home(map, key);
	while (map->slots[gap].key != key)
		gap = (gap + 1) & map->mask;
	for (size_t i = (gap + 1) & map->mask; map->slots[i].used; i = (i + 1) & map->mask) {
		/* An entry may move to the gap unless its home lies between the gap and itself. */
		size_t from_home = (i - home(map, map->slots[i].key)) & map->mask;
		if (from_home >= ((i - gap) & map->mask)) {
			map->slots[gap] = map->slots[i];
			gap = i;
		}
	}
	map->slots[gap].used = false;
	map->n--;
}
