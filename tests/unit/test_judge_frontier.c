/*
 * test_judge_frontier.c - keys with deletes: small histories by hand, violations planted in large
 * ones with short witnesses, many ambiguous operations, and the limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runner/judge_frontier.h"

#define PUT(v, from, to)                                              \
	{                                                             \
		.inv = from, .res = to, .value = v, .kind = JUDGE_PUT \
	}
#define DELETE(from, to)                                     \
	{                                                    \
		.inv = from, .res = to, .kind = JUDGE_DELETE \
	}
#define TAKE(from, to)                                     \
	{                                                  \
		.inv = from, .res = to, .kind = JUDGE_TAKE \
	}
#define READ(v, from, to)                                              \
	{                                                              \
		.inv = from, .res = to, .value = v, .kind = JUDGE_READ \
	}
#define ABSENT(from, to)                                     \
	{                                                    \
		.inv = from, .res = to, .kind = JUDGE_ABSENT \
	}
#define PRESENT(from, to)                                     \
	{                                                     \
		.inv = from, .res = to, .kind = JUDGE_PRESENT \
	}
#define MAYBE_PUT(v, from, to)                                             \
	{                                                                  \
		from, to, v, .kind = JUDGE_PUT, .outcome = JUDGE_AMBIGUOUS \
	}
#define MAYBE_DELETE(from, to)                                             \
	{                                                                  \
		from, to, .kind = JUDGE_DELETE, .outcome = JUDGE_AMBIGUOUS \
	}
#define NEVER JUDGE_NEVER

static const struct {
	const char *about;
	bool possible;
	int witnesses;
	struct judge_op op[8];
} cases[] = {
	{"an acknowledged delete", true, 0, {PUT(1, 1, 2), DELETE(3, 4), ABSENT(5, 6)}},
	{"what was deleted came back", false, 3, {PUT(1, 1, 2), DELETE(3, 4), READ(1, 5, 6)}},
	{"a put under way may come after the delete",
	 true,
	 0,
	 {PUT(1, 1, 4), DELETE(2, 3), READ(1, 5, 6)}},
	{"nothing, though nobody deleted", false, 2, {PUT(1, 1, 2), ABSENT(3, 4)}},
	{"an ambiguous delete may come late",
	 true,
	 0,
	 {MAYBE_DELETE(1, NEVER), PUT(1, 2, 3), READ(1, 4, 5), ABSENT(6, 7)}},
	{"but not after its fence",
	 false,
	 2,
	 {MAYBE_DELETE(1, 3), PUT(1, 4, 5), READ(1, 6, 7), ABSENT(8, 9)}},
	{"one delete, two holes",
	 false,
	 4,
	 {MAYBE_DELETE(1, NEVER), PUT(1, 2, 3), ABSENT(4, 5), PUT(2, 6, 7), ABSENT(8, 9)}},
	{"two deletes, two holes",
	 true,
	 0,
	 {MAYBE_DELETE(1, NEVER), MAYBE_DELETE(1, NEVER), PUT(1, 2, 3), ABSENT(4, 5), PUT(2, 6, 7),
	  ABSENT(8, 9)}},
	{"listed, after an ambiguous put", true, 0, {MAYBE_PUT(1, 1, NEVER), PRESENT(3, 4)}},
	{"listed, deleted, and listed again by a late one",
	 true,
	 0,
	 {MAYBE_PUT(1, 1, NEVER), PUT(2, 1, 2), PRESENT(3, 4), DELETE(5, 6), PRESENT(7, 8)}},
	{"listed twice, but only one put",
	 false,
	 3,
	 {MAYBE_PUT(1, 1, NEVER), PRESENT(3, 4), DELETE(5, 6), PRESENT(7, 8)}},
	{"two deletes that both found the one object",
	 false,
	 2,
	 {PUT(1, 1, 2), TAKE(3, 6), TAKE(4, 7)}},
	{"a put that was sent twice",
	 true,
	 0,
	 {PUT(1, 1, 2), MAYBE_PUT(1, 1, NEVER), PUT(2, 3, 4), READ(1, 5, 6)}},
};

static size_t length_of(const struct judge_op *op)
{
	size_t n = 0;

	while (n < 8 && op[n].inv)
		n++;
	return n;
}

static void test_histories_by_hand(void **state)
{
	struct judge_frontier *j = judge_frontier_open();
	struct judge_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct judge_op op[8];
		size_t n = length_of(cases[i].op);
		memcpy(op, cases[i].op, sizeof(op));
		for (size_t k = 0; k < n; k++)
			op[k].id = k + 1;
		assert_int_equal(judge_frontier(j, op, n, 0, &a), 0);
		if ((a.verdict == JUDGE_OK) != cases[i].possible)
			fail_msg("%s: verdict %d", cases[i].about, a.verdict);
		if (a.witnesses != cases[i].witnesses)
			fail_msg("%s: %d witnesses", cases[i].about, a.witnesses);
	}
	judge_frontier_close(j);
}

enum { LARGE = 24000 };

/* Cycles of put, read, listing, delete and 404, one into the other; every fiftieth has a put and a
 * delete besides that nobody heard of again. */
static size_t fill_large(struct judge_op *op)
{
	size_t n = 0;

	for (uint64_t i = 0, t = 1; n < LARGE - 8; i++, t += 20) {
		op[n++] = (struct judge_op)PUT(i + 1, t, t + 3);
		op[n++] = (struct judge_op)READ(i + 1, t + 2, t + 6);
		op[n++] = (struct judge_op)PRESENT(t + 5, t + 8);
		op[n++] = (struct judge_op)DELETE(t + 9, t + 12);
		op[n++] = (struct judge_op)ABSENT(t + 11, t + 15);
		if (i % 50)
			continue;
		op[n++] = (struct judge_op)MAYBE_PUT(i + 1000000, t, NEVER);
		op[n++] = (struct judge_op)MAYBE_DELETE(t, t + 2000);
	}
	for (size_t i = 0; i < n; i++)
		op[i].id = i;
	return n;
}

static void test_violations_planted_in_large_histories_get_short_witnesses(void **state)
{
	static const struct {
		const char *about;
		struct judge_op op;
	} plants[] = {
		{"an old value", READ(900, 40007, 40008)},
		{"one that was deleted long ago", READ(900, 40017, 40018)},
		{"one that comes later", READ(2500, 40007, 40008)},
		{"one of nobody", READ(77777777, 40007, 40008)},
	};
	struct judge_frontier *j = judge_frontier_open();
	struct judge_op *op = calloc(LARGE, sizeof(*op));
	size_t n = fill_large(op);
	struct judge_answer a;

	(void)state;
	assert_int_equal(judge_frontier(j, op, n, 0, &a), 0);
	assert_int_equal(a.verdict, JUDGE_OK);
	for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
		bool named = false;
		op[n] = plants[i].op;
		op[n].id = n;
		assert_int_equal(judge_frontier(j, op, n + 1, 0, &a), 0);
		assert_int_equal(a.verdict, JUDGE_VIOLATION);
		for (int w = 0; w < a.witnesses; w++)
			named |= a.witness[w] == n;
		if (!named || a.witnesses > 6)
			fail_msg("%s: %d witnesses", plants[i].about, a.witnesses);
	}
	free(op);
	judge_frontier_close(j);
}

/* The cost must not double with each of these. */
static void test_ambiguous_operations_do_not_pile_up(void **state)
{
	enum { MANY = 3000 };
	struct judge_frontier *j = judge_frontier_open();
	struct judge_op *op = calloc(MANY + 2, sizeof(*op));
	struct judge_answer a;

	(void)state;
	for (uint64_t i = 0; i < MANY; i += 3) {
		uint64_t t = i + 1;
		op[i] = (struct judge_op)MAYBE_PUT(i + 1, t, NEVER);
		op[i + 1] = (struct judge_op)MAYBE_DELETE(t, NEVER);
		op[i + 2] = i % 2 ? (struct judge_op)PRESENT(t, t + 5)
				  : (struct judge_op)ABSENT(t, t + 5);
	}
	assert_int_equal(judge_frontier(j, op, MANY, 0, &a), 0);
	assert_int_equal(a.verdict, JUDGE_OK);
	assert_true(a.steps < MANY * 100);
	free(op);
	judge_frontier_close(j);
}

/* n writes at once, each read by a reader of its own while they last. */
static void fill_wide(struct judge_op *op, size_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		op[i] = (struct judge_op)PUT(i + 1, 1, 1000);
		op[n + i] = (struct judge_op)READ(i + 1, 1001, 2000 + i);
	}
}

static void test_what_is_too_much_is_unknown(void **state)
{
	struct judge_frontier *j = judge_frontier_open();
	struct judge_op op[400];
	struct judge_answer a;

	(void)state;
	fill_wide(op, 20);
	assert_int_equal(judge_frontier(j, op, 40, 1000, &a), 0);
	assert_int_equal(a.verdict, JUDGE_VIOLATION); /* none can be left before its reader */
	assert_int_equal(judge_frontier(j, op, 40, 10, &a), 0);
	assert_int_equal(a.verdict, JUDGE_UNKNOWN);
	assert_int_equal(a.reason, JUDGE_BUDGET);
	fill_wide(op, 200);
	assert_int_equal(judge_frontier(j, op, 400, 0, &a), 0);
	assert_int_equal(a.verdict, JUDGE_UNKNOWN);
	assert_int_equal(a.reason, JUDGE_TOO_WIDE);
	judge_frontier_close(j);
}

static void test_what_it_cannot_judge_is_refused(void **state)
{
	static const struct {
		struct judge_op op;
		int rc;
	} refused[] = {
		{{1, 2, .kind = JUDGE_CAS}, -EINVAL},
		{{1, 2, 1, .kind = JUDGE_APPEND}, -ENOTSUP},
		{PUT(JUDGE_NOTHING, 1, 2), -EINVAL},
		{READ(JUDGE_NOTHING, 1, 2), -EINVAL},
		{PUT(1, 2, 1), -EINVAL},
		{PUT(1, 2, NEVER - 1), -EINVAL},
	};
	struct judge_frontier *j = judge_frontier_open();
	struct judge_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(judge_frontier(j, &refused[i].op, 1, 0, &a), refused[i].rc);
	assert_int_equal(judge_frontier(j, NULL, 0, 0, &a), 0);
	assert_int_equal(a.verdict, JUDGE_OK);
	judge_frontier_close(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histories_by_hand),
		cmocka_unit_test(test_violations_planted_in_large_histories_get_short_witnesses),
		cmocka_unit_test(test_ambiguous_operations_do_not_pile_up),
		cmocka_unit_test(test_what_is_too_much_is_unknown),
		cmocka_unit_test(test_what_it_cannot_judge_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
