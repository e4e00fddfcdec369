/*
 * What the walk needs of an AArch64: where registers are in a ucontext, what a signal frame, a call
 * and a sigreturn look like, and how a signed return address is stripped.
 */
#ifndef SONDE_UNWIND_AARCH64_CONTEXT_H
#define SONDE_UNWIND_AARCH64_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "sig/sig.h"

enum { ARCH_REGS = 35, ARCH_FP = 29, ARCH_SP = 31, ARCH_RA = 30 };
/* The return address stays in x30 until a function saves it. */
#define ARCH_RA_IN_REGISTER 1

#define ARCH_AT(reg) offsetof(ucontext_t, uc_mcontext.regs[reg])
/* By DWARF number: where the register is in a ucontext; 0 for those that are not in it. */
static const uint16_t arch_context_at[ARCH_REGS] = {ARCH_AT(0), ARCH_AT(1), ARCH_AT(2), ARCH_AT(3),
	ARCH_AT(4), ARCH_AT(5), ARCH_AT(6), ARCH_AT(7), ARCH_AT(8), ARCH_AT(9), ARCH_AT(10),
	ARCH_AT(11), ARCH_AT(12), ARCH_AT(13), ARCH_AT(14), ARCH_AT(15), ARCH_AT(16), ARCH_AT(17),
	ARCH_AT(18), ARCH_AT(19), ARCH_AT(20), ARCH_AT(21), ARCH_AT(22), ARCH_AT(23), ARCH_AT(24),
	ARCH_AT(25), ARCH_AT(26), ARCH_AT(27), ARCH_AT(28), ARCH_AT(29), ARCH_AT(30),
	offsetof(ucontext_t, uc_mcontext.sp)};
#define ARCH_CONTEXT_PC offsetof(ucontext_t, uc_mcontext.pc)

/* Which registers struct unwind_saved holds before pc. */
static const uint8_t arch_saved[] = {
	19, 20, 21, 22, 23, 24, 25, 26, 27, 28, ARCH_FP, ARCH_RA, ARCH_SP};

/* xpaclri, in the hint space: takes the authentication code out of x30, a no-op where there is
 * none. */
static inline uintptr_t arch_strip(uintptr_t ra)
{
	register uintptr_t x30 __asm__("x30") = ra;
	__asm__("hint #7" : "+r"(x30));
	return x30;
}

/* The kernel pushes a siginfo (128 bytes), then the ucontext. */
static inline uintptr_t arch_signal_context(uintptr_t sp)
{
	return sp + 128;
}

/* mov x8, #139; svc #0 */
static inline bool arch_is_sigreturn(uintptr_t pc)
{
	static const uint32_t want[] = {0xd2801168, 0xd4000001};
	uint32_t got[2];
	return pc % 4 == 0 && sig_peek(got, pc, sizeof(got)) && !memcmp(got, want, sizeof(want));
}

/* Whether the instruction before `ra` is bl, blr, or an authenticating blr. */
static inline bool arch_follows_call(uintptr_t ra)
{
	uint32_t insn;
	if (ra % 4 || ra < 4 || !sig_peek(&insn, ra - 4, sizeof(insn)))
		return false;
	return (insn & 0xfc000000) == 0x94000000 || (insn & 0xfefff800) == 0xd63f0000;
}

/* The registers as they are here, for a walk that starts from ordinary code. regs[32], which DWARF
 * reserves, takes the pc. */
#define arch_here(regs)                                                             \
	__asm__ volatile("stp x19, x20, [%0, #152]\n\tstp x21, x22, [%0, #168]\n\t" \
			 "stp x23, x24, [%0, #184]\n\tstp x25, x26, [%0, #200]\n\t" \
			 "stp x27, x28, [%0, #216]\n\tstp x29, x30, [%0, #232]\n\t" \
			 "mov x9, sp\n\tadr x10, 0f\n\tstp x9, x10, [%0, #248]\n0:" \
			 :                                                          \
			 : "r"(regs)                                                \
			 : "x9", "x10", "memory")
static inline uintptr_t arch_here_pc(const uint64_t *regs)
{
	return regs[32];
}

#endif
