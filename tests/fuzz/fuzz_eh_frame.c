/*
 * The .eh_frame reader and what stands on it: any bytes are compiled for both machines as if they
 * were a section, each row is then looked up, and each expression evaluated against made-up memory.
 */
#include <stdlib.h>
#include <string.h>

#include "unwind/expr.h"
#include "unwind/table.h"

#define ADDR  0x10000u
#define LIMIT 0x200000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_memory(void *ctx, uintptr_t addr, uint64_t *ret)
{
	*ret = addr * 0x9e3779b97f4a7c15u;
	return addr % 16 == 0;
}

static void evaluate(const struct table *table, const struct side_rule *rule)
{
	static const uint64_t regs[MACHINE_REGS_MAX] = {1, 2, 3};
	const struct expr_env env = {.regs = regs, .regs_n = MACHINE_REGS_MAX, .read = read_memory};
	uint64_t pushed = 16, value;
	if (rule->how == CFI_EXPR || rule->how == CFI_VAL_EXPR)
		(void)expr_eval(table->exprs + rule->expr, rule->len, &env, &pushed, &value);
}

static void look(const struct table *table)
{
	for (uint32_t i = 0; i < table->rows; i++) {
		if (table_find(table, table->pcs[i]) < i) /* equal pcs: the last holds */
			abort();
		if (i && table->pcs[i] < table->pcs[i - 1])
			abort();
		if (rule_kind(table->rules[i]) != RULE_SIDE)
			continue;
		const struct side *side = &table->sides[rule_side(table->rules[i])];
		evaluate(table, &side->cfa);
		for (unsigned reg = 0; reg < MACHINE_REGS_MAX; reg++)
			evaluate(table, &side->regs[reg]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct machine *const machines[] = {&machine_x86_64, &machine_aarch64};
	struct eh_section section = {.data = data, .size = size, .addr = ADDR};
	for (unsigned i = 0; i < 2; i++) {
		struct table *table;
		if (table_compile(machines[i], &section, 0, LIMIT, &table) == 0) {
			look(table);
			table_free(table);
		}
	}
	(void)eh_frame_hdr_target(data, size, ADDR);
	return 0;
}
