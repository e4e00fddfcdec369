/*
 * x86 instructions in the text objdump writes, from what capstone decoded.
 *
 * The two agree on what an instruction is and differ in how it is written: objdump leaves the size
 * suffix off where a register says it ("mov %rax,%rbx"), writes every number in hex, every scale,
 * and a displacement that is encoded though zero. Readers know objdump's form, and so do the tools
 * they paste it into.
 */
#include "object/internal.h"

#include <ctype.h>

#include "object/capstone.h"
#include "object/x86_text.h"

static bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* --- the mnemonic --- */

/* A general register other than the count of a shift: it says how wide the operation is. */
static bool says_size(csh handle, const cs_insn *insn, const cs_x86_op *op)
{
	static const char *const wide[] = {"xmm", "ymm", "zmm", "mm", "st", "k", "cr", "dr"};
	const char *name = op->type == X86_OP_REG ? capstone.cs_reg_name(handle, op->reg) : NULL;
	if (!name)
		return false;
	for (size_t i = 0; i < array_len(wide); i++) {
		if (starts_with(name, wide[i]))
			return false;
	}
	bool is_count = op->reg == X86_REG_CL && op == &insn->detail->x86.operands[0] &&
			insn->detail->x86.op_count > 1 && op->size != op[1].size;
	return !is_count;
}

static bool needs_suffix(csh handle, const cs_insn *insn, const char *base)
{
	static const char *const never[] = {"call", "jmp", "ret", "push", "pop", "leave"};
	for (size_t i = 0; i < array_len(never); i++) {
		if (!strcmp(base, never[i]))
			return false;
	}
	for (int i = 0; i < insn->detail->x86.op_count; i++) {
		if (says_size(handle, insn, &insn->detail->x86.operands[i]))
			return false;
	}
	return true;
}

/* Prefixes ("lock ") stay; the last word loses a suffix that says nothing. */
static void add_mnemonic(csh handle, const cs_insn *insn, bool intel, struct buf *text)
{
	const char *base = capstone.cs_insn_name(handle, insn->id);
	const char *word = strrchr(insn->mnemonic, ' ');
	word = word ? word + 1 : insn->mnemonic;
	size_t n = base ? strlen(base) : 0;
	bool has_suffix =
		n && !strncmp(word, base, n) && word[n] && !word[n + 1] && strchr("bwlq", word[n]);
	if (insn->bytes[0] == 0x3e && capstone.cs_insn_group(handle, insn, CS_GRP_JUMP))
		buf_addstr(text, "notrack ");
	buf_add(text, insn->mnemonic, (size_t)(word - insn->mnemonic));
	if (!strcmp(word, "movd") && insn->detail->x86.rex & 8)
		buf_addstr(text, "movq");
	else if (!intel && has_suffix && !needs_suffix(handle, insn, base))
		buf_addstr(text, base);
	else
		buf_addstr(text, word);
}

/* --- operands --- */

static const cs_x86_op *memory_operand(const cs_insn *insn)
{
	for (int i = 0; i < insn->detail->x86.op_count; i++) {
		if (insn->detail->x86.operands[i].type == X86_OP_MEM)
			return &insn->detail->x86.operands[i];
	}
	return NULL;
}

static bool has_zero_displacement(const cs_insn *insn)
{
	const cs_x86_op *op = memory_operand(insn);
	return op && op->mem.disp == 0 && insn->detail->x86.encoding.disp_size > 0;
}

/* A number that capstone wrote in decimal, having one digit. */
static bool is_bare_number(const char *s, const char *start)
{
	if (!isdigit((unsigned char)s[0]) || s[1] == 'x' || isalnum((unsigned char)s[1]))
		return false;
	return s == start || strchr("$-, :+[*", s[-1]);
}

/* "(%rax, %rbx)" has no scale, "(%rax, %rbx, 8)" has. */
static bool lacks_scale(const char *paren)
{
	int commas = 0;
	for (const char *s = paren; *s && *s != ')'; s++)
		commas += *s == ',';
	return commas == 1;
}

/* A shift by one that is encoded without its count. */
static bool is_shift_by_one(const cs_insn *insn)
{
	uint8_t op = insn->detail->x86.opcode[0];
	return op == 0xd0 || op == 0xd1;
}

/* Immediates are written as wide as the operation, never negative. */
static const char *add_negative(const cs_insn *insn, const char *s, struct buf *text)
{
	for (int i = 0; i < insn->detail->x86.op_count; i++) {
		const cs_x86_op *op = &insn->detail->x86.operands[i];
		if (op->type != X86_OP_IMM || op->imm >= 0)
			continue;
		uint64_t mask = op->size >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * op->size) - 1;
		buf_printf(text, "0x%" PRIx64, (uint64_t)op->imm & mask);
		return s + 1 + strspn(s + 1, "0123456789abcdefx");
	}
	return s;
}

static void add_att_operands(const cs_insn *insn, const char *from, struct buf *text)
{
	int depth = 0;
	bool scale = false, zero = has_zero_displacement(insn);
	for (const char *s = from; *s; s++) {
		if (*s == ' ' && s > from && s[-1] == ',')
			continue;
		if (*s == '-' && s > from && s[-1] == '$') {
			s = add_negative(insn, s, text);
			if (!*s)
				return;
		}
		if (*s == '(') {
			scale = lacks_scale(s);
			depth++;
			if (zero && (s == from || !isalnum((unsigned char)s[-1])))
				buf_addstr(text, "0x0");
		} else if (*s == ')') {
			buf_addstr(text, scale ? ",1" : "");
			scale = false;
			depth--;
		}
		if (!depth && is_bare_number(s, from))
			buf_addstr(text, "0x");
		buf_addch(text, *s);
	}
}

/* "[rbp+rax*4-0x10]": the scale always, and the displacement whenever it is encoded. */
static void add_intel_memory(csh handle, const cs_insn *insn, struct buf *text)
{
	const cs_x86_op *op = memory_operand(insn);
	int64_t disp = op->mem.disp;
	const char *plus = "";
	if (op->mem.base == X86_REG_INVALID && op->mem.index == X86_REG_INVALID) {
		buf_printf(text, "0x%" PRIx64, (uint64_t)disp);
		return;
	}
	buf_addch(text, '[');
	if (op->mem.base != X86_REG_INVALID) {
		buf_addstr(text, capstone.cs_reg_name(handle, op->mem.base));
		plus = "+";
	}
	if (op->mem.index != X86_REG_INVALID) {
		buf_printf(text, "%s%s*%d", plus, capstone.cs_reg_name(handle, op->mem.index),
			op->mem.scale);
		plus = "+";
	}
	if (insn->detail->x86.encoding.disp_size > 0)
		buf_printf(text, "%s0x%" PRIx64, disp < 0 ? "-" : plus,
			disp < 0 ? (uint64_t)-disp : (uint64_t)disp);
	buf_addch(text, ']');
}

/* Sizes in capitals, no blank after a comma. */
static void add_intel_operands(csh handle, const cs_insn *insn, const char *from, struct buf *text)
{
	for (const char *s = from; *s; s++) {
		size_t word = strcspn(s, " ");
		bool begins = s == from || s[-1] == ' ';
		if (*s == ' ' && s > from && s[-1] == ',')
			continue;
		if (begins && starts_with(s + word, " ptr ")) {
			bool is_x87 = starts_with(s, "xword");
			for (size_t i = 0; i < word + 4; i++)
				buf_addch(text, (char)toupper((unsigned char)s[i]));
			if (is_x87)
				memcpy(text->data + text->len - word - 4, "TBYTE", 5);
			s += word + 3;
		} else if (*s == '[' && memory_operand(insn)) {
			add_intel_memory(handle, insn, text);
			s += strcspn(s, "]");
		} else if (*s == '-' && begins) {
			s = add_negative(insn, s, text) - 1;
		} else {
			if (is_bare_number(s, from) && !is_shift_by_one(insn))
				buf_addstr(text, "0x");
			buf_addch(text, *s);
		}
	}
}

/* --- forms of their own --- */

/* Fillers: each redundant 0x66 is said ("data16"), and a segment in front. */
static bool add_filler(const cs_insn *insn, bool intel, struct buf *text)
{
	int wide = 0, i = 0;
	if (insn->id != X86_INS_NOP)
		return false;
	for (; i < insn->size && (insn->bytes[i] == 0x66 || insn->bytes[i] == 0x2e); i++)
		wide += insn->bytes[i] == 0x66;
	bool has_segment = i > wide;
	if (i < insn->size && insn->bytes[i] == 0x90 && wide == 1 && !has_segment) {
		buf_addstr(text, intel ? "xchg   ax,ax" : "xchg   %ax,%ax");
		return true;
	}
	if (!has_segment || insn->bytes[i] != 0x0f)
		return false;
	for (; wide > 1; wide--)
		buf_addstr(text, "data16 ");
	buf_addstr(text, intel ? "cs nop WORD PTR [rax+rax*1+0x0]" : "cs nopw 0x0(%rax,%rax,1)");
	return true;
}

/* --- what it points to --- */

static bool is_direct_branch(csh handle, const cs_insn *insn, uint64_t *ret)
{
	const cs_x86 *x = &insn->detail->x86;
	if (!capstone.cs_insn_group(handle, insn, CS_GRP_JUMP) &&
		!capstone.cs_insn_group(handle, insn, CS_GRP_CALL))
		return false;
	if (x->op_count != 1 || x->operands[0].type != X86_OP_IMM)
		return false;
	*ret = (uint64_t)x->operands[0].imm;
	return true;
}

void x86_text(
	csh handle, const cs_insn *insn, bool intel, struct object_inst *ret, struct buf *text)
{
	uint64_t target;
	if (add_filler(insn, intel, text))
		return;
	add_mnemonic(handle, insn, intel, text);
	const char *operands = insn->op_str;
	if (is_shift_by_one(insn) && starts_with(operands, "$1, "))
		operands += 4;
	if (!operands[0])
		return;
	buf_fill(text, ' ', text->len < 6 ? 6 - text->len : 0);
	buf_addch(text, ' ');
	if (is_direct_branch(handle, insn, &target)) {
		buf_printf(text, "%" PRIx64, target);
		ret->refers = OBJECT_REFERS_BRANCH;
		ret->target = target;
		return;
	}
	if (intel)
		add_intel_operands(handle, insn, operands, text);
	else
		add_att_operands(insn, operands, text);
	const cs_x86_op *memory = memory_operand(insn);
	if (memory && memory->mem.base == X86_REG_RIP) {
		ret->refers = OBJECT_REFERS_DATA;
		ret->target = insn->address + insn->size + (uint64_t)memory->mem.disp;
	}
}
