/*
 * x86-64 (System V psABI, §3.6.2 "DWARF Register Number Mapping").
 */
#include "unwind/machine.h"

#include <elf.h>
#include <string.h>

/* What GNU ld, gold and mold emit for .plt: sp + 8 + ((rip & 15) >= N) * 8; N is 11 for the classic
 * slot (jmp 6, push 5, jmp 5) and 9 or 10 for those that begin with endbr64. */
static bool plt(const uint8_t *expr, size_t len, unsigned *ret_push)
{
	static const uint8_t head[] = {
		0x77, 8, 0x80, 0, 0x3f, 0x1a};			/* breg7 8 breg16 0 lit15 and */
	static const uint8_t tail[] = {0x2a, 0x33, 0x24, 0x22}; /* ge lit3 shl plus */
	if (len != sizeof(head) + 1 + sizeof(tail) || memcmp(expr, head, sizeof(head)) ||
		memcmp(expr + sizeof(head) + 1, tail, sizeof(tail)))
		return false;
	unsigned n = expr[sizeof(head)] - 0x30u; /* litN */
	*ret_push = n;
	return n < 16;
}

const struct machine machine_x86_64 = {
	.elf = EM_X86_64,
	.regs = 17,
	.sp = 7,
	.fp = 6,
	.ra = 16,
	.saved_n = 5,
	.saved = {3, 12, 13, 14, 15},
	.plt = plt,
};
