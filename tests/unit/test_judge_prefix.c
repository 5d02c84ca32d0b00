/*
 * test_judge_prefix.c - what survives a power cut, against brute force.
 *
 * The brute force asks for a moment T at which a read of every survivor, put into its key's history
 * there, would have been right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "runner/judge_prefix.h"
#include "tests/unit/judge_support.h"

enum { ROUNDS = 20000, KEYS = 3, CUT = 40 };

/* One key: what was done before the cut at even moments, and one read after it. */
struct drawn {
	struct judge_op op[SMALL_MAX];
	int before;
};

static void draw_key(uint64_t *seed, struct drawn *d, bool deletes)
{
	unsigned puts = 0;

	do {
		d->before = 2 + (int)draw_below(seed, 4);
		draw_small(seed, d->op, d->before, deletes ? WITH_DELETES : 0);
		for (int i = 0; i < d->before; i++) {
			d->op[i].inv *= 2;
			d->op[i].res = d->op[i].res == JUDGE_NEVER ? JUDGE_NEVER : d->op[i].res * 2;
		}
	} while (!possible(d->op, d->before));
	for (int i = 0; i < d->before; i++)
		puts += d->op[i].kind == JUDGE_PUT;
	struct judge_op *survivor = &d->op[d->before];
	*survivor =
		(struct judge_op){.inv = CUT + 1, .res = CUT + 2, .kind = JUDGE_ABSENT, .id = 99};
	survivor->value = draw_below(seed, puts + 1);
	if (survivor->value)
		survivor->kind = JUDGE_READ;
}

static bool was_so_at(const struct drawn *d, uint64_t moment)
{
	struct judge_op op[SMALL_MAX];

	memcpy(op, d->op, sizeof(op));
	op[d->before].inv = op[d->before].res = moment;
	return possible(op, d->before + 1);
}

static bool explained(const struct drawn *d, const struct judge_cut *cut)
{
	for (uint64_t moment = cut->since; moment <= cut->at; moment++) {
		bool all = true;
		for (int i = 0; i < KEYS && all; i++)
			all = was_so_at(&d[i], moment);
		if (all)
			return true;
	}
	return false;
}

static void differ(bool deletes)
{
	int holes = 0, found = 0;
	uint64_t seed = 5;

	for (int round = 0; round < ROUNDS; round++) {
		struct drawn d[KEYS];
		struct judge_part part[KEYS];
		struct judge_prefix_answer a;
		struct judge_cut cut = {.at = CUT,
					.since = draw_below(&seed, 3) ? 0 : draw_below(&seed, 20)};
		for (int i = 0; i < KEYS; i++) {
			draw_key(&seed, &d[i], deletes);
			part[i] = (struct judge_part){d[i].op, (size_t)d[i].before + 1};
		}
		bool could = explained(d, &cut);
		assert_int_equal(judge_prefix(part, KEYS, &cut, &a), 0);
		holes += !could;
		found += a.verdict == JUDGE_VIOLATION;
		if (could && a.verdict == JUDGE_VIOLATION)
			fail_msg("round %d: a hole where there is none", round);
		if (!could && a.verdict == JUDGE_OK && !deletes)
			fail_msg("round %d: a hole was missed", round);
	}
	assert_true(holes > ROUNDS / 20);
	assert_true(found * 100 > holes * 85);
}

static void without_deletes_it_is_exact(void **state)
{
	(void)state;
	differ(false);
}

static void with_deletes_it_never_cries_wolf(void **state)
{
	(void)state;
	differ(true);
}

#define PUT(v, i, r)                                                    \
	{                                                               \
		.inv = (i), .res = (r), .value = (v), .kind = JUDGE_PUT \
	}
#define READ(v, i, r)                                                    \
	{                                                                \
		.inv = (i), .res = (r), .value = (v), .kind = JUDGE_READ \
	}

static void a_hole_names_both_keys(void **state)
{
	static const struct judge_op a[] = {PUT(1, 1, 2), PUT(2, 5, 6), READ(1, 21, 22)};
	static const struct judge_op b[] = {PUT(3, 3, 4), PUT(4, 8, 9), READ(4, 21, 22)};
	const struct judge_part part[] = {{a, 3}, {b, 3}};
	const struct judge_cut none = {.at = 20}, sync = {.at = 20, .since = 20};
	struct judge_prefix_answer answer;

	(void)state;
	assert_int_equal(judge_prefix(part, 2, &none, &answer), 0);
	assert_int_equal(answer.verdict, JUDGE_VIOLATION);
	assert_int_equal(answer.lost, 0);
	assert_int_equal(answer.lost_by, 6);
	assert_int_equal(answer.kept, 1);
	assert_int_equal(answer.kept_from, 8);
	assert_int_equal(judge_prefix(part, 1, &none, &answer), 0);
	assert_int_equal(answer.verdict, JUDGE_OK);
	assert_int_equal(judge_prefix(part, 1, &sync, &answer), 0);
	assert_int_equal(answer.verdict, JUDGE_VIOLATION);
	assert_int_equal(answer.kept, 1); /* nobody: the contract alone forbids it */
}

static void the_halves_are_histories(void **state)
{
	static const struct judge_op ops[] = {PUT(1, 1, 2), PUT(2, 5, 30), READ(1, 10, 25),
					      READ(1, 41, 42), PUT(3, 43, 44)};
	const struct judge_cut cut = {.at = 20};
	struct judge_op half[5];

	(void)state;
	assert_int_equal(judge_prefix_before(ops, 5, &cut, half), 2);
	assert_int_equal(half[1].outcome, JUDGE_AMBIGUOUS);
	assert_int_equal(half[1].res, 20);
	assert_int_equal(judge_prefix_after(ops, 5, &cut, half), 3);
	assert_int_equal(half[0].value, 1);
	assert_int_equal(half[0].outcome, JUDGE_KNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hole_names_both_keys),
		cmocka_unit_test(the_halves_are_histories),
		cmocka_unit_test(without_deletes_it_is_exact),
		cmocka_unit_test(with_deletes_it_never_cries_wolf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
