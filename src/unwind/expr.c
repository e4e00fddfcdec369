/*
 * The expression interpreter: a stack of words, no calls, and a bound on the steps, since branches
 * may go backwards.
 */
#include "unwind/expr.h"

#include "unwind/eh_frame.h"

#define STACK_MAX 32
#define STEPS_MAX 1000

enum {
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08,
	OP_CONST1S,
	OP_CONST2U,
	OP_CONST2S,
	OP_CONST4U,
	OP_CONST4S,
	OP_CONST8U,
	OP_CONST8S,
	OP_CONSTU,
	OP_CONSTS,
	OP_DUP,
	OP_DROP,
	OP_OVER,
	OP_PICK,
	OP_SWAP,
	OP_ROT,
	OP_ABS = 0x19,
	OP_AND,
	OP_DIV,
	OP_MINUS,
	OP_MOD,
	OP_MUL,
	OP_NEG,
	OP_NOT,
	OP_OR,
	OP_PLUS,
	OP_PLUS_UCONST,
	OP_SHL,
	OP_SHR,
	OP_SHRA,
	OP_XOR,
	OP_BRA,
	OP_EQ,
	OP_GE,
	OP_GT,
	OP_LE,
	OP_LT,
	OP_NE,
	OP_SKIP,
	OP_LIT0 = 0x30,
	OP_BREG0 = 0x70,
	OP_BREGX = 0x92,
	OP_DEREF_SIZE = 0x94,
	OP_NOP = 0x96,
};

struct vm {
	struct eh_cursor c;
	const uint8_t *start;
	const struct expr_env *env;
	uint64_t stack[STACK_MAX];
	unsigned n;
	enum expr_result result;
};

static void push(struct vm *vm, uint64_t value)
{
	if (vm->n == STACK_MAX)
		vm->result = EXPR_BAD;
	else
		vm->stack[vm->n++] = value;
}

static uint64_t pop(struct vm *vm)
{
	if (vm->n)
		return vm->stack[--vm->n];
	vm->result = EXPR_BAD;
	return 0;
}

static void pick(struct vm *vm, uint64_t from_top)
{
	if (from_top >= vm->n)
		vm->result = EXPR_BAD;
	else
		push(vm, vm->stack[vm->n - 1 - from_top]);
}

static void push_reg(struct vm *vm, uint64_t reg)
{
	int64_t offset = eh_sleb(&vm->c);
	if (reg >= vm->env->regs_n)
		vm->result = EXPR_BAD;
	else
		push(vm, vm->env->regs[reg] + (uint64_t)offset);
}

static void deref(struct vm *vm, unsigned size)
{
	uint64_t addr = pop(vm), value = 0;
	if (vm->result != EXPR_OK)
		return;
	if (size < 1 || size > 8)
		vm->result = EXPR_BAD;
	else if (!vm->env->read(vm->env->ctx, addr, &value))
		vm->result = EXPR_FAULT;
	else
		push(vm, size == 8 ? value : value & ((UINT64_C(1) << size * 8) - 1));
}

static void branch(struct vm *vm, bool taken)
{
	int16_t distance = (int16_t)eh_fixed(&vm->c, 2);
	if (!taken || vm->c.bad)
		return;
	if (distance < vm->start - vm->c.p || distance > vm->c.end - vm->c.p)
		vm->result = EXPR_BAD;
	else
		vm->c.p += distance;
}

static uint64_t shift_arithmetic(int64_t value, uint64_t by)
{
	return (uint64_t)(value >> (by < 63 ? by : 63));
}

/* a OP b, b from the top. */
static void binary(struct vm *vm, uint8_t op)
{
	uint64_t b = pop(vm), a = pop(vm);
	int64_t sa = (int64_t)a, sb = (int64_t)b;
	switch (op) {
	case OP_AND:
		return push(vm, a & b);
	case OP_OR:
		return push(vm, a | b);
	case OP_XOR:
		return push(vm, a ^ b);
	case OP_PLUS:
		return push(vm, a + b);
	case OP_MINUS:
		return push(vm, a - b);
	case OP_MUL:
		return push(vm, a * b);
	case OP_SHL:
		return push(vm, b < 64 ? a << b : 0);
	case OP_SHR:
		return push(vm, b < 64 ? a >> b : 0);
	case OP_SHRA:
		return push(vm, shift_arithmetic(sa, b));
	case OP_EQ:
		return push(vm, sa == sb);
	case OP_NE:
		return push(vm, sa != sb);
	case OP_GE:
		return push(vm, sa >= sb);
	case OP_GT:
		return push(vm, sa > sb);
	case OP_LE:
		return push(vm, sa <= sb);
	case OP_LT:
		return push(vm, sa < sb);
	case OP_DIV:
		if (sb == 0 || (sb == -1 && sa == INT64_MIN))
			break;
		return push(vm, (uint64_t)(sa / sb));
	case OP_MOD:
		if (b == 0)
			break;
		return push(vm, a % b);
	}
	vm->result = EXPR_BAD;
}

static void constant(struct vm *vm, uint8_t op)
{
	switch (op) {
	case OP_CONST1U:
		return push(vm, eh_fixed(&vm->c, 1));
	case OP_CONST1S:
		return push(vm, (uint64_t)(int8_t)eh_fixed(&vm->c, 1));
	case OP_CONST2U:
		return push(vm, eh_fixed(&vm->c, 2));
	case OP_CONST2S:
		return push(vm, (uint64_t)(int16_t)eh_fixed(&vm->c, 2));
	case OP_CONST4U:
		return push(vm, eh_fixed(&vm->c, 4));
	case OP_CONST4S:
		return push(vm, (uint64_t)(int32_t)eh_fixed(&vm->c, 4));
	case OP_CONSTU:
		return push(vm, eh_uleb(&vm->c));
	case OP_CONSTS:
		return push(vm, (uint64_t)eh_sleb(&vm->c));
	}
	push(vm, eh_fixed(&vm->c, 8)); /* const8u, const8s */
}

static void shuffle(struct vm *vm, uint8_t op)
{
	uint64_t a, b, c;
	switch (op) {
	case OP_DUP:
		return pick(vm, 0);
	case OP_OVER:
		return pick(vm, 1);
	case OP_PICK:
		return pick(vm, eh_fixed(&vm->c, 1));
	case OP_DROP:
		pop(vm);
		return;
	case OP_SWAP:
		a = pop(vm);
		b = pop(vm);
		push(vm, a);
		push(vm, b);
		return;
	case OP_ROT: /* the top goes third */
		a = pop(vm);
		b = pop(vm);
		c = pop(vm);
		push(vm, a);
		push(vm, c);
		push(vm, b);
	}
}

static void step(struct vm *vm, uint8_t op)
{
	if (op >= OP_LIT0 && op < OP_LIT0 + 32)
		return push(vm, op - OP_LIT0);
	if (op >= OP_BREG0 && op < OP_BREG0 + 32)
		return push_reg(vm, op - OP_BREG0);
	if (op >= OP_CONST1U && op <= OP_CONSTS)
		return constant(vm, op);
	if (op >= OP_DUP && op <= OP_ROT)
		return shuffle(vm, op);
	switch (op) {
	case OP_ABS: {
		int64_t value = (int64_t)pop(vm);
		return push(vm, value < 0 ? -(uint64_t)value : (uint64_t)value);
	}
	case OP_NEG:
		return push(vm, -pop(vm));
	case OP_NOT:
		return push(vm, ~pop(vm));
	case OP_PLUS_UCONST:
		return push(vm, pop(vm) + eh_uleb(&vm->c));
	case OP_DEREF:
		return deref(vm, 8);
	case OP_DEREF_SIZE:
		return deref(vm, (unsigned)eh_fixed(&vm->c, 1));
	case OP_BREGX:
		return push_reg(vm, eh_uleb(&vm->c));
	case OP_SKIP:
		return branch(vm, true);
	case OP_BRA:
		return branch(vm, pop(vm) != 0);
	case OP_NOP:
		return;
	}
	binary(vm, op); /* and whatever is unknown */
}

enum expr_result expr_eval(const uint8_t *expr, size_t len, const struct expr_env *env,
	const uint64_t *pushed, uint64_t *ret)
{
	struct vm vm;
	vm.c = (struct eh_cursor){expr, expr + len, false};
	vm.start = expr;
	vm.env = env;
	vm.n = 0;
	vm.result = EXPR_OK;
	if (pushed)
		push(&vm, *pushed);
	for (unsigned steps = 0; vm.c.p < vm.c.end && vm.result == EXPR_OK; steps++) {
		if (steps == STEPS_MAX)
			return EXPR_BAD;
		step(&vm, *vm.c.p++);
		if (vm.c.bad)
			return EXPR_BAD;
	}
	if (vm.result != EXPR_OK)
		return vm.result;
	uint64_t value = pop(&vm);
	if (vm.result == EXPR_OK)
		*ret = value;
	return vm.result;
}
