/*
 * test_report.c - a report is read back from the ledger alone.
 *
 * Goal: verdict, violations with witnesses, faults with recovery times, availability and latency by
 * phase come out as they went in; a ledger that was cut has a report too. Method: a small ledger
 * made here, through the ledger's own interface, with times that are easy to add up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/judgement.h"
#include "runner/ledger.h"
#include "runner/report.h"

static char dir[64], path[96];

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/failkit-report-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/model.sqlite", dir);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"model.sqlite", "model.sqlite-wal", "model.sqlite-shm",
					    "report.md", "results.json"};
	char file[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", dir, names[i]);
		unlink(file);
	}
	return rmdir(dir);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static uint64_t seq;

/* An operation that begins now and took so many milliseconds. */
static uint64_t operation(struct ledger *ledger, struct oracle *oracle, enum verb verb,
			  enum outcome kind, uint64_t generation, uint64_t seen, int64_t took_ms)
{
	struct ledger_intent i = {.op = ledger_next_op(ledger),
				  .verb = verb,
				  .key = "k|1",
				  .generation = generation,
				  .size = 10,
				  .inv_ns = now_ns(),
				  .inv_seq = ++seq};
	struct ledger_outcome o = {.op = i.op,
				   .res_ns = i.inv_ns + took_ms * 1000000,
				   .res_seq = ++seq,
				   .kind = kind,
				   .status = 200,
				   .seen = seen,
				   .size = 10};

	assert_int_equal(ledger_intent(ledger, &i), 0);
	assert_int_equal(ledger_outcome(ledger, &o), 0);
	oracle_invoke(oracle, &i);
	oracle_return(oracle, &o, NULL, NULL, NULL, false);
	return i.op;
}

static void one_fault(struct ledger *ledger, struct oracle *oracle)
{
	ledger_fault(ledger, 0, "wal-eio", "eio", "ds2", "0 ack +3 ...", "default");
	ledger_fault(ledger, 1, "late", "kill-start", "ds1", "1 ack +9 ...", "default");
	ledger_fault_event(ledger, 0, "reached", 0, "ack +3");
	ledger_fault_event(ledger, 0, "applying", 0, "");
	operation(ledger, oracle, VERB_PUT, OUTCOME_AMBIGUOUS, 2, 0, 5);
	ledger_fault_event(ledger, 0, "applied", 3, "");
	ledger_fault_event(ledger, 0, "healing", 4, "");
	ledger_fault_event(ledger, 0, "healed", 4, "");
	operation(ledger, oracle, VERB_HEAD, OUTCOME_OK, 0, 1, 7);
	ledger_gate(ledger, 0, "default", "process", now_ns(), now_ns() + 2000000, "");
	ledger_fault_event(ledger, 0, "gated", 4, "");
}

static void make_ledger(bool finished)
{
	struct ledger *ledger;
	struct oracle *oracle = oracle_open(CAN_RANGE);

	assert_int_equal(ledger_create(&ledger, path, NULL), 0);
	ledger_run(ledger, "plan", "x.ini");
	ledger_run(ledger, "seed", "42");
	ledger_run(ledger, "endpoint0", "fe1");
	ledger_run(ledger, "verified", "5");
	ledger_phase(ledger, "boot");
	ledger_phase(ledger, "warmup");
	operation(ledger, oracle, VERB_PUT, OUTCOME_OK, 1, 0, 10);
	operation(ledger, oracle, VERB_GET, OUTCOME_OK, 0, 1, 20);
	one_fault(ledger, oracle);
	ledger_phase(ledger, "quiet");
	operation(ledger, oracle, VERB_GET, OUTCOME_ABSENT, 0, 0, 30);
	ledger_process(ledger, "ds2", 77, now_ns(), now_ns() + 1, 9, "rule");
	ledger_phase(ledger, "end");
	assert_int_equal(ledger_close(ledger, NULL), 0);
	oracle_finish(oracle);
	if (finished)
		assert_int_equal(
			judgement_append(path, "run", oracle, VERDICT_FAIL, "1 violation", NULL),
			0);
	oracle_close(oracle);
}

static void test_what_went_in_comes_out(void **state)
{
	struct report r;
	struct why why = {""};

	(void)state;
	make_ledger(true);
	if (report_read(&r, dir, &why))
		fail_msg("%s", why.text);
	assert_string_equal(r.verdict, "FAIL");
	assert_string_equal(r.seed, "42");
	assert_int_equal(r.ops, 5);
	assert_int_equal(r.ambiguous, 1);
	assert_int_equal(r.traffic[IN_BASELINE][VERB_PUT].attempts, 1);
	assert_true(r.traffic[IN_BASELINE][VERB_GET].p50_ms == 20.0);
	assert_int_equal(r.traffic[IN_FAULT][VERB_PUT].outcome[OUTCOME_AMBIGUOUS], 1);
	assert_int_equal(r.traffic[IN_FAULT][VERB_PUT].answered, 0);
	assert_int_equal(r.traffic[IN_RECOVERY][VERB_HEAD].answered, 1);
	assert_int_equal(r.traffic[IN_QUIET][VERB_GET].outcome[OUTCOME_ABSENT], 1);
	assert_int_equal(r.faults, 2);
	assert_int_equal(r.fault[0].fires, 4);
	assert_true(report_recovery_ns(&r.fault[0]) > 0);
	assert_int_equal(r.fault[0].gates, 1);
	assert_int_equal(r.fault[1].reached_ns, 0);
	assert_int_equal(r.processes, 1);
	assert_true(r.violations >= 1);
	assert_string_equal(r.violation[0].key, "k|1");
	assert_true(r.violation[0].witnesses >= 1);
	assert_string_equal(r.violation[0].witness[0].endpoint, "fe1");
	report_fini(&r);
}

static char *slurp(const char *name)
{
	char file[128], *text = calloc(1, 65536);
	FILE *from;

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	from = fopen(file, "r");
	assert_non_null(from);
	assert_true(fread(text, 1, 65535, from) > 0);
	fclose(from);
	return text;
}

static void test_both_files_are_written(void **state)
{
	struct why why = {""};
	char *markdown, *json;
	json_t *root, *recovery;

	(void)state;
	make_ledger(true);
	if (report_write(dir, &why))
		fail_msg("%s", why.text);
	markdown = slurp("report.md");
	assert_memory_equal(markdown, "# FAIL\n", 7);
	assert_non_null(strstr(markdown, "k\\|1")); /* no cell is cut by a key */
	assert_non_null(strstr(markdown, "not reached"));
	json = slurp("results.json");
	root = json_loads(json, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "verdict")), "FAIL");
	assert_int_equal(json_array_size(json_object_get(root, "faults")), 2);
	recovery = json_array_get(json_object_get(root, "recovery"), 0);
	assert_int_equal(json_array_size(json_object_get(root, "recovery")),
			 1); /* of the reached */
	assert_string_equal(json_string_value(json_object_get(recovery, "kind")), "eio");
	assert_string_equal(json_string_value(json_object_get(recovery, "role")), "ds");
	assert_int_equal(json_integer_value(json_object_get(recovery, "gated")), 1);
	assert_non_null(strstr(markdown, "| eio | ds | 1 | 1 | 1 | "));
	json_decref(root);
	free(markdown);
	free(json);
}

static void test_a_run_that_was_cut_has_a_report_without_a_verdict(void **state)
{
	struct report r;

	(void)state;
	make_ledger(false);
	assert_int_equal(report_read(&r, dir, NULL), 0);
	assert_string_equal(r.verdict, "NONE");
	assert_int_equal(r.violations, 0);
	/* The last answer came 30 ms after it was asked, the last phase began before. */
	assert_true(r.end_ns - r.start_ns >= 30 * 1000000);
	report_fini(&r);
}

static void test_no_ledger_is_an_error(void **state)
{
	struct report r;
	struct why why = {""};

	(void)state;
	assert_true(report_read(&r, "/nonexistent", &why) < 0);
	assert_non_null(strstr(why.text, "/nonexistent/model.sqlite"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_went_in_comes_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_both_files_are_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_run_that_was_cut_has_a_report_without_a_verdict, set_up, tear_down),
		cmocka_unit_test(test_no_ledger_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
