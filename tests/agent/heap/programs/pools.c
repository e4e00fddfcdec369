/*
 * A pool that reports itself: `pools WHAT N SEED` does N random operations on it, where WHAT says
 * where its chunks come from (malloc or mmap) and prints what it gave out: objects, bytes, live
 * objects, live bytes. Chunks of malloc's are hidden, but with "shown".
 */
#include <sonde/pprof.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK	((size_t)64 << 10)
#define HEAD	16 /* of a chunk: its first block has another address */
#define CLASSES 12 /* 16 bytes to 32 KiB */
#define SLOTS	4096

static enum { MALLOC, SHOWN, MMAP } source;
static uint64_t state;

static struct {
	uint64_t objects, bytes, live_objects, live_bytes;
} seen;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* --- the pool: free lists by powers of two, cut from chunks --- */

struct piece {
	struct piece *next;
};

static struct piece *pieces[CLASSES];
static char *rest, *rest_end;

__attribute__((noinline)) static char *chunk_new(void)
{
	char *p = source == MMAP ? mmap(NULL, HEAD + CHUNK, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
				 : malloc(HEAD + CHUNK);
	if (!p || p == MAP_FAILED)
		abort();
	if (source == MALLOC)
		sonde_heap_hide(p);
	return p + HEAD;
}

static unsigned class_of(size_t size)
{
	unsigned c = 0;
	while ((size_t)16 << c < size)
		c++;
	return c;
}

static void *cut(size_t size)
{
	if ((size_t)(rest_end - rest) < size) {
		rest = chunk_new();
		rest_end = rest + CHUNK;
	}
	char *p = rest;
	rest += size;
	return p;
}

__attribute__((noinline)) static void *pool_alloc(size_t size)
{
	unsigned c = class_of(size);
	struct piece *p = pieces[c];
	if (p)
		pieces[c] = p->next;
	else
		p = cut((size_t)16 << c);
	sonde_heap_alloc(p, size);
	seen.objects++;
	seen.bytes += size;
	seen.live_objects++;
	seen.live_bytes += size;
	return p;
}

static void pool_free(void *block, size_t size)
{
	struct piece *p = block;
	unsigned c = class_of(size);
	sonde_heap_free(p);
	p->next = pieces[c];
	pieces[c] = p;
	seen.live_objects--;
	seen.live_bytes -= size;
}

/* --- */

static struct {
	void *p;
	size_t size;
} blocks[SLOTS];

__attribute__((noinline)) static void work(uint64_t operations)
{
	for (uint64_t i = 0; i < operations; i++) {
		size_t slot = next_random() % SLOTS;
		if (blocks[slot].p) {
			pool_free(blocks[slot].p, blocks[slot].size);
			blocks[slot].p = NULL;
			continue;
		}
		blocks[slot].size = next_random() % ((size_t)16 << next_random() % CLASSES);
		blocks[slot].p = pool_alloc(blocks[slot].size);
	}
	__asm__ volatile("");
}

/* None of this is recorded, or was. */
static void nonsense(void)
{
	static char never_told;
	sonde_heap_alloc(NULL, 100);
	sonde_heap_free(NULL);
	sonde_heap_free(&never_told);
	sonde_heap_free((void *)1);
	sonde_heap_free((void *)UINTPTR_MAX);
	sonde_heap_hide(NULL);
	sonde_heap_hide(&never_told);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	source = strcmp(argv[1], "mmap") == 0	 ? MMAP
		 : strcmp(argv[1], "shown") == 0 ? SHOWN
						 : MALLOC;
	state = strtoull(argv[3], NULL, 10) * 0x9e3779b97f4a7c15u | 1;
	nonsense();
	work(strtoull(argv[2], NULL, 10));
	nonsense();
	printf("%lu %lu %lu %lu\n", seen.objects, seen.bytes, seen.live_objects, seen.live_bytes);
	return 0;
}
