/*
 * stacks: the stack table. Each distinct call stack is stored once, and counted under it.
 *
 * Append-only and lock-free: a hash of 2^16 chains, new stacks pushed at the head of their chain,
 * counts at the head of their stack's list. All of it async-signal-safe. A thread killed between
 * two steps leaves memory nobody links to, never a broken link. Rejected: a lock a bucket (a
 * handler that interrupts the holder on its own thread would wait for ever), and per-thread tables
 * merged later (memory grows with threads, and a killed process has nobody to merge them).
 */
#ifndef SONDE_AGENT_STACKS_H
#define SONDE_AGENT_STACKS_H

#include "agent/recording.h"

struct captured {
	const uintptr_t *pcs; /* leaf first, at least one */
	size_t n;
	uint8_t flags; /* enum recording_stack_flags */
	uint8_t end;   /* enum recording_end */
};

/* The stack's record, new or old; NULL when there is no memory for it. */
struct recording_stack *stacks_intern(struct recording *rec, const struct captured *stack);
/* Adds values[0..n) to the stack's count of this kind and label set; false if there is no memory.
 */
bool stacks_count(struct recording *rec, struct recording_stack *stack, enum recording_kind kind,
	uint32_t labels, const uint64_t *values, unsigned n);

#endif
