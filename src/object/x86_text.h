/*
 * x86 instructions as text: private to the layer (see x86_text.c).
 */
#ifndef SONDE_OBJECT_X86_TEXT_H
#define SONDE_OBJECT_X86_TEXT_H

#include <capstone/capstone.h>

#include "object/object.h"

/* Appends the text to the empty `text`; sets what *ret refers to. */
void x86_text(
	csh handle, const cs_insn *insn, bool intel, struct object_inst *ret, struct buf *text);

#endif
