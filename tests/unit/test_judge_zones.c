/*
 * test_judge_zones.c - histories of one key without deletes, drawn; and violations planted in large
 * ones.
 *
 * A picture has a line an operation: its interval by the columns of its first and last letter, a
 * capital for a put of that value, a small letter for a read of it, 0 for a read of nothing. A put
 * that ends with ? is ambiguous, with ! failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runner/judge_zones.h"

static struct judge_op op_of(const char *line, size_t length, uint64_t id)
{
	struct judge_op op = {.id = id};
	size_t from = strspn(line, " "), to = length;
	char letter = line[from], last = line[to - 1];

	op.inv = from + 1;
	op.res = to;
	op.kind = letter == '0'                    ? JUDGE_ABSENT
		  : isupper((unsigned char)letter) ? JUDGE_PUT
						   : JUDGE_READ;
	op.value = letter == '0' ? JUDGE_NOTHING : (uint64_t)tolower((unsigned char)letter);
	if (last == '?') {
		op.outcome = JUDGE_AMBIGUOUS;
		op.res = JUDGE_NEVER;
	}
	if (last == '!')
		op.outcome = JUDGE_FAILED;
	return op;
}

static struct judge_answer judge(struct judge_zones *z, const char *picture)
{
	struct judge_answer a;
	uint64_t id = 0;

	judge_zones_clear(z);
	while (*picture) {
		size_t length = strcspn(picture, "\n");
		struct judge_op op = op_of(picture, length, ++id);
		assert_int_equal(judge_zones_add(z, &op), 0);
		picture += length + (picture[length] == '\n');
	}
	assert_int_equal(judge_zones_check(z, &a), 0);
	return a;
}

static const struct {
	const char *picture;
	enum judge_reason reason;
} pictures[] = {
	{"AAA\n"
	 "    aaa\n"
	 "        BBB\n"
	 "            bbb",
	 JUDGE_NO_REASON},
	{"AAA\n"
	 "    BBBBBB\n"
	 "     aa\n"
	 "        bb\n",
	 JUDGE_NO_REASON},
	{"AAA\n"
	 "    BBB\n"
	 "        aa\n"
	 "           bb",
	 JUDGE_TWO},
	{"AAA\n"
	 "    BBBBBBBB\n"
	 "      bb\n"
	 "         aa\n",
	 JUDGE_INSIDE},
	{"AAA\n"
	 "    aa\n"
	 " BBBBBB\n"
	 "       bb\n"
	 "          aa",
	 JUDGE_TWO},
	{"AAA\n"
	 "    BBB?\n"
	 "         aa\n"
	 "            bb",
	 JUDGE_NO_REASON},
	{"AAA\n"
	 "    BBB?\n"
	 "         bb\n"
	 "            aa",
	 JUDGE_INSIDE},
	{"AAA?\n"
	 "     BBB\n"
	 "         aa\n", /* a late one */
	 JUDGE_NO_REASON},
	{"00\n"
	 " AAA\n"
	 "    aa",
	 JUDGE_NO_REASON},
	{"AAA\n"
	 "    00",
	 JUDGE_GONE},
	{"AAAAAA\n"
	 " aa\n"
	 "     00",
	 JUDGE_GONE},
	{"   AAA\n"
	 "aa",
	 JUDGE_FUTURE},
	{"AA!\n"
	 "    aa",
	 JUDGE_ABORTED},
	{"AA!\n"
	 "    00",
	 JUDGE_NO_REASON},
	{"aa", JUDGE_UNWRITTEN},
	{"", JUDGE_NO_REASON},
};

static void test_pictures_are_judged(void **state)
{
	struct judge_zones *z = judge_zones_open();

	(void)state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		struct judge_answer a = judge(z, pictures[i].picture);
		bool violated = pictures[i].reason != JUDGE_NO_REASON;
		if ((a.verdict == JUDGE_VIOLATION) != violated || a.reason != pictures[i].reason)
			fail_msg("\n%s\n is %s", pictures[i].picture, judge_reason_text(a.reason));
	}
	judge_zones_close(z);
}

static void test_what_zones_cannot_judge_is_refused(void **state)
{
	static const struct {
		struct judge_op op;
		int rc;
	} refused[] = {
		{{.res = 1, .kind = JUDGE_DELETE}, -ENOTSUP},
		{{.res = 1, .kind = JUDGE_PRESENT}, -ENOTSUP},
		{{.res = 1, .kind = JUDGE_PUT}, -EINVAL},
		{{.res = 1, .kind = JUDGE_READ}, -EINVAL},
		{{.inv = 2, .res = 1, .value = 7, .kind = JUDGE_PUT}, -EINVAL},
		{{.res = 1, .value = 5, .kind = JUDGE_PUT}, -EEXIST},
	};
	const struct judge_op put = {.res = 1, .value = 5, .kind = JUDGE_PUT};
	struct judge_zones *z = judge_zones_open();
	struct judge_answer a;

	(void)state;
	assert_int_equal(judge_zones_add(z, &put), 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(judge_zones_add(z, &refused[i].op), refused[i].rc);
	assert_int_equal(judge_zones_check(z, &a), 0);
	assert_int_equal(a.verdict, JUDGE_OK);
	judge_zones_close(z);
}

enum { LARGE = 50000 };

/* One writer and three readers of each value, somewhat overlapping; added in any order. */
static void add_large(struct judge_zones *z, const struct judge_op *planted, size_t skip)
{
	for (size_t k = 0; k < LARGE; k++) {
		size_t i = k * 7919 % LARGE;
		struct judge_op op = {.inv = i * 10,
				      .res = i * 10 + (i % 4 ? 14 : 9),
				      .value = i / 4 * 1024 + 1,
				      .id = i,
				      .kind = i % 4 ? JUDGE_READ : JUDGE_PUT};
		if (i != skip)
			assert_int_equal(judge_zones_add(z, &op), 0);
	}
	if (planted)
		assert_int_equal(judge_zones_add(z, planted), 0);
}

static void test_a_violation_planted_in_a_large_history_is_the_one_that_is_found(void **state)
{
	static const struct {
		struct judge_op op;
		size_t skip;
		enum judge_reason reason;
	} plants[] = {
		{{.inv = 300000, .res = 300003, .value = 7001 * 1024 + 1, .kind = JUDGE_READ},
		 LARGE,
		 JUDGE_TWO},
		{{.inv = 300000, .res = 300003, .kind = JUDGE_ABSENT}, LARGE, JUDGE_GONE},
		{{.inv = 300000, .res = 300003, .value = 77, .kind = JUDGE_READ},
		 LARGE,
		 JUDGE_UNWRITTEN},
		{{.inv = 300000, .res = 300003, .value = 12000 * 1024 + 1, .kind = JUDGE_READ},
		 LARGE,
		 JUDGE_FUTURE},
		{{.inv = 300000, .res = 300009, .value = 7500 * 1024 + 1, .outcome = JUDGE_FAILED},
		 30000,
		 JUDGE_ABORTED},
		{{.inv = 300012, .res = 300013, .value = 77, .kind = JUDGE_PUT},
		 LARGE,
		 JUDGE_INSIDE},
	};
	struct judge_zones *z = judge_zones_open();
	struct judge_answer a;

	(void)state;
	add_large(z, NULL, LARGE);
	assert_int_equal(judge_zones_check(z, &a), 0);
	assert_int_equal(a.verdict, JUDGE_OK);
	for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
		struct judge_op planted = plants[i].op;
		bool named = false;
		planted.id = 1000000;
		judge_zones_clear(z);
		add_large(z, &planted, plants[i].skip);
		assert_int_equal(judge_zones_check(z, &a), 0);
		if (a.reason != plants[i].reason)
			fail_msg("plant %zu: %s", i, judge_reason_text(a.reason));
		for (int w = 0; w < a.witnesses; w++)
			named |= a.witness[w] == planted.id;
		assert_true(named);
		assert_in_range(a.witnesses, 1, 4);
	}
	judge_zones_close(z);
}

static void test_it_may_be_asked_again_as_operations_come(void **state)
{
	const struct judge_op one = {.inv = 1, .res = 2, .value = 1, .id = 1, .kind = JUDGE_PUT};
	const struct judge_op two = {.inv = 3, .res = 4, .value = 2, .id = 2, .kind = JUDGE_PUT};
	const struct judge_op stale = {.inv = 5, .res = 6, .value = 1, .id = 3, .kind = JUDGE_READ};
	struct judge_zones *z = judge_zones_open();
	struct judge_answer a;

	(void)state;
	judge_zones_add(z, &one);
	judge_zones_add(z, &two);
	assert_int_equal(judge_zones_check(z, &a), 0);
	assert_int_equal(a.verdict, JUDGE_OK);
	judge_zones_add(z, &stale);
	assert_int_equal(judge_zones_check(z, &a), 0);
	assert_int_equal(a.verdict, JUDGE_VIOLATION);
	assert_int_equal(a.op, 3);
	judge_zones_close(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pictures_are_judged),
		cmocka_unit_test(test_what_zones_cannot_judge_is_refused),
		cmocka_unit_test(
			test_a_violation_planted_in_a_large_history_is_the_one_that_is_found),
		cmocka_unit_test(test_it_may_be_asked_again_as_operations_come),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
