/*
 * The object layer on bytes that claim to be an ELF file: symbols, frames over the whole range of
 * addresses, where it was mapped, and instructions. No files are looked for.
 */
#include "object/object.h"

static uint32_t word(const uint8_t *data, size_t n, size_t at)
{
	uint32_t v = 0;
	if (at + 4 <= n)
		memcpy(&v, data + at, 4);
	return v;
}

static void ignore(void *ctx, const struct object_inst *inst)
{
	*(uint64_t *)ctx += inst->size;
}

static void look_up(struct object *obj, uint64_t addr)
{
	const struct object_frame *frames;
	size_t n = object_frames(obj, addr, &frames);
	for (size_t i = 0; i < n; i++) {
		/* Strings must be there and end. */
		if (strlen(frames[i].function) + strlen(frames[i].file) == SIZE_MAX)
			__builtin_trap();
	}
}

static void map_it(struct object *obj, const uint8_t *data, size_t n)
{
	struct object_mapping map = {.start = (uint64_t)word(data, n, 24) << 12,
		.offset = (uint64_t)word(data, n, 32) << 12};
	uint64_t base;
	bool is_data;
	map.limit = map.start + ((uint64_t)word(data, n, 40) << 12);
	if (object_check_mapping(obj, &map, NULL) < 0)
		return;
	if (object_base(obj, &map, map.start + 100, &base, &is_data, NULL) >= 0)
		look_up(obj, map.start + 100 - base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct object_opts opts = {.debug_dirs = ""};
	struct object *obj;
	uint64_t decoded = 0;
	size_t symbol_n;
	if (n > 1 << 20)
		return 0;
	char *copy = mem_alloc(n + 1);
	memcpy(copy, data, n);
	if (object_open_memory(&obj, "fuzz", copy, n, &opts, NULL) >= 0) {
		const struct object_symbol *symbols = object_symbols(obj, &symbol_n);
		for (size_t i = 0; i < symbol_n && i < 64; i++) {
			look_up(obj, symbols[i].addr);
			look_up(obj, symbols[i].addr + symbols[i].size / 2);
		}
		for (uint64_t addr = 0; addr < 0x8000; addr += 0x101)
			look_up(obj, addr);
		look_up(obj, UINT64_MAX);
		map_it(obj, data, n);
		int rc =
			object_disasm(obj, 0x1000, 0x1200, data[n - 1] & 1, ignore, &decoded, NULL);
		if (rc >= 0 && decoded > 0x200 + 16)
			__builtin_trap();
		object_free(obj);
	}
	mem_free(copy);
	return 0;
}
