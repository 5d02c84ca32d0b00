/*
 * test_engine_miss.c - a miss is remembered while nothing changes that it depends on, counts as a
 * hit all the same, and is forgotten when the rules or the descriptor change.
 */
#include "tests/unit/engine_support.h"

static int fd; /* no error is made up for one that is closed */

static void name_fd(const char *path, uint64_t known)
{
	fakes[fd] = (struct subject){.path = path, .file = FILE_REG};
	known_as = known;
}

static int write_fd(uint64_t bytes)
{
	struct hit hit = hit_of(CALL_write, fd);

	hit.len = bytes;
	pass(&hit, (int64_t)bytes, 0);
	return hit.err;
}

/* The subject is resolved at the first miss only, and each hit is counted. */
static void a_miss_is_remembered_and_counted(void **state)
{
	(void)state;
	set_rule("a := write:path=*.wal = error(EIO)");
	name_fd("/data/x.log", 7);
	assert_int_equal(write_fd(8), 0);
	unsigned before = resolved;
	for (int i = 0; i < 100; i++)
		assert_int_equal(write_fd(8), 0);
	assert_int_equal(resolved, before);
	assert_int_equal(rule_named("a").hits, 101);
	assert_int_equal(rule_named("a").matches, 0);
	heal();
}

static void another_subject_is_asked_about(void **state)
{
	(void)state;
	set_rule("a := write:path=*.wal = error(EIO)");
	name_fd("/data/x.log", 7);
	for (int i = 0; i < 3; i++)
		assert_int_equal(write_fd(8), 0);
	name_fd("/data/x.wal", 8);
	assert_int_equal(write_fd(8), EIO);
	name_fd("/data/x.log", 7);
	assert_int_equal(write_fd(8), 0);
	/* What is not known is never remembered. */
	name_fd("/data/x.wal", 0);
	assert_int_equal(write_fd(8), EIO);
	heal();
}

static void a_new_rule_is_met(void **state)
{
	(void)state;
	name_fd("/data/x.log", 7);
	set_rule("a := write:path=*.wal = error(EIO)");
	for (int i = 0; i < 3; i++)
		assert_int_equal(write_fd(8), 0);
	set_rule("b := write:path=*.log = error(ENOSPC)");
	assert_int_equal(write_fd(8), ENOSPC);
	set_rule("b := write:path=*.dat = error(ENOSPC)");
	assert_int_equal(write_fd(8), 0);
	set_rule("a := write = error(EPIPE)");
	assert_int_equal(write_fd(8), EPIPE);
	heal();
}

/* Rules whose answer may be another one for the next hit of the same descriptor. */
static void what_may_change_is_asked_each_time(void **state)
{
	static const struct {
		const char *rule;
		uint64_t bytes;
	} cases[] = {
		{"a := write:path=*.log:len>100 = error(EIO)", 200},
		{"a := write:len<8:path=*.log = error(EIO)", 7},
		{"a := write:path=*.log = 3*off->error(EIO)", 8},
		{"a := write:path=*.log = 4@error(EIO)", 8},
		{"a := fsync:path=*.log => write:path=*.log = error(EIO)", 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_rule(cases[i].rule);
		name_fd("/data/x.log", 7);
		for (int n = 0; n < 3; n++)
			assert_int_equal(write_fd(8), 0);
		pass_fd(CALL_fsync, fd);
		assert_int_equal(write_fd(cases[i].bytes), EIO);
		heal();
	}
}

/* What waits for the result misses at the entrance each time. */
static void a_rule_about_the_exit_is_met_each_time(void **state)
{
	(void)state;
	set_rule("a := write:path=*.log:at=exit = print(x)");
	name_fd("/data/x.log", 7);
	for (int i = 0; i < 5; i++)
		assert_int_equal(write_fd(8), 0);
	assert_int_equal(rule_named("a").fires, 5);
	heal();
}

/* A rule whose hold ended without another version: the site is lowered all the same, in time. */
static void a_site_whose_rules_ended_is_lowered(void **state)
{
	(void)state;
	name_fd("/data/x.log", 7);
	set_rule("a := write:path=*.wal:for=1ms = error(EIO)");
	write_fd(8);
	assert_int_not_equal(engine_armed[CALL_write], 0);
	for (int64_t end = deadline(); engine_armed[CALL_write] && now_ns() < end;)
		write_fd(8);
	assert_int_equal(engine_armed[CALL_write], 0);
	heal();
}

static void a_child_asks_for_itself(void **state)
{
	int status = -1;

	(void)state;
	set_rule("a := write:path=*.wal = error(EIO)");
	name_fd("/data/x.log", 7);
	for (int i = 0; i < 3; i++)
		assert_int_equal(write_fd(8), 0);
	pid_t pid = fork();
	if (pid == 0) {
		name_fd("/data/x.wal", 7);
		_exit(write_fd(8));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), EIO);
	heal();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_miss_is_remembered_and_counted),
		cmocka_unit_test(another_subject_is_asked_about),
		cmocka_unit_test(a_new_rule_is_met),
		cmocka_unit_test(what_may_change_is_asked_each_time),
		cmocka_unit_test(a_rule_about_the_exit_is_met_each_time),
		cmocka_unit_test(a_site_whose_rules_ended_is_lowered),
		cmocka_unit_test(a_child_asks_for_itself),
	};

	fd = dup(1);
	return cmocka_run_group_tests(tests, open_plane, close_plane);
}
