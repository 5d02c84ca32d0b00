/*
 * test_compact_cut.c - where histories of one key may be cut; drawn ones, and many at random.
 *
 * A picture has a line an operation: its interval by the columns of its first and last letter, a
 * capital for a put of that value, a small letter for a read of it, 0 for a read of nothing, x for
 * a delete. What ends with ? is ambiguous, with ! failed. The random ones are judged whole and in
 * two parts: the answers must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "runner/compact_cut.h"
#include "runner/exact_judge.h"
#include "runner/seed.h"

enum { OPS_MAX = 16, COLUMNS = 40 };

static const struct {
	const char *about, *picture;
	uint64_t horizon, seq, value; /* seq 0: there is no cut */
	size_t ops;
} cases[] = {
	{"all is closed", "AAA\n    aaa", 20, 20, 'a', 2},
	{"not behind the horizon", "AAA\n    aaa", 4, 4, 'a', 1},
	{"a read spans the horizon", "AAA\n    aaaaaaaa", 8, 5, 'a', 1},
	{"a write spans it: the write before is still certain", "AAA\n    BBBBBBBB", 8, 5, 'a', 1},
	{"two writes at a time: nobody knows which is last", "AAAA\n  BBBB", 20, 0, 0, 0},
	{"until a read tells", "AAAA\n  BBBB\n        bb", 20, 20, 'b', 3},
	{"a read beside a write tells nothing", "AAAA\n  BBBB\n     bbb", 20, 0, 0, 0},
	{"before two writes at a time something is certain", "AA\n    BBBB\n      CCCC", 20, 5, 'a',
	 1},
	{"a delete", "AAA\n    xxx", 20, 20, 0, 2},
	{"nothing was ever put", "00\n   00", 20, 20, 0, 2},
	{"a put that failed did nothing", "AA\n   BB!", 20, 20, 'a', 2},
	{"never answered, never seen", "AAA\n    B?\n        aa", 20, 5, 'a', 1},
	{"never answered, but seen", "AAA\n    B?\n        bb\n          bb", 20, 20, 'b', 4},
	{"a delete without an answer", "AAA\n    x?\n        00", 20, 5, 'a', 1},
	{"it holds back from the beginning", "A?\n    00", 20, 0, 0, 0},
};

static size_t read_picture(const char *picture, struct judge_op *op)
{
	size_t n = 0;

	for (; *picture; n++) {
		size_t length = strcspn(picture, "\n"), from = strspn(picture, " ");
		char letter = picture[from], last = picture[length - 1];

		op[n] = (struct judge_op){.id = n + 1, .inv = from + 1, .res = length};
		op[n].kind = letter == '0'                    ? JUDGE_ABSENT
			     : letter == 'x'                  ? JUDGE_DELETE
			     : isupper((unsigned char)letter) ? JUDGE_PUT
							      : JUDGE_READ;
		if (isalpha((unsigned char)letter) && letter != 'x')
			op[n].value = (uint64_t)tolower((unsigned char)letter);
		if (last == '?') {
			op[n].outcome = JUDGE_AMBIGUOUS;
			op[n].res = JUDGE_NEVER;
		}
		if (last == '!')
			op[n].outcome = JUDGE_FAILED;
		picture += length + (picture[length] == '\n');
	}
	return n;
}

static void cuts_are_where_they_must_be(void **state)
{
	struct judge_op op[OPS_MAX];
	struct compact_cut cut;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = read_picture(cases[i].picture, op);
		bool found = compact_cut(&cut, op, n, cases[i].horizon);

		if (found != (cases[i].seq != 0))
			fail_msg("%s: %s", cases[i].about, found ? "cut" : "not cut");
		if (found && (cut.seq != cases[i].seq || cut.value != cases[i].value ||
			      cut.ops != cases[i].ops))
			fail_msg("%s: cut at %llu, value %llu, %zu operations", cases[i].about,
				 (unsigned long long)cut.seq, (unsigned long long)cut.value,
				 cut.ops);
	}
}

static void a_fence_ends_what_was_not_answered(void **state)
{
	struct judge_op op[] = {
		{.id = 1, .inv = 1, .res = 2, .kind = JUDGE_PUT, .value = 1},
		{.id = 2,
		 .inv = 3,
		 .res = 9,
		 .kind = JUDGE_PUT,
		 .value = 2,
		 .outcome = JUDGE_AMBIGUOUS},
		{.id = 3, .inv = 10, .res = 11, .kind = JUDGE_READ, .value = 1},
	};
	struct compact_cut cut;

	(void)state;
	assert_true(compact_cut(&cut, op, 3, 20));
	assert_int_equal(cut.seq, 20);
	assert_int_equal(cut.value, 1);
	assert_int_equal(cut.op, 3);
	/* Sent twice, it may come again after it was seen. */
	op[2].value = 2;
	op[1].res = JUDGE_NEVER;
	assert_true(compact_cut(&cut, op, 3, 20));
	assert_int_equal(cut.seq, 20);
	struct judge_op twice[] = {op[0], op[1], op[1], op[2]};
	assert_true(compact_cut(&cut, twice, 4, 20));
	assert_int_equal(cut.seq, 3);
}

/* A history of a register that is right, but for one read in eight. Times are all different. */
static size_t draw_history(uint64_t *random, struct judge_op *op)
{
	size_t n = 2 + seed_below(random, OPS_MAX - 4);
	uint64_t now = 2, value = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t length = seed_below(random, 4) ? 1 : 1 + seed_below(random, 7);
		struct judge_op *o = &op[i];

		*o = (struct judge_op){.id = i + 1, .inv = now * 32 + i, .client = 1};
		o->res = (now + length) * 32 + i;
		now += seed_below(random, 3) ? 1 + length : 1;
		switch (seed_below(random, 5)) {
		case 0:
		case 1:
			o->kind = JUDGE_PUT;
			o->value = i + 1;
			if (seed_below(random, 6) == 0) {
				o->outcome = JUDGE_AMBIGUOUS;
				o->res = JUDGE_NEVER;
				if (seed_below(random, 2))
					break;
			}
			value = o->value;
			break;
		case 2:
			o->kind = JUDGE_DELETE;
			value = 0;
			break;
		default:
			if (seed_below(random, 8) == 0)
				value = seed_below(random, i + 1);
			o->kind = value ? JUDGE_READ : JUDGE_ABSENT;
			o->value = value;
		}
	}
	return n;
}

static enum judge_verdict verdict(struct exact_judge *judge, const struct judge_op *op, size_t n)
{
	struct judge_answer answer;

	assert_int_equal(exact_judge_key(judge, op, n, 1000000, &answer), 0);
	assert_int_not_equal(answer.verdict, JUDGE_UNKNOWN);
	return answer.verdict;
}

/* The newer part, from the state at the cut. */
static size_t newer_part(const struct judge_op *op, size_t n, const struct compact_cut *cut,
			 struct judge_op *out)
{
	size_t kept = 0;

	if (cut->value)
		out[kept++] = (struct judge_op){.id = 100,
						.inv = cut->seq - 1,
						.res = cut->seq - 1,
						.kind = JUDGE_PUT,
						.value = cut->value};
	for (size_t i = 0; i < n; i++)
		if (op[i].inv >= cut->seq)
			out[kept++] = op[i];
	return kept;
}

static void both_parts_say_what_the_whole_says(void **state)
{
	struct exact_judge *judge = exact_judge_open();
	unsigned cuts = 0, wrong = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 60000; seed++) {
		struct judge_op op[OPS_MAX], older[OPS_MAX], newer[OPS_MAX + 1];
		uint64_t random = seed_named(seed, "cut");
		size_t n = draw_history(&random, op), m = 0;
		struct compact_cut cut;

		if (!compact_cut(&cut, op, n, 64 + seed_below(&random, COLUMNS * 32)))
			continue;
		for (size_t i = 0; i < n; i++)
			if (op[i].inv < cut.seq)
				older[m++] = op[i];
		assert_int_equal(m, cut.ops);
		enum judge_verdict whole = verdict(judge, op, n), parts = verdict(judge, older, m);
		if (parts == JUDGE_OK)
			parts = verdict(judge, newer, newer_part(op, n, &cut, newer));
		if (whole != parts)
			fail_msg("seed %llu: %d in one, %d in two", (unsigned long long)seed, whole,
				 parts);
		cuts++;
		wrong += whole == JUDGE_VIOLATION;
	}
	assert_true(cuts > 30000);
	assert_in_range(wrong, cuts / 20, cuts - cuts / 20);
	exact_judge_close(judge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_are_where_they_must_be),
		cmocka_unit_test(a_fence_ends_what_was_not_answered),
		cmocka_unit_test(both_parts_say_what_the_whole_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
