/*
 * What the walk needs of an x86-64: where registers are in a ucontext, what a signal frame, a call
 * and a sigreturn look like.
 */
#ifndef SONDE_UNWIND_X86_64_CONTEXT_H
#define SONDE_UNWIND_X86_64_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "sig/sig.h"

enum { ARCH_REGS = 17, ARCH_FP = 6, ARCH_SP = 7, ARCH_RA = 16 };
/* The return address is on the stack from the first instruction on. */
#define ARCH_RA_IN_REGISTER 0

#define ARCH_AT(reg) offsetof(ucontext_t, uc_mcontext.gregs[reg])
/* By DWARF number: where the register is in a ucontext. */
static const uint16_t arch_context_at[ARCH_REGS] = {ARCH_AT(REG_RAX), ARCH_AT(REG_RDX),
	ARCH_AT(REG_RCX), ARCH_AT(REG_RBX), ARCH_AT(REG_RSI), ARCH_AT(REG_RDI), ARCH_AT(REG_RBP),
	ARCH_AT(REG_RSP), ARCH_AT(REG_R8), ARCH_AT(REG_R9), ARCH_AT(REG_R10), ARCH_AT(REG_R11),
	ARCH_AT(REG_R12), ARCH_AT(REG_R13), ARCH_AT(REG_R14), ARCH_AT(REG_R15), ARCH_AT(REG_RIP)};
#define ARCH_CONTEXT_PC ARCH_AT(REG_RIP)

/* Which registers struct unwind_saved holds before pc. */
static const uint8_t arch_saved[] = {3, ARCH_FP, ARCH_SP, 12, 13, 14, 15};

/* Return addresses carry nothing but the address. */
static inline uintptr_t arch_strip(uintptr_t ra)
{
	return ra;
}

/* Where the kernel put the ucontext, once the handler has returned into the restorer. */
static inline uintptr_t arch_signal_context(uintptr_t sp)
{
	return sp;
}

/* mov $15, %rax; syscall */
static inline bool arch_is_sigreturn(uintptr_t pc)
{
	static const uint8_t want[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	uint8_t got[sizeof(want)];
	return sig_peek(got, pc, sizeof(got)) && !memcmp(got, want, sizeof(want));
}

/* Whether the instruction before `ra` is a call: e8 rel32, or ff /2 of any length. */
static inline bool arch_follows_call(uintptr_t ra)
{
	uint8_t code[7];
	if (ra < sizeof(code) || !sig_peek(code, ra - sizeof(code), sizeof(code)))
		return false;
	if (code[2] == 0xe8)
		return true;
	for (unsigned length = 2; length <= 7; length++)
		if (code[7 - length] == 0xff && (code[8 - length] >> 3 & 7) == 2)
			return true;
	return false;
}

/* The registers as they are here, for a walk that starts from ordinary code. */
#define arch_here(regs)                                                     \
	__asm__ volatile("movq %%rbx, 24(%0)\n\tmovq %%rbp, 48(%0)\n\t"     \
			 "movq %%rsp, 56(%0)\n\tmovq %%r12, 96(%0)\n\t"     \
			 "movq %%r13, 104(%0)\n\tmovq %%r14, 112(%0)\n\t"   \
			 "movq %%r15, 120(%0)\n\tleaq 0f(%%rip), %%rax\n\t" \
			 "movq %%rax, 128(%0)\n0:"                          \
			 :                                                  \
			 : "r"(regs)                                        \
			 : "rax", "memory")
static inline uintptr_t arch_here_pc(const uint64_t *regs)
{
	return regs[ARCH_RA];
}

#endif
