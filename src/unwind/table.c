/*
 * The table compiler: every FDE's instructions are run once, each range of pcs becomes a row, rows
 * that say the same as the one before are dropped. All FDEs are read from .eh_frame itself and
 * sorted here; .eh_frame_hdr's table would save the sort, which costs little, and is one more input
 * that can be wrong or missing.
 *
 * Rejected: looking FDEs up in the handler and running their instructions there (libgcc,
 * libunwind): twenty times slower, and reads memory that dlclose may take away in the middle.
 */
#include "unwind/table.h"

#include <errno.h>
#include <string.h>

#include "sig/sig.h"
#include "unwind/grow.h"

/* Functions are aligned; nothing runs in the padding between two, so it gets no row of its own. */
#define PADDING_MAX 64

#define SAVED_SLOTS 0x20000u /* of the hash table over at most 0xffff different sets */
#define SAVED_MAX   0xffffu

struct compiler {
	const struct machine *machine;
	uint64_t base, limit;
	uint64_t clip;	  /* the next function's start */
	uint64_t covered; /* rows given so far end here */
	bool signal;
	struct grow fdes; /* uint64_t: pc - base above, section offset below */
	struct grow pcs, rules, saved, saved_regs, sides, exprs;
	uint32_t last_rule;
	uint16_t last_saved;
	uint32_t fde_count, bad, side_rows;
	uint16_t *saved_hash; /* index + 1 */
	struct cfi_scratch scratch;
};

/* ---- one row ---- */

static bool slot_of(int64_t offset, int *ret)
{
	if (offset % 8 || offset / 8 < RULE_SLOT_MIN || offset / 8 > 127)
		return false;
	*ret = (int)(offset / 8);
	return true;
}

/* DW_OP_breg(reg) offset, and nothing else or one DW_OP_deref. */
static bool breg(const uint8_t *expr, size_t len, unsigned reg, bool deref, int *ret_slot)
{
	struct eh_cursor c = {expr, expr + len, false};
	if (eh_fixed(&c, 1) != 0x70u + reg)
		return false;
	int64_t offset = eh_sleb(&c);
	if (deref && eh_fixed(&c, 1) != 0x06)
		return false;
	return !c.bad && c.p == c.end && slot_of(offset, ret_slot);
}

/* The word, from the CFA, or in a DEREF row from fp, where a register is saved; 0: not saved. */
static bool saved_slot(
	const struct machine *machine, const struct cfi_rule *rule, enum rule_kind kind, int *ret)
{
	*ret = 0;
	switch (rule->how) {
	case CFI_SAME:
	case CFI_UNDEFINED:
		return true;
	case CFI_OFFSET:
		return kind != RULE_FP_DEREF && slot_of(rule->value, ret) && *ret;
	case CFI_EXPR:
		return kind == RULE_FP_DEREF &&
		       breg(rule->expr, rule->len, machine->fp, false, ret);
	}
	return false;
}

static enum rule_kind cfa_kind(
	const struct machine *machine, const struct cfi_rule *cfa, unsigned *ret_offset)
{
	int slot;
	if (cfa->how == CFI_EXPR) {
		if (machine->plt && machine->plt(cfa->expr, cfa->len, ret_offset))
			return RULE_PLT;
		if (!breg(cfa->expr, cfa->len, machine->fp, true, &slot))
			return RULE_SIDE;
		*ret_offset = (unsigned)slot;
		return RULE_FP_DEREF;
	}
	*ret_offset = (unsigned)cfa->value / 8;
	if (cfa->how != CFI_REGISTER)
		return RULE_NONE;
	if (cfa->value < 0 || cfa->value % 8 || *ret_offset > RULE_CFA_MAX)
		return RULE_SIDE;
	if (cfa->reg == machine->sp)
		return RULE_SP;
	return cfa->reg == machine->fp ? RULE_FP : RULE_SIDE;
}

/* The return address's word; 0 for "in the link register", where the machine has one. */
static bool ra_slot(const struct machine *machine, const struct cfi_rule *rule, int *ret)
{
	*ret = 0;
	if (rule->how == CFI_SAME)
		return machine->ra_in_register;
	return rule->how == CFI_OFFSET && slot_of(rule->value, ret) && *ret;
}

/* The row as one word, or RULE_SIDE where a word cannot say it. */
static uint32_t encode(
	const struct compiler *c, const struct cfi_state *state, struct saved_regs *ret_saved)
{
	const struct machine *m = c->machine;
	unsigned offset = 0;
	int fp, ra, slot;
	if (c->signal)
		return RULE_SIGNAL;
	if (state->regs[m->ra].how == CFI_UNDEFINED)
		return RULE_END;
	if (state->regs[m->ra].how == CFI_SAME && !m->ra_in_register)
		return RULE_NONE;
	enum rule_kind kind = cfa_kind(m, &state->cfa, &offset);
	if (kind == RULE_NONE || kind == RULE_SIDE)
		return kind;
	if (!ra_slot(m, &state->regs[m->ra], &ra) || !saved_slot(m, &state->regs[m->fp], kind, &fp))
		return RULE_SIDE;
	if (kind == RULE_FP_DEREF && state->regs[m->fp].how != CFI_EXPR)
		return RULE_SIDE;
	uint64_t plain = UINT64_C(1) << m->ra | UINT64_C(1) << m->fp;
	if (state->set & ~plain) {
		for (unsigned i = 0; i < m->saved_n; i++) {
			if (!saved_slot(m, &state->regs[m->saved[i]], kind, &slot))
				return RULE_SIDE;
			ret_saved->slot[i] = (int8_t)slot;
		}
		if (state->regs[m->sp].how != CFI_SAME)
			return RULE_SIDE;
	}
	return rule_make(kind, offset, fp, ra);
}

static struct side_rule side_rule(struct compiler *c, const struct cfi_rule *rule)
{
	struct side_rule side = {.value = rule->value, .how = rule->how, .reg = rule->reg};
	if (rule->how != CFI_EXPR && rule->how != CFI_VAL_EXPR)
		return side;
	uint8_t *copy = grow_add(&c->exprs, rule->len);
	if (copy) {
		memcpy(copy, rule->expr, rule->len);
		side.expr = (uint32_t)((char *)copy - c->exprs.data);
		side.len = rule->len;
	}
	return side;
}

static bool same_rule(
	const struct compiler *c, const struct side_rule *a, const struct side_rule *b)
{
	return a->value == b->value && a->len == b->len && a->how == b->how && a->reg == b->reg &&
	       (!a->len || !memcmp(c->exprs.data + a->expr, c->exprs.data + b->expr, a->len));
}

static bool same_side(const struct compiler *c, const struct side *a, const struct side *b)
{
	bool same = same_rule(c, &a->cfa, &b->cfa);
	for (unsigned reg = 0; same && reg < c->machine->regs; reg++)
		same = same_rule(c, &a->regs[reg], &b->regs[reg]);
	return same;
}

#define SIDES_COMPARED 16 /* the newest: equal rows come from one function or its neighbours */

static uint32_t side_add(struct compiler *c, const struct cfi_state *state)
{
	size_t exprs_before = c->exprs.used;
	struct side *side = grow_add(&c->sides, sizeof(*side));
	if (!side)
		return RULE_NONE;
	memset(side, 0, sizeof(*side));
	side->cfa = side_rule(c, &state->cfa);
	for (unsigned reg = 0; reg < c->machine->regs; reg++)
		side->regs[reg] = side_rule(c, &state->regs[reg]);
	uint32_t index = (uint32_t)(side - (struct side *)c->sides.data);
	for (uint32_t back = 1; back <= SIDES_COMPARED && back <= index; back++) {
		if (!same_side(c, side, side - back))
			continue;
		c->sides.used -= sizeof(*side);
		c->exprs.used = exprs_before;
		index -= back;
		break;
	}
	c->side_rows++;
	return RULE_SIDE | index << 4;
}

/* The index of a set of saved registers, each distinct set stored once. */
static uint16_t saved_add(struct compiler *c, const struct saved_regs *saved)
{
	struct saved_regs *all = (struct saved_regs *)c->saved_regs.data;
	if (all && !memcmp(&all[c->last_saved], saved, sizeof(*saved)))
		return c->last_saved;
	uint64_t words[2] = {0};
	memcpy(words, saved, sizeof(*saved));
	uint32_t i = (uint32_t)(sig_hash(words[0] ^ sig_hash(words[1])) >> 32);
	for (;; i++) {
		uint16_t *slot = &c->saved_hash[i % SAVED_SLOTS];
		if (*slot && !memcmp(&all[*slot - 1], saved, sizeof(*saved)))
			return (uint16_t)(*slot - 1);
		if (*slot)
			continue;
		size_t index = c->saved_regs.used / sizeof(*saved);
		struct saved_regs *copy =
			index < SAVED_MAX ? grow_add(&c->saved_regs, sizeof(*saved)) : NULL;
		if (!copy)
			return 0; /* a module with 65535 distinct frames: the registers stay as they
				     are */
		*copy = *saved;
		*slot = (uint16_t)(index + 1);
		return (uint16_t)index;
	}
}

static void emit(struct compiler *c, uint64_t pc, uint32_t rule, uint16_t saved)
{
	if (c->pcs.used && rule == c->last_rule && saved == c->last_saved)
		return;
	uint32_t *to_pc = grow_add(&c->pcs, sizeof(*to_pc));
	uint32_t *to_rule = grow_add(&c->rules, sizeof(*to_rule));
	uint16_t *to_saved = grow_add(&c->saved, sizeof(*to_saved));
	if (!to_pc || !to_rule || !to_saved)
		return;
	*to_pc = (uint32_t)(pc - c->base);
	*to_rule = c->last_rule = rule;
	*to_saved = c->last_saved = saved;
}

static void row(void *ctx, uint64_t from, uint64_t to, const struct cfi_state *state)
{
	struct compiler *c = ctx;
	struct saved_regs saved = {0};
	if (from >= c->clip)
		return;
	uint32_t rule = encode(c, state, &saved);
	if (rule == RULE_SIDE)
		rule = side_add(c, state);
	emit(c, from, rule, saved_add(c, &saved));
	c->covered = to < c->clip ? to : c->clip;
}

/* ---- all rows ---- */

static int collect(struct compiler *c, struct eh_reader *reader)
{
	struct eh_fde fde;
	while (eh_next(reader, &fde)) {
		if (fde.pc < c->base || fde.pc >= c->limit)
			continue; /* discarded code: linkers leave its FDE with a pc of 0 */
		uint64_t *key = grow_add(&c->fdes, sizeof(*key));
		if (!key)
			return -ENOMEM;
		*key = (fde.pc - c->base) << 32 | fde.at;
		c->fde_count++;
	}
	c->bad = (uint32_t)reader->bad;
	return c->fde_count ? 0 : -ENOENT;
}

static bool sorted(const uint64_t *keys, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (keys[i - 1] > keys[i])
			return false;
	return true;
}

/* Radix sort by the upper halves, a byte at a time; stable, so the lower halves stay in order. */
static void sort(uint64_t *keys, uint64_t *spare, size_t n)
{
	for (unsigned shift = 32; shift < 64; shift += 8) {
		size_t at[257] = {0};
		for (size_t i = 0; i < n; i++)
			at[(keys[i] >> shift & 0xff) + 1]++;
		for (unsigned b = 0; b < 256; b++)
			at[b + 1] += at[b];
		for (size_t i = 0; i < n; i++)
			spare[at[keys[i] >> shift & 0xff]++] = keys[i];
		uint64_t *swap = keys;
		keys = spare;
		spare = swap;
	}
}

static void compile_fdes(struct compiler *c, struct eh_reader *reader)
{
	const uint64_t *keys = (uint64_t *)c->fdes.data;
	size_t n = c->fde_count;
	for (size_t i = 0; i < n; i++) {
		struct eh_fde fde;
		if (!eh_fde_at(reader, (uint32_t)keys[i], &fde))
			continue;
		if (i && fde.pc > c->covered + PADDING_MAX)
			emit(c, c->covered, RULE_NONE, c->last_saved);
		c->clip = i + 1 < n ? c->base + (keys[i + 1] >> 32) : c->limit;
		c->signal = fde.cie->signal;
		c->covered = fde.pc;
		if (cfi_run(c->machine, &fde, &c->scratch, row, c) < 0) {
			c->bad++;
			emit(c, c->covered, RULE_NONE, c->last_saved);
		}
	}
	if (c->covered < c->limit)
		emit(c, c->covered, RULE_NONE, c->last_saved);
}

/* The next part of the mapping under construction, 8-aligned; only counts while it is NULL. */
static void *part(struct table *table, size_t *at, const struct grow *grow)
{
	char *to = table ? (char *)table + *at : NULL;
	if (to && grow->used)
		memcpy(to, grow->data, grow->used);
	*at += (grow->used + 7) & ~(size_t)7;
	return to;
}

static size_t layout(struct table *table, const struct compiler *c)
{
	struct table t = {.base = c->base,
		.rows = (uint32_t)(c->pcs.used / sizeof(uint32_t)),
		.fdes = c->fde_count,
		.bad = c->bad,
		.side_rows = c->side_rows};
	size_t at = sizeof(t);
	t.pcs = part(table, &at, &c->pcs);
	t.rules = part(table, &at, &c->rules);
	t.saved = part(table, &at, &c->saved);
	t.saved_regs = part(table, &at, &c->saved_regs);
	t.sides = part(table, &at, &c->sides);
	t.exprs = part(table, &at, &c->exprs);
	t.bytes = at;
	if (table)
		*table = t;
	return at;
}

static int pack(const struct compiler *c, struct table **ret)
{
	if (c->pcs.failed || c->rules.failed || c->saved.failed || c->saved_regs.failed ||
		c->sides.failed || c->exprs.failed)
		return -ENOMEM;
	struct table *table = sig_map(layout(NULL, c));
	if (!table)
		return -ENOMEM;
	layout(table, c);
	*ret = table;
	return 0;
}

static int compile(struct compiler *c, const struct eh_section *section, struct table **ret)
{
	struct eh_reader reader;
	eh_reader_init(&reader, section);
	int rc = collect(c, &reader);
	if (rc < 0)
		return rc;
	size_t bytes = c->fdes.used;
	if (!sorted((uint64_t *)c->fdes.data, c->fde_count)) {
		if (!grow_add(&c->fdes, bytes))
			return -ENOMEM;
		sort((uint64_t *)c->fdes.data, (uint64_t *)(c->fdes.data + bytes), c->fde_count);
	}
	c->saved_hash = sig_map(SAVED_SLOTS * sizeof(*c->saved_hash));
	if (!c->saved_hash)
		return -ENOMEM;
	saved_add(c, &(struct saved_regs){{0}}); /* set 0 is the empty one */
	compile_fdes(c, &reader);
	return pack(c, ret);
}

int table_compile(const struct machine *machine, const struct eh_section *section, uint64_t base,
	uint64_t limit, struct table **ret)
{
	if (limit <= base || limit - base > UINT32_MAX || section->size > UINT32_MAX)
		return -E2BIG;
	struct compiler *c = sig_map(sizeof(*c)); /* zeroed */
	if (!c)
		return -ENOMEM;
	c->machine = machine;
	c->base = c->covered = base;
	c->limit = limit;
	int rc = compile(c, section, ret);
	struct grow *all[] = {
		&c->fdes, &c->pcs, &c->rules, &c->saved, &c->saved_regs, &c->sides, &c->exprs};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		grow_release(all[i]);
	sig_unmap(c->saved_hash, SAVED_SLOTS * sizeof(*c->saved_hash));
	sig_unmap(c, sizeof(*c));
	return rc;
}

void table_free(struct table *table)
{
	if (table)
		sig_unmap(table, table->bytes);
}
