/*
 * The stacks of a profile, each a list of locations, leaf first, in as few bytes as can be had
 * without losing speed: a sixth to a third of four bytes a frame.
 *
 * Stacks are only ever added. A place is what frames_add() returned; it holds as long as the
 * frames.
 */
#ifndef SONDE_PPROF_FRAMES_H
#define SONDE_PPROF_FRAMES_H

struct frames_tail;

struct frames {
	uint8_t *bytes;
	size_t n, cap;
	uint32_t top; /* the largest location ever added, plus 1; 0: none */

	/* Where tails begin that the next stack may share; dropped by frames_seal(). */
	struct frames_tail *tails;
	uint32_t tail_slots, tail_n;
	uint32_t *hashes; /* of the tails of the stack being added */
	size_t hash_cap;
};

/* One stack as it is read. Zeroed it is empty; to be released. */
struct stack {
	uint32_t *at;
	uint32_t n;
	size_t cap;
};

void frames_release(struct frames *f);
/* A stack of n locations; its place. */
uint32_t frames_add(struct frames *f, const uint32_t *stack, uint32_t n);
/* The stack at a place, into `ret`: ret->at[0 .. ret->n), also returned. */
const uint32_t *frames_get(const struct frames *f, uint32_t place, struct stack *ret);
/* The stack at a place is asked for soon: what it shares is fetched. */
void frames_expect(const struct frames *f, uint32_t place);
/* Gives back what only adding needs. Adding still works afterwards. */
void frames_seal(struct frames *f);
/* `dst` is uninitialised; places are the same. */
void frames_copy(struct frames *dst, const struct frames *src);

/* Room for n frames, none of them kept; never NULL. */
uint32_t *stack_room(struct stack *s, size_t n);
void stack_release(struct stack *s);

#endif
