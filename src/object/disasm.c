/*
 * Disassembly by capstone: the right bytes of the file, instruction by instruction. What x86
 * instructions look like is x86_text.c's; who names the targets is the caller's, since names want
 * demangling.
 */
#include "object/internal.h"

#include <stdlib.h>

#include "object/capstone.h"
#include "object/x86_text.h"

struct capstone capstone;

static bool architecture(const struct object *obj, cs_arch *arch, cs_mode *mode)
{
	cs_mode endian = obj->ehdr.e_ident[EI_DATA] == ELFDATA2MSB ? CS_MODE_BIG_ENDIAN
								   : CS_MODE_LITTLE_ENDIAN;
	switch (obj->ehdr.e_machine) {
	case EM_X86_64:
		*arch = CS_ARCH_X86;
		*mode = CS_MODE_64;
		return true;
	case EM_386:
		*arch = CS_ARCH_X86;
		*mode = CS_MODE_32;
		return true;
	case EM_AARCH64:
		*arch = CS_ARCH_ARM64;
		*mode = endian;
		return true;
	case EM_ARM:
		*arch = CS_ARCH_ARM;
		*mode = endian;
		return true;
	case EM_PPC64:
		*arch = CS_ARCH_PPC;
		*mode = CS_MODE_64 | endian;
		return true;
	case EM_S390:
		*arch = CS_ARCH_SYSZ;
		*mode = CS_MODE_BIG_ENDIAN;
		return true;
	}
	return false;
}

/* The bytes at `addr`, and how many the file has from there to `end`. */
static const uint8_t *code_at(struct object *obj, uint64_t addr, uint64_t end, size_t *ret_n)
{
	for (size_t i = 0; i < obj->phdr_n; i++) {
		const GElf_Phdr *p = &obj->phdrs[i];
		if (p->p_type != PT_LOAD || addr < p->p_vaddr || addr - p->p_vaddr >= p->p_filesz)
			continue;
		uint64_t in = addr - p->p_vaddr, n = p->p_filesz - in;
		size_t size;
		const char *raw = elf_rawfile(obj->elf, &size);
		if (!raw || p->p_offset > size || in > size - p->p_offset)
			return NULL;
		if (n > size - p->p_offset - in)
			n = size - p->p_offset - in;
		*ret_n = n < end - addr ? n : end - addr;
		return (const uint8_t *)raw + p->p_offset + in;
	}
	return NULL;
}

/* The form of architectures that have none of their own here. */
static void plain_text(csh handle, const cs_insn *insn, struct object_inst *ret, struct buf *text)
{
	const char *operand = strstr(insn->op_str, "#0x");
	buf_addstr(text, insn->mnemonic);
	if (insn->op_str[0])
		buf_printf(text, "\t%s", insn->op_str);
	if (operand && !strchr(insn->op_str, '[') &&
		(capstone.cs_insn_group(handle, insn, CS_GRP_JUMP) ||
			capstone.cs_insn_group(handle, insn, CS_GRP_CALL))) {
		ret->refers = OBJECT_REFERS_BRANCH;
		ret->target = strtoull(operand + 1, NULL, 16);
	}
}

struct reader {
	csh handle;
	bool is_x86, intel;
};

static void run(const struct reader *reader, const uint8_t *code, size_t n, uint64_t addr,
	object_inst_fn *fn, void *ctx)
{
	csh handle = reader->handle;
	cs_insn *insn = capstone.cs_malloc(handle);
	struct buf text = BUF_INIT;
	while (n) {
		struct object_inst inst = {.addr = addr, .size = 1, .text = "(bad)"};
		const uint8_t *next = code;
		size_t left = n;
		uint64_t at = addr;
		if (capstone.cs_disasm_iter(handle, &next, &left, &at, insn)) {
			buf_clear(&text);
			if (reader->is_x86)
				x86_text(handle, insn, reader->intel, &inst, &text);
			else
				plain_text(handle, insn, &inst, &text);
			inst.text = text.data;
			inst.size = insn->size;
		}
		fn(ctx, &inst);
		code += inst.size;
		n -= inst.size;
		addr += inst.size;
	}
	buf_release(&text);
	capstone.cs_free(insn, 1);
}

static int load_capstone(struct err *err)
{
	static const char *const names[] = {CAPSTONE_FUNCTIONS(LIBRARY_NAME)};
	if (capstone.cs_open)
		return 0;
	struct capstone found;
	int rc =
		library_load("libcapstone.so.4", "libcapstone4", names, sizeof(found), &found, err);
	if (rc >= 0)
		capstone = found;
	return rc < 0 ? err_prefix(err, "disassembling"), rc : 0;
}

int object_disasm(struct object *obj, uint64_t start, uint64_t end, bool intel, object_inst_fn *fn,
	void *ctx, struct err *err)
{
	cs_arch arch;
	cs_mode mode;
	csh handle;
	size_t n;
	if (!architecture(obj, &arch, &mode))
		return err_set(err, ERR_UNSUPPORTED, "%s: no disassembler for ELF machine %d",
			obj->path, obj->ehdr.e_machine);
	const uint8_t *code = start < end ? code_at(obj, start, end, &n) : NULL;
	if (!code)
		return err_set(err, ERR_NOT_FOUND,
			"%s: no code at 0x%" PRIx64
			" (is this the debug file of a stripped binary?)",
			obj->path, start);
	int rc = load_capstone(err);
	if (rc < 0)
		return rc;
	if (capstone.cs_open(arch, mode, &handle) != CS_ERR_OK)
		return err_set(
			err, ERR_UNSUPPORTED, "%s: capstone has no support for it", obj->path);
	capstone.cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	if (arch == CS_ARCH_X86)
		capstone.cs_option(
			handle, CS_OPT_SYNTAX, intel ? CS_OPT_SYNTAX_INTEL : CS_OPT_SYNTAX_ATT);
	struct reader reader = {.handle = handle, .is_x86 = arch == CS_ARCH_X86, .intel = intel};
	run(&reader, code, n, start, fn, ctx);
	capstone.cs_close(&handle);
	return 0;
}
