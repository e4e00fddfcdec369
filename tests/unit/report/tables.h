/*
 * Tables of expected results, one case a line, fields separated by tabs: those kept aside with
 * google/pprof's own answers, where they are present (SONDE_SHARED names their folder).
 */
#ifndef SONDE_TESTS_REPORT_TABLES_H
#define SONDE_TESTS_REPORT_TABLES_H

#include "../unit.h"

#include "report/report.h"

enum {
	TABLE_FIELDS = 8,
};

/* Undoes Go's %q in place: "a\x1fb" -> a, 0x1f, b. A field without quotes stays as it is. */
static inline char *table_unquote(char *s)
{
	if (*s != '"')
		return s;
	char *out = s, *in = s + 1;
	for (; *in && *in != '"'; in++) {
		if (*in != '\\') {
			*out++ = *in;
			continue;
		}
		static const char from[] = "ntr\\\"abfv", to[] = "\n\t\r\\\"\a\b\f\v";
		const char *plain = strchr(from, *++in);
		char hex[3] = {0};
		if (plain) {
			*out++ = to[plain - from];
		} else if (*in == 'x') {
			memcpy(hex, in + 1, 2);
			*out++ = (char)strtol(hex, NULL, 16);
			in += 2;
		} else {
			fail_msg("escape \\%c in a table", *in);
		}
	}
	*out = '\0';
	return s;
}

/* Calls `check` for each line but comments; says so if the table is not there. Fails if fewer than
 * `min` lines were checked. Lines with a \u escape are left out. */
static inline void table_each(
	const char *name, size_t fields, size_t min, void (*check)(char *const *field))
{
	const char *shared = getenv("SONDE_SHARED");
	char path[512];
	snprintf(path, sizeof(path), "%s/cases/pprof/unit/%s", shared ? shared : "../shared", name);
	FILE *f = fopen(path, "r");
	if (!f) {
		printf("# %s: google/pprof's answers are not here, skipped\n", name);
		return;
	}
	char *line = NULL;
	size_t cap = 0, n = 0;
	for (ssize_t len; (len = getline(&line, &cap, f)) > 0;) {
		if (*line == '#' || strstr(line, "\\u"))
			continue;
		line[len - 1] = '\0';
		char *field[TABLE_FIELDS] = {0}, *rest = line;
		for (size_t i = 0; i < fields; i++) {
			field[i] = strsep(&rest, "\t");
			assert_non_null(field[i]);
			table_unquote(field[i]);
		}
		check(field);
		n++;
	}
	free(line);
	fclose(f);
	assert_true(n >= min);
}

#endif
