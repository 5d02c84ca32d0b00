/*
 * stack.c - see stack.h: stack= and caller=.
 *
 *     signal handlers        grow downwards
 *     engine, wrapper        up to the frame that holds the hit, and further in our own object
 *     the caller             whose object is caller='s
 *     its callers            any of them may be stack='s
 */
#include "failpoint/stack.h"
#include "failpoint/pattern.h"

enum { ANSWERS = 16384 };

/* What a pattern said about an address: a hash of both, its lowest bit the answer. */
static _Atomic uint64_t answers[ANSWERS];

enum { OF_STACK = 1, OF_CALLER = 2 };

/* ---- From the hit to its caller ---- */

static bool is_ours(uintptr_t pc)
{
	return core.ops && pc >= (uintptr_t)core.ops->code && pc < (uintptr_t)core.ops->code_end;
}

bool stack_leave_engine(struct stack_walk *walk, const struct hit *hit)
{
	bool passed = false;

	for (unsigned n = 0; n < STACK_FRAME_MAX; n++) {
		if (!stack_up(walk))
			return false;
		passed |= walk->sp > (uintptr_t)hit;
		if (passed && !is_ours(stack_code(walk)))
			return true;
	}
	return false;
}

/* ---- Patterns ---- */

static bool take_fitting(void *arg, const char *name, uint64_t distance)
{
	const struct stack_pattern *pattern = arg;

	(void)distance;
	return pattern->fits(pattern->arg, name);
}

/* The name as it is; without what the compiler put behind it (".isra.0"); in C++ the qualified name
 * and its tails. */
struct naming {
	const struct stack_pattern *pattern;
	char *scratch;
	size_t size;
};

static bool tail_fits(const struct naming *n)
{
	for (const char *at = n->scratch;; at++) {
		if (take_fitting((void *)(uintptr_t)n->pattern, at, 0))
			return true;
		while (*at && !(at[0] == ':' && at[1] == ':'))
			at++;
		if (!*at++)
			return false;
	}
}

static bool name_fits(void *arg, const char *name, uint64_t distance)
{
	const struct naming *n = arg;
	size_t length = 0;

	if (take_fitting((void *)(uintptr_t)n->pattern, name, distance))
		return true;
	if (stack_cplus_name(name, n->scratch, n->size))
		return tail_fits(n);
	while (name[length] && name[length] != '.')
		length++;
	if (!length || !name[length])
		return false;
	raw_copy(n->scratch, n->size, name, length);
	return take_fitting((void *)(uintptr_t)n->pattern, n->scratch, distance);
}

static bool find_answer(const struct stack_pattern *pattern, unsigned of, uintptr_t code)
{
	struct stack_scratch *scratch = stack_scratch_take();
	struct naming naming = {.pattern = pattern};
	bool answer;

	if (!scratch)
		return false;
	naming.scratch = scratch->name;
	naming.size = sizeof(scratch->name);
	if (of == OF_STACK)
		answer = stack_symbols_at(scratch, code, name_fits, &naming);
	else
		answer = stack_object_at(scratch, code) &&
			 pattern->fits(pattern->arg, scratch->object.path);
	stack_scratch_give(scratch);
	return answer;
}

static bool answer_at(const struct stack_pattern *pattern, unsigned of, uintptr_t code)
{
	uint32_t generation = atomic_load_explicit(&stack_generation, memory_order_relaxed);
	uint64_t key = raw_mix(raw_mix(pattern->key, of ^ generation << 2), code) & ~UINT64_C(1);
	_Atomic uint64_t *place = &answers[key / 2 % ANSWERS];
	uint64_t known = atomic_load_explicit(place, memory_order_relaxed);
	bool answer;

	if ((known & ~UINT64_C(1)) == key)
		return known & 1;
	answer = find_answer(pattern, of, code);
	atomic_store_explicit(place, key | answer, memory_order_relaxed);
	return answer;
}

bool stack_has(const struct hit *hit, const struct stack_pattern *pattern)
{
	struct stack_walk walk;
	unsigned frames = 0;

	STACK_HERE(&walk);
	if (!whose_is_here() || !stack_leave_engine(&walk, hit))
		return false;
	do
		if (answer_at(pattern, OF_STACK, stack_code(&walk)))
			return true;
	while (++frames < STACK_FRAME_MAX && stack_up(&walk));
	return false;
}

bool stack_caller_is(const struct hit *hit, const struct stack_pattern *pattern)
{
	struct stack_walk walk;

	STACK_HERE(&walk);
	return whose_is_here() && stack_leave_engine(&walk, hit) &&
	       answer_at(pattern, OF_CALLER, stack_code(&walk));
}

/* ---- A frame of long ago ---- */

extern const char doors_begin[] __asm__("__start_failkit_doors")
	__attribute__((weak, visibility("hidden")));
extern const char doors_end[] __asm__("__stop_failkit_doors")
	__attribute__((weak, visibility("hidden")));

/* While a function is passed through, its frame is in the frame pointer. */
bool stack_passes(uintptr_t frame)
{
	struct stack_walk walk;

	STACK_HERE(&walk);
	for (unsigned n = 0; n < 2 * STACK_FRAME_MAX; n++) {
		if (walk.fp == frame && walk.pc >= (uintptr_t)doors_begin &&
		    walk.pc < (uintptr_t)doors_end)
			return true;
		if (!stack_up(&walk))
			return !walk.over;
	}
	return true;
}
