/*
 * frames FILE: reads addresses of the file, a hexadecimal number a line, and prints the calls at
 * each as `llvm-symbolizer --inlining --addresses` does. With "-" after FILE, only prints how many
 * frames there were: for measuring. For the comparison and the benchmark.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "object/object.h"

static const char *known(const char *s)
{
	return s[0] ? s : "??";
}

static void print(uint64_t addr, const struct object_frame *frames, size_t n)
{
	printf("0x%" PRIx64 "\n", addr);
	if (!n)
		printf("??\n??:0:0\n");
	for (size_t i = 0; i < n; i++)
		printf("%s\n%s:%u:%u\n", known(frames[i].function), known(frames[i].file),
			frames[i].line, frames[i].column);
	printf("\n");
}

int main(int argc, char **argv)
{
	struct object *obj;
	struct err err = ERR_INIT;
	char line[64];
	size_t total = 0;
	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE [-] <ADDRESSES\n", argv[0]);
		return 2;
	}
	if (object_open(&obj, argv[1], NULL, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		const struct object_frame *frames;
		uint64_t addr = strtoull(line, NULL, 16);
		size_t n = object_frames(obj, addr, &frames);
		total += n;
		if (argc == 2)
			print(addr, frames, n);
	}
	if (argc > 2)
		printf("%zu frames\n", total);
	object_free(obj);
	return 0;
}
