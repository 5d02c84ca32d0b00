/*
 * test_check_exact.c - ledgers in, names of violations out; and as histories, out and in again.
 *
 * Each ledger is made here, row by row, and judged without what the oracle finds, so every name is
 * the exact judges'. Evidence that proves nothing must not be taken for any.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/history_check.h"
#include "runner/history_read.h"
#include "tests/unit/made_ledger.h"

/* Each overwrite, and then value 1 is there again. */
#define LANDS_FIVE_TIMES_MORE                                                                    \
	PUT(2, 3, 4), GET(1, 5, 6), PUT(3, 7, 8), GET(1, 9, 10), PUT(4, 11, 12), GET(1, 13, 14), \
		PUT(5, 15, 16), GET(1, 17, 18), PUT(6, 19, 20), GET(1, 21, 22)

static const struct ledger_case cases[] = {
	{"an older value", KV, LOST_WRITE, {PUT(1, 1, 2), PUT(2, 3, 4), GET(1, 5, 6)}},
	{"an older value, then the newer",
	 KV,
	 STALE_READ,
	 {PUT(1, 1, 2), PUT(2, 3, 4), GET(1, 5, 6), GET(2, 7, 8)}},
	{"nothing", KV, LOST_WRITE, {PUT(1, 1, 2), GET_NONE(3, 4)}},
	{"nothing, then it is back", KV, WRONG_404, {PUT(1, 1, 2), GET_NONE(3, 4), GET(1, 5, 6)}},
	{"back after a delete", KV, RESURRECTED_DELETE, {PUT(1, 1, 2), DELETE(3, 4), GET(1, 5, 6)}},
	{"a second delete finds something",
	 KV,
	 RESURRECTED_DELETE,
	 {PUT(1, 1, 2), DELETE(3, 4), DELETE(5, 6)}},
	{"a second delete, where deletes don't tell",
	 PLAIN,
	 VIOLATION_NONE,
	 {PUT(1, 1, 2), DELETE(3, 4), DELETE(5, 6)}},
	{"reads of unanswered puts, to and fro",
	 KV,
	 NON_MONOTONIC,
	 {PUT_LOST(1, 1), PUT_LOST(2, 2), GET(2, 3, 4), GET(1, 5, 6), GET(2, 7, 8)}},
	{"unanswered puts, late",
	 KV,
	 VIOLATION_NONE,
	 {PUT_LOST(1, 1), GET_NONE(2, 3), GET(1, 4, 5)}},
	{"a put that failed",
	 KV,
	 ABORTED_READ,
	 {{.verb = VERB_PUT, .inv = 1, .res = 2, .kind = OUTCOME_NOT_APPLIED, .value = 1},
	  GET(1, 3, 4)}},
	{"a put that failed, but was sent twice",
	 KV,
	 VIOLATION_NONE,
	 {{.verb = VERB_PUT, .inv = 1, .res = 2, .kind = OUTCOME_REFUSED, .value = 1, .sends = 2},
	  GET(1, 3, 4)}},
	{"nobody's value", KV, PHANTOM, {PUT(1, 1, 2), GET(9, 3, 4)}},
	{"a value before its put", KV, FUTURE_READ, {GET(1, 1, 2), PUT(1, 3, 4)}},
	{"a put that was sent twice lands again",
	 KV,
	 VIOLATION_NONE,
	 {{.verb = VERB_PUT, .inv = 1, .res = 2, .kind = OUTCOME_OK, .value = 1, .sends = 2},
	  PUT(2, 3, 4),
	  GET(2, 5, 6),
	  GET(1, 7, 8)}},
	{"a put that was sent six times lands six times",
	 KV,
	 VIOLATION_NONE,
	 {{.verb = VERB_PUT, .inv = 1, .res = 2, .kind = OUTCOME_OK, .value = 1, .sends = 6},
	  LANDS_FIVE_TIMES_MORE}},
	{"a put that was sent five times lands six times",
	 KV,
	 LOST_WRITE,
	 {{.verb = VERB_PUT, .inv = 1, .res = 2, .kind = OUTCOME_OK, .value = 1, .sends = 5},
	  LANDS_FIVE_TIMES_MORE}},
	{"a delete that was sent twice lands again",
	 KV,
	 VIOLATION_NONE,
	 {PUT(1, 1, 2),
	  {.verb = VERB_DELETE, .inv = 3, .res = 4, .kind = OUTCOME_ABSENT, .sends = 2},
	  PUT(2, 5, 6),
	  GET_NONE(7, 8)}},
	{"head of an older value", KV, LOST_WRITE, {PUT(1, 1, 2), PUT(2, 3, 4), HEAD(1, 5, 6)}},
	{"head where tags tell nothing",
	 PLAIN,
	 VIOLATION_NONE,
	 {PUT(1, 1, 2), PUT(2, 3, 4), HEAD(1, 5, 6)}},
	{"head, and both puts have one tag",
	 KV,
	 VIOLATION_NONE,
	 {PUT(1, 1, 2),
	  {.verb = VERB_PUT, .inv = 3, .res = 4, .kind = OUTCOME_OK, .value = 2, .tag = 1},
	  HEAD(1, 5, 6)}},
	{"416",
	 KV,
	 VIOLATION_NONE,
	 {PUT(1, 1, 2),
	  {.verb = VERB_RANGE, .inv = 3, .res = 4, .kind = OUTCOME_REFUSED, .status = 416}}},
	{"wrong bytes are the oracle's",
	 KV,
	 VIOLATION_NONE,
	 {PUT(1, 1, 2),
	  PUT(2, 3, 4),
	  {.verb = VERB_GET, .inv = 5, .res = 6, .kind = OUTCOME_OK, .value = 1, .mark = 1}}},
	{"errors tell nothing",
	 KV,
	 VIOLATION_NONE,
	 {PUT(1, 1, 2),
	  {.verb = VERB_GET, .inv = 3, .res = 4, .kind = OUTCOME_AMBIGUOUS},
	  {.verb = VERB_GET, .inv = 5, .res = 6, .kind = OUTCOME_GARBAGE}}},
	{"two puts accepted in place of one",
	 KV,
	 WRONG_CONDITION,
	 {PUT(1, 1, 2), PUT_IF(1, 2, 3, 6), PUT_IF(1, 3, 4, 5)}},
	{"two puts accepted where nothing was",
	 KV,
	 WRONG_CONDITION,
	 {PUT_IF(ABSENCE, 1, 1, 4), PUT_IF(ABSENCE, 2, 2, 3)}},
	{"two puts accepted where nothing was, with a delete that nobody answered",
	 KV,
	 VIOLATION_NONE,
	 {PUT_IF(ABSENCE, 1, 1, 4),
	  PUT_IF(ABSENCE, 2, 2, 3),
	  {.verb = VERB_DELETE, .inv = 1, .kind = NONE}}},
	{"a put accepted in place of an older value",
	 KV,
	 LOST_WRITE,
	 {PUT(1, 1, 2), PUT(2, 3, 4), PUT_IF(1, 3, 5, 6)}},
	{"a put refused although what it wants is there",
	 KV,
	 WRONG_CONDITION,
	 {PUT(1, 1, 2), PUT_NO(1, 2, 3, 4)}},
	{"a put refused since another was faster",
	 KV,
	 VIOLATION_NONE,
	 {PUT(1, 1, 2), PUT_IF(1, 2, 3, 5), PUT_NO(1, 3, 4, 6), GET(2, 7, 8)}},
	{"a put refused although nothing is there",
	 KV,
	 WRONG_CONDITION,
	 {PUT_NO(ABSENCE, 1, 1, 2)}},
	{"a put refused by its own first sending",
	 KV,
	 VIOLATION_NONE,
	 {PUT(1, 1, 2),
	  {.verb = VERB_PUT,
	   .inv = 3,
	   .res = 6,
	   .kind = OUTCOME_REFUSED,
	   .value = 2,
	   .status = 412,
	   .sends = 2,
	   .condition = 1},
	  GET(2, 7, 8)}},
	{"a tag of two values is no condition that can be told",
	 KV,
	 VIOLATION_NONE,
	 {{.verb = VERB_PUT, .inv = 1, .res = 2, .kind = OUTCOME_OK, .value = 1, .tag = 9},
	  {.verb = VERB_PUT, .inv = 3, .res = 4, .kind = OUTCOME_OK, .value = 2, .tag = 9},
	  PUT_IF(9, 3, 5, 6),
	  PUT_IF(9, 4, 7, 8)}},
	{"a listing without it", KV, LIST_OMISSION, {PUT(1, 1, 2), LIST(0, 3, 4)}},
	{"a listing with what was deleted",
	 KV,
	 LIST_PHANTOM,
	 {PUT(1, 1, 2), DELETE(3, 4), LIST(-2, 5, 6)}},
	{"a listing with an older tag", KV, LIST_META, {PUT(1, 1, 2), PUT(2, 3, 4), LIST(1, 5, 6)}},
	{"a listing that is ill-formed",
	 KV,
	 VIOLATION_NONE,
	 {PUT(1, 1, 2), DELETE(3, 4), LIST(-1, 5, 6)}},
};

struct found {
	int count;
	struct violation violation;
};

static int note_violation(void *arg, const struct violation *v)
{
	struct found *found = arg;

	found->count++;
	found->violation = *v;
	return 0;
}

static void judge(const struct ledger_case *c, struct found *found)
{
	sqlite3 *db = make_ledger(":memory:", c);
	struct oracle *oracle = oracle_open((uint32_t)c->can);
	struct exact_result result;

	*found = (struct found){0};
	assert_int_equal(
		check_exact(db, (uint32_t)c->can, &exact_budget, oracle, NULL, NULL, &result, NULL),
		0);
	assert_int_equal(result.keys, 1);
	assert_int_equal(result.undecided, 0);
	oracle_violations(oracle, note_violation, found);
	assert_int_equal(result.refuted, found->count);
	oracle_close(oracle);
	sqlite3_close(db);
}

static void names_are_right(void **state)
{
	struct found found;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		judge(&cases[i], &found);
		if (found.violation.code != cases[i].code)
			fail_msg("%s: found %s, wanted %s", cases[i].about,
				 violation_name(found.violation.code),
				 violation_name(cases[i].code));
	}
}

static void a_witness_can_be_checked_by_hand(void **state)
{
	static const uint64_t witness[] = {1, 2, 3};
	sqlite3 *db = make_ledger(":memory:", &cases[0]);
	struct oracle *oracle = oracle_open(KV);
	struct exact_result result;
	struct found found = {0};

	(void)state;
	assert_int_equal(check_exact(db, KV, &exact_budget, oracle, NULL, NULL, &result, NULL), 0);
	oracle_violations(oracle, note_violation, &found);
	assert_int_equal(found.violation.op, 3);
	assert_string_equal(found.violation.key, "k/1");
	assert_int_equal(found.violation.witnesses, 3);
	assert_memory_equal(found.violation.witness, witness, sizeof(witness));
	assert_string_equal(found.violation.text,
			    "an acknowledged or seen write is gone and was never seen again; no "
			    "order explains these: operation 1, put of generation 1 (0.000000 to "
			    "0.000001 s); operation 2, put of generation 2 (0.000002 to 0.000003 "
			    "s); operation 3, get answered generation 1 (0.000004 to 0.000005 s)");
	/* A key that has a violation is not judged again. */
	assert_int_equal(check_exact(db, KV, &exact_budget, oracle, NULL, NULL, &result, NULL), 0);
	assert_int_equal(result.keys, 0);
	oracle_close(oracle);
	sqlite3_close(db);
}

static void over_budget_is_named(void **state)
{
	static const struct exact_budget one = {.key = 1, .all = 1};
	static const struct ledger_case busy = {
		"", KV, VIOLATION_NONE, {PUT(1, 1, 2), DELETE(3, 4), PUT(2, 5, 6), GET(2, 7, 8)}};
	sqlite3 *db = make_ledger(":memory:", &busy);
	struct oracle *oracle = oracle_open(KV);
	struct exact_result result;

	(void)state;
	assert_int_equal(check_exact(db, KV, &one, oracle, NULL, NULL, &result, NULL), 0);
	assert_int_equal(result.undecided, 1);
	assert_non_null(strstr(result.text, "\"k/1\""));
	oracle_close(oracle);
	sqlite3_close(db);
}

static size_t read_back(struct history *h, const char *dir, const char *format)
{
	char *text = NULL;
	size_t size = 0, operations = 0;
	struct why why = {""};
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(history_write(dir, format, out, &why), 0);
	fclose(out);
	FILE *in = fmemopen(text, size, "r");
	if (history_read(h, in, &why))
		fail_msg("%s: %s", format, why.text);
	fclose(in);
	free(text);
	for (size_t i = 0; i < h->keys; i++)
		operations += h->part[i].count;
	return operations;
}

static void histories_come_back(void **state)
{
	static const struct ledger_case all = {
		"",
		KV,
		VIOLATION_NONE,
		{PUT(1, 1, 2),
		 DELETE(3, 4),
		 {.verb = VERB_PUT, .inv = 5, .res = 6, .kind = OUTCOME_NOT_APPLIED, .value = 2},
		 PUT_LOST(3, 7),
		 GET_NONE(8, 9),
		 LIST(-2, 10, 12),
		 GET(3, 11, 13)}};
	static const int kinds[] = {JUDGE_PUT,    JUDGE_TAKE, JUDGE_PUT,    JUDGE_PUT,
				    JUDGE_ABSENT, JUDGE_READ, JUDGE_PRESENT};
	static const int outcomes[] = {JUDGE_KNOWN, JUDGE_KNOWN, JUDGE_FAILED, JUDGE_AMBIGUOUS,
				       JUDGE_KNOWN, JUDGE_KNOWN, JUDGE_KNOWN};
	char dir[] = "/tmp/failkit-history-XXXXXX", path[64];
	struct history h;
	struct why why;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/model.sqlite", dir);
	sqlite3_close(make_ledger(path, &all));
	assert_int_equal(read_back(&h, dir, "jsonl"), 7);
	assert_int_equal(h.keys, 1);
	assert_string_equal(h.key[0], "k/1");
	for (int i = 0; i < 7; i++) {
		assert_int_equal(h.part[0].ops[i].kind, kinds[i]);
		assert_int_equal(h.part[0].ops[i].outcome, outcomes[i]);
	}
	assert_int_equal(h.part[0].ops[5].inv, 11);
	assert_int_equal(h.part[0].ops[5].res, 13);
	assert_int_equal(h.part[0].ops[5].value, h.part[0].ops[3].value);
	history_free(&h);
	assert_int_equal(read_back(&h, dir, "edn"), 6); /* no word for presence */
	assert_int_equal(h.part[0].ops[2].outcome, JUDGE_FAILED);
	assert_false(h.text);
	history_free(&h);
	assert_int_equal(read_back(&h, dir, "porcupine"), 5); /* nor for a put that failed */
	assert_true(h.text);
	history_free(&h);
	assert_true(history_write(dir, "xml", stdout, &why) < 0);
	unlink(path);
	unlink(strcat(path, "-wal"));
	snprintf(path, sizeof(path), "%s/model.sqlite-shm", dir);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_right),
		cmocka_unit_test(a_witness_can_be_checked_by_hand),
		cmocka_unit_test(over_budget_is_named),
		cmocka_unit_test(histories_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
