/*
 * What the table compiler must know of a machine: which DWARF registers the walk follows and how
 * the machine's own idioms look. Values, not #ifdefs, so that tables of any machine can be compiled
 * (and tested) on any other; only the walk itself is built for the machine it runs on
 * (arch/MACHINE/context.h).
 */
#ifndef SONDE_UNWIND_MACHINE_H
#define SONDE_UNWIND_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_REGS_MAX  35
#define MACHINE_SAVED_MAX 10

struct machine {
	uint16_t elf; /* EM_ */
	uint8_t regs; /* DWARF registers 0 to regs - 1 are followed */
	uint8_t sp, fp, ra;
	bool ra_in_register; /* until saved, the return address is in a register (a link register)
			      */
	/* Callee-saved registers other than fp, that a caller's CFA could be relative to. */
	uint8_t saved_n;
	uint8_t saved[MACHINE_SAVED_MAX];
	/* Whether the CFA expression is that of a procedure linkage table, sp + 8 in the first
	 * *ret_push bytes of each 16-byte slot and sp + 16 in the rest. May be NULL. */
	bool (*plt)(const uint8_t *expr, size_t len, unsigned *ret_push);
};

extern const struct machine machine_x86_64, machine_aarch64;

#if defined(__x86_64__)
#define machine_host machine_x86_64
#elif defined(__aarch64__)
#define machine_host machine_aarch64
#endif

#endif
