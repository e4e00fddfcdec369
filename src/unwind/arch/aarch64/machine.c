/*
 * AArch64 (AAPCS64 and "DWARF for the Arm 64-bit Architecture"). The return address is in x30 until
 * a function saves it; pointer authentication (register 34, RA_SIGN_STATE) needs no rule of its own
 * because the walk strips every return address.
 */
#include "unwind/machine.h"

#include <elf.h>

const struct machine machine_aarch64 = {
	.elf = EM_AARCH64,
	.regs = 35,
	.sp = 31,
	.fp = 29,
	.ra = 30,
	.ra_in_register = true,
	.saved_n = 10,
	.saved = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28},
};
