/*
 * stacks: the stack table and the count table. Each distinct call stack is stored once; what is
 * counted is told apart by stack, kind, labels and key.
 *
 * Append-only and lock-free: two hashes of 2^16 chains, what is new pushed at the head of its
 * chain. All of it async-signal-safe. A thread killed between
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
/* The count of this stack, kind, label set and key, new (of zeros) or old; NULL when there is no
 * memory for it. It never moves: it may be added to at any later time. */
struct recording_count *stacks_count(struct recording *rec, const struct recording_stack *stack,
	enum recording_kind kind, uint32_t labels, uint64_t key, unsigned n);

#endif
