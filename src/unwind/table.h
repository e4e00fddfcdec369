/*
 * The compact table of one module: for every pc range, one word that says how to find the caller.
 * Compiled once from .eh_frame, immutable afterwards, looked into from signal handlers. The format
 * is described in docs/unwinding.md.
 */
#ifndef SONDE_UNWIND_TABLE_H
#define SONDE_UNWIND_TABLE_H

#include "unwind/cfi.h"

/*
 * A rule: kind in bits 0-3, CFA offset in words in 4-15, and the words relative to the CFA where
 * the frame pointer (16-23) and the return address (24-31) are saved, signed, 0 for not saved. A
 * RULE_SIDE holds the index of a struct side in bits 4-31.
 */
enum rule_kind {
	RULE_NONE,     /* nothing is known of this pc */
	RULE_SP,       /* CFA = sp + offset */
	RULE_FP,       /* CFA = fp + offset */
	RULE_FP_DEREF, /* CFA = *(fp + signed offset); fp saved relative to fp, always */
	RULE_PLT,      /* CFA = sp + 8, or sp + 16 from byte `offset` of a 16-byte slot on */
	RULE_SIGNAL,   /* a signal frame: the interrupted registers are in a ucontext */
	RULE_END,      /* the outermost frame */
	RULE_SIDE,     /* anything else CFI can say */
};

#define RULE_CFA_MAX  0xfff
#define RULE_SLOT_MIN (-128)

static inline enum rule_kind rule_kind(uint32_t rule)
{
	return (enum rule_kind)(rule & 15);
}

static inline uint32_t rule_make(enum rule_kind kind, unsigned cfa, int fp, int ra)
{
	return (uint32_t)kind | (cfa & RULE_CFA_MAX) << 4 | (uint32_t)(uint8_t)fp << 16 |
	       (uint32_t)(uint8_t)ra << 24;
}

static inline unsigned rule_cfa(uint32_t rule)
{
	return rule >> 4 & RULE_CFA_MAX;
}

static inline int rule_cfa_signed(uint32_t rule)
{
	return (int32_t)(rule << 16) >> 20;
}

static inline int rule_fp(uint32_t rule)
{
	return (int8_t)(rule >> 16);
}

static inline int rule_ra(uint32_t rule)
{
	return (int8_t)(rule >> 24);
}

static inline uint32_t rule_side(uint32_t rule)
{
	return rule >> 4;
}

/* Where the machine's callee-saved registers are, in the order of machine.saved: words from the
 * CFA (or from fp, in an RULE_FP_DEREF row), 0 for not saved. */
struct saved_regs {
	int8_t slot[MACHINE_SAVED_MAX];
};

struct side_rule {
	int32_t value;
	uint32_t expr; /* offset in table.exprs */
	uint16_t len;
	uint8_t how; /* enum cfi_how */
	uint8_t reg;
};

struct side {
	struct side_rule cfa;
	struct side_rule regs[MACHINE_REGS_MAX];
};

struct table {
	size_t bytes;  /* of the whole mapping, this struct included */
	uint64_t base; /* what pcs[] count from: an address in the terms of the eh_section */
	uint32_t rows;
	uint32_t *pcs; /* ascending; row i holds in [pcs[i], pcs[i + 1]) */
	uint32_t *rules;
	uint16_t *saved; /* row -> index in saved_regs */
	struct saved_regs *saved_regs;
	struct side *sides;
	uint8_t *exprs;
	/* What the compiler met. */
	uint32_t fdes, bad, side_rows;
};

/* Compiles the FDEs whose code lies in [base, limit), a range below 4 GiB. Ordinary threads only.
 * 0; -ENOENT if there is not one, -E2BIG, -ENOMEM. */
int table_compile(const struct machine *machine, const struct eh_section *section, uint64_t base,
	uint64_t limit, struct table **ret);
void table_free(struct table *table);

/* AS-safe. The row that holds at base + rel, or -1. */
static inline int64_t table_find(const struct table *table, uint64_t rel)
{
	const uint32_t *from = table->pcs;
	uint32_t n = table->rows;
	if (!n || rel > UINT32_MAX || rel < *from)
		return -1;
	uint32_t pc = (uint32_t)rel;
	while (n > 1) { /* from[0] <= pc always; the branch is a conditional move */
		uint32_t half = n / 2;
		from = from[half] <= pc ? from + half : from;
		n -= half;
	}
	return from - table->pcs;
}

#endif
