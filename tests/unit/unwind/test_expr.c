/*
 * The expression interpreter: every operator, and everything that must be refused.
 */
#include "../unit.h"

#include <stdbool.h>

#include "unwind/expr.h"

static const uint64_t regs[17] = {[3] = 300, [7] = 1000};
static const uint64_t memory[] = {0x1122334455667788, 42};

static bool read_memory(void *ctx, uintptr_t addr, uint64_t *ret)
{
	if (addr != 1000 && addr != 1008)
		return false;
	*ret = memory[(addr - 1000) / 8];
	return true;
}

static enum expr_result eval(const char *expr, size_t n, uint64_t *ret)
{
	const struct expr_env env = {.regs = regs, .regs_n = 17, .read = read_memory};
	const uint64_t pushed = 7;
	return expr_eval((const uint8_t *)expr, n, &env, &pushed, ret);
}

static void test_operators(void **state)
{
	static const struct {
		const char *expr;
		size_t n;
		int64_t want;
	} cases[] = {
#define CASE(expr, want) {expr, sizeof(expr) - 1, want}
		CASE("", 7),
		CASE("\x3f", 15),
		CASE("\x08\xff", 255),
		CASE("\x09\xff", -1),
		CASE("\x0a\xff\xff", 65535),
		CASE("\x0b\xfe\xff", -2),
		CASE("\x0c\xff\xff\xff\xff", 4294967295),
		CASE("\x0d\xfd\xff\xff\xff", -3),
		CASE("\x0e\1\0\0\0\0\0\0\1", 0x100000000000001),
		CASE("\x0f\xff\xff\xff\xff\xff\xff\xff\xff", -1),
		CASE("\x10\x80\1", 128),
		CASE("\x11\x7f", -1),
		CASE("\x12\x22", 14),		     /* dup plus */
		CASE("\x31\x13", 7),		     /* drop */
		CASE("\x31\x14", 7),		     /* over */
		CASE("\x31\x32\x15\2", 7),	     /* pick */
		CASE("\x31\x16\x1c", -6),	     /* swap minus: 1 - 7 */
		CASE("\x31\x32\x17\x13", 2 - 1 + 6), /* rot: 7 1 2 -> 2 7 1, drop */
		CASE("\x09\xfb\x19", 5),	     /* abs */
		CASE("\x33\x1a", 3),		     /* and */
		CASE("\x09\xf9\x32\x1b", -3),	     /* div */
		CASE("\x34\x1c", 3),		     /* minus */
		CASE("\x34\x1d", 3),		     /* mod */
		CASE("\x34\x1e", 28),		     /* mul */
		CASE("\x1f", -7),		     /* neg */
		CASE("\x20", ~INT64_C(7)),	     /* not */
		CASE("\x38\x21", 15),		     /* or */
		CASE("\x38\x22", 15),		     /* plus */
		CASE("\x23\x80\1", 135),	     /* plus_uconst */
		CASE("\x32\x24", 28),		     /* shl */
		CASE("\x31\x25", 3),		     /* shr */
		CASE("\x09\xf8\x32\x26", -2),	     /* shra */
		CASE("\x08\x40\x24", 0),	     /* shl by 64 */
		CASE("\x09\xf8\x08\xff\x26", -1),    /* shra by 255 */
		CASE("\x32\x27", 5),		     /* xor */
		CASE("\x37\x29", 1),		     /* eq */
		CASE("\x37\x2a", 1),		     /* ge */
		CASE("\x36\x2b", 1),		     /* gt */
		CASE("\x36\x2c", 0),		     /* le */
		CASE("\x38\x2d", 1),		     /* lt */
		CASE("\x37\x2e", 0),		     /* ne */
		CASE("\x2f\1\0\x31\x31\x22", 8),     /* skip over the first lit1 */
		CASE("\x31\x28\1\0\x1f", 7),	     /* bra taken over neg */
		CASE("\x30\x28\1\0\x1f", -7),	     /* bra not taken */
		CASE("\x73\x7f", 299),		     /* breg3 -1 */
		CASE("\x92\3\x0a", 310),	     /* bregx 3 + 10 */
		CASE("\x77\x08\x06", 42),	     /* deref */
		CASE("\x77\0\x94\2", 0x7788),	     /* deref_size */
		CASE("\x96", 7),		     /* nop */
		/* the PLT's: sp + 8 + ((ip & 15) >= 11) * 8 with ip 0 */
		CASE("\x77\x08\x80\0\x3f\x1a\x3b\x2a\x33\x24\x22", 1008),
#undef CASE
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t got = 0;
		if (eval(cases[i].expr, cases[i].n, &got) != EXPR_OK ||
			(int64_t)got != cases[i].want)
			fail_msg("case %zu: got %ld, not %ld", i, (long)got, (long)cases[i].want);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *expr;
		size_t n;
		enum expr_result want;
	} cases[] = {
		{"\x13", 1, EXPR_BAD},				      /* leaves nothing */
		{"\x22", 1, EXPR_BAD},				      /* too few operands */
		{"\x15\5", 2, EXPR_BAD},			      /* pick too deep */
		{"\x30\x1b", 2, EXPR_BAD},			      /* division by zero */
		{"\x30\x1d", 2, EXPR_BAD},			      /* modulo zero */
		{"\x0e\0\0\0\0\0\0\0\x80\x09\xff\x1b", 12, EXPR_BAD}, /* INT64_MIN / -1 */
		{"\x0c\1", 2, EXPR_BAD},			      /* operand cut off */
		{"\x10\x80", 2, EXPR_BAD},			      /* endless LEB128 */
		{"\x03\0\0\0\0\0\0\0\0", 9, EXPR_BAD},		      /* addr */
		{"\xe0", 1, EXPR_BAD},				      /* unknown */
		{"\x92\x20\0", 3, EXPR_BAD},			      /* register 32 */
		{"\x8f\0", 2, EXPR_BAD},			      /* breg31 */
		{"\x94\x09", 2, EXPR_BAD},			      /* deref_size 9 */
		{"\x2f\xfd\xff", 3, EXPR_BAD},			      /* skip to itself, forever */
		{"\x2f\xfc\xff", 3, EXPR_BAD},			      /* skip before the start */
		{"\x2f\1\0", 3, EXPR_BAD},			      /* skip past the end */
		{"\x06", 1, EXPR_FAULT},			      /* deref of 7 */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t got = 99;
		enum expr_result r = eval(cases[i].expr, cases[i].n, &got);
		if (r != cases[i].want || got != 99)
			fail_msg("case %zu: %d", i, (int)r);
	}
	char deep[64];
	uint64_t got;
	memset(deep, 0x31, sizeof(deep));
	assert_int_equal(eval(deep, sizeof(deep), &got), EXPR_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
