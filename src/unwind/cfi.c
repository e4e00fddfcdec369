/*
 * The call frame interpreter: see cfi.h.
 */
#include "unwind/cfi.h"

enum {
	/* the two high bits, with an operand in the low six */
	ADVANCE_LOC = 1,
	OFFSET = 2,
	RESTORE = 3,
	/* the whole byte */
	NOP = 0x00,
	SET_LOC = 0x01,
	ADVANCE_LOC1 = 0x02,
	ADVANCE_LOC2 = 0x03,
	ADVANCE_LOC4 = 0x04,
	OFFSET_EXTENDED = 0x05,
	RESTORE_EXTENDED = 0x06,
	UNDEFINED = 0x07,
	SAME_VALUE = 0x08,
	REGISTER = 0x09,
	REMEMBER_STATE = 0x0a,
	RESTORE_STATE = 0x0b,
	DEF_CFA = 0x0c,
	DEF_CFA_REGISTER = 0x0d,
	DEF_CFA_OFFSET = 0x0e,
	DEF_CFA_EXPRESSION = 0x0f,
	EXPRESSION = 0x10,
	OFFSET_EXTENDED_SF = 0x11,
	DEF_CFA_SF = 0x12,
	DEF_CFA_OFFSET_SF = 0x13,
	VAL_OFFSET = 0x14,
	VAL_OFFSET_SF = 0x15,
	VAL_EXPRESSION = 0x16,
	AARCH64_NEGATE_RA_STATE_WITH_PC = 0x2c,
	AARCH64_NEGATE_RA_STATE = 0x2d,
	GNU_ARGS_SIZE = 0x2e,
	GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

struct run {
	const struct machine *machine;
	const struct eh_fde *fde;
	struct cfi_scratch *s;
	struct eh_cursor c;
	unsigned remembered;
	uint64_t pc, end;
	void (*row)(void *ctx, uint64_t from, uint64_t to, const struct cfi_state *state);
	void *ctx;
};

static int32_t narrow(struct run *r, int64_t value)
{
	if (value != (int32_t)value)
		r->c.bad = true;
	return (int32_t)value;
}

/* value * data alignment, as the factored operands want. */
static int32_t factored(struct run *r, int64_t value)
{
	int64_t product;
	if (__builtin_mul_overflow(value, r->fde->cie->data_align, &product))
		r->c.bad = true;
	return r->c.bad ? 0 : narrow(r, product);
}

static void rule_set(struct run *r, uint64_t reg, enum cfi_how how, int32_t value)
{
	if (reg >= r->machine->regs)
		return; /* a vector register: no address depends on it */
	struct cfi_state *now = &r->s->now;
	now->regs[reg] = (struct cfi_rule){.how = (uint8_t)how, .value = value};
	now->set &= ~(UINT64_C(1) << reg);
	if (how != CFI_SAME)
		now->set |= UINT64_C(1) << reg;
}

static struct cfi_rule expression(struct run *r, enum cfi_how how)
{
	uint64_t len = eh_uleb(&r->c);
	const uint8_t *expr = eh_skip(&r->c, len);
	if (len > UINT16_MAX)
		r->c.bad = true;
	return (struct cfi_rule){.expr = expr, .len = (uint16_t)len, .how = (uint8_t)how};
}

static void rule_expression(struct run *r, enum cfi_how how)
{
	uint64_t reg = eh_uleb(&r->c);
	struct cfi_rule rule = expression(r, how);
	rule_set(r, reg, how, 0);
	if (reg < r->machine->regs)
		r->s->now.regs[reg] = rule;
}

static void restore(struct run *r, uint64_t reg)
{
	if (reg >= r->machine->regs)
		return;
	struct cfi_state *now = &r->s->now, *initial = &r->s->initial;
	uint64_t bit = UINT64_C(1) << reg;
	now->regs[reg] = initial->regs[reg];
	now->set = (now->set & ~bit) | (initial->set & bit);
}

static void def_cfa(struct run *r, uint64_t reg, int32_t value)
{
	if (reg >= r->machine->regs)
		r->c.bad = true;
	else
		r->s->now.cfa =
			(struct cfi_rule){.how = CFI_REGISTER, .reg = (uint8_t)reg, .value = value};
}

static void advance_to(struct run *r, uint64_t pc)
{
	if (pc < r->pc) {
		r->c.bad = true;
		return;
	}
	uint64_t to = pc < r->end ? pc : r->end;
	if (to > r->pc)
		r->row(r->ctx, r->pc, to, &r->s->now);
	r->pc = pc;
}

static void advance(struct run *r, uint64_t delta)
{
	uint64_t bytes, pc;
	if (__builtin_mul_overflow(delta, r->fde->cie->code_align, &bytes) ||
		__builtin_add_overflow(r->pc, bytes, &pc))
		r->c.bad = true;
	else
		advance_to(r, pc);
}

static void remember(struct run *r)
{
	if (r->remembered == CFI_REMEMBER_MAX)
		r->c.bad = true;
	else
		r->s->remembered[r->remembered++] = r->s->now;
}

static void restore_state(struct run *r)
{
	if (!r->remembered)
		r->c.bad = true;
	else
		r->s->now = r->s->remembered[--r->remembered];
}

/* One instruction that fills its byte. */
static void extended(struct run *r, uint8_t op)
{
	struct eh_cursor *c = &r->c;
	struct cfi_rule *cfa = &r->s->now.cfa;
	uint64_t reg;
	switch (op) {
	case NOP:
	case AARCH64_NEGATE_RA_STATE:
	case AARCH64_NEGATE_RA_STATE_WITH_PC:
		break;
	case GNU_ARGS_SIZE:
		eh_uleb(c);
		break;
	case ADVANCE_LOC1:
		advance(r, eh_fixed(c, 1));
		break;
	case ADVANCE_LOC2:
		advance(r, eh_fixed(c, 2));
		break;
	case ADVANCE_LOC4:
		advance(r, eh_fixed(c, 4));
		break;
	case OFFSET_EXTENDED:
		reg = eh_uleb(c);
		rule_set(r, reg, CFI_OFFSET, factored(r, (int64_t)eh_uleb(c)));
		break;
	case OFFSET_EXTENDED_SF:
		reg = eh_uleb(c);
		rule_set(r, reg, CFI_OFFSET, factored(r, eh_sleb(c)));
		break;
	case GNU_NEGATIVE_OFFSET_EXTENDED:
		reg = eh_uleb(c);
		rule_set(r, reg, CFI_OFFSET, factored(r, -(int64_t)eh_uleb(c)));
		break;
	case VAL_OFFSET:
		reg = eh_uleb(c);
		rule_set(r, reg, CFI_VAL_OFFSET, factored(r, (int64_t)eh_uleb(c)));
		break;
	case VAL_OFFSET_SF:
		reg = eh_uleb(c);
		rule_set(r, reg, CFI_VAL_OFFSET, factored(r, eh_sleb(c)));
		break;
	case RESTORE_EXTENDED:
		restore(r, eh_uleb(c));
		break;
	case UNDEFINED:
		rule_set(r, eh_uleb(c), CFI_UNDEFINED, 0);
		break;
	case SAME_VALUE:
		rule_set(r, eh_uleb(c), CFI_SAME, 0);
		break;
	case REGISTER:
		reg = eh_uleb(c);
		rule_set(r, reg, CFI_REGISTER, narrow(r, (int64_t)eh_uleb(c)));
		break;
	case REMEMBER_STATE:
		remember(r);
		break;
	case RESTORE_STATE:
		restore_state(r);
		break;
	case DEF_CFA:
		reg = eh_uleb(c);
		def_cfa(r, reg, narrow(r, (int64_t)eh_uleb(c)));
		break;
	case DEF_CFA_SF:
		reg = eh_uleb(c);
		def_cfa(r, reg, factored(r, eh_sleb(c)));
		break;
	case DEF_CFA_REGISTER:
		def_cfa(r, eh_uleb(c), cfa->value);
		break;
	case DEF_CFA_OFFSET:
		cfa->value = narrow(r, (int64_t)eh_uleb(c));
		break;
	case DEF_CFA_OFFSET_SF:
		cfa->value = factored(r, eh_sleb(c));
		break;
	case DEF_CFA_EXPRESSION:
		*cfa = expression(r, CFI_EXPR);
		break;
	case EXPRESSION:
		rule_expression(r, CFI_EXPR);
		break;
	case VAL_EXPRESSION:
		rule_expression(r, CFI_VAL_EXPR);
		break;
	default: /* SET_LOC (no compiler emits it), or unknown */
		c->bad = true;
	}
}

static int execute(struct run *r, const uint8_t *insns, const uint8_t *end)
{
	r->c = (struct eh_cursor){insns, end, false};
	while (r->c.p < r->c.end && !r->c.bad && r->pc < r->end) {
		uint8_t op = *r->c.p++, low = op & 0x3f;
		switch (op >> 6) {
		case ADVANCE_LOC:
			advance(r, low);
			break;
		case OFFSET:
			rule_set(r, low, CFI_OFFSET, factored(r, (int64_t)eh_uleb(&r->c)));
			break;
		case RESTORE:
			restore(r, low);
			break;
		default:
			extended(r, op);
		}
	}
	return r->c.bad ? -1 : 0;
}

int cfi_run(const struct machine *machine, const struct eh_fde *fde, struct cfi_scratch *scratch,
	void (*row)(void *ctx, uint64_t from, uint64_t to, const struct cfi_state *state),
	void *ctx)
{
	struct run r = {.machine = machine,
		.fde = fde,
		.s = scratch,
		.pc = fde->pc,
		.end = fde->pc + fde->size,
		.row = row,
		.ctx = ctx};
	scratch->now = (struct cfi_state){.cfa.how = CFI_UNDEFINED};
	scratch->initial = scratch->now;
	if (execute(&r, fde->cie->insns, fde->cie->insns_end) < 0 || r.pc != fde->pc)
		return -1;
	scratch->initial = scratch->now;
	if (execute(&r, fde->insns, fde->insns_end) < 0)
		return -1;
	advance_to(&r, r.end);
	return 0;
}
