/*
 * test_check_times.c - what time tells the exact judges: a restart of everything ends what was not
 * answered, and a listing that may be late says nothing of what was written a moment ago.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/made_ledger.h"

/* A delete that nobody answered explains the 404, unless everything was restarted in between. */
static void a_restart_of_everything_is_a_fence(void **state)
{
	static const struct ledger_case lost = {
		"",
		KV,
		VIOLATION_NONE,
		{PUT(1, 1, 2),
		 {.verb = VERB_DELETE, .inv = 3, .res = 4, .kind = OUTCOME_AMBIGUOUS},
		 GET(1, 5, 6),
		 GET(1, 8, 9),
		 GET(1, 10, 11),
		 GET_NONE(12, 13)}};
	/* Times are in thousands of sequence numbers. */
	static const struct {
		const char *sql;
		uint64_t refuted;
	} steps[] = {
		{"INSERT INTO epoch VALUES(1, '', 0, 0); INSERT INTO phase VALUES(12000, 'end');"
		 "INSERT INTO process VALUES('a', 1, 0, 6500, 0, 'rule'), ('a', 2, 7000, 13500, 0, "
		 "'end');"
		 "INSERT INTO process VALUES('b', 3, 0, 13500, 0, 'end')",
		 0}, /* one of the two lived on */
		{"UPDATE process SET ended_ns = 6600 WHERE node = 'b'", 0}, /* no gate has passed */
		{"INSERT INTO fault_event VALUES(0, 7500, 'gated', 1, '')", 1},
		{"INSERT INTO run VALUES('survivor', '77')", 0}, /* a process lived on */
		{"DELETE FROM run WHERE key = 'survivor'", 1},
		{"DELETE FROM phase", 0}, /* processes that are left can't be known */
	};
	sqlite3 *db = make_ledger(":memory:", &lost);

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct oracle *oracle = oracle_open(KV);
		struct exact_result result;
		do_sql(db, steps[i].sql);
		assert_int_equal(
			check_exact(db, KV, &exact_budget, oracle, NULL, NULL, &result, NULL), 0);
		assert_int_equal(result.refuted, steps[i].refuted);
		assert_int_equal(result.fenced[FENCE_RESTART], steps[i].refuted);
		oracle_close(oracle);
	}
	sqlite3_close(db);
}

/* A listing that may be late says nothing of a key that was written to a moment ago. */
static void late_listings_wait(void **state)
{
	static const struct ledger_case late = {
		"", KV, LIST_OMISSION, {PUT(1, 1, 2), LIST(0, 5, 6)}};
	static const struct {
		const char *lag_ns;
		uint64_t refuted;
	} lags[] = {{"0", 1}, {"2000", 1}, {"3000", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(lags) / sizeof(lags[0]); i++) {
		sqlite3 *db = make_ledger(":memory:", &late);
		struct oracle *oracle = oracle_open(KV);
		struct exact_result result;
		char sql[128];
		snprintf(sql, sizeof(sql), "INSERT INTO run VALUES('list_ns', '%s')",
			 lags[i].lag_ns);
		do_sql(db, sql);
		assert_int_equal(
			check_exact(db, KV, &exact_budget, oracle, NULL, NULL, &result, NULL), 0);
		assert_int_equal(result.refuted, lags[i].refuted);
		oracle_close(oracle);
		sqlite3_close(db);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restart_of_everything_is_a_fence),
		cmocka_unit_test(late_listings_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
