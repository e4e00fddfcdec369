/*
 * capstone, loaded when something is first disassembled: its tables for thirty machines are 3 MiB
 * of relocated memory, which a report that shows no instructions need not pay for.
 */
#ifndef SONDE_OBJECT_CAPSTONE_H
#define SONDE_OBJECT_CAPSTONE_H

#include <capstone/capstone.h>

#include "base/base.h"

#define CAPSTONE_FUNCTIONS(X) \
	X(cs_open)            \
	X(cs_option)          \
	X(cs_close)           \
	X(cs_malloc)          \
	X(cs_free)            \
	X(cs_disasm_iter)     \
	X(cs_insn_group)      \
	X(cs_insn_name)       \
	X(cs_reg_name)

/* Filled by object_disasm() before any of them is called. */
struct capstone {
	CAPSTONE_FUNCTIONS(LIBRARY_MEMBER)
};
extern struct capstone capstone;

#endif
