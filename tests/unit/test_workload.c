/*
 * test_workload.c - workers against a store in memory: honest, busy, and lying in one way each.
 *
 * An honest store gives no violation, however often it answers 503; each lie is found and called by
 * one of its right names. Runs end by acknowledgements, not by the clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/operation.h"
#include "tests/unit/liar.h"

static struct {
	char folder[64], path[96], endpoint[32];
	const char *endpoints[2];
	struct plan plan;
	struct ledger *ledger;
	struct workload *workload;
} run;

static int64_t deadline_s(int64_t seconds)
{
	return process_now_ns() + seconds * 1000000000;
}

static void begin(enum lie lie, int workers)
{
	struct why why = {""};

	strcpy(run.folder, "/tmp/failkit-workload-XXXXXX");
	assert_non_null(mkdtemp(run.folder));
	snprintf(run.path, sizeof(run.path), "%s/model.sqlite", run.folder);
	snprintf(run.endpoint, sizeof(run.endpoint), "127.0.0.1:%d", liar_start(lie));
	run.endpoints[0] = run.endpoints[1] = run.endpoint;
	run.plan = (struct plan){
		.run = {.seed = 7, .on_violation = ON_VIOLATION_STOP},
		.store = {.driver = "kv", .timeout_ns = INT64_C(10000000000)},
		.workload = {.workers = workers,
			     .writers_per_key = 1,
			     .mix = {30, 15, 0, 0, 30, 8, 8, 6, 3},
			     .hot_keys = 8,
			     .hot_share = 0.5,
			     .objects_max = 80,
			     .live_bytes_max = 1 << 20,
			     .deleted_max = 20,
			     .size_min = 0,
			     .size_max = 5000},
	};
	assert_int_equal(ledger_create(&run.ledger, run.path, &why), 0);
	const struct workload_options options = {.plan = &run.plan,
						 .driver = &driver_kv,
						 .endpoint = run.endpoints,
						 .endpoints = 2,
						 .ledger = run.ledger,
						 .run_id = 99,
						 .client_address = "127.0.0.99"};
	assert_int_equal(workload_open(&run.workload, &options, &why), 0);
}

static void end(void)
{
	static const char *const endings[] = {"", "-wal", "-shm"};
	char file[128];

	workload_close(run.workload);
	ledger_close(run.ledger, NULL);
	liar_stop();
	for (int i = 0; i < 3; i++) {
		snprintf(file, sizeof(file), "%s%s", run.path, endings[i]);
		unlink(file);
	}
	rmdir(run.folder);
}

static int first_violation(void *arg, const struct violation *violation)
{
	memcpy(arg, violation, sizeof(*violation));
	return 1;
}

static void finish(void *arg, struct oracle *oracle)
{
	oracle_finish(oracle);
	oracle_violations(oracle, first_violation, arg);
}

static struct workload_status run_to(uint64_t acks)
{
	struct workload_status status;
	struct why why = {""};

	assert_int_equal(workload_start(run.workload, &why), 0);
	int rc = workload_wait_acks(run.workload, acks, deadline_s(120));
	assert_true(rc == 0 || rc == -ECANCELED);
	workload_stop(run.workload);
	assert_int_equal(workload_sweep(run.workload, deadline_s(60), &why), 0);
	workload_status(run.workload, &status);
	return status;
}

static int64_t ask(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	int64_t answer;

	assert_int_equal(ledger_flush(run.ledger), 0);
	assert_int_equal(sqlite3_open(run.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return answer;
}

static void an_honest_store_has_no_violation(void **state)
{
	struct violation violation = {.text = ""};
	struct why why = {""};

	(void)state;
	begin(LIE_NONE, 4);
	assert_int_equal(workload_probe(run.workload, &why), 0);
	struct workload_status status = run_to(1500);
	workload_oracle(run.workload, finish, &violation);
	assert_string_equal(violation.text, "");
	assert_int_equal(status.violations, 0);
	assert_int_equal(status.errors, 0);
	assert_true(workload_acks(run.workload) >= 1500);
	for (int verb = 0; verb < VERB_COUNT; verb++)
		assert_true(status.count.verified[verb] > 0);
	assert_true(liar_objects() > 0 && liar_objects() <= 84);
	/* Every operation is in the ledger with its outcome, each page with its entries. */
	assert_int_equal(ask("SELECT count(*) FROM intent"), status.ops);
	assert_int_equal(ask("SELECT count(*) FROM intent JOIN outcome USING(op)"
			     " WHERE inv_seq < res_seq AND inv_ns <= res_ns"),
			 status.ops);
	assert_int_equal(ask("SELECT count(*) FROM page"), status.count.ops[VERB_LIST]);
	assert_int_equal(ask("SELECT count(*) FROM intent WHERE worker = -1"), 12);
	assert_true(ask("SELECT count(*) FROM object") < 4 * 27 + 60);
	end();
}

static void a_busy_store_has_no_violation(void **state)
{
	struct violation violation = {.text = ""};

	(void)state;
	begin(LIE_BUSY, 4);
	struct workload_status status = run_to(400);
	workload_oracle(run.workload, finish, &violation);
	assert_string_equal(violation.text, "");
	assert_int_equal(status.violations, 0);
	assert_true(status.ambiguous > 0);
	end();
}

static const struct {
	enum lie lie;
	enum violation_code codes[5]; /* any of these */
} lies[] = {
	{LIE_LOST_PUT, {LOST_WRITE, STALE_READ, WRONG_404, LIST_OMISSION, LIST_META}},
	{LIE_KEPT_DELETE, {RESURRECTED_DELETE, LIST_PHANTOM}},
	{LIE_ROTTEN, {CORRUPT, HEAD_GET_MISMATCH}},
	{LIE_SHIFTED, {WRONG_RANGE, CORRUPT}},
	{LIE_SHORT_LIST, {LIST_OMISSION}},
	{LIE_WRONG_TAG, {BAD_ACK}},
};

static void each_lie_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct violation violation = {.code = VIOLATION_NONE};
		bool right = false;

		begin(lies[i].lie, 4);
		struct workload_status status = run_to(3000);
		workload_oracle(run.workload, finish, &violation);
		assert_true(status.violations > 0);
		for (int j = 0; j < 5; j++)
			right |= violation.code != VIOLATION_NONE &&
				 violation.code == lies[i].codes[j];
		if (!right)
			fail_msg("lie %d is called %s: %s", lies[i].lie,
				 violation_name(violation.code), violation.text);
		end();
	}
}

static void a_store_that_is_gone_fails_softly(void **state)
{
	struct workload_status status;
	struct why why = {""};

	(void)state;
	begin(LIE_NONE, 4);
	liar_stop();
	assert_int_equal(workload_probe(run.workload, &why), -EAGAIN);
	assert_non_null(strstr(why.text, run.endpoint));
	assert_int_equal(workload_start(run.workload, &why), 0);
	const int64_t deadline_ns = deadline_s(60);
	do {
		assert_int_equal(workload_wait_acks(run.workload, 1, process_now_ns() + 1000000),
				 -ETIMEDOUT);
		workload_status(run.workload, &status);
	} while (status.errors < 20 && process_now_ns() < deadline_ns);
	workload_stop(run.workload);
	assert_true(status.errors >= 20);
	assert_int_equal(status.ambiguous, 0);
	assert_int_equal(status.violations, 0);
	assert_true(workload_sweep(run.workload, process_now_ns(), &why) > 0);
	liar_start(LIE_NONE);
	end();
}

static void operations_follow_from_the_seed(void **state)
{
	int64_t first[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		begin(LIE_NONE,
		      1); /* several would read each other's keys, by chance there or not */
		run_to(100);
		first[i] = ask("SELECT sum(size * n * (verb + 1)) FROM (SELECT size, verb, "
			       "row_number() OVER"
			       " (ORDER BY op) AS n FROM intent WHERE worker = 0 LIMIT 50)");
		end();
	}
	assert_int_equal(first[0], first[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_honest_store_has_no_violation),
		cmocka_unit_test(a_busy_store_has_no_violation),
		cmocka_unit_test(each_lie_is_found),
		cmocka_unit_test(a_store_that_is_gone_fails_softly),
		cmocka_unit_test(operations_follow_from_the_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
