// bench: cflags -I../../src -I../../include -D_GNU_SOURCE
// bench: sources ../../src/base/arena.c ../../src/base/buf.c ../../src/base/err.c
// bench: sources ../../src/base/goflag.c ../../src/base/gzip.c ../../src/base/hash.c
// bench: sources ../../src/base/mem.c ../../src/base/path.c ../../src/base/regex.c
// bench: sources ../../src/base/strtab.c ../../src/base/wire.c
// bench: libs -lz
/*
 * What everything else stands on: hashing, interning, the map, varints, gzip, patterns.
 */
#include "base/base.h"

#include <sonde/bench.h>

#include <stdio.h>

#define WORDS 4096

static char words[WORDS][32];

static void make_words(void)
{
	for (int i = 0; i < WORDS; i++)
		snprintf(words[i], sizeof(words[i]), "function_%d_name", i * 7919);
}

static const struct {
	const char *name;
	size_t size;
} sizes[] = {{"size=16", 16}, {"size=256", 256}, {"size=64k", 65536}};

BENCH_TABLE(Hash, sizes)
{
	char *p = mem_zalloc(row->size);
	bench_set_bytes(b, (int64_t)row->size);
	while (bench_loop(b))
		bench_keep(hash_bytes(p, row->size, 1));
	mem_free(p);
}

BENCH(MapPut)
{
	bench_report_allocs(b);
	while (bench_loop(b)) {
		struct map map;
		bool is_new;
		map_init(&map);
		for (uint64_t i = 0; i < 1000; i++)
			*map_put(&map, hash_u64(i), &is_new) = (uint32_t)i;
		map_release(&map);
	}
}

BENCH(MapGet)
{
	struct map map;
	bool is_new;
	uint64_t i = 0;
	map_init(&map);
	for (uint64_t k = 0; k < WORDS; k++)
		*map_put(&map, hash_u64(k), &is_new) = 1;
	while (bench_loop(b))
		bench_keep(map_get(&map, hash_u64(i++ % WORDS)));
	map_release(&map);
}

BENCH(BufPrintf)
{
	struct buf buf = BUF_INIT;
	while (bench_loop(b)) {
		buf_clear(&buf);
		buf_printf(&buf, "%s: %d", "samples", 1234567);
		bench_keep(buf.data);
	}
	buf_release(&buf);
}

BENCH(ArenaAlloc)
{
	struct arena arena;
	arena_init(&arena);
	int64_t n = 0;
	while (bench_loop(b)) {
		bench_keep(arena_alloc(&arena, 48));
		if (++n % 65536 == 0) {
			arena_release(&arena);
			arena_init(&arena);
		}
	}
	arena_release(&arena);
}

static const struct {
	const char *name, *pattern;
} patterns[] = {{"literal", "name"}, {"class", "[0-9]+_name$"}, {"alternation", "foo|bar|_9.*e"}};

BENCH_TABLE(RegexMatch, patterns)
{
	struct regex *re;
	size_t i = 0;
	make_words();
	if (regex_compile(&re, row->pattern, NULL) < 0)
		bench_fatal(b, "%s does not compile", row->pattern);
	while (bench_loop(b)) {
		const char *word = words[i++ % WORDS];
		bench_keep(regex_match(re, word, strlen(word)));
	}
	regex_free(re);
}
