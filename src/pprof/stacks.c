/*
 * Building a profile from named stacks. The maps go by 64-bit hashes of what they hold: two things
 * of one hash would become one, which among the millions of names a profile can have does not
 * happen by chance, and does a hostile input no good.
 */
#include "pprof/stacks.h"

void stacks_init(struct stacks *s, struct profile *p)
{
	*s = (struct stacks){.p = p};
	profile_init(p);
}

void stacks_release(struct stacks *s)
{
	map_release(&s->functions);
	map_release(&s->mappings);
	map_release(&s->locations);
	mem_free(s->stack);
}

static uint32_t intern(struct stacks *s, struct text t)
{
	return strtab_add(&s->p->strings, t.n ? t.s : "", t.n);
}

uint32_t stacks_function(struct stacks *s, struct text name, struct text file)
{
	struct function f = {.name = intern(s, name), .filename = intern(s, file)};
	f.system_name = f.name;
	bool is_new;
	uint32_t *index = map_put(&s->functions, (uint64_t)f.name << 32 | f.filename, &is_new);
	if (is_new)
		*index = profile_add_function(s->p, &f);
	return *index;
}

uint32_t stacks_mapping(struct stacks *s, struct text file)
{
	if (!file.n)
		return PROFILE_NONE;
	struct mapping m = {.file = intern(s, file), .has_functions = true};
	bool is_new;
	uint32_t *index = map_put(&s->mappings, m.file, &is_new);
	if (is_new)
		*index = profile_add_mapping(s->p, &m);
	return *index;
}

void stacks_push(struct stacks *s, uint32_t mapping, uint64_t address, const struct line *lines,
	uint32_t line_n)
{
	uint64_t key = hash_u64(address ^ (uint64_t)mapping << 32) + line_n;
	for (uint32_t i = 0; i < line_n; i++)
		key = hash_u64(
			      key ^ ((uint64_t)lines[i].function << 32 ^ (uint64_t)lines[i].line)) +
		      lines[i].function;
	bool is_new;
	uint32_t *index = map_put(&s->locations, key, &is_new);
	if (is_new)
		*index = profile_add_location(s->p, mapping, address, lines, line_n);
	vec_push(s->stack, s->stack_n, s->stack_cap, *index);
}

void stacks_sample(struct stacks *s, bool root_first, const int64_t *values,
	const struct label *labels, uint32_t label_n)
{
	for (uint32_t i = 0; root_first && i < s->stack_n / 2; i++) {
		uint32_t other = s->stack[s->stack_n - 1 - i];
		s->stack[s->stack_n - 1 - i] = s->stack[i];
		s->stack[i] = other;
	}
	profile_add_sample(s->p, s->stack, s->stack_n, values, labels, label_n);
	s->stack_n = 0;
}
