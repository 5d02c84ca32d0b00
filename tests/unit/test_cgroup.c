/*
 * test_cgroup.c - a node under a limit, and nothing of it afterwards.
 *
 * Goal: a process group is moved into a group of its own, which has the files of its controller and
 * is gone when it is removed, with its processes back where they were; what a dead run left is
 * swept, what a living one has is not. Method: a sleeping child. Where no group can be made, that is
 * told by name, and nothing else can be shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/cgroup.h"
#include "runner/sandbox_sweep.h"

static bool can_make(const char *controller)
{
	struct why why = {""};

	if (cgroup_check(controller, &why) == 0)
		return true;
	if (geteuid() == 0 && access("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", W_OK) == 0)
		fail_msg("%s", why.text);
	assert_non_null(strstr(why.text, "cgroup"));
	return false;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	return pid;
}

static bool holds(const struct cgroup *g, pid_t pid)
{
	char path[PATH_MAX];
	int held, found = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/cgroup.procs", g->path);
	file = fopen(path, "re");
	while (file && !found && fscanf(file, "%d", &held) == 1)
		found = held == pid;
	if (file)
		fclose(file);
	return found;
}

static void test_a_group_takes_a_node_and_gives_it_back(void **state)
{
	static const char *const controllers[] = {"cpu", "memory"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct cgroup g = {.path = ""};
		char path[sizeof(g.path)];
		pid_t pid;

		if (!can_make(controllers[i]))
			continue;
		pid = sleeper();
		assert_int_equal(cgroup_make(&g, controllers[i], NULL), 0);
		strcpy(path, g.path);
		assert_int_equal(cgroup_take(&g, pid, NULL), 0);
		assert_true(holds(&g, pid));
		assert_true(cgroup_set(&g, "no-such-file", "1", NULL) < 0);
		assert_int_equal(cgroup_remove(&g, NULL), 0);
		assert_int_equal(access(path, F_OK), -1);
		assert_int_equal(kill(pid, 0), 0); /* it lives on */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void test_a_controller_that_is_not_there_is_told(void **state)
{
	struct why why = {""};
	struct cgroup g;

	(void)state;
	assert_true(cgroup_make(&g, "quantum", &why) < 0);
	assert_non_null(strstr(why.text, "\"quantum\""));
}

static void test_what_a_dead_run_left_is_swept(void **state)
{
	char mine[sizeof(((struct cgroup *)0)->path)], dead[sizeof(mine) + 8];
	struct cgroup g = {.path = ""};
	char *mark;

	(void)state;
	if (!can_make("cpu"))
		return;
	assert_int_equal(cgroup_make(&g, "cpu", NULL), 0);
	strcpy(mine, g.path);
	/* The same process, which began at another time: it is no more. */
	mark = strchr(strrchr(mine, '/'), ':');
	snprintf(dead, sizeof(dead), "%.*s:1%s", (int)(mark - mine), mine, strchr(mark + 1, ':'));
	assert_int_equal(mkdir(dead, 0755), 0);
	cgroup_sweep(0);
	assert_int_equal(access(dead, F_OK), -1);
	assert_int_equal(access(mine, F_OK), 0);
	cgroup_sweep(1);
	assert_int_equal(access(mine, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_group_takes_a_node_and_gives_it_back),
		cmocka_unit_test(test_a_controller_that_is_not_there_is_told),
		cmocka_unit_test(test_what_a_dead_run_left_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
