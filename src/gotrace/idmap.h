/*
 * A map from 64-bit ids to 32-bit indices. Private to gotrace.
 *
 * Goroutines come and go by the million, so that entries must go as well: base's struct map cannot
 * delete. Open addressing, linear probing, at most 3/4 full; a removed entry's successors move up
 * (no tombstones, which a long trace would fill the table with).
 */
#ifndef SONDE_GOTRACE_IDMAP_H
#define SONDE_GOTRACE_IDMAP_H

#include "base/base.h"

#define IDMAP_NONE UINT32_MAX

struct idmap_slot {
	uint64_t key;
	uint32_t value;
	bool used;
};

struct idmap {
	struct idmap_slot *slots; /* NULL: empty */
	size_t mask;		  /* slots - 1 */
	size_t n;
};

void idmap_release(struct idmap *map); /* the map is empty, and may be used again */
/* Adds an id that is not there yet. */
void idmap_put(struct idmap *map, uint64_t key, uint32_t value);
void idmap_remove(struct idmap *map, uint64_t key);

static inline uint32_t idmap_get(const struct idmap *map, uint64_t key)
{
	if (!map->slots)
		return IDMAP_NONE;
	for (size_t i = hash_u64(key) & map->mask; map->slots[i].used; i = (i + 1) & map->mask)
		if (map->slots[i].key == key)
			return map->slots[i].value;
	return IDMAP_NONE;
}

#endif
