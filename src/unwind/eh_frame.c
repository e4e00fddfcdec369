/*
 * The .eh_frame reader: see eh_frame.h. A section is a list of records, each a length, then the
 * distance back to its CIE (0: it is one), then its own fields. Nearly all FDEs of a module share
 * one or two CIEs, so the last one read is kept.
 */
#include "unwind/eh_frame.h"

#include <string.h>

enum {
	PE_OMIT = 0xff,
	PE_FORM = 0x0f,
	PE_ABSPTR = 0x00,
	PE_ULEB = 0x01,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SLEB = 0x09,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_BASE = 0x70,
	PE_PCREL = 0x10,
	PE_TEXTREL = 0x20,
	PE_DATAREL = 0x30,
	PE_INDIRECT = 0x80,
};

const uint8_t *eh_skip(struct eh_cursor *c, uint64_t n)
{
	const uint8_t *from = c->p;
	if (n > (uint64_t)(c->end - c->p)) {
		c->bad = true;
		c->p = c->end;
		return c->end;
	}
	c->p += n;
	return from;
}

uint64_t eh_fixed(struct eh_cursor *c, unsigned size)
{
	uint64_t value = 0;
	const uint8_t *from = eh_skip(c, size);
	if (!c->bad)
		memcpy(&value, from, size);
	return value;
}

uint64_t eh_uleb(struct eh_cursor *c)
{
	uint64_t value = 0;
	for (unsigned shift = 0; c->p < c->end; shift += 7) {
		uint8_t byte = *c->p++;
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	c->bad = true;
	return 0;
}

int64_t eh_sleb(struct eh_cursor *c)
{
	uint64_t value = 0;
	for (unsigned shift = 0; c->p < c->end;) {
		uint8_t byte = *c->p++;
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (byte >= 0x80)
			continue;
		if (byte & 0x40 && shift < 64)
			value |= ~(uint64_t)0 << shift;
		return (int64_t)value;
	}
	c->bad = true;
	return 0;
}

static uint64_t sign_extend(uint64_t value, unsigned bytes)
{
	unsigned shift = 64 - bytes * 8;
	return (uint64_t)((int64_t)(value << shift) >> shift);
}

/* The value alone, without its base. */
static uint64_t encoded_form(struct eh_cursor *c, uint8_t encoding)
{
	switch (encoding & PE_FORM) {
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		return eh_fixed(c, 8);
	case PE_ULEB:
		return eh_uleb(c);
	case PE_SLEB:
		return (uint64_t)eh_sleb(c);
	case PE_UDATA2:
		return eh_fixed(c, 2);
	case PE_SDATA2:
		return sign_extend(eh_fixed(c, 2), 2);
	case PE_UDATA4:
		return eh_fixed(c, 4);
	case PE_SDATA4:
		return sign_extend(eh_fixed(c, 4), 4);
	}
	c->bad = true;
	return 0;
}

/* An encoded pointer whose bytes are part of `s`. */
static uint64_t encoded(struct eh_cursor *c, uint8_t encoding, const struct eh_section *s)
{
	uint64_t here = s->addr + (uint64_t)(c->p - s->data);
	uint64_t value = encoded_form(c, encoding);
	switch (encoding & (PE_BASE | PE_INDIRECT)) {
	case 0:
		return value;
	case PE_PCREL:
		return value + here;
	case PE_TEXTREL:
		return value + s->text;
	case PE_DATAREL:
		return value + s->got;
	}
	c->bad = true; /* aligned and indirect pointers would lead out of the section */
	return 0;
}

/* The record at `at`: its body without the length, and where the next begins. False at the end: a
 * zero length, or one that leads out of the section. */
static bool record_at(
	const struct eh_section *s, size_t at, struct eh_cursor *ret, size_t *ret_next)
{
	if (at >= s->size || s->size - at < 4)
		return false;
	struct eh_cursor c = {s->data + at, s->data + s->size, false};
	uint64_t length = eh_fixed(&c, 4);
	if (length == 0xffffffff)
		length = eh_fixed(&c, 8);
	if (c.bad || !length || length > (uint64_t)(c.end - c.p))
		return false;
	ret->p = c.p;
	ret->end = c.p + length;
	ret->bad = false;
	*ret_next = (size_t)(ret->end - s->data);
	return true;
}

/* One letter of the augmentation string after 'z'. */
static bool augmentation(struct eh_cie *cie, char letter, struct eh_cursor *data)
{
	switch (letter) {
	case 'R':
		cie->fde_encoding = (uint8_t)eh_fixed(data, 1);
		return true;
	case 'P': /* the personality: only its length matters here */
		encoded_form(data, (uint8_t)eh_fixed(data, 1));
		return true;
	case 'L':
		eh_fixed(data, 1);
		return true;
	case 'S':
		cie->signal = true;
		return true;
	case 'B': /* aarch64: signed with the B key */
	case 'G': /* aarch64: memory tagging */
		return true;
	}
	return false; /* the rest cannot be told apart, but 'z' says where it ends */
}

static bool parse_cie(struct eh_cursor *c, struct eh_cie *ret)
{
	struct eh_cie cie = {.fde_encoding = PE_ABSPTR};
	uint64_t version = eh_fixed(c, 1);
	if (version != 1 && version != 3 && version != 4)
		return false;
	const char *letters = (const char *)c->p;
	const uint8_t *nul = memchr(c->p, 0, (size_t)(c->end - c->p));
	if (!nul)
		return false;
	c->p = nul + 1;
	if (version == 4 && (eh_fixed(c, 1) != 8 || eh_fixed(c, 1) != 0))
		return false; /* address and segment selector sizes */
	cie.code_align = eh_uleb(c);
	cie.data_align = eh_sleb(c);
	cie.ra = version == 1 ? eh_fixed(c, 1) : eh_uleb(c);
	if (*letters == 'z') {
		cie.sized = true;
		uint64_t size = eh_uleb(c);
		struct eh_cursor data = {c->p, NULL, false};
		eh_skip(c, size);
		data.end = c->p;
		while (*++letters && augmentation(&cie, *letters, &data))
			;
		c->bad |= data.bad;
	} else if (*letters) {
		return false; /* "eh", of GCC 2 */
	}
	cie.insns = c->p;
	cie.insns_end = c->end;
	*ret = cie;
	return !c->bad && cie.fde_encoding != PE_OMIT;
}

static bool cie_at(struct eh_reader *reader, size_t at)
{
	if (reader->cie_at == at)
		return true;
	struct eh_cursor c;
	size_t next;
	reader->cie_at = SIZE_MAX;
	if (!record_at(&reader->section, at, &c, &next) || eh_fixed(&c, 4) != 0 || c.bad)
		return false;
	if (!parse_cie(&c, &reader->cie))
		return false;
	reader->cie_at = at;
	return true;
}

/* Parses the FDE in `c`, which stands at its CIE pointer. */
static bool parse_fde(struct eh_reader *reader, struct eh_cursor *c, struct eh_fde *ret)
{
	size_t here = (size_t)(c->p - reader->section.data);
	uint64_t back = eh_fixed(c, 4);
	if (c->bad || !back || back > here || !cie_at(reader, here - back))
		return false;
	ret->cie = &reader->cie;
	ret->pc = encoded(c, reader->cie.fde_encoding, &reader->section);
	ret->size = encoded_form(c, reader->cie.fde_encoding & PE_FORM);
	if (reader->cie.sized)
		eh_skip(c, eh_uleb(c));
	ret->insns = c->p;
	ret->insns_end = c->end;
	return !c->bad && ret->size && ret->pc + ret->size > ret->pc;
}

void eh_reader_init(struct eh_reader *reader, const struct eh_section *section)
{
	*reader = (struct eh_reader){.section = *section, .cie_at = SIZE_MAX};
}

static bool is_cie(const struct eh_cursor *c)
{
	struct eh_cursor copy = *c;
	return eh_fixed(&copy, 4) == 0 && !copy.bad;
}

int eh_next(struct eh_reader *reader, struct eh_fde *ret)
{
	struct eh_cursor c;
	size_t at;
	while (at = reader->next, record_at(&reader->section, at, &c, &reader->next)) {
		if (is_cie(&c))
			continue;
		ret->at = at;
		if (parse_fde(reader, &c, ret))
			return 1;
		reader->bad++;
	}
	return 0;
}

int eh_fde_at(struct eh_reader *reader, size_t at, struct eh_fde *ret)
{
	struct eh_cursor c;
	size_t next;
	ret->at = at;
	return record_at(&reader->section, at, &c, &next) && !is_cie(&c) &&
	       parse_fde(reader, &c, ret);
}

uint64_t eh_frame_hdr_target(const uint8_t *header, size_t size, uint64_t addr)
{
	struct eh_section s = {.data = header, .size = size, .addr = addr, .got = addr};
	struct eh_cursor c = {header, header + size, false};
	uint64_t version = eh_fixed(&c, 1);
	uint8_t encoding = (uint8_t)eh_fixed(&c, 1);
	eh_fixed(&c, 2); /* encodings of the count and of the table */
	if (c.bad || version != 1 || encoding == PE_OMIT)
		return 0;
	uint64_t target = encoded(&c, encoding, &s);
	return c.bad ? 0 : target;
}
