/*
 * Running the call frame instructions of one FDE (DWARF 5 §6.4.2): at which pc which register is
 * found how.
 */
#ifndef SONDE_UNWIND_CFI_H
#define SONDE_UNWIND_CFI_H

#include "unwind/eh_frame.h"
#include "unwind/machine.h"

enum cfi_how {
	CFI_SAME, /* never mentioned, or said to be the same */
	CFI_UNDEFINED,
	CFI_OFFSET,	/* saved at CFA + value */
	CFI_VAL_OFFSET, /* is CFA + value */
	CFI_REGISTER,	/* is in register `value`; of the CFA itself: reg + value */
	CFI_EXPR,	/* saved at the expression's result; of the CFA itself: is the result */
	CFI_VAL_EXPR,	/* is the expression's result */
};

struct cfi_rule {
	const uint8_t *expr;
	int32_t value;
	uint16_t len; /* of expr */
	uint8_t how;
	uint8_t reg; /* of the CFA */
};

struct cfi_state {
	struct cfi_rule cfa;
	uint64_t set; /* registers whose rule is not CFI_SAME, by bit */
	struct cfi_rule regs[MACHINE_REGS_MAX];
};

#define CFI_REMEMBER_MAX 8

/* The interpreter's room, too large for a small stack. */
struct cfi_scratch {
	struct cfi_state now, initial, remembered[CFI_REMEMBER_MAX];
};

/* Calls `row` for each range of the FDE, in order, with the rules that hold in [from, to). 0, or -1
 * if the instructions break the rules: the rows before the break have been given. */
int cfi_run(const struct machine *machine, const struct eh_fde *fde, struct cfi_scratch *scratch,
	void (*row)(void *ctx, uint64_t from, uint64_t to, const struct cfi_state *state),
	void *ctx);

#endif
