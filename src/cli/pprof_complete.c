/*
 * Completion in the shell: commands and variables for the first word and after `help`, values after
 * a `=`, functions of the profile everywhere else. A function is found by any part of its name.
 */
#include "cli/pprof_tool.h"

#include <stdlib.h>

static void offer(struct pprof_completions *c, const char *word, const char *typed, size_t n,
	const char *suffix)
{
	if (strncmp(word, typed, n) != 0)
		return;
	struct buf text = BUF_INIT;
	buf_printf(&text, "%s%s", word, suffix);
	vec_push(c->words, c->n, c->cap, buf_detach(&text, NULL));
}

static void offer_names(struct pprof_completions *c, const struct profile *p, const char *typed,
	size_t n, bool for_help)
{
	static const char *const other[] = {"exit", "help", "options", "quit"};
	for (const struct pprof_command *cmd = pprof_commands; cmd->name; cmd++)
		offer(c, cmd->name, typed, n, "");
	for (const struct config_field *f = config_fields; f->name; f++) {
		bool is_switch = f->kind == CONFIG_BOOL;
		offer(c, f->name, typed, n, is_switch || for_help ? "" : "=");
		for (size_t i = 0; for_help && f->choices && f->choices[i]; i++)
			offer(c, f->choices[i], typed, n, "");
	}
	for (size_t i = 0; i < array_len(other) && !for_help; i++)
		offer(c, other[i], typed, n, "");
	for (uint32_t i = 0; i < p->sample_type_n && !for_help; i++)
		offer(c, profile_str(p, p->sample_types[i].type), typed, n, "");
}

static void offer_values(struct pprof_completions *c, const struct profile *p, const char *name,
	size_t name_n, const char *typed, size_t n)
{
	char *variable = mem_strndup(name, name_n);
	const struct config_field *f = config_find(variable);
	for (size_t i = 0; f && f->choices && f->choices[i]; i++)
		offer(c, f->choices[i], typed, n, "");
	if (f && f->kind == CONFIG_BOOL) {
		offer(c, "true", typed, n, "");
		offer(c, "false", typed, n, "");
	}
	for (uint32_t i = 0; strcmp(variable, "sample_index") == 0 && i < p->sample_type_n; i++)
		offer(c, profile_str(p, p->sample_types[i].type), typed, n, "");
	mem_free(variable);
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_unique(struct pprof_completions *c)
{
	uint32_t n = 0;
	if (c->n)
		qsort(c->words, c->n, sizeof(*c->words), compare_words);
	for (uint32_t i = 0; i < c->n; i++) {
		if (n && strcmp(c->words[n - 1], c->words[i]) == 0)
			mem_free(c->words[i]);
		else
			c->words[n++] = c->words[i];
	}
	c->n = n;
}

static void offer_functions(
	struct pprof_completions *c, const struct profile *p, const char *typed, size_t n)
{
	char *part = mem_strndup(typed, n);
	for (uint32_t i = 0; n && i < p->function_n; i++) {
		const char *name = profile_str(p, p->functions[i].name);
		if (strstr(name, part))
			vec_push(c->words, c->n, c->cap, mem_strdup(name));
	}
	mem_free(part);
}

void pprof_complete(
	const struct profile *p, const char *line, size_t n, struct pprof_completions *ret)
{
	memset(ret, 0, sizeof(*ret));
	size_t first = 0, from = n;
	while (first < n && line[first] == ' ')
		first++;
	while (from > first && line[from - 1] != ' ')
		from--;
	const char *equals = memchr(line + first, '=', n - first);
	ret->from = from;
	if (equals && from == first) {
		ret->from = (size_t)(equals - line) + 1;
		offer_values(ret, p, line + first, (size_t)(equals - line) - first, equals + 1,
			n - ret->from);
	} else if (from == first) {
		offer_names(ret, p, line + from, n - from, false);
	} else if (strncmp(line + first, "help ", 5) == 0) {
		offer_names(ret, p, line + from, n - from, true);
	} else {
		ret->from += from < n && line[from] == '-';
		offer_functions(ret, p, line + ret->from, n - ret->from);
	}
	sort_unique(ret);
}

void pprof_completions_release(struct pprof_completions *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		mem_free(c->words[i]);
	mem_free(c->words);
}
