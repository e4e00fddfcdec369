/*
 * The .eh_frame reader, the call frame interpreter and the table compiler, on sections written by
 * hand: what compilers emit seldom, and what nobody should.
 */
#include "../unit.h"

#include <errno.h>
#include <stdbool.h>

#include "unwind/table.h"

#define ADDR	 0x100000u
#define CODE	 0x2000u
#define CODE_END 0x4000u

static uint8_t bytes[4096];
static size_t used;

static void put(const void *p, size_t n)
{
	assert_true(used + n <= sizeof(bytes));
	memcpy(bytes + used, p, n);
	used += n;
}

static void put32(uint32_t v)
{
	put(&v, 4);
}

static size_t begin(void)
{
	put32(0);
	return used;
}

static void end(size_t body)
{
	while ((used - body) % 8 != 4)
		put("", 1);
	uint32_t length = (uint32_t)(used - body);
	memcpy(bytes + body - 4, &length, 4);
}

/* A CIE "zR" (or with more letters) of x86-64: absolute 4-byte pcs, CFA = rsp + 8, ra at CFA - 8.
 */
static size_t cie(const char *letters, const void *extra, size_t extra_n)
{
	size_t body = begin();
	put32(0);
	put("\1", 1);
	put(letters, strlen(letters) + 1);
	put("\1\x78\x10", 3); /* code align 1, data align -8, ra 16 */
	uint8_t size = (uint8_t)(extra_n + 1);
	put(&size, 1);
	put(extra, extra_n);
	put("\3", 1); /* 'R', last: udata4 */
	put("\x0c\7\x8\x90\1", 5);
	end(body);
	return body - 4;
}

static size_t fde(size_t cie_at, uint32_t pc, uint32_t size, const void *insns, size_t n)
{
	size_t body = begin();
	put32((uint32_t)(used - cie_at));
	put32(pc);
	put32(size);
	put("", 1); /* no augmentation data */
	put(insns, n);
	end(body);
	return body - 4;
}
#define FDE(cie_at, pc, size, insns) fde(cie_at, pc, size, insns, sizeof(insns) - 1)

static struct eh_section section(void)
{
	return (struct eh_section){.data = bytes, .size = used, .addr = ADDR};
}

static struct table *compile(void)
{
	struct table *table = NULL;
	struct eh_section s = section();
	assert_int_equal(table_compile(&machine_x86_64, &s, CODE, CODE_END, &table), 0);
	return table;
}

static uint32_t rule(const struct table *table, uint32_t pc)
{
	int64_t row = table_find(table, pc - CODE);
	return row < 0 ? RULE_NONE : table->rules[row];
}

static int setup(void **state)
{
	used = 0;
	memset(bytes, 0, sizeof(bytes));
	return 0;
}

static void test_rows(void **state)
{
	size_t c = cie("zR", "", 0);
	/* push rbp; mov rsp, rbp; ...; leave; ret */
	FDE(c, 0x2000, 0x40, "\x41\x0e\x10\x86\2\x43\x0d\6\x02\x20\x0c\7\x8");
	struct table *t = compile();
	assert_int_equal(t->fdes, 1);
	assert_int_equal(t->bad, 0);
	assert_int_equal(rule(t, 0x1fff), RULE_NONE);
	assert_int_equal(rule(t, 0x2000), rule_make(RULE_SP, 1, 0, -1));
	assert_int_equal(rule(t, 0x2001), rule_make(RULE_SP, 2, -2, -1));
	assert_int_equal(rule(t, 0x2003), rule_make(RULE_SP, 2, -2, -1));
	assert_int_equal(rule(t, 0x2004), rule_make(RULE_FP, 2, -2, -1));
	assert_int_equal(rule(t, 0x2023), rule_make(RULE_FP, 2, -2, -1));
	assert_int_equal(rule(t, 0x2024), rule_make(RULE_SP, 1, -2, -1));
	assert_int_equal(rule(t, 0x203f), rule_make(RULE_SP, 1, -2, -1));
	assert_int_equal(rule(t, 0x2040), RULE_NONE);
	assert_int_equal(t->rows, 5);
	table_free(t);
}

static void test_functions_out_of_order(void **state)
{
	size_t c = cie("zR", "", 0);
	FDE(c, 0x3000, 0x10, "\x0e\x18");
	FDE(c, 0x2000, 0x10, "\x0e\x10");
	FDE(c, 0x2010, 0x10, "\x0e\x20");
	FDE(c, 0, 0x10, "\x0e\x28");	  /* code the linker discarded */
	FDE(c, 0x2018, 0x10, "\x0e\x30"); /* overlaps: the later start wins */
	struct table *t = compile();
	assert_int_equal(rule_cfa(rule(t, 0x200f)), 2);
	assert_int_equal(rule_cfa(rule(t, 0x2010)), 4);
	assert_int_equal(rule_cfa(rule(t, 0x2018)), 6);
	assert_int_equal(rule_cfa(rule(t, 0x2027)), 6);
	assert_int_equal(rule(t, 0x2800), RULE_NONE);
	assert_int_equal(rule_cfa(rule(t, 0x3000)), 3);
	assert_int_equal(t->fdes, 4);
	table_free(t);
}

static void test_remember_and_restore(void **state)
{
	size_t c = cie("zR", "", 0);
	/* remember; cfa 16, rbx saved; +1 restore state; +1 remember twice, restore twice */
	FDE(c, 0x2000, 0x10,
		"\x0a\x0e\x10\x83\2\x41\x0b\x41\x0a\x0e\x18\x0a\x0e\x20\x41\x0b\x41\x0b");
	struct table *t = compile();
	assert_int_equal(rule_cfa(rule(t, 0x2000)), 2);
	assert_int_equal(t->saved_regs[t->saved[table_find(t, 0)]].slot[0], -2);
	assert_int_equal(rule_cfa(rule(t, 0x2001)), 1);
	assert_int_equal(t->saved_regs[t->saved[table_find(t, 1)]].slot[0], 0);
	assert_int_equal(rule_cfa(rule(t, 0x2002)), 4);
	assert_int_equal(rule_cfa(rule(t, 0x2003)), 3);
	assert_int_equal(rule_cfa(rule(t, 0x2004)), 1);
	table_free(t);
}

static void test_idioms(void **state)
{
	size_t c = cie("zR", "", 0), s = cie("zSR", "", 0);
	FDE(c, 0x2000, 0x10, "\x0f\x0b\x77\x08\x80\0\x3f\x1a\x3b\x2a\x33\x24\x22"); /* .plt */
	FDE(c, 0x2100, 0x10,
		"\x0f\x03\x76\x78\x06\x10\6\2\x76\0"); /* DRAP: *(rbp - 8), rbp at rbp */
	FDE(c, 0x2200, 0x10, "\7\x10");		       /* ra undefined */
	FDE(s, 0x2300, 0x10, "\x0e\x10");	       /* a signal frame */
	FDE(c, 0x2400, 0x10, "\x0c\x0a\0");	       /* CFA on r10 */
	FDE(c, 0x2500, 0x10, "\x0e\x88\x80\x02");      /* CFA 32776: too large a word */
	FDE(c, 0x2600, 0x10, "\x0e\x0c");	       /* CFA 12: not of words */
	FDE(c, 0x2700, 0x10, "\x16\6\2\x77\x10");      /* rbp is an expression's value */
	FDE(c, 0x2800, 0x10, "\x08\x10");	       /* ra the same as here: no rule */
	struct table *t = compile();
	assert_int_equal(rule(t, 0x2000), rule_make(RULE_PLT, 11, 0, -1));
	assert_int_equal(rule_kind(rule(t, 0x2100)), RULE_FP_DEREF);
	assert_int_equal(rule_cfa_signed(rule(t, 0x2100)), -1);
	assert_int_equal(rule_fp(rule(t, 0x2100)), 0);
	assert_int_equal(rule(t, 0x2200), RULE_END);
	assert_int_equal(rule(t, 0x2300), RULE_SIGNAL);
	for (uint32_t pc = 0x2400; pc <= 0x2700; pc += 0x100)
		assert_int_equal(rule_kind(rule(t, pc)), RULE_SIDE);
	assert_int_equal(rule(t, 0x2800), RULE_NONE);
	const struct side *r10 = &t->sides[rule_side(rule(t, 0x2400))];
	assert_int_equal(r10->cfa.how, CFI_REGISTER);
	assert_int_equal(r10->cfa.reg, 10);
	const struct side *large = &t->sides[rule_side(rule(t, 0x2500))];
	assert_int_equal(large->cfa.value, 32776);
	const struct side *value = &t->sides[rule_side(rule(t, 0x2700))];
	assert_int_equal(value->regs[6].how, CFI_VAL_EXPR);
	assert_memory_equal(t->exprs + value->regs[6].expr, "\x77\x10", 2);
	table_free(t);
}

/* Rows before the fault stand, those after it are unknown; the next function is not hurt. */
static void test_bad_instructions(void **state)
{
	static const struct {
		const char *insns;
		size_t n;
	} bad[] = {
		{"\x41\x0e\x10\x41\x3f", 5},	     /* unknown */
		{"\x41\x0e\x10\x41\x0b", 5},	     /* nothing remembered */
		{"\x41\x0e\x10\x41\x0f\x7f\1", 7},   /* expression too long */
		{"\x41\x0e\x10\x41\x0c\x40\x08", 7}, /* CFA on register 64 */
		{"\x41\x0e\x10\x41\x0e\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
			14}, /* offset too large */
		{"\x41\x0e\x10\x41\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a",
			13}, /* remembers too deep */
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setup(NULL);
		size_t c = cie("zR", "", 0);
		fde(c, 0x2000, 0x10, bad[i].insns, bad[i].n);
		FDE(c, 0x2010, 0x10, "\x0e\x18");
		struct table *t = compile();
		assert_int_equal(t->bad, 1);
		assert_int_equal(rule_cfa(rule(t, 0x2000)), 1);
		assert_int_equal(rule_cfa(rule(t, 0x2001)), 2);
		assert_int_equal(rule(t, 0x2002), RULE_NONE);
		assert_int_equal(rule_cfa(rule(t, 0x2010)), 3);
		table_free(t);
	}
}

static void test_augmentations(void **state)
{
	/* 'P' with a 4-byte personality, 'L' with its encoding; then a letter nobody knows. */
	size_t c = cie("zPLR", "\x1b\1\2\3\4\x1b", 6);
	FDE(c, 0x2000, 0x10, "\x0e\x10");
	size_t unknown = begin();
	put32(0);
	put("\1zQR\0\1\x78\x10\2\xff\3\x0c\7\x8\x90\1", 17);
	end(unknown);
	struct eh_reader reader;
	struct eh_fde f;
	struct eh_section s = section();
	eh_reader_init(&reader, &s);
	assert_int_equal(eh_next(&reader, &f), 1);
	assert_int_equal(f.pc, 0x2000);
	assert_int_equal(f.size, 0x10);
	assert_false(f.cie->signal);
	assert_int_equal(f.cie->data_align, -8);
	assert_int_equal(eh_next(&reader, &f), 0);
	assert_int_equal(reader.bad, 0);
}

static void test_broken_records(void **state)
{
	size_t c = cie("zR", "", 0);
	FDE(c, 0x2000, 0x10, "\x0e\x10");
	size_t no_cie = begin(); /* points before the section */
	put32(0x7fffffff);
	put32(0x3000);
	put32(0x10);
	end(no_cie);
	FDE(c, 0x2100, 0, "\x0e\x10"); /* of no size */
	size_t not_cie = FDE(c, 0x2200, 0x10, "\x0e\x10");
	FDE(not_cie, 0x2300, 0x10, "\x0e\x10"); /* its CIE is an FDE */
	FDE(c, 0x2400, 0x10, "\x0e\x18");
	put32(0x1000); /* leads out of the section */
	put32(0);
	struct table *t = compile();
	assert_int_equal(t->fdes, 3);
	assert_int_equal(t->bad, 3);
	assert_int_equal(rule_cfa(rule(t, 0x2400)), 3);
	table_free(t);
}

static void test_every_truncation(void **state)
{
	size_t c = cie("zPLR", "\x1b\1\2\3\4\x1b", 6);
	FDE(c, 0x2000, 0x40, "\x41\x0e\x10\x86\2\x43\x0d\6\x0f\x03\x76\x78\x06\x02\x20\x0c\7\x8");
	FDE(c, 0x2100, 0x40, "\x0e\x10");
	size_t whole = used;
	for (used = 0; used < whole; used++) {
		/* Ending exactly at the end of memory that may be read, so that ASan would object.
		 */
		uint8_t *copy = malloc(used ? used : 1);
		memcpy(copy, bytes, used);
		struct eh_section s = {.data = copy, .size = used, .addr = ADDR};
		struct table *t;
		int rc = table_compile(&machine_x86_64, &s, CODE, CODE_END, &t);
		assert_true(rc == 0 || rc == -ENOENT);
		if (rc == 0)
			table_free(t);
		free(copy);
	}
}

static void test_long_lengths_and_relative_pcs(void **state)
{
	size_t body = begin();
	put32(0);
	put("\1zR\0\1\x78\x10\1\x1b\x0c\7\x8\x90\1", 15); /* pcrel sdata4 */
	end(body);
	put32(0xffffffff); /* 64-bit DWARF length */
	uint64_t length = 4 + 4 + 4 + 1 + 3;
	put(&length, 8);
	put32((uint32_t)(used - (body - 4)));
	put32((uint32_t)(0x2000 - (ADDR + used)));
	put32(0x10);
	put("\0\x0e\x10\0", 4);
	struct table *t = compile();
	assert_int_equal(t->fdes, 1);
	assert_int_equal(rule_cfa(rule(t, 0x2000)), 2);
	table_free(t);
}

static void test_limits(void **state)
{
	struct table *t;
	struct eh_section s = section();
	assert_int_equal(table_compile(&machine_x86_64, &s, CODE, CODE_END, &t), -ENOENT);
	assert_int_equal(table_compile(&machine_x86_64, &s, CODE, CODE, &t), -E2BIG);
	assert_int_equal(table_compile(&machine_x86_64, &s, 0, UINT64_C(1) << 33, &t), -E2BIG);
}

static void test_header(void **state)
{
	uint8_t header[] = {1, 0x1b, 3, 0x3b, 0x10, 0, 0, 0};
	assert_int_equal(eh_frame_hdr_target(header, sizeof(header), 0x500), 0x514);
	assert_int_equal(eh_frame_hdr_target(header, 7, 0x500), 0);
	assert_int_equal(eh_frame_hdr_target(header, 0, 0x500), 0);
	header[0] = 2;
	assert_int_equal(eh_frame_hdr_target(header, sizeof(header), 0x500), 0);
	header[0] = 1;
	header[1] = 0xff;
	assert_int_equal(eh_frame_hdr_target(header, sizeof(header), 0x500), 0);
}

static void test_find(void **state)
{
	uint32_t pcs[] = {10, 20, 30, 40, 50};
	struct table t = {.rows = 5, .pcs = pcs};
	assert_int_equal(table_find(&t, 9), -1);
	assert_int_equal(table_find(&t, UINT64_C(1) << 32), -1);
	for (uint32_t n = 1; n <= 5; n++) {
		t.rows = n;
		for (uint32_t pc = 10; pc < 70; pc++)
			assert_int_equal(table_find(&t, pc), pc / 10 - 1 < n ? pc / 10 - 1 : n - 1);
	}
	t.rows = 0;
	assert_int_equal(table_find(&t, 10), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rows, setup),
		cmocka_unit_test_setup(test_functions_out_of_order, setup),
		cmocka_unit_test_setup(test_remember_and_restore, setup),
		cmocka_unit_test_setup(test_idioms, setup),
		cmocka_unit_test_setup(test_bad_instructions, setup),
		cmocka_unit_test_setup(test_augmentations, setup),
		cmocka_unit_test_setup(test_broken_records, setup),
		cmocka_unit_test_setup(test_every_truncation, setup),
		cmocka_unit_test_setup(test_long_lengths_and_relative_pcs, setup),
		cmocka_unit_test_setup(test_limits, setup),
		cmocka_unit_test_setup(test_header, setup),
		cmocka_unit_test_setup(test_find, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
