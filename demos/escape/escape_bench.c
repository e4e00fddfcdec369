// bench: sources escape.c
#include "escape.h"

#include <sonde/bench.h>
#include <stdlib.h>
#include <string.h>

static void escape_bytes(struct bench *b, size_t n)
{
	char *text = malloc(n + 1), *out = malloc(6 * n + 3);
	for (size_t i = 0; i < n; i++)
		text[i] = i % 16 ? (char)('a' + i % 26) : '"';
	text[n] = '\0';
	bench_set_bytes(b, (int64_t)n);
	while (bench_loop(b)) {
		escape(out, text);
		bench_keep(out);
	}
	free(text);
	free(out);
}

BENCH(EscapeShort)
{
	escape_bytes(b, 64);
}
BENCH(EscapeLong)
{
	escape_bytes(b, 16384);
}
