/*
 * test_cgroup.c - a node under a limit, and nothing of it afterwards.
 *
 * Goal: a process group is moved into a group of its own, which has the files of its controller and
 * is gone when it is removed, with its processes back where they were; what a dead run left is
 * swept, what a living one has is not. Method: a sleeping child. Where no group can be made, that is
 * told by name, and nothing else can be shown.
 *
 * Hierarchy 2 is mounted for a child alone, with whatever controllers the machine leaves to it: the
 * ways of groups and processes are the same for each. Which limit is written where, and read from
 * where, is shown for both hierarchies on files in a folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
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

/* The first controller of hierarchy 2, alone in a mount namespace of ours; "" where it has none. */
static int mount_second(const char *dir, char controller[32])
{
	char path[PATH_MAX];
	FILE *file;

	*controller = 0;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", dir, "cgroup2", 0, NULL))
		return -1;
	snprintf(path, sizeof(path), "%s/cgroup.controllers", dir);
	file = fopen(path, "re");
	if (file && fscanf(file, "%31s", controller) != 1)
		*controller = 0;
	if (file)
		fclose(file);
	return 0;
}

/* Is the controller enabled for groups below the root? With "+" or "-": could it be made so? */
static bool enables(const char *dir, const char *controller, const char *change)
{
	char command[2 * PATH_MAX];

	if (*change)
		snprintf(command, sizeof(command), "echo %s%s >'%s/cgroup.subtree_control'", change,
			 controller, dir);
	else
		snprintf(command, sizeof(command), "grep -qw %s '%s/cgroup.subtree_control'",
			 controller, dir);
	return system(command) == 0;
}

/* In a child: 0, or the number of what was not as it should be. */
static int use_second(const char *dir, const char *controller)
{
	struct cgroup g = {.path = ""}, home;
	char path[sizeof(g.path)];
	struct why why = {""};
	pid_t pid;
	int wrong;

	if (cgroup_make(&g, controller, &why)) {
		fprintf(stderr, "hierarchy 2 is not ours: %s\n", why.text);
		return 0;
	}
	strcpy(path, g.path);
	home = g;
	strcpy(home.path, g.home);
	pid = sleeper();
	wrong = g.version != 2                                                   ? 2
		: !enables(dir, controller, "") && enables(dir, controller, "+") ? 3
		: cgroup_take(&g, pid, NULL)                                     ? 4
		: !holds(&g, pid)                                                ? 5
		: cgroup_remove(&g, NULL)                                        ? 6
		: !access(path, F_OK)                                            ? 7
		: !holds(&home, pid)                                             ? 8
										 : 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cgroup_remove(&g, NULL);
	return wrong;
}

/* The machine is left as it was. */
static int try_second(const char *dir)
{
	char controller[32];
	bool had;
	int wrong;

	if (mount_second(dir, controller)) {
		perror("no hierarchy 2 of our own");
		return 0;
	}
	if (!*controller) {
		fprintf(stderr, "hierarchy 2 has no controller here\n");
		return 0;
	}
	had = enables(dir, controller, "");
	wrong = use_second(dir, controller);
	if (!had)
		enables(dir, controller, "-");
	return wrong;
}

static void test_the_second_hierarchy_takes_a_node_and_gives_it_back(void **state)
{
	char dir[] = "/tmp/failkit-cgroup-XXXXXX";
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0) {
		print_message("hierarchy 2 is not mounted: not root\n");
		return;
	}
	assert_non_null(mkdtemp(dir));
	pid = fork();
	if (pid == 0)
		_exit(try_second(dir));
	waitpid(pid, &status, 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(status, 0);
}

static void put_file(const struct cgroup *g, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", g->path, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* What it has, which is removed. */
static void take_file(const struct cgroup *g, const char *name, char text[64])
{
	char path[PATH_MAX];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", g->path, name);
	file = fopen(path, "re");
	assert_non_null(file);
	n = fread(text, 1, 63, file);
	text[n] = 0;
	fclose(file);
	unlink(path);
}

static void test_each_hierarchy_has_files_of_its_own(void **state)
{
	static const struct {
		int version;
		const char *cpu, *quarter, *least, *memory;
		const char *full, *full_text;
	} kinds[] = {
		{1, "cpu.cfs_quota_us", "25000", "1000", "memory.limit_in_bytes", "memory.failcnt",
		 "7\n"},
		{2, "cpu.max", "25000 100000", "1000 100000", "memory.max", "memory.events",
		 "low 1\nhigh 2\nmax 7\noom 3\n"},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct cgroup g = {.path = "/tmp/failkit-cgroup-XXXXXX",
				   .version = kinds[i].version};

		assert_non_null(mkdtemp(g.path));
		assert_true(cgroup_limit_cpu(&g, 0.25, NULL) < 0); /* no file is made */
		put_file(&g, kinds[i].cpu, "");
		assert_int_equal(cgroup_limit_cpu(&g, 0.25, NULL), 0);
		take_file(&g, kinds[i].cpu, text);
		assert_string_equal(text, kinds[i].quarter);
		put_file(&g, kinds[i].cpu, "");
		assert_int_equal(cgroup_limit_cpu(&g, 0.0001, NULL), 0);
		take_file(&g, kinds[i].cpu, text);
		assert_string_equal(text, kinds[i].least);
		put_file(&g, kinds[i].memory, "");
		assert_int_equal(cgroup_limit_memory(&g, 64 << 20, NULL), 0);
		take_file(&g, kinds[i].memory, text);
		assert_string_equal(text, "67108864");
		assert_true(cgroup_memory_full(&g) < 0);
		put_file(&g, kinds[i].full, kinds[i].full_text);
		assert_int_equal(cgroup_memory_full(&g), 7);
		take_file(&g, kinds[i].full, text);
		put_file(&g, "cpu.stat", "usage_usec 9\nnr_periods 12\nnr_throttled 3\n");
		assert_int_equal(cgroup_cpu_periods(&g), 12);
		take_file(&g, "cpu.stat", text);
		assert_int_equal(rmdir(g.path), 0);
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
		cmocka_unit_test(test_the_second_hierarchy_takes_a_node_and_gives_it_back),
		cmocka_unit_test(test_each_hierarchy_has_files_of_its_own),
		cmocka_unit_test(test_a_controller_that_is_not_there_is_told),
		cmocka_unit_test(test_what_a_dead_run_left_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
