/*
 * DWARF expressions as call frame information uses them (DWARF 5 §2.5, §6.4.2). AS-safe.
 */
#ifndef SONDE_UNWIND_EXPR_H
#define SONDE_UNWIND_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct expr_env {
	const uint64_t *regs;
	unsigned regs_n;
	/* Reads the 8-byte word at addr; false if there is none. */
	bool (*read)(void *ctx, uintptr_t addr, uint64_t *ret);
	void *ctx;
};

enum expr_result { EXPR_OK, EXPR_BAD, EXPR_FAULT };

/* Evaluates [expr, expr + len) with the `pushed` words, at most one, on the stack to begin with. */
enum expr_result expr_eval(const uint8_t *expr, size_t len, const struct expr_env *env,
	const uint64_t *pushed, uint64_t *ret);

#endif
