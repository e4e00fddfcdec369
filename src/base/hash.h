/*
 * Hashing, and a map from 64-bit keys to 32-bit values.
 */
#ifndef SONDE_BASE_HASH_H
#define SONDE_BASE_HASH_H

/* Mixes one word: every input bit reaches every output bit. */
static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

/* Bytes, seeded. Not for keys an attacker chooses to collide with other people's data. */
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);

struct map_slot {
	uint64_t key;
	uint32_t value;
	uint32_t used;
};

/* Open addressing, linear probing, at most 3/4 full; no deletion. */
struct map {
	struct map_slot *slots;
	size_t mask; /* slots - 1 */
	size_t n;
};

void map_init(struct map *map);
void map_release(struct map *map);
void map_reserve(struct map *map, size_t n);
/* The value's place: set *ret_new says whether the key was just added (value then 0). The pointer
 * holds until the next map_put(). */
uint32_t *map_put(struct map *map, uint64_t key, bool *ret_new);
/* NULL if the key is not there. */
uint32_t *map_get(const struct map *map, uint64_t key);

#endif
