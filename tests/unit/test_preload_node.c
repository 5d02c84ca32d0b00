/*
 * test_preload_node.c - a node is an address: a process of a node that has one connects from it,
 * whether rules are there or not; a process of a node without one connects as ever.
 *
 * Only a controller can give a node an address, so this starts tests/preload/victim_truths by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "failkit/control.h"

#define NODE_ADDRESS     UINT32_C(0x7f000007) /* 127.0.0.7 */
#define LISTENER_ADDRESS UINT32_C(0x7f000001)

static char folder[] = "/tmp/failkit-node-XXXXXX";
static struct control *control;
static struct why why;

static const char *built(const char *name)
{
	static char path[4096];
	const char *build = getenv("FAILKIT_BUILD");

	snprintf(path, sizeof(path), "%s/%s", build ? build : "build/plain", name);
	return path;
}

/* What the victim says of a truth as a process of this node. */
static void run_victim(const char *node, const char *truth, char *out, size_t size)
{
	char library[4096];
	char **environment;
	int pipes[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_non_null(realpath(built("libfailpreload.so"), library));
	environment = control_environment(control, node, library, environ, &why);
	assert_non_null(environment);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		const char *victim = built("victim/victim_truths");

		dup2(pipes[1], 1);
		execle(victim, victim, truth, NULL, environment);
		_exit(127);
	}
	close(pipes[1]);
	while ((n = read(pipes[0], out + used, size - used - 1)) > 0)
		used += (size_t)n;
	out[used] = 0;
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	control_environment_free(environment);
}

static void a_node_connects_from_its_address(void **state)
{
	char said[256];

	(void)state;
	run_victim("fe1", "node", said, sizeof(said));
	assert_string_equal(said, "connect 0\nerrno untouched\npeer 127.0.0.7\n");
}

static void so_it_does_under_a_rule(void **state)
{
	char said[256];

	(void)state;
	assert_int_equal(control_set(control, "off := connect = off", 0, NULL, NULL, &why), 0);
	run_victim("fe1", "node", said, sizeof(said));
	assert_int_equal(control_remove(control, "off", -1, &why), 0);
	assert_string_equal(said, "connect 0\nerrno untouched\npeer 127.0.0.7\n");
}

static void a_node_without_an_address_does_not(void **state)
{
	char said[256];

	(void)state;
	run_victim("db", "node", said, sizeof(said));
	assert_string_equal(said, "connect 0\nerrno untouched\npeer 127.0.0.1\n");
}

static void a_rule_about_a_link_knows_both_ends(void **state)
{
	char said[256];

	(void)state;
	assert_int_equal(control_set(control, "connect:link=fe1>ms1 = refuse", 0, NULL, NULL, &why),
			 0);
	run_victim("db", "node", said, sizeof(said));
	assert_string_equal(said, "connect 0\nerrno untouched\npeer 127.0.0.1\n");
	run_victim("fe1", "refuse", said, sizeof(said));
	assert_string_equal(said, "connect -1 ECONNREFUSED\n");
}

static int make_plane(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	setenv("FAILKIT_DIR", folder, 1);
	if (control_create(&control, NULL, &(struct control_options){.owner = (uid_t)-1}, &why) ||
	    control_node(control, "fe1", "fe", NODE_ADDRESS, &why) ||
	    control_node(control, "ms1", "ms", LISTENER_ADDRESS, &why) ||
	    control_node(control, "db", "db", 0, &why))
		return -1;
	return 0;
}

static int remove_plane(void **state)
{
	(void)state;
	control_unlink(control);
	control_close(control);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_connects_from_its_address),
		cmocka_unit_test(so_it_does_under_a_rule),
		cmocka_unit_test(a_node_without_an_address_does_not),
		cmocka_unit_test(a_rule_about_a_link_knows_both_ends),
	};

	return cmocka_run_group_tests(tests, make_plane, remove_plane);
}
