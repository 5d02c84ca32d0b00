/*
 * What a site remembers about the rules that could meet its hits is never older than the plane: a
 * rule that is set, replaced or removed is met, or not, by the next hit, in every process.
 */
#include "engine_support.h"

enum { REPLACED = 3000 };

static _Atomic bool done;

static void *pass_until_done(void *missed)
{
	while (!done)
		if (pass_fd(CALL_fsync, 1) == 0)
			++*(unsigned *)missed;
	return NULL;
}

static void replace_under_hits(bool full)
{
	unsigned missed[2] = {0, 0};
	pthread_t thread[2];

	done = false;
	for (int i = full ? 1 : RULE_LIVE_MAX; i < RULE_LIVE_MAX; i++)
		set_rule("read = off");
	set_rule("x := fsync = error(EIO)");
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, pass_until_done, &missed[i]), 0);
	for (int i = 0; i < REPLACED; i++)
		set_rule(i % 2 ? "x := fsync = error(EIO)" : "x := fsync = error(ENOSPC)");
	done = true;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(missed[0] + missed[1], 0);
	heal();
}

static void a_hit_meets_a_replaced_rule_or_its_successor(void **state)
{
	(void)state;
	replace_under_hits(false);
}

/* However many rules there are: one always fits beside the one that it replaces. */
static void on_a_full_plane_too(void **state)
{
	(void)state;
	replace_under_hits(true);
}

static void setting_and_removing_is_seen_by_the_next_hit(void **state)
{
	(void)state;
	set_rule("keeps := fsync:path=/never = error(EIO)");
	for (int i = 0; i < 100; i++) {
		assert_int_equal(pass_fd(CALL_fsync, 1), 0);
		set_rule("x := fsync = error(EIO)");
		assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
		assert_int_equal(control_remove(control, "x", deadline(), &why), 0);
	}
	heal();
}

/* Seven are remembered, sixteen found at once. */
static void however_many_there_are_each_is_met(void **state)
{
	char text[64];

	(void)state;
	for (int n = 1; n < 20; n++) {
		snprintf(text, sizeof(text), "n%d := fsync = print(\"x\")", n);
		set_rule(text);
		pass_fd(CALL_fsync, 1);
		pass_fd(CALL_fsync, 1);
		for (int i = 1; i <= n; i++) {
			snprintf(text, sizeof(text), "n%d", i);
			assert_int_equal(rule_named(text).fires, 2 * (n - i + 1));
		}
	}
	heal();
}

static void a_child_has_its_own(void **state)
{
	char text[64];
	int status;
	pid_t pid;

	(void)state;
	snprintf(text, sizeof(text), "fsync:pid=%d = error(EIO)", (int)getpid());
	set_rule(text);
	set_rule("fsync = print(\"both\")");
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	pid = fork();
	if (pid == 0)
		_exit(pass_fd(CALL_fsync, 1) == 0 && pass_fd(CALL_fsync, 1) == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	heal();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hit_meets_a_replaced_rule_or_its_successor),
		cmocka_unit_test(on_a_full_plane_too),
		cmocka_unit_test(setting_and_removing_is_seen_by_the_next_hit),
		cmocka_unit_test(however_many_there_are_each_is_met),
		cmocka_unit_test(a_child_has_its_own),
	};

	return cmocka_run_group_tests(tests, open_plane, close_plane);
}
