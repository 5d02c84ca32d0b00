/*
 * judge_support.h - for the tests of the judges: histories drawn at random, and brute force.
 *
 * The brute force tries every order of the operations that respects time; it shares nothing with
 * the judges but the words of judge_history.h.
 */
#ifndef TESTS_UNIT_JUDGE_SUPPORT_H
#define TESTS_UNIT_JUDGE_SUPPORT_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runner/judge_history.h"

enum { SMALL_MAX = 16 };

static inline uint64_t draw_next(uint64_t *s)
{
	uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline unsigned draw_below(uint64_t *s, unsigned n)
{
	return (unsigned)(draw_next(s) % n);
}

/* What the key is after op when it was now; false if op could not be. */
static inline bool small_step(const struct judge_op *op, uint64_t now, uint64_t *after)
{
	*after = now;
	switch ((enum judge_kind)op->kind) {
	case JUDGE_PUT:
		*after = op->value;
		return true;
	case JUDGE_DELETE:
		*after = JUDGE_NOTHING;
		return true;
	case JUDGE_TAKE:
		*after = JUDGE_NOTHING;
		return now != JUDGE_NOTHING || op->outcome == JUDGE_AMBIGUOUS;
	case JUDGE_CAS:
		*after = now == op->expect ? op->value : now;
		return now == op->expect || op->outcome == JUDGE_AMBIGUOUS;
	case JUDGE_READ:
		return now == op->value;
	case JUDGE_ABSENT:
		return now == JUDGE_NOTHING;
	case JUDGE_PRESENT:
		return now != JUDGE_NOTHING;
	case JUDGE_UNEQUAL:
		return now != op->expect;
	default:
		abort();
	}
}

static inline bool small_counts(const struct judge_op *op)
{
	return op->outcome == JUDGE_KNOWN ||
	       (op->outcome == JUDGE_AMBIGUOUS && !judge_kind_observes(op->kind));
}

/* Is there an order that explains what is not in done? latest: the last begin of what is. */
static inline bool brute_force(const struct judge_op *op, int n, unsigned done, uint64_t latest,
			       uint64_t now)
{
	bool left = false;

	for (int i = 0; i < n; i++) {
		bool first = true;
		uint64_t after;
		if (done & (1u << i) || !small_counts(&op[i]))
			continue;
		left |= op[i].outcome == JUDGE_KNOWN;
		for (int k = 0; k < n; k++)
			first &= done & (1u << k) || op[k].outcome != JUDGE_KNOWN ||
				 op[k].res >= op[i].inv;
		if (!first || op[i].res < latest || !small_step(&op[i], now, &after))
			continue;
		if (brute_force(op, n, done | (1u << i), op[i].inv > latest ? op[i].inv : latest,
				after))
			return true;
	}
	return !left;
}

static inline bool possible(const struct judge_op *op, int n)
{
	return brute_force(op, n, 0, 0, JUDGE_NOTHING);
}

/* What a random history may contain. */
enum {
	WITH_DELETES = 1,
	WITH_PRESENCE = 2,
	WITH_FENCES = 4,
	WITH_TWICE = 8,
	WITH_TIES = 16,
	WITH_CAS = 32,
	WITH_ALL = 64,
};

static inline void draw_times(uint64_t *seed, struct judge_op *op, int n, bool ties)
{
	unsigned moment[2 * SMALL_MAX];

	for (unsigned i = 0; i < 2 * (unsigned)n; i++)
		moment[i] = ties ? draw_below(seed, 2 * (unsigned)n) : i;
	for (int i = 2 * n - 1; i > 0; i--) {
		unsigned k = draw_below(seed, (unsigned)i + 1), t = moment[i];
		moment[i] = moment[k];
		moment[k] = t;
	}
	for (int i = 0; i < n; i++) {
		unsigned a = moment[2 * i], b = moment[2 * i + 1];
		if (a < b && b - a > 4 && draw_below(seed, 2)) /* most are short */
			b = a + 1 + draw_below(seed, 4);
		op[i].inv = (a < b ? a : b) + 1;
		op[i].res = (a < b ? b : a) + 1;
	}
}

static inline int draw_kind(uint64_t *seed, unsigned with)
{
	static const uint8_t plain[] = {JUDGE_PUT, JUDGE_READ, JUDGE_READ, JUDGE_ABSENT};
	unsigned r = draw_below(seed, 12);

	if (with & WITH_CAS && r < 3)
		return draw_below(seed, 3) ? JUDGE_CAS : JUDGE_UNEQUAL;
	if (with & WITH_DELETES && r < 6)
		return with & WITH_PRESENCE && draw_below(seed, 3) == 0 ? JUDGE_TAKE : JUDGE_DELETE;
	if (with & WITH_PRESENCE && r < 8)
		return JUDGE_PRESENT;
	return plain[draw_below(seed, with & WITH_DELETES ? 4 : 3)];
}

static inline void draw_small(uint64_t *seed, struct judge_op *op, int n, unsigned with)
{
	uint64_t puts = 0;

	memset(op, 0, (size_t)n * sizeof(*op));
	draw_times(seed, op, n, with & WITH_TIES);
	for (int i = 0; i < n; i++) {
		op[i].id = (uint64_t)i + 100;
		op[i].kind = (uint8_t)draw_kind(seed, with);
		op[i].client = (uint32_t)i;
		if (op[i].kind == JUDGE_PUT || op[i].kind == JUDGE_CAS)
			op[i].value = with & WITH_TWICE && puts && draw_below(seed, 3) == 0
					      ? 1 + draw_below(seed, (unsigned)puts)
					      : ++puts;
		if (judge_kind_observes(op[i].kind) || draw_below(seed, 4))
			continue;
		op[i].outcome = draw_below(seed, 12) ? JUDGE_AMBIGUOUS : JUDGE_FAILED;
		if (op[i].outcome == JUDGE_AMBIGUOUS &&
		    !(with & WITH_FENCES && draw_below(seed, 2)))
			op[i].res = JUDGE_NEVER;
	}
	for (int i = 0; i < n; i++) {
		if (op[i].kind == JUDGE_READ)
			op[i].value = puts ? 1 + draw_below(seed, (unsigned)puts) : 1;
		if (op[i].kind == JUDGE_CAS || op[i].kind == JUDGE_UNEQUAL)
			op[i].expect = draw_below(seed, (unsigned)puts + 1);
	}
}

#endif
