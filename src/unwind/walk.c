/*
 * The walk: from registers to return addresses, one rule a frame.
 *
 * The fast path follows three registers (pc, sp, fp) and one word of rule a frame, which comes from
 * a cache hashed by pc. Where a rule needs a register that only a full walk knows (a CFA on rbx, an
 * expression over r12), the walk starts again from the beginning in full: every frame's saved
 * registers are then followed too, without the cache. Such rules are about one in a thousand.
 *
 * Every address read is checked: inside the known part of the stack it is loaded, elsewhere the
 * kernel is asked first (sig/peek.c). The stack pointer only moves up, except where a frame says
 * that it runs on another stack, a few times a walk at most. Frame pointers are believed only where
 * the frame they make returns into code, just after a call.
 */
#include <string.h>

#include "unwind/expr.h"
#include "unwind/modules.h"

#if defined(__x86_64__)
#include "unwind/arch/x86_64/context.h"
#elif defined(__aarch64__)
#include "unwind/arch/aarch64/context.h"
#endif

/* Stacks are read below what AddressSanitizer thinks of them. */
#define raw __attribute__((no_sanitize_address))

#define SWITCHES_MAX 4
#define PAGE	     ((uintptr_t)4096)

struct walk {
	const struct snapshot *snapshot;
	uint64_t regs[ARCH_REGS]; /* of the current frame, by DWARF number */
	uintptr_t pc;
	bool call;	 /* pc is a return address: its rule is that of the call before it */
	bool full;	 /* all of regs are kept, not only sp and fp */
	bool regs_known; /* all of regs are right for this frame, though the walk is not full */
	bool over;	 /* ended by run_common() */
	bool again;	 /* they would have to be: walk again, in full */
	struct unwind_stack stack;
	uintptr_t lo, hi; /* readable without asking */
	uintptr_t asked;  /* a page the kernel said is readable */
	unsigned switches;
	enum unwind_end end;
};

/* ---- memory ---- */

/* A place to point "no memory is known" at. */
static const uint64_t nowhere;

/* From here on, what lies between the stack pointer and the stack's end is loaded unasked. */
static void know_stack(struct walk *w)
{
	uintptr_t sp = w->regs[ARCH_SP];
	w->lo = w->hi = (uintptr_t)&nowhere;
	if (sp >= w->stack.lo && sp < w->stack.hi && w->stack.hi - sp >= sizeof(uint64_t)) {
		w->lo = sp;
		w->hi = w->stack.hi - sizeof(uint64_t);
	}
}

static bool raw read_asking(struct walk *w, uintptr_t addr, uint64_t *ret)
{
	if (addr > UINTPTR_MAX - sizeof(*ret))
		return false;
	uintptr_t page = addr & -PAGE;
	if (page != w->asked || addr - page > PAGE - sizeof(*ret)) {
		if (!sig_readable(addr, sizeof(*ret)))
			return false;
		w->asked = page;
	}
	*ret = *(const uint64_t *)addr;
	return true;
}

static inline bool raw read_word(struct walk *w, uintptr_t addr, uint64_t *ret)
{
	if (__builtin_expect(addr - w->lo > w->hi - w->lo, 0))
		return read_asking(w, addr, ret);
	*ret = *(const uint64_t *)addr;
	return true;
}

static bool read_for_expr(void *ctx, uintptr_t addr, uint64_t *ret)
{
	return read_word(ctx, addr, ret);
}

/* ---- rules ---- */

static uint32_t rule_of(const struct range *range, uintptr_t at)
{
	int64_t row = range && range->table ? table_find(range->table, at - range->start) : -1;
	return row < 0 ? RULE_NONE : range->table->rules[row];
}

static inline uint32_t cache_home(uintptr_t at)
{
	return (uint32_t)(at * 0x9e3779b97f4a7c15u >> (64 - CACHE_BITS));
}

/* The entry's second word if it is for `at` and of this generation; else *ret_hit is false. */
static inline uint64_t cache_get(uint64_t generation, uint32_t index, uintptr_t at, bool *ret_hit)
{
	struct cache_entry *entry = &modules_cache[index];
	uint64_t data = atomic_load_explicit(&entry->data, memory_order_relaxed);
	uint64_t check = atomic_load_explicit(&entry->check, memory_order_relaxed);
	*ret_hit = ((check ^ data ^ at) | (data >> 48 ^ generation)) == 0;
	return data;
}

static void cache_put(uint32_t index, uintptr_t at, uint64_t data)
{
	struct cache_entry *entry = &modules_cache[index];
	atomic_store_explicit(&entry->data, data, memory_order_relaxed);
	atomic_store_explicit(&entry->check, data ^ at, memory_order_relaxed);
}

/* From the cache's own place for `at`, or from the tables. */
static __attribute__((noinline)) uint64_t cache_fill(
	const struct snapshot *s, uint32_t home, uintptr_t at)
{
	bool hit;
	uint64_t data = cache_get(cache_generation(s), home, at, &hit);
	if (hit)
		return data;
	data = rule_of(modules_find(s, at), at) | (uint64_t)cache_generation(s) << 48;
	cache_put(home, at, data);
	return data;
}

/* ---- one step, the uncommon ways ---- */

/* Ends the walk; for `return stop(w, ...)`. */
static bool stop(struct walk *w, enum unwind_end end)
{
	w->end = end;
	return false;
}

/* The caller's frame begins at `cfa`: above this one, unless this one runs on a stack of its own;
 * or at the same place, where it is interrupted code that has pushed nothing (yet, or any more). */
static bool move_to(struct walk *w, uintptr_t cfa, bool may_switch)
{
	uintptr_t sp = w->regs[ARCH_SP];
	bool stays = cfa == sp && !w->call;
	if (cfa <= sp && !stays) {
		bool same_stack = cfa - w->lo <= w->hi - w->lo && sp - w->lo <= w->hi - w->lo;
		if (!may_switch || same_stack || ++w->switches > SWITCHES_MAX)
			return stop(w, UNWIND_END_STACK);
	}
	w->regs[ARCH_SP] = cfa;
	return true;
}

static bool return_to(struct walk *w, uintptr_t ra)
{
	ra = arch_strip(ra);
	if (!ra)
		return stop(w, UNWIND_END_ROOT);
	w->pc = ra;
	w->regs[ARCH_RA] = ra;
	w->call = true;
	return true;
}

static bool step_signal(struct walk *w)
{
	uintptr_t context = arch_signal_context(w->regs[ARCH_SP]);
	uint64_t pc;
	for (unsigned reg = 0; reg < ARCH_REGS; reg++)
		if (arch_context_at[reg] &&
			!read_word(w, context + arch_context_at[reg], &w->regs[reg]))
			return stop(w, UNWIND_END_FAULT);
	if (!read_word(w, context + ARCH_CONTEXT_PC, &pc))
		return stop(w, UNWIND_END_FAULT);
	w->regs_known = true;
	w->pc = pc;
	w->call = false;
	know_stack(w);
	return pc ? true : stop(w, UNWIND_END_ROOT);
}

/* The value a register had in the caller. */
static bool side_value(struct walk *w, const struct table *table, const struct side_rule *rule,
	const struct expr_env *env, uintptr_t cfa, unsigned reg, uint64_t *ret)
{
	uint64_t value = cfa;
	switch (rule->how) {
	case CFI_UNDEFINED:
	case CFI_SAME:
		*ret = env->regs[reg];
		return true;
	case CFI_OFFSET:
		return read_word(w, cfa + (int64_t)rule->value, ret);
	case CFI_VAL_OFFSET:
		*ret = cfa + (uint64_t)(int64_t)rule->value;
		return true;
	case CFI_REGISTER:
		*ret = env->regs[(unsigned)rule->value < ARCH_REGS ? (unsigned)rule->value : reg];
		return true;
	}
	if (expr_eval(table->exprs + rule->expr, rule->len, env, &value, &value) != EXPR_OK)
		return false;
	if (rule->how == CFI_EXPR)
		return read_word(w, value, ret);
	*ret = value;
	return true;
}

static bool step_side(struct walk *w, const struct table *table, const struct side *side)
{
	uint64_t before[ARCH_REGS], cfa;
	memcpy(before, w->regs, sizeof(before));
	struct expr_env env = {before, ARCH_REGS, read_for_expr, w};
	const struct side_rule *rule = &side->cfa;
	if (rule->how == CFI_REGISTER)
		cfa = before[rule->reg] + (uint64_t)(int64_t)rule->value;
	else if (expr_eval(table->exprs + rule->expr, rule->len, &env, NULL, &cfa) != EXPR_OK)
		return stop(w, UNWIND_END_FAULT);
	for (unsigned reg = 0; reg < ARCH_REGS; reg++)
		if (!side_value(w, table, &side->regs[reg], &env, cfa, reg, &w->regs[reg]) &&
			reg == ARCH_RA)
			return stop(w, UNWIND_END_FAULT);
	uint64_t ra = w->regs[ARCH_RA];
	uint64_t sp = side->regs[ARCH_SP].how == CFI_SAME ? cfa : w->regs[ARCH_SP];
	w->regs[ARCH_SP] = before[ARCH_SP];
	return move_to(w, sp, true) && return_to(w, ra);
}

/* The callee-saved registers of a row that the word does not tell. One that cannot be read keeps
 * its value: few are ever needed, and epilogues are described with slots that are gone already. */
static void restore_saved(struct walk *w, const struct range *range, int64_t row, uintptr_t base)
{
	const struct saved_regs *saved = &range->table->saved_regs[range->table->saved[row]];
	for (unsigned i = 0; i < machine_host.saved_n; i++)
		if (saved->slot[i])
			(void)read_word(w, base + saved->slot[i] * INT64_C(8),
				&w->regs[machine_host.saved[i]]);
}

/* The rules that are one word, each as its definition says. */
static bool step_word(struct walk *w, uint32_t rule, uintptr_t at)
{
	enum rule_kind kind = rule_kind(rule);
	uint64_t sp = w->regs[ARCH_SP], fp = w->regs[ARCH_FP], cfa = 0, ra = w->regs[ARCH_RA];
	uint64_t base;
	switch (kind) {
	case RULE_SP:
		base = cfa = sp + rule_cfa(rule) * 8u;
		break;
	case RULE_FP:
		base = cfa = fp + rule_cfa(rule) * 8u;
		break;
	case RULE_PLT:
		base = cfa = sp + 8 + ((at & 15) >= rule_cfa(rule) ? 8 : 0);
		break;
	default: /* RULE_FP_DEREF */
		base = fp;
		if (!read_word(w, fp + (uint64_t)(rule_cfa_signed(rule) * INT64_C(8)), &cfa))
			return stop(w, UNWIND_END_FAULT);
	}
	if (w->full && kind != RULE_PLT) {
		const struct range *range = modules_find(w->snapshot, at);
		int64_t row =
			range && range->table ? table_find(range->table, at - range->start) : -1;
		if (row >= 0)
			restore_saved(w, range, row, base);
	}
	bool fp_saved = kind == RULE_FP_DEREF || rule_fp(rule);
	if (fp_saved)
		(void)read_word(
			w, base + (uint64_t)(rule_fp(rule) * INT64_C(8)), &w->regs[ARCH_FP]);
	if (rule_ra(rule) && !read_word(w, cfa + (uint64_t)(rule_ra(rule) * INT64_C(8)), &ra))
		return stop(w, UNWIND_END_FAULT);
	if (!rule_ra(rule) && w->call)
		return stop(w, UNWIND_END_TABLE); /* the link register is the callee's by now */
	w->regs_known = false;
	return move_to(w, cfa, kind != RULE_SP) && return_to(w, ra);
}

/* Whether execution may return to `ra` from code without a rule: into a module, or staying in code
 * that no module holds (a JIT's), and in any case just after a call. */
static bool plausible_return(const struct walk *w, uintptr_t ra, bool from_module)
{
	if (!modules_find(w->snapshot, ra - 1) && from_module)
		return false;
	return arch_follows_call(ra);
}

static bool step_fp(struct walk *w, bool from_module)
{
	uint64_t fp = w->regs[ARCH_FP], sp = w->regs[ARCH_SP], caller_fp, ra;
	if (fp % 8 || fp < sp || fp - sp > (UINT64_C(1) << 30))
		return false;
	if (sp - w->lo <= w->hi - w->lo && fp + 8 > w->hi)
		return false; /* a known stack, and not in it */
	if (!read_word(w, fp, &caller_fp) || !read_word(w, fp + 8, &ra))
		return false;
	ra = arch_strip(ra);
	if (!plausible_return(w, ra, from_module))
		return false;
	w->regs[ARCH_FP] = caller_fp;
	return move_to(w, fp + 16, false) && return_to(w, ra);
}

/* A leaf that has pushed nothing: a PLT without unwind information, a stub. */
static bool step_leaf(struct walk *w, bool from_module)
{
	uint64_t sp = w->regs[ARCH_SP], ra = w->regs[ARCH_RA];
	if (w->call || (!ARCH_RA_IN_REGISTER && !read_word(w, sp, &ra)))
		return false;
	ra = arch_strip(ra);
	if (!plausible_return(w, ra, from_module))
		return false;
	return move_to(w, ARCH_RA_IN_REGISTER ? sp : sp + 8, false) && return_to(w, ra);
}

static bool step_unknown(struct walk *w, uintptr_t at)
{
	const struct range *range = modules_find(w->snapshot, at);
	w->regs_known = false;
	if (arch_is_sigreturn(w->pc))
		return step_signal(w);
	bool tables = range && range->table;
	bool stepped = tables ? step_leaf(w, true) || step_fp(w, true)
			      : step_fp(w, range) || step_leaf(w, range);
	return stepped || stop(w, UNWIND_END_TABLE);
}

/* One step by any rule. False: the walk is over, or must be done again in full. */
static __attribute__((noinline)) bool step(struct walk *w, uint32_t rule, uintptr_t at)
{
	const struct range *range;
	switch (rule_kind(rule)) {
	case RULE_END:
		return stop(w, UNWIND_END_ROOT);
	case RULE_NONE:
		return step_unknown(w, at);
	case RULE_SIGNAL:
		return step_signal(w);
	case RULE_SIDE:
		if (!w->regs_known && !w->full) {
			w->again = true;
			return false;
		}
		range = modules_find(w->snapshot, at);
		return step_side(w, range->table, &range->table->sides[rule_side(rule)]);
	default:
		return step_word(w, rule, at);
	}
}

/* ---- the walk ---- */

/* The frame that the cache was last asked for: the next one's place is named in its entry. */
struct trail {
	uint64_t data;
	uintptr_t at;
	uint32_t index;
};

static inline uint32_t trail_next(const struct trail *trail)
{
	return (uint32_t)(trail->data >> 32) & 0xffff;
}

/* The frame at `at` is not where the trail says: finds it, and mends the trail. Not each time,
 * because a function with two callers would then be mended by each for the other: only where there
 * was no trail yet, and one time in eight, picked by `salt`. */
static inline struct trail trail_find(
	const struct snapshot *s, const struct trail *before, uintptr_t at, uint64_t salt)
{
	uint32_t home = cache_home(at);
	bool hit;
	uint64_t data = cache_get(cache_generation(s), home, at, &hit);
	if (__builtin_expect(!hit, 0))
		data = cache_fill(s, home, at);
	if (before->at && (!trail_next(before) || sig_hash(at ^ salt) >> 61 == 0))
		cache_put(before->index, before->at,
			(before->data & ~(UINT64_C(0xffff) << 32)) | (uint64_t)home << 32);
	return (struct trail){data, at, home};
}

/* Walks frames as long as their rules are the two common ones: most of all frames, nearly all of
 * the time. Nothing here but locals. Frames on fp are a branch, not a conditional move, so that sp
 * does not wait for the fp of the frame before, which most functions save and few need. Returns how
 * many it wrote; w is at the first frame that has to be walked another way, which has not been
 * written. */
static size_t raw run_common(struct walk *w, uintptr_t *pcs, size_t max)
{
	const struct snapshot *const s = w->snapshot;
	const uintptr_t lo = w->lo, room = w->hi - w->lo;
	uintptr_t pc = w->pc, sp = w->regs[ARCH_SP], fp = w->regs[ARCH_FP];
	const uint64_t salt = sp ^ pc, generation = cache_generation(s);
	struct trail trail = {.data = (uint64_t)cache_home(pc - 1) << 32};
	uintptr_t *to = pcs, *const end = pcs + max;
	while (to < end) {
		uint32_t index = trail_next(&trail);
		bool hit;
		uint64_t data = cache_get(generation, index, pc - 1, &hit);
		if (__builtin_expect(!hit, 0))
			trail = trail_find(s, &trail, pc - 1, salt);
		else
			trail = (struct trail){data, pc - 1, index};
		uint32_t rule = (uint32_t)trail.data;
		enum rule_kind kind = rule_kind(rule);
		if (__builtin_expect(kind != RULE_SP && kind != RULE_FP, 0))
			break;
		uintptr_t base = sp;
		if (__builtin_expect_with_probability(kind == RULE_FP, 0, 0.99))
			base = fp;
		uintptr_t cfa = base + rule_cfa(rule) * 8u;
		uintptr_t ra_at = cfa + (uintptr_t)(rule_ra(rule) * 8l);
		uintptr_t fp_at = cfa + (uintptr_t)(rule_fp(rule) * 8l);
		if (__builtin_expect(cfa <= sp || ra_at == cfa || ra_at - lo > room, 0))
			break;
		if (rule_fp(rule)) {
			if (__builtin_expect(fp_at - lo > room, 0))
				break;
			fp = *(const uintptr_t *)fp_at;
		}
		*to++ = pc;
		pc = arch_strip(*(const uintptr_t *)ra_at);
		sp = cfa;
		if (__builtin_expect(!pc, 0)) {
			w->over = true;
			stop(w, UNWIND_END_ROOT);
			break;
		}
	}
	w->pc = pc;
	w->regs[ARCH_SP] = sp;
	w->regs[ARCH_FP] = fp;
	w->regs_known = w->regs_known && to == pcs;
	return (size_t)(to - pcs);
}

static size_t run(struct walk *w, size_t skip, uintptr_t *pcs, size_t max)
{
	for (size_t n = 0;;) {
		if (w->call && !w->full && !skip) {
			n += run_common(w, pcs + n, max - n);
			if (w->over)
				return n;
		}
		uintptr_t at = w->pc - w->call;
		if (skip) {
			skip--;
		} else if (n == max) {
			stop(w, UNWIND_END_DEPTH);
			return n;
		} else {
			/* An interrupted pc further out is passed as if it were returned to, so
			 * that all but the first are looked up the same way. */
			pcs[n] = n ? at + 1 : w->pc;
			n++;
		}
		uint32_t rule = (uint32_t)cache_fill(w->snapshot, cache_home(at), at);
		if (!step(w, rule, at))
			return n;
	}
}

static size_t walk(const uint64_t *regs, uintptr_t pc, bool call, const struct unwind_stack *stack,
	size_t skip, uintptr_t *pcs, size_t max, enum unwind_end *ret_end)
{
	struct walk w;
	unsigned token;
	size_t n = 0;
	bool full = false;
	w.snapshot = modules_enter(&token);
	w.end = UNWIND_END_TABLE;
	if (w.snapshot) {
		do {
			memcpy(w.regs, regs, sizeof(w.regs));
			w.pc = pc;
			w.call = call;
			w.full = full;
			w.regs_known = true;
			w.again = w.over = false;
			w.asked = 1;
			w.switches = 0;
			w.stack = stack ? *stack : (struct unwind_stack){0};
			know_stack(&w);
			n = run(&w, skip, pcs, max);
			full = true;
		} while (w.again);
		modules_exit(token);
	}
	if (w.end != UNWIND_END_ROOT)
		atomic_fetch_add_explicit(&modules_ends[w.end], 1, memory_order_relaxed);
	if (ret_end)
		*ret_end = w.end;
	return n;
}

size_t unwind_walk(const ucontext_t *context, const struct unwind_stack *stack, uintptr_t *pcs,
	size_t max, enum unwind_end *ret_end)
{
	uint64_t regs[ARCH_REGS] = {0}, pc;
	for (unsigned reg = 0; reg < ARCH_REGS; reg++)
		if (arch_context_at[reg])
			memcpy(&regs[reg], (const char *)context + arch_context_at[reg],
				sizeof(regs[reg]));
	memcpy(&pc, (const char *)context + ARCH_CONTEXT_PC, sizeof(pc));
	return walk(regs, pc, false, stack, 0, pcs, max, ret_end);
}

size_t unwind_walk_saved(const struct unwind_saved *saved, const struct unwind_stack *stack,
	uintptr_t *pcs, size_t max, enum unwind_end *ret_end)
{
	uint64_t regs[ARCH_REGS] = {0};
	for (unsigned i = 0; i < UNWIND_SAVED - 1; i++)
		regs[arch_saved[i]] = saved->regs[i];
	return walk(regs, saved->regs[UNWIND_SAVED - 1], false, stack, 0, pcs, max, ret_end);
}

/* Its own frame is where the registers are taken, and left out of the result. */
__attribute__((noinline)) size_t unwind_here(const struct unwind_stack *stack, size_t skip,
	uintptr_t *pcs, size_t max, enum unwind_end *ret_end)
{
	uint64_t regs[ARCH_REGS] = {0};
	arch_here(regs);
	return walk(regs, arch_here_pc(regs), true, stack, skip + 1, pcs, max, ret_end);
}
