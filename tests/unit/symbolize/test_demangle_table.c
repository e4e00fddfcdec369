/*
 * Every row of a table taken from pprof's demangler: test_demangle_table TABLE. Exits with 77,
 * which counts as skipped, where the table is not there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "symbolize/symbolize.h"

/* One field of the table: a Go string literal, with at most \" \\ and \xNN in it. */
static const char *field(const char *s, char *ret)
{
	for (s++; *s != '"'; s++) {
		unsigned byte;
		if (*s == '\\' && *++s == 'x') {
			sscanf(s + 1, "%2x", &byte);
			*ret++ = (char)byte;
			s += 2;
		} else {
			*ret++ = *s;
		}
	}
	*ret = 0;
	return s + 2;
}

/* libiberty's own limits, all in full mode; docs/symbolization.md says which they are. */
#define KNOWN_DIFFERENCES 12

static bool check_row(const char *line, int *differ)
{
	static char name[1 << 14], want[1 << 14];
	bool ok = true;
	line = field(line, name);
	for (int mode = DEMANGLE_DEFAULT; mode <= DEMANGLE_NONE; mode++) {
		struct buf out = BUF_INIT;
		line = field(line, want);
		demangle_function(&out, name, (enum demangle_mode)mode);
		bool same = !strcmp(out.data, want);
		if (!same && mode == DEMANGLE_FULL) {
			++*differ;
		} else if (!same) {
			printf("%s\n  want %s\n  got  %s\n", name, want, out.data);
			ok = false;
		}
		buf_release(&out);
	}
	return ok;
}

int main(int argc, char **argv)
{
	static char line[1 << 16];
	int rows = 0, wrong = 0, differ = 0;
	FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
	if (!f)
		return 77;
	for (; fgets(line, sizeof(line), f);) {
		if (line[0] != '"')
			continue;
		rows++;
		wrong += !check_row(line, &differ);
	}
	fclose(f);
	printf("%d rows, %d wrong, %d differ in full mode\n", rows, wrong, differ);
	return !rows || wrong || differ > KNOWN_DIFFERENCES;
}
