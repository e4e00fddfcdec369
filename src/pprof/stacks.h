/*
 * Building a profile from stacks that come as names: each function, object and place once.
 */
#ifndef SONDE_PPROF_STACKS_H
#define SONDE_PPROF_STACKS_H

#include "pprof/text.h"

struct stacks {
	struct profile *p;
	struct map functions; /* name and file, hashed -> index */
	struct map mappings;  /* file -> index */
	struct map locations; /* hashed -> index */
	uint32_t *stack;      /* being built, in the order pushed */
	uint32_t stack_n, stack_cap;
};

void stacks_init(struct stacks *s, struct profile *p);
void stacks_release(struct stacks *s);
/* The function of that name; no file if `file.n` is 0. */
uint32_t stacks_function(struct stacks *s, struct text name, struct text file);
/* A mapping that is known by its file only; PROFILE_NONE for none. */
uint32_t stacks_mapping(struct stacks *s, struct text file);
/* Pushes the place with these lines (innermost first). */
void stacks_push(struct stacks *s, uint32_t mapping, uint64_t address, const struct line *lines,
	uint32_t line_n);
/* A sample of what was pushed, which is then empty; reversed if the root was pushed first. */
void stacks_sample(struct stacks *s, bool root_first, const int64_t *values,
	const struct label *labels, uint32_t label_n);

#endif
