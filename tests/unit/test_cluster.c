/*
 * test_cluster.c - nodes start where and as they should, and their ends are told apart.
 *
 * Every test runs in a sandbox of its own on a cluster of small servers (serving.h). Waits have
 * deadlines; nothing is timed.
 */
#include "serving.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#include <sqlite3.h>

#include "runner/cluster.h"
#include "runner/net.h"
#include "runner/ready.h"

static struct cluster *open_recorded(const char *dir, const char *more, struct ledger *ledger,
				     struct plan **plan)
{
	struct cluster_options options = {
		.run_dir = dir, .network = sandbox_network(), .ledger = ledger};
	struct cluster *cluster = NULL;
	struct why why = {""};

	net_open(NULL);
	*plan = serving_plan(dir, more);
	options.plan = *plan;
	CHECK_OK(cluster_open(&cluster, &options, &why), why);
	return cluster;
}

static struct cluster *open_cluster(const char *dir, const char *more, struct plan **plan)
{
	return open_recorded(dir, more, NULL, plan);
}

static void close_cluster(struct cluster *cluster, struct plan *plan)
{
	cluster_close(cluster);
	plan_free(plan);
}

static int64_t soon(void)
{
	return process_now_ns() + INT64_C(60000000000);
}

static int start_all(const char *dir)
{
	struct why why = {""};
	struct plan *plan;
	struct cluster *cluster = open_cluster(dir, "", &plan);
	static const char *const names[] = {"ms1", "ds1", "ds2", "ds3"};
	char path[PATH_MAX];

	CHECK_OK(cluster_start(cluster, &why), why);
	CHECK(cluster_nodes(cluster) == 4);
	for (int i = 0; i < 4; i++) {
		struct node *node = cluster_node(cluster, i);

		CHECK(strcmp(node->name, names[i]) == 0);
		CHECK(node->address == 0x7f000001 + (uint32_t)i);
		CHECK(node->state == NODE_UP);
		CHECK(node->spare == (i == 3));
		CHECK(node_alive(cluster, node));
		CHECK(getpgid(node->pid) == node->pid);
		CHECK(ready_connects(node->address, 7000, INT64_C(1000000000)));
		snprintf(path, sizeof(path), "%s/nodes/%s.log", dir, node->name);
		CHECK(access(path, R_OK) == 0);
	}
	CHECK(cluster_find(cluster, "ds3") == cluster_node(cluster, 3));
	CHECK(!cluster_find(cluster, "ds4"));
	close_cluster(cluster, plan);
	return 0;
}

static void every_node_has_an_address_a_folder_and_a_log(void **state)
{
	(void)state;
	in_sandbox(start_all);
}

static int stop_kill_pause(const char *dir)
{
	struct why why = {""};
	struct plan *plan;
	struct cluster *cluster = open_cluster(dir, "stop-limit = 100ms\n", &plan);
	struct node *node = cluster_node(cluster, 1);

	CHECK_OK(cluster_start(cluster, &why), why);
	CHECK_OK(node_pause(cluster, node, &why), why);
	CHECK(node->state == NODE_PAUSED);
	CHECK(process_group_is(node->pid, 'T'));
	CHECK(node_alive(cluster, node));
	CHECK(ready_ask("http://127.0.0.2:7000/", 100000000, NULL) == -EAGAIN);
	CHECK_OK(node_continue(cluster, node, &why), why);
	CHECK_OK(node_wait_ready(cluster, node, soon(), &why), why);

	CHECK(node_start(cluster, node, &why) == -EALREADY);
	CHECK_OK(node_pause(cluster, node, &why), why);
	CHECK_OK(node_stop(cluster, node, &why), why);
	CHECK(node->state == NODE_STOPPED && node->pid == 0);
	CHECK_OK(node_stop(cluster, node, &why), why);
	CHECK(node_pause(cluster, node, &why) == -ESRCH);

	write_text(node->dir, "stubborn", "");
	CHECK_OK(node_start(cluster, node, &why), why);
	CHECK_OK(node_wait_ready(cluster, node, soon(), &why), why);
	CHECK_OK(node_stop(cluster, node, &why), why);
	CHECK(node->state == NODE_STOPPED);

	CHECK_OK(node_start(cluster, node, &why), why);
	CHECK_OK(node_wait_ready(cluster, node, soon(), &why), why);
	CHECK_OK(node_kill(cluster, node, &why), why);
	CHECK(node->state == NODE_STOPPED && node->crashes == 0 && node->starts == 3);
	close_cluster(cluster, plan);
	return 0;
}

static void nodes_stop_pause_and_start_again(void **state)
{
	(void)state;
	in_sandbox(stop_kill_pause);
}

static void kill_all(struct cluster *cluster)
{
	for (int i = 0; i < cluster_nodes(cluster); i++)
		CHECK_OK(node_kill(cluster, cluster_node(cluster, i), NULL), (struct why){""});
}

/* What the closed ledger says of a process that outlived all nodes; 0: nothing. */
static int recorded_survivor(const char *path)
{
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;
	int pid = 0;

	CHECK(sqlite3_open(path, &db) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(db, "SELECT value FROM run WHERE key = 'survivor'", -1, &s,
				 NULL) == SQLITE_OK);
	if (sqlite3_step(s) == SQLITE_ROW)
		pid = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return pid;
}

/* A restart of everything, with and without a child of a node that is in no group of ours. */
static int outlive(const char *dir, bool leaves)
{
	struct why why = {""};
	struct ledger *ledger = NULL;
	struct cluster *cluster;
	struct plan *plan;
	struct node *node;
	char path[PATH_MAX];
	int survivor;

	snprintf(path, sizeof(path), "%s/model.sqlite", dir);
	CHECK_OK(ledger_create(&ledger, path, &why), why);
	cluster = open_recorded(dir, "", ledger, &plan);
	CHECK_OK(cluster_start(cluster, &why), why);
	kill_all(cluster);
	node = cluster_node(cluster, 1);
	if (leaves)
		write_text(node->dir, "leaves", "");
	CHECK_OK(node_start(cluster, node, &why), why);
	CHECK_OK(node_wait_ready(cluster, node, soon(), &why), why);
	kill_all(cluster);
	CHECK_OK(node_start(cluster, cluster_node(cluster, 0), &why), why);
	close_cluster(cluster, plan);
	CHECK_OK(ledger_close(ledger, &why), why);
	survivor = recorded_survivor(path);
	CHECK(leaves ? survivor > 0 && kill(survivor, 0) == 0 : survivor == 0);
	return 0;
}

static int outlive_nothing(const char *dir)
{
	return outlive(dir, false);
}

static int outlive_all(const char *dir)
{
	return outlive(dir, true);
}

static void who_left_the_group_of_its_node_is_seen(void **state)
{
	(void)state;
	in_sandbox(outlive_nothing);
	in_sandbox(outlive_all);
}

static int crash(const char *dir)
{
	struct why why = {""};
	struct plan *plan;
	struct cluster *cluster = open_cluster(dir, "", &plan);
	struct node *node = cluster_node(cluster, 2);
	int64_t deadline_ns = soon();

	CHECK_OK(cluster_start(cluster, &why), why);
	kill(node->pid, SIGSEGV);
	while (node->state == NODE_UP && process_now_ns() < deadline_ns) {
		cluster_reap(cluster);
		poll(NULL, 0, 5);
	}
	CHECK(node->state == NODE_CRASHED);
	CHECK(node->crashes == 1);
	CHECK_OK(node_start(cluster, node, &why), why);
	CHECK_OK(node_wait_ready(cluster, node, soon(), &why), why);
	close_cluster(cluster, plan);
	return 0;
}

static void an_end_that_nobody_asked_for_is_a_crash(void **state)
{
	(void)state;
	in_sandbox(crash);
}

/* The interposer that was built with this test. */
static void find_preload(void)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%.*s/../libfailpreload.so",
		 (int)(strrchr(own_path, '/') - own_path), own_path);
	setenv("FAILKIT_PRELOAD", path, 1);
}

static int kill_by_rule(const char *dir)
{
	struct why why = {""};
	struct control *control = NULL;
	struct cluster_options options = {.run_dir = dir, .network = sandbox_network()};
	struct cluster *cluster = NULL;
	struct plan *plan = serving_plan(dir, "[role zz]\ninject = no\nready = tcp://{addr}:9\n"
					      "command = sh -c 'echo preload=$LD_PRELOAD.'\n");
	struct node *node;
	int64_t deadline_ns = soon();

	find_preload();
	CHECK_OK(net_open(&why), why);
	CHECK_OK(control_create(&control, NULL, &(struct control_options){.seed = 1}, &why), why);
	options.plan = plan;
	options.control = control;
	CHECK_OK(cluster_open(&cluster, &options, &why), why);
	for (int i = 0; i < 4; i++) {
		node = cluster_node(cluster, i);
		CHECK_OK(node_start(cluster, node, &why), why);
		CHECK_OK(node_wait_ready(cluster, node, soon(), &why), why);
	}
	CHECK(control_seen_calls(control, "ds1"));
	CHECK_OK(control_set(control, "%send:node=ds2 = 1*kill", 0, NULL, NULL, &why), why);
	node = cluster_find(cluster, "ds2");
	while (node->state == NODE_UP && process_now_ns() < deadline_ns) {
		ready_ask("http://127.0.0.3:7000/", INT64_C(100000000), NULL);
		cluster_reap(cluster);
	}
	CHECK(node->state == NODE_DOWN);
	CHECK(node->crashes == 0);
	CHECK(cluster_find(cluster, "ds1")->state == NODE_UP);
	node = cluster_find(cluster, "zz1");
	CHECK_OK(node_start(cluster, node, &why), why);
	CHECK(node_wait_ready(cluster, node, soon(), &why) == -ECHILD);
	CHECK(strstr(why.text, "\"preload=.\""));
	close_cluster(cluster, plan);
	control_unlink(control);
	control_close(control);
	return 0;
}

static void an_end_by_a_rule_is_no_crash(void **state)
{
	(void)state;
	in_sandbox(kill_by_rule);
}

/* Starts a cluster with this in [role ds], which must fail with these words. */
static int must_fail(const char *dir, const char *more, int code, const char *words)
{
	struct why why = {""};
	struct plan *plan;
	struct cluster *cluster = open_cluster(dir, more, &plan);
	int r = cluster_start(cluster, &why);

	if (r != code || !strstr(why.text, words)) {
		fprintf(stderr, "%d, %s\n", r, why.text);
		failed_checks++;
	}
	close_cluster(cluster, plan);
	return 0;
}

static int end_early(const char *dir)
{
	return must_fail(dir,
			 "[role zz]\nready = tcp://{addr}:1\n"
			 "command = sh -c 'echo no disk today; exit 3'\n",
			 -ECHILD, "zz1 ended before it was ready; its log ends: \"no disk today\"");
}

static int never_ready(const char *dir)
{
	return must_fail(dir,
			 "[role zz]\nready = tcp://{addr}:1\ncommand = sleep 100\n"
			 "ready-limit = 50ms\n",
			 -ETIMEDOUT, "tcp://127.0.0.5:1 accepts no connection");
}

static int no_program(const char *dir)
{
	return must_fail(dir, "[role zz]\nready = tcp://{addr}:1\ncommand = /nowhere/zz {dir}\n",
			 -ENOENT,
			 "zz1: \"/nowhere/zz\" does not start: exec: No such file or directory");
}

static int bad_setup(const char *dir)
{
	return must_fail(dir, "setup = echo at {node}; exit 4\n", -EPROTO,
			 "ds1: setup \"echo at ds1; exit 4\" exited with status 4: at ds1");
}

static int busy_port(const char *dir)
{
	return must_fail(dir, "[role zz]\nready = tcp://127.0.0.1:7000\ncommand = sleep 100\n",
			 -EADDRINUSE, "zz1: something answers at tcp://127.0.0.1:7000 before");
}

static void failed_starts_say_why(void **state)
{
	(void)state;
	in_sandbox(end_early);
	in_sandbox(never_ready);
	in_sandbox(no_program);
	in_sandbox(bad_setup);
	in_sandbox(busy_port);
}

static int full_disk(const char *dir)
{
	struct why why = {""};
	struct plan *plan;
	struct cluster *cluster =
		open_cluster(dir, "disk = 1M\nsetup = echo {index} > health\n", &plan);
	struct node *node = cluster_node(cluster, 1);
	struct statvfs disk;
	char path[PATH_MAX];
	static char megabyte[1 << 20];
	int fd;

	CHECK_OK(cluster_start(cluster, &why), why);
	CHECK(statvfs(node->dir, &disk) == 0 && disk.f_blocks * disk.f_frsize == 1 << 20);
	snprintf(path, sizeof(path), "%s/fill", node->dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(write(fd, megabyte, sizeof(megabyte)) < (ssize_t)sizeof(megabyte));
	CHECK(write(fd, megabyte, sizeof(megabyte)) == -1 && errno == ENOSPC);
	close(fd);
	/* The disk and what setup put there outlast the process. */
	CHECK_OK(node_kill(cluster, node, &why), why);
	CHECK_OK(node_start(cluster, node, &why), why);
	CHECK_OK(node_wait_ready(cluster, node, soon(), &why), why);
	CHECK(access(path, F_OK) == 0);
	close_cluster(cluster, plan);
	return 0;
}

static void a_disk_of_its_own_can_be_full(void **state)
{
	(void)state;
	in_sandbox(full_disk);
}

static void what_was_on_a_disk_is_kept(void **state)
{
	char *dir = folder_make(), path[PATH_MAX];
	pid_t guardian = sandbox_start(NET_PRIVATE, dir, full_disk);
	int status;

	(void)state;
	assert_int_equal(waitpid(guardian, &status, 0), guardian);
	assert_int_equal(status, 0);
	snprintf(path, sizeof(path), "%s/nodes/ds1/fill", dir);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/nodes/ds3/health", dir);
	assert_int_equal(access(path, F_OK), 0);
	folder_remove(dir);
}

static int other_user(const char *dir)
{
	struct why why = {""};
	struct plan *plan;
	struct cluster *cluster = open_cluster(dir, "user = nobody\n", &plan);
	struct node *node = cluster_node(cluster, 1);
	char path[64];
	struct stat st;

	CHECK_OK(cluster_start(cluster, &why), why);
	snprintf(path, sizeof(path), "/proc/%d", (int)node->pid);
	CHECK(stat(path, &st) == 0 && st.st_uid == 65534);
	CHECK(stat(node->dir, &st) == 0 && st.st_uid == 65534);
	close_cluster(cluster, plan);
	return 0;
}

static void root_starts_nodes_as_other_users(void **state)
{
	(void)state;
	if (getuid() == 0)
		in_sandbox(other_user);
	else
		assert_int_equal(process_user_find(&(struct process_user){0}, "root", NULL),
				 -EPERM);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_node_has_an_address_a_folder_and_a_log),
		cmocka_unit_test(nodes_stop_pause_and_start_again),
		cmocka_unit_test(who_left_the_group_of_its_node_is_seen),
		cmocka_unit_test(an_end_that_nobody_asked_for_is_a_crash),
		cmocka_unit_test(an_end_by_a_rule_is_no_crash),
		cmocka_unit_test(failed_starts_say_why),
		cmocka_unit_test(a_disk_of_its_own_can_be_full),
		cmocka_unit_test(what_was_on_a_disk_is_kept),
		cmocka_unit_test(root_starts_nodes_as_other_users),
	};

	serve_if_asked(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
