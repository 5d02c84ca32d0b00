/* stack_walk.c - see stack.h: one step from a frame to its caller. */
#include <ucontext.h>

#include "failpoint/stack.h"

enum { KEPT = 4096, PAGE = 4096, FRAME_BYTES_MAX = 1 << 26 };

_Atomic uint32_t stack_generation = 1;

/* What was found for an address: rule, and address ^ rule ^ generation, so that a pair whose halves
 * were written by two threads fits no address. */
static struct {
	_Atomic uint64_t rule, check;
} kept[KEPT];

/* ---- Rules, remembered ---- */

static uint64_t pack(const struct stack_rule *rule)
{
	return (uint64_t)(uint32_t)rule->offset << 32 | (uint64_t)(uint16_t)rule->fp_offset << 16 |
	       (uint64_t)(uint8_t)(rule->ra_offset / -8) << 8 | (uint64_t)rule->fp_saved << 4 |
	       rule->base;
}

static struct stack_rule unpack(uint64_t word)
{
	return (struct stack_rule){
		.base = word & 15,
		.fp_saved = word >> 4 & 15,
		.ra_offset = (int16_t)((int)(word >> 8 & 255) * -8),
		.fp_offset = (int16_t)(word >> 16),
		.offset = (int32_t)(word >> 32),
	};
}

static struct stack_rule rule_at(uintptr_t code)
{
	uint64_t salt = (uint64_t)atomic_load_explicit(&stack_generation, memory_order_relaxed)
			<< 48;
	unsigned i = (unsigned)raw_mix(0, code) % KEPT;
	uint64_t rule = atomic_load_explicit(&kept[i].rule, memory_order_relaxed);
	uint64_t check = atomic_load_explicit(&kept[i].check, memory_order_relaxed);
	struct stack_rule found;

	if ((check ^ rule) == (code ^ salt))
		return unpack(rule);
	found = stack_rule_at(code);
	rule = pack(&found);
	atomic_store_explicit(&kept[i].rule, rule, memory_order_relaxed);
	atomic_store_explicit(&kept[i].check, rule ^ code ^ salt, memory_order_relaxed);
	return found;
}

/* ---- Memory ---- */

/* By hand: a sanitizer would have an opinion about frames that are not ours. */
static uint64_t peek(uintptr_t at)
{
	uint64_t word;

#if defined(__x86_64__)
	__asm__ volatile("mov (%1), %0" : "=r"(word) : "r"(at) : "memory");
#else
	__asm__ volatile("ldr %0, [%1]" : "=r"(word) : "r"(at) : "memory");
#endif
	return word;
}

static bool read_word(struct stack_walk *walk, uintptr_t at, uintptr_t *out)
{
	if (at % 8)
		return false;
	if ((at & ~(uintptr_t)(PAGE - 1)) != walk->page) {
		if (at < PAGE || !raw_is_readable((const void *)at))
			return false;
		walk->page = at & ~(uintptr_t)(PAGE - 1);
	}
	*out = (uintptr_t)peek(at);
	return true;
}

/* ---- Steps ---- */

/* The kernel put a ucontext before the handler was called; the way back points to it. */
static bool up_from_handler(struct stack_walk *walk)
{
#if defined(__x86_64__)
	const uintptr_t registers = walk->sp + offsetof(ucontext_t, uc_mcontext.gregs);
	const uintptr_t sp = registers + REG_RSP * 8, fp = registers + REG_RBP * 8;
	const uintptr_t pc = registers + REG_RIP * 8;
#else
	const uintptr_t context = walk->sp + 128; /* after a siginfo_t */
	const uintptr_t sp = context + offsetof(ucontext_t, uc_mcontext.sp);
	const uintptr_t fp = context + offsetof(ucontext_t, uc_mcontext.regs) + 29 * 8;
	const uintptr_t pc = context + offsetof(ucontext_t, uc_mcontext.pc);
#endif
	struct stack_walk up = {.page = walk->page, .exact = true};

	if (!read_word(walk, sp, &up.sp) || !read_word(walk, fp, &up.fp) ||
	    !read_word(walk, pc, &up.pc))
		return false;
	up.page = walk->page;
	*walk = up;
	return up.pc > PAGE;
}

/* Nothing is known about this code but that a frame pointer may be kept in it. */
static bool up_chain(struct stack_walk *walk)
{
	uintptr_t fp = walk->fp, up, pc;

	if (fp < walk->sp || fp - walk->sp > FRAME_BYTES_MAX || !read_word(walk, fp, &up) ||
	    !read_word(walk, fp + 8, &pc) || pc < PAGE || up <= fp)
		return false;
	*walk = (struct stack_walk){.pc = pc, .sp = fp + 16, .fp = up, .page = walk->page};
	return true;
}

static bool up_by_rule(struct stack_walk *walk, const struct stack_rule *rule)
{
	bool of_sp = rule->base == BASE_SP || rule->base == BASE_AT_SP;
	uintptr_t cfa = (of_sp ? walk->sp : walk->fp) + (uintptr_t)(intptr_t)rule->offset;
	uintptr_t fp = walk->fp, at = rule->fp_saved == SAVED_AT_FP ? fp : 0, pc;

	if (rule->base >= BASE_AT_SP && !read_word(walk, cfa, &cfa))
		return false;
	if (cfa <= walk->sp || cfa - walk->sp > FRAME_BYTES_MAX)
		return false;
	if (rule->fp_saved == SAVED_AT_CFA)
		at = cfa;
	at += (uintptr_t)(intptr_t)rule->fp_offset;
	if (rule->fp_saved != SAVED_NOT && !read_word(walk, at, &fp))
		return false;
	if (!read_word(walk, cfa + (uintptr_t)(intptr_t)rule->ra_offset, &pc))
		return false;
#if defined(__aarch64__)
	pc &= UINT64_C(0x0000ffffffffffff); /* without its signature */
#endif
	*walk = (struct stack_walk){.pc = pc, .sp = cfa, .fp = fp, .page = walk->page};
	return pc > PAGE;
}

bool stack_up(struct stack_walk *walk)
{
	struct stack_rule rule = rule_at(stack_code(walk));

	walk->over = rule.base == BASE_END;
	if (rule.base <= BASE_END)
		return false;
	if (rule.base == BASE_SIGNAL)
		return up_from_handler(walk);
	return rule.base == BASE_CHAIN ? up_chain(walk) : up_by_rule(walk, &rule);
}
