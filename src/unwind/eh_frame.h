/*
 * Reading .eh_frame: the records (CIE, FDE) in a span of bytes, which may be a section of a file or
 * a loaded module's memory. Knows nothing of registers or of where the bytes come from, follows no
 * pointer out of the span, and survives any input. Format: Linux Standard Base 5.0, "Exception
 * Frames", and DWARF 5 §6.4.1.
 */
#ifndef SONDE_UNWIND_EH_FRAME_H
#define SONDE_UNWIND_EH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eh_section {
	const uint8_t *data;
	size_t size;
	uint64_t addr;	    /* where data[0] is, in the terms the addresses should come out in */
	uint64_t text, got; /* bases of text- and data-relative pointers; 0 if there are none */
};

struct eh_cie {
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra; /* column of the return address */
	uint8_t fde_encoding;
	bool sized;  /* augmentation begins with 'z': FDEs carry a length of augmentation data */
	bool signal; /* 'S': a signal frame, whose caller was interrupted rather than calling */
	const uint8_t *insns, *insns_end;
};

struct eh_fde {
	uint64_t pc, size;
	size_t at;		  /* offset of the record in the section */
	const struct eh_cie *cie; /* the reader's; until its next call */
	const uint8_t *insns, *insns_end;
};

struct eh_reader {
	struct eh_section section;
	size_t next; /* offset of the next record */
	struct eh_cie cie;
	size_t cie_at; /* SIZE_MAX: none read */
	size_t bad;    /* records skipped because they break the rules */
};

void eh_reader_init(struct eh_reader *reader, const struct eh_section *section);
/* The next FDE: 1, or 0 at the end. Bad records are counted and skipped; a length that leads out
 * of the section ends it. */
int eh_next(struct eh_reader *reader, struct eh_fde *ret);
/* The FDE at an offset that eh_next gave, or the header's table names: 1, or 0 if none is there. */
int eh_fde_at(struct eh_reader *reader, size_t at, struct eh_fde *ret);
/* Where .eh_frame_hdr, the `header` of `size` bytes at address `addr`, says that .eh_frame is;
 * 0 if it does not say. */
uint64_t eh_frame_hdr_target(const uint8_t *header, size_t size, uint64_t addr);

/* ---- a cursor that never leaves its span; reading past the end sets `bad` and yields 0 ---- */

struct eh_cursor {
	const uint8_t *p, *end;
	bool bad;
};

uint64_t eh_fixed(struct eh_cursor *c, unsigned size); /* 1, 2, 4 or 8 bytes, little-endian */
uint64_t eh_uleb(struct eh_cursor *c);
int64_t eh_sleb(struct eh_cursor *c);
const uint8_t *eh_skip(struct eh_cursor *c, uint64_t n); /* where the n bytes began */

#endif
