/*
 * Ids of strings and stacks, dense as Go's tracer hands them out. See tables.h.
 */
#include "gotrace/tables.h"

void ids_add(struct ids *ids, uint64_t id, uint32_t index)
{
	idmap_put(&ids->map, id, index);
	if (id > ids->max)
		ids->max = id;
}

void ids_finish(struct ids *ids)
{
	if (!ids->map.n || ids->max / 4 > ids->map.n)
		return;
	ids->dense_n = ids->max + 1;
	ids->dense = mem_array(ids->dense_n, sizeof(*ids->dense));
	memset(ids->dense, 0xff, ids->dense_n * sizeof(*ids->dense));
	for (size_t i = 0; i <= ids->map.mask; i++)
		if (ids->map.slots[i].used)
			ids->dense[ids->map.slots[i].key] = ids->map.slots[i].value;
	idmap_release(&ids->map);
}

void ids_release(struct ids *ids)
{
	idmap_release(&ids->map);
	mem_free(ids->dense);
	*ids = (struct ids){0};
}
