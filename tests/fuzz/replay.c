/*
 * Replays a folder of inputs through a fuzz entry point, each also cut short at a few places and
 * with a few bytes turned over: the corpus is small, and what breaks a parser is near to it. TAP.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define CUTS  16
#define FLIPS 64

static uint8_t *read_all(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	long n = ftell(f);
	rewind(f);
	uint8_t *data = malloc((size_t)n + 1);
	*ret_n = fread(data, 1, (size_t)n, f);
	fclose(f);
	return data;
}

/* A copy of exactly n bytes, so that a sanitizer sees reads past the end. */
static void run(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void run_around(uint8_t *data, size_t n)
{
	uint32_t random = 12345;
	run(data, n);
	for (size_t i = 1; i < CUTS && n; i++)
		run(data, n * i / CUTS);
	for (int i = 0; i < FLIPS && n; i++) {
		random = random * 1103515245 + 12345;
		size_t at = (random >> 4) % n;
		uint8_t was = data[at];
		data[at] ^= (uint8_t)(random >> 24 | 1);
		run(data, n);
		data[at] = was;
	}
}

int main(int argc, char **argv)
{
	int count = 0;
	DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
	if (!dir) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	for (struct dirent *e; (e = readdir(dir));) {
		char path[4096];
		size_t n;
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
		uint8_t *data = read_all(path, &n);
		if (!data)
			continue;
		run_around(data, n);
		free(data);
		printf("ok %d %s\n", ++count, e->d_name);
	}
	closedir(dir);
	printf("1..%d\n", count);
	return count ? 0 : 1;
}
