/*
 * A module loaded after start, that calls on into libc through its PLT.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

__attribute__((visibility("default"))) void plugin_run(int n);

static volatile int sink;

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 4);
}

__attribute__((noinline)) static void level(int n)
{
	char text[64], words[64][4];
	if (n) {
		level(n - 1);
		sink++;
		return;
	}
	for (int i = 0; i < 64; i++)
		snprintf(words[i], 4, "%d", i * 37 % 64);
	qsort(words, 64, 4, compare);
	sink += (int)strlen(words[3]) + atoi(words[4]) + (int)strtol(words[5], NULL, 10);
	struct tm tm = {.tm_year = 100};
	strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	sink += (int)strspn(text, "0123456789") + (strchr(text, '-') != NULL);
}

void plugin_run(int n)
{
	level(n);
}
