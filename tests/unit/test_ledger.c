/*
 * test_ledger.c - what was recorded survives SIGKILL, and an error is kept.
 *
 * A child writes intents and tells each recorded one through a pipe; it is killed in the middle,
 * and every operation that it told must be in the file. A second child may write only so much
 * (RLIMIT_FSIZE, as a full disk would) and must get the same error for ever after.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failkit/control.h"
#include "runner/ledger.h"
#include "runner/ledger_spool.h"

static char folder[64], path[96];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/failkit-ledger-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/model.sqlite", folder);
	return 0;
}

static void remove_ledger(const char *of)
{
	static const char *const endings[] = {"", "-wal", "-shm", "-journal", "-spool0", "-spool1"};
	char file[128];

	for (int i = 0; i < 6; i++) {
		snprintf(file, sizeof(file), "%s%s", of, endings[i]);
		unlink(file);
	}
}

static int tear_down(void **state)
{
	(void)state;
	remove_ledger(path);
	return rmdir(folder);
}

static int64_t ask(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	int64_t answer;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 60000); /* others may open and close it */
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return answer;
}

static struct ledger_intent intent_of(uint64_t op, const char *key)
{
	return (struct ledger_intent){.op = op,
				      .worker = 3,
				      .endpoint = 1,
				      .verb = VERB_PUT,
				      .key = key,
				      .generation = op,
				      .size = 100,
				      .tag = "0123456789abcdef",
				      .inv_ns = 5,
				      .inv_seq = op};
}

static void every_kind_of_row_arrives(void **state)
{
	const struct control_event event = {.sequence = 1, .rule_name = "wal", .node = "ds1"};
	struct ledger_outcome outcome = {.op = 1, .kind = OUTCOME_OK, .status = 201, .sends = 1};
	struct ledger_intent intent = intent_of(1, "k/1/a \"b\"");
	struct ledger *ledger;
	struct why why = {""};

	(void)state;
	assert_int_equal(ledger_create(&ledger, path, &why), 0);
	assert_int_equal(ledger_next_op(ledger), 1);
	assert_int_equal(ledger_intent(ledger, &intent), 0);
	assert_int_equal(ledger_outcome(ledger, &outcome), 0);
	assert_int_equal(ledger_recover(path, NULL), 0); /* it lives: nothing is taken */
	intent = intent_of(2, "");
	assert_int_equal(ledger_intent(ledger, &intent), 0);
	assert_int_equal(ledger_page(ledger, 2, "", "k/9", true, "[[\"k/9\",1,\"\"]]"), 0);
	assert_int_equal(ledger_run(ledger, "seed", "42"), 0);
	assert_int_equal(ledger_run(ledger, "seed", "43"), 0);
	assert_int_equal(ledger_phase(ledger, "chaos"), 0);
	assert_int_equal(ledger_fault(ledger, 0, "wal", "point", NULL, "ack 4", "ds"), 0);
	assert_int_equal(ledger_fault_event(ledger, 0, "applying", 0, NULL), 0);
	assert_int_equal(ledger_fire(ledger, 0, &event), 0);
	assert_int_equal(ledger_gate(ledger, 0, "ds", "port", 1, 2, "met"), 0);
	assert_int_equal(ledger_process(ledger, "ds1", 99, 1, 2, 9, "asked"), 0);
	assert_int_equal(ledger_command(ledger, 1, 2, "ds1", "true", 0, ""), 0);
	assert_int_equal(ledger_metric(ledger, 1, "ds1", "lag", 0.5), 0);
	assert_int_equal(ledger_flush(ledger), 0);
	assert_int_equal(ask("SELECT count(*) FROM metric WHERE value = 0.5"), 1);
	assert_int_equal(ledger_close(ledger, &why), 0);

	assert_int_equal(ask("SELECT object FROM object WHERE key = CAST('k/1/a \"b\"' AS BLOB)"),
			 1);
	assert_int_equal(ask("SELECT count(*) FROM object WHERE length(key) = 0"), 1);
	assert_int_equal(ask("SELECT status FROM outcome WHERE op = 1"), 201);
	assert_int_equal(ask("SELECT more FROM page WHERE last = CAST('k/9' AS BLOB)"), 1);
	assert_int_equal(ask("SELECT value FROM run WHERE key = 'seed'"), 43);
	assert_int_equal(ask("SELECT (SELECT count(*) FROM epoch) + (SELECT count(*) FROM phase)"
			     " + (SELECT count(*) FROM fault) + (SELECT count(*) FROM fire)"
			     " + (SELECT count(*) FROM gate) + (SELECT count(*) FROM process)"
			     " + (SELECT count(*) FROM command)"),
			 7);
}

static void a_file_that_is_there_is_refused(void **state)
{
	struct ledger *ledger;
	struct why why = {""};

	(void)state;
	assert_int_equal(ledger_create(&ledger, path, &why), 0);
	assert_int_equal(ledger_close(ledger, &why), 0);
	assert_int_equal(ledger_create(&ledger, path, &why), -EEXIST);
	assert_non_null(strstr(why.text, path));
}

static struct ledger *shared;
static int told;

static void *write_and_tell(void *arg)
{
	(void)arg;
	for (;;) {
		uint64_t op = ledger_next_op(shared);
		struct ledger_intent intent = intent_of(op, "k/1/7");

		if (ledger_intent(shared, &intent) < 0 ||
		    ledger_metric(shared, 1, "failrun", "op", (double)op) < 0 ||
		    write(told, &op, sizeof(op)) != sizeof(op))
			_exit(1);
	}
	return NULL;
}

static _Noreturn void write_until_killed(int to)
{
	pthread_t thread;

	told = to;
	if (ledger_create(&shared, path, NULL) < 0)
		_exit(1);
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, write_and_tell, NULL);
	write_and_tell(NULL);
	_exit(1);
}

enum { TOLD_MAX = 3000 };

/* Ends it in the middle; how many operations it told, and which. */
static int kill_a_writer(uint64_t ops[TOLD_MAX])
{
	int ends[2], seen = 0;
	uint64_t op;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0)
		write_until_killed(ends[1]);
	close(ends[1]);
	while (seen < 1000 && read(ends[0], &op, sizeof(op)) == sizeof(op))
		ops[seen++] = op;
	kill(pid, SIGKILL);
	while (seen < TOLD_MAX && read(ends[0], &op, sizeof(op)) == sizeof(op))
		ops[seen++] = op;
	close(ends[0]);
	waitpid(pid, NULL, 0);
	assert_true(seen >= 1000);
	return seen;
}

static void what_was_recorded_survives_sigkill(void **state)
{
	uint64_t ops[TOLD_MAX];
	int seen;
	char sql[96];

	(void)state;
	seen = kill_a_writer(ops);
	assert_int_equal(ledger_recover(path, NULL), 0);
	assert_int_equal(ledger_recover(path, NULL), 0);
	assert_true(ask("SELECT count(*) FROM metric") >= seen);
	assert_int_equal(ask("SELECT count(*) - count(DISTINCT value) FROM metric"), 0);
	for (int i = 0; i < seen; i += 37) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM intent WHERE op = %llu",
			 (unsigned long long)ops[i]);
		assert_int_equal(ask(sql), 1);
	}
	assert_true(ask("SELECT count(*) FROM intent") >= seen);
}

static int hold_memory(void *arg)
{
	(void)arg;
	syscall(SYS_close_range, 3, ~0U, 0);
	while (syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0) < 0)
		;
	return 0;
}

/* Tells the pid of another process that has its memory, and none of its files; then it is to be killed.
 */
static _Noreturn void write_one_and_share(int to)
{
	struct ledger_intent intent = intent_of(1, "k/1/7");
	static char stack[65536] __attribute__((aligned(64)));
	pid_t other;

	if (ledger_create(&shared, path, NULL) < 0 || ledger_intent(shared, &intent) < 0)
		_exit(1);
	other = clone(hold_memory, stack + sizeof(stack), CLONE_VM, NULL);
	if (write(to, &other, sizeof(other)) != sizeof(other))
		_exit(1);
	for (;;)
		pause();
}

static void a_dead_run_whose_memory_is_held_is_dead(void **state)
{
	int ends[2];
	pid_t other;
	char end;

	(void)state;
#ifdef __SANITIZE_THREAD__
	print_message("ThreadSanitizer bears no process that shares its memory\n");
	return;
#endif
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0)
		write_one_and_share(ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &other, sizeof(other)), sizeof(other));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(read(ends[0], &end, 1), 0); /* neither has files any more */
	close(ends[0]);
	assert_true(other > 0);
	assert_int_equal(ledger_recover(path, NULL), 0);
	kill(other, SIGKILL);
	assert_int_equal(ask("SELECT count(*) FROM intent"), 1);
}

enum { CHECKERS = 4 };

/* Recovers as soon as the pipe is closed, and looks. */
static _Noreturn void recover_and_count(const int start[2], const char *sql, int to)
{
	int64_t rows;
	char go;

	close(start[1]);
	if (read(start[0], &go, 1) != 0 || ledger_recover(path, NULL))
		_exit(1);
	rows = ask(sql);
	_exit(write(to, &rows, sizeof(rows)) != sizeof(rows));
}

static void who_recovers_at_the_same_moment_sees_all(void **state)
{
	static const char sql[] = "SELECT count(*) FROM intent";
	uint64_t ops[TOLD_MAX];
	int start[2], told_by[2], seen;

	(void)state;
	seen = kill_a_writer(ops);
	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(told_by), 0);
	for (int i = 0; i < CHECKERS; i++)
		if (fork() == 0)
			recover_and_count(start, sql, told_by[1]);
	close(start[0]);
	close(start[1]);
	close(told_by[1]);
	for (int i = 0; i < CHECKERS; i++) {
		int64_t rows = 0;

		assert_int_equal(read(told_by[0], &rows, sizeof(rows)), sizeof(rows));
		assert_true(rows >= seen);
		assert_int_equal(rows, ask(sql));
	}
	close(told_by[0]);
	while (wait(NULL) > 0)
		;
}

static _Noreturn void write_some(void)
{
	struct ledger_intent intent = intent_of(1, "k/1/7");

	if (ledger_create(&shared, path, NULL) < 0 || ledger_intent(shared, &intent) < 0)
		_exit(1);
	_exit(0);
}

/* A spool as its maker leaves it before it has its room. */
static void make_bare(const char *ending)
{
	char file[128];

	snprintf(file, sizeof(file), "%s%s", path, ending);
	FILE *bare = fopen(file, "w");
	assert_non_null(bare);
	fclose(bare);
}

/* Killed while it makes its spools or removes them: each is there before the next, and goes after. */
static void spools_that_are_no_more_or_not_yet_hold_nothing(void **state)
{
	static const struct {
		const char *bare[2];
	} left[] = {{{"-spool0"}}, {{"-spool0", "-spool1"}}};
	struct ledger_left before;
	struct why why = {""};
	int status;

	(void)state;
	pid_t pid = fork();
	if (pid == 0)
		write_some();
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(ledger_recover(path, NULL), 0);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		for (int k = 0; k < 2 && left[i].bare[k]; k++)
			make_bare(left[i].bare[k]);
		if (ledger_recover(path, &why))
			fail_msg("%s", why.text);
		assert_int_equal(ledger_resume(&shared, path, &before, &why), 0);
		assert_int_equal(before.last_op, 1);
		assert_int_equal(ledger_close(shared, &why), 0);
	}
}

/* Exit status 0 when all is as it should be; else the number of what was not. */
static int write_until_full(void)
{
	const struct rlimit limit = {256 << 10, 256 << 10};
	struct ledger *ledger;
	struct why why = {""};
	int rc = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (ledger_create(&ledger, path, &why) < 0)
		return 1;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 2;
	for (int i = 0; i < 100000 && rc == 0; i++) {
		struct ledger_intent intent = intent_of(ledger_next_op(ledger), "k/1/7");
		rc = ledger_intent(ledger, &intent);
	}
	if (rc >= 0)
		return 3;
	if (ledger_error(ledger, &why) != rc || !why.text[0])
		return 4;
	if (ledger_flush(ledger) != rc || ledger_run(ledger, "a", "b") != rc)
		return 5;
	return ledger_close(ledger, &why) == rc && why.text[0] ? 0 : 6;
}

/* As a tool beside the run does: it asks as soon as there is a file. */
static void ask_all_the_time(int runs)
{
	char name[96];
	sqlite3 *db;
	int asked;

	for (int i = 0;; i = i < runs - 1 ? i + 1 : i) {
		snprintf(name, sizeof(name), "%s/%d.sqlite", folder, i);
		do {
			sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE, NULL);
			asked = sqlite3_exec(db, "SELECT count(*) FROM outcome", NULL, NULL, NULL);
			sqlite3_close(db);
		} while (asked != SQLITE_OK);
	}
}

static void who_reads_from_the_first_moment_disturbs_nothing(void **state)
{
	enum { RUNS = 20 };
	char name[96];
	struct why why = {""};
	int failures = 0;

	(void)state;
	pid_t reader = fork();
	if (reader == 0)
		ask_all_the_time(RUNS);
	for (int i = 0; i < RUNS; i++) {
		struct ledger *ledger;
		snprintf(name, sizeof(name), "%s/%d.sqlite", folder, i);
		if (ledger_create(&ledger, name, &why) < 0 || ledger_close(ledger, &why) < 0)
			failures++;
	}
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	for (int i = 0; i < RUNS; i++) {
		snprintf(name, sizeof(name), "%s/%d.sqlite", folder, i);
		remove_ledger(name);
	}
	assert_string_equal(why.text, "");
	assert_int_equal(failures, 0);
}

static void the_first_error_is_kept(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(write_until_full());
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_kind_of_row_arrives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_there_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_recorded_survives_sigkill, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(spools_that_are_no_more_or_not_yet_hold_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_reads_from_the_first_moment_disturbs_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_first_error_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_recovers_at_the_same_moment_sees_all, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_dead_run_whose_memory_is_held_is_dead, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
