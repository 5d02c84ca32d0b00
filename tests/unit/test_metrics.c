/*
 * test_metrics.c - numbers out of a store's answers, out of /proc, and out of the workload; and how
 * the older ones are thinned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/check_ledger.h"
#include "runner/metrics.h"
#include "runner/metrics_impl.h"
#include "runner/operation.h"
#include "runner/process.h"

static const struct {
	const char *answer, *numbers;
} answers[] = {
	{"{\"a\": 1, \"b\": {\"c\": 2.5, \"d\": true}, \"e\": \"text\", \"f\": [1, 2, 3]}",
	 "a=1 b.c=2.5 b.d=1 f=3 "},
	{"{}", ""},
	{"17", ""},
	{"# HELP x\nx 1\ny_total{role=\"ds\",n=\"a b\"} 2.5 1700000000\n\nz 1e3\n",
	 "x=1 y_total{role=\"ds\",n=\"a b\"}=2.5 z=1000 "},
	{"x NaN\ny +Inf\nz\n1 2\n{a} 3\n", ""},
	{"<html>busy</html>", ""},
	{"", ""},
};

static void keep(void *arg, const char *name, double value)
{
	char *text = arg;
	size_t used = strlen(text);

	snprintf(text + used, 256 - used, "%s=%g ", name, value);
}

static void numbers_are_found_in_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		char text[256] = "";

		metrics_parse(answers[i].answer, keep, text);
		assert_string_equal(text, answers[i].numbers);
	}
}

static void a_group_of_processes_is_one(void **state)
{
	const char *const argv[] = {"/bin/sh", "-c", "sleep 60 & sleep 60", NULL};
	struct process_options options = {.argv = argv, .output = -1};
	int64_t deadline_ns = process_now_ns() + INT64_C(30000000000);
	struct metrics_usage usage[2], self;
	pid_t group[2];
	int status;

	(void)state;
	assert_int_equal(process_start(&group[0], &options, NULL), 0);
	group[1] = 0;
	do
		metrics_usage_groups(group, 2, usage);
	while (usage[0].processes < 3 && process_now_ns() < deadline_ns);
	assert_int_equal(usage[0].processes, 3);
	assert_true(usage[0].rss_bytes > 3 * 4096);
	assert_true(usage[0].fds >= 9);
	assert_int_equal(usage[1].processes, 0);
	kill(-group[0], SIGKILL);
	assert_int_equal(process_wait(group[0], -1, &status), 1);
	metrics_usage_self(&self);
	assert_int_equal(self.processes, 1);
	assert_true(self.rss_bytes > 1 << 20);
}

static void latencies_are_told_to_within_an_eighth(void **state)
{
	static struct workload w = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct workload_interval i;

	(void)state;
	for (int64_t ns = 1; ns < INT64_C(1) << 50; ns += ns / 5 + 1) {
		workload_count_recent(&w.recent, OUTCOME_OK, ns);
		workload_interval(&w, &i);
		assert_true(i.max_ns >= ns);
		assert_true(i.max_ns - ns <= ns / 8);
		assert_int_equal(i.p50_ns, i.max_ns);
		assert_int_equal(i.outcome[OUTCOME_OK], 1);
	}
	for (int n = 1; n <= 1000; n++)
		workload_count_recent(&w.recent, OUTCOME_ABSENT, n * 1000000);
	workload_count_recent(&w.recent, OUTCOME_AMBIGUOUS, INT64_C(90000000000));
	workload_interval(&w, &i);
	assert_in_range(i.p50_ns, 500000000, 500000000L * 9 / 8);
	assert_in_range(i.p99_ns, 990000000, 990000000L * 9 / 8);
	assert_in_range(i.max_ns, 1000000000, 1000000000L * 9 / 8);
	assert_int_equal(i.outcome[OUTCOME_AMBIGUOUS], 1);
	workload_interval(&w, &i);
	assert_int_equal(i.max_ns, 0);
}

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

static void of_older_ones_the_extremes_stay(void **state)
{
	char folder[] = "/tmp/failkit-metrics-XXXXXX", path[64], command[64];
	struct ledger *ledger;
	sqlite3 *db;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/model.sqlite", folder);
	assert_int_equal(ledger_create(&ledger, path, NULL), 0);
	/* Two hours of a number each second, as they come. */
	for (int64_t second = 1; second <= 7200; second++) {
		ledger_metric(ledger, second * 1000000000, "ds1", "lag", second % 600);
		if (second % 60 == 0)
			ledger_thin_metrics(ledger, second * 1000000000);
	}
	ledger_flush(ledger);
	assert_int_equal(check_ledger_open(folder, &db, NULL), 0);
	assert_int_equal(number(db, "SELECT max(value) FROM metric"), 599);
	assert_int_equal(number(db, "SELECT min(value) FROM metric"), 0);
	/* 600 s in full and the windows before them, two numbers a minute. */
	assert_in_range(number(db, "SELECT count(*) FROM metric"), 600 + 2 * 105, 600 + 2 * 125);
	sqlite3_close(db);
	ledger_close(ledger, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_found_in_answers),
		cmocka_unit_test(a_group_of_processes_is_one),
		cmocka_unit_test(latencies_are_told_to_within_an_eighth),
		cmocka_unit_test(of_older_ones_the_extremes_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
